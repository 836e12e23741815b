"""Logistic regression on TF-IDF features that goes on from where it stood.

The features are a company's own: the most frequent terms and the IDF of the texts that it holds, derived
from sums that go up and down with them (:mod:`learners.text.text_features`). The penalised loss has one
minimum, which does not depend on where the search starts, so a warm start saves time and changes nothing
beyond tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from learners.evaluation import Predictions
from learners.holdings import Holding
from learners.text.text_features import TermSums
from learners.text.tf_idf import Terms, TfIdf, TfIdfRows, Vector
from learners.usecase import Effort, Learner

if TYPE_CHECKING:
    from learners.text.use_case import TextUseCase

SPARE, LEAST_SPARE = 0.8, 2
"""Terms are at hand, too, that are this share as frequent as the rarest one in use, or rarer by so many."""

WASTE = 2
"""Rows at hand are gathered afresh once they are more than this many times the rows in use."""

MEMORY = 20
"""Steps of the search that are remembered, those of earlier retrainings included."""

BATCH = 4096
"""Rows that are made at a time where they are not kept."""

COARSE = 1e-4
"""From this tolerance on products of single precision do: their errors are a hundredth of it."""

_MOST_STEPS = 1000
_MOST_TRIES = 100
_FARTHEST = 4.0  # that one try goes, in log-odds or steps: Newton's method leaps where a loss is flat
_FLAT_INTERCEPT = 1e-9  # comments' worth of pull
_FLAT_LENGTH = 1e-3  # of the slope at the start
_LEAST = 1e-300


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a search ended: weights of the terms, and the intercept.

    ``pairs`` are the last steps with the change of the gradient along each: what is known of the curvature.
    """

    weights: Vector
    intercept: float = 0.0
    pairs: tuple[tuple[Vector, Vector], ...] = ()

    def carried(self, old: Terms, new: Terms) -> Minimum:
        """Return the same for other terms, 0 for those that were not there."""
        if all(map(np.array_equal, old, new)):
            return self
        source, target = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        start = np.zeros(2, np.int64)
        for had, has in zip(old, new, strict=True):
            places = np.intersect1d(had, has, assume_unique=True, return_indices=True)[1:]
            source.append(places[0] + start[0])
            target.append(places[1] + start[1])
            start += len(had), len(has)

        def carry(vector: Vector) -> Vector:
            carried = np.zeros(start[1])
            carried[np.concatenate(target)] = vector[np.concatenate(source)]
            return carried

        return Minimum(
            carry(self.weights), self.intercept, tuple((carry(s), carry(y)) for s, y in self.pairs)
        )


@dataclass(frozen=True, eq=False)
class Loss:
    """C sum log(1 + exp(-y z)) + |w|^2 / 2 over rows with log-odds z = features w + b, at the best b for w.

    Attributes
    ----------
    features
        Of the rows.
    signs
        float64[n_rows]: y, -1 or 1; 0 for rows that are not in the sum. Both signs occur.
    inverse_penalty
        C.
    """

    features: TfIdf
    signs: Vector
    inverse_penalty: float

    def minimised(self, start: Minimum, distance: float) -> Minimum:
        """Return the minimum, by limited-memory BFGS (Liu, Nocedal 1989) with the best length of each step.

        Log-odds are linear in the weights, so to find the length, and the intercept that goes with each,
        takes no product with the features, and a step takes two. The first guess of the curvature is the
        penalty's, 1, which is right but for a few directions; the pairs of a loss that differs little spare
        the search from finding these again.

        Parameters
        ----------
        start
            Where to start; at least one step is taken.
        distance
            The search ends when the weights are no farther than this from the minimum: when the gradient is
            no longer, since the loss curves by 1 at least.
        """
        weights, pairs = start.weights, start.pairs
        scores = self.features.times(weights)
        intercept = self._best_intercept(scores, start.intercept)
        gradient = self._gradient(weights, scores + intercept)
        for _ in range(_MOST_STEPS):
            step = -_inverse_curvature(gradient, pairs)
            along = self.features.times(step)
            length, intercept = self._best_length(weights, step, scores, along, intercept)
            weights = weights + length * step
            scores = scores + length * along
            before, gradient = gradient, self._gradient(weights, scores + intercept)
            if step @ (gradient - before) > 0:
                pairs = (*pairs, (length * step, gradient - before))[-MEMORY:]
            if np.linalg.norm(gradient) <= distance:
                break
        return Minimum(weights, intercept, pairs)

    def _gradient(self, weights: Vector, log_odds: Vector) -> Vector:
        return weights - self.features.transposed_times(self._pull(expit(log_odds)))

    def _pull(self, chances: Vector) -> Vector:
        """Return how strongly each row's label pulls its log-odds away from a chance."""
        return self.inverse_penalty * np.square(self.signs) * ((self.signs + 1) / 2 - chances)

    def _curvature(self, chances: Vector) -> Vector:
        """Return the second derivative of each row's loss."""
        return self.inverse_penalty * np.square(self.signs) * chances * (1 - chances)

    def _best_intercept(self, scores: Vector, start: float) -> float:
        def rise(intercept: float) -> tuple[float, float]:
            chances = expit(scores + intercept)
            return -float(self._pull(chances).sum()), float(self._curvature(chances).sum())

        return _zero(rise, start, -np.inf, _FLAT_INTERCEPT * self.inverse_penalty)

    def _best_length(
        self, weights: Vector, step: Vector, scores: Vector, along: Vector, intercept: float
    ) -> tuple[float, float]:
        """Return how many times the step leads to the minimum on its line, and the intercept there."""
        linear, square = step @ weights, step @ step

        def rise(length: float) -> tuple[float, float]:
            nonlocal intercept
            there = scores + length * along
            intercept = self._best_intercept(there, intercept)
            chances = expit(there + intercept)
            curvature = self._curvature(chances)
            slope = linear + length * square - self._pull(chances) @ along
            common = (curvature @ along) ** 2 / max(curvature.sum(), _LEAST)
            return float(slope), float(square + curvature @ np.square(along) - common)

        length = _zero(rise, 1.0, 0.0, _FLAT_LENGTH * abs(rise(0.0)[0]))
        return length, intercept


def _zero(rise: Callable[[float], tuple[float, float]], start: float, least: float, flat: float) -> float:
    """Return where, above ``least``, a rising function is zero within ``flat``: Newton's method, bracketed.

    ``rise`` returns its value and its slope.
    """
    low, high, x = least, np.inf, start
    for _ in range(_MOST_TRIES):
        value, slope = rise(x)
        if abs(value) <= flat:
            break
        low, high = (x, high) if value < 0 else (low, x)
        x -= float(np.clip(value / max(slope, _LEAST), -_FARTHEST, _FARTHEST))
        if not low < x < high:
            x = (low + high) / 2
    return x


def _with_spare(used: NDArray[np.int64], own: TermSums, pool: TermSums) -> NDArray[np.int64]:
    """Return the terms in use and those that soon may be, int64 ascending.

    These are nearly as frequent in a company's texts as those in use, or would be if the texts were like
    everybody's: one owner who returns can bring a term that nobody else has.
    """
    least = own.total[used].min(initial=np.inf)
    likely = np.maximum(own.total, pool.total * (own.n_texts / pool.n_texts))
    return np.union1d(used, np.flatnonzero(likely >= max(min(SPARE * least, least - LEAST_SPARE), 1)))


def _inverse_curvature(gradient: Vector, pairs: tuple[tuple[Vector, Vector], ...]) -> Vector:
    """Return the inverse curvature that the pairs tell of times a gradient: the two-loop recursion."""
    direction = gradient.copy()
    shares = []
    for step, change in reversed(pairs):
        share = (step @ direction) / (step @ change)
        direction -= share * change
        shares.append(share)
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        direction += (share - (change @ direction) / (step @ change)) * step
    return direction


class LogisticRegressionLearner(Learner):
    """Logistic regression whose terms, IDF and weights follow what a company holds.

    Attributes
    ----------
    sums
        For each block of terms what the training comments held add up to.
    rows
        Rows at hand: those of the training comments held, and some that are held no more; spare terms, too.
    idf
        For each block the IDF of the terms of ``rows``, 0 for spare ones.
    """

    use_case: TextUseCase

    def __init__(self, use_case: TextUseCase, seed: int, effort: Effort = "retraining") -> None:
        super().__init__(use_case, seed, effort)
        self.parameters = use_case.parameters
        blocks = use_case.blocks
        self._held = np.zeros(blocks[0].n_versions, np.bool_)
        self.sums = tuple(TermSums.nothing(block.n_terms) for block in blocks)
        self.rows = self._test_rows = self._no_rows()
        self._minimum = Minimum(np.zeros(0))
        self.idf: tuple[Vector, ...] = ()
        self._only_class: int | None = None

    def fit(self, holding: Holding) -> Predictions:
        """Bring terms, IDF and weights up to date, and score the test comments."""
        use_case = self.use_case
        versions = use_case.versions(holding)
        training = use_case.training_mask(holding)
        held, labels = versions[training], use_case.values(holding)[training]
        self._only_class = int(labels[0]) if (labels == labels[0]).all() else None
        if self._only_class is None:
            self._count(held)
            self._gather(held)
            rows = self.rows.row_of(held)
            signs = np.zeros(len(self.rows.versions))
            signs[rows] = 2 * labels - 1
            loss = Loss(self.rows.scaled(self.idf), signs, self.parameters.inverse_penalty)
            # With weights d from the minimum, the log-odds of x differ by d (x - m), m a mean of rows that
            # the intercept makes up for. No feature is negative and |x|^2 is at most the number of blocks, so
            # |x - m|^2 is at most twice that; a chance differs by a quarter of the log-odds at most.
            distance = 4 * self.parameters.tolerance / np.sqrt(2 * len(use_case.blocks))
            self._minimum = loss.minimised(self._minimum, distance)
        return self._predictions(holding, versions)

    def scores(self, versions: NDArray[np.int64]) -> Vector:
        """Return what the model says of any versions of comments: the chance of being toxic."""
        batches = np.split(versions, np.arange(BATCH, len(versions), BATCH))
        none = self._no_rows().keeping(self.rows.terms)
        return np.concatenate([self._scored(none.including(batch)) for batch in batches])

    def _no_rows(self) -> TfIdfRows:
        precision = np.float32 if self.parameters.tolerance >= COARSE else np.float64
        return TfIdfRows(self.use_case.blocks, self.use_case.device, precision)

    def _count(self, held: NDArray[np.int64]) -> None:
        """Bring the sums up to date with the versions held."""
        if self.parameters.vocabulary == "pooled":
            self.sums = self.use_case.pool_sums
            return
        now = np.zeros_like(self._held)
        now[held] = True
        for sign, changed in ((-1, self._held & ~now), (1, now & ~self._held)):
            if changed.any():
                blocks = zip(self.sums, self.use_case.blocks, strict=True)
                self.sums = tuple(
                    sums.plus(block.of(np.flatnonzero(changed)), sign) for sums, block in blocks
                )
        self._held = now

    def _gather(self, held: NDArray[np.int64]) -> None:
        """Choose the terms, and see to it that the rows and terms in use are at hand."""
        if len(self.rows.versions) > WASTE * len(held):
            self.rows = self._no_rows().keeping(self.rows.terms)
        used, kept = [], []
        pool = self.use_case.pool_sums
        blocks = zip(self.sums, pool, self.use_case.limits, self.rows.terms, strict=True)
        for sums, of_pool, limit, at_hand in blocks:
            used.append(sums.most_frequent(limit))
            enough = np.isin(used[-1], at_hand, assume_unique=True).all()
            kept.append(at_hand if enough else _with_spare(used[-1], sums, of_pool))
        self._minimum = self._minimum.carried(self.rows.terms, tuple(kept))
        self.rows = self.rows.keeping(tuple(kept)).including(held)
        self._test_rows = self._test_rows.keeping(tuple(kept))
        self.idf = tuple(np.zeros(len(terms)) for terms in kept)
        for idf, sums, chosen, terms in zip(self.idf, self.sums, used, kept, strict=True):
            idf[np.searchsorted(terms, chosen)] = sums.idf(chosen)

    def _scored(self, rows: TfIdfRows) -> Vector:
        if self._only_class is not None:
            return np.full(len(rows.versions), float(self._only_class))
        minimum = self._minimum
        return expit(rows.scaled(self.idf).times(minimum.weights) + minimum.intercept)

    def _predictions(self, holding: Holding, versions: NDArray[np.int64]) -> Predictions:
        use_case = self.use_case
        holdout, marked = (
            of[use_case.holdout.rows] for of in (use_case.versions_genuine, use_case.versions_marked)
        )
        company = versions[use_case.company.rows]
        planting = [poison for _, poison in holding.poisons_present if poison.name in use_case.planting]
        wanted = [holdout, company, *([marked] if planting else [])]
        self._test_rows = self._test_rows.including(np.concatenate(wanted))
        scores = self._scored(self._test_rows)
        plain, of_company = (scores[self._test_rows.row_of(these)] for these in (holdout, company))
        planted = {}
        if planting:
            with_marker = scores[self._test_rows.row_of(marked)]
            planted = {poison: use_case.success(poison, plain, with_marker) for poison in planting}
        return Predictions(plain, of_company, fallback=plain, planted=planted)
