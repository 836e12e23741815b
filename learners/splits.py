"""Which records train and which test: decided once for each original record, whoever holds it."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from learners.errors import InputError
from learners.record_hash import record_uniform

TRAIN = 0
HOLDOUT = 1
COMPANY = 2


def split_records(split: str, *record_keys: NDArray[np.int64]) -> NDArray[np.int8]:
    """Assign every record to training, the fixed holdout, or the companies' own test split.

    Parameters
    ----------
    split
        ``live``: a holdout tenth and a company tenth; ``holdout``: a holdout tenth; ``fold:k/n``: fold k of
        n (k = 1..n) is the holdout.
    record_keys
        The publisher's ids that make a record unique, such as (owner id, item id), each int64[n_records].

    Returns
    -------
    int8[n_records]
        :data:`TRAIN`, :data:`HOLDOUT` or :data:`COMPANY`.

    Raises
    ------
    InputError
        If ``split`` is none of these.
    """
    u = record_uniform("split", *record_keys)
    codes = np.zeros(len(u), np.int8)
    fold = re.fullmatch(r"fold:([1-9]\d{0,2})/([1-9]\d{0,2})", split)
    if split in ("live", "holdout"):
        codes[u < 0.1] = HOLDOUT
        if split == "live":
            codes[(u >= 0.1) & (u < 0.2)] = COMPANY
    elif fold and int(fold[1]) <= int(fold[2]) and int(fold[2]) > 1:
        codes[(u * int(fold[2])).astype(np.int64) == int(fold[1]) - 1] = HOLDOUT
    else:
        raise InputError(
            f"split: '{split}' is not one of 'live', 'holdout', 'fold:k/n' with 1 <= k <= n, n > 1"
        )
    return codes
