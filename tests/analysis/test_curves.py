import numpy as np
import pytest

from analysis.curves import leverage_by_rate
from learners.curves.measuring import Measurement


def row(clean, quality, repeat=0, poison="", poisoned=0.0, perspective="company", baseline=0.2, best=1.0):
    nothing = [float("nan")] * 3
    return Measurement(
        "x", repeat, clean, poison, poisoned, perspective, quality, 9, baseline, best, *nothing, 90, 0.1
    )


def leverage(rows, lever, rate, perspective="company"):
    table = leverage_by_rate(rows).set_index(["lever", "rate", "perspective"])
    return table.loc[(lever, rate, perspective)]


def test_a_share_contributes_to_small_and_its_mirror_strikes_at_large():
    rows = [row(1.0, 1.0), row(0.2, 0.6), row(0.8, 0.92)]
    assert leverage(rows, "cdc", 0.2)["mean"] == pytest.approx(0.5)
    assert leverage(rows, "strike", 0.2)["mean"] == pytest.approx(0.1)
    assert set(leverage_by_rate(rows)["rate"]) == {0.2}


def test_poison_is_what_everything_held_loses():
    rows = [row(1.0, 1.0), row(0.5, 0.8), row(0.9, 0.8, poison="p", poisoned=0.1)]
    rows.append(row(0.4, 0.1, poison="p", poisoned=0.1))  # half of the owners held: not in the table
    assert leverage(rows, "poison:p", 0.1)["mean"] == pytest.approx(0.25)
    assert len(leverage_by_rate(rows)) == 3


def test_means_come_first_and_then_ratios():
    rows = [row(0.2, 0.5, 0, baseline=0.4, best=0.41), row(0.2, 0.6, 1, baseline=0.2, best=1.0)]
    found = leverage(rows, "cdc", 0.2)
    assert found["mean"] == pytest.approx(0.5 / 0.81)
    assert found["repeats"] == 2


def test_spread_is_of_the_leverage_not_of_the_test_sets():
    """Repeats on easier and harder test records that reach the same share of the scale do not differ."""
    rows = [row(0.2, 0.6, 0), row(0.2, 0.25, 1, baseline=0.1, best=0.4)]
    found = leverage(rows, "cdc", 0.2)
    assert (found["mean"], found["sd"]) == pytest.approx((0.5, 0.0), abs=1e-12)
    rows = [row(0.2, 0.6, 0), row(0.2, 0.68, 1)]
    assert leverage(rows, "cdc", 0.2)["sd"] == pytest.approx(0.1 / np.sqrt(2))


def test_one_repeat_has_no_spread_and_what_is_not_measured_no_row():
    rows = [row(0.2, 0.6), row(0.2, float("nan"), perspective="served"), row(0.2, 0.3, perspective="planted")]
    table = leverage_by_rate(rows)
    assert table["perspective"].tolist() == ["company"]
    assert np.isnan(table["sd"].iloc[0])


def test_levers_come_in_order():
    rows = [row(share, 0.5) for share in (0.5, 0.1, 0.9)] + [row(0.8, 0.5, poison="a", poisoned=0.2)]
    table = leverage_by_rate(rows)
    assert list(zip(table["lever"], table["rate"], strict=True)) == [
        ("cdc", 0.1),
        ("cdc", 0.5),
        ("strike", 0.1),
        ("strike", 0.5),
        ("poison:a", 0.2),
    ]
