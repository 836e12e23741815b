"""What becomes of people's stances when Small Co. leaves the market."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import LEAVE, Stances

if TYPE_CHECKING:
    from abm.model import DataLeverageModel

_WITHOUT_SMALL = {"cdc": "stay", "cdc_delete": "strike", "move": "stay"}
"""What a stance becomes where there is no Small Co. to hold a copy; who had moved to it returns."""


def without_small(stances: Stances) -> NDArray[np.int8]:
    """Return the stance that each becomes once Small Co. is gone, int8[K]."""
    return np.array([stances.code(_WITHOUT_SMALL.get(name, name)) for name in stances.names], np.int8)


def send_home(model: DataLeverageModel, whom: NDArray[np.bool_]) -> int:
    """Post the moves by which people are left without a copy; return how many had left Large Co. for it.

    Copies end; who deleted their data at Large Co. and stayed there goes on striking.

    Parameters
    ----------
    whom
        bool[N]: who is left without it.
    """
    population = model.population
    after = without_small(model.stances)[population.stance]
    concerned = (after != population.stance) | population.has_copy
    users = np.flatnonzero(concerned & whom)
    before = population.stance[users]
    model.ledger.post_changes(
        model.tick, model.stances, users, before, after[users], population.has_copy[users]
    )
    population.stance[users] = after[users]
    population.has_copy[users] = False
    model.uses_large[users] = ~model.stances.bits[after[users], LEAVE]
    return int(model.stances.bits[before, LEAVE].sum())
