"""Similarities of items from the sums of an item-kNN, and what candidates score by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.topn.candidate_lists import CandidateLists
from learners.topn.co_occurrence import CoOccurrence

_ROWS_AT_ONCE = {"cpu": 64, "cuda": 1024}
"""Items whose similarities are computed together: what fits a core's cache, what keeps a GPU busy."""


class Similarities:
    """Shrunk cosines of weighted profiles, S_ij = a_i a_j G_ij / (|i||j| + shrink), and 0 between i and i.

    |i| = a_i sqrt(G_ii). Rows are computed as they are needed, for the items whose scores are wanted: the
    matrix, 390 MB at 10,000 items, is never stored.

    Parameters
    ----------
    sums
        G.
    weights
        float64[n_items]: a.
    neighbours
        Of row i only the K largest similarities count, and those equal to the K-th.
    shrink
        Above 0, or items without owners would divide 0 by 0.
    """

    def __init__(
        self,
        sums: CoOccurrence,
        weights: NDArray[np.float64],
        neighbours: int | Literal["all"],
        shrink: float,
    ) -> None:
        self._gram = sums.gram
        self._weights = weights.astype(np.float32)
        n_items = len(weights)
        self._neighbours = n_items if neighbours == "all" else min(neighbours, n_items)
        # S_ij = G_ij / (sqrt(G_ii G_jj) + shrink / a_i a_j): the divisors are a product of two matrices
        # whose inner dimension is two.
        norms = np.sqrt(sums.gram.diagonal().cpu().numpy() * sums.unit)
        self._left = self._on_device(np.column_stack([norms, shrink / weights]) / sums.unit)
        self._right = self._on_device(np.stack([norms, 1 / weights]))
        self._rows_at_once = _ROWS_AT_ONCE[self._gram.device.type]

    def _on_device(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self._gram.device)

    def scores(
        self, lists: CandidateLists, profiles: sp.csr_array, wanted: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Score candidates i by the profiles of their owners: sum of a_j S_ij over the items j of a profile.

        Parameters
        ----------
        lists
            m lists of candidates.
        profiles
            csr_array[m, n_items], binary.
        wanted
            bool[m]: which lists to score.

        Returns
        -------
        float32[m, width]
            0 where not wanted. An owner's own weight is left out: it changes no order.
        """
        width = lists.items.shape[1]
        pairs = lists.by_item[wanted[lists.by_item // width]]
        items, first = np.unique(lists.items.ravel()[pairs], return_index=True)
        bounds = np.append(first, len(pairs))
        weighted = profiles.astype(np.float32)
        weighted.data *= self._weights[profiles.indices]
        scores = np.zeros(lists.items.size, np.float32)
        done = 0
        for block in self.blocks(items):
            asking = pairs[bounds[done] : bounds[done + len(block)]]
            asked = np.repeat(np.arange(len(block)), np.diff(bounds[done : done + len(block) + 1]))
            owned = weighted[asking // width]
            row_starts = (asked * len(self._weights)).astype(owned.indices.dtype)
            cells = owned.indices + np.repeat(row_starts, np.diff(owned.indptr))
            scores[asking] = _sums(block, cells, owned)
            done += len(block)
        return scores.reshape(lists.items.shape)

    def blocks(self, items: NDArray[np.integer[Any]]) -> Iterator[Tensor]:
        """Yield the rows of some items in turn, float32[n_rows, n_items], only the nearest neighbours not 0.

        A block is overwritten by the next: fresh memory for each would take as long as filling it.
        """
        size, device = (self._rows_at_once, len(self._weights)), self._gram.device
        gram = torch.empty(size, dtype=torch.int32, device=device)
        divisors, similar = torch.empty(size, device=device), torch.empty(size, device=device)
        for begin in range(0, len(items), self._rows_at_once):
            chosen = items[begin : begin + self._rows_at_once]
            rows = slice(len(chosen))
            yield self._block(chosen, gram[rows], divisors[rows], similar[rows])

    def _block(
        self, items: NDArray[np.integer[Any]], gram: Tensor, divisors: Tensor, similar: Tensor
    ) -> Tensor:
        index = torch.from_numpy(items.astype(np.int64)).to(gram.device)
        torch.index_select(self._gram, 0, index, out=gram)
        torch.mm(self._left[index], self._right, out=divisors)
        torch.div(gram, divisors, out=similar)
        similar[torch.arange(len(items), device=gram.device), index] = 0
        if self._neighbours < len(self._weights):
            counts = torch.ge(similar, _kth_largest(similar, self._neighbours), out=divisors)
            similar *= counts
        return similar


def _kth_largest(rows: Tensor, k: int) -> Tensor:
    """Return the k-th largest of each row, [n_rows, 1]."""
    if rows.device.type != "cpu":
        return _kth_largest_on_gpu(rows, k)
    # Sorting whole rows beats every selection at hand: most of a row is zeros.
    return torch.from_numpy(np.sort(rows.numpy(), axis=1)[:, -k, None])


def _kth_largest_on_gpu(rows: Tensor, k: int) -> Tensor:
    return torch.topk(rows, k, dim=1, sorted=False).values.amin(dim=1, keepdim=True)


def _sums(block: Tensor, cells: NDArray[np.integer[Any]], profiles: sp.csr_array) -> NDArray[np.float32]:
    """Return float32[m]: for each row of csr_array[m, any], the sum of its data times cells of the block.

    ``cells`` are numbers of cells of the flattened block, one for each entry of ``profiles``.
    """
    if block.device.type != "cpu":
        return _sums_on_gpu(block, cells, profiles)
    shape = (profiles.shape[0], block.numel())
    return sp.csr_array((profiles.data, cells, profiles.indptr), shape=shape) @ block.numpy().ravel()


def _sums_on_gpu(
    block: Tensor, cells: NDArray[np.integer[Any]], profiles: sp.csr_array
) -> NDArray[np.float32]:
    sizes = np.diff(profiles.indptr).astype(np.int64)
    of_block, weights, lengths = (
        torch.from_numpy(part).to(block.device) for part in (cells, profiles.data, sizes)
    )
    terms = block.view(-1)[of_block.long()] * weights
    return torch.segment_reduce(terms, "sum", lengths=lengths, unsafe=True).cpu().numpy()
