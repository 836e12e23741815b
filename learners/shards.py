"""Owners of point data: records that nobody in particular owns are dealt out in shards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def deal(labels: NDArray[np.int64], n_classes: int, owners: int, skew: float, seed: int) -> NDArray[np.int32]:
    """Deal records to owners of equal size whose class mixes are Dirichlet draws.

    Every owner asks for classes by its own mix; asks that a class cannot meet get what is left over.

    Parameters
    ----------
    labels
        int64[n_records], 0..n_classes-1.
    n_classes
        Number of classes.
    owners
        Number of owners, at most one a record.
    skew
        Dirichlet concentration; small values give one-sided owners.
    seed
        Of the draws.

    Returns
    -------
    int32[n_records]
        The owner of each record, 0..owners-1.
    """
    rng = np.random.default_rng(seed)
    slot_owner = np.arange(len(labels)) % owners
    cumulative = np.cumsum(rng.dirichlet(np.full(n_classes, skew), owners), axis=1)
    asked = (rng.random((len(labels), 1)) > cumulative[slot_owner]).sum(1)
    slots, records = rng.permutation(len(labels)), rng.permutation(len(labels))
    owner_of = np.full(len(labels), -1, np.int32)
    unmet = []
    for c in range(n_classes):
        asking, offered = slots[asked[slots] == c], records[labels[records] == c]
        met = min(len(asking), len(offered))
        owner_of[offered[:met]] = slot_owner[asking[:met]]
        unmet.append(asking[met:])
    # A mix whose rounding ends below 1 can ask for class n_classes: those slots are unmet, too.
    unmet.append(slots[asked[slots] == n_classes])
    owner_of[owner_of < 0] = slot_owner[np.concatenate(unmet)]
    return owner_of
