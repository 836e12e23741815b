"""Dividing a data dividend by what people's data are worth, and how unequal the parts are.

Core Objects: TRANSFORMS, gini, pay_weights.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learners.errors import InputError

Transform: TypeAlias = Literal["shift", "absolute", "clip", "bin", "equal", "per_record"]

TRANSFORMS: tuple[str, ...] = get_args(Transform)
"""How values, some of them negative, become weights of pay, none of them negative."""


def gini(amounts: ArrayLike) -> float:
    """Return the Gini coefficient: 0 where all have the same, (n - 1) / n where one has everything.

    sum (2 i - n - 1) x_(i) / (n sum x), with x_(i) ascending (Gini 1912). NaN where nobody has anything.

    Raises
    ------
    InputError
        If an amount is negative.
    """
    x = np.sort(np.asarray(amounts, float))
    if x.size and x[0] < 0:
        raise InputError(f"gini: amounts must be 0 or more (got {x[0]:g})")
    n, total = x.size, x.sum()
    return max(float((2 * np.arange(1, n + 1) - n - 1) @ x / (n * total)), 0.0) if total > 0 else np.nan


def pay_weights(
    values: ArrayLike, transform: Transform, *, bins: int = 10, records: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Turn what the data of each person are worth into the person's share of a dividend.

    Parameters
    ----------
    values
        float[n], such as the loss of quality without the person; often noise around zero.
    transform
        ``shift``: value less the least value; ``absolute``: size of the value; ``clip``: value, but at least
        0; ``bin``: number of the bin, from 1, among ``bins`` of as many people each by value, equals
        together; ``equal``: all the same; ``per_record``: number of records.
    bins
        Number of bins.
    records
        float[n], records owned; needed for ``per_record``.

    Returns
    -------
    float64[n]
        Adding up to 1; NaN where all weights are 0.

    Raises
    ------
    InputError
        If the transform is unknown or lacks the records.
    """
    v = np.asarray(values, float)
    match transform:
        case "shift":
            weights = v - v.min()
        case "absolute":
            weights = np.abs(v)
        case "clip":
            weights = np.maximum(v, 0.0)
        case "bin":
            below = np.searchsorted(np.sort(v), v, side="left")
            weights = 1.0 + below * bins // len(v)
        case "equal":
            weights = np.ones(len(v))
        case "per_record":
            if records is None:
                raise InputError("transform: 'per_record' needs the number of records of each person")
            weights = np.asarray(records, float)
        case _:
            raise InputError(f"transform: '{transform}' is not one of {', '.join(TRANSFORMS)}")
    total = weights.sum()
    return weights / total if total else np.full(len(v), np.nan)
