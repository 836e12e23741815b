"""Synthetic ratings of any size: few popular items and many obscure ones, few busy raters, known tastes.

They stand in for sets that are not at hand where it matters how cost grows, not what a quality means. The
default has the shape of MovieLens 10M.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.datasets.movielens import HALF_STARS
from learners.datasets.records import RatingData
from learners.errors import InputError

LEAST = 20
"""Ratings of the laziest rater, as in MovieLens."""

MOST = 0.2
"""Ratings of the busiest rater, as a share of the items."""

ACTIVITY_EXPONENT = 1.5
"""Tail exponent of the number of ratings of a rater beyond :data:`LEAST`."""

POPULARITY_EXPONENT = 1.3
POPULARITY_OFFSET = 60
"""An item of rank k is rated in proportion to (k + offset) ** -exponent (Zipf and Mandelbrot)."""

TASTES = 8
"""Rank of the planted match of raters and items."""

_OWNERS_AT_A_TIME = 2048

_ITEMS, _OWNERS, _BLOCKS = 0, 1, 2
"""First keys of the random streams."""


def synthetic_ratings(
    n_owners: int = 70_000, n_items: int = 10_700, n_ratings: int = 10_000_000, seed: int = 0
) -> RatingData:
    """Draw ratings r = mu + b_u + c_i + p_u . q_i + noise, rounded to half stars.

    Raters and items of a power law; no pair twice. Memory beyond the result is bounded: raters are drawn some
    thousand at a time.

    Parameters
    ----------
    n_owners, n_items
        Numbers of raters and of items.
    n_ratings
        Exact number of ratings, from ``20 * n_owners`` to ``0.2 * n_items * n_owners``.
    seed
        Of everything random.

    Returns
    -------
    RatingData
        On the scale of MovieLens 10M, sorted by owner, then item; times unknown.

    Raises
    ------
    InputError
        If so many ratings do not fit.
    """
    counts = _activity(n_owners, n_items, n_ratings)
    items_rng = _stream(seed, _ITEMS)
    rank = items_rng.permutation(n_items)
    popularity = np.cumsum((rank + POPULARITY_OFFSET) ** -POPULARITY_EXPONENT)
    item_bias = items_rng.normal(0, 0.4, n_items).astype(np.float32)
    item_taste = items_rng.normal(0, TASTES**-0.5, (n_items, TASTES)).astype(np.float32)
    owner_rng = _stream(seed, _OWNERS)
    counts = counts[owner_rng.permutation(n_owners)]
    owner_bias = owner_rng.normal(0, 0.4, n_owners).astype(np.float32)
    owner_taste = owner_rng.normal(0, 0.6, (n_owners, TASTES)).astype(np.float32)

    owners = np.repeat(np.arange(n_owners, dtype=np.int32), counts)
    items = np.empty(n_ratings, np.int32)
    ratings = np.empty(n_ratings, np.float32)
    end = np.cumsum(counts)
    for block, first in enumerate(range(0, n_owners, _OWNERS_AT_A_TIME)):
        last = min(first + _OWNERS_AT_A_TIME, n_owners)
        rows = slice(int(end[first] - counts[first]), int(end[last - 1]))
        rng = _stream(seed, _BLOCKS, block)
        items[rows] = _distinct_items(counts[first:last], popularity, rng)
        owner, item = owners[rows], items[rows]
        score = 3.5 + owner_bias[owner] + item_bias[item] + rng.normal(0, 0.8, len(owner)).astype(np.float32)
        score += np.einsum("nd,nd->n", owner_taste[owner], item_taste[item])
        ratings[rows] = np.clip(np.round(score * 2) / 2, HALF_STARS[0], HALF_STARS[-1])
    return RatingData(
        name=f"synthetic-{n_owners}x{n_items}-{n_ratings}",
        owners=owners,
        items=items,
        ratings=ratings,
        timestamps=np.zeros(n_ratings, np.int64),
        scale=HALF_STARS,
        owner_ids=np.arange(1, n_owners + 1, dtype=np.int64),
        item_ids=np.arange(1, n_items + 1, dtype=np.int64),
    )


def _stream(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _activity(n_owners: int, n_items: int, n_ratings: int) -> NDArray[np.int64]:
    """Return the number of ratings of each rater, busiest first: quantiles of a Pareto law cut off above."""
    most = int(MOST * n_items)
    if not LEAST * n_owners <= n_ratings <= most * n_owners:
        raise InputError(
            f"n_ratings: {n_ratings} is not between {LEAST} and {most} for each of {n_owners} raters "
            f"of {n_items} items"
        )
    tail = ((np.arange(n_owners) + 0.5) / n_owners) ** (-1 / ACTIVITY_EXPONENT) - 1
    low, high = 0.0, (most - LEAST) / tail[-1]  # with the highest everybody rates the most there is
    for _ in range(100):
        scale = (low + high) / 2
        total = np.minimum(LEAST + scale * tail, most).sum()
        low, high = (scale, high) if total < n_ratings else (low, scale)
    # Rounding the running total keeps the sum, and every rater within one of the law.
    running = np.round(np.cumsum(np.minimum(LEAST + low * tail, most)))
    running[-1] = n_ratings
    return np.diff(running, prepend=0).astype(np.int64)


def _distinct_items(
    counts: NDArray[np.int64], popularity: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int32]:
    """Draw ``counts[u]`` different items for each rater by popularity (cumulative), ascending by rater, item.

    Draws with replacement whose repetitions are drawn again: successive sampling without replacement.
    """
    n_items = len(popularity)
    held = np.zeros(len(counts) * n_items, np.bool_)
    missing = counts
    while missing.any():
        drawn = np.searchsorted(popularity, rng.random(missing.sum()) * popularity[-1], side="right")
        pairs = np.repeat(np.arange(len(counts)), missing) * n_items + np.minimum(drawn, n_items - 1)
        new = np.unique(pairs[~held[pairs]])
        held[new] = True
        missing = missing - np.bincount(new // n_items, minlength=len(counts))
    return (np.flatnonzero(held) % n_items).astype(np.int32)
