from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import learners
from learners.errors import InputError
from learners.leverage import PUBLISHED_SCALES, LeverageScale, published_scale

PUBLISHED = Path(learners.__file__).parent / "published"

CASES = {
    "cifar-10": ("cifar10", "valid_acc", "test_acc"),
    "toxic": ("toxic", "valid_aur", "hidden_aur"),
    "ml-10m": ("ml-10m_32_50", "valid_rmse", "hidden_rmse"),
}


def scale_of_rows(case):
    """Worst and best over all rows of both companies and test sets; libFM's worst is a constant of theirs."""
    name, own, hidden = CASES[case]
    qualities = pd.read_csv(PUBLISHED / f"{name}_rows.csv")[[own, hidden]].to_numpy()
    return (0.99, qualities.min()) if case == "ml-10m" else (qualities.min(), qualities.max())


def means_of_rows(case):
    """Mean over the seeds of (small, large) by frac; at one half each company is both; mirrored beyond it."""
    name, own, _ = CASES[case]
    mean = pd.read_csv(PUBLISHED / f"{name}_rows.csv").groupby(["company", "frac"])[own].mean()
    pairs = {p: (mean["small", p], mean["large", p]) for p in mean["small"].index}
    pairs[0.5] = (sum(pairs[0.5]) / 2,) * 2
    return pairs | {round(1 - p, 2): pair[::-1] for p, pair in pairs.items()}


@pytest.mark.parametrize("case", CASES)
def test_report_follows_from_its_rows(case):
    report = pd.read_csv(PUBLISHED / f"{CASES[case][0]}_co.csv").set_index("frac")
    scale = LeverageScale(*scale_of_rows(case))
    pairs = means_of_rows(case)
    assert sorted(pairs) == sorted(report.index)
    small, large = (np.array([pairs[p][k] for p in report.index]) for k in (0, 1))
    np.testing.assert_allclose(scale.cdc(small), report["duplication"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(scale.strike(large), report["deletion"], rtol=0, atol=1e-9)
    # The report leaves contributing with deletion out where Small Co. has the greater half.
    lesser = report.index.to_numpy() <= 0.5
    assert report["transfer"].notna().tolist() == lesser.tolist()
    assert lesser.sum() == 7
    ratio = scale.cdc_delete(small[lesser], large[lesser])
    np.testing.assert_allclose(ratio, report["transfer"][lesser], rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_published_constants_are_those_of_the_rows(case):
    assert PUBLISHED_SCALES[case] == pytest.approx(scale_of_rows(case), rel=0, abs=1e-15)


def test_worked_numbers_of_cifar():
    scale = published_scale("cifar-10")
    assert scale.cdc(0.8404609604021045) == pytest.approx(0.88563, abs=5e-6)
    assert scale.strike(0.9327726797780793) == pytest.approx(0.01243, abs=5e-6)
    assert scale.cdc_delete(0.8404609604021045, 0.9327726797780793) == pytest.approx(0.89678, abs=5e-6)


def test_worked_numbers_of_pinterest():
    # Hit rates over 55,187 users are multiples of 1/55187; these two are of the company report.
    assert [end * 55187 for end in PUBLISHED_SCALES["pinterest-20"]] == pytest.approx([9141, 38629], abs=1e-6)
    scale = published_scale("pinterest-20")
    assert scale.cdc(0.6572800579867717) == pytest.approx(0.9201137601775627, abs=1e-9)
    assert scale.strike(0.695519818799547) == pytest.approx(0.008320257728886116, abs=1e-9)
    assert scale.cdc_delete(0.6572800579867717, 0.695519818799547) == pytest.approx(
        0.927833574648149, abs=1e-9
    )
    # On hidden users each company serves the known its model and the others the popular items.
    small, large = (p * q + (1 - p) * 0.1668 for p, q in ((0.2, 0.6572801), (0.8, 0.6955198)))
    assert (small, large) == pytest.approx((0.264896, 0.589776), abs=5e-7)
    assert scale.cdc(small) == pytest.approx(0.185760, abs=5e-6)
    assert scale.strike(large) == pytest.approx(0.206223, abs=5e-6)


@pytest.mark.parametrize(("worst", "best"), [(0.1, 0.9), (0.99, 0.77)])
def test_ends_of_the_scale_in_both_directions(worst, best):
    scale = LeverageScale(worst, best)
    middle = (worst + best) / 2
    for method, expected in (
        (scale.cdc, [0, 0.5, 1]),
        (scale.normalised, [0, 0.5, 1]),
        (scale.strike, [1, 0.5, 0]),
    ):
        np.testing.assert_allclose(method([worst, middle, best]), expected, atol=1e-12)
    assert scale.cdc_delete(best, best) == 1
    assert scale.cdc_delete(best, middle) == pytest.approx(2)


def test_nothing_is_clipped():
    scale = LeverageScale(0.2, 0.8)
    np.testing.assert_allclose(scale.cdc([0.0, 1.0]), [-1 / 3, 4 / 3])
    np.testing.assert_allclose(scale.strike([0.0, 1.0]), [4 / 3, -1 / 3])
    assert scale.cdc_delete(0.8, 0.1) == pytest.approx(-6)


def test_cdc_delete_is_nan_only_where_large_is_at_its_baseline():
    scale = LeverageScale(0.25, 1.0)
    out = scale.cdc_delete([0.5, 0.5, 0.25, 0.25], [0.25, 0.25 + 1e-12, 0.25, 0.5])
    assert np.isnan(out).tolist() == [True, False, True, False]
    assert out[3] == 0
    assert np.isnan(LeverageScale(0.5, 0.5).cdc(0.6))  # a scale without length


def test_an_undefined_quality_stays_undefined():
    scale = LeverageScale(0.25, 1.0)
    assert np.isnan(scale.strike(np.nan))
    assert np.isnan(scale.cdc_delete(np.nan, 0.5))


def test_arrays_broadcast_and_scalars_stay_scalar():
    scale = LeverageScale(0.0, 2.0)
    assert scale.cdc(np.ones((3, 1))).shape == (3, 1)
    table = scale.cdc_delete(np.array([[1.0], [2.0]]), np.array([1.0, 2.0, 4.0]))
    np.testing.assert_allclose(table, [[1, 0.5, 0.25], [2, 1, 0.5]])
    assert np.ndim(scale.cdc(1.0)) == 0
    assert float(scale.cdc(1)) == 0.5


def test_no_published_scale_for_other_use_cases():
    with pytest.raises(InputError, match="pinterest-20, ml-10m, cifar-10, toxic, not for 'digits'"):
        published_scale("digits")
