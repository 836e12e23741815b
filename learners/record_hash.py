"""Stateless random numbers for records: the same for a record in every run and at every company."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray


def record_uniform(salt: str, *keys: ArrayLike) -> NDArray[np.float64]:
    """Hash integer keys to uniform numbers.

    Parameters
    ----------
    salt
        Names the purpose: two salts give independent numbers.
    keys
        Integer arrays that broadcast to the shape of the result, such as owner ids and item ids.

    Returns
    -------
    ndarray of float64 in [0, 1)
        Splitmix64 (Steele, Lea, Flood 2014) of salt and keys.
    """
    state = _mixed(np.uint64(zlib.crc32(salt.encode())))
    for key in keys:
        state = _mixed(state ^ np.asarray(key).astype(np.int64).view(np.uint64))
    return np.asarray((state >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def _mixed(x: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        z = np.asarray(x, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
