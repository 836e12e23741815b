"""The shipped scenarios: that they are whole, and that they show what they say."""

import numpy as np
import pandas as pd
import pytest

from scenarios.runs import play
from scenarios.scenario import load_scenario, shipped

STANCES = ("strike", "strike_withhold", "cdc", "cdc_delete", "boycott", "boycott_leave", "move", "poison")


def ticks_of(name, data_dir=None, **overrides):
    """Play a scenario; wall seconds are left out."""
    run = play(load_scenario(name, **{"record.composition": "off", **overrides}), data_dir=data_dir)
    return run.ticks.drop(columns=[column for column in run.ticks if column.startswith("seconds")])


def law_of(name):
    (law,) = load_scenario(name).interventions
    return law.start


def assert_choice_is_interior(ticks):
    """Some act and some do not, in several ways, and most people keep to what they do."""
    assert ticks["participation"].iloc[5:].between(0.02, 0.95).all()
    last = ticks.iloc[-1]
    assert sum(last[f"share_{stance}"] > 0.01 for stance in STANCES) >= 3
    assert ticks["switch_rate"].max() < 0.1


def assert_moves_then_settles(series):
    """The range of the last quarter is small beside the way that the whole run went."""
    way = series.max() - series.min()
    late = series.iloc[-len(series) // 4 :]
    assert way > 0.1
    assert late.max() - late.min() < 0.35 * way


def assert_same_until(with_law, without, start):
    before = slice(0, start - 1)
    pd.testing.assert_frame_equal(
        with_law.set_index("tick").loc[before], without.set_index("tick").loc[before], check_exact=True
    )


@pytest.fixture(scope="module")
def digits():
    return ticks_of("digits-default"), ticks_of("digits-default", interventions=[])


@pytest.fixture(scope="module")
def ml_100k():
    """Both runs, once: the run without the law ends a tick after it would have come."""
    cache = {}

    def get(data_dir):
        if not cache:
            start = law_of("ml-100k-choice")
            cache["with"] = ticks_of("ml-100k-choice", data_dir)
            slices = {"clock.slices": load_scenario("ml-100k-choice").ticks}
            cache["without"] = ticks_of(
                "ml-100k-choice", data_dir, interventions=[], ticks=start + 1, **slices
            )
        return cache["with"], cache["without"]

    return get


@pytest.mark.parametrize("name", shipped())
def test_scenario_says_what_it_asks_and_expects(name):
    scenario = load_scenario(name)
    assert scenario.question.endswith("?")
    for text in (scenario.held_fixed, scenario.changed, scenario.expectation):
        assert len(text) > 20
        assert text.endswith(".")
        assert "\n" not in text
    assert scenario.mode == "live" or scenario.curve == "published"
    assert scenario.ticks <= 40


@pytest.mark.parametrize("name", shipped())
def test_text_of_what_changes_names_the_ticks_of_the_laws(name):
    scenario = load_scenario(name)
    for law in scenario.interventions:
        assert f"tick {law.start} on" in scenario.changed


def test_default_is_embedded_and_has_a_law_in_the_middle():
    scenario = load_scenario()
    assert scenario.use_case == "digits"
    assert 5 <= law_of(scenario.name) <= scenario.ticks - 20  # room before it, and to settle after


def test_digits_choice_is_interior_with_and_without_the_law(digits):
    assert [len(ticks) for ticks in digits] == [41, 41]
    assert_choice_is_interior(digits[0])
    assert digits[1]["participation"].iloc[5:].between(0.02, 0.95).all()
    assert digits[1]["switch_rate"].max() < 0.1


def test_digits_leverage_moves_then_settles(digits):
    assert_moves_then_settles(digits[0]["dlp_cdc"])
    assert digits[0]["dlp_cdc"].iloc[0] == pytest.approx(0, abs=1e-9)


def test_digits_law_changes_the_course_and_nothing_before_it(digits):
    with_law, without = digits
    assert_same_until(with_law, without, law_of("digits-default"))
    assert with_law["share_cdc"].iloc[-1] - without["share_cdc"].iloc[-1] > 0.05
    assert with_law["participation"].iloc[-1] - without["participation"].iloc[-1] > 0.03


def test_digits_turn_out_as_expected(digits):
    """A few contributors make the rival nearly as good; strikers hardly hurt and lose nothing."""
    last = digits[0].iloc[-1]
    assert last["dlp_cdc"] > 0.9
    assert last["share_strike"] > 0.05
    assert abs(last["dlp_strike"]) < 0.05


@pytest.fixture(scope="module")
def published():
    """The four published use cases, with the law and without it; no data are at hand."""
    return {
        use_case: tuple(
            ticks_of("published-curves", "nowhere", use_case=use_case, **without)
            for without in ({}, {"interventions": []})
        )
        for use_case in ("pinterest-20", "ml-10m", "cifar-10", "toxic")
    }


def test_published_curves_play_without_data(published):
    for with_law, without in published.values():
        assert set(with_law["mode"]) == {"surrogate"}
        assert with_law["random_participation_assumed"].all()
        assert_choice_is_interior(with_law)
        assert_same_until(with_law, without, law_of("published-curves"))


def test_published_curves_turn_out_as_expected(published):
    last = {name: [ticks.iloc[-1] for ticks in runs] for name, runs in published.items()}
    gains = {}
    for name, (law, none) in last.items():
        contributed = [row[["share_cdc", "share_cdc_delete", "share_move"]].sum() for row in (law, none)]
        assert contributed[1] == pytest.approx(0.26, abs=0.03)
        assert contributed[0] == pytest.approx(0.43, abs=0.04)
        gains[name] = law["dlp_cdc"] - none["dlp_cdc"]
    for name in ("pinterest-20", "cifar-10"):
        assert last[name][1]["dlp_cdc"] > 0.89
    assert max(gains["pinterest-20"], gains["cifar-10"]) < min(gains["ml-10m"], gains["toxic"])
    assert max(last[name][0]["dlp_strike"] for name in ("cifar-10", "toxic")) < 0.06
    striking = {name: row["share_strike"] + row["share_cdc_delete"] for name, (row, _) in last.items()}
    assert max(striking["pinterest-20"], striking["ml-10m"]) < 0.13
    assert min(striking["cifar-10"], striking["toxic"]) > 0.2


@pytest.mark.slow
def test_ml_100k_choice_is_interior(prepared, ml_100k):
    ticks, _ = ml_100k(prepared("ml-100k"))
    assert len(ticks) == 41
    assert_choice_is_interior(ticks)
    assert ticks["records_large"].iloc[-1] > ticks["records_large"].iloc[0]  # ratings arrive


@pytest.mark.slow
def test_ml_100k_leverage_moves_then_settles(prepared, ml_100k):
    ticks, _ = ml_100k(prepared("ml-100k"))
    assert_moves_then_settles(ticks["dlp_cdc"])


@pytest.mark.slow
def test_ml_100k_law_changes_the_course_and_nothing_before_it(prepared, ml_100k):
    with_law, without = ml_100k(prepared("ml-100k"))
    start = law_of("ml-100k-choice")
    assert_same_until(with_law, without, start)
    for column in ("share_cdc", "participation", "records_small", "dlp_cdc"):
        assert with_law[column].iloc[start + 1] > without[column].iloc[start + 1], column
    assert with_law["share_cdc"].iloc[start + 1] > 1.3 * without["share_cdc"].iloc[start + 1]


@pytest.mark.slow
def test_ml_100k_strike_follows_the_script_and_a_random_strike_has_no_composition_gap(prepared):
    ticks = ticks_of("ml-100k-strike", prepared("ml-100k"), **{"record.composition": 8, "record.shadows": 3})
    steps = {step.tick: step.shares["strike"] for step in load_scenario("ml-100k-strike").decision.steps}
    wanted = pd.Series(steps).reindex(range(29)).ffill().fillna(0)
    np.testing.assert_allclose(ticks["share_strike"], wanted, atol=0.5 / 943 + 1e-9)
    np.testing.assert_array_equal(ticks["participation"], 1 - ticks["share_stay"])
    assert ticks["owners_large"].tolist() == [943 - round(share * 943) for share in wanted]
    measured = ticks.dropna(subset="composition_gap").set_index("tick")
    assert measured.index.tolist() == [8, 16, 24]
    holds_zero = (measured["composition_gap_low"] <= 0) & (measured["composition_gap_high"] >= 0)
    assert holds_zero.sum() >= 2
    leverage = ticks.set_index("tick")["dlp_strike"]
    assert leverage[28] > leverage[20] > leverage[12] > leverage[4] > 0


@pytest.mark.slow
def test_ml_1m_choice_plays(prepared):
    ticks = ticks_of("ml-1m-choice", prepared("ml-1m"), ticks=2, interventions=[])
    assert ticks["tick"].tolist() == [0, 1, 2]
    assert ticks["owners_large"].iloc[0] == 6040
    assert ticks["records_large"].iloc[0] > 500_000
    assert 0 < ticks["owners_small"].iloc[0] < 150
    assert 0 < ticks["participation"].iloc[-1] < 0.2
    assert 0.8 < ticks["quality_large_holdout"].iloc[0] < ticks["quality_small_holdout"].iloc[0] < 1.1
