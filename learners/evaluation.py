"""What is known of a served model: its quality from three perspectives and what each owner gets from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from learners.holdings import Holding
from learners.poisoning import Poison

if TYPE_CHECKING:
    from learners.usecase import UseCase

PERSPECTIVES = ("served", "company", "holdout")


@dataclass(frozen=True, eq=False)
class TestSet:
    """Records to measure on: row numbers int64[n_test], owners int32[n_test], genuine targets [n_test]."""

    __test__ = False  # keeps pytest from collecting a class of this name

    rows: NDArray[np.int64]
    owners: NDArray[np.int32]
    targets: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one model says of the test records, each [n_test] or, for a classifier, [n_test, n_classes].

    Attributes
    ----------
    holdout, company
        Of the holdout and of the company test records; an owner whose data the model never saw gets the
        fallback (item means, popular items ...).
    fallback
        Of the holdout records, as if no owner were known.
    planted
        For each poison kind in the holding that plants a signal (see :mod:`learners.poisoning`), how well the
        signal took: a share in [0, 1] of the holdout records it is aimed at.
    """

    holdout: NDArray[np.floating[Any]]
    company: NDArray[np.floating[Any]]
    fallback: NDArray[np.floating[Any]]
    planted: Mapping[Poison, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class View:
    """One perspective: the quality on the chosen records of a test set, NaN where there are none."""

    quality: float
    chosen: NDArray[np.bool_]
    targets: NDArray[Any]

    @property
    def n_test(self) -> int:
        """Number of records measured on."""
        return int(np.count_nonzero(self.chosen))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A served model, measured.

    Attributes
    ----------
    views
        Perspective to :class:`View`: ``holdout`` (fixed hidden records), ``company`` (the split of its own
        data, poison included) and ``served`` (holdout records of the people consuming there now).
    hits, relevant
        float64[owners]: what each owner finds in the served model, of how many relevant records.
    utility, fallback_utility
        float64[owners] in [0, 1]: hits / relevant with the served model, and were the owner unknown to it;
        owners without a relevant record take the pooled value of their group, known or unknown.
    holding
        What the model was trained on.
    predictions
        What it said of the test records.
    """

    use_case: UseCase
    holding: Holding
    predictions: Predictions
    views: dict[str, View]
    hits: NDArray[np.float64]
    relevant: NDArray[np.float64]
    utility: NDArray[np.float64]
    fallback_utility: NDArray[np.float64]

    @property
    def holdout(self) -> float:
        """Quality on the fixed hidden records."""
        return self.views["holdout"].quality

    @property
    def company(self) -> float:
        """Quality on the company's own test split."""
        return self.views["company"].quality

    @property
    def served(self) -> float:
        """Quality on the holdout records of the people served."""
        return self.views["served"].quality

    def serving(self, consuming: NDArray[np.bool_]) -> Evaluation:
        """Return the same model measured on those who consume, bool[owners]; nobody: see :func:`evaluate`."""
        return replace(self, views=self.views | {"served": _served(self, consuming)})


def evaluate(use_case: UseCase, predictions: Predictions, holding: Holding) -> Evaluation:
    """Measure predictions; the people served are, until told otherwise, those whose data are held.

    A company without consumers is measured on those whose data it holds, one without either on everybody.
    """
    holdout = use_case.holdout
    held = holding.record_mask(use_case.record_owners)[use_case.company.rows]
    targets = use_case.values(holding)[use_case.company.rows] if holding.poisons else use_case.company.targets
    everything = np.ones(len(holdout.rows), np.bool_)
    hits, relevant = use_case.hits(predictions.holdout)
    fallback_hits, _ = use_case.hits(predictions.fallback)
    known = holding.present
    evaluation = Evaluation(
        use_case=use_case,
        holding=holding,
        predictions=predictions,
        views={
            "holdout": View(
                use_case.quality(predictions.holdout, holdout.targets, everything),
                everything,
                holdout.targets,
            ),
            "company": View(use_case.quality(predictions.company, targets, held), held, targets),
        },
        hits=hits,
        relevant=relevant,
        utility=_utility(hits, relevant, known),
        fallback_utility=_utility(fallback_hits, relevant, known),
    )
    return evaluation.serving(np.zeros(use_case.owners, np.bool_))


def _served(evaluation: Evaluation, consuming: NDArray[np.bool_]) -> View:
    use_case = evaluation.use_case
    holdout = use_case.holdout
    chosen = consuming[holdout.owners]
    if not chosen.any():
        chosen = evaluation.holding.present[holdout.owners]
    if not chosen.any():
        chosen = np.ones(len(holdout.rows), np.bool_)
    return View(
        use_case.quality(evaluation.predictions.holdout, holdout.targets, chosen), chosen, holdout.targets
    )


def _utility(
    hits: NDArray[np.float64], relevant: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    pooled = np.empty(len(hits))
    for group in (known, ~known):
        pool = group if relevant[group].any() else slice(None)
        pooled[group] = hits[pool].sum() / max(relevant[pool].sum(), 1.0)
    return np.divide(hits, relevant, out=pooled, where=relevant > 0)
