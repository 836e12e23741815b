"""Studies: arms x points of a parameter space x replicates of a base scenario, from a YAML file.

Replicate r has the same seed in every arm and at every point, and every draw of a run comes from a named
stream; so arms differ by what they change and not by luck (common random numbers).

Core Objects: StudyFile, Study, load_study.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from abm.streams import Streams
from analysis.claims import Claim
from analysis.outputs import Final, Outputs
from learners.errors import InputError
from learners.parameters import Parameters, parameter
from scenarios.batch.designs import Design, LatinHypercube, Sampled, Sobol
from scenarios.batch.worker_processes import start_server
from scenarios.scenario import LIBRARY, scenario_document
from scenarios.yaml_file import YamlDocument, read_mapping, set_key, validated

if TYPE_CHECKING:
    import pandas as pd

    from scenarios.batch.loop import StudyResult
    from scenarios.batch.plan import Plan

DEFAULT_OUTPUTS = ("participation", "dlp_cdc", "dlp_strike", "revenue_large", "revenue_small")

PLAN_COLUMNS = ("run_id", "arm", "point", "replicate", "seed", "status", "seconds")
"""Columns of runs.parquet that are neither parameters nor outputs."""

STUDIES = LIBRARY / "studies"
"""Folder of the shipped studies."""

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


@dataclass(frozen=True)
class Study:
    """A study file that was read, with its base scenario.

    Attributes
    ----------
    file
        What it says.
    document, base
        The values of the study and of its base scenario, and where each was given.
    """

    file: StudyFile
    document: YamlDocument
    base: YamlDocument

    def plan(self) -> Plan:
        """Return every run of the study, each checked.

        Raises
        ------
        InputError
            One line for each problem: file, line, key, and what is allowed.
        """
        from scenarios.batch.plan import planned

        return planned(self)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.file.name

    def effects(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Compare the arms of a study's table of runs, see :func:`analysis.effects.effects`.

        At each point of a grid or a list; over all points together where they sample a space of assumptions.
        """
        from analysis.effects import effects

        design = self.file.parameters
        sampled = isinstance(design, Sampled)
        return effects(
            runs,
            [output.label for output in self.file.outputs],
            self.file.compared_with,
            against=self.file.against,
            parameters=() if design is None or sampled else design.keys,
            by_point=not sampled,
            seed=self.file.seed,
        )

    def thresholds(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Find the study's thresholds in its table of runs, see :func:`analysis.thresholds.thresholds`."""
        import pandas as pd

        from analysis.thresholds import thresholds

        found = [
            thresholds(
                runs,
                asked.output,
                asked.along,
                asked.level,
                below=asked.below,
                others=[key for key in self.file.swept if key != asked.along],
                seed=self.file.seed,
            )
            for asked in self.file.thresholds
        ]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    def claims(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Say where each of the study's claims survives, see :func:`analysis.claim_table.claim_table`."""
        from analysis.claim_table import claim_table

        return claim_table(runs, self.file.claims, seed=self.file.seed)

    def claim_lines(self, table: pd.DataFrame) -> list[str]:
        """Return in words what :meth:`claims` has found."""
        from analysis.claim_table import claim_lines

        return ["Claims, with 95 % intervals", *claim_lines(table)] if len(table) else []

    def sensitivity(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Say what results depend on, from the study's table of runs; no rows where no space was sampled.

        Of a Sobol design, the indices of :func:`analysis.sensitivity.sobol_table`; of a Latin hypercube,
        where each arm raises each output, see :func:`analysis.effect_signs.effect_signs`.
        """
        import pandas as pd

        from analysis.effect_signs import effect_signs
        from analysis.sensitivity import sobol_table

        labels = [output.label for output in self.file.outputs]
        match self.file.parameters:
            case Sobol(second_order=second_order):
                return sobol_table(
                    runs,
                    labels,
                    self.file.swept,
                    self.file.compared_with,
                    second_order=second_order,
                    seed=self.file.seed,
                )
            case LatinHypercube():
                return effect_signs(
                    runs,
                    labels,
                    self.file.swept,
                    self.file.compared_with,
                    against=self.file.against,
                    seed=self.file.seed,
                )
        return pd.DataFrame()

    def sensitivity_lines(self, table: pd.DataFrame) -> list[str]:
        """Return in words what :meth:`sensitivity` has found."""
        from analysis.effect_signs import sign_lines
        from analysis.sensitivity import sobol_lines

        if table.empty:
            return []
        if isinstance(self.file.parameters, Sobol):
            return [
                "Sobol indices, with 95 % intervals; alone: first order; in all: total order",
                *sobol_lines(table),
            ]
        return ["Signs over the assumption space, with 95 % intervals", *sign_lines(table)]

    def record(self) -> dict[str, Any]:
        """Return the study with its base scenario written out, as study.yaml in its folder has it."""
        return {**self.document.values, "base": self.base.values}

    def run(
        self,
        out: Path | str | None = None,
        *,
        engine: str = "local",
        workers: int | None = None,
        address: str | None = None,
        data_dir: Path | str | None = None,
        device: str = "auto",
        progress: Callable[[str, int, int], None] | None = None,
    ) -> StudyResult:
        """Play what of the study is not in its folder yet; whatever stops it, calling this again goes on.

        Parameters
        ----------
        out
            The study's folder; ``results/NAME`` by default.
        engine
            ``local`` (processes on this machine), ``dask`` or ``ray``.
        workers
            Number of worker processes; one a core by default.
        address
            Of the scheduler of a Dask or Ray cluster; without it, one is started on this machine.
        data_dir, device
            See :meth:`scenarios.scenario.Scenario.build`.
        progress
            Called with what was done last, how many runs are done, and how many there are.

        Raises
        ------
        InputError
            Before any run, if the plan or an output is not possible, or the folder holds another study.
        OutputError
            If the folder cannot be written; finished runs are kept.
        """
        from scenarios.batch.engines import open_engine

        if engine == "local":
            start_server()  # its imports go on while this process imports and plans
        from scenarios.batch.loop import play_study

        folder = Path(out) if out is not None else Path("results") / self.file.name
        data = None if data_dir is None else Path(data_dir)
        return play_study(
            self,
            folder,
            lambda: open_engine(engine, workers, address),
            data_dir=data,
            device=device,
            progress=progress,
        )


def shipped_studies() -> list[str]:
    """Return the names of the shipped studies."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def load_study(path: Path | str, settings: Sequence[str] = ()) -> Study:
    """Load a study.

    Parameters
    ----------
    path
        Name of a shipped study, or a YAML file.
    settings
        ``KEY=VALUE`` with dotted keys and YAML values, as the command line's ``--set``; of the study, not of
        its scenario.

    Raises
    ------
    InputError
        One line for each problem: file, line, key, and what is allowed.
    """
    path = STUDIES / f"{path}.yaml" if str(path) in shipped_studies() else Path(path)
    if not path.suffix:
        raise InputError(
            f"there is no study {str(path)!r}; shipped are {', '.join(shipped_studies())}, "
            "or name a .yaml file"
        )
    document = read_mapping(path)
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting}: write --set KEY=VALUE")
        document = set_key(document, key, value)
    file = validated(document, StudyFile)
    if isinstance(file.base, str):
        try:
            base = scenario_document(file.base, path.parent)
        except InputError as error:
            raise InputError(f"{document.positions['base',]}: base: {error}") from None
    else:
        base = _written_out(document, file.name)
    return Study(file, document, base)


def _written_out(document: YamlDocument, name: str) -> YamlDocument:
    """Return a base scenario that stands in the study file; it need not have a name."""
    values = document.values["base"]
    assert isinstance(values, dict)
    positions = {
        location[1:]: position
        for location, position in document.positions.items()
        if location[:1] == ("base",)
    }
    return YamlDocument({"name": name, **values}, positions)


def study_schema() -> dict[str, Any]:
    """Return the JSON schema of study files, for editors."""
    return StudyFile.model_json_schema()
