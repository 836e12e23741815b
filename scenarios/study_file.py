"""What a study file may say, and what of it cannot be.

Core Objects: StudyFile, Threshold.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from abm.streams import Streams
from analysis.claims import Claim
from analysis.decays import Decay
from analysis.outputs import Final, Outputs
from learners.parameters import Parameters, parameter
from scenarios.batch.designs import Design, Sampled

DEFAULT_OUTPUTS = ("participation", "dlp_cdc", "dlp_strike", "revenue_large", "revenue_small")

PLAN_COLUMNS = ("run_id", "arm", "point", "replicate", "seed", "status", "seconds")
"""Columns of runs.parquet that are neither parameters nor outputs."""

FIXED_KEYS = {"seed": "replicates have seeds of their own", "name": "it has no effect on a run"}

ArmName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Overrides = dict[str, Any]


class Threshold(Parameters):
    """Where along a sweep an output reaches a level."""

    output: str = parameter(..., "Name of an output", unit="-")
    along: str = parameter(..., "Swept key of the scenario", unit="-")
    level: float = parameter(..., "What the mean over replicates is to reach", unit="as the output")
    below: bool = parameter(False, "Whether to reach it is to fall to it instead of rising to it", unit="-")


class StudyFile(Parameters):
    """What a study file says."""

    name: str = parameter(
        ..., "Shown everywhere; names the output folder", unit="-", pattern=r"^[a-z0-9-]{1,64}$"
    )
    question: str = parameter("", "What the study asks", unit="-")
    base: str | dict[str, Any] = parameter(
        ..., "A shipped scenario, a file (relative to the study file), or a scenario written out", unit="-"
    )
    settings: Overrides = parameter({}, "Dotted keys of the scenario to set in all runs", unit="-")
    ticks: int | None = parameter(
        None, "Length of the runs, if not the base's", unit="ticks", ge=1, le=100_000
    )
    arms: dict[ArmName, Overrides | None] = parameter(
        {"base": {}}, "Each arm's name and the dotted keys it sets", unit="-", min_length=1, max_length=1000
    )
    reference: str | None = parameter(
        None, "Arm that the others are compared with; the first by default", unit="-"
    )
    against: dict[ArmName, list[ArmName]] = parameter(
        {}, "Arms that an arm is compared with besides the reference", unit="-", max_length=1000
    )
    parameters: Design | None = Field(None, description="Points of the parameter space to visit")
    replicates: int = parameter(1, "Runs of each arm at each point", unit="runs", ge=1, le=100_000)
    seed: int = parameter(
        1, "Seed of the seeds of the replicates and of the design", unit="-", ge=0, lt=2**63
    )
    outputs: list[Outputs] = parameter(
        [Final(column=column) for column in DEFAULT_OUTPUTS],
        "What is asked of each run: a column (its final value), or what to take of one",
        unit="-",
        min_length=1,
    )
    thresholds: list[Threshold] = Field(default_factory=list, description="Levels to look for along a sweep")
    claims: list[Claim] = Field(default_factory=list, description="Findings that arms put to the test")
    decays: list[Decay] = Field(
        default_factory=list,
        description="Advantages of arms over others, followed tick by tick",
        max_length=100,
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.reference is not None and self.reference not in self.arms:
            raise ValueError(f"reference {self.reference!r} is not one of the arms: {', '.join(self.arms)}")
        self._check_against()
        swept = self.swept
        for where, keys in (
            ("settings", self.settings),
            *((f"arms.{name}", overrides or {}) for name, overrides in self.arms.items()),
            ("parameters", swept),
        ):
            for key in keys:
                if (top := key.partition(".")[0]) in FIXED_KEYS:
                    raise ValueError(f"{where}: {key} cannot be set: {FIXED_KEYS[top]}")
        for name, overrides in self.arms.items():
            for key in overrides or {}:
                for axis in swept:
                    if f"{key}.".startswith(f"{axis}."):
                        raise ValueError(
                            f"arms.{name}: {key} is also swept, as {axis}; one would undo the other"
                        )
        taken = {*PLAN_COLUMNS, *swept}
        for number, output in enumerate(self.outputs):
            if output.label in taken:
                raise ValueError(f"outputs.{number}: the name {output.label!r} is taken; give another")
            taken.add(output.label)
        self._check_thresholds()
        self._check_claims()
        self._check_decays()
        return self

    def _check_against(self) -> None:
        for arm, others in self.against.items():
            for name in (arm, *others):
                if name not in self.arms:
                    known = ", ".join(self.arms)
                    raise ValueError(f"against.{arm}: {name!r} is not one of the arms: {known}")
            if arm in others:
                raise ValueError(f"against.{arm}: an arm cannot be compared with itself")

    def _check_thresholds(self) -> None:
        labels = [output.label for output in self.outputs]
        for number, threshold in enumerate(self.thresholds):
            where = f"thresholds.{number}"
            if threshold.output not in labels:
                raise ValueError(f"{where}.output is {threshold.output!r}, not one of {', '.join(labels)}")
            if threshold.along not in self.swept:
                swept = ", ".join(self.swept) or "nothing"
                raise ValueError(f"{where}.along is {threshold.along!r}, and what is swept is {swept}")
            values = [] if self.parameters is None else self.parameters.values(threshold.along)
            if not values or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
                raise ValueError(
                    f"{where}.along is {threshold.along!r}, which is not swept over a list of numbers"
                )

    def _check_claims(self) -> None:
        if self.claims and self.parameters is not None:
            raise ValueError("claims: are for a study without parameters; give each variant an arm instead")
        for number, claim in enumerate(self.claims):
            try:
                claim.check(self.arms, [output.label for output in self.outputs])
            except ValueError as error:
                raise ValueError(f"claims.{number}.{error}") from None

    def _check_decays(self) -> None:
        if self.decays and isinstance(self.parameters, Sampled):
            raise ValueError("decays: are followed at each point, and a sampled space has too many of them")
        for number, decay in enumerate(self.decays):
            try:
                decay.check(self.arms)
            except ValueError as error:
                raise ValueError(f"decays.{number}.{error}") from None

    @property
    def swept(self) -> tuple[str, ...]:
        """Dotted keys of the scenario that differ between points."""
        return () if self.parameters is None else self.parameters.keys

    @property
    def compared_with(self) -> str:
        """Name of the arm that the others are compared with."""
        return self.reference or next(iter(self.arms))

    def replicate_seed(self, replicate: int) -> int:
        """Return the seed of a replicate: the same in every arm and at every point."""
        return int(Streams(self.seed).generator("replicate", replicate).integers(2**62))
