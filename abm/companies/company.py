"""What both companies have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
from numpy.typing import NDArray

from abm.clock import Clock
from abm.companies.data_store import DataStore
from abm.ledger import Entry
from abm.policy import Policy
from abm.services import Service

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class Company(mesa.Agent):
    """A company as a Mesa agent; its served model is ``service``."""

    model: DataLeverageModel
    service: Service

    def __init__(self, model: DataLeverageModel, name: str, retrain_every: int, store: DataStore) -> None:
        super().__init__(model)
        self.name = name
        self.retrain_every = retrain_every
        self.store = store
        self.count_records()

    def count_records(self) -> None:
        """Bring the numbers of records held, and of poisoned ones among them, up to date with the store."""
        self.records, self.poisoned_records = self.store.records(self.model.population.records)

    def retrains_at(self, tick: int) -> bool:
        """Return whether the company retrains at a tick."""
        return tick % self.retrain_every == 0

    def intake(self, entries: list[Entry], clock: Clock, arrivals: NDArray[np.int64], policy: Policy) -> None:
        """Apply the moves of a tick to the store, then take in the records that arrived."""
        raise NotImplementedError
