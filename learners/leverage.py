"""Data Leverage Power (DLP): what an action does to quality, on the scale from useless to all the data.

Vincent and Hecht (2021), with quality q, worst quality W and best quality B:

- ``cdc``         (q_S - W) / (B - W): how far contributions bring Small Co.;
- ``strike``      (B - q_L) / (B - W): how much Large Co. loses;
- ``cdc_delete``  (q_S - W) / (q_L - W): Small Co. against what is left of Large Co.

The ratios are free of sign, so W > B (an error metric) needs no special case. Nothing is clipped: a value
above 1 or below 0 is a result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learners.errors import InputError

VARIANTS = ("cdc", "strike", "cdc_delete")

PUBLISHED_SCALES: dict[str, tuple[float, float]] = {
    "pinterest-20": (9141 / 55187, 38629 / 55187),
    "ml-10m": (0.99, 0.7743715767123698),
    "cifar-10": (0.038461538461538464, 0.9440260533279056),
    "toxic": (0.8705692803437165, 0.9745094019688552),
}
"""(W, B) behind the published tables, by use case (Vincent and Hecht 2021, company perspective)."""


@dataclass(frozen=True)
class LeverageScale:
    """The two ends of the quality scale; all methods broadcast over arrays and return NaN where undefined."""

    baseline: float
    best: float

    def normalised(self, quality: ArrayLike) -> NDArray[np.float64]:
        """Return (q - W) / (B - W): 0 at the baseline, 1 at the best."""
        return _ratio(np.asarray(quality, float) - self.baseline, self.best - self.baseline)

    def cdc(self, q_small: ArrayLike) -> NDArray[np.float64]:
        """Leverage of contributing to Small Co."""
        return self.normalised(q_small)

    def strike(self, q_large: ArrayLike) -> NDArray[np.float64]:
        """Leverage of withdrawing data from Large Co."""
        return _ratio(self.best - np.asarray(q_large, float), self.best - self.baseline)

    def cdc_delete(self, q_small: ArrayLike, q_large: ArrayLike) -> NDArray[np.float64]:
        """Leverage of contributing and deleting at once; NaN where Large Co. is at its baseline."""
        return _ratio(np.asarray(q_small, float) - self.baseline, np.asarray(q_large, float) - self.baseline)


def published_scale(use_case: str) -> LeverageScale:
    """Return the scale of the published tables.

    Raises
    ------
    InputError
        Where nothing is published for the use case.
    """
    if use_case not in PUBLISHED_SCALES:
        raise InputError(
            f"leverage.baseline: 'published' exists for {', '.join(PUBLISHED_SCALES)}, not for '{use_case}'; "
            "use 'principled'"
        )
    return LeverageScale(*PUBLISHED_SCALES[use_case])


def _ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    out = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out[()]
