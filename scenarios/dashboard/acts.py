"""Campaigns that a visitor calls during a run: users who hold a stance, whatever the rule would choose.

Core Objects: CalledUsers, Appeal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abm.actions import DELETE
from abm.campaigns import Campaigns
from abm.decisions.view import DecisionView
from abm.policy import Policy
from learners.errors import InputError
from scenarios.dashboard.messages import Call

_FREE = 0
"""Number of no campaign."""


@dataclass(frozen=True)
class Appeal:
    """What a campaign asks of whom.

    Attributes
    ----------
    stance
        Name of a stance.
    share
        Of the members who are not in that stance yet, drawn by lot.
    among
        What the members are called.
    members
        bool[N].
    """

    stance: str
    share: float
    among: str
    members: NDArray[np.bool_]


class CalledUsers:
    """The campaigns of a run and, on top of them, those that the visitor calls; it stands in for the former.

    Who follows a campaign asks for its stance at every tick, as far as the law permits it. Who is released
    does once what they did before, and from then on what the rule says.

    Parameters
    ----------
    campaigns
        Those of the scenario.
    n_users
        Number of users.
    """

    def __init__(self, campaigns: Campaigns, n_users: int) -> None:
        self.campaigns = campaigns
        self._campaign = np.zeros(n_users, np.int32)
        self._before = np.zeros(n_users, np.int8)
        self._released = np.zeros(n_users, np.bool_)
        self._calls: dict[int, Appeal] = {}
        self._since: dict[int, int] = {}
        self._refused: dict[int, int] = {}
        self._number = _FREE
        self._waiting: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.campaigns, name)

    def call(self, appeal: Appeal, policy: Policy, stance_bits: NDArray[np.bool_]) -> int:
        """Call a campaign, to begin at the next tick, and return its number.

        Raises
        ------
        InputError
            If nobody is meant, or the law grants nobody the right to the stance.
        """
        if not appeal.members.any():
            raise InputError(f"nobody is {appeal.among}: there is nobody to call")
        if stance_bits[DELETE] and not np.any(policy.of("deletion_right")):
            raise InputError(
                f"'{appeal.stance}' is not permitted: the law now in force grants no right to have data "
                "deleted"
            )
        self._number += 1
        self._calls[self._number] = appeal
        self._waiting.append(self._number)
        return self._number

    def call_off(self, number: int | None = None) -> None:
        """Release who follows a campaign, or all campaigns."""
        for called in list(self._calls) if number is None else [number]:
            followers = self._campaign == called
            self._released |= followers
            self._campaign[followers] = _FREE
            self._calls.pop(called, None)
            self._waiting = [waiting for waiting in self._waiting if waiting != called]

    def called(self) -> tuple[Call, ...]:
        """Return the campaigns that go on."""
        return tuple(
            Call(
                number,
                f"{appeal.stance}, {appeal.share:.0%} of {appeal.among}",
                appeal.stance,
                self._since.get(number, -1),
                int(np.count_nonzero(self._campaign == number)),
                self._refused.get(number, 0),
            )
            for number, appeal in self._calls.items()
        )

    def act(self, view: DecisionView, wanted: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return what users do in the end, int8[N], given what they want by themselves."""
        wanted = self.campaigns.act(view, wanted)
        if not (self._calls or self._released.any()):
            return wanted
        wanted = wanted.copy()
        released = np.flatnonzero(self._released)
        self._put(view, wanted, released, self._before[released])
        self._released[:] = False
        for number in self._waiting:
            self._recruit(number, view)
        self._waiting = []
        for number, appeal in self._calls.items():
            rows = np.flatnonzero(self._campaign == number)
            stances = np.full(len(rows), view.stances.code(appeal.stance), np.int8)
            self._refused[number] = self._put(view, wanted, rows, stances)
        return wanted

    def _recruit(self, number: int, view: DecisionView) -> None:
        """Draw who follows a campaign: by one lot for all campaigns of a run, so that more contains fewer."""
        appeal, population = self._calls[number], view.population
        stance = view.stances.code(appeal.stance)
        there = np.isin(population.stance, [stance, view.stances.with_copy[stance]])
        open_ = np.flatnonzero(appeal.members & ~there & (self._campaign == _FREE))
        wanted = round(appeal.share * np.count_nonzero(appeal.members))
        lot = view.streams.generator("called by a visitor").random(population.n_users)
        rows = open_[np.argsort(lot[open_], kind="stable")[:wanted]]
        self._before[rows] = population.stance[rows]
        self._campaign[rows] = number
        self._since[number] = view.tick

    @staticmethod
    def _put(
        view: DecisionView, wanted: NDArray[np.int8], rows: NDArray[np.int64], stances: NDArray[np.int8]
    ) -> int:
        """Put users into stances as far as they may take them; return how many may not."""
        bound = np.where(view.population.has_copy[rows], view.stances.with_copy[stances], stances)
        open_ = view.permitted(rows)[np.arange(len(rows)), bound]
        wanted[rows[open_]] = bound[open_]
        return int(np.count_nonzero(~open_))
