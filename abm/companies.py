"""The two companies: what they hold, how moves of data reach them, and when they retrain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abm.clock import Clock
from abm.consent import ConsentRegister
from abm.ledger import Entry, Move
from abm.policy import Policy
from abm.revenue import RevenueParameters
from abm.services import ConsumptionParameters, Service
from learners.holdings import ABSENT, FIRST_POISON, GENUINE, Holding
from learners.parameters import Parameters, parameter
from learners.poisoning import Poison

if TYPE_CHECKING:
    from abm.model import DataLeverageModel

_NEVER = np.iinfo(np.int64).max
"""Tick of what does not happen."""


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
        self._state = np.full(len(codes), GENUINE, np.int8)  # as which users' data come in: a code

    def put(self, users: NDArray[np.int64], records: NDArray[np.bool_] | None) -> None:
        """Take in the data of users as they are now; under the stream clock, those of their ``records``."""
        self.codes[users] = self._state[users]
        if self.arrived is not None and records is not None:
            self.arrived |= records & self._owned_by(users)

    def erase(self, users: NDArray[np.int64]) -> None:
        """Lose all data of users."""
        self.codes[users] = ABSENT
        if self.arrived is not None:
            self.arrived &= ~self._owned_by(users)

    def mark(self, users: NDArray[np.int64], poison: Poison | None) -> None:
        """Turn the data of users, those present and those that come in, into poison or back."""
        self._state[users] = GENUINE if poison is None else FIRST_POISON + self.poisons.index(poison)
        present = users[self.codes[users] != ABSENT]
        self.codes[present] = self._state[present]

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
