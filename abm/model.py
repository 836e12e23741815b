"""The model: one tick, in the order in which it happens."""

from __future__ import annotations

import dataclasses
import gc
import time
from functools import partial
from collections.abc import Sequence
from typing import Any, TypeVar

import mesa
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter, ValidationError

from abm.actions import CONTRIBUTE, DELETE, LEAVE, Stances
from abm.agents import User, UserView
from abm.beliefs import Beliefs
from abm.clock import Clock, ClockParameters
from abm.companies import CompanyParameters, DataStore, LargeCompany, SmallCompany
from abm.decisions import (
    DecisionParameters,
    DecisionRule,
    DecisionView,
    LogitParameters,
    ScriptedParameters,
    decision_rule,
)
from abm.ledger import Ledger
from abm.network import NetworkParameters, WattsStrogatz, build_network
from abm.policy import Intervention, Policy, PolicySchedule
from abm.population import Population, PopulationParameters
from abm.records import EventLog, LeverageParameters, RecordParameters, agent_table, leverage as dlps, tick_row
from abm.revenue import revenue
from abm.services import divided_attention
from abm.streams import Streams
from abm.training import LARGE, SMALL, LiveTraining, Replay, Training
from learners.composition import CompositionGap, composition_gap, contribution_effect, strike_effect
from learners.errors import InputError
from learners.holdings import ABSENT, GENUINE
from learners.leverage import published_scale
from learners.usecase import UseCase, load_use_case

P = TypeVar("P", bound=BaseModel)


class DataLeverageModel(mesa.Model):
    """Users who act on data, two companies that retrain on what is left, and what comes of it.

    A tick is:

    1.  policy: the law and the tools in force;
    2.  information: what users can know of the last tick;
    3.  users decide: a decision rule, or whatever a user subclass overrides, chooses stances;
    4.  ledger: changes of stance become moves of data;
    5.  intake: the companies' stores follow the ledger, and records arrive;
    6.  retrain: both companies train real models on exactly what they hold, and are measured;
    7.  attention and revenue: users divide their attention, which earns;
    8.  experience: beliefs move towards what was published;
    9.  record: one row a tick.

    Parameters
    ----------
    use_case
        Name of a use case, or one that is loaded already.
    population, network, decision, companies, leverage, policy, clock, record
        A parameter object of the module of that name or a dict of its fields; ``decision`` can also be a
        :class:`abm.decisions.DecisionRule` of your own.
    interventions
        Changes of policy over time.
    social_weight, precision, degree
        Override the fields of that name in ``decision`` and ``network``.
    user_class
        Subclass of :class:`abm.agents.User` whose ``decide`` is asked instead of the rule.
    replay
        The ``ticks`` table of a recorded run: its qualities are played again and nothing is trained.
    rng
        Seed of everything random, an int or ``None``.

    Raises
    ------
    InputError
        If a parameter is unknown, of the wrong type or out of range.
    """

    def __init__(
        self,
        use_case: str | UseCase = "digits",
        *,
        population: PopulationParameters | dict[str, Any] | None = None,
        network: Any = None,
        decision: LogitParameters | ScriptedParameters | DecisionRule | dict[str, Any] | None = None,
        companies: CompanyParameters | dict[str, Any] | None = None,
        leverage: LeverageParameters | dict[str, Any] | None = None,
        policy: Policy | dict[str, Any] | None = None,
        clock: ClockParameters | dict[str, Any] | None = None,
        record: RecordParameters | dict[str, Any] | None = None,
        interventions: Sequence[Intervention] = (),
        social_weight: float | None = None,
        precision: float | None = None,
        degree: int | None = None,
        user_class: type[User] = User,
        replay: pd.DataFrame | None = None,
        rng: int | None = None,
    ) -> None:
        seed = np.random.SeedSequence().entropy if rng is None else rng
        super().__init__(rng=int(seed) % 2**32)
        population_parameters = _parameters(PopulationParameters, population, "population")
        network_parameters = _parameters(NetworkParameters, network or WattsStrogatz(), "network", degree=degree)
        self.company_parameters = _parameters(CompanyParameters, companies, "companies")
        self.leverage = _parameters(LeverageParameters, leverage, "leverage")
        self.record = _parameters(RecordParameters, record, "record")
        self.policy_schedule = PolicySchedule(_parameters(Policy, policy, "policy"), interventions)
        self.streams = Streams(int(seed))
        if isinstance(decision, DecisionRule):
            self.rule = decision
        else:
            given = decision or LogitParameters()
            scalars = {"social_weight": social_weight, "precision": precision}
            self.rule = decision_rule(_parameters(DecisionParameters, given, "decision", **scalars))
        self.user_class = user_class

        live = None if replay is not None else _loaded(use_case, population_parameters)
        self.use_case_name = use_case if isinstance(use_case, str) else use_case.name
        records = np.ones(_replayed_users(population_parameters, replay)) if live is None else live.records_per_owner
        self.population = Population(population_parameters, records, self.streams)
        self.stances = Stances.of(live.poison_kinds if live else ())
        self.network = build_network(
            network_parameters,
            self.population.n_users,
            self.streams.generator("network"),
            groups=live.groups if live else {},
            tastes=live.tastes() if live else None,
        )
        self.clock = Clock(_parameters(ClockParameters, clock, "clock"), live)
        self.record_owners: NDArray[np.int32] = live.record_owners if live else np.empty(0, np.int32)
        self.training: Training = (
            Replay(replay, self.population.records)
            if live is None
            else LiveTraining(live, self.streams.integer("learner"), self.clock.arrived)
        )
        beliefs = population_parameters.beliefs
        self._published = (
            published_scale(self.use_case_name) if self.leverage.baseline == "published" else None
        )
        self.beliefs = Beliefs(beliefs, self.training.true_curve if beliefs.true > 0 else None)
        self.ledger = Ledger()
        self.events = EventLog()
        self.ticks: list[dict[str, Any]] = []
        self.agent_tables: list[pd.DataFrame] = []
        self._users: list[User] | None = None
        self._found_companies()
        self.uses_large = np.ones(self.population.n_users, np.bool_)
        self.switch_rate = 0.0
        self.seconds_decide = 0.0
        self.removal_gap: CompositionGap | None = None
        self.contribution_gap: CompositionGap | None = None
        self._start_policy = self.policy = self.policy_schedule.at(0)
        self._hits_at_start: float | None = None
        self._retrain()
        self._divide_attention()
        self._measure_leverage()
        self.ticks.append(tick_row(self))
        self.datacollector = mesa.DataCollector(
            model_reporters={column: partial(recorded, column=column) for column in self.ticks[0]}
        )
        self._collect()

    def _found_companies(self) -> None:
        n = self.population.n_users
        poisons = tuple(poison for poison in self.stances.poisons if poison is not None)
        parameters = self.company_parameters
        everything = DataStore(np.full(n, GENUINE, np.int8), poisons, self.record_owners)
        self.large = LargeCompany(self, parameters.large, everything)
        starts = self.streams.generator("small start").random(n) < parameters.small.starts_with
        first = DataStore(np.where(starts, GENUINE, ABSENT).astype(np.int8), poisons, self.record_owners)
        self.small = SmallCompany(self, parameters.small, first)
        if self.clock.arrived is not None:
            everything.arrived = self.clock.arrived.copy()
            first.arrived = self.clock.arrived & starts[self.record_owners]

    @property
    def tick(self) -> int:
        """Number of the present tick; 0 is before anybody acts."""
        return int(self.steps)

    def step(self) -> None:
        """Play one tick."""
        self._set_policy()
        view = self._information()
        wanted = self._decide(view)
        self._post(wanted)
        self._intake()
        self._retrain()
        self._divide_attention()
        self._measure_leverage()
        self._experience()
        self._measure_composition()
        self.ticks.append(tick_row(self))
        self._collect()

    # 1. policy
    def _set_policy(self) -> None:
        before, self.policy = self.policy, self.policy_schedule.at(self.tick)
        for name, value in self.policy.model_dump().items():
            old = getattr(before, name)
            if value != old:
                self.events.add(self.tick, "intervention", name, float(value), f"{name}: {old} -> {value}")

    # 2. information
    def _information(self) -> DecisionView:
        population, large, small = self.population, self.large, self.small
        return DecisionView(
            tick=self.tick,
            policy=self.policy,
            population=population,
            stances=self.stances,
            network=self.network,
            beliefs=self.beliefs,
            streams=self.streams,
            offered=self._offered(),
            deleted=large.deleted,
            known_to_small=small.known,
            pending_share=self.clock.pending_share,
            small_share=self._share_at_small(),
            removed_share=self._share_removed(),
            left_share=float(population.weight @ ~self.uses_large),
            large=large.service,
            small=small.service,
            consumption=self.company_parameters.consumption,
            small_serves_strangers=small.serves_strangers,
        )

    def _offered(self) -> NDArray[np.bool_]:
        """bool[K]: deleting needs the right to; withholding alone does something only where records arrive."""
        bits = self.stances.bits
        offered = np.ones(len(self.stances), np.bool_)
        if not self.policy.deletion_right:
            offered &= ~bits[:, DELETE]
        if not self.clock.streaming and self.policy.deletion_right:
            offered[self.stances.code("strike_withhold")] = False
        return offered

    def _existing_records(self) -> float:
        return float(self.population.records.sum() if self.clock.arrived is None else self.clock.arrived.sum())

    def _share_at_small(self) -> float:
        return self.small.store.records(self.population.records)[0] / self._existing_records()

    def _share_removed(self) -> float:
        held, poisoned = self.large.store.records(self.population.records)
        return 1 - (held - poisoned) / self._existing_records()

    # 3. users decide
    def _decide(self, view: DecisionView) -> NDArray[np.int8]:
        start = time.perf_counter()
        wanted = self.rule.choose(view)
        if self.user_class.decide is not User.decide:
            wanted = self._asked(view, wanted)
        self.seconds_decide = time.perf_counter() - start
        return wanted

    def _asked(self, view: DecisionView, choice: NDArray[np.int8]) -> NDArray[np.int8]:
        """Ask every user for a stance, with the rule's choice as the default."""
        names = self.stances.names
        shares = self.network.neighbour_shares(self.population.stance, len(names))
        permitted = view.permitted(np.arange(self.population.n_users))
        wanted = choice.copy()
        for user in self.users:
            row = user.row
            stance = user.decide(
                UserView(
                    tick=self.tick,
                    stance=user.stance,
                    choice=names[choice[row]],
                    permitted=tuple(name for name, open_ in zip(names, permitted[row], strict=True) if open_),
                    neighbour_shares=dict(zip(names, shares[row].tolist(), strict=True)),
                    everyone=view,
                )
            )
            wanted[row] = self.stances.code(stance)
        return wanted

    # 4. ledger
    def _post(self, wanted: NDArray[np.int8]) -> None:
        population = self.population
        users = np.flatnonzero(wanted != population.stance)
        before, after = population.stance[users], wanted[users]
        has_copy = population.has_copy[users]
        asks = self.stances.bits[after, CONTRIBUTE] & ~has_copy
        if self.rule.requests_portability and asks.any():
            lot = self.streams.generator("portability", self.tick).random(population.n_users)[users]
            refused = asks & (lot >= self.policy.portability_success)
            if refused.any():
                self.events.add(self.tick, "portability refused", "Small Co.", refused.sum(), "requests refused")
            users, before, after, has_copy = (a[~refused] for a in (users, before, after, has_copy))
        if not self.policy.revocation_right:
            after = np.where(has_copy, self.stances.with_copy[after], after)
        self.ledger.post_changes(self.tick, self.stances, users, before, after, has_copy)
        population.stance[users] = after
        population.has_copy[users] = self.stances.bits[after, CONTRIBUTE] | (
            has_copy & (self.stances.with_copy[after] == after)
        )
        self.uses_large[users] = ~self.stances.bits[after, LEAVE]
        self.switch_rate = float(np.count_nonzero(before != after)) / population.n_users

    # 5. intake
    def _intake(self) -> None:
        arrivals = self.clock.advance(self.tick)
        entries = self.ledger.at(self.tick)
        # Small Co. first: who contributes and deletes at once still has the data to copy.
        for company in (self.small, self.large):
            company.intake(entries, self.clock, arrivals, self.policy)
        for entry in entries:
            what = f"{entry.move}:{entry.poison.name}" if entry.poison else str(entry.move)
            self.events.add(self.tick, "move", what, len(entry.users), f"{len(entry.users)} users {what}")

    # 6. retrain
    def _retrain(self) -> None:
        due = {c: c.retrains_at(self.tick) for c in (self.large, self.small)}
        self.training.new_tick(self.tick, self.clock.arrived, refit=any(due.values()))
        consuming = {self.large: self.uses_large, self.small: self.small_open}
        for key, company in ((LARGE, self.large), (SMALL, self.small)):
            if due[company]:
                service = self.training.retrained(key, company.store.holding())
                self.events.add(self.tick, "retrain", company.name, service.seconds, "seconds of wall time")
            else:
                service = dataclasses.replace(company.service, seconds=0.0, stale=True)
            company.service = self.training.serving(key, service, consuming[company])

    @property
    def small_open(self) -> NDArray[np.bool_]:
        """bool[N]: whom Small Co. serves."""
        return np.ones_like(self.small.known) if self.small.serves_strangers else self.small.known

    # 7. attention and revenue
    def _divide_attention(self) -> None:
        parameters = self.company_parameters
        boost = parameters.consumption.personalisation_boost
        large, small = self.large.service, self.small.service
        switching = self.population.parameters.switching_cost * (1 - self.policy.interoperability)
        self.attention = divided_attention(
            np.where(self.large.deleted, large.worth(False, boost), large.worth(True, boost)),
            np.where(self.small.known, small.worth(True, boost), small.worth(False, boost)),
            self.uses_large,
            self.small_open,
            switching,
            parameters.consumption.attention_precision,
        )
        if self._hits_at_start is None:
            self._hits_at_start = float(self.attention.large @ large.hits)
        self.revenue = revenue(
            parameters.revenue, large, small, self.attention, self.uses_large, self._hits_at_start, boost
        )

    # 8. leverage and experience
    def _measure_leverage(self) -> None:
        self.dlp = dlps(self.large.service, self.small.service, self.leverage.perspective, self._published)

    def _experience(self) -> None:
        self.beliefs.observe("contribute", self._share_at_small(), self.dlp["cdc"])
        self.beliefs.observe("remove", self._share_removed(), self.dlp["strike"])
        self.beliefs.observe("leave", float(self.population.weight @ ~self.uses_large), 1 - self.revenue.large)

    def _measure_composition(self) -> None:
        """Compare who takes part with random sets, by shadow retraining."""
        self.removal_gap = self.contribution_gap = None
        every = self.record.composition
        if every == "off" or self.tick % every or not isinstance(self.training, LiveTraining):
            return
        reference, records = self.training.reference, self.population.records
        rng = self.streams.generator("composition", self.tick)
        removed = self.large.store.codes != GENUINE
        shadows = self.record.shadows
        self.removal_gap = composition_gap(strike_effect(reference), removed, records, rng, shadows)
        self.contribution_gap = composition_gap(
            contribution_effect(reference, self.training.seed), self.small.known, records, rng, shadows
        )

    # 9. record
    def _collect(self) -> None:
        self.datacollector.collect(self)
        every = self.record.agents
        if every != "end" and self.tick % every == 0:
            self.agent_tables.append(agent_table(self))

    # Users as Mesa agents, made when somebody first looks at them: a million handles cost seconds.
    @property
    def users(self) -> list[User]:
        """The users as Mesa agents, in the order of the arrays."""
        if self._users is None:
            collecting = gc.isenabled()
            gc.disable()
            try:
                self._users = [self.user_class(self, row) for row in range(self.population.n_users)]
            finally:
                if collecting:
                    gc.enable()
        return self._users

    @property
    def agents(self) -> Any:
        """All agents, users and companies."""
        self._make_users()
        return super().agents

    @property
    def agents_by_type(self) -> Any:
        """Agents by class."""
        self._make_users()
        return super().agents_by_type

    @property
    def agent_types(self) -> Any:
        """Classes of agents."""
        self._make_users()
        return super().agent_types

    def _make_users(self) -> None:
        # Mesa's own constructor looks at the agents before there is a population.
        if hasattr(self, "_users"):
            _ = self.users


def recorded(model: DataLeverageModel, column: str) -> Any:
    """Return a column of the last recorded tick."""
    return model.ticks[-1][column]


def _parameters(kind: Any, given: Any, name: str, **overrides: Any) -> Any:
    """Validate a parameter group given as an object or a dict, with scalars that override its fields."""
    overrides = {key: value for key, value in overrides.items() if value is not None}
    fields = given.model_dump() if isinstance(given, BaseModel) else dict(given or {})
    try:
        return TypeAdapter(kind).validate_python(fields | overrides)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([name, *(str(part) for part in first["loc"])])
        raise InputError(f"{key}: {first['msg']} (got {first['input']!r})") from None


def _loaded(use_case: str | UseCase, population: PopulationParameters) -> UseCase:
    sample = None if population.users == "all" else population.users
    if isinstance(use_case, str):
        return load_use_case(use_case, owners=sample)
    if sample not in (None, use_case.owners):
        raise InputError(f"population.users: {sample} is not the {use_case.owners} owners of the loaded use case")
    return use_case


def _replayed_users(population: PopulationParameters, replay: pd.DataFrame | None) -> int:
    if population.users != "all":
        return population.users
    assert replay is not None
    return int(replay["owners_large"].iloc[0])
