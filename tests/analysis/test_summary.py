import math

import numpy as np
import pandas as pd
import pytest

from analysis.audit import AuditError
from analysis.palette import STANCES
from analysis.summary import run_summary, summary_record
from scenarios.run_directory import json_text

DESCRIBED = {
    "scenario_name": "a-law",
    "question": "Does it help?",
    "use_case": "ml-100k",
    "metric": "RMSE",
    "higher_is_better": False,
    "perspective": "company",
    "mode": "live",
    "note": "Take care.",
    "warnings": ["the sun sets", "the tide turns"],
}

OF_INSTITUTIONS = (
    *("coalitions", "communities_active", "share_pledged", "share_bound", "organiser_effort"),
    *("concession_cost", "laundered_large", "weights_void_large", "flagged_large", "fines_large"),
    *("dividend_paid", "dividend_fund", "credits_paid"),
)


def tick_table(**last):
    """Three ticks; 30 % act at the end. ``last`` replaces values of the last row."""
    ticks = pd.DataFrame(
        {
            "tick": [0, 1, 2],
            "stale": [False, False, False],
            **{f"share_{stance}": [0.0, 0.0, 0.0] for stance in STANCES},
            "participation": [0.0, 0.1, 0.3],
            "data_participation": [0.0, 0.2, 0.4],
            "switch_rate": [0.0, 0.125, 0.05],
            "quality_large_company": [0.911, 0.912, 0.923],
            "quality_small_company": [1.021, 1.001, 0.954],
            "quality_large_served": [9.0, 9.0, 9.0],
            "quality_small_served": [9.0, 9.0, 9.0],
            "baseline_company": [1.021, 1.021, 1.021],
            "best_company": [0.911, 0.911, 0.911],
            "dlp_cdc": [0.0625, 0.25, 0.6],
            "dlp_strike": [0.0, 0.0, 0.1094],
            "dlp_cdc_delete": [0.0625, 0.25, 0.7],
            "revenue_large": [1.0, 0.99, 0.875],
            "revenue_small": [0.0, 0.011, 0.222],
            "market_share_small": [0.0, 0.0125, 0.25],
            "hhi": [1.0, 0.975, 0.625],
            "welfare_all": [0.5, 0.475, 0.4],
            "welfare_participants": [np.nan, 0.25, 0.125],
            "welfare_non_participants": [0.5, 0.5, 0.5],
        }
    )
    ticks[list(OF_INSTITUTIONS)] = 0.0
    ticks["share_stay"] = 1 - ticks["participation"]
    ticks["share_cdc"] = [0.0, 0.1, 0.2]
    ticks["share_strike_withhold"] = [0.0, 0.0, 0.075]
    ticks["share_move"] = [0.0, 0.0, 0.025]
    for column, value in last.items():
        ticks.loc[2, column] = value
    return ticks


def event_table(*laws):
    return pd.DataFrame(
        [(1, "move", "delete", 3.0, "3 users"), *((t, "intervention", s, v, "in force") for t, s, v in laws)],
        columns=["tick", "kind", "subject", "value", "text"],
    )


LAWS = event_table((1, "portability_law", 1.0), (2, "portability_law", 0.0))


def record(ticks=None, events=LAWS, **described):
    return summary_record(tick_table() if ticks is None else ticks, events, **(DESCRIBED | described))


def words(ticks=None, events=LAWS, **described):
    return run_summary(tick_table() if ticks is None else ticks, events, **(DESCRIBED | described))


def test_summary_says_what_an_audit_found():
    assert record()["audit"] is None
    assert "Audit" not in words()
    worst = AuditError(0.14159, 7, "small", "served")
    found = record(mode="grid", audit=worst)["audit"]
    assert found == {"error": 0.14159, "tick": 7, "company": "small", "perspective": "served"}
    text = words(mode="grid", audit=worst)
    assert "the curve was off by at most 0.142 in units of leverage (Small Co., served view, tick 7)" in text


@pytest.mark.parametrize(
    ("mode", "how"),
    [("grid", "in straight lines between its points"), ("surrogate", "smoothly between its points")],
)
def test_summary_says_that_nothing_was_trained(mode, how):
    text = words(mode=mode)
    assert f"quality is read off a learning curve, as if those who act were a random set, {how}." in text


def test_record_has_the_numbers_of_the_last_tick():
    r = record()
    assert r["ticks"] == 2
    assert r["participation"] == 0.3
    assert r["data_participation"] == 0.4
    assert r["most_switching"] == 0.125  # of all ticks
    assert r["shares"] == {stance: tick_table()[f"share_{stance}"].iloc[-1] for stance in STANCES}
    assert r["dlp"] == {"cdc": 0.6, "strike": 0.1094, "cdc_delete": 0.7}
    assert r["dlp_cdc_at_start"] == 0.0625
    assert r["revenue"] == {"large": 0.875, "small": 0.222}


def test_record_measures_quality_in_the_view_of_the_scenario():
    assert record()["quality"] == {
        "large": {"first": 0.911, "last": 0.923},
        "small": {"first": 1.021, "last": 0.954},
    }
    assert (record()["baseline"], record()["best"]) == (1.021, 0.911)
    with pytest.raises(KeyError, match="baseline_served"):  # the table of this test has none
        record(perspective="served")


def test_record_repeats_what_the_run_was():
    r = record()
    assert r["scenario"] == "a-law"
    for key in DESCRIBED.keys() - {"scenario_name"}:
        assert r[key] == DESCRIBED[key]


def test_record_says_what_was_true_just_before_each_law():
    first, second = record()["interventions"]
    assert first == {
        "tick": 1,
        "kind": "portability_law",
        "begins": True,
        "participation_before": 0.0,
        "dlp_cdc_before": 0.0625,
        "dlp_strike_before": 0.0,
        "revenue_large_before": 1.0,
        "revenue_small_before": 0.0,
    }
    assert (second["tick"], second["begins"], second["participation_before"]) == (2, False, 0.1)


def test_law_from_the_start_has_no_before():
    (law,) = record(events=event_table((0, "deletion_right", 1.0)))["interventions"]
    assert (law["tick"], law["participation_before"], law["revenue_large_before"]) == (0, 0.0, 1.0)


def test_record_is_plain_and_can_be_written_as_json():
    table = tick_table(dlp_cdc=np.nan)
    r = record(table.astype({"participation": "float32"}))
    assert type(r["participation"]) is float
    assert type(r["ticks"]) is int
    assert math.isnan(r["dlp"]["cdc"])
    assert '"cdc": null' in json_text(r)


def test_words_say_who_acts_most_first():
    text = words()
    assert text.startswith("# a-law\n\nDoes it help?\n")
    assert "After 2 ticks 30% of the people act, who own 40% of the data: " in text
    cdc, withhold, move = (STANCES[stance].label for stance in ("cdc", "strike_withhold", "move"))
    assert f"data: {cdc} 20.0%, {withhold} 7.5%, {move} 2.5%. At most" in text
    assert "At most 12.5% changed their mind in one tick." in text
    assert STANCES["poison"].label not in text


def test_words_say_quality_leverage_and_revenue():
    text = words()
    assert "RMSE (company view, lower is better)" in text
    assert "Large Co. 0.911 to 0.923, Small Co. 1.021 to 0.954" in text
    assert "from 1.021 (un-informed) to 0.911 (all data)" in text
    assert "At the end contribution has 0.600 (at the start 0.062), withdrawal from Large Co. 0.109." in text
    assert "Large Co. 0.875, Small Co. 0.222." in text
    assert "higher is better" in words(higher_is_better=True)


def test_words_name_each_law_and_do_not_claim_that_it_was_the_cause():
    text = words()
    assert "**Tick 1: portability law begins.**" in text
    assert "**Tick 2: portability law ends.**" in text
    assert "participation went from 0% to 30%" in text
    assert "from 0.062 to 0.600, that of withdrawal from 0.000 to 0.109, Small Co.'s revenue" in text
    assert text.count("only the same seed without it tells") == 2
    assert "portability" not in words(events=event_table())


def test_words_say_what_to_be_careful_about():
    text = words()
    assert "One run, one seed" in text
    assert "Take care." in text
    for warning in DESCRIBED["warnings"]:
        assert f"\n\nWarning: {warning}." in text
    assert "retrained" in text
    assert "Warning" not in words(warnings=[])


def test_words_of_a_replay_do_not_say_that_anything_was_trained():
    text = words(mode="replay")
    assert "played again" in text
    assert "retrained" not in text


def test_what_is_undefined_is_called_so():
    text = words(tick_table(dlp_cdc=np.nan, quality_small_company=np.nan))
    assert "contribution has undefined" in text
    assert "Small Co. 1.021 to undefined" in text
    assert "nan" not in text.lower()


def test_ticks_without_a_new_model_are_counted():
    table = tick_table().assign(stale=[False, True, True])
    assert record(table)["stale_ticks"] == 2
    assert "At 2 ticks a company served a model of earlier data." in words(table)
    assert "earlier data" not in words()


def test_nobody_acts():
    idle = tick_table(
        participation=0.0, share_stay=1.0, share_cdc=0.0, share_strike_withhold=0.0, share_move=0.0
    )
    assert "0% of the people act, who own 40% of the data: nobody. At most" in words(idle)


def test_run_of_no_tick():
    r = record(tick_table().iloc[:1], event_table())
    assert (r["ticks"], r["participation"], r["most_switching"]) == (0, 0.0, 0.0)
    assert words(tick_table().iloc[:1], event_table()).startswith("# a-law")


def test_words_count_the_people_whom_the_users_stand_for():
    assert record()["people_acting"] is None
    assert "stand for" not in words()
    assert record(represents=183_000_000)["people_acting"] == pytest.approx(54_900_000)
    text = words(represents=183_000_000)
    assert "As these users stand for 183,000,000 people, 30% are 54,900,000 people." in text


def test_words_on_levels_of_leverage_and_parity():
    r = record()
    assert r["time_to_parity"] is None
    assert r["dlp_area"]["cdc"] == pytest.approx((0.0625 + 0.25) / 2 + (0.25 + 0.6) / 2)
    assert [row["tick"] for row in r["dlp_levels"]["cdc"]][:1] == [2]
    assert math.isnan(r["dlp_levels"]["cdc"][1]["tick"])  # .6 was reached, not exceeded
    assert "That of contribution first exceeded 0.5 at tick 2, when 30% of the people acted." in words()
    assert "closed" not in words()
    closed = tick_table(dlp_cdc_delete=0.96)
    assert record(closed)["time_to_parity"] == 2
    assert "Small Co. had closed 95 % of the gap to Large Co. by tick 2." in words(closed)
    assert "exceeded" not in words(tick_table(dlp_cdc=0.3))


def test_words_on_market_and_welfare():
    r = record()
    assert (r["market_share_small"], r["hhi"], r["welfare_at_start"]) == (0.25, 0.625, 0.5)
    assert r["welfare"] == {"all": 0.4, "participants": 0.125, "non_participants": 0.5}
    text = words()
    assert "Small Co. has 25.0% of the attention." in text
    assert "0.500 before anybody acted, 0.400 at the end; 0.125 for those who act then, 0.500 for" in text


def test_words_on_levers_only_where_these_were_told_apart():
    levers = ("remove", "contribute", "poison", "leave")
    table = tick_table()
    for outcome in ("dlp_cdc", "dlp_strike", "revenue_large"):
        for lever in levers:
            table[f"attribution_{outcome}_{lever}"] = np.nan
    assert record()["attribution"] is record(table)["attribution"] is None
    assert "Which lever" not in words(table)
    for outcome, shares in {
        "dlp_cdc": (0.0, 0.6, 0.0, 0.0),
        "dlp_strike": (0.0, 0.0, 0.0, 0.0),
        "revenue_large": (-0.025, 0.0, 0.0, -0.1),
    }.items():
        for lever, share in zip(levers, shares, strict=True):
            table.loc[1, f"attribution_{outcome}_{lever}"] = share
    found = record(table)["attribution"]
    assert found["tick"] == 1
    assert found["revenue_large"] == {"remove": -0.025, "contribute": 0.0, "poison": 0.0, "leave": -0.1}
    assert (
        "by tick 1 (Shapley shares, which add up to what all did together). leverage of contribution: "
        "contribute +0.600; leverage of withdrawal: nothing; Large Co.'s revenue: remove -0.025, "
        "leave -0.100."
    ) in words(table)


def test_years_of_progress_only_for_the_data_with_a_ladder():
    table = tick_table().assign(
        dlp_strike_holdout=[0.0, 0.0, 0.3],
        utility_best=0.774,
        utility_baseline=0.76,
        surfaced_hits_large=[0.774, 0.774, 0.764],
    )
    assert record(table)["equivalent_year"] is None
    assert "Years of progress" not in words(table)
    years = record(table, use_case="ml-1m")["equivalent_year"]
    assert years["rmse"] == pytest.approx(2002.5, abs=0.1)
    assert years["surfaced_hits"] == -math.inf
    text = words(table, use_case="ml-1m")
    assert "a proxy: on the dated techniques" in text
    assert "of 2003 by RMSE, older than the oldest, of 1994 by surfaced hits." in text
    text = words(table.assign(dlp_strike_holdout=0.01), use_case="ml-1m")
    assert "newer than the newest, of 2010 by RMSE" in text
