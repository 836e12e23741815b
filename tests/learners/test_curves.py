from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from learners.curves import RATES, learning_curve
from learners.usecase import Learner, Reference


@pytest.fixture(scope="module")
def reference(digits):
    return Reference(digits, seed=0)


@pytest.fixture
def trained(monkeypatch):
    """Collect the evaluations of every retraining from here on."""
    collected = []
    update = Learner.update

    def spied(self, holding):
        collected.append(update(self, holding))
        return collected[-1]

    monkeypatch.setattr(Learner, "update", spied)
    return collected


def test_ends_of_the_curve(reference):
    g = learning_curve(reference, seed=0)
    assert g(0) == pytest.approx(0, abs=1e-12)
    assert g(1) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(g([-0.5, 0, 1, 1.5]), [0, 0, 1, 1], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_curve_passes_through_real_retrainings_on_nested_random_shares(reference, trained, seed):
    g = learning_curve(reference, seed)
    owners = reference.use_case.owners
    present = [evaluation.holding.present for evaluation in trained]
    assert [p.sum() for p in present] == [max(1, round(rate * owners)) for rate in RATES]
    for fewer, more in pairwise(present):
        assert np.all(more[fewer])
    scale = reference.scale("holdout", reference.evaluation)
    measured = [scale.normalised(evaluation.holdout) for evaluation in trained]
    np.testing.assert_allclose(g(RATES), measured, atol=1e-12)
    # Cold: what a fresh learner makes of the same share.
    fresh = reference.use_case.learner(seed).update(trained[1].holding)
    assert fresh.holdout == trained[1].holdout


def test_curve_of_digits_rises_and_flattens(reference):
    curves = np.array([learning_curve(reference, seed)([0, *RATES, 1]) for seed in range(8)])
    mean = curves.mean(0)
    assert np.all(np.diff(mean) > 0)
    assert mean[3] > 0.8  # a fifth of the data brings most of the quality
    slopes = np.diff(mean) / np.diff([0, *RATES, 1])
    assert slopes[0] > 10 * slopes[-1]
    # Single curves may go down between two points by the noise of the holdout, but not by more.
    assert np.diff(curves, axis=1).min() > -0.05


def test_between_points_the_curve_stays_between_them(reference):
    g = learning_curve(reference, seed=1)
    for low, high in zip((0.001, *RATES), (*RATES, 1), strict=True):
        inside = g(np.geomspace(low, high, 20))
        ends = sorted([float(g(low)), float(g(high))])
        assert inside.min() >= ends[0] - 1e-12
        assert inside.max() <= ends[1] + 1e-12


def test_curve_depends_on_the_seed_alone(reference):
    x = np.linspace(0, 1, 50)
    np.testing.assert_array_equal(learning_curve(reference, 3)(x), learning_curve(reference, 3)(x))
    assert not np.array_equal(learning_curve(reference, 3)(x), learning_curve(reference, 4)(x))


def test_curve_keeps_the_shape_of_its_argument(reference):
    g = learning_curve(reference, seed=0)
    assert g(0.3).shape == ()
    assert g(np.full((2, 3), 0.3)).shape == (2, 3)
