"""What the companies earn, in units of Large Co.'s revenue before anybody acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from abm.services import Attention, Service
from learners.parameters import Parameters, parameter


class RevenueParameters(Parameters):
    """How use turns into revenue."""

    model: Literal["hits", "boost"] = parameter(
        "hits",
        "hits: revenue in proportion to surfaced hits; boost: consumers times engagement by personalisation",
        unit="-",
        source="Vincent, Hecht, Sen 2019",
    )


@dataclass(frozen=True)
class Revenue:
    """One tick's books; ``consumer_power`` and ``labour_power`` are lost shares of Large Co.'s revenue."""

    large: float
    small: float
    consumer_power: float
    labour_power: float


def boost_revenue(boycotters: float, loss: float, boost: float) -> tuple[float, float, float]:
    """Return Large Co.'s revenue, consumer power and labour power in the boost model (V2).

    Parameters
    ----------
    boycotters
        Their share x of the baseline hits.
    loss
        Normalised loss l of those who stay, 1 at the baseline.
    boost
        Engagement of personalised over un-personalised users, b.

    Returns
    -------
    tuple of float
        (1 - x) [1 - (1 - 1/b) l], floored at 0; x; and (1 - x) (1 - 1/b) l.
    """
    labour = (1 - boycotters) * (1 - 1 / boost) * loss
    return max(0.0, 1 - boycotters - labour), boycotters, labour


def revenue(
    parameters: RevenueParameters,
    large: Service,
    small: Service,
    attention: Attention,
    uses_large: NDArray[np.bool_],
    known_to_large: NDArray[np.bool_],
    hits_at_start: float,
    boost: float,
) -> Revenue:
    """Return the books of a tick; ``hits_at_start`` are Large Co.'s total hits at tick 0."""
    # Known to Large Co., unknown to it, gone: sums by group as dot products, for millions of users.
    groups = np.array([uses_large & known_to_large, uses_large & ~known_to_large, ~uses_large], np.float64)
    best, found, baseline = (groups @ hits for hits in (large.best_hits, large.hits, large.baseline_hits))
    *shares, consumer = (best / best.sum()).tolist()
    gap = float((best - baseline)[:2].sum())
    boosted = labour = 0.0
    # Strikers may lose more than all personalisation: no group earns less than nothing.
    for share, lost in zip(shares, (best - found)[:2].tolist(), strict=True):
        if share > 0:
            loss = lost / gap * (1 - consumer) / share if gap > 0 else 0.0
            earned, _, given_up = boost_revenue(1 - share, loss, boost)
            boosted += earned
            labour += min(given_up, share)
    if parameters.model == "hits":
        earned = float(attention.large @ large.hits) / hits_at_start
    else:
        attending = float(attention.large @ large.best_hits) / float(best[:2].sum()) if consumer < 1 else 0.0
        earned = boosted * attending
    return Revenue(
        large=earned,
        small=float(attention.small @ small.hits) / hits_at_start,
        consumer_power=consumer,
        labour_power=labour,
    )
