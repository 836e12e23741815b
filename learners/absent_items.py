"""Draws of items that their owners do not have: test negatives, and what poisoners put in place of a pin."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from learners.errors import InputError
from learners.record_hash import record_uniform

_FREE, _HAD = -1, -2
_OWNERS_AT_ONCE = 256


def absent_items(
    salt: str, has: sp.csr_array, rows: NDArray[np.int64], *keys: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Draw items that owners do not have, uniformly and without replacement within an owner.

    Whoever draws an item that is had or taken already draws again; the keys decide every draw, so the same
    owner with the same items always gets the same.

    Parameters
    ----------
    salt
        Names the purpose; see :func:`learners.record_hash.record_uniform`.
    has
        csr_array[n_owners, n_items]: what each owner has, no pair twice.
    rows
        int64[n_draws], ascending: who draws.
    keys
        int64[n_draws] each: what makes a draw unique.

    Returns
    -------
    int32[n_draws]

    Raises
    ------
    InputError
        If somebody has so many of the items that too few are left.
    """
    n_owners, n_items = has.shape
    wanted = np.bincount(rows, minlength=n_owners)
    left = n_items - np.diff(has.indptr)
    if (wanted > left).any():
        short = int(np.argmax(wanted > left))
        raise InputError(
            f"{salt}: owner {short} has all but {left[short]} of {n_items} items; {wanted[short]} are needed"
        )
    first = np.concatenate([[0], np.cumsum(wanted)])
    drawn = np.empty(len(rows), np.int32)
    for begin in range(0, n_owners, _OWNERS_AT_ONCE):
        end = min(begin + _OWNERS_AT_ONCE, n_owners)
        had = has[begin:end].tocoo()
        taken = np.full((end - begin, n_items), _FREE, np.int32)
        taken[had.row, had.col] = _HAD
        pending = np.arange(first[begin], first[end])
        attempt = 0
        while len(pending):
            number = np.full(len(pending), attempt)
            draw = record_uniform(salt, number, *(key[pending] for key in keys))
            row, item = rows[pending] - begin, (draw * n_items).astype(np.int32)
            # Of several who draw one item at once the first gets it: the last of these writes stays.
            free = taken[row, item] == _FREE
            taken[row[free][::-1], item[free][::-1]] = pending[free][::-1]
            won = taken[row, item] == pending
            drawn[pending[won]] = item[won]
            pending = pending[~won]
            attempt += 1
    return drawn
