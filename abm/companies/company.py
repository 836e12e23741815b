"""What both companies have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.agent_numbers import ModelAgent
from abm.clock import Clock
from abm.companies.data_store import DataStore
from abm.ledger import Entry
from abm.services import Service
from learners.holdings import ABSENT, FIRST_POISON, GENUINE, Holding

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from abm.policy import Policy


class Company(ModelAgent):
    """A company as a Mesa agent; its served model is ``service``.

    Attributes
    ----------
    trained_on
        What the served model was trained on; ``None`` before the first training.
    """

    model: DataLeverageModel
    service: Service

    def __init__(self, model: DataLeverageModel, name: str, retrain_every: int, store: DataStore) -> None:
        super().__init__(model)
        self.name = name
        self.retrain_every = retrain_every
        self.store = store
        self.trained_on: Holding | None = None
        self.existed: NDArray[np.bool_] | None = None
        """bool[n_records]: what had arrived anywhere when that was trained, under the stream clock."""
        self._next: Holding | None = None
        self._retrained = (-1, 0.0)  # tick, records
        self.count_records()

    @property
    def knows(self) -> NDArray[np.bool_]:
        """bool[N]: whom the served model knows; falsified data personalise for nobody."""
        return self._trained_on.codes == GENUINE

    @property
    def serving(self) -> NDArray[np.bool_]:
        """bool[N]: whom it serves."""
        raise NotImplementedError

    @property
    def arrived(self) -> NDArray[np.bool_] | None:
        """bool[n_records]: records it took in, under the stream clock; else ``None``."""
        return self.store.arrived

    @property
    def owners(self) -> int:
        """Number of users whose data it has."""
        return int(np.count_nonzero(self.store.codes))

    @property
    def records_held(self) -> NDArray[np.float64]:
        """float64[N]: records of each user that it has."""
        return self.records_by_user(self.store.holding())

    @property
    def poisoned_records_kept(self) -> float:
        """Poisoned records among those that the served model was trained on."""
        poisoned = self._trained_on.codes >= FIRST_POISON
        return float(self.records_by_user(self._trained_on) @ poisoned) if poisoned.any() else 0.0

    @property
    def records_retrained(self) -> float:
        """Records that the models retrained at this tick were trained on; 0 where nothing had changed."""
        tick, records = self._retrained
        return records if tick == self.model.tick else 0.0

    def count_records(self) -> None:
        """Bring the numbers of records held, and of poisoned ones among them, up to date with the store."""
        self.records, self.poisoned_records = self.store.records(self.model.population.records)

    def retrains_at(self, tick: int) -> bool:
        """Return whether the company retrains at a tick."""
        return tick % self.retrain_every == 0

    def intake(self, entries: list[Entry], clock: Clock, arrivals: NDArray[np.int64], policy: Policy) -> None:
        """Apply the moves of a tick to the store, then take in the records that arrived."""
        raise NotImplementedError

    def to_train_on(self) -> Holding:
        """Return what a retraining at this tick is to train on."""
        self._next = holding = self._training_set()
        self._retrained = (self.model.tick, self._cost(self.trained_on, holding))
        return holding

    def serve(self, service: Service) -> None:
        """Put a service in place; unless it is stale it is that of the model just trained."""
        self.service = service
        if not service.stale:
            self.trained_on, self.existed = self._next, self.model.clock.arrived

    def records_by_user(self, holding: Holding) -> NDArray[np.float64]:
        """Return how many records of each user are in a holding, float64[N]."""
        if holding.arrived is None:
            return self.model.population.records * (holding.codes != ABSENT)
        rows = holding.record_mask(self.model.record_owners)
        counts = np.bincount(self.model.record_owners[rows], minlength=len(holding.codes))
        return counts.astype(np.float64)

    @property
    def _trained_on(self) -> Holding:
        assert self.trained_on is not None
        return self.trained_on

    def _training_set(self) -> Holding:
        return self.store.holding()

    def _retrains_with(self, changed: NDArray[np.bool_]) -> NDArray[np.bool_] | bool:
        """Return whose records are trained on anew where those of some users changed, bool[N] both."""
        return bool(changed.any())

    def _cost(self, before: Holding | None, after: Holding) -> float:
        changed = np.ones(len(after.codes), np.bool_) if before is None else before.codes != after.codes
        if before is not None and before.arrived is not None and after.arrived is not None:
            changed = changed.copy()
            changed[self.model.record_owners[before.arrived != after.arrived]] = True
        again = self._retrains_with(changed)
        return float((self.records_by_user(after) * again).sum()) if np.any(again) else 0.0
