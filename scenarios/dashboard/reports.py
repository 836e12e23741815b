"""What a worker process tells the engine that supervises it.

Core Objects: Report and its subclasses.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.dashboard.messages import Call, Coalitions, Event, Facts, Law, Row, Status


class Report:
    """Anything that a worker says."""


@dataclass(frozen=True)
class Ready(Report):
    """The worker has loaded what it needs and takes commands."""


@dataclass(frozen=True)
class Began(Report):
    """A reset is being carried out; ``facts`` come when the world is built."""

    run: int
    facts: Facts | None = None


@dataclass(frozen=True)
class Stage(Report):
    """Something that may take long begins; without ``text``, nothing does any more."""

    text: str
    cancellable: bool


@dataclass(frozen=True)
class State(Report):
    """Where the world stands; ``rows`` and ``events`` are those since the last report."""

    run: int
    status: Status
    rows: tuple[Row, ...]
    events: tuple[Event, ...]
    acting: tuple[tuple[int, ...], ...]
    pixels: bytes
    coalitions: Coalitions
    calls: tuple[Call, ...]
    laws: tuple[Law, ...]
    notice: str
    obeyed: int


@dataclass(frozen=True)
class Refused(Report):
    """What was asked is not possible, in words; the world is as it was."""

    run: int
    text: str
    obeyed: int


@dataclass(frozen=True)
class Failed(Report):
    """The run has ended in an error, in words."""

    run: int
    text: str


@dataclass(frozen=True)
class Packed(Report):
    """The run so far as a zip archive."""

    run: int
    archive: bytes
