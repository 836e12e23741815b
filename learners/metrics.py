"""Quality of predictions: the headline metrics and surfaced hits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


@dataclass(frozen=True)
class Metric:
    """A quality measure: ``of(predictions, targets)`` over any subset of test records."""

    name: str
    unit: str
    higher_is_better: bool
    of: Callable[[NDArray[Any], NDArray[Any]], float]


def rmse(predicted: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean(np.square(predicted - targets))))


def accuracy(predicted: NDArray[np.float64], targets: NDArray[np.int64]) -> float:
    """Share of right classes; ``predicted`` [n, n_classes] are the probabilities of choosing each class."""
    return float(np.mean(predicted[np.arange(len(targets)), targets]))


def hit_rate(ranks: NDArray[np.float64], targets: NDArray[Any]) -> float:
    """Share of held-out items that a ranking of their candidates puts among the first :data:`TOP`.

    ``ranks`` are places from 0; what the targets are does not matter (HR@5; He et al. 2017).
    """
    return hit_rate_at(ranks, TOP)


def hit_rate_at(ranks: NDArray[np.floating[Any]], k: int) -> float:
    """Share of held-out items among the first k, given their places from 0."""
    return float(np.mean(ranks < k))


def ndcg_at(ranks: NDArray[np.floating[Any]], k: int) -> float:
    """Mean of 1 / log2(place + 2) where the place from 0 is under k: NDCG@k with one relevant item."""
    return float(np.mean(np.where(ranks < k, 1 / np.log2(ranks + 2), 0)))


def auc(scores: NDArray[np.float64], targets: NDArray[np.int64]) -> float:
    """Area under the ROC curve: chance that a positive record scores above a negative one, ties half.

    NaN where either class is missing.
    """
    positive = targets == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return float("nan")
    pairs = rankdata(scores)[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(pairs / (n_positive * n_negative))


TOP = 5
"""Length of the list that a hit rate counts."""

RMSE = Metric("RMSE", "rating points", higher_is_better=False, of=rmse)
ACCURACY = Metric("accuracy", "share of images", higher_is_better=True, of=accuracy)
HIT_RATE = Metric("HR@5", "share of held-out items", higher_is_better=True, of=hit_rate)
AUC = Metric("AUC", "share of pairs", higher_is_better=True, of=auc)


def surfaced_hits(
    owners: NDArray[np.int32],
    relevant: NDArray[np.bool_],
    predicted: NDArray[np.floating[Any]],
    tie_break: NDArray[np.float64],
    n_owners: int,
) -> NDArray[np.int64]:
    """Count the relevant records that each owner finds at the top of the owner's own ranking.

    With n_u the number of relevant test records of owner u, the hits of u are the relevant ones among the
    n_u that the model ranks highest: R-precision before division (Vincent, Hecht, Sen 2019).

    Parameters
    ----------
    owners, relevant, predicted, tie_break
        int32, bool, float, float [n_test]: of each test record its owner, whether it is relevant, its
        predicted value, and a random number that orders equal predictions.
    n_owners
        Number of owners.

    Returns
    -------
    int64[n_owners]
    """
    order = np.lexsort((tie_break, -predicted, owners))
    ranked_owners = owners[order]
    start = np.searchsorted(ranked_owners, np.arange(n_owners))
    rank = np.arange(len(order)) - start[ranked_owners]
    n_relevant = np.bincount(owners[relevant], minlength=n_owners)
    hit = relevant[order] & (rank < n_relevant[ranked_owners])
    return np.bincount(ranked_owners[hit], minlength=n_owners).astype(np.int64)
