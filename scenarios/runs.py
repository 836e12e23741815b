"""Playing a scenario from the first tick to the files of a finished run."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from abm.curve_training import CurveTraining
from abm.model import DataLeverageModel
from abm.networks.statistics import network_statistics
from abm.records import agent_table
from analysis.audit import audit, audited_ticks, largest_error
from analysis.figures import run_figures
from analysis.summary import run_summary, summary_record
from learners.metrics import Metric
from scenarios.assumption_ledger import ledger_csv
from scenarios.assumptions import assumptions
from scenarios.code_version import LIBRARIES, code_digest
from scenarios.run_directory import RunDirectory
from scenarios.scenario import Scenario

Progress = Callable[[DataLeverageModel], None]
"""Called after tick 0 and after every tick."""


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
    audit
        How far the curve is from trained models, see :func:`analysis.audit.audit`; ``None`` if not asked for.
    """

    scenario: Scenario
    ticks: pd.DataFrame
    events: pd.DataFrame
    agents: pd.DataFrame
    manifest: dict[str, Any]
    metric: str
    unit: str
    higher_is_better: bool
    audit: pd.DataFrame | None = None

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        model: DataLeverageModel,
        manifest: Mapping[str, Any],
        *,
        audit: pd.DataFrame | None = None,
    ) -> Run:
        """Return the run that a model has played.

        Parameters
        ----------
        scenario
            What was played.
        model
            After its last tick.
        manifest
            What run.json is to say beside, or instead of, what is said of every run.
        audit
            See the attribute.
        """
        ticks = pd.DataFrame(model.ticks)
        tables = model.agent_tables
        if scenario.record.agents == "end":
            tables = [agent_table(model)]
        metric = _metric(model)
        start = ticks.iloc[0]
        return cls(
            scenario=scenario,
            ticks=ticks,
            events=model.events.table(),
            agents=pd.concat(tables, ignore_index=True),
            manifest={**_manifest(scenario, model, ticks), **manifest},
            metric=metric.name if metric else "quality",
            unit=metric.unit if metric else "",
            higher_is_better=metric.higher_is_better
            if metric
            else bool(start["best_holdout"] > start["baseline_holdout"]),
            audit=audit,
        )

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
            "represents": scenario.represents,
            "warnings": self.manifest["warnings"],
            "audit": None if self.audit is None else largest_error(self.audit),
        }

    def write(self, directory: RunDirectory) -> None:
        """Write the files of a run into an entered run directory."""
        metadata = {"scenario": self.scenario.name, "seed": str(self.scenario.seed)}
        directory.write_parquet("ticks.parquet", self.ticks, metadata)
        directory.write_parquet("events.parquet", self.events, metadata)
        directory.write_parquet("agents.parquet", self.agents, metadata)
        if self.audit is not None:
            directory.write_text("audit.csv", self.audit.to_csv(index=False, lineterminator="\n"))
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
        directory.write_text("assumptions.csv", ledger_csv(assumptions(self.scenario)))
        directory.write_manifest(self.manifest)


def play(
    scenario: Scenario,
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    audits: int = 0,
) -> Run:
    """Play a scenario with one thread, which for models of this size is the fastest and the reproducible way.

    Parameters
    ----------
    scenario, data_dir, device
        See :meth:`scenarios.scenario.Scenario.build`.
    progress
        Called after every tick.
    audits
        Ticks at which a run of mode grid or surrogate is compared with trained models: it is played again.

    Raises
    ------
    InputError
        If the data set is missing or does not fit the scenario, or the run cannot be audited.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            model = scenario.build(data_dir=data_dir, device=device)
            audited = audited_ticks(model, scenario.ticks, audits) if audits else []
            if progress:
                progress(model)
            for _ in range(scenario.ticks):
                model.step()
                if progress:
                    progress(model)
            errors = audit(scenario.build(use_case=model.use_case), audited) if audited else None
    finally:
        torch.set_num_threads(threads)
    seconds = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return Run.of(scenario, model, seconds, audit=errors)


def _metric(model: DataLeverageModel) -> Metric | None:
    """Return the quality measure; a recording does not say which it was."""
    if isinstance(model.training, CurveTraining):
        return model.training.curve.metric
    return model.use_case.metric if model.use_case else None


def _manifest(scenario: Scenario, model: DataLeverageModel, ticks: pd.DataFrame) -> dict[str, Any]:
    use_case = model.use_case
    return {
        "scenario": scenario.model_dump(mode="json"),
        "seed": scenario.seed,
        "status": "finished",
        "mode": scenario.mode,
        "device": use_case.device if use_case else None,
        "threads": 1,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "version": importlib.metadata.version("data-leverage"),
        "code": code_digest(),
        "data": _sources(scenario, model),
        "survey": _surveyed(model),
        "network": network_statistics(
            model.network, model.streams.generator("network statistics"), model.groups
        ),
        "warnings": [
            *(use_case.warnings if use_case else ()),
            *(model.population.survey.warnings if model.population.survey else ()),
            *model.warnings,
            *_few_records(scenario, ticks),
        ],
    }


def _sources(scenario: Scenario, model: DataLeverageModel) -> dict[str, str]:
    """Return what the run was made from, each with its SHA-256."""
    digests = {model.use_case.name: model.use_case.data_digest} if model.use_case else {}
    if scenario.replay is not None:
        digests[scenario.replay] = _file_digest(scenario.replay)
    digests |= {path: _file_digest(path) for path in scenario.network.files}
    if isinstance(model.training, CurveTraining):
        digests[model.training.curve.source] = model.training.curve.digest
    return digests


def _surveyed(model: DataLeverageModel) -> dict[str, Any] | None:
    """Return which survey traits are from; ``None`` where they are all drawn from the parameters."""
    survey = model.population.survey
    if survey is None:
        return None
    return {"path": survey.name, "sha256": survey.digest, "respondents": survey.respondents}


def _file_digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _few_records(scenario: Scenario, ticks: pd.DataFrame) -> list[str]:
    """Warn of ticks at which the served view, where it is the headline, rests on very few test records."""
    if scenario.leverage.perspective != "served" or scenario.curve is not None:
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
