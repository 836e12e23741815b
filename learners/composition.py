"""The composition gap: what it changes that participants are these people and not a random set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from learners.evaluation import Evaluation
from learners.holdings import Holding
from learners.leverage import LeverageScale
from learners.usecase import Learner, Reference, UseCase, update_worlds

Effect: TypeAlias = Callable[[Sequence[NDArray[np.bool_]]], NDArray[np.float64]]
"""Sets of owners, bool[owners] each, to the effect that each would have by taking part."""


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
    effect: Effect,
    participants: NDArray[np.bool_],
    records: NDArray[np.float64],
    rng: np.random.Generator,
    shadows: int = 5,
    among: NDArray[np.bool_] | None = None,
) -> CompositionGap:
    """Compare participants with random sets of owners who have as many records.

    Parameters
    ----------
    effect
        Such as :func:`strike_effect`.
    participants
        bool[owners]: who takes part; NaN is returned for nobody and for everybody.
    records
        float64[owners]: number of records of each.
    rng
        Draws the random sets.
    shadows
        Number of random sets, each a shadow retraining; at least 2.
    among
        bool[owners]: whom the random sets are drawn from, everybody by default; NaN is returned where they
        own fewer records than the participants.
    """
    pool = np.ones(len(records), np.bool_) if among is None else among
    target = records[participants].sum()
    if not participants.any() or participants.all() or records[pool].sum() < target:
        return CompositionGap(np.nan, np.nan, np.nan)
    sets = [_random_set(records, target, pool, rng) for _ in range(shadows)]
    own, *random = effect([participants, *sets])
    gap = own - np.mean(random)
    half = student.ppf(0.975, shadows - 1) * np.std(random, ddof=1) * np.sqrt(1 + 1 / shadows)
    return CompositionGap(float(gap), float(gap - half), float(gap + half))


def strike_effect(reference: Reference, on: NDArray[np.bool_] | None = None) -> Effect:
    """Return the effect of strikers: Large Co.'s DLP of strike on the holdout, retrained warm.

    Parameters
    ----------
    reference
        What Large Co. trains without a strike.
    on
        bool[owners]: whose holdout records are looked at, of whom somebody has one; everybody's by default.
    """
    use_case, holdout = reference.use_case, reference.use_case.holdout
    chosen = np.ones(len(holdout.owners), np.bool_) if on is None else on[holdout.owners]

    def quality(predicted: NDArray[np.floating[Any]]) -> float:
        return use_case.quality(predicted, holdout.targets, chosen)

    scale = LeverageScale(
        quality(reference.uninformed.holdout), quality(reference.evaluation.predictions.holdout)
    )

    def lost(left: Evaluation) -> float:
        return float(scale.strike(quality(left.predictions.holdout)))

    def effect(sets: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
        holdings = [reference.evaluation.holding.without(strikers) for strikers in sets]
        return _measured(use_case, lambda: reference.learner.fork(effort="shadow"), holdings, lost)

    return effect


def contribution_effect(reference: Reference, seed: int) -> Effect:
    """Return the effect of contributors: Small Co.'s DLP of cdc on the holdout, trained cold."""
    use_case = reference.use_case
    scale = reference.scale("holdout", reference.evaluation)

    def gained(trained: Evaluation) -> float:
        return float(scale.cdc(trained.holdout))

    def effect(sets: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
        holdings = [reference.evaluation.holding.without(~contributors) for contributors in sets]
        return _measured(use_case, lambda: use_case.learner(seed, effort="shadow"), holdings, gained)

    return effect


def _measured(
    use_case: UseCase,
    learner: Callable[[], Learner],
    holdings: Sequence[Holding],
    measure: Callable[[Evaluation], float],
) -> NDArray[np.float64]:
    """Return what is measured of a new learner on each holding; no model is kept longer than it takes."""
    found: list[float] = []
    for first in range(0, len(holdings), use_case.worlds_at_once):
        some = holdings[first : first + use_case.worlds_at_once]
        found += map(measure, update_worlds([learner() for _ in some], some))
    return np.array(found)


def _random_set(
    records: NDArray[np.float64], target: float, pool: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw owners of a pool in random order until their records come nearest to the target."""
    order = rng.permutation(np.flatnonzero(pool))
    total = np.cumsum(records[order])
    chosen = np.zeros(len(records), np.bool_)
    chosen[order[: 1 + np.abs(total - target).argmin()]] = True
    return chosen
