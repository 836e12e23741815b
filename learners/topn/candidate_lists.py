"""Leave-one-out: the lists that a held-out item is to be found in, and its place when a model ranks them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CandidateLists:
    """One list of items for each of m owners.

    Attributes
    ----------
    owners
        int64[m]: whose list it is.
    items
        int32[m, width]: the item to be found in column 0, then its negatives.
    lots
        float64[m, width]: orders candidates of equal score, lowest first.
    """

    owners: NDArray[np.int64]
    items: NDArray[np.int32]
    lots: NDArray[np.float64]

    @cached_property
    def by_item(self) -> NDArray[np.int64]:
        """int64[m * width]: positions in the flattened lists, ordered by item."""
        return np.argsort(self.items.ravel(), kind="stable")

    def places(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Return the place from 0 of each item to be found, float64[m], given scores [m, width]."""
        sought, others = scores[:, :1], scores[:, 1:]
        before = (others > sought) | ((others == sought) & (self.lots[:, 1:] < self.lots[:, :1]))
        return before.sum(axis=1).astype(np.float64)
