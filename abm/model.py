"""The model: one tick, in the order in which it happens."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import mesa
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.actions import Stances
from abm.agents import SocietyModel, User, UserView
from abm.assistant import advice
from abm.attribution import lever_attribution
from abm.beliefs import Beliefs
from abm.campaigns import Campaigns
from abm.clock import Clock, ClockParameters
from abm.coalitions import OrganisationParameters, Organisations
from abm.companies import Company, CompanyParameters, found_companies
from abm.concessions import Concessions
from abm.consent import automatic_bits
from abm.decisions import (
    DecisionParameters,
    DecisionRule,
    DecisionView,
    LogitParameters,
    Start,
    decision_rule,
)
from abm.ledger import Ledger
from abm.leverage import LeverageParameters
from abm.leverage import leverage as dlps
from abm.market import Market
from abm.money.credits import makes_records
from abm.money.licences import Licences
from abm.money.payments import Paymaster
from abm.networks.build import build_network, network_parameters
from abm.networks.trait_groups import trait_groups
from abm.policy import Intervention, Policy, PolicySchedule
from abm.population import Population, PopulationParameters
from abm.production import MeasuredCurves
from abm.quality_source import QualitySource
from abm.records import (
    EventLog,
    RecordParameters,
    agent_table,
    tick_row,
)
from abm.revenue import revenue
from abm.services import attention_by_state
from abm.stance_changes import change_stances
from abm.streams import Streams
from abm.targeting import Audience
from abm.training import LARGE, Replay
from abm.welfare import Welfare
from learners.composition import CompositionGap
from learners.curves.curve_table import Curve
from learners.errors import InputError
from learners.holdings import GENUINE
from learners.leverage import published_scale
from learners.parameters import constant, parsed
from learners.usecase import UseCase

TIED = constant(
    "composition.tied",
    0.5,
    "Share of ties with people who removed their data from which on a user counts as close to them",
    unit="share of ties",
)


class DataLeverageModel(SocietyModel):
    """Users who act on data, companies that retrain on what is left, and what comes of it.

    A tick is:

    1.  policy: the law and the tools in force;
    2.  information: what users can know of the last tick;
    3.  users decide: organisations win members and decide what to ask of them; a decision rule, or
        whatever a user subclass overrides, chooses stances, and who is bound does as was decided; then
        pledges are made and kept, and campaigns put their seeds in place;
    4.  ledger: changes of stance become moves of data;
    5.  intake: the companies' stores follow the ledger, and records arrive;
    6.  retrain: the companies train real models on exactly what they hold, and are measured;
    7.  attention, revenue and leverage: users divide their attention, which earns;
    8.  experience: beliefs move towards what was published;
    9.  composition: now and then, those who act are compared with random sets, and levers with each other;
    10. record: one row a tick.

    Parameters
    ----------
    use_case
        Name of a use case, or one that is loaded already.
    population, network, decision, coalitions, companies, leverage, policy, clock, record
        A parameter object of the module of that name or a dict of its fields; ``decision`` can also be a
        :class:`abm.decisions.DecisionRule` of your own.
    interventions
        Changes of policy, and campaigns, over time.
    social_weight, precision, degree
        Override the fields of that name in ``decision`` and ``network``.
    user_class
        Subclass of :class:`abm.agents.User` whose ``decide`` is asked instead of the rule.
    replay
        The ``ticks`` table of a recorded run: its qualities are played again and nothing is trained.
    curve
        A learning curve, on which qualities are read instead of training. Users are the owners of the data
        it was measured on, or any number who own one record each (a published curve: 2,000 by default).
    represents
        How many people the users stand for; records then also count these.
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
        decision: DecisionParameters | DecisionRule | dict[str, Any] | None = None,
        coalitions: OrganisationParameters | dict[str, Any] | None = None,
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
        curve: Curve | None = None,
        represents: int | None = None,
        rng: int | None = None,
    ) -> None:
        seed = secrets.randbits(63) if rng is None else rng
        if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
            raise InputError(f"rng: a seed is a whole number from 0 (got {rng!r})")
        seed = int(seed)
        super().__init__(rng=seed % 2**32)
        self.streams = Streams(seed)
        self.user_class = user_class
        traits = parsed(PopulationParameters, population, "population")
        ties = network_parameters(network, degree)
        self.company_parameters = parsed(CompanyParameters, companies, "companies")
        self.leverage_parameters = parsed(LeverageParameters, leverage, "leverage")
        self.record = parsed(RecordParameters, record, "record")
        law = parsed(Policy, policy, "policy")
        scalars = {"social_weight": social_weight, "precision": precision}
        self.rule = (
            decision
            if isinstance(decision, DecisionRule)
            else decision_rule(
                parsed(DecisionParameters, decision or LogitParameters(), "decision", **scalars)
            )
        )

        clock_parameters = parsed(ClockParameters, clock, "clock")
        source = QualitySource(use_case, traits, clock_parameters, replay, curve)
        self.use_case = data = source.use_case
        published = self.leverage_parameters.baseline == "published"
        self.published_scale = published_scale(source.name) if published else None
        groups = data.groups if data else {}
        self.population = Population(traits, source.records, self.streams, groups)
        audience = Audience(self.population.records, groups, self.streams)
        self.policy_schedule = PolicySchedule(law, interventions, audience)
        self.stances = Stances.of(source.poisons)
        self.groups = groups | trait_groups(self.population.interest, self.population.records)
        self.network = build_network(
            ties,
            self.population.n_users,
            self.streams.generator("network"),
            groups=self.groups,
            tastes=data.tastes() if data else None,
        )
        self.clock = Clock(clock_parameters, data)
        self.record_owners = data.record_owners if data else np.empty(0, np.int32)
        self.training = source.training(
            self.population.records, self.streams.integer("learner"), self.clock.arrived
        )
        self.beliefs = Beliefs(traits.beliefs, self.training.true_curve)
        self.ledger = Ledger()
        self.events = EventLog()
        self.campaigns = Campaigns(
            self.policy_schedule, self.rule, self.stances, self.population.n_users, self.events
        )
        self.large, self.small = found_companies(self, self.company_parameters)
        self.started_at_small = self.small.known.copy()
        curves = MeasuredCurves(self.training.curve_points, self.share_at_small)
        self.rule.begin(Start(self.stances, self.network, self.streams, curves, law))

        self.uses_large = np.ones(self.population.n_users, np.bool_)
        self.switch_rate = self.seconds_decide = 0.0
        self.composition_gaps: dict[str, CompositionGap] = {}
        self.attribution: dict[str, float] = {}
        self.hits_at_start = 0.0
        self.represents = represents
        organised = parsed(OrganisationParameters, coalitions, "coalitions")
        self.organisations = Organisations(self, organised)
        self.market, self.welfare = Market(), Welfare(self.population.n_users, self.streams)
        self.concessions, self.paymaster, self.licences = Concessions(self), Paymaster(self), Licences(self)
        if isinstance(self.training, Replay) and self.record.attribution != "off":
            raise InputError("record.attribution: must be 'off' in mode replay, which trains no models")
        if isinstance(self.training, Replay) and self.policy_schedule.needs_curve:
            raise InputError(
                "assistant: a forecast or a gap needs a measured curve, and a replay has none; show neither"
            )
        of_laws = (law.warnings(self) for law in self.policy_schedule.interventions)
        self.warnings = (*self.small.warnings, *itertools.chain.from_iterable(of_laws))
        self._set_policy()
        self.large.comply(self.clock.streaming, self.policy)
        self.large.count_records()
        self._retrain()
        self._divide_attention()
        self.hits_at_start = float(self.attention.large @ self.large.service.hits)
        self._account()
        self.dlp_cdc_at_start = self.dlp["cdc"]
        self.ticks: list[dict[str, Any]] = []
        self.agent_tables: list[pd.DataFrame] = []
        self.datacollector = mesa.DataCollector(
            model_reporters={column: partial(recorded, column=column) for column in tick_row(self)}
        )
        self._record()

    @property
    def tick(self) -> int:
        """Number of the present tick; 0 is before anybody acts."""
        return int(self.steps)

    def step(self) -> None:
        """Play one tick."""
        self._set_policy()
        self.small.review(self.revenue.small)
        self.licences.enforce()
        view = self._information()
        self.organisations.organise(view)
        bound = self.organisations.bind(view, self._decide(view))
        wanted = self.concessions.calmed(view, self.campaigns.act(view, bound))
        self._post(view, wanted)
        self._intake()
        self._retrain()
        self._account()
        self._experience()
        self.concessions.answer()
        self._measure_composition()
        self._record()

    # 1. policy
    def _set_policy(self) -> None:
        self.policy = self.policy_schedule.at(self.tick)
        for intervention in self.policy_schedule.interventions:
            begins = intervention.in_force(self.tick)
            if begins != (self.tick > 0 and intervention.in_force(self.tick - 1)):
                what = ", ".join(f"{name} = {value}" for name, value in intervention.changes().items())
                text = ("in force: " + what if what else "in force") if begins else "no longer in force"
                self.events.add(self.tick, "intervention", intervention.kind, begins, text)

    # 2. information
    def _information(self) -> DecisionView:
        population, large, small = self.population, self.large, self.small
        restores = self.policy.of("return_restores") | self.clock.streaming
        restores |= small.known & self.policy.of("portability_symmetric")
        return DecisionView(
            tick=self.tick,
            policy=self.policy,
            population=population,
            stances=self.stances,
            network=self.network,
            beliefs=self.beliefs,
            streams=self.streams,
            deleted=large.deleted,
            known_to_small=small.known,
            returns_restore=restores,
            pending_share=self.clock.pending_share,
            small_share=self.share_at_small,
            removed_share=self.share_removed,
            left_share=float(population.weight @ ~self.uses_large),
            large=large.service,
            small=small.service,
            consumption=self.company_parameters.consumption,
            small_serves_strangers=small.serves_strangers,
            small_in_market=small.in_market,
            value_match=small.value_match,
            asked_to_delete=large.deleted | large.asked_to_delete,
            automatic=automatic_bits(self.policy, large.consent.barred, self.stances, population.stance),
            advice=advice(self.policy, population.n_users, self.streams, self.tick),
            payments=self.paymaster.payments,
            licences_kept=self.licences.kept,
            entrants=small.shares(self._existing_records()),
        )

    def _existing_records(self) -> float:
        return float(
            self.population.records.sum() if self.clock.arrived is None else self.clock.arrived.sum()
        )

    @property
    def share_at_small(self) -> float:
        """Share of the existing records that Small Co. holds, of several entrants the leading one."""
        existing = self._existing_records()
        return self.small.leading.records / existing if existing else 0.0

    @property
    def share_removed(self) -> float:
        """Share of the existing records that Large Co. lacks or has only falsified."""
        existing = self._existing_records()
        return 1 - (self.large.records - self.large.poisoned_records) / existing if existing else 0.0

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
    def _post(self, view: DecisionView, wanted: NDArray[np.int8]) -> None:
        self.switch_rate = change_stances(self, view, wanted) / self.population.n_users

    # 5. intake
    def _intake(self) -> None:
        arrivals = self.clock.advance(self.tick, partial(makes_records, self))
        entries = self.ledger.at(self.tick)
        self.welfare.note(self.tick, entries)
        # Small Co. first: who contributes and deletes at once still has the data to copy.
        for company in (self.small, self.large):
            company.intake(entries, self.clock, arrivals, self.policy)
        self.small.follow(arrivals, self.policy)
        for company in (self.small, self.large):
            company.count_records()
        for entry in entries:
            what = f"{entry.move}:{entry.poison}" if entry.poison else str(entry.move)
            self.events.add(self.tick, "move", what, len(entry.users), f"{len(entry.users)} users {what}")

    # 6. retrain
    def _retrain(self) -> None:
        companies = self.companies
        due = {company: company.retrains_at(self.tick) for company in companies.values()}
        self.training.new_tick(self.tick, self.clock.arrived, refit=any(due.values()))
        for key, company in companies.items():
            seconds = 0.0
            if due[company]:
                start = time.perf_counter()
                self.training.retrain(key, company.to_train_on())
                seconds = time.perf_counter() - start
                self.events.add(self.tick, "retrain", company.name, seconds, "seconds of wall time")
            stale = not due[company]
            company.serve(self.training.service(key, company.serving, seconds, stale))

    @property
    def companies(self) -> dict[str, Company]:
        """Key to company, each one that trains models of its own."""
        return {LARGE: self.large, **dict(self.small.members)}

    @property
    def small_open(self) -> NDArray[np.bool_]:
        """bool[N]: whom Small Co. serves."""
        return self.small.serving

    # 7. attention, revenue and leverage
    def _account(self) -> None:
        self._divide_attention()
        self.market_shares = self.market.observe(self.attention, self.small.divided(self.attention.small))
        large, small = self.large.service, self.small.service
        self.revenue = revenue(
            self.company_parameters.revenue,
            large,
            small,
            self.attention,
            self.uses_large,
            self.large.knows,
            self.hits_at_start,
            self.company_parameters.consumption.personalisation_boost,
        )
        self.dlp = dlps(large, small, self.leverage_parameters.perspective, self.published_scale)
        self.paymaster.pay()

    def _divide_attention(self) -> None:
        self.attention = attention_by_state(
            self.large.service,
            self.small.service,
            self.large.knows,
            self.small.known,
            self.uses_large,
            self.switching_cost,
            self.company_parameters.consumption,
            self.small.serves_strangers,
        )

    @property
    def switching_cost(self) -> float | NDArray[np.float64]:
        """Cost of attending to Small Co. instead of Large Co. under the law in force: one for all, or [N]."""
        cost: float | NDArray[np.float64] = self.population.parameters.switching_cost * (
            1 - self.policy.of("interoperability")
        )
        return cost

    # 8. experience
    def _experience(self) -> None:
        self.beliefs.observe("contribute", self.share_at_small, self.dlp["cdc"])
        self.beliefs.observe("remove", self.share_removed, self.dlp["strike"])
        self.beliefs.observe(
            "leave", float(self.population.weight @ ~self.uses_large), 1 - self.revenue.large
        )

    # 9. composition
    def _measure_composition(self) -> None:
        """Compare those who took data away, and those who contributed, with random sets of people."""
        self.composition_gaps = {}
        every = self.record.composition
        if every != "off" and self.tick % every == 0:
            removed = self.large.store.codes != GENUINE
            closeness = self.network.neighbour_counts(removed) / np.maximum(self.network.degree, 1)
            self.composition_gaps = self.training.composition_gaps(
                removed=removed,
                contributed=self.small.leading.known,
                tied=~removed & (closeness >= TIED),
                rng=self.streams.generator("composition", self.tick),
                shadows=self.record.shadows,
            )

        every = self.record.attribution
        due = every != "off" and self.tick % every == 0
        self.attribution = lever_attribution(self) if due else {}

    # 10. record
    def _record(self) -> None:
        self.ticks.append(tick_row(self))
        self.datacollector.collect(self)
        every = self.record.agents
        if every != "end" and self.tick % every == 0:
            self.agent_tables.append(agent_table(self))


def recorded(model: DataLeverageModel, column: str) -> Any:
    """Return a column of the last recorded tick."""
    return model.ticks[-1][column]
