"""The ledger: every move of data, in order, with its tick. Companies learn of users by no other way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from abm.actions import CONTRIBUTE, DELETE, LEAVE, WITHHOLD, Stances
from learners.poisoning import Poison


class Move(StrEnum):
    """What a user can do to data or as a customer."""

    WITHHOLD = "withhold"
    RESUME = "resume"
    DELETE = "delete"
    RECONSENT = "reconsent"
    CONTRIBUTE = "contribute"
    REVOKE = "revoke"
    POISON = "poison"
    CLEAN = "clean"
    LEAVE = "leave"
    RETURN = "return"


@dataclass(frozen=True)
class Entry:
    """One move made by several users, int64[n] row numbers ascending, at one tick."""

    tick: int
    move: Move
    users: NDArray[np.int64]
    poison: Poison | None = None


class Ledger:
    """All entries of a run."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._by_tick: dict[int, list[Entry]] = defaultdict(list)

    def post(self, tick: int, move: Move, users: NDArray[np.int64], poison: Poison | None = None) -> None:
        """Append an entry, unless nobody made the move."""
        if len(users):
            entry = Entry(tick, move, users, poison)
            self.entries.append(entry)
            self._by_tick[tick].append(entry)

    def at(self, tick: int) -> list[Entry]:
        """Return the entries of a tick in the order of posting."""
        return self._by_tick[tick]

    def post_changes(
        self,
        tick: int,
        stances: Stances,
        users: NDArray[np.int64],
        before: NDArray[np.int8],
        after: NDArray[np.int8],
        has_copy: NDArray[np.bool_],
    ) -> None:
        """Post the moves that take users from one stance to another.

        Parameters
        ----------
        users
            int64[n]: row numbers of users whose stance changes.
        before, after
            int8[n]: their stance codes.
        has_copy
            bool[n]: whether Small Co. holds their copy before the change.
        """
        old, new = stances.bits[before], stances.bits[after]
        begins, ends = new & ~old, old & ~new
        # Contributions come first: who contributes and deletes at once still has the data to copy.
        self.post(tick, Move.CONTRIBUTE, users[new[:, CONTRIBUTE] & ~has_copy])
        dropped = has_copy & (stances.with_copy[after] != after)
        self.post(tick, Move.REVOKE, users[dropped])
        self.post(tick, Move.WITHHOLD, users[begins[:, WITHHOLD]])
        self.post(tick, Move.DELETE, users[begins[:, DELETE]])
        self.post(tick, Move.RECONSENT, users[ends[:, DELETE]])
        self.post(tick, Move.RESUME, users[ends[:, WITHHOLD]])
        poisons = [(code, poison) for code, poison in enumerate(stances.poisons) if poison is not None]
        # Cleaning comes first: who changes from one poison to another ends with the other.
        for code, poison in poisons:
            self.post(tick, Move.CLEAN, users[(before == code) & (after != code)], poison)
        for code, poison in poisons:
            self.post(tick, Move.POISON, users[(after == code) & (before != code)], poison)
        self.post(tick, Move.LEAVE, users[begins[:, LEAVE]])
        self.post(tick, Move.RETURN, users[ends[:, LEAVE]])
