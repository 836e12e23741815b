"""Users who are put into a stance."""

import numpy as np
import pytest

from abm.decisions.organiser import OrganiserParameters
from abm.targeting import Target
from learners.errors import InputError
from scenarios.interventions import OrganiserSubsidy, Seeding


@pytest.fixture
def strikers(few_digits, society, prescribed):
    """Return a function: seedings -> who strikes after each tick, where nobody would by themselves."""

    def play(*seedings, ticks=4, moves=None, **groups):
        model = society(few_digits, decision=prescribed(moves or {}), interventions=seedings, **groups)
        strike = model.stances.code("strike")
        found = []
        for _ in range(ticks):
            model.step()
            found.append(set(np.flatnonzero(model.population.stance == strike).tolist()))
        return found

    return play


def test_seeds_act_from_their_tick_on(strikers):
    given = Seeding(start=2, seeds={"kind": "given", "users": [3, 5]})
    assert strikers(given) == [set(), {3, 5}, {3, 5}, {3, 5}]
    at_once = Seeding(seeds={"kind": "given", "users": [3]})
    assert strikers(at_once, ticks=1) == [{3}]


def test_they_keep_to_it_for_as_long_as_they_must(strikers):
    back = {tick: {"stay": np.arange(40)} for tick in range(1, 5)}
    held = Seeding(start=1, duration=2, seeds={"kind": "given", "users": [3, 5]})
    assert strikers(held, moves=back) == [{3, 5}, {3, 5}, set(), set()]


def test_a_share_is_drawn_and_two_seedings_add_up(strikers):
    first, both = (
        strikers(*(Seeding(seeds={"kind": "random", "share": 0.25}) for _ in range(n)), ticks=1)[0]
        for n in (1, 2)
    )
    assert len(first) == 10
    assert first < both


def test_only_the_target_is_seeded(ratings, society, prescribed):
    women = ratings.groups["gender"] == "F"
    law = Seeding(seeds={"kind": "random", "share": 1.0}, target=Target(group="gender", label="F"))
    model = society(ratings, decision=prescribed({}), interventions=[law])
    model.step()
    np.testing.assert_array_equal(model.population.stance != 0, women)


def test_what_is_not_there_cannot_be_seeded(few_digits, society):
    with pytest.raises(InputError, match=r"^interventions\.0: stance 'march' is not one of"):
        society(few_digits, interventions=[Seeding(stance="march")])


# Organisers


def test_a_subsidy_lets_organisers_reach_more(few_digits, society):
    """An organiser of ten neighbours, with one contact of its own, gathers more with ten that are paid."""
    reached = {}
    for budget in (0, 3, 10):
        model = society(
            few_digits,
            interventions=[OrganiserSubsidy(start=1, budget=budget)],
            network={"family": "watts_strogatz", "degree": 10, "rewire": 0.0},
            decision={
                "rule": "critical_mass",
                "production": {"kind": "accelerating", "exponent": 2.0},
                "cost": 0.05,
                "organisers": OrganiserParameters(contacts=1).model_dump(),
            },
        )
        model.step()
        reached[budget] = int((model.population.stance != 0).sum())
        assert model.warnings == ()
    assert reached[0] < reached[3] < reached[10]


def test_a_subsidy_without_organisers_is_warned_of(few_digits, society):
    model = society(few_digits, interventions=[OrganiserSubsidy()])
    assert model.warnings == ("organiser_subsidy: there is no organiser to pay (LogitRule)",)


def test_seeds_can_do_what_the_campaign_asks(few_digits, society):
    law = Seeding(start=1, stance="campaign", seeds={"kind": "given", "users": [3, 5]})
    rule = {"rule": "critical_mass", "stance": "cdc", "cost": 1000.0}
    granted = {"portability_success": 1.0}
    model = society(few_digits, decision=rule, policy=granted, interventions=[law])
    model.step()
    contributes = model.population.stance == model.stances.code("cdc")
    assert set(np.flatnonzero(contributes)) == {3, 5}
    with pytest.raises(InputError, match=r"^interventions\.0: stance: 'campaign' needs"):
        society(few_digits, interventions=[law])
