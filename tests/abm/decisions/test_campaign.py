"""Campaigns of a stance: who takes part, who may, who is committed, and who stops."""

import numpy as np
import pytest

from abm.decisions import Campaign, DecisionParameters, decision_rule
from learners.errors import InputError
from learners.parameters import parsed

EVERYBODY = {"rule": "threshold", "regime": "synchronous"}
USERS = 40


def everybody_willing(people, stance, **groups):
    decision = EVERYBODY | {"stance": stance} | groups.pop("decision", {})
    return people(USERS, decision, thresholds=np.zeros(USERS), **groups)


def names(model):
    return [model.stances.names[code] for code in model.population.stance]


@pytest.mark.parametrize(
    "stance", ["strike", "cdc", "cdc_delete", "boycott", "boycott_leave", "strike_withhold"]
)
def test_the_stance_is_the_campaigns(people, stance):
    model = everybody_willing(people, stance, policy={"portability_success": 1.0})
    model.step()
    assert set(names(model)) == {stance}
    assert model.ticks[-1]["participation"] == 1


def test_poison_can_be_the_stance(few_digits, society):
    decision = EVERYBODY | {"stance": "poison:label_flip"}
    model = society(
        few_digits, decision=decision, population={"threshold": {"kind": "constant", "value": 0.0}}
    )
    model.step()
    assert set(names(model)) == {"poison:label_flip"}
    with pytest.raises(InputError, match=r"^stance 'poison:random_vandal' is not one of [^\n]*$"):
        society(few_digits, decision=EVERYBODY | {"stance": "poison:random_vandal"})


@pytest.mark.parametrize("stance", ["stay", "sabotage"])
def test_what_is_no_campaign(people, stance):
    with pytest.raises(
        InputError, match=rf"^decision\.threshold\.stance: [^\n]*'{stance}' is not one of strike_w"
    ):
        people(USERS, EVERYBODY | {"stance": stance})


@pytest.mark.parametrize("regime", ["synchronous", "interest_ascending"])
def test_nobody_joins_against_the_law(people, regime):
    decision = {"regime": regime}
    model = everybody_willing(people, "strike", policy={"deletion_right": False}, decision=decision)
    model.step()
    assert set(names(model)) == {"stay"}
    assert model.ticks[-1]["participation"] == 0


def test_contributions_can_be_refused(people):
    model = everybody_willing(people, "cdc", policy={"portability_success": 0.5})
    model.step()
    first = model.ticks[-1]["share_cdc"]
    assert 0 < first < 1
    for _ in range(12):
        model.step()
    assert model.ticks[-1]["share_cdc"] > 0.95


@pytest.mark.parametrize("revocation_right", [False, True])
def test_a_copy_at_small_co_outlasts_another_campaign(people, prescribed, revocation_right):
    """Who has contributed strikes without taking the copy back, takes part, and stops as a contributor."""
    model = people(USERS, prescribed({1: {"cdc": range(10)}}), policy={"revocation_right": revocation_right})
    model.step()
    strikes = EVERYBODY | {"ratchet": False}
    model.rule = rule = decision_rule(parsed(DecisionParameters, strikes, "decision"))
    rule._stance, rule._seeds = model.stances.code("strike"), np.zeros(USERS, np.bool_)
    model.population.threshold = np.zeros(USERS)
    model.step()
    assert names(model) == ["cdc_delete"] * 10 + ["strike"] * 30
    campaign = Campaign(model._information(), model.stances.code("strike"))
    assert campaign.members == USERS
    assert campaign.resources == pytest.approx(1)
    model.population.threshold = np.full(USERS, 2.0)
    model.step()
    assert names(model) == ["cdc"] * 10 + ["stay"] * 30


def test_who_does_more_than_is_asked_takes_part(people, prescribed):
    moves = {
        "cdc": [0],
        "strike": [1, 2],
        "cdc_delete": [3],
        "boycott": [4],
        "move": [5],
        "boycott_leave": [6],
    }
    model = people(USERS, prescribed({1: moves}))
    model.step()
    members = {
        stance: set(
            np.flatnonzero(Campaign(model._information(), model.stances.code(stance)).takes_part).tolist()
        )
        for stance in ("strike", "cdc", "boycott", "strike_withhold")
    }
    assert members == {
        "strike": {1, 2, 3, 4, 5},
        "cdc": {0, 3, 5},
        "boycott": {4, 5},
        "strike_withhold": {1, 2, 3, 4, 5, 6},
    }


@pytest.mark.parametrize("several", [False, True])
def test_a_campaign_keeps_its_counts(people, several):
    """One after the other or many at once, joining and stopping, counted afresh and kept up."""
    model = people(USERS, network={"degree": 6}, resources=np.arange(1.0, USERS + 1))
    campaign = Campaign(model._information(), model.stances.code("strike"))
    rng = np.random.default_rng(3)
    for _ in range(30):
        assert campaign.exposed.shape == (USERS,)  # counted now, to be kept up
        campaign.change(rng.permutation(USERS)[: 5 if several else 1])
        acts = campaign.takes_part
        assert campaign.members == acts.sum()
        assert campaign.resources == pytest.approx(model.population.weight[acts].sum())
        np.testing.assert_array_equal(campaign.exposed, model.network.neighbour_counts(acts))
        share = campaign.exposed[:3] / model.network.degree[:3]
        np.testing.assert_allclose(campaign.exposure(np.arange(3)), share)
    assert campaign.members > 3


# Seeds


@pytest.mark.parametrize("regime", ["synchronous", "random_sequential"])
@pytest.mark.parametrize("ratchet", [False, True])
def test_seeds_act_whatever_others_do(people, shares_acting, ratchet, regime):
    seeds = {"kind": "given", "users": [3, 7]}
    decision = EVERYBODY | {"seeds": seeds, "ratchet": ratchet, "regime": regime}
    model = people(USERS, decision, thresholds=np.full(USERS, 2.0))
    shares_acting(model, still=3)
    np.testing.assert_array_equal(np.flatnonzero(model.population.stance), [3, 7])


def test_without_seeds_and_reasons_nobody_starts(people, shares_acting):
    assert shares_acting(people(USERS, EVERYBODY, thresholds=np.full(USERS, 0.1)))[-1] == 0


# Stopping


@pytest.mark.parametrize("regime", ["synchronous", "interest_descending"])
@pytest.mark.parametrize(
    ("settings", "share"),
    [({"ratchet": True}, 0.4), ({"ratchet": False}, 0.0), ({"ratchet": False, "hysteresis": 0.15}, 0.4)],
)
def test_ratchet_and_hysteresis(people, shares_acting, regime, settings, share):
    """Everybody wants half of all to act, and two of five do."""
    model = people(USERS, EVERYBODY | settings | {"regime": regime}, thresholds=np.full(USERS, 0.5))
    model.population.stance[:16] = model.stances.code("strike")
    assert shares_acting(model)[-1] == share
    # Half of all are enough to bring and keep everybody.
    model.population.stance[:20] = model.stances.code("strike")
    assert shares_acting(model)[-1] == 1
