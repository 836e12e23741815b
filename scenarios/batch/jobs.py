"""What a worker does for a study: play a run and store it, see what one would record, move runs into parts.

Core Objects: PlayJob, ProbeJob, CompactJob, Report.
"""

from __future__ import annotations

import json
import platform
import time
import traceback
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa

from analysis.outputs import Output, columns_of, of_run
from learners.errors import InputError, OutputError
from learners.reference_fits import ReferenceFits
from scenarios.batch.parts import compact
from scenarios.batch.plan import hashed, scenario_of
from scenarios.batch.run_files import DamagedRunError, read_single, write_run
from scenarios.code_version import loaded_code, software
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from learners.usecase import UseCase

KEPT_USE_CASES = 2
"""Use cases that a worker keeps loaded."""

_kept: OrderedDict[str, UseCase | None] = OrderedDict()


@dataclass(frozen=True)
class Report:
    """How a job ended.

    Attributes
    ----------
    status
        ``finished``; ``failed``: the run raised; ``refused``: the input is bad, or the worker not like the
        process that asks; ``unwritable``: the run could not be stored.
    text
        What went wrong.
    seconds
        Wall time of a run that finished.
    outputs
        Its outputs by name; of a probe, the columns of numbers that a run records.
    """

    status: Literal["finished", "failed", "refused", "unwritable"]
    text: str = ""
    seconds: float = 0.0
    outputs: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Job:
    text: str
    name: str
    data_dir: Path | None
    device: str

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return hashed(self.text)

    def _model(self, scenario: Scenario) -> DataLeverageModel:
        """Return the model at tick 0; data are loaded, and equal references fitted, once a process."""
        key = json.dumps(
            [
                *(scenario.use_case, scenario.mode, scenario.curve, scenario.population.users),
                *(scenario.learner, str(self.data_dir), self.device),
            ],
            sort_keys=True,
        )
        model = scenario.build(data_dir=self.data_dir, device=self.device, use_case=_kept.get(key))
        if model.use_case is not None and model.use_case.reference_fits is None:
            model.use_case.reference_fits = ReferenceFits()
        _kept[key] = model.use_case
        _kept.move_to_end(key)
        if len(_kept) > KEPT_USE_CASES:
            _kept.popitem(last=False)
        return model


@dataclass(frozen=True)
class PlayJob(_Job):
    """Play a run; with a folder, store its ticks there.

    Attributes
    ----------
    text
        The run, see :class:`scenarios.batch.plan.PlannedRun`.
    name
        Of the study.
    data_dir, device
        See :meth:`scenarios.scenario.Scenario.build`.
    folder
        Of the study, or ``None`` if the run is not to be stored.
    outputs
        What is asked of the run.
    code, software
        Of the process that asks, see :mod:`scenarios.code_version`: a worker with others refuses.
    """

    folder: Path | None
    outputs: tuple[Output, ...]
    code: str
    software: str

    def perform(self) -> Report:
        """Do it; whatever goes wrong is in the report."""
        start = time.perf_counter()
        try:
            if unlike := self._unlike_here():
                return Report("refused", unlike)
            if found := self._stored():
                return found
            ticks = self._ticks()
            outputs = of_run(
                self.outputs, {name: ticks[name].to_numpy() for name in columns_of(self.outputs)}
            )
            seconds = time.perf_counter() - start
            if self.folder is not None:
                write_run(self.folder, self.text, ticks, seconds, {"study": self.name, "code": self.code})
        except OutputError as error:
            return Report("unwritable", str(error))
        except Exception:
            return Report("failed", traceback.format_exc())
        return Report("finished", seconds=seconds, outputs=outputs)

    def _unlike_here(self) -> str:
        """Say how this process differs from the one that asks; nothing if the runs of both are the same."""
        pairs = zip(self.software.split(", "), software().split(", "), strict=True)
        if different := [f"{here}, not {asked}" for asked, here in pairs if here != asked]:
            return f"a worker on {platform.node()} has {'; '.join(different)}: give all workers the same"
        if self.code != loaded_code():
            return (
                f"a worker on {platform.node()} runs another version of the code ({loaded_code()[:12]}, not "
                f"{self.code[:12]}): give all workers the same, and start again after a change"
            )
        return ""

    def _stored(self) -> Report | None:
        """Return the run if it is there: whoever played it may have died before saying so."""
        try:
            stored = read_single(self.folder, self.run_id) if self.folder else None
            if stored is None:
                return None
            return Report("finished", seconds=stored.seconds, outputs=stored.outputs(self.outputs))
        except DamagedRunError:
            return None

    def _ticks(self) -> pa.Table:
        scenario = scenario_of(self.text, self.name)
        model = self._model(scenario)
        for _ in range(scenario.ticks):
            model.step()
        return pa.Table.from_pylist(model.ticks)


@dataclass(frozen=True)
class ProbeJob(_Job):
    """Build a run's model and see what it would record."""

    def perform(self) -> Report:
        """Do it; whatever goes wrong is in the report."""
        try:
            model = self._model(scenario_of(self.text, self.name))
        except InputError as error:
            return Report("refused", str(error))
        except Exception:
            return Report("failed", traceback.format_exc())
        numbers = {
            name: float(value)
            for name, value in model.ticks[0].items()
            if isinstance(value, (int, float, np.number, np.bool_))
        }
        return Report("finished", outputs=numbers)


@dataclass(frozen=True)
class CompactJob:
    """Move finished runs from their own files into parts, see :func:`scenarios.batch.parts.compact`."""

    folder: Path
    run_ids: tuple[str, ...]

    def perform(self) -> Report:
        """Do it; whatever goes wrong is in the report."""
        try:
            compact(self.folder, self.run_ids)
        except OutputError as error:
            return Report("unwritable", str(error))
        except Exception:
            return Report("failed", traceback.format_exc())
        return Report("finished")


Job = PlayJob | ProbeJob | CompactJob
