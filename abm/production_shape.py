"""The shape of a production function, which decides whether a collective action starts by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from abm.production import Production
from learners.parameters import constant

TEMPLATE = "template"
"""Perspective of a function that was not measured."""

INTERVALS = tuple(np.linspace(0, 1, 21).tolist())
"""Ends of the intervals whose slopes are compared, where none are given."""

_STRAIGHT = constant(
    "production.straight",
    0.05,
    "Largest departure from the straight line that counts as none",
    unit="share of the full effect",
)


@dataclass(frozen=True)
class ProductionShape:
    """How a production function bends, from one perspective.

    Attributes
    ----------
    perspective
        Test records on which it was measured, or :data:`TEMPLATE`. Without it a shape says nothing: from the
        company's own test records a curve may bend that is straight on a fixed holdout.
    name
        ``decelerating``: the first shares add most; ``accelerating``: the last; ``third-order``: shares in
        between, so that the first do not pay and the last pay no more; ``linear``: all the same.
    slope_ratio
        Mean slope over the first 5 % divided by that over 40 to 50 %; infinite where the latter is flat.
    area
        Under P, as a share of the full effect; above .5 for decelerating functions, below for accelerating.
    inflection
        Middle of the steepest interval where that is neither the first nor the last; ``None`` elsewhere.
    """

    perspective: str
    name: Literal["decelerating", "accelerating", "third-order", "linear"]
    slope_ratio: float
    area: float
    inflection: float | None


def production_shape(
    production: Production, perspective: str, intervals: ArrayLike = INTERVALS
) -> ProductionShape:
    """Classify a production function.

    Parameters
    ----------
    production
        P.
    perspective
        From which it was measured, or :data:`TEMPLATE`.
    intervals
        float64[n], ascending from 0 to 1: between which shares slopes are taken. Those measured are best;
        finer ones show the interpolation.
    """
    ends = np.asarray(intervals, float)
    full = float(production(1.0) - production(0.0))
    levels = (production(ends) - production(0.0)) / full
    slopes = np.diff(levels) / np.diff(ends)
    steepest = int(slopes.argmax())
    inside = 0 < steepest < len(slopes) - 1
    fine = np.linspace(0, 1, 2001)
    area = float(np.trapezoid(production(fine) - production(0.0), fine)) / full
    straight = float(np.abs(levels - ends).max()) <= _STRAIGHT
    name: Literal["decelerating", "accelerating", "third-order", "linear"]
    if straight:
        name = "linear"
    elif inside:
        name = "third-order"
    else:
        name = "decelerating" if steepest == 0 else "accelerating"
    early, middle = (
        float(production(end) - production(begin)) / (end - begin) for begin, end in ((0.0, 0.05), (0.4, 0.5))
    )
    return ProductionShape(
        perspective,
        name,
        early / middle if middle else float("inf"),
        area,
        float(ends[steepest] + ends[steepest + 1]) / 2 if inside and not straight else None,
    )
