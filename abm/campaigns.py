"""What people do in a tick beside what their rule chooses: keep pledges, and act where a campaign put them.

Core Objects: SeededStance, Campaigns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abm.decisions.rule import DecisionRule
from abm.pledges import PledgeDrive
from abm.seeding import SeedParameters
from learners.errors import InputError
from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.actions import Stances
    from abm.decisions.view import DecisionView
    from abm.policy import PolicySchedule
    from abm.records import EventLog


class SeededStance(Parameters):
    """Users who are put into a stance."""

    seeds: SeedParameters = Field(default_factory=lambda: SeedParameters(kind="random", share=0.05))
    stance: str = parameter(
        "strike", "Stance that they are put into, or 'campaign': that of the rule's campaign", unit="-"
    )
    duration: int = parameter(1, "Ticks for which they keep it", unit="ticks", ge=1, le=100_000)


class Campaigns:
    """The pledge drives and the seedings of a run.

    Parameters
    ----------
    schedule
        The interventions, of which some are campaigns.
    rule
        How users choose stances.
    stances
        Those of the run.
    events
        Where drives report.

    Raises
    ------
    InputError
        If a campaign is for a stance that the run does not have, or the rule cannot weigh a pledge.
    """

    def __init__(
        self, schedule: PolicySchedule, rule: DecisionRule, stances: Stances, n_users: int, events: EventLog
    ) -> None:
        self._schedule = schedule
        self._rule = rule
        self._events = events
        self._n_users = n_users
        self._drives: dict[int, PledgeDrive] = {}
        self._seedings: dict[int, tuple[SeededStance, int]] = {}
        self._seeded: dict[int, NDArray[np.int64]] = {}
        for number, intervention in enumerate(schedule.interventions):
            pledge, seeding = intervention.pledge(), intervention.seeding()
            try:
                if pledge is not None:
                    if type(rule).would_join is DecisionRule.would_join:
                        raise InputError(f"{intervention.kind}: {type(rule).__name__} cannot weigh a pledge")
                    name = f"pledge {number}"
                    self._drives[number] = PledgeDrive(
                        name, pledge, stances.code(rule.stance_asked(pledge.stance)), n_users
                    )
                if seeding is not None:
                    self._seedings[number] = (seeding, stances.code(rule.stance_asked(seeding.stance)))
            except InputError as error:
                raise InputError(f"interventions.{number}: {error}") from None

    @property
    def share_pledged(self) -> float:
        """Share of users bound by a pledge, one that is open or one that they act on."""
        if not self._drives:
            return 0.0
        bound = [drive.pledged | drive.committed for drive in self._drives.values()]
        return float(np.logical_or.reduce(bound).mean())

    def act(self, view: DecisionView, wanted: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return what users do in the end, int8[N], given what they want by themselves."""
        for number, drive in self._drives.items():
            drive.proceed(view, self._rule, self._invited(number, view), self._events)
            wanted = view.put(wanted, np.flatnonzero(drive.committed), drive.stance)
        for number, (seeding, stance) in self._seedings.items():
            first = max(self._schedule.interventions[number].start, 1)  # nobody acts at tick 0
            if view.tick == first:
                rng = view.streams.generator(f"seeding {number}")
                rows = seeding.seeds.drawn(view.network, rng)
                self._seeded[number] = rows[self._schedule.reached(number)[rows]]
            if first <= view.tick < first + seeding.duration:
                wanted = view.put(wanted, self._seeded[number], stance)
        return wanted

    def _invited(self, number: int, view: DecisionView) -> NDArray[np.bool_]:
        intervention = self._schedule.interventions[number]
        invited = self._schedule.reached(number, intervention.strength(view.tick))
        if self._drives[number].parameters.through_assistant:
            told = view.advice
            return invited & (told is not None and told.content.pledges and told.has)
        return invited
