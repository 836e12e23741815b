import numpy as np
import pytest

from abm.money.inequality import TRANSFORMS, gini, pay_weights
from learners.errors import InputError


@pytest.mark.parametrize(("transform", "expected"), [("shift", 4 / 9), ("absolute", 1 / 3), ("clip", 2 / 3)])
def test_what_a_transform_makes_of_good_and_bad(transform, expected):
    weights = pay_weights([-1, 0, 1], transform)
    assert weights.sum() == pytest.approx(1)
    assert gini(weights) == pytest.approx(expected)


def test_bins_equal_and_per_record():
    values = np.array([3.0, -5.0, 0.5, 0.5, 9.0, 2.0])
    np.testing.assert_allclose(pay_weights(values, "bin", bins=3), np.array([3, 1, 1, 1, 3, 2]) / 11)
    np.testing.assert_allclose(pay_weights(values, "equal"), 1 / 6)
    assert gini(pay_weights(values, "equal")) == pytest.approx(0)
    np.testing.assert_allclose(
        pay_weights(values, "per_record", records=[1, 2, 3, 4, 5, 5]), np.array([1, 2, 3, 4, 5, 5]) / 20
    )


def test_gini_is_half_the_relative_mean_difference():
    x = np.random.default_rng(0).lognormal(size=200)
    differences = np.abs(x[:, None] - x).mean()
    assert gini(x) == pytest.approx(differences / (2 * x.mean()))
    assert gini([0, 0, 0, 7]) == pytest.approx(0.75)
    assert gini([2, 2]) == 0
    assert np.isnan(gini([0, 0]))


def test_nothing_to_divide_by():
    assert np.isnan(pay_weights([-1, -2], "clip")).all()


def test_bad_input():
    with pytest.raises(InputError, match=r"amounts must be 0 or more \(got -1\)"):
        gini([1, -1])
    with pytest.raises(InputError, match="'per_record' needs the number of records"):
        pay_weights([1, 2], "per_record")
    with pytest.raises(InputError, match=f"'square' is not one of {', '.join(TRANSFORMS)}"):
        pay_weights([1, 2], "square")
