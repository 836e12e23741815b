"""Conditional pledges: people promise to act once enough others do, and then act together.

An assurance contract: nobody who pledges bears a cost before the goal is reached, so that nobody need fear
to act alone (Oliver, Marwell, Teixeira 1985: contracts suit accelerating production functions).

Core Objects: PledgeParameters, PledgeDrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.decisions.rule import DecisionRule
    from abm.decisions.view import DecisionView
    from abm.records import EventLog

_ROUNDING = 1e-9
"""A share that misses the goal by less has reached it."""


class PledgeParameters(Parameters):
    """A drive for conditional pledges."""

    stance: str = parameter(
        "strike", "Stance that is pledged, or 'campaign': that of the rule's campaign", unit="-"
    )
    goal: float = parameter(0.3, "Share that must pledge or act already, p*", unit="share", gt=0, le=1)
    measure: Literal["users", "data"] = parameter(
        "users", "Whether the goal is a share of the users or of the data they own", unit="-"
    )
    deadline: int = parameter(
        10, "Ticks within which the goal must be reached", unit="ticks", ge=1, le=100_000
    )
    consideration: float = parameter(
        1.0, "Probability that who has not pledged considers it", unit="per tick", ge=0, le=1
    )
    leakage: float = parameter(
        0.0, "Share of those who pledged that do not act", unit="share of pledges", ge=0, le=1
    )
    duration: int = parameter(
        5, "Ticks for which who acts on a pledge keeps the stance", unit="ticks", ge=1, le=100_000
    )
    through_assistant: bool = parameter(
        False, "Whether only people whose assistant shows pledges can make one", unit="-"
    )


class PledgeDrive:
    """One drive: waiting, open, then reached or lapsed.

    Users pledge who would be better off in the stance if the goal were reached, as their decision rule has
    it. A pledge costs nothing and stands until the drive ends. Who does already what is pledged counts as
    well. When the goal is reached in time, everybody acts who pledged and does not leak, in that tick, and
    keeps the stance for its duration, whatever the rule would choose.

    Attributes
    ----------
    status
        ``waiting``, ``open``, ``reached`` or ``lapsed``.
    pledged
        bool[N]: whose pledge is open.
    committed
        bool[N]: who acts on a pledge.
    """

    def __init__(self, name: str, parameters: PledgeParameters, stance: int, n_users: int) -> None:
        self.name = name
        self.parameters = parameters
        self.stance = stance
        self.status: Literal["waiting", "open", "reached", "lapsed"] = "waiting"
        self.pledged = np.zeros(n_users, np.bool_)
        self.committed = np.zeros(n_users, np.bool_)
        self._opened = self._until = 0

    def proceed(
        self, view: DecisionView, rule: DecisionRule, invited: NDArray[np.bool_], events: EventLog
    ) -> None:
        """Let the drive go on for a tick, in which the users ``invited``, bool[N], can pledge.

        It ends with the deadline, or when nobody is invited any more.
        """
        p, tick = self.parameters, view.tick
        if self.status == "reached" and tick >= self._until:
            self.committed[:] = False
        if self.status == "waiting" and invited.any():
            self.status, self._opened = "open", tick
            events.add(
                tick, "pledge", self.name, p.goal, f"opened: {p.stance} from {p.goal:g} of the {p.measure}"
            )
        if self.status != "open":
            return
        if tick >= self._opened + p.deadline or not invited.any():
            events.add(tick, "pledge", self.name, self.pledged.mean(), "lapsed")
            self.status = "lapsed"
            self.pledged[:] = False
            return
        self._collect(view, rule, invited)
        share = self._share(view)
        if share >= p.goal - _ROUNDING:
            self._redeem(view)
            events.add(tick, "pledge", self.name, share, f"reached: {self.committed.sum()} users act")

    def _collect(self, view: DecisionView, rule: DecisionRule, invited: NDArray[np.bool_]) -> None:
        p = self.parameters
        lots = view.streams.generator(f"consideration of {self.name}", view.tick).random(len(invited))
        rows = np.flatnonzero(invited & ~self.pledged & ~self._acts_already(view) & (lots < p.consideration))
        if len(rows):
            self.pledged[rows] = rule.would_join(view, rows, self.stance, p.goal)

    def _share(self, view: DecisionView) -> float:
        counted = self.pledged | self._acts_already(view)
        return float(
            counted.mean() if self.parameters.measure == "users" else view.population.weight @ counted
        )

    def _acts_already(self, view: DecisionView) -> NDArray[np.bool_]:
        bits = view.stances.bits
        included: NDArray[np.bool_] = (bits >= bits[self.stance]).all(axis=1)
        return included[view.population.stance]

    def _redeem(self, view: DecisionView) -> None:
        p = self.parameters
        lots = view.streams.generator(f"leakage of {self.name}").random(len(self.pledged))
        self.committed = self.pledged & (lots >= p.leakage)
        self.pledged = np.zeros_like(self.pledged)
        self.status, self._until = "reached", view.tick + p.duration
