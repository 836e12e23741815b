"""Groups of users made from their traits, beside those that a data set knows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def trait_groups(
    interest: NDArray[np.floating[Any]], records: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Return groups by traits, each [n_users].

    Parameters
    ----------
    interest
        float[n_users], interest in the collective good.
    records
        float64[n_users], records owned.

    Returns
    -------
    dict
        ``interest_quarter``, int64 1..4 from the least to the most interested; and ``power_user``, bool: who
        owns more records than nine tenths of the users do, left out where all own as many.
    """
    bounds = np.quantile(interest, (0.25, 0.5, 0.75))
    groups: dict[str, NDArray[Any]] = {
        "interest_quarter": 1 + np.searchsorted(bounds, interest, side="left").astype(np.int64)
    }
    if records.min() < records.max():
        groups["power_user"] = records > np.quantile(records, 0.9)
    return groups
