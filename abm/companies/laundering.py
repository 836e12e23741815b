"""Records that are gone from a company's store while the weights that saw them go on serving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from abm.companies.data_store import DataStore
from learners.holdings import ABSENT, Holding


class LaunderedRecords:
    """What a company's weights have seen beyond what is in its store.

    Attributes
    ----------
    codes
        int8[N], as in a holding: the state in which the weights saw a user's records, absent where none were
        laundered.
    arrived
        bool[n_records]: which of them, under the stream clock; else ``None``.
    """

    def __init__(self, n_users: int, record_owners: NDArray[np.int32]) -> None:
        self.codes = np.full(n_users, ABSENT, np.int8)
        self.arrived: NDArray[np.bool_] | None = None
        self._record_owners = record_owners

    @property
    def exist(self) -> bool:
        """Whether there are any."""
        return bool((self.codes != ABSENT).any())

    def keep(self, users: NDArray[np.int64], seen: Holding) -> None:
        """Take note of users whose records leave the store; what the weights saw of them is in ``seen``."""
        self.codes[users] = seen.codes[users]
        if seen.arrived is not None:
            chosen = np.zeros(len(self.codes), np.bool_)
            chosen[users] = True
            before = False if self.arrived is None else self.arrived
            self.arrived = np.where(chosen[self._record_owners], seen.arrived, before)

    def clear(self) -> None:
        """Forget all of it: the weights are gone."""
        self.codes = np.full(len(self.codes), ABSENT, np.int8)
        self.arrived = None

    def retrain(self, store: Holding) -> Holding:
        """Return what a model retrained with the weights at hand holds, and forget what it unlearns by that.

        A holding has one state an owner: who came back in another state than the weights saw is learned as in
        the store, and what was laundered of them is gone.
        """
        self.codes = np.where((store.codes == ABSENT) | (store.codes == self.codes), self.codes, ABSENT)
        return self.beside(store)

    def of_whom(self, store: DataStore) -> NDArray[np.bool_]:
        """Return of whom the weights have records that the store has not, bool[N]."""
        lacking = store.codes == ABSENT
        if self.arrived is not None and store.arrived is not None:
            lacking[self._record_owners[self.arrived & ~store.arrived]] = True
        return lacking & (self.codes != ABSENT)

    def beside(self, store: Holding) -> Holding:
        """Return the store's holding with the laundered records back in it."""
        if not self.exist:
            return store
        codes = np.where(store.codes == ABSENT, self.codes, store.codes)
        if store.arrived is None or self.arrived is None:
            return replace(store, codes=codes)
        as_seen = (self.codes != ABSENT) & (self.codes == codes)
        return replace(
            store, codes=codes, arrived=store.arrived | (self.arrived & as_seen[self._record_owners])
        )
