"""Several small companies, each of which learns from the copies that it was given, and from no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.clock import Clock
from abm.companies.data_store import DataStore
from abm.companies.entrant_choice import EntrantChoice
from abm.companies.parameters import SmallParameters
from abm.companies.small import SmallCompany
from abm.entrant_shares import EntrantShares
from abm.ledger import Entry, Move
from abm.leverage import leverage
from abm.services import Service
from abm.training import SMALL

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from abm.policy import Policy

StoreOf = Callable[[NDArray[np.bool_]], DataStore]
"""Returns the store of a company that starts with the data of some users, bool[N]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EntrantsService(Service):
    """What several entrants serve: to each user that of the user's own entrant.

    Qualities, test records and losses are those of the entrant that leads; ``hits`` are what each user finds
    at the own one, and :meth:`worth` is of the own one.

    Attributes
    ----------
    services
        Of each entrant.
    entrant
        int8[N]: number of each user's.
    """

    services: tuple[Service, ...]
    entrant: NDArray[np.int8]

    def worth(self, known: bool, boost: float, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Return the worth of the own entrant to all users or some, float64[n]."""
        worth = np.array([service.worth(known, boost) for service in self.services])
        return worth[self.entrant if rows is None else self.entrant[rows]]


class Entrant(SmallCompany):
    """One of several small companies.

    Attributes
    ----------
    key
        What the company is called in columns and calls.
    chosen
        bool[N]: whose copy it holds or, where nobody holds one, would be given.
    """

    def __init__(
        self, model: DataLeverageModel, parameters: SmallParameters, store: DataStore, number: int
    ) -> None:
        super().__init__(model, parameters, store, name=f"Small Co. {number}")
        self.key = f"{SMALL}_{number}"
        self.chosen = self.known

    @property
    def serving(self) -> NDArray[np.bool_]:
        """bool[N]: whom it serves; strangers are served by the entrant they would give a copy to."""
        return self.known | self.chosen if self.serves_strangers else self.known


class Entrants:
    """Several entrants, seen by the model as the one Small Co. is.

    A user has a copy at one of them at most. Who has one stays with that entrant until the copy is revoked or
    the entrant leaves the market. Everybody else turns, at every tick, to the entrant in the market that they
    like best: it gets what they contribute, and serves them if it serves strangers.

    Parameters
    ----------
    model
        The society.
    parameters
        What the entrants are like, each of them.
    starts
        bool[N]: whose data they have from the start, each user's one of them by lot.
    store_of
        Makes the stores.

    Attributes
    ----------
    entrant
        int8[N]: number, from 0, of the entrant that holds each user's copy or else would be given it.
    """

    def __init__(
        self,
        model: DataLeverageModel,
        parameters: SmallParameters,
        starts: NDArray[np.bool_],
        store_of: StoreOf,
    ) -> None:
        self._model = model
        self._choice = EntrantChoice(parameters, model.network, model.streams)
        k = parameters.entrants
        nobody = np.full(len(starts), -1, np.int8)
        self.entrant = self._choice.best(np.zeros(k), nobody, [True] * k)
        self._entrants = [
            Entrant(model, parameters, store_of(starts & (self.entrant == j)), j + 1) for j in range(k)
        ]
        for entrant in self._entrants:
            model.training.found(entrant.key)
        self._served: tuple[tuple[object, ...], EntrantsService] | None = None
        self._tell()

    # What they are together

    @property
    def members(self) -> tuple[tuple[str, SmallCompany], ...]:
        """Key and company of each."""
        return tuple((entrant.key, entrant) for entrant in self._entrants)

    @property
    def leading(self) -> SmallCompany:
        """The entrant in the market that holds most records, the first of those that hold as many."""
        return self._entrants[self._lead]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What "Small Co." means in a run of several."""
        text = (
            f"companies.small.entrants: 'Small Co.' stands for {len(self._entrants)} companies; its quality "
            "and leverage are those of the leading one, which has most records, its revenue, attention, "
            "people and records those of all together"
        )
        return (text,)

    @property
    def _lead(self) -> int:
        return int(np.argmax([e.records if e.in_market else -1.0 for e in self._entrants]))

    @property
    def in_market(self) -> bool:
        """Whether any of them is still there."""
        return any(entrant.in_market for entrant in self._entrants)

    @property
    def serves_strangers(self) -> bool:
        """Whether people without a copy anywhere are served."""
        return any(entrant.serves_strangers for entrant in self._entrants)

    @property
    def value_match(self) -> float:
        """What is left of their match with users' values, in [0, 1]: the same for all."""
        return self._entrants[0].value_match

    @property
    def known(self) -> NDArray[np.bool_]:
        """bool[N]: whose data one of them has."""
        return self._holder >= 0

    @property
    def serving(self) -> NDArray[np.bool_]:
        """bool[N]: whom one of them serves."""
        return np.any([entrant.serving for entrant in self._entrants], axis=0)

    @property
    def arrived(self) -> NDArray[np.bool_] | None:
        """bool[n_records]: records that one of them took in, under the stream clock; else ``None``."""
        taken_in = [entrant.arrived for entrant in self._entrants if entrant.arrived is not None]
        return np.any(taken_in, axis=0) if taken_in else None

    @property
    def records_held(self) -> NDArray[np.float64]:
        """float64[N]: records of each user that one of them holds."""
        return np.sum([entrant.records_held for entrant in self._entrants], axis=0)

    @property
    def records(self) -> float:
        """Records that they hold."""
        return sum(entrant.records for entrant in self._entrants)

    @property
    def owners(self) -> int:
        """Number of users whose data one of them has."""
        return sum(entrant.owners for entrant in self._entrants)

    @property
    def records_retrained(self) -> float:
        """Records that the models retrained at this tick were trained on."""
        return sum(entrant.records_retrained for entrant in self._entrants)

    @property
    def service(self) -> EntrantsService:
        """What everybody is served by their own."""
        lead, services = self._lead, tuple(entrant.service for entrant in self._entrants)
        of_what = (lead, self.entrant, *services)
        if self._served is None or not all(a is b for a, b in zip(self._served[0], of_what, strict=True)):
            self._served = of_what, self._service(services, lead)
        return self._served[1]

    def divided(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of what users have, float64[N], over those of each entrant, float64[k]."""
        return np.bincount(self.entrant, amounts, minlength=len(self._entrants)).astype(np.float64)

    def earned(self, revenue: float) -> NDArray[np.float64]:
        """Return what each earned of all their revenue at the last tick, float64[k]."""
        hits = self.divided(self._model.attention.small * self.service.hits)
        total = hits.sum()
        return revenue * hits / total if total else np.zeros_like(hits)

    def shares(self, existing: float) -> EntrantShares:
        """Return how much of the existing records each holds."""
        held = np.array([entrant.records for entrant in self._entrants])
        return EntrantShares(held / existing if existing else np.zeros_like(held), self.entrant)

    @property
    def columns(self) -> dict[str, float]:
        """What is recorded of each: records, revenue, quality on the holdout, and leverage of contribution.

        The leverage is from the perspective of the headline.
        """
        model, columns = self._model, dict[str, float]()
        perspective = model.leverage_parameters.perspective
        earned = self.earned(model.revenue.small)
        for entrant, revenue in zip(self._entrants, earned.tolist(), strict=True):
            measured = leverage(model.large.service, entrant.service, perspective, model.published_scale)
            columns |= {
                f"records_{entrant.key}": entrant.records,
                f"revenue_{entrant.key}": revenue,
                f"quality_{entrant.key}_holdout": entrant.service.quality["holdout"],
                f"dlp_cdc_{entrant.key}": measured["cdc"],
            }
        return columns

    # What happens to them

    def review(self, revenue: float) -> None:
        """Let those leave the market that earned too little for too long, and let people turn to the others.

        Parameters
        ----------
        revenue
            What they earned together at the last tick.
        """
        for entrant, earned in zip(self._entrants, self.earned(revenue).tolist(), strict=True):
            entrant.review(earned)
        self.count_records()
        self._let_choose()

    def intake(self, entries: list[Entry], clock: Clock, arrivals: NDArray[np.int64], policy: Policy) -> None:
        """Pass each contribution, and each that is revoked, on to the entrant that it is about."""
        moves = [entry for entry in entries if entry.move in (Move.CONTRIBUTE, Move.REVOKE)]
        for number, entrant in enumerate(self._entrants):
            own = [replace(m, users=m.users[self.entrant[m.users] == number]) for m in moves]
            entrant.intake(own, clock, arrivals, policy)

    def follow(self, arrivals: NDArray[np.int64], policy: Policy) -> None:
        """Let each take in the new records of those who contributed to it."""
        for entrant in self._entrants:
            entrant.follow(arrivals, policy)

    def count_records(self) -> None:
        """Bring the numbers of records held up to date."""
        for entrant in self._entrants:
            entrant.count_records()

    @property
    def _holder(self) -> NDArray[np.int8]:
        """int8[N]: number of the entrant that holds each user's copy, -1 where none does."""
        holder = np.full(len(self.entrant), -1, np.int8)
        for number, entrant in enumerate(self._entrants):
            holder[entrant.known] = number
        return holder

    def _let_choose(self) -> None:
        """Let everybody turn to who holds their copy, or else to whom they like best."""
        boost = self._model.company_parameters.consumption.personalisation_boost
        worth = np.array([entrant.service.worth(True, boost) for entrant in self._entrants])
        holder = self._holder
        best = self._choice.best(worth, holder, [entrant.in_market for entrant in self._entrants])
        self.entrant = np.where(holder < 0, best, holder)
        self._tell()

    def _tell(self) -> None:
        for number, entrant in enumerate(self._entrants):
            entrant.chosen = self.entrant == number

    def _service(self, services: Sequence[Service], lead: int) -> EntrantsService:
        hits = services[0].hits.copy()
        for number, service in enumerate(services):
            own = self.entrant == number
            hits[own] = service.hits[own]
        leading = {name: getattr(services[lead], name) for name in Service.__dataclass_fields__}
        together = {
            "hits": hits,
            "seconds": sum(service.seconds for service in services),
            "stale": any(service.stale for service in services),
        }
        return EntrantsService(**(leading | together), services=tuple(services), entrant=self.entrant)
