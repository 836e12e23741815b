"""Charts as options: labels stand apart, limits hold the data, dashes differ, long runs are thinned."""

from __future__ import annotations

import itertools
import json
import math

import pytest

from analysis.palette import COMPANIES, LEVERS, STANCES
from scenarios.dashboard.chart_style import shown_colour
from scenarios.dashboard.line_charts import (
    MOST_POINTS,
    Axis,
    Band,
    Line,
    Mark,
    Spot,
    echarts_dash,
    heading,
    limits,
    line_chart,
)
from scenarios.dashboard.messages import Event
from scenarios.dashboard.run_charts import marks_of


def drawn(lines, **how):
    n = len(lines[0].values)
    axis = limits([line.values for line in lines])
    return line_chart([float(i) for i in range(n)], lines, axis, last_tick=n - 1.0, height=250, **how)


@pytest.mark.parametrize(
    "values", [[0.1, 0.7], [-3.0, 12.0], [5.0, 5.0], [0.0, 0.0], [1e-7, 3e-7], [None, math.nan, 2.0]]
)
def test_limits_are_round_and_hold_all_values(values):
    low, high = limits([values])
    known = [value for value in values if value is not None and math.isfinite(value)]
    assert low <= min(known)
    assert high >= max(known)
    assert high > low


def test_labels_at_the_ends_of_lines_stand_apart():
    lines = [Line(look, [0.0, 0.001 * number]) for number, look in enumerate(STANCES.values())]
    option = drawn([*lines, Line(COMPANIES["large"], [0.0, 1.0])])
    ends = [series["data"][-1][1] for series in option["series"]]
    low, high = option["yAxis"]["min"], option["yAxis"]["max"]
    top, bottom = option["grid"]["top"], 250 - option["grid"]["bottom"]
    places = sorted(
        bottom - (end - low) / (high - low) * (bottom - top) + series["endLabel"]["offset"][1]
        for end, series in zip(ends, option["series"], strict=True)
    )
    assert all(below - above >= 13.5 for above, below in itertools.pairwise(places))
    assert places[-1] <= bottom + 5


def test_lines_differ_without_colour_and_black_is_seen_on_black():
    looks = [(look.colour, str(echarts_dash(look))) for look in STANCES.values()]
    assert len(set(looks)) == len(looks)
    dashes = {str(echarts_dash(look)) for look in LEVERS.values()}
    assert len(dashes) > 1
    assert shown_colour("#000000", True) == "#FFFFFF"
    assert shown_colour("#0072B2", True) == "#0072B2"


def test_long_runs_are_thinned_and_end_where_they_end():
    option = drawn([Line(COMPANIES["large"], [float(i) for i in range(5001)])])
    points = option["series"][0]["data"]
    assert len(points) <= MOST_POINTS + 1
    assert points[-1] == [5000.0, 5000.0]


def test_an_option_is_json_even_where_values_are_undefined():
    option = drawn(
        [Line(COMPANIES["small"], [math.nan, None, 1.0], frozenset({2}))],
        bands=[Band(COMPANIES["small"], [0.1, 0.2, 0.3], [0.2, 0.4, 0.9])],
        marks=[Mark(1, "law")],
    )
    assert "NaN" not in json.dumps(option, allow_nan=False)
    low, span, line = option["series"]
    assert span["data"][2][1] == pytest.approx(0.6)
    assert low["stack"] == span["stack"]
    assert [point["symbolSize"] for point in line["data"]] == [0, 0, 5]


def test_a_chart_says_its_latest_values():
    lines = [Line(COMPANIES["large"], [1.0, 0.25]), Line(COMPANIES["small"], [0.5, None])]
    assert heading(lines) == "Large Co. 0.25; Small Co. 0.5"
    assert heading([Line(COMPANIES["large"], [None])]) == "Large Co. undefined"


def test_marks_are_at_the_tick_at_which_something_is_felt():
    events = [
        Event(5, "intervention", "portability_law", 1.0, ""),
        Event(5, "campaign", "strike", 0.1, ""),
        Event(9, "intervention", "portability_law", 0.0, ""),
        Event(9, "move", "delete", 3.0, ""),
        Event(12, "coalition act", "data union", 30.0, ""),
        Event(13, "concession", "stop_practice", 3.0, ""),
        Event(14, "coalition end", "data union", 30.0, ""),
        Event(14, "coalition leave", "data union", 3.0, ""),
        Event(20, "market exit", "Small Co.", 3.0, ""),
    ]
    assert marks_of(events) == [
        Mark(5, "portability law"),
        Mark(6, "strike 10%"),
        Mark(9, "portability law ends"),
        Mark(12, "data union acts"),
        Mark(13, "stop practice conceded"),
        Mark(14, "data union stops"),
        Mark(20, "Small Co. exits"),
    ]


def test_the_axis_is_as_asked():
    option = line_chart([0.0], [], Axis(0.0, 2.0), last_tick=7.0, height=250)
    assert (option["yAxis"]["min"], option["yAxis"]["max"], option["xAxis"]["max"]) == (0.0, 2.0, 7.0)


def test_charts_side_by_side_are_as_high():
    marks = [Mark(3, "law"), Mark(5, "strike 10%")]
    lines = [Line(COMPANIES["large"], [0.0] * 9)]
    assert drawn(lines, beside=marks)["grid"] == drawn(lines, marks=marks)["grid"]
    assert drawn(lines, beside=marks)["grid"]["top"] > drawn(lines)["grid"]["top"] + 26


def test_a_label_does_not_stay_behind_its_line():
    """ECharts takes the label of a line that reaches the edge from its last shape unless it is 2 px wide."""
    option = drawn([Line(look, [0.0, 0.1]) for look in STANCES.values()])
    assert all(series["lineStyle"]["width"] >= 2 for series in option["series"])
    assert option["grid"]["left"] == int(option["grid"]["left"])


def test_a_late_mark_and_an_early_spot_are_named_inwards():
    lines = [Line(COMPANIES["large"], [0.5] * 11)]
    spots = [Spot(0.0, 0.1, COMPANIES["small"], "here"), Spot(9.0, 0.9, COMPANIES["small"], "there")]
    line, early, late = drawn(lines, marks=[Mark(2, "law"), Mark(9, "late law")], spots=spots)["series"]
    labels = [mark["label"] for mark in line["markLine"]["data"]]
    assert [label["align"] for label in labels] == ["left", "right"]
    assert labels[0]["distance"][0] > 0 > labels[1]["distance"][0]
    assert (early["label"]["align"], late["label"]["align"]) == ("left", "center")
