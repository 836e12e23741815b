"""Coalitions: data unions that members bind themselves to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.agent_numbers import ModelAgent
from abm.coalitions.effort import Round
from abm.coalitions.membership import Membership
from abm.coalitions.opinion import hoped, worth
from abm.coalitions.parameters import CoalitionParameters
from abm.coalitions.voting import carried
from abm.goals import GOALS

if TYPE_CHECKING:
    from abm.decisions.view import DecisionView
    from abm.model import DataLeverageModel


class Coalition(ModelAgent):
    """A data union as a Mesa agent: people with a goal who move their data together.

    At each tick members who are disappointed leave, organisers ask people to join, some consider it unasked,
    and, when the last decision no longer stands, the members decide whether to act. While the coalition acts,
    its loyal members are in its stance, whatever they would choose by themselves. What Large Co. concedes to
    its goal ends the action.

    Attributes
    ----------
    number
        Its number in the run.
    name
        What it is called; no two of a run are called alike.
    goal, demand, reservation, voice
        As in the parameters; demand and reservation are shares of Large Co.'s revenue at tick 0.
    stance
        Code of the stance that it asks of its members.
    active
        Whether it acts now.
    ended
        Whether it has been dissolved.
    """

    model: DataLeverageModel

    def __init__(
        self,
        model: DataLeverageModel,
        number: int,
        parameters: CoalitionParameters,
        stance: int,
        membership: Membership,
        round_: Round,
    ) -> None:
        super().__init__(model)
        self.number = number
        self.parameters = parameters
        self.name, self.goal = parameters.name, parameters.goal
        self.demand, self.reservation, self.voice = (
            parameters.demand,
            parameters.reservation,
            parameters.voice,
        )
        self.stance = stance
        self.active = self.ended = False
        self._decided_until = 0
        self._membership = membership
        self._round = round_
        asked = model.stances.names[stance]
        self._tell("founded", self.demand, f"founded as number {number} for {self.goal}, asks for {asked}")

    @property
    def members(self) -> NDArray[np.bool_]:
        """bool[N]: who is in it."""
        return self._membership.coalition == self.number

    @property
    def rows(self) -> NDArray[np.int64]:
        """int64[size]: row numbers of the members."""
        return np.flatnonzero(self.members)

    @property
    def size(self) -> int:
        """Number of members."""
        return int(np.count_nonzero(self.members))

    @property
    def share(self) -> float:
        """Share of the users who are members: a poll of the interest in its goal that never closes."""
        return self.size / self.model.population.n_users

    @property
    def data_share(self) -> float:
        """Share of the data that is owned by members."""
        return float(self.model.population.weight @ self.members)

    @property
    def bound(self) -> NDArray[np.bool_]:
        """bool[N]: who does now as the coalition has decided."""
        loyal = self._membership.loyalty_lot < self.parameters.loyalty
        return self.members & loyal & self.active

    @property
    def stated_goal(self) -> str | None:
        """What the company knows to be wanted by those who act with the coalition; ``None``: nothing."""
        return self.goal if self.active and self.voice else None

    @property
    def dues_paid(self) -> float:
        """Dues of all members, per tick."""
        return self.parameters.dues * self.size

    def proceed(self, view: DecisionView, reached: NDArray[np.bool_]) -> None:
        """Let the coalition go on for a tick, in which the users ``reached``, bool[N], can join it."""
        self._lose_members(view)
        self._win_members(view, reached)
        self._decide(view)

    def dissolve(self) -> None:
        """End for good; members are free."""
        self._stop("it is dissolved")
        self._membership.leave(self.rows)
        self.ended = True
        self._tell("dissolved", 0, "dissolved")
        self.remove()

    def _prospect(self) -> float:
        """Return the share of the data that members can count on to move with them."""
        return self.parameters.loyalty * min(max(self.parameters.minimum, self.data_share), 1.0)

    def _lose_members(self, view: DecisionView) -> None:
        p, rows = self.parameters, self.rows
        if not len(rows):
            return
        lots = view.streams.generator(f"leaving coalition {self.number}", view.tick).random(len(self.members))
        rows = rows[lots[rows] < p.reconsideration]
        shortfall = np.full(len(rows), p.dues)
        if self.active:
            missed = self._membership.hoped[rows] - self.model.organisations.achieved(self.stance)
            shortfall += view.population.interest[rows] * np.maximum(missed, 0)
        gone = rows[shortfall > p.tolerance]
        if len(gone):
            self._membership.leave(gone)
            self._tell("leave", len(gone), f"{len(gone)} members leave, disappointed")

    def _win_members(self, view: DecisionView, reached: NDArray[np.bool_]) -> None:
        p, streams = self.parameters, view.streams
        open_ = reached & self._membership.can_join(self.number)
        lots = streams.generator(f"asked into coalition {self.number}", view.tick).random(len(open_))
        asked = self._round.asked(open_, lots)
        is_asked = np.zeros(len(open_), np.bool_)
        is_asked[asked] = True
        if p.consideration:
            lots = streams.generator(f"considering coalition {self.number}", view.tick).random(len(open_))
            asked = np.flatnonzero(open_ & (is_asked | (lots < p.consideration)))
        if not len(asked):
            return
        appeal = self.appeal(view, asked)
        appeal += self.model.organisations.parameters.effort.persuasion * is_asked[asked]
        joins = asked[appeal > 0]
        if len(joins):
            self._membership.join(joins, self.number, hoped(view, joins, self.stance, self._prospect()))
            self._tell("join", len(joins), f"{len(joins)} of {len(asked)} who consider it join")

    def appeal(self, view: DecisionView, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        """Return what joining is worth to some users who are not asked to, float[n], in utility.

        The worth of the stance if all members were in it, less the distance of their goals, more with members
        among the neighbours, less dues.
        """
        p = self.parameters
        near = view.network.neighbour_counts(self.members)[rows] / np.maximum(view.network.degree[rows], 1)
        apart = view.population.goal[rows] != GOALS.index(self.goal)
        together = worth(self.model.rule, view, rows, self.stance, self._prospect(), p.subsidy)
        return together - p.goal_weight * apart + p.ties_weight * near - p.dues

    def _decide(self, view: DecisionView) -> None:
        """Act or stop, when the last decision no longer stands or the coalition has become too small."""
        p, rows = self.parameters, self.rows
        if self.model.concessions.conceded[GOALS.index(self.goal)]:
            self._stop("what it asked for is granted")
            return
        if not len(rows) or self.share < p.minimum:
            self._stop("too few members")
            self._decided_until = 0
            return
        if view.tick < self._decided_until:
            return
        bloc = p.loyalty * self.data_share
        in_favour = worth(self.model.rule, view, rows, self.stance, bloc, p.subsidy) >= 0
        self._decided_until = view.tick + p.term
        self._tell("vote", in_favour.mean(), f"{in_favour.mean():.0%} of {len(rows)} members are for acting")
        if not carried(p.decides, in_favour, view.population.interest[rows], p.quorum):
            self._stop("members are against acting")
        elif not self.active:
            self.active = True
            self._tell("act", len(rows), f"{len(rows)} members with {self.data_share:.1%} of the data act")

    def _stop(self, why: str) -> None:
        if self.active:
            self.active = False
            self._tell("end", self.size, f"acts no more: {why}")

    def _tell(self, what: str, value: float, text: str) -> None:
        self.model.events.add(self.model.tick, f"coalition {what}", self.name, value, text)
