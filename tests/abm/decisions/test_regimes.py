"""Who decides when, and what those who come later see."""

import dataclasses

import numpy as np
import pytest

from abm.decisions.regimes import UnfoldingTick, stances_near, turns

REGIMES = ("synchronous", "random_sequential", "interest_ascending", "interest_descending", "single")
USERS = 60


@pytest.mark.parametrize(
    ("regime", "ticks"),
    [("synchronous", USERS), ("interest_ascending", 1), ("interest_descending", USERS)],
)
def test_a_ladder_is_climbed_at_once_where_everybody_sees_the_one_before(
    people, shares_acting, regime, ticks
):
    """Thresholds 0, 1, 2, ... in the order of interest."""
    decision = {"rule": "threshold", "measure": "number", "regime": regime}
    model = people(USERS, decision, interest=np.arange(USERS), thresholds=np.arange(USERS))
    acting = shares_acting(model)
    assert acting[-1] == 1
    assert len(acting) - 1 == ticks


def test_random_order_is_between_both(people, shares_acting):
    decision = {"rule": "threshold", "measure": "number", "regime": "random_sequential"}
    acting = shares_acting(people(USERS, decision, thresholds=np.arange(USERS)))
    assert acting[-1] == 1
    assert USERS / 4 < len(acting) - 1 < 3 * USERS / 4


def test_neighbours_who_moved_before_are_seen(people, decides, shares_acting):
    """Down a path, in the order of interest, one exposure after the other."""
    path = (np.arange(USERS - 1), np.arange(1, USERS))
    decision = {
        "rule": "complex_contagion",
        "exposures": 1,
        "regime": "interest_ascending",
        "seeds": {"kind": "given", "users": [0]},
    }
    model = decides(people(USERS, interest=np.arange(USERS)), decision, path)
    assert len(shares_acting(model)) - 1 == 1
    decides(model, decision | {"regime": "interest_descending"}, path)
    assert len(shares_acting(model)) - 1 == USERS - 1


@pytest.mark.parametrize("regime", REGIMES[1:])
def test_order_of_turns(people, regime):
    model = people(USERS, interest=np.repeat([2.0, 1.0, 3.0], USERS // 3))
    view, rows = model._information(), np.arange(0, USERS, 2)
    order = turns(regime, view, rows)
    later = turns(regime, dataclasses.replace(view, tick=9), rows)
    assert not np.array_equal(order, later)  # lots decide among equals, anew each tick
    if regime == "single":
        assert len(order) == len(later) == 1
        return
    np.testing.assert_array_equal(np.sort(order), rows)
    interest = model.population.interest[order]
    if regime == "interest_ascending":
        assert (np.diff(interest) >= 0).all()
    elif regime == "interest_descending":
        assert (np.diff(interest) <= 0).all()
    else:
        assert (np.diff(interest) < 0).any()
        assert (np.diff(interest) > 0).any()


def test_single_moves_one_user_a_tick_and_gets_there(people, shares_acting):
    decision = {"rule": "threshold", "measure": "number", "regime": "single"}
    acting = shares_acting(people(20, decision, thresholds=np.zeros(20)), still=200)
    assert set(np.round(np.diff(acting) * 20)) == {0.0, 1.0}
    assert acting[-1] == 1


# What a tick looks like while it unfolds


def test_a_tick_unfolds_into_what_the_books_say_afterwards(people, prescribed):
    """Shares of the data that later users see are those that the companies hold once all moves are made."""
    moves = {
        1: {"cdc": [0, 1, 2], "strike": [3, 4], "boycott": [5]},
        2: {
            "cdc_delete": [1, 6],
            "stay": [3],
            "move": [7],
            "boycott_leave": [8],
            "strike": [9],
            "boycott": [2],
        },
    }
    model = people(40, prescribed(moves), companies={"small": {"starts_with": 0.2}})
    model.step()
    unfolding = UnfoldingTick(model._information())
    wanted = prescribed({2: moves[2]}).choose(dataclasses.replace(model._information(), tick=2))
    for user in np.flatnonzero(wanted != model.population.stance):
        unfolding.take(user, wanted[user])
    seen = unfolding.view
    np.testing.assert_array_equal(seen.population.stance, wanted)
    assert not np.array_equal(model.population.stance, wanted)  # the tick itself is still to come
    model.step()
    books = model._information()
    for share in ("small_share", "removed_share", "left_share"):
        assert getattr(books, share) > 0
        assert getattr(seen, share) == pytest.approx(getattr(books, share)), share


def test_stances_near_one_user_are_those_of_the_whole_count(people, prescribed):
    model = people(60, prescribed({1: {"cdc": range(9), "strike": range(20, 33)}}), network={"degree": 6})
    model.step()
    view = model._information()
    everybody = view.network.neighbour_shares(view.population.stance, len(view.stances))
    for user in range(60):
        np.testing.assert_array_equal(stances_near(view, np.array([user])), everybody[[user]])
    np.testing.assert_array_equal(stances_near(view, np.arange(10, 20)), everybody[10:20])


# The logit rule


def sheep(regime, **settings):
    """Users who do what any neighbour does, and otherwise go on: taste shocks are next to nothing."""
    nothing = dict.fromkeys(("warm_glow", "cost_scale", "weight_help", "weight_harm", "weight_revenue"), 0.0)
    own = {"social_weight": 10.0, "inertia": 0.05, "precision": 1000.0, "revision_probability": 1.0}
    return {"rule": "logit", "regime": regime, **nothing, **own, **settings}


@pytest.mark.parametrize(
    ("regime", "followers"),
    [("synchronous", 1), ("interest_descending", 1), ("interest_ascending", USERS - 1)],
)
def test_sheep_follow_those_who_just_moved(people, decides, regime, followers):
    """Down a path from the one who strikes: in its order the whole flock moves within a tick."""
    model = people(USERS, interest=np.arange(USERS), companies={"consumption": {"full_service": 0.0}})
    decides(model, sheep(regime), (np.arange(USERS - 1), np.arange(1, USERS)))
    strike = model.stances.code("strike")
    model.population.stance[0] = strike
    wanted = model.rule.choose(dataclasses.replace(model._information(), tick=1))
    np.testing.assert_array_equal(wanted == strike, np.arange(USERS) <= followers)
    np.testing.assert_array_equal(wanted != 0, np.arange(USERS) <= followers)


def test_a_single_user_reconsiders_a_tick(people):
    model = people(USERS, sheep("single", shock_renewal=1.0, social_weight=0.0, precision=0.01))
    changed = 0
    for _ in range(20):
        before = model.population.stance.copy()
        model.step()
        assert np.count_nonzero(model.population.stance != before) <= 1
        changed += np.count_nonzero(model.population.stance != before)
    assert changed > 3


# All rules


RULES = {
    "logit": {"rule": "logit", "revision_probability": 0.8, "precision": 0.5},
    "threshold": {"rule": "threshold", "reference": "neighbours", "seeds": {"kind": "random", "number": 4}},
    "watts": {"rule": "watts", "seeds": {"kind": "random", "number": 5}},
    "complex_contagion": {"rule": "complex_contagion", "noise": 0.2, "seeds": {"kind": "neighbourhood"}},
    "critical_mass": {
        "rule": "critical_mass",
        "production": {"kind": "decelerating"},
        "cost": 8.0,
        "organisers": {"selection": "lot", "chosen_by": "lot"},
        "depth": 1,
    },
}


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("name", RULES)
def test_equal_seeds_give_equal_runs(people, name, regime):
    def stances(seed):
        model = people(40, RULES[name] | {"regime": regime}, network={"degree": 4}, rng=seed)
        taken = []
        for _ in range(5):
            model.step()
            taken.append(model.population.stance.copy())
        return np.array(taken)

    first = stances(1)
    assert first.any()
    np.testing.assert_array_equal(first, stances(1))
    assert not np.array_equal(first, stances(2))
