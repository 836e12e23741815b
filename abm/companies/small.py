"""Small Co., the rival: what it is given, and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.clock import Clock
from abm.companies.company import Company
from abm.companies.data_store import DataStore
from abm.companies.parameters import SmallParameters
from abm.ledger import Entry, Move
from abm.policy import Policy
from learners.holdings import ABSENT

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class SmallCompany(Company):
    """Small Co.: lives on what users contribute, and keeps it until it is revoked."""

    def __init__(self, model: DataLeverageModel, parameters: SmallParameters, store: DataStore) -> None:
        super().__init__(model, "Small Co.", parameters.retrain_every, store)
        self.serves_strangers = parameters.serves_strangers
        self._contributing = np.zeros(len(store.codes), np.bool_)

    @property
    def known(self) -> NDArray[np.bool_]:
        """bool[N]: whose data the company has."""
        return self.store.codes != ABSENT

    def intake(self, entries: list[Entry], clock: Clock, arrivals: NDArray[np.int64], policy: Policy) -> None:
        """Take in contributions, copies of what their owners have at that moment; drop revoked ones."""
        own, archive = clock.arrived, np.asarray(policy.of("keeps_archive"))
        if own is not None and not archive.all():
            at_large = self.model.large.store.holding().record_mask(self.model.record_owners)
            own = own & (at_large | np.broadcast_to(archive, self.known.shape)[self.model.record_owners])
        for entry in entries:
            if entry.move is Move.CONTRIBUTE:
                self.store.put(entry.users, own)
                self._contributing[entry.users] = True
            elif entry.move is Move.REVOKE:
                self.store.erase(entry.users)
                self._contributing[entry.users] = False

    def follow(self, arrivals: NDArray[np.int64], policy: Policy) -> None:
        """Take in the new records of contributors whose copies a law of continuous portability keeps current.

        Who keeps no archive passes on only what Large Co. has taken in: call this after its intake.
        """
        if self.store.arrived is None or not np.any(policy.of("portability_continuous")):
            return
        owners = self.model.record_owners[arrivals]
        at_large = self.model.large.store.arrived
        assert at_large is not None
        passes = (self._contributing & policy.of("portability_continuous"))[owners]
        has = at_large[arrivals] | np.broadcast_to(policy.of("keeps_archive"), self.known.shape)[owners]
        self.store.arrived[arrivals[passes & has]] = True
