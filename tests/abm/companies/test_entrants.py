"""Several small companies: who gives a copy to which, what each learns from it, and which of them live."""

from dataclasses import replace

import networkx
import numpy as np
import pytest

from abm.companies import Entrants, SmallCompany
from abm.decisions import LogitParameters
from abm.decisions.regimes import UnfoldingTick
from abm.ledger import Move
from abm.records import agent_table
from abm.services import ConsumptionParameters
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from learners.holdings import ABSENT, GENUINE

USERS = 1000


@pytest.fixture
def on_curve(society, prescribed):
    """Return a function that builds a society on a published curve in which given users act."""

    def build(moves, use_case="ml-10m", users=USERS, decision=None, companies=None, **small):
        groups = {
            key: small.pop(key) for key in ("policy", "network", "interventions", "rng") if key in small
        }
        return society(
            use_case,
            curve=published_curve(use_case, "surrogate"),
            population={"users": users},
            decision=decision or prescribed(moves),
            companies={**(companies or {}), "small": small},
            **groups,
        )

    return build


def play(model, ticks):
    for _ in range(ticks):
        model.step()
    return model


def entrants(model):
    return [company for _, company in model.small.members]


def holdings(model):
    """Return whose data each entrant has, [N] each."""
    return [np.flatnonzero(company.known) for company in entrants(model)]


# One of them


def test_one_entrant_is_the_small_company_as_ever(few_digits, society, ticks_of):
    def ticks(**small):
        model = society(few_digits, decision={"revision_probability": 0.8}, companies={"small": small})
        assert type(model.small) is SmallCompany
        return ticks_of(model, 5)

    plain = ticks()
    assert plain["records_small"].iloc[-1] > 0
    assert ticks(entrants=1, by_quality=20.0, by_neighbours=20.0).equals(plain)
    assert not [column for column in plain if "small_1" in column]
    many = society(few_digits, companies={"small": {"entrants": 3}})
    further = [column for column in many.ticks[0] if column not in {*plain, "seconds_decide"}]
    assert [c for c in further if not c.startswith("seconds")] == [
        name.format(j)
        for j in (1, 2, 3)
        for name in ("records_small_{}", "revenue_small_{}", "quality_small_{}_holdout", "dlp_cdc_small_{}")
    ]


def test_entrants_are_agents_of_their_own(few_digits, society):
    model = society(few_digits, companies={"small": {"entrants": 3}})
    assert isinstance(model.small, Entrants)
    names = {agent.name for agent in model.agents if hasattr(agent, "name")}
    assert names == {"Large Co.", "Small Co. 1", "Small Co. 2", "Small Co. 3"}


def test_tables_say_at_which_entrant_a_user_is_and_what_small_co_means(on_curve):
    one, model = (play(on_curve({1: {"cdc": np.arange(300)}}, entrants=k), 2) for k in (1, 3))
    assert (agent_table(one)["entrant"] == 1).all()
    assert one.warnings == ()
    agents = agent_table(model)
    for number, users in enumerate(holdings(model), 1):
        assert agents.index[agents["at_small"] & (agents["entrant"] == number)].tolist() == users.tolist()
    (warning,) = model.warnings
    assert "stands for 3 companies" in warning


# Whom people choose


def test_by_lot_copies_spread_evenly_and_add_up_to_those_of_one(on_curve):
    givers = np.arange(0, USERS, 2)
    one = play(on_curve({1: {"cdc": givers}}), 2)
    for k in (2, 4, 8):
        model = play(on_curve({1: {"cdc": givers}}, entrants=k), 2)
        given = holdings(model)
        assert sorted(np.concatenate(given)) == givers.tolist()
        spread = np.sqrt(len(givers) * (1 / k) * (1 - 1 / k))
        assert all(abs(len(users) - len(givers) / k) < 4 * spread for users in given)
        row = model.ticks[-1]
        assert row["records_small"] == one.ticks[-1]["records_small"] == len(givers)
        assert row["owners_small"] == len(givers)
        assert sum(row[f"records_small_{j}"] for j in range(1, k + 1)) == len(givers)
        np.testing.assert_array_equal(model.small.known, one.small.known)
    # One entrant more leaves what people think of the others as it was.
    few, many = (play(on_curve({}, entrants=k), 1).small.entrant for k in (2, 4))
    np.testing.assert_array_equal(few[many < 2], many[many < 2])


def test_what_they_start_with_is_divided_among_them(on_curve):
    one, model = on_curve({}, starts_with=0.3), on_curve({}, starts_with=0.3, entrants=3)
    assert sorted(np.concatenate(holdings(model))) == np.flatnonzero(one.small.known).tolist()
    assert min(len(users) for users in holdings(model)) > 60


def test_by_quality_choice_is_a_logit_of_worth(on_curve):
    weight, givers = 30.0, np.arange(150)
    model = play(on_curve({1: {"cdc": givers}}, users=2000, entrants=3, by_quality=weight), 1)
    worth = np.array([company.service.worth(True, 2.0) for company in entrants(model)])
    model.step()
    free = ~model.small.known
    expected = np.exp(weight * worth) / np.exp(weight * worth).sum()
    np.testing.assert_allclose(
        np.bincount(model.small.entrant[free]) / free.sum(), expected, atol=4 * 0.5 / np.sqrt(1850)
    )
    assert np.ptp(expected) > 0.1
    # Who has a copy somewhere stays there, whatever the others are worth.
    for number, users in enumerate(holdings(model)):
        assert (model.small.entrant[users] == number).all()


def test_where_neighbours_count_everybody_follows_the_first(on_curve):
    moves = {tick: {"cdc": np.arange(10 * tick, 10 * tick + 10)} for tick in range(2, 12)}
    moves[1] = {"cdc": np.array([0])}
    network = {"family": "complete"}
    tipped = play(on_curve(moves, users=200, network=network, entrants=4, by_neighbours=1000.0), 11)
    assert sorted(len(users) for users in holdings(tipped)) == [0, 0, 0, 101]
    even = play(on_curve(moves, users=200, network=network, entrants=4), 11)
    assert max(len(users) for users in holdings(even)) < 50
    last = tipped.ticks[-1], even.ticks[-1]
    assert last[0]["dlp_cdc"] > last[1]["dlp_cdc"] + 0.1


def test_only_ones_own_neighbours_count(on_curve, tmp_path):
    """Two groups without a tie between them each follow their own first contributor."""
    groups = networkx.disjoint_union(networkx.complete_graph(50), networkx.complete_graph(50))
    ties = tmp_path / "ties.csv"
    ties.write_text("source,target\n" + "".join(f"{a},{b}\n" for a, b in groups.edges), encoding="utf-8")
    lot = on_curve({}, users=100, entrants=4).small.entrant
    first = 0, 50 + int(np.flatnonzero(lot[50:] != lot[0])[0])
    moves = {1: {"cdc": list(first)}, 2: {"cdc": np.arange(100)}}
    network = {"family": "empirical", "path": str(ties)}
    model = play(on_curve(moves, users=100, network=network, entrants=4, by_neighbours=1000.0), 2)
    assert (model.small.entrant[:50] == lot[0]).all()
    assert (model.small.entrant[50:] == lot[first[1]]).all()


# What each learns


@pytest.mark.parametrize("use_case", ["few_digits", "ratings"])
def test_each_is_as_good_as_a_single_company_with_its_copies(use_case, request, society, prescribed):
    """Also where models start from their last state, each from its own."""
    data = request.getfixturevalue(use_case)
    moves = {1: {"cdc": np.arange(12)}, 2: {"cdc": np.arange(12, 25)}, 3: {"stay": np.arange(0, 25, 5)}}
    model = play(society(data, decision=prescribed(moves), companies={"small": {"entrants": 3}}), 3)
    for number, (key, company) in enumerate(model.small.members):
        own = np.flatnonzero(model.small.entrant == number)
        assert 2 < np.count_nonzero(company.known) < 20
        alone = {
            tick: {stance: np.intersect1d(users, own) for stance, users in made.items()}
            for tick, made in moves.items()
        }
        single = play(society(data, decision=prescribed(alone)), 3)
        np.testing.assert_array_equal(single.small.known, company.known)
        assert company.service.quality == single.small.service.quality
        assert company.service.known_loss == single.small.service.known_loss
        np.testing.assert_array_equal(company.service.hits, single.small.service.hits)
        mine, row = model.ticks[-1], single.ticks[-1]
        assert mine[f"quality_{key}_holdout"] == row["quality_small_holdout"]
        assert mine[f"dlp_cdc_{key}"] == row["dlp_cdc"]
        assert mine[f"records_{key}"] == row["records_small"]


def test_columns_of_small_are_those_of_the_one_that_leads(few_digits, society, prescribed):
    model = society(
        few_digits, decision=prescribed({1: {"cdc": np.arange(25)}}), companies={"small": {"entrants": 3}}
    )
    model.step()
    row = model.ticks[-1]
    sizes = [row[f"records_small_{j}"] for j in (1, 2, 3)]
    lead = int(np.argmax(sizes)) + 1
    assert len(set(sizes)) > 1
    assert row["quality_small_holdout"] == row[f"quality_small_{lead}_holdout"]
    assert row["dlp_cdc"] == row[f"dlp_cdc_small_{lead}"]
    assert model.share_at_small == max(sizes) / model.population.records.sum()


def test_the_first_leads_where_all_hold_as_much(few_digits, society):
    model = society(few_digits, companies={"small": {"entrants": 3}})
    assert model.small.leading is entrants(model)[0]


@pytest.mark.parametrize("use_case", ["ml-10m", "pinterest-20"])
def test_dilution_costs_leverage_at_equal_participation(on_curve, use_case):
    givers = np.arange(300)
    found = {}
    for k in (1, 2, 4):
        model = play(on_curve({1: {"cdc": givers}}, use_case, entrants=k), 1)
        assert model.ticks[-1]["share_cdc"] == 0.3
        found[k] = model.ticks[-1]["dlp_cdc"]
        if k > 1:
            most = max(len(users) for users in holdings(model))
            alone = play(on_curve({1: {"cdc": givers[:most]}}, use_case), 1)
            assert found[k] == pytest.approx(alone.ticks[-1]["dlp_cdc"])
    assert found[1] > found[2] + 0.02 > found[4] + 0.04


# What users see of them


def test_attention_and_choice_go_by_the_own_entrant(on_curve):
    decision = LogitParameters(revision_probability=0.5)
    model = play(
        on_curve({}, decision=decision, entrants=3, by_quality=30.0, policy={"portability_success": 1.0}), 12
    )
    rows = np.arange(USERS)
    own = model.small.entrant
    known, unknown = (
        np.array([company.service.worth(k, 2.0) for company in entrants(model)])[own] for k in (True, False)
    )
    assert np.ptp(known) > 0.05
    inside = np.where(model.large.knows, *(model.large.service.worth(k, 2.0) for k in (True, False)))
    worth = np.where(model.small.known, known, unknown)
    attention = np.where(model.uses_large, 1 / (1 + np.exp(-5 * (worth - inside - 0.5))), 1.0)
    np.testing.assert_allclose(model.attention.small, attention * model.small.known)

    # Who moves gets what the own entrant is worth now, and adds to what that one holds.
    model.small.review(model.revenue.small)
    own = model.small.entrant
    view = model._information()
    fresh = (model.population.stance == 0) & ~model.population.has_copy
    gains = np.empty(USERS)
    for number, company in enumerate(entrants(model)):
        joining, _ = model.beliefs.marginal("contribute", company.records / USERS, decision.horizon)
        gains[own == number] = joining[model.population.family[own == number]]
    assert len(np.unique(np.round(gains[fresh], 6))) > 3
    free = model.rule.__class__(decision.model_copy(update={"weight_help": 0.0}))
    plain = model.rule.utilities(view, rows)
    helped = (plain - free.utilities(view, rows))[:, model.stances.code("cdc")]
    np.testing.assert_allclose(helped[fresh], (model.population.interest * gains)[fresh], atol=1e-5)

    unserved = replace(view, consumption=ConsumptionParameters(full_service=0.0))
    served = (plain - model.rule.utilities(unserved, rows))[:, model.stances.code("move")]
    worth = np.array([company.service.worth(True, 2.0) for company in entrants(model)])
    np.testing.assert_allclose(served, 0.5 * worth[own], atol=1e-6)


def test_in_a_tick_that_unfolds_the_own_entrant_grows(on_curve):
    model = play(on_curve({1: {"cdc": np.arange(100)}}, entrants=2), 1)
    model.small.review(model.revenue.small)
    unfolding = UnfoldingTick(model._information())
    before, user = unfolding.view.entrants.shares, np.int64(500)
    unfolding.take(user, np.int8(model.stances.code("cdc")))
    grown = unfolding.view.entrants.shares - before
    assert grown[model.small.entrant[user]] == pytest.approx(1 / USERS)
    assert grown.sum() == pytest.approx(1 / USERS)
    assert unfolding.view.small_share == unfolding.view.entrants.shares.max()
    played = play(on_curve({}, users=60, decision={"regime": "random_sequential"}, entrants=2), 3)
    assert played.ticks[-1]["participation"] > 0


def test_strangers_are_served_by_the_entrant_they_would_choose(few_digits, society, prescribed):
    model = society(
        few_digits,
        decision=prescribed({1: {"cdc": np.arange(10), "boycott": [30]}}),
        companies={"small": {"entrants": 2, "serves_strangers": True}},
    )
    model.step()
    first, second = (company.serving for company in entrants(model))
    np.testing.assert_array_equal(first, ~second)
    np.testing.assert_array_equal(first, model.small.entrant == 0)
    assert model.small_open.all()
    assert model.attention.small[30] == 1


# Which of them live


SHAKE_OUT = {
    1: {"cdc": np.arange(0, 700, 2), "cdc_delete": np.arange(1, 200, 2), "move": np.arange(301, 500, 2)}
}


def test_entrants_that_earn_too_little_leave_and_their_users_are_free(on_curve):
    again = np.arange(0, 100, 2)
    moves = {**SHAKE_OUT, 4: {"cdc": again}}
    open_to_all = play(on_curve(moves, entrants=4), 3)
    earned = [open_to_all.ticks[2][f"revenue_small_{j}"] for j in (1, 2, 3, 4)]
    level = float(np.sort(earned)[1:3].mean())
    model = play(on_curve(moves, entrants=4, viable_revenue=level, patience=3), 2)
    assert [company.in_market for company in entrants(model)] == [True] * 4
    before, stances = holdings(model), model.population.stance.copy()
    model.step()

    survive = [value > level for value in earned]
    assert sum(survive) == 2
    assert [company.in_market for company in entrants(model)] == survive
    row = model.ticks[-1]
    assert (model.ticks[-2]["small_in_market"], row["small_in_market"]) == (4, 2)
    lost = np.sort(np.concatenate([users for users, lives in zip(before, survive, strict=True) if not lives]))
    for users, lives, company in zip(before, survive, entrants(model), strict=True):
        assert np.flatnonzero(company.known).tolist() == (users.tolist() if lives else [])
    revoked = [entry.users for entry in model.ledger.at(3) if entry.move is Move.REVOKE]
    assert np.sort(np.concatenate(revoked)).tolist() == lost.tolist()
    assert not model.population.has_copy[lost].any()
    kept = np.setdiff1d(np.arange(USERS), lost)
    np.testing.assert_array_equal(model.population.stance[kept], stances[kept])
    names = {model.stances.names[code] for code in model.population.stance[lost]}
    assert names == {"stay", "strike"}
    moved = np.intersect1d(lost, moves[1]["move"])
    assert len(moved)
    assert model.uses_large[moved].all()
    events = model.events.table().query("kind == 'market exit'")
    assert set(events["subject"]) == {f"Small Co. {j + 1}" for j, lives in enumerate(survive) if not lives}
    assert events["value"].sum() == len(lost)

    # They can give a copy to those who are left, and to nobody else.
    model.step()
    back = np.intersect1d(again, lost)
    assert len(back)
    assert np.isin(model.small.entrant, np.flatnonzero(survive)).all()
    assert model.small.known[back].all()
    assert [company.known.any() for company in entrants(model)] == survive


def test_once_the_last_has_left_nobody_can_contribute(on_curve):
    model = play(on_curve({**SHAKE_OUT, 4: {"cdc": [900]}}, entrants=3, viable_revenue=5.0, patience=2), 5)
    assert [row["small_in_market"] for row in model.ticks] == [3, 3, 0, 0, 0, 0]
    assert not model.small.in_market
    assert not model.small.known.any()
    assert model.stances.names[model.population.stance[900]] == "stay"
    row = model.ticks[-1]
    assert (row["hhi"], row["revenue_small"], row["records_small"]) == (1, 0, 0)
    assert not model._information().permitted(np.arange(9))[:, model.stances.code("cdc")].any()


# The books


def test_what_each_earns_adds_up_and_concentration_counts_all(on_curve):
    model = play(on_curve(SHAKE_OUT, entrants=3), 2)
    row, attention, hits = model.ticks[-1], model.attention, model.small.service.hits
    shares = [attention.large.sum()]
    for number, company in enumerate(entrants(model)):
        own = model.small.entrant == number
        np.testing.assert_array_equal(hits[own], company.service.hits[own])
        earned = (attention.small * company.service.hits)[own].sum() / model.hits_at_start
        assert row[f"revenue_small_{number + 1}"] == pytest.approx(earned)
        shares.append(attention.small[own].sum())
    parts = [row[f"revenue_small_{j}"] for j in (1, 2, 3)]
    assert min(parts) > 0
    assert row["revenue_small"] == pytest.approx(sum(parts))
    assert row["hhi"] == pytest.approx(((np.array(shares) / sum(shares)) ** 2).sum())
    assert row["hhi"] < row["market_share_large"] ** 2 + row["market_share_small"] ** 2
    assert row["market_share_small"] == pytest.approx(sum(shares[1:]) / sum(shares))


def test_nobody_has_two_copies_whatever_they_do(on_curve):
    decision = {"revision_probability": 0.6, "precision": 2.0, "shock_renewal": 0.3}
    policy = {"portability_success": 1.0, "revocation_right": True}
    model = on_curve({}, decision=decision, entrants=3, by_quality=5.0, starts_with=0.1, policy=policy)
    changed = 0
    for _ in range(8):
        before = model.small.entrant
        held = model.small.known
        model.step()
        codes = np.array([company.store.codes for company in entrants(model)])
        assert set(np.unique(codes)) <= {ABSENT, GENUINE}
        assert ((codes != ABSENT).sum(axis=0) <= 1).all()
        np.testing.assert_array_equal((codes != ABSENT).any(axis=0)[~held], model.population.has_copy[~held])
        assert (model.small.entrant[held] == before[held]).all()
        changed += int((model.small.entrant != before).sum())
    moves = [entry.move for entry in model.ledger.entries]
    assert {Move.CONTRIBUTE, Move.REVOKE} <= set(moves)
    assert changed > 0


def test_credits_are_paid_for_what_each_holds(on_curve):
    policy = {"credit_price": 0.5}
    several, one = (play(on_curve(SHAKE_OUT, entrants=k, policy=policy), 2) for k in (3, 1))
    for model in (several, one):
        assert model.ticks[-1]["credits_paid"] == pytest.approx(0.5 * model.small.records / USERS)
    np.testing.assert_allclose(several.paymaster.payments.at_small, one.paymaster.payments.at_small)


@pytest.mark.parametrize("form", ["portability_continuous", "portability_symmetric"])
def test_records_that_arrive_flow_as_they_do_to_one(untrained, society, prescribed, form):
    moves = {
        1: {"cdc": np.arange(0, 30)},
        2: {"cdc_delete": np.arange(10, 20)},
        4: {"cdc": np.arange(10, 20)},
    }
    clock = {"kind": "stream", "at_start": 0.4, "slices": 6}
    policy = {form: True, "keeps_archive": False}
    several, one = (
        play(
            society(
                untrained,
                decision=prescribed(moves),
                policy=policy,
                clock=clock,
                companies={"small": {"entrants": k}},
            ),
            6,
        )
        for k in (3, 1)
    )
    np.testing.assert_array_equal(several.small.arrived, one.small.arrived)
    np.testing.assert_array_equal(several.large.store.arrived, one.large.store.arrived)
    assert [row["records_small"] for row in several.ticks] == [row["records_small"] for row in one.ticks]
    assert [row["records_large"] for row in several.ticks] == [row["records_large"] for row in one.ticks]
    assert several.small.arrived.sum() > 0


def test_a_broken_licence_ends_the_copies_of_all(on_curve):
    policy = {"licensed": True}
    model = play(on_curve(SHAKE_OUT, entrants=3, value_drift=0.15, policy=policy), 1)
    assert model.small.known.any()
    model.step()
    assert model.small.value_match == pytest.approx(0.85**2)
    assert not model.small.known.any()
    assert model.small.in_market


def test_same_seed_same_ticks(few_digits, society, ticks_of):
    def ticks(rng):
        small = {
            "entrants": 3,
            "by_quality": 5.0,
            "by_neighbours": 5.0,
            "viable_revenue": 0.01,
            "patience": 3,
        }
        decision = {"revision_probability": 0.8, "cost_scale": 0.5}
        return ticks_of(society(few_digits, decision=decision, companies={"small": small}, rng=rng), 6)

    first = ticks(4)
    assert first.equals(ticks(4))
    assert not first.equals(ticks(5))
    assert first["records_small"].max() > 0
    assert len(set(first["small_in_market"])) > 1


# What does not go together


def test_what_cannot_follow_several_entrants_refuses_them(few_digits, society, recorded_digits, on_curve):
    several = {"small": {"entrants": 2}}
    with pytest.raises(InputError, match=r"companies\.small\.entrants: must be 1 in mode replay.*\(got 2\)"):
        society("digits", replay=recorded_digits, companies=several)
    with pytest.raises(InputError, match=r"entrants: must be 1 unless record\.attribution is 'off'"):
        society(few_digits, companies=several, record={"attribution": 5})
    production = {"kind": "measured", "lever": "contribute", "perspective": "holdout"}
    decision = {"rule": "critical_mass", "stance": "cdc", "production": production}
    with pytest.raises(
        InputError, match=r"entrants: must be 1 with decision\.production\.lever 'contribute'"
    ):
        on_curve({}, decision=decision, entrants=2)
    strike = {**decision, "stance": "strike", "production": {**production, "lever": "strike"}}
    assert on_curve({}, decision=strike, entrants=2).small.in_market
    with pytest.raises(InputError, match=r"companies\.small\.entrants: .*(got 9)"):
        society(few_digits, companies={"small": {"entrants": 9}})
