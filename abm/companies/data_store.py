"""Whose data a company has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.holdings import ABSENT, FIRST_POISON, GENUINE, Holding
from learners.poisoning import Poison


class DataStore:
    """Whose data a company has: the state behind its :class:`learners.holdings.Holding`.

    Attributes
    ----------
    codes
        int8[N], as in a holding.
    arrived
        bool[n_records] under the stream clock, else ``None``.
    """

    def __init__(
        self, codes: NDArray[np.int8], poisons: tuple[Poison, ...], record_owners: NDArray[np.int32] | None
    ) -> None:
        self.codes = codes
        self.poisons = poisons
        self.arrived: NDArray[np.bool_] | None = None
        self._record_owners = record_owners
        self._state = np.full(len(codes), GENUINE, np.int8)  # as which users' data come in: a code

    def put(self, users: NDArray[np.int64], records: NDArray[np.bool_] | None) -> None:
        """Take in the data of users as they are now; under the stream clock, those of their ``records``."""
        self.codes[users] = self._state[users]
        if self.arrived is not None and records is not None:
            self.arrived |= records & self._owned_by(users)

    def erase(self, users: NDArray[np.int64]) -> None:
        """Lose all data of users."""
        self.codes[users] = ABSENT
        if self.arrived is not None:
            self.arrived &= ~self._owned_by(users)

    def mark(self, users: NDArray[np.int64], poison: Poison | None) -> None:
        """Turn the data of users, those present and those that come in, into poison or back."""
        self._state[users] = GENUINE if poison is None else FIRST_POISON + self.poisons.index(poison)
        present = users[self.codes[users] != ABSENT]
        self.codes[present] = self._state[present]

    def holding(self) -> Holding:
        """Return a holding that later moves do not change."""
        arrived = None if self.arrived is None else self.arrived.copy()
        return Holding(self.codes.copy(), self.poisons, arrived)

    def records(self, records_per_user: NDArray[np.float64]) -> tuple[float, float]:
        """Return the numbers of records held and of poisoned ones among them."""
        poisoned_codes = self.codes >= FIRST_POISON
        if self.arrived is None:
            return (
                float(records_per_user @ (self.codes != ABSENT)),
                float(records_per_user @ poisoned_codes) if poisoned_codes.any() else 0.0,
            )
        owners = self._owners()
        held = self.arrived & (self.codes != ABSENT)[owners]
        return float(held.sum()), float((held & poisoned_codes[owners]).sum())

    def _owned_by(self, users: NDArray[np.int64]) -> NDArray[np.bool_]:
        chosen = np.zeros(len(self.codes), np.bool_)
        chosen[users] = True
        return chosen[self._owners()]

    def _owners(self) -> NDArray[np.int32]:
        assert self._record_owners is not None
        return self._record_owners
