"""The shipped scenario of several small companies: that it shows what it says."""

import numpy as np
import pytest

from scenarios.runs import play
from scenarios.scenario import load_scenario


@pytest.fixture(scope="module")
def last():
    """Return a function: settings of the small companies -> the last ticks of four seeds, without data."""
    found = {}

    def ticks(use_case="ml-10m", besides=(), **small):
        key = (use_case, besides, *sorted(small.items()))
        if key not in found:
            settings = dict(besides) | {f"companies.small.{name}": value for name, value in small.items()}
            found[key] = [
                play(
                    load_scenario("several-entrants", use_case=use_case, seed=seed, **settings),
                    data_dir="nowhere",
                ).ticks.iloc[-1]
                for seed in (1, 2, 3, 4)
            ]
        return found[key]

    return ticks


BY_LOT = {"by_quality": 0.0, "viable_revenue": 0.0}


def test_copies_spread_evenly_make_worse_models_most_where_the_curve_is_slow(last):
    lost = {}
    for use_case in ("ml-10m", "pinterest-20"):
        one, two, four = (last(use_case, entrants=k, **BY_LOT) for k in (1, 2, 4))
        for a, b, c in zip(one, two, four, strict=True):
            assert a["dlp_cdc"] > b["dlp_cdc"] > c["dlp_cdc"]
        lost[use_case] = [a["dlp_cdc"] - c["dlp_cdc"] for a, c in zip(one, four, strict=True)]
    assert min(lost["ml-10m"]) > max(lost["pinterest-20"])
    assert min(lost["pinterest-20"]) > 0.03


def test_more_people_contribute_for_less_revenue_in_a_more_concentrated_market(last):
    for one, four in zip(last(entrants=1, **BY_LOT), last(entrants=4, **BY_LOT), strict=True):
        assert four["share_cdc"] > one["share_cdc"] + 0.03
        assert four["revenue_small"] < one["revenue_small"]
        assert four["hhi"] > one["hhi"]


def test_they_contribute_more_for_what_it_brings_the_smaller_company(last):
    """Who does not care for what helping brings contributes as much to four as to one."""
    careless = (("decision.weight_help", 0.0),)
    one, four = (last(besides=careless, entrants=k, **BY_LOT) for k in (1, 4))
    for a, b in zip(one, four, strict=True):
        assert b["share_cdc"] == pytest.approx(a["share_cdc"], abs=0.01)


def test_what_neighbours_use_tips_to_one_only_where_everybody_is_a_neighbour(last):
    near = {**BY_LOT, "by_neighbours": 20.0}
    for row in last(besides=(("network.family", "complete"),), **near):
        sizes = [row[f"records_small_{j}"] for j in range(1, 5)]
        assert max(sizes) > 0.9 * sum(sizes)
    for row in last(**near):
        sizes = [row[f"records_small_{j}"] for j in range(1, 5)]
        assert max(sizes) < 0.6 * sum(sizes)


def test_by_quality_one_company_takes_most_and_leverage_is_nearly_that_of_one(last):
    for one, quality in zip(last(entrants=1), last(), strict=True):
        assert quality["dlp_cdc"] == pytest.approx(one["dlp_cdc"], abs=0.12)
        assert 1 <= quality["small_in_market"] < 4
        sizes = [quality[f"records_small_{j}"] for j in range(1, 5)]
        assert max(sizes) > 0.6 * sum(sizes)


@pytest.mark.parametrize(("use_case", "live"), [("ml-10m", 2.5), ("cifar-10", 0.8)])
def test_by_lot_not_all_of_them_live(last, use_case, live):
    lot, quality = (last(use_case, **settings) for settings in ({"by_quality": 0.0}, {}))
    assert np.mean([row["small_in_market"] for row in lot]) <= live
    means = [np.mean([row["dlp_cdc"] for row in rows]) for rows in (lot, quality)]
    assert means[0] < means[1] - 0.05
