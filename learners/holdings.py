"""What a company holds: the only thing that passes from agents to learners."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learners.poisoning import Poison

ABSENT = 0
GENUINE = 1
FIRST_POISON = 2
"""Code of ``poisons[0]``; ``poisons[k]`` has code ``FIRST_POISON + k``."""


@dataclass(frozen=True, eq=False)
class Holding:
    """Whose records a company holds.

    Attributes
    ----------
    codes
        int8[owners]: :data:`ABSENT`, :data:`GENUINE`, or :data:`FIRST_POISON` + k for ``poisons[k]``.
    poisons
        The poison kinds in use.
    arrived
        bool[records]: with a data clock, the records that reached this company and are still there;
        ``None`` without a clock (all records of an owner who is present).
    """

    codes: NDArray[np.int8]
    poisons: tuple[Poison, ...] = ()
    arrived: NDArray[np.bool_] | None = None

    @classmethod
    def full(cls, owners: int, arrived: NDArray[np.bool_] | None = None) -> Holding:
        """Everybody's genuine records."""
        return cls(np.full(owners, GENUINE, np.int8), arrived=arrived)

    @classmethod
    def of(cls, mask: ArrayLike, arrived: NDArray[np.bool_] | None = None) -> Holding:
        """Genuine records of the owners in ``mask``, bool[owners]."""
        return cls(np.asarray(mask, np.bool_).astype(np.int8), arrived=arrived)

    def without(self, ids: Iterable[int] | ArrayLike) -> Holding:
        """Return the holding after these owners' records are gone."""
        codes = self.codes.copy()
        codes[_rows(ids)] = ABSENT
        return replace(self, codes=codes)

    def poisoned(self, ids: Iterable[int] | ArrayLike, kind: str | Poison) -> Holding:
        """Return the holding after these owners, where present, falsified their records."""
        poison = Poison.of(kind)
        poisons = self.poisons if poison in self.poisons else (*self.poisons, poison)
        codes = self.codes.copy()
        rows = _rows(ids)
        rows = rows[codes[rows] != ABSENT]
        codes[rows] = FIRST_POISON + poisons.index(poison)
        return replace(self, codes=codes, poisons=poisons)

    @property
    def present(self) -> NDArray[np.bool_]:
        """bool[owners]: whose records are here, genuine or poisoned."""
        present: NDArray[np.bool_] = self.codes != ABSENT
        return present

    @property
    def poisons_present(self) -> tuple[tuple[int, Poison], ...]:
        """Code and poison of each kind that at least one owner's records are in."""
        codes = np.unique(self.codes)
        return tuple((int(c), self.poisons[c - FIRST_POISON]) for c in codes[codes >= FIRST_POISON])

    def record_mask(self, record_owners: NDArray[np.int32]) -> NDArray[np.bool_]:
        """bool[records]: which records are here, given the owner of each."""
        mask = self.present[record_owners]
        return mask if self.arrived is None else mask & self.arrived

    @property
    def digest(self) -> str:
        """SHA-256 that is equal for, and only for, holdings of the same records in the same state."""
        # By kind, not by code: a code depends on the order in which kinds came into use.
        states = [("", self.codes == GENUINE)]
        states += [(repr(poison), self.codes == FIRST_POISON + k) for k, poison in enumerate(self.poisons)]
        sha = hashlib.sha256(str(len(self.codes)).encode())
        for name, owners in sorted(states, key=lambda state: state[0]):
            if owners.any():
                sha.update(f"|{name}|".encode())
                sha.update(np.packbits(owners).data)
        if self.arrived is not None:
            sha.update(b"|arrived|")
            sha.update(np.packbits(self.arrived).data)
        return sha.hexdigest()


def _rows(ids: Iterable[int] | ArrayLike) -> NDArray[np.int64]:
    rows = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids))  # type: ignore[arg-type]
    return np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)
