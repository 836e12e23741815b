"""The composition gap: what it changes that participants are these people and not a random set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from learners.usecase import Reference


@dataclass(frozen=True)
class CompositionGap:
    """Effect of the participants less the mean effect of random sets, with a 95 % prediction interval.

    The interval is that of one further random set: it contains 0 in 95 % of the cases in which the
    participants are themselves a random set.
    """

    gap: float
    low: float
    high: float


def composition_gap(
    effect: Callable[[NDArray[np.bool_]], float],
    participants: NDArray[np.bool_],
    records: NDArray[np.float64],
    rng: np.random.Generator,
    shadows: int = 5,
) -> CompositionGap:
    """Compare participants with random sets of owners who have as many records.

    Parameters
    ----------
    effect
        Set of owners, bool[owners], to the effect of their taking part, such as :func:`strike_effect`.
    participants
        bool[owners]: who takes part; NaN is returned for nobody and for everybody.
    records
        float64[owners]: number of records of each.
    rng
        Draws the random sets.
    shadows
        Number of random sets, each a shadow retraining; at least 2.
    """
    if not participants.any() or participants.all():
        return CompositionGap(np.nan, np.nan, np.nan)
    target = records[participants].sum()
    random = np.array([effect(_random_set(records, target, rng)) for _ in range(shadows)])
    gap = effect(participants) - random.mean()
    half = student.ppf(0.975, shadows - 1) * random.std(ddof=1) * np.sqrt(1 + 1 / shadows)
    return CompositionGap(float(gap), float(gap - half), float(gap + half))


def strike_effect(reference: Reference) -> Callable[[NDArray[np.bool_]], float]:
    """Return the function from strikers to Large Co.'s loss: DLP of strike on the holdout, retrained warm."""
    scale = reference.scale("holdout", reference.evaluation)

    def effect(strikers: NDArray[np.bool_]) -> float:
        learner = reference.learner.fork(effort="shadow")
        return float(scale.strike(learner.update(reference.evaluation.holding.without(strikers)).holdout))

    return effect


def contribution_effect(reference: Reference, seed: int) -> Callable[[NDArray[np.bool_]], float]:
    """Return the function from contributors to Small Co.'s gain: DLP of cdc on the holdout, trained cold."""
    scale = reference.scale("holdout", reference.evaluation)

    def effect(contributors: NDArray[np.bool_]) -> float:
        holding = reference.evaluation.holding.without(~contributors)
        return float(scale.cdc(reference.use_case.learner(seed, effort="shadow").update(holding).holdout))

    return effect


def _random_set(records: NDArray[np.float64], target: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw owners in random order until their records come nearest to the target."""
    order = rng.permutation(len(records))
    total = np.cumsum(records[order])
    chosen = np.zeros(len(records), np.bool_)
    chosen[order[: 1 + np.abs(total - target).argmin()]] = True
    return chosen
