"""The law and the tools in force at a tick, and how interventions change them."""

from __future__ import annotations

from collections.abc import Sequence

from learners.parameters import Parameters, parameter


class Policy(Parameters):
    """Law and tool parameters; the defaults are the world without intervention."""

    portability_success: float = parameter(
        0.2,
        "Probability that a request to copy one's data to Small Co. succeeds",
        unit="probability",
        ge=0,
        le=1,
    )
    contribution_tool: float = parameter(
        0.2, "Share of the barrier to contributing that tools remove", unit="share", ge=0, le=1
    )
    deletion_right: bool = parameter(
        True, "Whether users can have their past data deleted", unit="-", source="Vincent et al. 2021 (FAccT)"
    )
    deletion_tool: float = parameter(
        0.0, "Share of the barriers to withholding and deleting that tools remove", unit="share", ge=0, le=1
    )
    interoperability: float = parameter(
        0.0,
        "Share of the cost of switching between the companies that interoperability removes",
        unit="share",
        ge=0,
        le=1,
    )
    revocation_right: bool = parameter(
        False, "Whether users can take back the copy that Small Co. holds", unit="-"
    )
    return_restores: bool = parameter(
        True, "Whether deleted records are back when their owner returns (static clock only)", unit="-"
    )
    keeps_archive: bool = parameter(
        True, "Whether users who delete keep a copy of their own, so that they can still contribute", unit="-"
    )


class Intervention(Parameters):
    """A change of policy from one tick to another; subclasses say which."""

    kind: str = "intervention"
    start: int = parameter(0, "First tick in force", unit="tick", ge=0)
    end: int | None = parameter(None, "First tick no longer in force; never by default", unit="tick", ge=1)

    def changes(self) -> dict[str, float | bool]:
        """Return the policy parameters that the intervention sets."""
        raise NotImplementedError

    def in_force(self, tick: int) -> bool:
        """Return whether the intervention holds at a tick."""
        return self.start <= tick and (self.end is None or tick < self.end)


class PolicySchedule:
    """A policy and what changes it over time; where two set one parameter, the later listed wins."""

    def __init__(self, base: Policy, interventions: Sequence[Intervention] = ()) -> None:
        self.base = base
        self.interventions = tuple(interventions)

    def at(self, tick: int) -> Policy:
        """Return the policy in force at a tick."""
        changes: dict[str, float | bool] = {}
        for intervention in self.interventions:
            if intervention.in_force(tick):
                changes |= intervention.changes()
        return self.base.model_copy(update=changes) if changes else self.base
