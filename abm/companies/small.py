"""Small Co., the rival: what it is given, and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.clock import Clock
from abm.companies.company import Company
from abm.companies.data_store import DataStore
from abm.companies.market_exit import send_home
from abm.companies.parameters import SmallParameters
from abm.entrant_shares import EntrantShares
from abm.ledger import Entry, Move
from abm.training import SMALL
from learners.holdings import ABSENT

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from abm.policy import Policy


class SmallCompany(Company):
    """Small Co.: lives on what users contribute, and keeps it until it is revoked.

    Attributes
    ----------
    in_market
        Whether it is still there; once it has left nobody can contribute to it or use it.
    """

    def __init__(
        self,
        model: DataLeverageModel,
        parameters: SmallParameters,
        store: DataStore,
        name: str = "Small Co.",
    ) -> None:
        super().__init__(model, name, parameters.retrain_every, store)
        self.serves_strangers = parameters.serves_strangers
        self.in_market = True
        self._parameters = parameters
        self._lean = 0  # ticks in a row below the revenue it lives on
        self._contributing = np.zeros(len(store.codes), np.bool_)

    @property
    def known(self) -> NDArray[np.bool_]:
        """bool[N]: whose data the company has."""
        return self.store.codes != ABSENT

    @property
    def serving(self) -> NDArray[np.bool_]:
        """bool[N]: whom it serves."""
        return np.ones_like(self.known) if self.serves_strangers else self.known

    @property
    def members(self) -> tuple[tuple[str, SmallCompany], ...]:
        """Key and company of each of the rivals, of which there is one."""
        return ((SMALL, self),)

    @property
    def leading(self) -> SmallCompany:
        """The rival that holds most records."""
        return self

    @property
    def entrant(self) -> NDArray[np.int8]:
        """int8[N]: number, from 0, of each user's among several rivals; of one, 0 for all."""
        return np.zeros(len(self.store.codes), np.int8)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of a run with several rivals must know; nothing where there is one."""
        return ()

    def divided(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of what users have, float64[N], over those of each rival, float64[1]."""
        return np.array([amounts.sum()])

    def shares(self, existing: float) -> EntrantShares | None:
        """Return how much of the existing records each of several rivals holds; ``None``: there is one."""
        return None

    @property
    def columns(self) -> dict[str, float]:
        """What is recorded of each of several rivals: nothing of one."""
        return {}

    @property
    def value_match(self) -> float:
        """What is left of its match with users' values, in [0, 1]: how much helping it counts for them."""
        return float((1 - self._parameters.value_drift) ** self.model.tick)

    def review(self, revenue: float) -> None:
        """Leave the market at the start of a tick if the last one's revenue was once too often too small."""
        if not self.in_market:
            return
        self._lean = self._lean + 1 if revenue < self._parameters.viable_revenue else 0
        if self._lean < self._parameters.patience:
            return
        left_alone, served = self.known, self.owners
        self.in_market = self.serves_strangers = False
        self.store.erase(np.flatnonzero(left_alone))
        self._contributing[:] = False
        returned = send_home(self.model, left_alone)
        text = f"leaves the market; {served} users' copies end, {returned} users return to Large Co."
        self.model.events.add(self.model.tick, "market exit", self.name, served, text)

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
