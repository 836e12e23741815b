"""The shipped scenario on pins, played with a sixth of the people and, where they decide, for seven ticks."""

import pandas as pd
import pytest

from scenarios.runs import play
from scenarios.scenario import load_scenario

KINDS = ("item_swap", "hated_playlist", "plant target=5000")


def ticks_of(data_dir, **overrides):
    """Play the scenario with 6,000 people, 2,000 of them tested."""
    settings = {
        "population.users": 6000,
        "learner.test_owners": 2000,
        "record.composition": "off",
        "network": {"family": "watts_strogatz"},
        "population.beliefs": {"linear": 1.0, "pessimist": 0.0, "true": 0.0},
        **overrides,
    }
    return play(load_scenario("pinterest-choice", **settings), data_dir=data_dir).ticks


@pytest.mark.slow
def test_people_choose_and_the_law_speeds_up_contribution(prepared):
    ticks = ticks_of(prepared("pinterest-20"), ticks=7).set_index("tick")
    assert ticks["owners_large"][0] == 6000
    assert ticks["participation"][1:].between(0.005, 0.95).all()
    assert (ticks.loc[7, ["share_cdc", "share_strike", "share_cdc_delete"]] > 0.003).all()
    assert ticks["switch_rate"].max() < 0.1
    joined = ticks["share_cdc"].diff()
    assert joined[6] > 2 * joined[5]  # the law comes
    assert ticks["dlp_cdc_holdout"][7] > ticks["dlp_cdc_holdout"][5] + 0.02
    assert ticks["dlp_cdc"][7] > ticks["dlp_cdc"][5]
    # Large Co. serves those whose data it has nearly as before.
    assert ticks["dlp_strike_company"].abs().max() < 0.05


@pytest.mark.slow
def test_every_stance_is_trained_on(prepared):
    shares = {
        "strike": 0.05,
        "cdc": 0.05,
        "cdc_delete": 0.05,
        "boycott": 0.05,
        "boycott_leave": 0.05,
        "move": 0.05,
        **{f"poison:{kind}": 0.01 for kind in KINDS},
    }
    steps = [{"tick": 1, "shares": shares}, {"tick": 3, "shares": {"poison:plant target=5000": 0.005}}]
    rule = {"rule": "scripted", "steps": steps}
    ticks = ticks_of(prepared("pinterest-20"), ticks=3, interventions=[], decision=rule).set_index("tick")
    wanted = pd.Series({name: share for name, share in shares.items() if ":" not in name})
    for stance, share in wanted.items():
        assert ticks[f"share_{stance}"][1] == pytest.approx(share, abs=1e-3)
    assert ticks["share_poison"][1] == pytest.approx(0.03, abs=1e-3)
    assert ticks["poisoned_large"][1] > 3000
    assert ticks["dlp_strike_holdout"][1] > 0.1
    assert ticks["poison_planted_large"][3] > 0.5
