"""The law and the tools in force at a tick, and how interventions change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abm.assistant import AssistantParameters
from abm.money.dividends import DividendParameters
from abm.money.licences import LicenceParameters
from abm.targeting import Audience, Target
from learners.errors import InputError
from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.campaigns import SeededStance
    from abm.coalitions.parameters import (
        CanvassParameters,
        CoalitionParameters,
        CommunityActionParameters,
    )
    from abm.model import DataLeverageModel
    from abm.pledges import PledgeParameters


class Policy(Parameters):
    """Law and tool parameters; the defaults are the world without intervention.

    A policy in force can hold, in place of a number or a truth value, an array of one value a user, where an
    intervention reaches some users and not others. Read a parameter that bears on users by :meth:`of`.
    """

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
    portability_continuous: bool = parameter(
        False,
        "Whether new records of who contributes go on flowing to Small Co. (stream clock only)",
        unit="-",
    )
    portability_symmetric: bool = parameter(
        False,
        "Whether who returns to Large Co. after deleting brings back the records that Small Co. holds",
        unit="-",
    )
    deletion_right: bool = parameter(
        True, "Whether users can have their past data deleted", unit="-", source="Vincent et al. 2021 (FAccT)"
    )
    deletion_tool: float = parameter(
        0.0, "Share of the barriers to withholding and deleting that tools remove", unit="share", ge=0, le=1
    )
    deletion_delay: int = parameter(
        0, "Ticks that pass before Large Co. executes a request to delete", unit="ticks", ge=0, le=100_000
    )
    deletion_executed: float = parameter(
        1.0, "Share of the requests to delete that Large Co. ever executes", unit="share", ge=0, le=1
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
    tracking_blocked: bool = parameter(
        False, "Whether a tool keeps users' new records from Large Co., whatever else they do", unit="-"
    )
    site_breakage: float = parameter(
        0.0,
        "What sites that break under a tracking blocker cost who uses Large Co.",
        unit="utility/tick",
        ge=0,
        le=10,
    )
    consent: float = parameter(
        1.0,
        "Share of users whose data Large Co. may use by default; below 1 where users must opt in",
        unit="share of users",
        ge=0,
        le=1,
    )
    opt_in_rate: float = parameter(
        0.0, "Share of those without consent who give it when asked again", unit="per tick", ge=0, le=1
    )
    opt_out_cost: float = parameter(
        0.0, "Effort that Large Co.'s forms add to withholding data", unit="utility/tick", ge=0, le=10
    )
    awareness: float = parameter(
        1.0,
        "Share of users who know that their data train models; only they can do anything but stay",
        unit="share of users",
        ge=0,
        le=1,
    )
    weight_deletion: bool = parameter(
        False,
        "Whether weights that saw records which were to be deleted must be deleted, too",
        unit="-",
        source="FTC orders: Everalbum 2021, WW International 2022",
    )
    audit_probability: float = parameter(
        0.0, "Probability that a regulator audits Large Co. at a tick", unit="per tick", ge=0, le=1
    )
    audit_fine: float = parameter(
        0.0,
        "Fine for what an audit finds, as a multiple of Large Co.'s revenue at that tick",
        unit="revenue of a tick",
        ge=0,
        le=10_000,
    )
    organiser_budget: int = parameter(
        0, "Contacts that are paid to an organiser beyond its own means", unit="users", ge=0
    )
    dividend_share: float = parameter(
        0.0, "Share of its revenue that Large Co. pays out for people's data", unit="share", ge=0, le=1
    )
    dividend: DividendParameters = Field(default_factory=DividendParameters)
    credit_price: float = parameter(
        0.0,
        "What Small Co. pays per contributed record and tick",
        unit="Large Co.'s revenue per record at the start",
        ge=0,
        le=100,
    )
    licensed: bool = parameter(
        False, "Whether Small Co. may use what users contributed only on the terms of a licence", unit="-"
    )
    licence: LicenceParameters = Field(default_factory=LicenceParameters)
    voice: bool = parameter(
        False, "Whether Large Co. hears what those who act want", unit="-", source="Hirschman 1970"
    )
    assistant_access: bool = parameter(False, "Whether users have a data leverage assistant", unit="-")
    assistant: AssistantParameters = Field(default_factory=AssistantParameters)

    def of(self, name: str, rows: NDArray[np.int64] | slice | int = slice(None)) -> Any:
        """Return a parameter for some users or one: a value where all have the same, else theirs, [n]."""
        value = getattr(self, name)
        return value[rows] if isinstance(value, np.ndarray) else value


class Intervention(Parameters):
    """A change of policy from one tick to another, for some users or all; subclasses say which.

    It takes hold in ``ramp`` equal steps and, from ``end`` on, is taken back in as many. A number moves in
    proportion; what is true or false holds for a growing share of the users reached. Two of one kind reach
    the same users first.
    """

    NO_OP: ClassVar[Mapping[str, Any]]
    """Values of its fields under which the intervention changes nothing in the world without it."""

    kind: str = "intervention"
    start: int = parameter(0, "First tick in force", unit="tick", ge=0)
    end: int | None = parameter(None, "Tick from which it is taken back; never by default", unit="tick", ge=1)
    ramp: int = parameter(
        1, "Ticks until it is fully in force, and as many until it is gone", unit="ticks", ge=1, le=100_000
    )
    target: Target | None = parameter(None, "Kind of users it bears on; all by default", unit="-")
    coverage: float = parameter(
        1.0, "Share of those users whom it reaches, drawn once", unit="share", ge=0, le=1
    )

    def changes(self) -> dict[str, Any]:
        """Return the policy parameters that the intervention sets."""
        raise NotImplementedError

    def pledge(self) -> PledgeParameters | None:
        """Return the drive for conditional pledges that the intervention is, if it is one."""
        return None

    def seeding(self) -> SeededStance | None:
        """Return whom the intervention puts into a stance, if anybody."""
        return None

    def organising(self) -> CoalitionParameters | CanvassParameters | CommunityActionParameters | None:
        """Return the organisation that the intervention founds or the drive that it pays for, if any."""
        return None

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Return, a line each, why the intervention cannot do in a model what it is meant to do."""
        return []

    def strength(self, tick: int) -> float:
        """Return how far the intervention is in force at a tick, in [0, 1]."""
        last = tick if self.end is None else min(tick, self.end - 1)
        reached = min(max((last - self.start + 1) / self.ramp, 0.0), 1.0)
        return max(reached - (tick - last) / self.ramp, 0.0)

    def in_force(self, tick: int) -> bool:
        """Return whether the intervention holds, in part or wholly, at a tick."""
        return self.strength(tick) > 0


class PolicySchedule:
    """A policy and what changes it over time; where two set one parameter, the later listed wins.

    Parameters
    ----------
    base
        The policy without interventions.
    interventions
        What changes it.
    audience
        The users; not needed where every intervention reaches everybody at once.
    """

    def __init__(
        self, base: Policy, interventions: Sequence[Intervention] = (), audience: Audience | None = None
    ) -> None:
        self.base = base
        self.interventions = tuple(interventions)
        self._members: dict[int, NDArray[np.bool_]] = {}
        self._lots: dict[int, NDArray[np.float64]] = {}
        if audience is not None:
            for number in range(len(self.interventions)):
                self._meet(number, audience)

    def at(self, tick: int) -> Policy:
        """Return the policy in force at a tick."""
        changes: dict[str, Any] = {}
        for number, intervention in enumerate(self.interventions):
            strength = intervention.strength(tick)
            if strength > 0:
                for name, value in intervention.changes().items():
                    before = changes.get(name, getattr(self.base, name))
                    changes[name] = self._moved(number, before, value, strength)
        return self.base.model_copy(update=changes) if changes else self.base

    @property
    def needs_curve(self) -> bool:
        """Whether assistants are to tell, at some tick, what only a measured curve says."""
        told = [self.base.assistant] if self.base.assistant_access else []
        told += [change for each in self.interventions if (change := each.changes().get("assistant"))]
        return any(content.needs_curve for content in told)

    def reached(self, number: int, share: float = 1.0) -> NDArray[np.bool_]:
        """Return whom an intervention, by its place in the list, reaches, bool[N]; or a share of those."""
        if number not in self._members:
            raise InputError("interventions: a target, a coverage or a ramp needs users to bear on")
        coverage = self.interventions[number].coverage * share
        return self._members[number] & (self._lots[number] < coverage)

    def _meet(self, number: int, audience: Audience) -> None:
        intervention = self.interventions[number]
        try:
            self._members[number] = audience.members(intervention.target)
        except InputError as error:
            raise InputError(f"interventions.{number}.{error}") from None
        self._lots[number] = audience.lots(intervention.kind)

    def _moved(self, number: int, before: Any, value: Any, strength: float) -> Any:
        """Return what a parameter becomes: one value, or one a user where users differ."""
        intervention = self.interventions[number]
        if isinstance(value, Parameters):
            return value
        if isinstance(value, bool):
            if intervention.target is None and intervention.coverage * strength >= 1:
                return value
            return np.where(self.reached(number, strength), value, before)
        moved = value
        if strength < 1:
            moved = before + strength * (value - before)
            moved = np.rint(moved).astype(int)[()] if isinstance(value, int) else moved
        if intervention.target is None and intervention.coverage >= 1:
            return moved
        return np.where(self.reached(number), moved, before)
