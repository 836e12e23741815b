"""Learning curves g(x): what a model trained on a random share of the owners reaches, by real retraining."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from learners.usecase import Reference

RATES = (0.01, 0.05, 0.2, 0.5)
"""Shares measured; 0 and 1 are the ends of the scale by definition."""


def learning_curve(reference: Reference, seed: int) -> Callable[[ArrayLike], NDArray[np.float64]]:
    """Measure the normalised learning curve on the holdout and return it as a function.

    Each point is one cold fit on a random share of the owners. Between points the curve is monotone cubic
    in the logarithm of the share, which the published curves follow best.

    Parameters
    ----------
    reference
        The two ends of the scale; the measured models train on what it was fitted on.
    seed
        Of the random shares and of the fits.

    Returns
    -------
    Callable
        Shares in [0, 1] to normalised quality; 0 at 0 and 1 at 1.
    """
    use_case = reference.use_case
    everything = reference.evaluation.holding
    order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))).permutation(use_case.owners)
    scale = reference.scale("holdout", reference.evaluation)
    measured = []
    for rate in RATES:
        absent = order[max(1, round(rate * use_case.owners)) :]
        evaluation = use_case.learner(seed, effort="shadow").update(everything.without(absent))
        measured.append(float(scale.normalised(evaluation.holdout)))
    smallest = RATES[0] / 10
    interpolate = PchipInterpolator(np.log([smallest, *RATES, 1.0]), [0.0, *measured, 1.0])

    def g(x: ArrayLike) -> NDArray[np.float64]:
        shares = np.clip(np.asarray(x, float), smallest, 1)
        return np.asarray(interpolate(np.log(shares)), float)

    return g
