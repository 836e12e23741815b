"""A learning curve as a table, and what lies between its points.

Every value of a curve is a row of six numbers, in the order of :class:`CurveValue`: quality with both ends of
its scale on the same records, and hits per relevant record likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RegularGridInterpolator

from learners.curves.measuring import monotone_in_log
from learners.metrics import RMSE, Metric

Mode = Literal["grid", "surrogate"]


class CurveValue(NamedTuple):
    """One reading of a curve; arrays of values have these as their last axis."""

    quality: float
    baseline: float
    best: float
    utility: float
    utility_baseline: float
    utility_best: float

    @property
    def loss(self) -> float:
        """Normalised loss: 0 at the best model, 1 at the baseline."""
        return (self.best - self.quality) / (self.best - self.baseline)


N_SCALED = 3
"""The first so many values of a row are in the metric's unit, the others shares."""


class Points(NamedTuple):
    """A curve from one perspective: shares of the data float64[n], ascending to 1, and values [n, 6]."""

    shares: NDArray[np.float64]
    values: NDArray[np.float64]


class PoisonEffect(NamedTuple):
    """What a kind of poison adds to the clean curve, float64[n_held, n_fractions, 6].

    ``held`` are shares of the data held, ``fractions`` poisoned fractions of these; both ascend from 0, where
    nothing is added, to 1.
    """

    held: NDArray[np.float64]
    fractions: NDArray[np.float64]
    added: NDArray[np.float64]


class Curve:
    """What models reach on random shares of the data, read off a table.

    In mode ``grid`` every perspective is measured and interpolated linearly. Mode ``surrogate`` needs one
    curve, on the companies' own test records: a cubic in the logarithm of the share that stays between its
    points. Where people are known or strangers the holdout follows as a mixture of both; elsewhere it is
    measured, or the same. Both modes begin at W, without data, and end at B.

    Parameters
    ----------
    use_case, source, digest
        What was measured, where that is written, and its SHA-256.
    mode
        How to read between the points.
    metric
        The quality measure; squared errors mix in proportion to people, other measures as they are.
    personalised
        Whether people whose data a company holds get something else than strangers.
    points
        By perspective, see :class:`learners.curves.measuring.Measurement`. ``company`` is needed and, where
        personalised, ``stranger`` and in mode grid all others.
    poison
        Kind of poison to effect by perspective.
    data_digest
        SHA-256 of the data set measured; ``None`` where it is not at hand.

    Attributes
    ----------
    ends
        The reading at all of the data.
    """

    def __init__(
        self,
        use_case: str,
        source: str,
        digest: str,
        mode: Mode,
        metric: Metric,
        personalised: bool,
        points: Mapping[str, Points],
        poison: Mapping[str, Mapping[str, PoisonEffect]] | None = None,
        data_digest: str | None = None,
    ) -> None:
        self.use_case = use_case
        self.source = source
        self.digest = digest
        self.mode = mode
        self.metric = metric
        self.personalised = personalised
        self.data_digest = data_digest
        self._poison = poison or {}
        self._shares = {name: table.shares for name, table in points.items()}
        self.ends = CurveValue(*points["holdout" if "holdout" in points else "company"].values[-1].tolist())
        points = _without_people(points) if mode == "surrogate" and personalised else points
        self._read = {name: _interpolated(table, mode) for name, table in points.items()}
        self._read.setdefault("holdout", self._read["company"])
        # A tick asks for the same shares again and again, from several perspectives and for several people.
        self._clean = lru_cache(maxsize=256)(self._clean_reading)

    @property
    def measured(self) -> bool:
        """Whether it was measured on data that can be at hand, not published."""
        return self.data_digest is not None

    @property
    def poison_kinds(self) -> tuple[str, ...]:
        """Kinds of poison whose effect was measured."""
        return tuple(self._poison)

    def shares(self, perspective: str) -> NDArray[np.float64]:
        """Return the shares of the data that were measured from a perspective, ascending to 1."""
        return self._shares.get(perspective, self._shares["company"])

    def at(self, perspective: str, held: float, poisoned: Mapping[str, float] | None = None) -> CurveValue:
        """Return a reading.

        Parameters
        ----------
        perspective
            As in :class:`learners.curves.measuring.Measurement`; where nothing is personalised everybody gets
            what the holdout gets.
        held
            Share of the data held, genuine or poisoned.
        poisoned
            Kind of poison to its fraction of what is held. Several kinds together do what each would do at
            their total, in proportion.
        """
        fractions = {kind: fraction for kind, fraction in (poisoned or {}).items() if fraction > 0}
        if not fractions:
            return self._clean(perspective, float(held))
        if perspective != "company" and not self.personalised:
            perspective = "holdout"
        elif perspective == "holdout" and self.mode == "surrogate":
            return self.mixed(self.at("served", held, poisoned), self.at("stranger", held, poisoned), held)
        values, total = self._read[perspective](held), sum(fractions.values())
        for kind, fraction in fractions.items():
            effect = self._poison[kind].get(perspective)
            if effect is not None:
                values = values + fraction / total * _added(effect, held, total)
        return CurveValue(*values.tolist())

    def _clean_reading(self, perspective: str, held: float) -> CurveValue:
        """Return a reading where nothing is poisoned."""
        if perspective != "company" and not self.personalised:
            perspective = "holdout"
        elif perspective == "holdout" and self.mode == "surrogate":
            return self.mixed(self._clean("served", held), self._clean("stranger", held), held)
        return CurveValue(*self._read[perspective](held).tolist())

    def mixed(self, first: CurveValue, second: CurveValue, share: float) -> CurveValue:
        """Return the reading of people of whom a share has the first value and the rest the second."""
        a, b = np.array(first), np.array(second)
        power = np.ones(len(a))
        if self.metric is RMSE:
            power[:N_SCALED] = 2
        return CurveValue(*((share * a**power + (1 - share) * b**power) ** (1 / power)).tolist())

    def normalised(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return g(x), the normalised quality on the holdout at shares of clean data."""
        shares = np.clip(np.asarray(x, float), 0, 1)
        return np.reshape([1 - self.at("holdout", share).loss for share in shares.flat], shares.shape)


def _without_people(points: Mapping[str, Points]) -> dict[str, Points]:
    """Return the points of a surrogate: who is known gets what the company's own test split says."""
    company = points["company"]
    values = company.values.copy()
    known = points.get("known", company)
    for column in range(N_SCALED, values.shape[1]):
        values[:, column] = np.interp(company.shares, known.shares, known.values[:, column])
    people = Points(company.shares, values)
    return {"company": company, "served": people, "known": people, "stranger": points["stranger"]}


def _interpolated(points: Points, mode: Mode) -> Callable[[float], NDArray[np.float64]]:
    """Return the function from a share to a row of values; without data these are those of the baseline."""
    nothing = CurveValue(*points.values[-1])
    start = np.array(nothing._replace(quality=nothing.baseline, utility=nothing.utility_baseline))
    if mode == "surrogate":
        counted = np.isfinite(points.values).all(
            axis=0
        )  # no hits are counted on a company's own test records
        cubic = monotone_in_log(points.shares, points.values[:, counted], start[counted])

        def smooth(share: float) -> NDArray[np.float64]:
            values = np.full(len(start), np.nan)
            values[counted] = cubic(share)
            return values

        return smooth
    shares, values = np.array([0.0, *points.shares]), np.vstack([start, points.values])

    def linear(share: float) -> NDArray[np.float64]:
        return np.array([np.interp(share, shares, column) for column in values.T])

    return linear


def _added(effect: PoisonEffect, held: float, fraction: float) -> NDArray[np.float64]:
    between = RegularGridInterpolator((effect.held, effect.fractions), effect.added)
    added: NDArray[np.float64] = between((min(held, 1.0), min(fraction, 1.0)))
    return added
