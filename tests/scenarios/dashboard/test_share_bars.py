"""Bars of shares: names have room, and the scale ends at a round number above the longest bar."""

from __future__ import annotations

from analysis.palette import STANCES
from scenarios.dashboard.share_bars import share_bars


def test_the_scale_holds_the_longest_bar_and_names_have_room():
    parts = [(STANCES["strike"], [0.1, 0.3]), (STANCES["cdc_delete"], [0.02, 0.13])]
    option = share_bars(["1 (20)", "the union of all (9)"], parts)
    assert option["xAxis"]["max"] == 50
    assert option["xAxis"]["interval"] == 10
    assert [series["data"] for series in option["series"]] == [[10, 30], [2, 13]]
    assert share_bars(["1"], [])["grid"]["left"] < option["grid"]["left"]
    long = share_bars(["a name of more letters than there is room for, by far"], parts[:0])
    assert long["yAxis"]["axisLabel"]["width"] < long["grid"]["left"] == 200


def test_of_two_stances_of_one_colour_one_is_hatched():
    plain, hatched = share_bars(["1"], [(STANCES["cdc"], [0.1]), (STANCES["cdc_delete"], [0.2])])["series"]
    assert plain["itemStyle"]["color"] == hatched["itemStyle"]["color"]
    assert "decal" in hatched["itemStyle"]
    assert "decal" not in plain["itemStyle"]
