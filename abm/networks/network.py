"""Who influences whom, as a sparse matrix, and how users count what their neighbours do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from learners.errors import InputError

if TYPE_CHECKING:
    import networkx

_ROWS_IN_CACHE = 2**14
"""Rows of shares written together: their columns are interleaved in memory."""


@dataclass(frozen=True, eq=False)
class Network:
    """Undirected ties between users, as the symmetric matrix in compressed sparse rows.

    Attributes
    ----------
    indptr
        int32[n_users + 1]; user u's neighbours are ``indices[indptr[u]:indptr[u + 1]]``.
    indices
        int32[2 * n_ties], ascending within a user.
    communities
        bool csr_array[n_users, n_communities]: who belongs to which, where ties come from communities.
    """

    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    communities: sparse.csr_array | None = None

    @classmethod
    def from_edges(
        cls,
        src: NDArray[np.integer[Any]],
        dst: NDArray[np.integer[Any]],
        n_users: int,
        communities: sparse.csr_array | None = None,
    ) -> Network:
        """Build the network of these ties, each given once and in either direction.

        Parameters
        ----------
        src, dst
            integer[n_ties], 0..n_users-1: the two ends of each tie.
        n_users
            Number of users, tied or not.
        communities
            Who belongs to which, if known.

        Raises
        ------
        InputError
            If an end is no user, a user is tied to itself, or a tie is given twice.
        """
        if len(src) and not 0 <= min(src.min(), dst.min()) <= max(src.max(), dst.max()) < n_users:
            raise InputError(f"network: the ends of a tie must be user numbers in 0..{n_users - 1}")
        rows = np.concatenate([src, dst]).astype(np.int32)
        columns = np.concatenate([dst, src]).astype(np.int32)
        matrix = sparse.coo_array(
            (np.ones(len(rows), np.int8), (rows, columns)), shape=(n_users, n_users)
        ).tocsr()
        matrix.sum_duplicates()  # sorts each row, too
        if matrix.nnz != len(rows) or (src == dst).any():
            raise InputError("network: ties must be distinct, and between two different users")
        return cls(matrix.indptr, matrix.indices, communities)

    @property
    def n_users(self) -> int:
        """Number of users, tied or not."""
        return len(self.indptr) - 1

    @cached_property
    def degree(self) -> NDArray[np.int32]:
        """int32[n_users]: number of neighbours."""
        return np.diff(self.indptr)

    @property
    def mean_degree(self) -> float:
        """Mean number of neighbours."""
        return len(self.indices) / self.n_users

    @cached_property
    def adjacency(self) -> sparse.csr_array:
        """float32 csr_array[n_users, n_users] of ones."""
        return self._matrix(np.float32)

    @cached_property
    def _lanes(self) -> sparse.csr_array:
        """uint64 csr_array[n_users, n_users] of ones: scipy would convert another type at each product."""
        return self._matrix(np.uint64)

    @cached_property
    def _inverse_degree(self) -> NDArray[np.float32]:
        """float32[n_users]: 1 / degree, 0 for isolated users."""
        return np.where(self.degree > 0, 1 / np.maximum(self.degree, 1), 0).astype(np.float32)

    def _matrix(self, dtype: type[np.generic]) -> sparse.csr_array:
        ones = np.ones(len(self.indices), dtype)
        return sparse.csr_array((ones, self.indices, self.indptr), shape=(self.n_users, self.n_users))

    def neighbours(self, user: int) -> NDArray[np.int32]:
        """Return a user's neighbours, int32[degree], ascending."""
        return self.indices[self.indptr[user] : self.indptr[user + 1]]

    def neighbour_counts(self, active: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Count each user's active neighbours.

        Parameters
        ----------
        active
            bool[n_users].

        Returns
        -------
        float32[n_users]
        """
        counts: NDArray[np.float32] = self.adjacency @ active.astype(np.float32)
        return counts

    def neighbour_shares(self, codes: NDArray[np.int8], n_codes: int) -> NDArray[np.float32]:
        """Compute the share of each user's neighbours that is in each code.

        Parameters
        ----------
        codes
            int8[n_users], 0..n_codes-1: what each user does.
        n_codes
            Number of codes.

        Returns
        -------
        float32[n_users, n_codes]
            Rows sum to 1, and are 0 for isolated users.

        Notes
        -----
        One product with a vector of 64-bit words counts several codes at once, each in its own bits of the
        word. That is exact while no degree exceeds what those bits hold, and takes about a third of the time
        of a product with a dense 0/1 matrix. The last code is what remains of the degree.
        """
        word = np.dtype("<u8")
        lane = np.dtype("<u2") if self.degree.max(initial=0) < 2**16 else np.dtype("<u4")
        lanes = word.itemsize // lane.itemsize
        counts = []
        for first in range(0, n_codes - 1, lanes):
            counted = np.arange(first, min(first + lanes, n_codes - 1))
            bit = np.zeros(n_codes, np.uint64)
            bit[counted] = np.uint64(1) << (8 * lane.itemsize * (counted - first)).astype(np.uint64)
            words = self._lanes @ bit[codes]
            counts.append(words.astype(word, copy=False).view(lane).reshape(self.n_users, lanes))

        shares = np.empty((self.n_users, n_codes), np.float32)
        for begin in range(0, self.n_users, _ROWS_IN_CACHE):
            rows = slice(begin, begin + _ROWS_IN_CACHE)
            rest: NDArray[np.unsignedinteger[Any]] = self.degree[rows].astype(lane)
            for code in range(n_codes - 1):
                count = counts[code // lanes][rows, code % lanes]
                np.multiply(count, self._inverse_degree[rows], out=shares[rows, code])
                rest -= count
            np.multiply(rest, self._inverse_degree[rows], out=shares[rows, -1])
        return shares

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return each tie once: int32[n_ties] lower ends, ascending, and int32[n_ties] higher ends."""
        src = np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.indptr))
        once = src < self.indices
        return src[once], self.indices[once]

    def within_group_share(self, labels: NDArray[Any]) -> float:
        """Share of the ties that join users of one label; NaN without ties.

        Parameters
        ----------
        labels
            Any dtype, [n_users].
        """
        src, dst = self.edges()
        return float((labels[src] == labels[dst]).mean()) if len(src) else float("nan")

    def to_networkx(self) -> networkx.Graph[int]:
        """Return the network as a networkx graph with nodes 0..n_users-1."""
        import networkx

        graph: networkx.Graph[int] = networkx.Graph()
        graph.add_nodes_from(range(self.n_users))
        src, dst = self.edges()
        graph.add_edges_from(zip(src.tolist(), dst.tolist(), strict=True))
        return graph
