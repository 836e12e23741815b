"""Large Co.: how it loses data, complies with requests to delete, and takes data in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.clock import Clock
from abm.companies.company import Company
from abm.companies.data_store import DataStore
from abm.companies.detection import Detector
from abm.companies.laundering import LaunderedRecords
from abm.companies.parameters import LargeParameters
from abm.consent import ConsentRegister
from abm.ledger import Entry, Move
from abm.services import Service
from abm.training import LARGE
from learners.holdings import ABSENT, Holding

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from abm.policy import Policy

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
    laundered
        What its weights have seen beyond what is in its store.
    detector
        Finds falsified records.
    unscreened
        What the served model would have been trained on without a detector.
    weights_void
        Whether its weights were deleted by order and no others are trained yet: it serves the un-informed
        method.
    """

    def __init__(self, model: DataLeverageModel, parameters: LargeParameters, store: DataStore) -> None:
        super().__init__(model, "Large Co.", parameters.retrain_every, store)
        n = len(store.codes)
        self.flowing = np.ones(n, np.bool_)
        self.asked_to_delete = np.zeros(n, np.bool_)
        self.consent = ConsentRegister(n, model.streams)
        self._due = np.full(n, _NEVER, np.int64)
        self.laundered = LaunderedRecords(n, model.record_owners)
        self.detector = Detector(parameters.detection, n, model.streams)
        sharded = parameters.forgetting == "unlearn"
        self._shard = model.training.divide(LARGE, parameters.shards) if sharded else None
        self._parameters = parameters
        self._fine = (-1, 0.0)  # tick, share of its revenue
        self.unscreened = self._next_unscreened = store.holding()
        self.weights_void = False
        self._cold_due = _NEVER
        self._forced: set[int] = set()

    @property
    def serving(self) -> NDArray[np.bool_]:
        """bool[N]: whom it serves."""
        return self.model.uses_large

    @property
    def deleted(self) -> NDArray[np.bool_]:
        """bool[N]: whose data the company no longer has."""
        return self.store.codes == ABSENT

    @property
    def laundered_records(self) -> float:
        """Records that are gone from its store and still in its weights."""
        if not self.laundered.exist:
            return 0.0
        store = self.store.holding()
        return self._number(self.laundered.beside(store)) - self._number(store)

    @property
    def flagged_records(self) -> float:
        """Records that it leaves out of training, taken for falsified."""
        flagged = self.detector.flagged(self.store.codes)
        return float(self.records_by_user(self.store.holding()) @ flagged) if flagged.any() else 0.0

    @property
    def fines(self) -> float:
        """What it was fined at this tick, in units of its revenue at tick 0."""
        tick, share = self._fine
        return share * self.model.revenue.large if tick == self.model.tick else 0.0

    def retrains_at(self, tick: int) -> bool:
        """Return whether it retrains at a tick, by its schedule or from scratch."""
        return super().retrains_at(tick) or tick in self._forced

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
        self._delete_what_is_due(policy)
        self.comply(clock.streaming, policy)
        if self.store.arrived is not None:
            taken = self.flowing & ~self.consent.barred & ~np.asarray(policy.of("tracking_blocked"))
            self.store.arrived[arrivals[taken[self.model.record_owners[arrivals]]]] = True
        self._answer_to_law(policy)
        self._look_for_poison()

    def comply(self, streaming: bool, policy: Policy) -> None:
        """Erase what may no longer be used without consent; take in what may be used again."""
        barred, cleared = self.consent.update(policy, self.model.tick)
        self._erase(barred, policy)
        cleared = cleared[~self.asked_to_delete[cleared]]
        back = streaming | np.asarray(policy.of("return_restores", cleared))
        self.store.put(cleared[np.broadcast_to(back, cleared.shape)], records=None)

    def serve(self, service: Service) -> None:
        """Put a service in place."""
        super().serve(service)
        if not service.stale:
            self.unscreened = self._next_unscreened

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
        self._erase(at_once, policy)
        self._due[at_once] = _NEVER

    def _delete_what_is_due(self, policy: Policy) -> None:
        due = np.flatnonzero(self._due <= self.model.tick)
        if len(due):
            self._erase(due, policy)
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
        self.store.put(users[brings], records=small.arrived)

    def _erase(self, users: NDArray[np.int64], policy: Policy) -> None:
        """Lose all data of users; in the weights they stay where it launders and no order forbids that."""
        if self._parameters.forgetting == "launder" and self.trained_on is not None:
            forbidden = np.broadcast_to(policy.of("weight_deletion", users), users.shape)
            self.laundered.keep(users[~forbidden], self.trained_on)
        self.store.erase(users)

    def _answer_to_law(self, policy: Policy) -> None:
        """Be audited, void the weights that an order is about, and train from scratch what is due."""
        tick, every = self.model.tick, self._parameters.cold_retrain_every
        self._be_audited(policy)
        ordered = policy.of("weight_deletion")
        tainted = int(np.count_nonzero(self.laundered.of_whom(self.store) & ordered))
        if tainted:
            self.weights_void = True
            self._start_anew(tick)
            self._cold_due = min(self._cold_due, tick + self._parameters.cold_retrain_ticks)
            text = f"weights that had seen laundered records of {tainted} users are void"
            self.model.events.add(tick, "weights deleted", self.name, tainted, text)
        scheduled = every is not None and tick % every == 0 and not self.weights_void
        if scheduled or tick >= self._cold_due:
            self.weights_void, self._cold_due = False, _NEVER
            self._start_anew(tick)
            text = "retrained from scratch on what is in the store"
            self.model.events.add(tick, "cold retrain", self.name, self._number(self.store.holding()), text)

    def _start_anew(self, tick: int) -> None:
        self.laundered.clear()
        self.model.training.forget(LARGE)
        self._forced.add(tick)

    def _be_audited(self, policy: Policy) -> None:
        """Pay for what a regulator finds, if one comes: laundered records, and requests never executed."""
        chance = np.broadcast_to(policy.of("audit_probability"), self.laundered.codes.shape)
        tick = self.model.tick
        if not self.model.streams.generator("audit", tick).random() < chance.max():
            return
        looked_at = chance > 0
        ignored = looked_at & self.asked_to_delete & (self._due == _NEVER) & ~self.deleted
        # What is being put right already is not found twice.
        hidden = looked_at & self.laundered.of_whom(self.store) & (self._cold_due == _NEVER)
        found = int(np.count_nonzero(ignored | hidden))
        text = f"{hidden.sum()} users' records laundered, {ignored.sum()} requests ignored"
        self.model.events.add(tick, "audit", self.name, found, text)
        if not found:
            return
        self._fine = tick, float(np.max(policy.of("audit_fine")))
        self.store.erase(np.flatnonzero(ignored))
        self._cold_due = min(self._cold_due, tick + self._parameters.cold_retrain_ticks)

    def _look_for_poison(self) -> None:
        if not self.detector.looks:
            return
        before = self.detector.flagged(self.store.codes).sum()
        self.detector.exposure += self.store.records(self.model.population.records)[1]
        flagged = self.detector.flagged(self.store.codes).sum()
        if flagged > before:
            text = f"{flagged} users' records are left out of training"
            self.model.events.add(self.model.tick, "poison flagged", self.name, flagged, text)

    def _training_set(self) -> Holding:
        """Return what is in the store and what was laundered, without what is taken for falsified."""
        held = self._next_unscreened = self.laundered.retrain(self.store.holding())
        if self.weights_void:
            return held.without(np.ones(len(held.codes), np.bool_))
        return held.without(self.detector.flagged(held.codes)) if self.detector.looks else held

    def _retrains_with(self, changed: NDArray[np.bool_]) -> NDArray[np.bool_] | bool:
        if self.model.tick in self._forced:
            return True
        if self._shard is None:
            return super()._retrains_with(changed)
        return np.isin(self._shard, self._shard[changed])

    def _number(self, holding: Holding) -> float:
        return float(self.records_by_user(holding).sum())
