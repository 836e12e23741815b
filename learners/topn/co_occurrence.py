"""How often items occur together: the sums of an item-kNN, which go up and down exactly.

A binary profile x_u weighs b_u^2, and the sums are G_ij = sum_u b_u^2 x_ui x_uj. Weights are whole numbers
of 2^-k, so the sums are whole numbers, too: exact in any order, and taking a profile out again leaves
exactly the sums of never having had it.
"""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

_LARGEST = 2**31 - 1
_PRODUCTS_AT_ONCE = 2**24
"""Products summed by one sparse multiplication: bounds what is held beside the sums."""


class CoOccurrence:
    """Weighted co-occurrences and counts of items over a changing set of profiles.

    Attributes
    ----------
    gram
        int32[n_items, n_items], in units of ``unit``: a Tensor on the device.
    counts
        int64[n_items]: profiles that hold each item.
    unit
        2^-k. With U profiles at most and weights of w at most, k is the largest number for which
        U (2^k w + 1) < 2^31: no sum of rounded weights can overflow.
    """

    def __init__(self, squares: NDArray[np.float64], n_profiles: int, device: str) -> None:
        """Start from nobody.

        ``squares``, float64[n_items + 1], is the weight b_u^2 of a profile by its number of items, and
        ``n_profiles`` the largest number of profiles there can be.
        """
        n_items = len(squares) - 1
        bits = math.floor(math.log2((_LARGEST / n_profiles - 1) / squares[1:].max()))
        self.unit = 2.0**-bits
        self.gram = torch.zeros(n_items, n_items, dtype=torch.int32, device=device)
        self.counts = np.zeros(n_items, np.int64)
        self._weights = np.rint(squares * 2.0**bits).astype(np.int32)
        self._is_shared = False

    def fork(self) -> CoOccurrence:
        """Return sums that go their own way from here; both are the same memory until one changes."""
        self._is_shared = True
        return copy.copy(self)

    def change(self, before: sp.csr_array, after: sp.csr_array) -> None:
        """Take profiles out and put profiles in, each csr_array[any, n_items] of int32 ones."""
        if self._is_shared:
            self.gram, self.counts, self._is_shared = self.gram.clone(), self.counts.copy(), False
        profiles = sp.vstack([before, after], format="csr")
        sizes = np.diff(profiles.indptr)
        signed = self._weights[sizes]
        signed[: before.shape[0]] *= -1
        portion = np.cumsum(sizes.astype(np.int64) ** 2) // _PRODUCTS_AT_ONCE
        bounds = [0, *(np.flatnonzero(np.diff(portion)) + 1), len(sizes)]
        for begin, end in itertools.pairwise(bounds):
            self._add(profiles[begin:end], signed[begin:end])
        sign = np.repeat(np.where(np.arange(len(sizes)) < before.shape[0], -1, 1), sizes)
        self.counts += np.bincount(profiles.indices, sign, len(self.counts)).astype(np.int64)

    def _add(self, profiles: sp.csr_array, weights: NDArray[np.int32]) -> None:
        by_item = profiles.T.tocsr()
        by_item.data = weights[by_item.indices]
        change = by_item @ profiles
        rows = np.repeat(np.arange(change.shape[0], dtype=np.int64), np.diff(change.indptr))
        cells = torch.from_numpy(rows * change.shape[1] + change.indices)
        device = self.gram.device
        self.gram.view(-1).scatter_add_(0, cells.to(device), torch.from_numpy(change.data).to(device))
