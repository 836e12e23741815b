"""Playing a scenario from the first tick to the files of a finished run."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from abm.model import DataLeverageModel
from abm.records import agent_table
from abm.training import LiveTraining
from analysis.figures import run_figures
from analysis.summary import run_summary, summary_record
from learners.usecase import UseCase
from scenarios.run_directory import RunDirectory
from scenarios.scenario import Scenario

Progress = Callable[[DataLeverageModel], None]
"""Called after tick 0 and after every tick."""

_LIBRARIES = ("mesa", "numpy", "scipy", "pandas", "scikit-learn", "torch", "networkit", "pydantic", "pyarrow")


@dataclass(frozen=True, eq=False)
class Run:
    """A played scenario.

    Attributes
    ----------
    scenario
        As resolved: with the seed, length and mode that were played.
    ticks, events, agents
        The tables of ticks.parquet, events.parquet and agents.parquet.
    manifest
        What run.json says.
    """

    scenario: Scenario
    ticks: pd.DataFrame
    events: pd.DataFrame
    agents: pd.DataFrame
    manifest: dict[str, Any]
    metric: str
    unit: str
    higher_is_better: bool

    def summary(self) -> str:
        """Return the run in plain words, Markdown."""
        return run_summary(self.ticks, self.events, **self._described())

    def record(self) -> dict[str, Any]:
        """Return the numbers of the summary."""
        return summary_record(self.ticks, self.events, **self._described())

    def _described(self) -> dict[str, Any]:
        scenario = self.scenario
        return {
            "scenario_name": scenario.name,
            "question": scenario.question,
            "use_case": scenario.use_case,
            "metric": self.metric,
            "higher_is_better": self.higher_is_better,
            "perspective": scenario.leverage.perspective,
            "mode": scenario.mode,
            "note": scenario.note,
            "warnings": self.manifest["warnings"],
        }

    def write(self, directory: RunDirectory) -> None:
        """Write the files of a run into an entered run directory."""
        metadata = {"scenario": self.scenario.name, "seed": str(self.scenario.seed)}
        directory.write_parquet("ticks.parquet", self.ticks, metadata)
        directory.write_parquet("events.parquet", self.events, metadata)
        directory.write_parquet("agents.parquet", self.agents, metadata)
        figures = run_figures(
            self.ticks,
            self.events,
            self.scenario.name,
            self.metric,
            self.scenario.leverage.perspective,
            self.unit,
        )
        for name, figure in figures.items():
            directory.write_figure(figure, f"figures/{name}")
        directory.write_text("summary.md", self.summary())
        directory.write_manifest(self.manifest)


def play(
    scenario: Scenario,
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Run:
    """Play a scenario with one thread, which for models of this size is the fastest and the reproducible way.

    Raises
    ------
    InputError
        If the data set is missing or does not fit the scenario.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            model = scenario.build(data_dir=data_dir, device=device)
            if progress:
                progress(model)
            for _ in range(scenario.ticks):
                model.step()
                if progress:
                    progress(model)
    finally:
        torch.set_num_threads(threads)
    live = model.training.use_case if isinstance(model.training, LiveTraining) else None
    seconds = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    ticks = pd.DataFrame(model.ticks)
    tables = model.agent_tables
    if scenario.record.agents == "end":
        tables = [agent_table(model)]
    return Run(
        scenario=scenario,
        ticks=ticks,
        events=model.events.table(),
        agents=pd.concat(tables, ignore_index=True),
        manifest=_manifest(scenario, live, ticks) | seconds,
        metric=live.metric.name if live else "quality",
        unit=live.metric.unit if live else "",
        higher_is_better=live.higher_is_better
        if live
        else bool(ticks["best_holdout"].iloc[0] > ticks["baseline_holdout"].iloc[0]),
    )


def _manifest(scenario: Scenario, live: UseCase | None, ticks: pd.DataFrame) -> dict[str, Any]:
    return {
        "scenario": scenario.model_dump(mode="json"),
        "seed": scenario.seed,
        "status": "finished",
        "mode": scenario.mode,
        "device": live.device if live else None,
        "threads": 1,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "version": importlib.metadata.version("data-leverage"),
        "code": code_digest(),
        "data": {live.name: live.data_digest} if live else {scenario.replay: _file_digest(scenario.replay)},
        "warnings": [*(live.warnings if live else ()), *_few_records(scenario, ticks)],
    }


def _file_digest(path: str | None) -> str:
    return hashlib.sha256(Path(str(path)).read_bytes()).hexdigest()


def _few_records(scenario: Scenario, ticks: pd.DataFrame) -> list[str]:
    """Warn of ticks at which the served view, where it is the headline, rests on very few test records."""
    if scenario.leverage.perspective != "served":
        return []
    few = {
        name: int((ticks[f"n_test_{key}"] < 100).sum())
        for key, name in (("large", "Large Co."), ("small", "Small Co."))
    }
    return [
        f"at {count} of {len(ticks)} ticks fewer than 100 test records belong to people served by {name}"
        for name, count in few.items()
        if count
    ]


def code_digest() -> str:
    """Return the SHA-256 of the project's source files: equal for equal code, installed or not."""
    sha = hashlib.sha256()
    root = Path(__file__).parents[1]
    for package in ("learners", "abm", "analysis", "scenarios"):
        for path in sorted((root / package).rglob("*.py")):
            sha.update(str(path.relative_to(root)).encode())
            sha.update(path.read_bytes())
    return sha.hexdigest()
