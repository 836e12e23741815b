"""All organisations of a run: what they do at a tick, and whom they bind."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import STAY
from abm.coalitions.canvassing import Canvass
from abm.coalitions.coalition import Coalition
from abm.coalitions.communities import NOWHERE, CommunityAction, found_communities
from abm.coalitions.effort import Effort, Round
from abm.coalitions.membership import Membership
from abm.coalitions.opinion import levers, relieved
from abm.coalitions.parameters import (
    MOST_COALITIONS,
    CanvassParameters,
    CoalitionParameters,
    CommunityActionParameters,
    OrganisationParameters,
)
from abm.goals import GOALS
from learners.errors import InputError

if TYPE_CHECKING:
    from abm.decisions.view import DecisionView
    from abm.model import DataLeverageModel

UNKNOWN = -1
"""Goal of who acts without saying why, or does not act."""


class Organisations:
    """Coalitions, communities and canvassers.

    Parameters
    ----------
    model
        The run, before its first tick.
    parameters
        Standing coalitions, communities, and what organising costs.

    Attributes
    ----------
    coalitions
        Those founded so far, in that order, dissolved ones included.
    membership
        Who is in which.
    communities
        Where people's records are; ``None`` where there are no communities.
    effort
        What organisers have spent.

    Raises
    ------
    InputError
        If an organisation asks for a stance that the run does not have, or there are too many coalitions.
    """

    def __init__(self, model: DataLeverageModel, parameters: OrganisationParameters) -> None:
        self.parameters = parameters
        self._model = model
        self.effort = Effort()
        self.membership = Membership(model.population.n_users, model.streams)
        self.communities = found_communities(parameters, model.network, model.streams)
        self.coalitions: list[Coalition] = []
        self._unions: dict[int, Coalition] = {}
        self._canvasses: dict[int, Canvass] = {}
        self._actions: dict[int, CommunityAction] = {}
        for number, intervention in enumerate(model.policy_schedule.interventions):
            drive = intervention.organising()
            if drive is not None:
                self._stance(drive.stance, f"interventions.{number}")
        for number, standing in enumerate(parameters.standing):
            self._found(standing, f"coalitions.standing.{number}")

    def organise(self, view: DecisionView) -> None:
        """Let every organisation go on for a tick."""
        everybody = np.ones(view.population.n_users, np.bool_)
        for coalition in self.coalitions[: len(self.parameters.standing)]:
            coalition.proceed(view, everybody)
        schedule = self._model.policy_schedule
        for number, intervention in enumerate(schedule.interventions):
            parameters = intervention.organising()
            if parameters is None:
                continue
            strength = intervention.strength(view.tick)
            if strength > 0:
                self._proceed(number, parameters, view, schedule.reached(number, strength))
            elif number in self._unions and not self._unions[number].ended:
                self._unions[number].dissolve()
        self._take_over_costs()

    def bind(self, view: DecisionView, wanted: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return what users do, int8[N], given what they want: members of what acts are put into its stance.

        Who has agreed with a canvasser keeps to it unless a coalition binds them, and anybody's records go
        with those of their community.
        """
        for stance, rows in self._bound(view.tick):
            wanted = view.put(wanted, rows, stance)
        return wanted

    def achieved(self, stance: int) -> float:
        """Return the effect that was published for the levers of a stance, the mean; NaN if undefined."""
        model = self._model
        published = {
            "contribute": model.dlp["cdc"],
            "remove": model.dlp["strike"],
            "leave": 1 - model.revenue.large,
        }
        return float(np.mean([published[lever] for lever in levers(model.stances, stance)]))

    def dues(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what membership costs some users per tick, float32[n]."""
        by_coalition = np.array([*(c.parameters.dues for c in self.coalitions), 0.0], np.float32)
        return by_coalition[self.membership.coalition[rows]]  # nobody's is the last

    @property
    def stated_goals(self) -> NDArray[np.int8]:
        """int8[N]: what those who act have said that they want, of :data:`abm.goals.GOALS`, or UNKNOWN."""
        goals = np.full(len(self.membership.coalition), UNKNOWN, np.int8)
        acts = self._model.population.stance != STAY
        for coalition in self.coalitions:
            if coalition.stated_goal is not None:
                goals[coalition.bound & acts] = GOALS.index(coalition.stated_goal)
        return goals

    @property
    def communities_of_users(self) -> NDArray[np.int32]:
        """int32[N]: number of the community that each user's records are in, -1 where in none."""
        if self.communities is None:
            return np.full(len(self.membership.coalition), NOWHERE, np.int32)
        return self.communities.home.copy()

    @property
    def effort_spent(self) -> float:
        """Organisers' effort so far, contacts of organisers within the decision rule included."""
        return self.effort.spent + self._model.rule.contacts * self.parameters.effort.contact

    def columns(self) -> dict[str, float]:
        """Return the columns of the present tick."""
        model, n = self._model, self._model.population.n_users
        sizes = np.bincount(self.membership.coalition + 1, minlength=len(self.coalitions) + 1)[1:]
        bound = np.zeros(n, np.bool_)
        for _, rows in self._bound(model.tick):
            bound[rows] = True
        spent = self.effort_spent
        gain = model.dlp["cdc"] - model.dlp_cdc_at_start
        poll = {
            f"poll_{goal}": float(sum(sizes[c.number] for c in self.coalitions if c.goal == goal)) / n
            for goal in GOALS
        }
        return {
            "coalitions": int(np.count_nonzero(sizes)),
            "coalitions_active": sum(c.active for c in self.coalitions),
            "share_in_coalitions": float(sizes.sum()) / n,
            "share_in_largest_coalition": float(sizes.max(initial=0)) / n,
            **poll,
            "dues_paid": float(sum(c.dues_paid for c in self.coalitions)),
            "communities_active": self._acting_communities(model.tick),
            "share_bound": float(bound.mean()),
            "organiser_effort": spent,
            "leverage_per_effort_strike": model.dlp["strike"] / spent if spent else np.nan,
            "leverage_per_effort_cdc": gain / spent if spent else np.nan,
        }

    def _proceed(
        self,
        number: int,
        parameters: CoalitionParameters | CanvassParameters | CommunityActionParameters,
        view: DecisionView,
        reached: NDArray[np.bool_],
    ) -> None:
        """Let an intervention go on for a tick; it begins when it is first heard of."""
        rule, events = self._model.rule, self._model.events
        where, prices = f"interventions.{number}", self.parameters.effort
        if isinstance(parameters, CoalitionParameters):
            if number not in self._unions:
                self._unions[number] = self._found(parameters, where)
            self._unions[number].proceed(view, reached)
        elif isinstance(parameters, CanvassParameters):
            if number not in self._canvasses:
                stance = self._stance(parameters.stance, where)
                self._canvasses[number] = Canvass(
                    number, parameters, stance, prices, self.effort, len(reached)
                )
            self._canvasses[number].proceed(view, rule, reached, events)
        elif self.communities is not None:
            if number not in self._actions:
                stance = self._stance(parameters.stance, where)
                self._actions[number] = CommunityAction(
                    number, parameters, stance, self.communities, prices, self.effort
                )
            self._actions[number].proceed(view, rule, reached, events)

    def _found(self, parameters: CoalitionParameters, where: str) -> Coalition:
        number = len(self.coalitions)
        if number >= MOST_COALITIONS:
            raise InputError(f"{where}: at most {MOST_COALITIONS} coalitions can be founded in a run")
        stance, n_users = self._stance(parameters.stance, where), self._model.population.n_users
        price, total = self.parameters.effort.recruit, parameters.total
        round_ = Round(n_users, parameters.budget, price, self.effort, total)
        own = parameters.model_copy(update={"name": self._free_name(parameters.name)})
        self.coalitions.append(Coalition(self._model, number, own, stance, self.membership, round_))
        return self.coalitions[-1]

    def _free_name(self, name: str) -> str:
        """Return a name, with a number where coalitions of that name have been founded before."""
        taken = {coalition.name for coalition in self.coalitions}
        numbered = (f"{name} {number}" for number in itertools.count(2))
        return next(free for free in itertools.chain([name], numbered) if free not in taken)

    def _stance(self, name: str, where: str) -> int:
        """Return the code of a stance that is asked for."""
        try:
            return self._model.stances.code(self._model.rule.stance_asked(name))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None

    def _bound(self, tick: int) -> list[tuple[int, NDArray[np.int64]]]:
        """Return stances and the users who are bound to each, the strongest bond last."""
        canvasses = [(c.stance, np.flatnonzero(c.bound(tick))) for c in self._canvasses.values()]
        unions = [(c.stance, np.flatnonzero(c.bound)) for c in self.coalitions if c.active]
        actions = [(a.stance, a.bound(tick)) for a in self._actions.values()]
        return canvasses + unions + actions

    def _acting_communities(self, tick: int) -> int:
        acting = [action.acting(tick) for action in self._actions.values()]
        return int(np.count_nonzero(np.logical_or.reduce(acting))) if acting else 0

    def _take_over_costs(self) -> None:
        """Relieve members of the costs that their coalition or community bears."""
        population, bits = self._model.population, self._model.stances.bits
        population.relief = None
        tick = self._model.tick
        relieved_users = [(c.stance, c.rows, c.parameters.subsidy) for c in self.coalitions]
        relieved_users += [
            (a.stance, a.bound(tick), 1 - a.parameters.member_cost) for a in self._actions.values()
        ]
        for stance, rows, share in relieved_users:
            if share > 0 and len(rows):
                population.relief = relieved(population, rows, bits[stance], share)
