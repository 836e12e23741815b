import json
import math

import numpy as np
import pandas as pd
import pytest

from analysis.palette import STANCES
from analysis.summary import run_summary, summary_record

DESCRIBED = {
    "scenario_name": "a-law",
    "question": "Does a law help?",
    "use_case": "ml-100k",
    "metric": "RMSE",
    "higher_is_better": False,
    "perspective": "served",
    "mode": "live",
}


def tick_table() -> pd.DataFrame:
    """Four ticks: nobody acts, then a tenth strikes, then a law comes at tick 2 and people contribute."""
    columns = {f"share_{stance}": [0.0] * 4 for stance in STANCES}
    columns["share_stay"] = [1.0, 0.9, 0.65, 0.4]
    columns["share_strike"] = [0.0, 0.1, 0.1, 0.1]
    columns["share_cdc"] = [0.0, 0.0, 0.25, 0.5]
    return pd.DataFrame(
        columns
        | {
            "stale": [False] * 4,
            "tick": range(4),
            "participation": [0.0, 0.1, 0.35, 0.6],
            "data_participation": [0.0, 0.12, 0.4, 0.7],
            "switch_rate": [0.0, 0.1, 0.255, 0.25],
            "quality_large_served": [0.91, 0.92, 0.925, 0.93],
            "quality_small_served": [1.02, 1.02, 0.98, 0.954],
            "baseline_served": 1.02,
            "best_served": 0.91,
            "dlp_cdc": [0.0, 0.0, 0.36, 0.6],
            "dlp_strike": [0.0, 0.09, 0.14, 0.18],
            "dlp_cdc_delete": [0.0, 0.0, 0.42, 0.73],
            "revenue_large": [1.0, 0.99, 0.97, 0.95],
            "revenue_small": [0.0, 0.0, 0.01, 0.04],
        }
    )


def event_table(*laws: tuple[int, str, float]) -> pd.DataFrame:
    rows = [(1, "retrain", "large", 0.1, ""), *((tick, "intervention", *law, "") for tick, *law in laws)]
    return pd.DataFrame(rows, columns=["tick", "kind", "subject", "value", "text"])


LAW = event_table((2, "portability_law", 1.0))


def test_record_holds_the_numbers_of_the_table():
    record = summary_record(tick_table(), LAW, **DESCRIBED)
    assert record["ticks"] == 3
    assert {stance: share for stance, share in record["shares"].items() if share} == {
        "stay": 0.4,
        "strike": 0.1,
        "cdc": 0.5,
    }
    assert (record["participation"], record["data_participation"], record["most_switching"]) == (
        0.6,
        0.7,
        0.255,
    )
    assert record["quality"] == {
        "large": {"first": 0.91, "last": 0.93},
        "small": {"first": 1.02, "last": 0.954},
    }
    assert (record["baseline"], record["best"]) == (1.02, 0.91)
    assert record["dlp"] == {"cdc": 0.6, "strike": 0.18, "cdc_delete": 0.73}
    assert record["revenue"] == {"large": 0.95, "small": 0.04}
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize(
    ("tick", "value", "before"),
    [(2, 1.0, (0.1, 0.0, 0.99, 0.0)), (3, 0.0, (0.35, 0.36, 0.97, 0.01)), (0, 1.0, (0, 0, 1, 0))],
)
def test_intervention_is_judged_against_the_tick_before_it(tick, value, before):
    events = event_table((tick, "portability_law", value))
    (law,) = summary_record(tick_table(), events, **DESCRIBED)["interventions"]
    assert (law["tick"], law["kind"], law["begins"]) == (tick, "portability_law", bool(value))
    names = ("participation", "dlp_cdc", "revenue_large", "revenue_small")
    assert tuple(law[f"{name}_before"] for name in names) == before


def test_summary_says_who_acted_what_models_lost_and_what_the_law_changed():
    text = " ".join(run_summary(tick_table(), LAW, **DESCRIBED).split())
    for phrase in [
        "# a-law Does a law help?",
        "After 3 ticks 60% of the people act, who own 70% of the data: contribute 50.0%, strike 10.0%.",
        "25.5%",
        "RMSE (served view, lower is better): Large Co. 0.910 to 0.930, Small Co. 1.020 to 0.954",
        "from 1.020 (un-informed) to 0.910 (all data)",
        "contribution has 0.600",
        "withdrawal from Large Co. 0.180",
        "Large Co. 0.950, Small Co. 0.040",
        "Tick 2: portability law begins.",
        "participation went from 10% to 60%",
        "leverage of contribution from 0.000 to 0.600",
        "One run, one seed; ml-100k;",
    ]:
        assert phrase in text


def test_end_of_a_law_is_called_its_end():
    assert "Tick 3: portability law ends." in run_summary(
        tick_table(), event_table((3, "portability_law", 0.0)), **DESCRIBED
    )


def test_note_and_warnings_are_passed_on():
    text = run_summary(tick_table(), LAW, **DESCRIBED, note="A demonstration.", warnings=["few records"])
    assert text.endswith("A demonstration.\n\nWarning: few records.\n")


def test_a_run_that_is_not_live_does_not_claim_to_have_trained():
    assert "nothing is trained" in run_summary(tick_table(), LAW, **DESCRIBED | {"mode": "replay"})
    assert "nothing is trained" not in run_summary(tick_table(), LAW, **DESCRIBED)


def test_stale_ticks_are_counted():
    table = tick_table()
    assert "earlier data" not in run_summary(table, LAW, **DESCRIBED)
    table.loc[table.index[1:], "stale"] = True
    assert f"At {len(table) - 1} ticks" in run_summary(table, LAW, **DESCRIBED)


def test_nothing_happened_and_undefined_numbers_are_said_in_words():
    ticks = tick_table().iloc[:1].copy()
    ticks[["dlp_cdc", "quality_small_served", "baseline_served"]] = np.nan
    text = run_summary(ticks, event_table(), **DESCRIBED)
    assert "0% of the data: nobody." in text
    assert "Small Co. undefined to undefined" in text
    assert "nan" not in text.lower()
    assert math.isnan(summary_record(ticks, event_table(), **DESCRIBED)["dlp"]["cdc"])
