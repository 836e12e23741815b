"""Studies: arms x points of a parameter space x replicates of a base scenario, from a YAML file.

Replicate r has the same seed in every arm and at every point, and every draw of a run comes from a named
stream; so arms differ by what they change and not by luck (common random numbers).

Core Objects: Study, load_study.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learners.errors import InputError
from scenarios.batch.designs import LatinHypercube, Sampled, Sobol
from scenarios.batch.worker_processes import start_server
from scenarios.scenario import LIBRARY, scenario_document
from scenarios.study_file import StudyFile
from scenarios.yaml_file import YamlDocument, read_mapping, set_key, validated

if TYPE_CHECKING:
    import pandas as pd

    from scenarios.batch.loop import StudyResult
    from scenarios.batch.plan import Plan
    from scenarios.batch.run_files import RunFiles

STUDIES = LIBRARY / "studies"
"""Folder of the shipped studies."""


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

    def decays(self, runs: pd.DataFrame, files: RunFiles) -> pd.DataFrame:
        """Follow the study's advantages through its runs, see :func:`analysis.decays.decay_table`."""
        from analysis.decays import decay_table

        return decay_table(
            runs,
            self.file.decays,
            files.series,
            parameters=self.file.swept,
            seed=self.file.seed,
        )

    def decay_lines(self, table: pd.DataFrame) -> list[str]:
        """Return in words what :meth:`decays` has found."""
        from analysis.decays import decay_lines

        return ["How long advantages last, with 95 % intervals", *decay_lines(table)] if len(table) else []

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
