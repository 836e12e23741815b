"""The scenarios of companies that answer back, played on real ratings."""

import numpy as np
import pytest

from scenarios.runs import play
from scenarios.scenario import load_scenario


@pytest.fixture
def ticks_of(prepared):
    """Return a function: name of a scenario and overrides -> its ticks."""
    folder = prepared("ml-100k")

    def ticks(name, **overrides):
        return play(load_scenario(name, **overrides), data_dir=folder).ticks

    return ticks


@pytest.mark.slow
def test_laundering_voids_a_strike_and_an_order_restores_it(ticks_of):
    ticks = ticks_of("laundering", ticks=11)
    strike = ticks["dlp_strike"].to_numpy()
    assert (strike[:8] == 0).all()
    assert (strike[8:10] == 1).all()  # no weights: the un-informed method
    honest = ticks_of(
        "laundering", **{"ticks": 2, "companies.large.forgetting": "retrain", "interventions": []}
    )
    expected = honest["dlp_strike"].iloc[-1]
    assert expected > 0.1
    assert strike[10:] == pytest.approx(expected, abs=0.05)
    assert ticks["records_large"].iloc[2] == ticks["records_large"].iloc[-1] < ticks["records_large"].iloc[0]


@pytest.mark.slow
def test_poison_beats_a_strike_of_its_size_until_all_of_it_is_found(ticks_of):
    faster = {"companies.large.detection.learning_rate": 0.001, "ticks": 12}
    poison = ticks_of("poison-decay", **faster)
    strike = ticks_of(
        "poison-decay", ticks=2, **{"decision.steps": [{"tick": 2, "shares": {"strike": 0.05}}]}
    )
    alone = strike["dlp_strike"].iloc[-1]
    assert poison["dlp_strike"].max() > 3 * alone > 0
    assert (np.diff(poison["poisoned_kept"].iloc[2:]) <= 0).all()
    last = poison.iloc[-1]
    assert last["poisoned_kept"] == 0 < last["poisoned_large"] == last["flagged_large"]
    assert last["dlp_strike"] == pytest.approx(alone, abs=0.02)


def union(stance):
    """Return overrides: a data union of fifteen bound members, one in twenty, that does as it is told."""
    asked = {"kind": "coalition", "start": 2, "stance": stance, "budget": 15.0, "total": 15.0}
    bound = {"minimum": 0.05, "loyalty": 1.0, "goal_weight": 0.0, "consideration": 0.0}
    return {
        "decision.steps": [{"tick": 2, "shares": {"strike": 0.0}}],
        "coalitions.effort.recruit": 1.0,
        "interventions": [{**asked, **bound}],
        "ticks": 4,
    }


@pytest.mark.slow
def test_a_union_that_poisons_beats_the_same_union_on_strike(ticks_of):
    poison, strike = (
        ticks_of("poison-decay", **union(stance)) for stance in ("poison:extreme_vandal", "strike")
    )
    for ticks in (poison, strike):
        assert (ticks["share_in_coalitions"].iloc[2:] == 0.05).all()
        assert ticks["participation"].iloc[2:].to_numpy() == pytest.approx(0.05)
        assert ticks["participation"].iloc[1] == 0
    taken = strike["records_large"].iloc[0] - strike["records_large"].iloc[-1]
    assert poison["poisoned_large"].iloc[-1] == taken > 0  # the same members
    assert (poison["dlp_strike"].iloc[2:] > 3 * strike["dlp_strike"].iloc[2:]).all()
