"""What a visitor asks of a world: frozen, so that it can go through a queue or a pipe.

Core Objects: Command and its subclasses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from scenarios.dashboard.world import Among
    from scenarios.scenario import Scenario


class Command:
    """Anything that can be asked.

    Attributes
    ----------
    counted
        Whether the world reports when it has been carried out.
    meanwhile
        Whether it can be carried out while a company retrains: it concerns later ticks only.
    """

    counted: ClassVar[bool] = True
    meanwhile: ClassVar[bool] = False


@dataclass(frozen=True)
class Reset(Command):
    """Begin a run: play this scenario from the start."""

    counted = False
    scenario: Scenario
    run: int = 0


@dataclass(frozen=True)
class Play(Command):
    """Play tick after tick."""


@dataclass(frozen=True)
class Pause(Command):
    """Stop after the tick under way."""


@dataclass(frozen=True)
class Step(Command):
    """Play some ticks, beside those of steps that are not over, and stop."""

    ticks: int = 1


@dataclass(frozen=True)
class Speed(Command):
    """Play at most so many ticks a second; 0 for as many as can be."""

    counted = False
    meanwhile = True
    ticks_a_second: float


@dataclass(frozen=True)
class Act(Command):
    """Call a campaign."""

    meanwhile = True
    stance: str
    share: float
    among: Among


@dataclass(frozen=True)
class CallOff(Command):
    """Call off a campaign, by its number, or all."""

    meanwhile = True
    number: int | None = None


@dataclass(frozen=True)
class SetLaw(Command):
    """Bring a law into force, or repeal it."""

    meanwhile = True
    kind: str
    on: bool
    fields: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class BreakOff(Command):
    """Break off the retraining under way."""

    counted = False


@dataclass(frozen=True)
class Write(Command):
    """Pack the run so far as the files that a finished run has."""
