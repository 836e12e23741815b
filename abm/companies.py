"""The two companies: what they hold, how moves of data reach them, and when they retrain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abm.clock import Clock
from abm.ledger import Entry, Move
from abm.policy import Policy
from abm.revenue import RevenueParameters
from abm.services import ConsumptionParameters, Service
from learners.holdings import ABSENT, FIRST_POISON, GENUINE, Holding
from learners.parameters import Parameters, parameter
from learners.poisoning import Poison

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class LargeParameters(Parameters):
    """Large Co., which starts with everybody's data."""

    retrain_every: int = parameter(1, "Ticks between retrainings", unit="ticks", ge=1, le=10_000)


class SmallParameters(Parameters):
    """Small Co., the rival."""

    retrain_every: int = parameter(1, "Ticks between retrainings", unit="ticks", ge=1, le=10_000)
    starts_with: float = parameter(
        0.0,
        "Share of users whose data it has from the start, s0",
        unit="share of users",
        source="Vincent, Hecht 2021 (none)",
        ge=0,
        lt=1,
    )
    serves_strangers: bool = parameter(
        False, "Whether it serves, un-personalised, people whose data it does not have", unit="-"
    )


class CompanyParameters(Parameters):
    """Both companies and the market they share."""

    large: LargeParameters = Field(default_factory=LargeParameters)
    small: SmallParameters = Field(default_factory=SmallParameters)
    consumption: ConsumptionParameters = Field(default_factory=ConsumptionParameters)
    revenue: RevenueParameters = Field(default_factory=RevenueParameters)


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

    def put(self, users: NDArray[np.int64], records: NDArray[np.bool_] | None) -> None:
        """Take in the genuine data of users; under the stream clock, those of their ``records``."""
        self.codes[users] = GENUINE
        if self.arrived is not None and records is not None:
            self.arrived |= records & self._owned_by(users)

    def erase(self, users: NDArray[np.int64]) -> None:
        """Lose all data of users."""
        self.codes[users] = ABSENT
        if self.arrived is not None:
            self.arrived &= ~self._owned_by(users)

    def mark(self, users: NDArray[np.int64], poison: Poison | None) -> None:
        """Turn the data of users, where present, into poison or back into genuine data."""
        present = users[self.codes[users] != ABSENT]
        self.codes[present] = GENUINE if poison is None else FIRST_POISON + self.poisons.index(poison)

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


class LargeCompany(Company):
    """Large Co.: has everybody's data and loses what users withhold, delete and poison."""

    def __init__(self, model: DataLeverageModel, parameters: LargeParameters, store: DataStore) -> None:
        super().__init__(model, "Large Co.", parameters.retrain_every, store)
        self.flowing = np.ones(len(store.codes), np.bool_)
        """bool[N]: whose new records reach the company."""

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
                    self.store.erase(entry.users)
                case Move.RECONSENT if clock.streaming or policy.return_restores:
                    self.store.put(entry.users, records=None)
                case Move.POISON:
                    self.store.mark(entry.users, entry.poison)
                case Move.CLEAN:
                    self.store.mark(entry.users, None)
        if self.store.arrived is not None:
            owners = self.model.record_owners[arrivals]
            self.store.arrived[arrivals[self.flowing[owners]]] = True


class SmallCompany(Company):
    """Small Co.: lives on what users contribute, and keeps it until it is revoked."""

    def __init__(self, model: DataLeverageModel, parameters: SmallParameters, store: DataStore) -> None:
        super().__init__(model, "Small Co.", parameters.retrain_every, store)
        self.serves_strangers = parameters.serves_strangers

    @property
    def known(self) -> NDArray[np.bool_]:
        """bool[N]: whose data the company has."""
        return self.store.codes != ABSENT

    def intake(self, entries: list[Entry], clock: Clock, arrivals: NDArray[np.int64], policy: Policy) -> None:
        """Take in contributions, copies of what their owners have at that moment; drop revoked ones."""
        own = clock.arrived
        if own is not None and not policy.keeps_archive:
            own = own & self.model.large.store.holding().record_mask(self.model.record_owners)
        for entry in entries:
            if entry.move is Move.CONTRIBUTE:
                self.store.put(entry.users, own)
            elif entry.move is Move.REVOKE:
                self.store.erase(entry.users)
