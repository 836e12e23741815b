import re

import numpy as np
import pytest
from scipy import stats

from abm.trait_distributions import MOST_OUTSIDE, SETTINGS, TraitDistribution

U = (np.arange(20_000) + 0.5) / 20_000
"""Shares in the middle of equal steps: means over them are integrals."""


def drawn(kind, settings, low=0.0, high=1.0):
    return TraitDistribution(kind, settings, low, high).quantile(U)


def test_constant_and_uniform():
    assert set(drawn("constant", {"value": 0.25})) == {0.25}
    values = drawn("uniform", {"low": 2.0, "high": 4.0}, high=10.0)
    assert (values.min(), values.max()) == pytest.approx((2, 4), abs=1e-3)
    assert values.mean() == pytest.approx(3)
    assert values.var() == pytest.approx(4 / 12, rel=1e-3)


def test_normal_is_cut_off_where_values_end():
    mean, sd = 0.3, 0.16
    values = drawn("normal", {"mean": mean, "sd": sd})
    expected = stats.truncnorm(-mean / sd, (1 - mean) / sd, mean, sd)
    np.testing.assert_allclose(values, expected.ppf(U), atol=1e-9)
    assert values.min() >= 0
    assert values.mean() == pytest.approx(expected.mean(), abs=1e-4)


def test_lognormal_has_its_median_and_its_spread():
    values = drawn("lognormal", {"median": 2.0, "sigma": 0.6}, high=1000.0)
    assert np.median(values) == pytest.approx(2, rel=1e-3)
    assert np.log(values).std() == pytest.approx(0.6, rel=1e-2)
    most = drawn("lognormal", {"median": 0.3, "sigma": 0.7})
    assert 0.9 < most.max() <= 1
    # Cut off, not set to the end: no two people at the same value.
    assert len(np.unique(most)) == len(U)


def test_beta_has_its_mean_and_concentration():
    values = drawn("beta", {"mean": 0.3, "concentration": 7.0})
    np.testing.assert_allclose(values, stats.beta(2.1, 4.9).ppf(U), atol=1e-9)
    assert values.mean() == pytest.approx(0.3, abs=1e-4)
    assert values.var() == pytest.approx(0.3 * 0.7 / 8, rel=1e-3)


def test_quantiles_are_joined_by_straight_lines():
    values = drawn("quantiles", {"0": 0.0, "0.7": 0.2, "1": 1.0})
    assert (values <= 0.2).mean() == pytest.approx(0.7)
    assert np.interp(0.35, U, values) == pytest.approx(0.1)
    assert np.interp(0.85, U, values) == pytest.approx(0.6)


def test_same_lot_is_the_same_rank():
    for kind, settings in [
        ("uniform", {"low": 0.1, "high": 0.2}),
        ("normal", {"mean": 0.5, "sd": 0.1}),
        ("lognormal", {"median": 0.2, "sigma": 0.1}),
        ("beta", {"mean": 0.5, "concentration": 2.0}),
    ]:
        assert (np.diff(drawn(kind, settings)) > 0).all(), kind


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("normal", {"mean": 0.3}, "normal takes mean=... sd=..."),
        ("normal", {"mean": 0.3, "sd": 0.1, "skew": 1.0}, "normal takes mean=... sd=..."),
        ("normal", {"mean": 0.3, "sd": 0.0}, "sd must be more than 0 (got 0)"),
        ("normal", {"mean": 1.3, "sd": 0.1}, "mean must be from 0 to 1 (got 1.3)"),
        ("normal", {"mean": 0.1, "sd": 0.1}, "16% of it is outside 0 to 1; at most 5% may be cut off"),
        ("lognormal", {"median": 0.0, "sigma": 0.1}, "median must be more than 0 (got 0)"),
        (
            "lognormal",
            {"median": 0.9, "sigma": 1.0},
            "46% of it is outside 0 to 1; at most 5% may be cut off",
        ),
        ("lognormal", {"median": 0.5, "sigma": -1.0}, "sigma must be more than 0 (got -1)"),
        ("uniform", {"low": 0.3, "high": 0.2}, "low, 0.3, is more than high, 0.2"),
        ("uniform", {"low": -0.3, "high": 0.2}, "low must be from 0 to 1 (got -0.3)"),
        ("uniform", {"low": 0.3, "high": 1.2}, "high must be from 0 to 1 (got 1.2)"),
        ("constant", {"value": 2.0}, "value must be from 0 to 1 (got 2)"),
        (
            "beta",
            {"mean": 1.0, "concentration": 3.0},
            "the mean of a beta variable is between 0 and 1 (got 1)",
        ),
        ("beta", {"mean": 0.5, "concentration": 0.0}, "concentration must be more than 0 (got 0)"),
        ("quantiles", {}, "quantiles takes probability=value pairs, ascending from 0=... to 1=..."),
        ("quantiles", {"0": 0.0, "0.5": 0.5}, "quantiles takes probability=value pairs"),
        ("quantiles", {"0.1": 0.0, "1": 0.5}, "quantiles takes probability=value pairs"),
        (
            "quantiles",
            {"0": 0.0, "0.5": 0.1, "0.4": 0.2, "1": 1.0},
            "quantiles takes probability=value pairs",
        ),
        ("quantiles", {"0": 0.0, "half": 0.1, "1": 1.0}, "quantiles takes probability=value pairs"),
        ("quantiles", {"0": 0.5, "1": 0.1}, "the values of quantiles must not fall"),
        ("quantiles", {"0": 0.0, "1": 1.1}, "1 must be from 0 to 1 (got 1.1)"),
    ],
)
def test_impossible_settings(kind, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TraitDistribution(kind, settings, 0.0, 1.0)


def test_every_kind_is_drawn_within_what_is_allowed():
    settings = {"value": 0.4, "low": 0.2, "high": 0.9, "mean": 0.5, "sd": 0.25, "median": 0.3, "sigma": 0.7}
    settings["concentration"] = 0.5
    for kind, names in SETTINGS.items():
        chosen = {name: settings[name] for name in names} or {"0": 0.1, "1": 0.8}
        lots = np.array([0.0, 1e-300, 0.5, 1 - 2**-53])
        values = TraitDistribution(kind, chosen, 0.0, 1.0).quantile(lots)
        assert ((values >= 0) & (values <= 1)).all(), kind
    assert 0 < stats.norm.sf(2) * 2 < MOST_OUTSIDE  # the normal above is one that is cut off
