"""What institutions did, in words."""

from __future__ import annotations

import pandas as pd
import pytest

from abm.model import DataLeverageModel
from analysis.institution_texts import institution_texts


def played(ticks=12, **settings):
    """Return the tables of a run on the digits."""
    model = DataLeverageModel("digits", record={"composition": "off"}, rng=1, **settings)
    for _ in range(ticks):
        model.step()
    return pd.DataFrame(model.ticks), model.events.table()


def scripted(share):
    return {"rule": "scripted", "steps": [{"tick": 2, "shares": {"strike": share}}]}


def test_nothing_is_said_where_no_institution_did_anything():
    assert institution_texts(*played(3)) == []


def test_a_union_is_told_with_when_it_acts_and_how_many_it_binds():
    standing = {"name": "crowd", "minimum": 0.0, "budget": 300, "dues": 0.0}
    ticks, events = played(coalitions={"standing": [standing], "effort": {"persuasion": 5.0}})
    [text] = institution_texts(ticks, events)
    acts = events[events["kind"] == "coalition act"].iloc[0]
    assert text.startswith(f"**Who organised.** The crowd first acts at tick {acts['tick']}: {acts['text']}.")
    last = ticks.iloc[-1]
    assert 0 < last["share_bound"] < last["share_in_coalitions"]
    assert (
        f"{last['share_in_coalitions']:.1%} of the people are members of 1 coalition, of which 1 acts" in text
    )
    assert f"{last['share_bound']:.1%} of the people then do as" in text
    assert f"Organisers have spent {last['organiser_effort']:,.0f} units" in text


def test_laundering_and_what_came_of_it_are_told():
    from scenarios.interventions import WeightDeletionOrder

    large = {"forgetting": "launder", "cold_retrain_ticks": 2}
    ticks, events = played(
        decision=scripted(0.2), companies={"large": large}, interventions=[WeightDeletionOrder(start=6)]
    )
    [text] = institution_texts(ticks, events)
    assert text.startswith("**How Large Co. answered.** At 4 ticks, first 2, it served models")
    assert f"up to {ticks['laundered_large'].max():,.0f} records" in text
    assert "At tick 6, weights that had seen" in text
    assert "For 2 ticks it had no model" in text


def test_a_detector_and_its_false_alarms_are_told():
    decision = {"rule": "scripted", "steps": [{"tick": 1, "shares": {"poison:label_flip": 0.3}}]}
    detection = {"most_found": 1.0, "false_alarms": 0.1}
    ticks, events = played(
        5,
        decision=decision,
        population={"poisons": ["label_flip"]},
        companies={"large": {"detection": detection}},
    )
    [text] = institution_texts(ticks, events)
    assert f"finds {ticks['detection_tpr'].iloc[-1]:.0%} of the poison" in text
    assert f"{ticks['detection_fpr'].iloc[-1]:.0%} of what is genuine" in text


def test_money_is_told_in_units_of_revenue():
    ticks, events = played(3, policy={"dividend_share": 0.2})
    [text] = institution_texts(ticks, events)
    last = ticks.iloc[-1]
    assert f"{last['dividend_paid']:.3f} in dividends" in text
    assert f"Large Co. keeps {last['net_revenue_large']:.3f}" in text
    assert last["net_revenue_large"] == pytest.approx(last["revenue_large"] - last["dividend_paid"])
