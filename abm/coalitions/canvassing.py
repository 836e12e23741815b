"""Organisers who ask people one by one to act; nobody is bound to anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.coalitions.effort import Effort, Round
from abm.coalitions.opinion import worth
from abm.coalitions.parameters import CanvassParameters, EffortParameters

if TYPE_CHECKING:
    from abm.decisions.rule import DecisionRule
    from abm.decisions.view import DecisionView
    from abm.records import EventLog


class Canvass:
    """One drive: each tick some people are asked, and those whom it is worth to act for a while.

    Attributes
    ----------
    stance
        Code of the stance that is asked for.
    parameters
        What the drive is like.
    """

    def __init__(
        self,
        number: int,
        parameters: CanvassParameters,
        stance: int,
        prices: EffortParameters,
        effort: Effort,
        n_users: int,
    ) -> None:
        self.stance = stance
        self.parameters = parameters
        self._name = f"canvass {number}"
        self._persuasion = prices.persuasion
        self._round = Round(n_users, parameters.budget, prices.contact, effort, parameters.total)
        self._until = np.zeros(n_users, np.int32)

    def proceed(
        self, view: DecisionView, rule: DecisionRule, reached: NDArray[np.bool_], events: EventLog
    ) -> None:
        """Ask people, of those ``reached``, bool[N], who do not do already what is asked."""
        bits = view.stances.bits
        does = (bits >= bits[self.stance]).all(axis=1)[view.population.stance]
        open_ = reached & ~does & (self._until <= view.tick)
        asked = self._round.asked(open_, view.streams.generator(self._name, view.tick).random(len(open_)))
        agrees = asked[worth(rule, view, asked, self.stance, 0.0) + self._persuasion > 0]
        self._until[agrees] = view.tick + self.parameters.duration
        if len(asked):
            text = f"{len(agrees)} of {len(asked)} people who are asked agree to act"
            events.add(view.tick, "canvass", self._name, len(agrees), text)

    def bound(self, tick: int) -> NDArray[np.bool_]:
        """bool[N]: who has agreed to act and does so at a tick."""
        return self._until > tick
