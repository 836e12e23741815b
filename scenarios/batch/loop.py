"""The loop that plays a study: it plans, engines play, and whatever is stopped goes on where it was.

What has been done is what is in the study's folder. The loop keeps few jobs with the engine, notes what
comes back, and looks into the deaths of workers: a run that a worker died of is played again with nothing
beside it, and has failed if that kills two more. The files of finished runs become parts on the way.

Core Objects: play_study, StudyResult.
"""

from __future__ import annotations

import difflib
import math
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pandas as pd

from learners.errors import InputError, OutputError
from scenarios.batch.jobs import CompactJob, PlayJob, ProbeJob
from scenarios.batch.parts import PART_RUNS
from scenarios.batch.store import FinishedRun, StudyStore, csv_text, last_line, run_table
from scenarios.code_version import loaded_code, software

if TYPE_CHECKING:
    from analysis.outputs import Output
    from scenarios.batch.engines import Ended, Engine
    from scenarios.batch.jobs import Report
    from scenarios.batch.plan import Plan, PlannedRun
    from scenarios.study import Study

Progress = Callable[[str, int, int], None]

QUEUED = 2
"""Jobs that an engine is given for each of its workers."""

GRACE = 3.0
"""Seconds that runs under way have to finish after Ctrl-C."""

ATTEMPTS = 3
"""Workers that a run may cost, all but the first with no other run beside it."""

LONG = 20.0
"""Seconds from which on one pilot run is enough."""

_ATTENTION = 0.2
"""Seconds after which Ctrl-C is noticed at the latest."""


@dataclass(frozen=True)
class StudyResult:
    """What became of a study.

    Attributes
    ----------
    out
        Its folder.
    runs
        runs.parquet: one row a planned run.
    effects
        effects.csv, see :func:`analysis.effects.effects`; no rows where there is one arm.
    thresholds
        thresholds.csv, see :func:`analysis.thresholds.thresholds`; no rows where none was asked for.
    claims
        claims.csv, see :func:`analysis.claim_table.claim_table`; no rows where nothing is claimed.
    sensitivity
        sensitivity.csv, see :meth:`scenarios.study.Study.sensitivity`; no rows where no space was sampled.
    decays
        decays.csv, see :func:`analysis.decays.decay_table`; no rows where none is asked for.
    interrupted
        Whether Ctrl-C stopped it.
    played
        How many runs were played this time.
    failures
        What failed, by run_id: the last line of what went wrong.
    """

    out: Path
    runs: pd.DataFrame
    effects: pd.DataFrame
    thresholds: pd.DataFrame
    claims: pd.DataFrame
    sensitivity: pd.DataFrame
    decays: pd.DataFrame
    interrupted: bool
    played: int
    failures: dict[str, str]


def play_study(
    study: Study,
    out: Path,
    open_engine: Callable[[], Engine],
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> StudyResult:
    """Play what of a study is not in its folder yet; see :meth:`scenarios.study.Study.run`."""
    plan = study.plan()
    planned = plan.table()
    outputs = tuple(study.file.outputs)
    with ExitStack() as stack:
        engine = _Lazy(open_engine)
        stack.callback(engine.close)
        store = stack.enter_context(StudyStore(out))
        if not store.holds(study, planned):
            probe(study, plan, engine(), data_dir, device)
        store.claim(study, planned)
        jobs = _Jobs(study.name, out.resolve(), data_dir, device, outputs)
        loop = _Loop(plan, store, jobs, progress)
        try:
            if loop.pending:
                loop.play(engine())
        finally:
            if not loop.unwritable:
                runs = run_table(planned, loop.finished, loop.failures, outputs)
                found = study.effects(runs)
                store.write_table(runs)
                reached, held = study.thresholds(runs), study.claims(runs)
                depends, lasts = study.sensitivity(runs), study.decays(runs, store.files)
                tables = {"effects": found, "thresholds": reached, "claims": held, "sensitivity": depends}
                for name, results in {**tables, "decays": lasts}.items():
                    if len(results):
                        store.write(f"{name}.csv", csv_text(results).encode())
        if not loop.interrupted:  # who presses Ctrl-C wants the prompt back
            from scenarios.batch.pictures import draw_study  # Matplotlib is not needed before

            draw_study(study, plan, store, found)
    return StudyResult(
        out, runs, found, reached, held, depends, lasts, loop.interrupted, loop.played, loop.failures
    )


def probe(study: Study, plan: Plan, engine: Engine, data_dir: Path | None, device: str) -> None:
    """Build the first run of every arm, without playing it.

    One whose building fails, or kills its worker, is left to do so when it is played.

    Raises
    ------
    InputError
        If one cannot be built, or does not record what the study asks for.
    """
    arms = {cell.arm: run for run, cell in zip(plan, plan.cells, strict=False) if cell.point == 0}
    for run in arms.values():
        engine.submit(ProbeJob(run.text, study.name, data_dir, device))
    for _ in arms:
        while (ended := engine.next(_ATTENTION)) is None:
            pass
        if ended.report is not None and ended.report.status == "refused":
            raise InputError(ended.report.text)
        if ended.report is not None and ended.report.status == "finished":
            _check_outputs(study, ended.report.outputs)


def _check_outputs(study: Study, columns: Mapping[str, float]) -> None:
    asked = [
        *((("outputs", number), output.columns) for number, output in enumerate(study.file.outputs)),
        *((("decays", number), (decay.column,)) for number, decay in enumerate(study.file.decays)),
    ]
    for (key, number), names in asked:
        for column in names:
            if column not in columns:
                close = difflib.get_close_matches(column, columns, n=1)
                advice = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(columns)}"
                place = study.document.origin((key, number))
                raise InputError(
                    f"{study.document.positions[place]}: {key}.{number}: no run records a number "
                    f"{column!r}; {advice}"
                )


class _Lazy:
    """An engine that is only opened when it is needed."""

    def __init__(self, open_engine: Callable[[], Engine]) -> None:
        self._open = open_engine
        self._engine: Engine | None = None

    def __call__(self) -> Engine:
        if self._engine is None:
            self._engine = self._open()
        return self._engine

    def close(self) -> None:
        """Close it if it was opened."""
        if self._engine is not None:
            self._engine.close()


class _Jobs:
    """Turns planned runs into jobs."""

    def __init__(
        self, name: str, folder: Path | None, data_dir: Path | None, device: str, outputs: tuple[Output, ...]
    ) -> None:
        self.code = loaded_code()
        self.outputs = outputs
        self._common = (name, data_dir, device, folder, outputs, self.code, software())

    def of(self, run: PlannedRun) -> PlayJob:
        """Return the job of playing a run."""
        return PlayJob(run.text, *self._common)


class _Loop:
    """What is done, what is under way, what is still to do."""

    def __init__(self, plan: Plan, store: StudyStore, jobs: _Jobs, progress: Progress | None) -> None:
        self._store = store
        self._jobs = jobs
        self._progress = progress
        runs = {run.run_id: run for run in plan}
        self._total = len(runs)
        self.finished: dict[str, FinishedRun] = store.finished(runs.values(), jobs.outputs)
        self.failures = {
            run_id: why
            for run_id, why in store.failures().items()
            if run_id in runs.keys() - self.finished.keys()
        }
        self.pending = deque(run for run_id, run in runs.items() if run_id not in self.finished)
        self._under_way: dict[str, PlannedRun] = {}
        self._suspects: deque[PlannedRun] = deque()
        self._deaths: Counter[str] = Counter()
        singles = store.files.singles()
        self._own = [run_id for run_id in self.finished if run_id in singles]
        self._compacting: set[CompactJob] = set()
        self.played = 0
        self.interrupted = self.unwritable = False

    def play(self, engine: Engine) -> None:
        """Play what is pending, until it is done or Ctrl-C is pressed.

        Raises
        ------
        OutputError
            If the folder cannot be written any more.
        """
        self._store.note(
            "started", pending=len(self.pending), finished=len(self.finished), code=self._jobs.code
        )
        self._say(f"{len(self.finished)} of {self._total} runs are there")
        try:
            with _interrupts() as asked:
                while self.pending or self._suspects or self._under_way or self._compacting:
                    if asked.times:
                        self._finish_in_time(engine, asked)
                        return
                    self._feed(engine)
                    self._take(engine.next(_ATTENTION))
        except OutputError:
            self.unwritable = True
            raise
        self._store.note("ended", finished=len(self.finished), failed=len(self.failures))

    def _feed(self, engine: Engine) -> None:
        while self.pending and len(self._under_way) < QUEUED * engine.workers:
            self._submit(engine, self.pending.popleft())
        while len(self._own) >= PART_RUNS:
            job = CompactJob(self._store.folder.resolve(), tuple(self._own[:PART_RUNS]))
            del self._own[:PART_RUNS]
            self._compacting.add(job)
            engine.submit(job)
        if self._suspects and not self._under_way and not self._compacting:
            # Alone, so that whoever kills its worker is known.
            self._submit(engine, self._suspects.popleft())

    def _submit(self, engine: Engine, run: PlannedRun) -> None:
        self._under_way[run.run_id] = run
        engine.submit(self._jobs.of(run))

    def _finish_in_time(self, engine: Engine, asked: _Asked) -> None:
        self.interrupted = True
        until = time.monotonic() + GRACE
        while self._under_way and asked.times == 1 and time.monotonic() < until:
            self._take(engine.next(_ATTENTION))
        self._store.note("interrupted", finished=len(self.finished))

    def _take(self, ended: Ended | None) -> None:
        """Note how a job ended."""
        if ended is None:
            return
        report = ended.report
        if report is not None and report.status == "unwritable":
            raise OutputError(report.text)
        if isinstance(ended.job, CompactJob):
            self._compacted(ended.job, report)
            return
        run = self._under_way.pop(ended.job.run_id)
        if report is None:
            self._look_into_death(run, ended.why)
        elif report.status == "refused":
            raise InputError(report.text)
        elif report.status == "finished":
            self._finish(run, FinishedRun(report.seconds, report.outputs, self._jobs.code))
        else:
            self._fail(run, report.text)

    def _look_into_death(self, run: PlannedRun, how: str) -> None:
        self._store.note("worker died", run_id=run.run_id, how=how)
        self._deaths[run.run_id] += 1
        if self._deaths[run.run_id] >= ATTEMPTS:
            self._fail(
                run, f"the worker process was {how}, {ATTEMPTS} times, at last with no other run beside it\n"
            )
        else:
            self._suspects.append(run)

    def _compacted(self, job: CompactJob, report: Report | None) -> None:
        """Note how a compaction ended; however that was, all runs are there, as before or in parts."""
        self._compacting.discard(job)
        how = "compacted" if report is not None and report.status == "finished" else "not compacted"
        self._store.note(how, runs=len(job.run_ids), why=last_line(report.text) if report else "worker died")

    def _finish(self, run: PlannedRun, finished: FinishedRun) -> None:
        self._store.note("finished", run_id=run.run_id, seconds=round(finished.seconds, 6))
        self.finished[run.run_id] = finished
        self._own.append(run.run_id)
        if self.failures.pop(run.run_id, None) is not None:
            self._store.forgive(run.run_id)
        self.played += 1
        self._say(f"{run}, {finished.seconds:.2f} s")

    def _fail(self, run: PlannedRun, text: str) -> None:
        self._store.fail(run.run_id, f"{run}\n\n{text}")
        self.failures[run.run_id] = last_line(text)
        self._store.note("failed", run_id=run.run_id, why=self.failures[run.run_id])
        self._say(f"{run} failed: {self.failures[run.run_id]}")

    def _say(self, text: str) -> None:
        if self._progress:
            self._progress(text, len(self.finished) + len(self.failures), self._total)


@dataclass
class _Asked:
    """How often Ctrl-C was pressed."""

    times: int = 0


@contextmanager
def _interrupts() -> Iterator[_Asked]:
    """Count Ctrl-C instead of being interrupted by it, where signals can be heard."""
    asked = _Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def count(number: int, frame: FrameType | None) -> None:
        asked.times += 1

    before = signal.signal(signal.SIGINT, count)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class Pilot:
    """How long one run takes: to load what it needs, and to play it; seconds of wall time."""

    loading: float
    playing: float

    def total(self, runs: int, workers: int) -> float:
        """Return the seconds that so many runs will take on so many workers."""
        return self.loading + self.playing * math.ceil(runs / workers)


def play_pilot(study: Study, plan: Plan, engine: Engine, data_dir: Path | None, device: str) -> Pilot:
    """Play the first run of a study twice, without storing it: the second time, everything is loaded.

    Raises
    ------
    InputError
        If it cannot be built, or does not record what the study asks for.
    RuntimeError
        If it fails.
    """
    start = time.monotonic()
    probe(study, plan, engine, data_dir, device)
    loading = time.monotonic() - start
    job = _Jobs(study.name, None, data_dir, device, tuple(study.file.outputs)).of(next(iter(plan)))
    seconds = 0.0
    for _ in range(2):
        engine.submit(job)
        while (ended := engine.next(_ATTENTION)) is None:
            pass
        if ended.report is None or ended.report.status != "finished":
            raise RuntimeError(f"the pilot run failed: {ended.report.text if ended.report else ended.why}")
        seconds = ended.report.seconds
        if seconds > LONG:
            break
    return Pilot(loading, seconds)
