"""Ties between users, and what they may depend on, as arrays."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ties: TypeAlias = tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]
"""The two ends of each tie, integer[n_ties] both; no user is tied to itself, no pair occurs twice."""

TasteProfiles: TypeAlias = NDArray[np.floating[Any]] | sparse.csr_array
"""What each user likes, float[n_users, n_features], dense or sparse; rows are compared by their cosine."""


def pair_number(
    one: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]], n_users: int
) -> NDArray[np.int64]:
    """Return one int64 for each unordered pair: lower end * n_users + higher end."""
    number: NDArray[np.int64] = np.minimum(one, other) * np.int64(n_users) + np.maximum(one, other)
    return number
