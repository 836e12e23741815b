"""Stances: what is true of a user now, as bits (withhold, delete, contribute, poison, leave)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learners.errors import InputError
from learners.poisoning import Poison

WITHHOLD, DELETE, CONTRIBUTE, POISON, LEAVE = range(5)
BITS = ("withhold", "delete", "contribute", "poison", "leave")
"""Columns of :attr:`Stances.bits`."""

NAMED_STANCES = {
    "stay": (0, 0, 0, 0, 0),
    "strike_withhold": (1, 0, 0, 0, 0),
    "strike": (1, 1, 0, 0, 0),
    "cdc": (0, 0, 1, 0, 0),
    "cdc_delete": (1, 1, 1, 0, 0),
    "boycott_leave": (1, 0, 0, 0, 1),
    "boycott": (1, 1, 0, 0, 1),
    "move": (1, 1, 1, 0, 1),
}
"""Stance to bits. A data strike is to withhold, or to withhold and delete; cdc is conscious data contribution
(Vincent et al. 2021). Poison has one stance a kind."""

ACTIONS = (
    "stay",
    "strike",
    "strike_withhold",
    "cdc",
    "cdc_delete",
    "boycott",
    "boycott_leave",
    "move",
    "poison",
)
"""What a tick's shares are reported by; ``poison`` takes all kinds together."""

STAY = 0
"""Code of the stance ``stay`` in every :class:`Stances`."""

_WITH_COPY = {"stay": "cdc", "strike": "cdc_delete", "boycott": "move"}
"""What a stance is called once Small Co. holds the user's copy."""


CAMPAIGN = "campaign"
"""Stands for the stance that the decision rule's campaign asks for."""


def active_stance(name: str, *also: str) -> str:
    """Return the name of a stance in which people act, or one of what else is allowed.

    Raises
    ------
    ValueError
        If it is neither; whether a run offers a poison is not known here.
    """
    active = [stance for stance in NAMED_STANCES if stance != "stay"]
    if name not in (*active, *also) and not name.startswith("poison:"):
        raise ValueError(f"'{name}' is not one of {', '.join([*active, 'poison:KIND', *also])}")
    return name


@dataclass(frozen=True)
class Stances:
    """The stances of one run, numbered.

    Attributes
    ----------
    names
        ``stay`` first; ``poison:<kind>`` for each poison kind on offer.
    bits
        bool[K, 5]: columns :data:`WITHHOLD` ... :data:`LEAVE`.
    poisons
        The poison of each stance, ``None`` where it has none.
    """

    names: tuple[str, ...]
    bits: NDArray[np.bool_]
    poisons: tuple[Poison | None, ...]

    @classmethod
    def of(cls, poison_kinds: Sequence[str]) -> Stances:
        """Return the named stances, numbered, and one for each poison kind."""
        names = (*NAMED_STANCES, *(f"poison:{kind}" for kind in poison_kinds))
        bits = [*NAMED_STANCES.values(), *((0, 0, 0, 1, 0) for _ in poison_kinds)]
        poisons = (*(None for _ in NAMED_STANCES), *map(Poison.of, poison_kinds))
        return cls(names, np.array(bits, np.bool_), poisons)

    def __len__(self) -> int:
        return len(self.names)

    def code(self, name: str) -> int:
        """Return the number of a stance.

        Raises
        ------
        InputError
            If there is no such stance in this run.
        """
        if name not in self.names:
            raise InputError(f"stance '{name}' is not one of {', '.join(self.names)}")
        return self.names.index(name)

    @property
    def with_copy(self) -> NDArray[np.int8]:
        """int8[K]: the stance that each becomes for a user whose copy Small Co. holds."""
        return np.array([self.code(_WITH_COPY.get(name, name)) for name in self.names], np.int8)

    @property
    def action(self) -> NDArray[np.int8]:
        """int8[K]: number in :data:`ACTIONS` of each stance."""
        return np.array([ACTIONS.index(name.partition(":")[0]) for name in self.names], np.int8)
