"""A scenario in play: what a worker process does for its visitor, without processes and without a browser.

Core Objects: World, Among.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from abm.actions import STAY
from abm.curve_training import CurveTraining
from abm.policy import PolicySchedule
from abm.targeting import Audience, Target
from abm.training import LiveTraining
from learners.errors import InputError
from scenarios.dashboard.acts import Appeal, CalledUsers
from scenarios.dashboard.coalitions import coalitions_now
from scenarios.dashboard.communities import Communities
from scenarios.dashboard.laws import enacted, kinds, named, repealed, states, warned
from scenarios.dashboard.messages import Call, Coalitions, Event, Facts, Law, Row
from scenarios.dashboard.retraining import InterruptibleTraining, Interruptions

if TYPE_CHECKING:
    from abm.campaigns import Campaigns
    from abm.model import DataLeverageModel
    from abm.training import Training
    from learners.metrics import Metric
    from learners.usecase import UseCase
    from scenarios.scenario import Scenario

_LABELS_SHOWN = 30
"""Most labels of a grouping for it to be offered."""


@dataclass(frozen=True)
class Among:
    """Whom a campaign calls.

    Attributes
    ----------
    kind
        ``everybody``; ``group``: whose ``name`` is ``label``; ``power_users``: the tenth with most data;
        ``well_connected``: the tenth with most ties; ``community``: the one called ``label``.
    """

    kind: Literal["everybody", "group", "power_users", "well_connected", "community"] = "everybody"
    name: str = ""
    label: str = ""

    @property
    def words(self) -> str:
        """Whom, in words."""
        return {
            "everybody": "everybody",
            "group": f"{self.name} {self.label}",
            "power_users": "the tenth with most data",
            "well_connected": "the tenth with most ties",
            "community": f"community {self.label}",
        }[self.kind]


class World:
    """A model at play, with campaigns and laws that come and go at a visitor's wish.

    Parameters
    ----------
    scenario
        What to play.
    data_dir
        Folder of the data sets.
    interruptions
        How retraining is broken off.
    stage
        Told what begins that may take long, in words, and whether it can be broken off.
    use_case
        The scenario's own, where another run has loaded it.

    Raises
    ------
    InputError
        If the scenario cannot be built here.
    """

    def __init__(
        self,
        scenario: Scenario,
        data_dir: Path | None,
        interruptions: Interruptions,
        stage: Callable[[str, bool], None],
        use_case: UseCase | None = None,
    ) -> None:
        self.scenario = scenario
        self.stage = stage
        stage("data are loaded and the first models trained", False)
        self.model: DataLeverageModel = scenario.build(data_dir=data_dir, use_case=use_case)
        model = self.model
        self._groups = model.groups
        self._audience = Audience(model.population.records, self._groups, model.streams)
        self.calls = CalledUsers(model.campaigns, model.population.n_users)
        model.campaigns = cast("Campaigns", self.calls)
        if isinstance(model.training, LiveTraining):
            model.training = cast(
                "Training", InterruptibleTraining(model.training, interruptions, stage, self.company_names)
            )
        stage("communities are looked for", False)
        organised = model.organisations
        homes = None if organised.communities is None else organised.communities_of_users
        self.communities = Communities(model.network, homes)
        self._events_told = 0
        stage("", False)

    @property
    def tick(self) -> int:
        """The last tick."""
        return self.model.tick

    @property
    def finished(self) -> bool:
        """Whether all ticks of the scenario have been played."""
        return self.tick >= self.scenario.ticks

    @property
    def company_names(self) -> dict[str, str]:
        """What the companies are called, by their keys."""
        return {key: company.name for key, company in self.model.companies.items()}

    def step(self) -> list[str]:
        """Play a tick; return what of it was broken off."""
        self.stage("people decide", False)
        self.model.step()
        self.stage("", False)
        training = self.model.training
        broken_off = sorted(training.broken_off) if isinstance(training, InterruptibleTraining) else []
        if broken_off:
            self._log("broken off", "training", len(broken_off), f"broken off: {', '.join(broken_off)}")
        return broken_off

    def call(self, stance: str, share: float, among: Among) -> None:
        """Call a campaign.

        Raises
        ------
        InputError
            If there is no such stance, nobody is meant, or the law forbids it.
        """
        code = self.model.stances.code(stance)
        if not 0 < share <= 1:
            raise InputError(f"a campaign calls a share of people above 0 and up to 1 (got {share:g})")
        appeal = Appeal(stance, share, among.words, self._members(among))
        policy = self.model.policy_schedule.at(self.tick + 1)
        self.calls.call(appeal, policy, self.model.stances.bits[code])
        self._log("campaign", stance, share, f"{share:.0%} of {among.words} are called to {_asked(stance)}")

    def call_off(self, number: int | None = None) -> None:
        """Call off a campaign, or all."""
        for call in self.calls.called():
            if number in (None, call.number):
                self._log("campaign", call.stance, 0, f"called off: {call.label}")
        self.calls.call_off(number)

    def set_law(self, kind: str, on: bool, fields: dict[str, Any] | None = None) -> None:
        """Bring a law into force from the next tick on, or repeal it.

        Raises
        ------
        InputError
            If there is no such law, or it cannot be as the fields say, or asks for what nobody here can do.
        """
        if kind not in kinds():
            raise InputError(f"'{kind}' is not one of {', '.join(kinds())}")
        schedule, tick = self.model.policy_schedule, self.tick + 1
        changed = (
            enacted(schedule.interventions, kind, tick, fields)
            if on
            else repealed(schedule.interventions, kind, tick)
        )
        drive = changed[-1].organising() if on else None
        if drive is not None:
            self.model.stances.code(self.model.rule.stance_asked(drive.stance))
        self.model.policy_schedule = PolicySchedule(schedule.base, changed, self._audience)
        self._log(
            "law", kind, on, f"{named(kind)} {'enacted' if on else 'repealed'} by you, from tick {tick} on"
        )
        for text in warned(changed[-1], self.model) if on else ():
            self._log("warning", kind, 1, text)

    def facts(self) -> Facts:
        """Return what does not change during the run."""
        model, scenario = self.model, self.scenario
        metric = self._metric()
        first = model.ticks[0]
        higher = metric.higher_is_better if metric else first["best_holdout"] > first["baseline_holdout"]
        offered = {name: np.unique(np.asarray(labels).astype(str)) for name, labels in self._groups.items()}
        records = model.population.records
        return Facts(
            name=scenario.name,
            metric=metric.name if metric else "quality",
            unit=metric.unit if metric else "",
            higher_is_better=bool(higher),
            perspective=scenario.leverage.perspective,
            mode=scenario.mode,
            users=model.population.n_users,
            ticks=scenario.ticks,
            seed=scenario.seed,
            stances=tuple(name for code, name in enumerate(model.stances.names) if code != STAY),
            groups={
                name: tuple(labels.tolist())
                for name, labels in offered.items()
                if 1 < len(labels) <= _LABELS_SHOWN
            },
            power_users=bool((records != records[0]).any()),
            communities=self.communities.shown,
            pixel_every=self.communities.every,
            community_pixels=self.communities.community_pixels,
            warnings=tuple(model.warnings),
        )

    def actions(self) -> NDArray[np.int8]:
        """Return what every user does, int8[N], numbers in :data:`abm.actions.ACTIONS`."""
        return self.model.stances.action[self.model.population.stance]

    def coalitions(self, actions: NDArray[np.int8]) -> Coalitions:
        """Return the coalitions as they are now; ``actions`` is int8[N]."""
        return coalitions_now(self.model, actions, self.communities.pixel_users)

    def rows(self, start: int) -> tuple[Row, ...]:
        """Return the rows of the ticks from one on."""
        return tuple(self.model.ticks[start:])

    def new_events(self) -> tuple[Event, ...]:
        """Return the events since this was asked last."""
        table = self.model.events.table()
        new = table.iloc[self._events_told :]
        self._events_told = len(table)
        return tuple(
            Event(int(tick), kind, subject, float(value), text)
            for tick, kind, subject, value, text in new.itertuples(index=False)
        )

    def called(self) -> tuple[Call, ...]:
        """Return the campaigns that go on."""
        return self.calls.called()

    def laws(self) -> tuple[Law, ...]:
        """Return the laws as they will be at the next tick."""
        return states(self.model.policy_schedule.interventions, self.tick + 1, self.model)

    def _metric(self) -> Metric | None:
        training = self.model.training
        if isinstance(training, CurveTraining):
            return training.curve.metric
        return self.model.use_case.metric if self.model.use_case else None

    def _members(self, among: Among) -> NDArray[np.bool_]:
        everybody = np.ones(self.model.population.n_users, np.bool_)
        if among.kind == "group":
            return self._audience.members(Target(group=among.name, label=among.label))
        if among.kind == "power_users":
            return self._audience.members(Target(power_users=True))
        if among.kind == "well_connected":
            order = np.lexsort((self._audience.lots("well connected"), -self.model.network.degree))
            members = np.zeros_like(everybody)
            members[order[: -(-len(order) // 10)]] = True
            return members
        if among.kind == "community":
            labels = [community.label for community in self.communities.shown]
            if among.label not in labels:
                raise InputError(f"there is no community '{among.label}'; there are {', '.join(labels)}")
            return self.communities.of_user == labels.index(among.label)
        return everybody

    def _log(self, kind: str, subject: str, value: float, text: str) -> None:
        self.model.events.add(self.tick, kind, subject, value, text)


def _asked(stance: str) -> str:
    return stance.replace("_", " ").replace(":", " by ")
