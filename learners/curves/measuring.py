"""Learning curves g(x): what a model trained on a random share of the owners reaches, by real retraining.

One curve serves both companies: a share p that contributes brings Small Co. to g(p), a share p that strikes
leaves Large Co. at g(1 - p). Shares are therefore measured together with their mirrors.

Core Objects: learning_curve, CurvePoint, planned_points, measured_points.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from learners.errors import InputError
from learners.evaluation import Evaluation, evaluate
from learners.holdings import GENUINE, Holding
from learners.poisoning import Poison
from learners.usecase import Reference, UseCase

BELIEF_RATES = (0.01, 0.05, 0.2, 0.5)
"""Shares measured for :func:`learning_curve`; 0 and 1 are the ends of the scale by definition."""

RATES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares measured by default, those of Vincent and Hecht (2021)."""

POISON_HELD = (0.5, 1.0)
"""Shares of the owners whose records are held where some of them are poisoned."""

POISON_FRACTIONS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Poisoned fractions of what is held."""

_BELIEF, _ORDER, _LEARNER = 0, 1, 2
"""First keys of the random streams: owner order of ``learning_curve``; owner orders and fits of a curve."""


class Measurement(NamedTuple):
    """A row of a measured curve: one model from one perspective.

    Attributes
    ----------
    clean_share, poisoned_share
        Shares of the owners whose records the model was trained on, genuine and poisoned.
    perspective
        ``company``: the company's own test split, poison included. On holdout records: ``holdout``, of
        everybody; ``served``, of the people held; ``known``, of those held genuine; ``stranger``, of
        everybody, were nobody known. The last three only where knowing people changes what they get, and
        ``known`` only where somebody is. ``planted``: success of a planted signal, a share.
    quality, baseline, best
        q, W and B on the same ``n_test`` records; NaN where there is none.
    utility, utility_baseline, utility_best
        Hits per relevant record of the same people, of the model and of the ends of the scale.
    train_records
        Number of records trained on.
    seconds
        Wall seconds of the retraining.
    """

    use_case: str
    repeat: int
    clean_share: float
    poison: str
    poisoned_share: float
    perspective: str
    quality: float
    n_test: int
    baseline: float
    best: float
    utility: float
    utility_baseline: float
    utility_best: float
    train_records: int
    seconds: float


@dataclass(frozen=True)
class CurvePoint:
    """One retraining: shares of the owners whose genuine and whose poisoned records are held."""

    repeat: int
    clean_share: float
    poison: str = ""
    poisoned_share: float = 0.0

    @property
    def held(self) -> float:
        """Share of the owners whose records are held."""
        return round(self.clean_share + self.poisoned_share, 6)


def learning_curve(reference: Reference, seed: int) -> Callable[[ArrayLike], NDArray[np.float64]]:
    """Measure the normalised learning curve on the holdout and return it as a function.

    Each point is one cold fit on a random share of the owners.

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
    order = _random_order(reference.use_case.owners, seed, _BELIEF)
    scale = reference.scale("holdout", reference.evaluation)
    measured = []
    for rate in BELIEF_RATES:
        learner = reference.use_case.learner(seed, effort="shadow")
        measured.append(float(scale.normalised(learner.update(_first(reference, order, rate)).holdout)))
    return monotone_in_log([*BELIEF_RATES, 1.0], [*measured, 1.0], 0.0)


def monotone_in_log(
    shares: ArrayLike, values: ArrayLike, at_nothing: ArrayLike
) -> Callable[[ArrayLike], NDArray[np.float64]]:
    """Return the piecewise cubic through points that never leaves the range of two neighbours.

    It runs in the logarithm of the share, which the published curves follow best.

    Parameters
    ----------
    shares, values
        float64[n] ascending in (0, 1]; float64[n, ...].
    at_nothing
        Value from 0 up to a tenth of the smallest share, float64[...].
    """
    x = np.asarray(shares, float)
    smallest = x[0] / 10
    knots = np.concatenate([[at_nothing], np.asarray(values, float)])
    interpolate = PchipInterpolator(np.log([smallest, *x]), knots)

    def g(x: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(interpolate(np.log(np.clip(np.asarray(x, float), smallest, 1))), float)

    return g


def planned_points(
    use_case: UseCase, rates: Sequence[float], repeats: int, poisons: Sequence[str] = ()
) -> list[CurvePoint]:
    """Return what to train for a curve, repeat by repeat: everything, the shares, the poisoned shares.

    Parameters
    ----------
    rates
        Shares of the owners, in (0, 1); their mirrors 1 - p are added, and so is what poison is compared
        with. Of shares that come to the same number of owners one is kept.
    repeats
        Number of random orders of the owners, each with a seed of its own for the fits.
    poisons
        Poison kinds, such as ``random_vandal`` or ``plant target=3``.

    Raises
    ------
    InputError
        If a rate or a poison kind is none.
    """
    for rate in rates:
        if not 0 < rate < 1:
            raise InputError(f"rates: {rate:g} is not between 0 and 1")
    if repeats < 1:
        raise InputError(f"repeats: {repeats} is not at least 1")
    kinds = [Poison.of(kind) for kind in poisons]
    for kind in kinds:
        kind.settings(use_case.poison_kinds)
    compared = [held for held in POISON_HELD if held < 1] if poisons else []
    mirrored = sorted({round(share, 6) for rate in (*rates, *compared) for share in (rate, 1 - rate)})
    by_number = {_number(share, use_case.owners): share for share in reversed(mirrored)}
    shares = sorted(share for number, share in by_number.items() if 0 < number < use_case.owners)
    poisoned = [
        (str(kind), round(held * (1 - fraction), 6), round(held * fraction, 6))
        for kind in dict.fromkeys(kinds)
        for held in POISON_HELD
        for fraction in POISON_FRACTIONS
    ]
    return [
        point
        for repeat in range(repeats)
        for point in (
            *(CurvePoint(repeat, share) for share in (1.0, *shares)),
            *(CurvePoint(repeat, clean, kind, share) for kind, clean, share in poisoned),
        )
    ]


def measured_points(
    use_case: UseCase, points: Iterable[CurvePoint], seed: int
) -> Iterator[tuple[CurvePoint, list[Measurement]]]:
    """Train and measure one point after the other.

    What is held is the same whatever other points there are: within a repeat larger shares contain smaller
    ones, poisoned ones likewise. Each repeat has reference models of its own, and its fits start alike, so
    that only the data separate them. Up to one half of the owners a model is fitted afresh, as Small Co.'s
    are; beyond, it continues from the reference model, as Large Co.'s do.

    Parameters
    ----------
    points
        Grouped by repeat: the reference models are fitted once a group.
    seed
        Of the orders of the owners and of the fits.

    Yields
    ------
    tuple
        The point and its rows, ``holdout`` last.
    """
    for number, group in groupby(points, key=lambda point: point.repeat):
        repeat = _Repeat(use_case, seed, number)
        for point in group:
            start = time.perf_counter()
            evaluation = repeat.trained(point)
            seconds = time.perf_counter() - start
            yield point, repeat.rows(point, evaluation, seconds)


class _Repeat:
    """One random order of the owners, the seed of its fits, and its reference models."""

    def __init__(self, use_case: UseCase, seed: int, number: int) -> None:
        self.use_case = use_case
        self.order = _random_order(use_case.owners, seed, _ORDER, number)
        self.seed = int(np.random.SeedSequence(seed, spawn_key=(_LEARNER, number)).generate_state(1)[0] >> 1)
        start = time.perf_counter()
        self.reference = Reference(use_case, self.seed)
        self.reference_seconds = time.perf_counter() - start
        self.worst_hits, _ = use_case.hits(self.reference.uninformed.holdout)

    def trained(self, point: CurvePoint) -> Evaluation:
        """Retrain on what a point holds; on everything, that is the reference model."""
        if point.held == 1 and not point.poison:
            return self.reference.evaluation
        holding = _first(self.reference, self.order, point.held)
        if point.poison:
            fraction = point.poisoned_share / point.held
            falsified = self.order[: _number(fraction, _number(point.held, len(self.order)))]
            holding = holding.poisoned(falsified, point.poison)
        continued = point.held > 0.5
        learner = self.reference.learner.fork() if continued else self.use_case.learner(self.seed)
        return learner.update(holding)

    def rows(self, point: CurvePoint, evaluation: Evaluation, seconds: float) -> list[Measurement]:
        """Return what a trained point is worth from every perspective, ``holdout`` last."""
        use_case, predictions = self.use_case, evaluation.predictions
        holdout = use_case.holdout
        everybody, nobody = np.ones(use_case.owners, np.bool_), np.zeros(use_case.owners, np.bool_)
        known = evaluation.holding.codes == GENUINE
        if point.held == 1 and not point.poison:
            seconds = self.reference_seconds

        def row(
            perspective: str, view: str, people: NDArray[np.bool_], measured: Evaluation = evaluation
        ) -> Measurement:
            scale = self.reference.scale(view, measured)
            found, worst, best = (
                _per_relevant(hits, evaluation.relevant, people)
                for hits in (measured.hits, self.worst_hits, self.reference.evaluation.hits)
            )
            return Measurement(
                use_case.name,
                point.repeat,
                point.clean_share,
                point.poison,
                point.poisoned_share,
                perspective,
                measured.views[view].quality,
                measured.views[view].n_test,
                scale.baseline,
                scale.best,
                found,
                worst,
                best,
                int(use_case.training_mask(evaluation.holding).sum()),
                seconds,
            )

        whole = row("holdout", "holdout", everybody)
        # Hits are counted on holdout records, so a company's own split has none.
        rows = [row("company", "company", nobody), row("served", "served", evaluation.holding.present)]
        if use_case.personalised and known[holdout.owners].any():
            rows.append(row("known", "served", known, evaluation.serving(known)))
        if use_case.personalised:
            as_stranger = evaluate(
                use_case, replace(predictions, holdout=predictions.fallback), evaluation.holding
            )
            rows.append(row("stranger", "holdout", everybody, as_stranger))
        off_scale = whole._replace(
            baseline=math.nan,
            best=math.nan,
            utility=math.nan,
            utility_baseline=math.nan,
            utility_best=math.nan,
        )
        rows += [
            off_scale._replace(perspective="planted", quality=success)
            for success in predictions.planted.values()
        ]
        return [*rows, whole]


def _random_order(owners: int, seed: int, *stream: int) -> NDArray[np.int64]:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream)).permutation(owners)


def _number(share: float, owners: int) -> int:
    """Return the number of owners that a share comes to: never nobody."""
    return max(1, round(share * owners))


def _first(reference: Reference, order: NDArray[np.int64], share: float) -> Holding:
    return reference.evaluation.holding.without(order[_number(share, len(order)) :])


def _per_relevant(
    hits: NDArray[np.float64], relevant: NDArray[np.float64], people: NDArray[np.bool_]
) -> float:
    total = float(relevant @ people)
    return float(hits @ people) / total if total else math.nan
