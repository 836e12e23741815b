"""Everybody tied to everybody, in closed form: no tie is written down until somebody asks for it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abm.networks.network import Network
from learners.errors import InputError

_MOST_USERS = 5_000
"""Above it the ties of a complete network are not written down: there would be over 25 million entries."""


class CompleteNetwork(Network):
    """The complete network: neighbours are counted by counting everybody, in time linear in the users."""

    def __init__(self, n_users: int) -> None:
        object.__setattr__(self, "_n_users", n_users)
        object.__setattr__(self, "communities", None)

    @property
    def n_users(self) -> int:
        """Number of users."""
        n: int = self.__dict__["_n_users"]
        return n

    @cached_property
    def indptr(self) -> NDArray[np.int32]:
        """int32[n_users + 1].

        Raises
        ------
        InputError
            Where the ties are too many to be written down.
        """
        if self.n_users > _MOST_USERS:
            raise InputError(
                f"network: the ties of a complete network of {self.n_users} users are not written down, only "
                f"those of up to {_MOST_USERS}"
            )
        return np.arange(self.n_users + 1, dtype=np.int32) * np.int32(self.n_users - 1)

    @cached_property
    def indices(self) -> NDArray[np.int32]:
        """int32[n_users * (n_users - 1)]."""
        n = len(self.indptr) - 1
        everybody = np.tile(np.arange(n, dtype=np.int32), (n, 1))
        return everybody[~np.eye(n, dtype=np.bool_)]

    @cached_property
    def degree(self) -> NDArray[np.int32]:
        """int32[n_users]: all others."""
        return np.full(self.n_users, self.n_users - 1, np.int32)

    @property
    def mean_degree(self) -> float:
        """Number of others."""
        return float(self.n_users - 1)

    def neighbours(self, user: int) -> NDArray[np.int32]:
        """Return all others, int32[n_users - 1]."""
        return np.delete(np.arange(self.n_users, dtype=np.int32), user)

    def neighbour_counts(self, active: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Count all who are active but the user, float32[n_users]."""
        counts: NDArray[np.float32] = (np.count_nonzero(active) - active).astype(np.float32)
        return counts

    def neighbour_shares(self, codes: NDArray[np.int8], n_codes: int) -> NDArray[np.float32]:
        """Compute the share of all others in each code, float32[n_users, n_codes]."""
        others = max(self.n_users - 1, 1)
        counts = np.bincount(codes, minlength=n_codes)
        # One row for each code that the user itself can have, less the user.
        by_own_code = (counts - np.eye(n_codes, dtype=np.int64)) / others
        shares: NDArray[np.float32] = by_own_code.astype(np.float32)[codes]
        return shares

    def within_group_share(self, labels: NDArray[Any]) -> float:
        """Share of all pairs that are of one label."""
        size = np.unique(labels, return_counts=True)[1].astype(np.int64)
        pairs = self.n_users * (self.n_users - 1)
        return float((size * (size - 1)).sum() / pairs) if pairs else float("nan")
