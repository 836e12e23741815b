"""What a world tells its visitor: frozen, so that no page sees it change under its hands.

Core Objects: Snapshot, Facts, Progress, Event, Call, Law, Coalitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["starting", "ready", "playing", "paused", "finished", "error"]


BY_HAND = ("campaign", "law", "broken off")
"""Kinds of event that the visitor brought about."""


@dataclass(frozen=True)
class Event:
    """One line of the event log."""

    tick: int
    kind: str
    subject: str
    value: float
    text: str


@dataclass(frozen=True)
class Call:
    """A campaign that the visitor has called: who follows it holds its stance until it is called off.

    Attributes
    ----------
    number
        Counts from 1 within a run.
    label
        What it is called, such as ``strike, 5 % of everybody``.
    followers
        Users who follow it; ``refused`` are those who were called and may not take the stance.
    """

    number: int
    label: str
    stance: str
    since: int
    followers: int
    refused: int


@dataclass(frozen=True)
class Law:
    """A law or tool, whether it is in force, and from which tick a coming one will be.

    Attributes
    ----------
    kind
        Tag of the intervention.
    starts
        First tick of the next entry of this kind that is not in force yet, if any.
    warnings
        Why those in force cannot do in this world what they are meant to do, a sentence each.
    """

    kind: str
    in_force: bool
    starts: int | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Community:
    """A group of users who are tied to each other more than to others."""

    label: str
    size: int


@dataclass(frozen=True)
class Coalition:
    """A coalition, such as a data union, at one moment.

    Attributes
    ----------
    label
        What it is called, in the run as a whole like no other.
    goal
        What it wants of Large Co.
    stance
        Name of the stance that it asks of its members.
    acts
        Whether it acts now.
    over
        Whether it has been dissolved.
    acting
        Number of members in each action, in the order of :data:`abm.actions.ACTIONS`.
    following
        Number of members who are in its stance.
    """

    label: str
    goal: str
    stance: str
    acts: bool
    over: bool
    acting: tuple[int, ...]
    following: int

    @property
    def size(self) -> int:
        """Number of members."""
        return sum(self.acting)


IN_NONE = 255
"""Byte of who is in no coalition."""


@dataclass(frozen=True)
class Coalitions:
    """The coalitions of a run, and who of the users who are drawn is in which.

    Attributes
    ----------
    labels
        What they are called, in the order in which they were founded.
    shown
        One each, in that order.
    of_pixels
        One byte a pixel, in the order of :attr:`Snapshot.pixels`: number of the user's coalition, or
        :data:`IN_NONE`; empty as long as there are no coalitions.
    """

    labels: tuple[str, ...] = ()
    shown: tuple[Coalition, ...] = ()
    of_pixels: bytes = b""


@dataclass(frozen=True)
class Facts:
    """What does not change during a run.

    Attributes
    ----------
    groups
        Known groupings of the users: name to labels.
    stances
        Stances that a campaign can ask for.
    pixel_every
        Users for each pixel of the view of users: 1 where every user has one.
    community_pixels
        Number of pixels of each community, in the order of :attr:`Snapshot.pixels`.
    """

    name: str
    metric: str
    unit: str
    higher_is_better: bool
    perspective: str
    mode: str
    users: int
    ticks: int
    seed: int
    stances: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    power_users: bool
    communities: tuple[Community, ...]
    pixel_every: int
    community_pixels: tuple[int, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """What takes long just now.

    Attributes
    ----------
    stage
        In words.
    seconds
        Since it began.
    expected
        Seconds that it took last time; ``None`` the first time.
    cancellable
        Whether it can be broken off so that the tick is whole without it.
    """

    stage: str
    seconds: float
    expected: float | None
    cancellable: bool

    @property
    def share(self) -> float | None:
        """How far it is, if it takes as long as last time; never quite done."""
        return None if not self.expected else min(self.seconds / self.expected, 0.95)


Row = Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """One moment of a run.

    Attributes
    ----------
    run
        Counts the runs of this visitor; a reset begins the next.
    rows
        One a tick, as in ticks.parquet.
    acting
        For each community the number of users in each action, in the order of :data:`abm.actions.ACTIONS`.
    pixels
        One byte a pixel: the action of a user, sorted by community.
    notice
        What the visitor should know, in plain words; an ``error`` in a notice's place ends the run.
    obeyed
        How many commands of this run have been carried out or refused.
    """

    run: int = 0
    status: Status = "starting"
    facts: Facts | None = None
    rows: tuple[Row, ...] = ()
    events: tuple[Event, ...] = ()
    acting: tuple[tuple[int, ...], ...] = ()
    pixels: bytes = b""
    coalitions: Coalitions = Coalitions()
    calls: tuple[Call, ...] = ()
    laws: tuple[Law, ...] = ()
    progress: Progress | None = None
    notice: str = ""
    error: str = ""
    obeyed: int = 0

    @property
    def tick(self) -> int:
        """The last whole tick."""
        return len(self.rows) - 1 if self.rows else 0
