"""Large Co.: how it loses data, complies with requests to delete, and takes data in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.clock import Clock
from abm.companies.company import Company
from abm.companies.data_store import DataStore
from abm.companies.parameters import LargeParameters
from abm.consent import ConsentRegister
from abm.ledger import Entry, Move
from abm.policy import Policy
from learners.holdings import ABSENT, GENUINE

if TYPE_CHECKING:
    from abm.model import DataLeverageModel

_NEVER = np.iinfo(np.int64).max
"""Tick of what does not happen."""


class LargeCompany(Company):
    """Large Co.: has everybody's data and loses what users withhold, delete and poison.

    Attributes
    ----------
    flowing
        bool[N]: whose new records reach the company, as far as they have a say.
    asked_to_delete
        bool[N]: who has asked it to delete and has not returned since, whether it has done so or not.
    consent
        Whose data it may use.
    """

    def __init__(self, model: DataLeverageModel, parameters: LargeParameters, store: DataStore) -> None:
        super().__init__(model, "Large Co.", parameters.retrain_every, store)
        n = len(store.codes)
        self.flowing = np.ones(n, np.bool_)
        self.asked_to_delete = np.zeros(n, np.bool_)
        self.consent = ConsentRegister(n, model.streams)
        self._due = np.full(n, _NEVER, np.int64)

    @property
    def deleted(self) -> NDArray[np.bool_]:
        """bool[N]: whose data the company no longer has."""
        return self.store.codes == ABSENT

    @property
    def knows(self) -> NDArray[np.bool_]:
        """bool[N]: whom it serves personally; falsified data personalise for nobody."""
        return self.store.codes == GENUINE

    def intake(self, entries: list[Entry], clock: Clock, arrivals: NDArray[np.int64], policy: Policy) -> None:
        """Apply the moves of a tick; under the stream clock deleted records stay away, new ones accrue."""
        for entry in entries:
            match entry.move:
                case Move.WITHHOLD:
                    self.flowing[entry.users] = False
                case Move.RESUME:
                    self.flowing[entry.users] = True
                case Move.DELETE:
                    self._ask_to_delete(entry.users, policy)
                case Move.RECONSENT:
                    self._take_back(entry.users, clock.streaming, policy)
                case Move.POISON:
                    self.store.mark(entry.users, entry.poison)
                case Move.CLEAN:
                    self.store.mark(entry.users, None)
        self._delete_what_is_due()
        self.comply(clock.streaming, policy)
        if self.store.arrived is not None:
            taken = self.flowing & ~self.consent.barred & ~np.asarray(policy.of("tracking_blocked"))
            self.store.arrived[arrivals[taken[self.model.record_owners[arrivals]]]] = True

    def comply(self, streaming: bool, policy: Policy) -> None:
        """Erase what may no longer be used without consent; take in what may be used again."""
        barred, cleared = self.consent.update(policy, self.model.tick)
        self.store.erase(barred)
        cleared = cleared[~self.asked_to_delete[cleared]]
        back = streaming | np.asarray(policy.of("return_restores", cleared))
        self.store.put(cleared[np.broadcast_to(back, cleared.shape)], records=None)

    def _ask_to_delete(self, users: NDArray[np.int64], policy: Policy) -> None:
        """Execute requests to delete now, later or never."""
        self.asked_to_delete[users] = True
        executed = np.asarray(policy.of("deletion_executed", users))
        heeded = np.ones(len(users), np.bool_)
        if (executed < 1).any():
            lots = self.model.streams.generator("deletion executed", self.model.tick)
            heeded = lots.random(len(self._due))[users] < executed
        due = self.model.tick + np.asarray(policy.of("deletion_delay", users))
        self._due[users] = np.where(heeded, due, _NEVER)
        at_once = users[self._due[users] <= self.model.tick]
        self.store.erase(at_once)
        self._due[at_once] = _NEVER

    def _delete_what_is_due(self) -> None:
        due = np.flatnonzero(self._due <= self.model.tick)
        if len(due):
            self.store.erase(due)
            self._due[due] = _NEVER
            text = f"{len(due)} requests executed"
            self.model.events.add(self.model.tick, "late deletion", self.name, len(due), text)

    def _take_back(self, users: NDArray[np.int64], streaming: bool, policy: Policy) -> None:
        """Know users again who return: by what they bring, and what is left or accrues of their records.

        A request to delete that is not executed yet is withdrawn. Under a symmetric law users bring the
        records that Small Co. holds of them, with what they contribute to it in this tick.
        """
        self.asked_to_delete[users] = False
        self._due[users] = _NEVER
        self.consent.opt_in(users)
        small = self.model.small
        brings = small.known[users] & policy.of("portability_symmetric", users)
        back = brings | streaming | policy.of("return_restores", users)
        self.store.put(users[back], records=None)
        self.store.put(users[brings], records=small.store.arrived)
