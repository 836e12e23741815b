"""The folder of a study: what is in it is true, whatever was killed while it was written.

    study.yaml          the plan, with its base scenario written out
    runs/RUN_ID.parquet the ticks of a run; see :mod:`scenarios.batch.run_files`
    parts/part-*.parquet hundreds of runs that had files of their own before
    runs.parquet        one row a planned run: parameters, status, seconds, outputs
    failures/RUN_ID.txt why a run failed
    journal.jsonl       what happened when, a line each; for people

A run's file is written beside, flushed and renamed by the worker, so it is there whole or not at all. What
does not fit is set aside and run again.

Core Objects: StudyStore.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.durable_files import parquet_bytes, replace_file
from analysis.json_lines import JsonLines
from analysis.outputs import Output
from learners.errors import InputError, OutputError
from scenarios.batch.run_files import PARTS, RUNS, DamagedRunError, RunFiles
from scenarios.yaml_file import read_mapping, written

if TYPE_CHECKING:
    from scenarios.batch.plan import PlannedRun
    from scenarios.study import Study

FORMAT = "data-leverage study 1"
"""First line of a study's journal, by which its folder is known."""

JOURNAL, PLAN, TABLE, FAILURES = "journal.jsonl", "study.yaml", "runs.parquet", "failures"
FIGURES = "figures"


class StudyStore:
    """A study's folder, locked against a second driver while the ``with`` block lasts.

    Raises
    ------
    OutputError
        If the folder holds something else, cannot be written, or another process runs a study there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = RunFiles(folder)
        self._made = [place for place in (folder, *folder.parents) if not place.exists()]
        try:
            self._journal = JsonLines(folder / JOURNAL)
        except OutputError as error:
            if "another process" in str(error):
                raise OutputError(f"the study in {folder} is being run by another process") from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        unused = not self._journal.lines()
        self._journal.close()
        if unused:  # refused before anything was written
            with suppress(OSError):
                self._journal.path.unlink()
                for folder in self._made:
                    folder.rmdir()

    def holds(self, study: Study, planned: pd.DataFrame) -> bool:
        """Return whether the folder is this study's already, with these runs.

        Parameters
        ----------
        study
            The study.
        planned
            Its runs, see :meth:`scenarios.batch.plan.Plan.table`.

        Raises
        ------
        InputError
            If the folder holds runs that the study does not have: it may grow, but not otherwise change.
        """
        lines = self._journal.lines()
        if lines and not _begins_journal(lines[0]):
            raise InputError(f"{self._journal.path}, line 1: is not the beginning of a study's journal")
        before, now = self._planned_before(), set(planned["run_id"])
        if lost := before - now:
            raise InputError(
                f"{self.folder} holds another study, with {len(lost)} runs that this one has not: "
                f"{self._difference(study)}; a study may be given more arms, values or replicates; "
                "for anything else name another --out"
            )
        return bool(lines) and before == now

    def claim(self, study: Study, planned: pd.DataFrame) -> None:
        """Take the folder for a study that it :meth:`holds` already, or may hold, and clear up in it."""
        try:
            for name in (RUNS, FAILURES, FIGURES):
                (self.folder / name).mkdir(exist_ok=True)
            for place in (RUNS, PARTS):
                for path in (self.folder / place).glob(".*.tmp"):  # of workers that were killed
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder}: {error.strerror or error}") from None
        if not self._journal.lines():
            self._journal.append({"log": FORMAT, "study": study.name})
        if not self.holds(study, planned):
            different = planned["run_id"].nunique()
            self.note("planned", rows=len(planned), runs=different, before=len(self._planned_before()))
            self.write_table(planned.assign(status="missing"))
        self.write(PLAN, written(study.record()).encode())

    def _planned_before(self) -> set[str]:
        """Return the runs that the folder is known to have been meant for, or has."""
        table = read_table(self.folder)
        if table is not None:
            return set(table["run_id"])
        return self.files.names()

    def _difference(self, study: Study) -> str:
        """Say what is different about the study that the folder holds."""
        try:
            before = flattened(read_mapping(self.folder / PLAN).values)
        except InputError:
            return "its study.yaml is not readable"
        now = flattened(study.record())
        changed = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        shown = [
            f"{key} was {_shown(before, key)}, is {_shown(now, key)}"
            for key in changed
            if key.rpartition(".")[2] not in ("question",)
        ]
        return "; ".join(shown[:3]) or "a file it names, or what a scenario means, has changed since"

    def finished(self, runs: Iterable[PlannedRun], outputs: Sequence[Output]) -> dict[str, FinishedRun]:
        """Return the runs that are there, by name; damaged files are set aside as NAME.corrupt."""
        for path in self.files.unreadable_parts():
            self._set_aside(path, "is not readable")
        found = {run.run_id: self.stored(run, outputs) for run in runs}
        return {run_id: stored for run_id, stored in found.items() if stored is not None}

    def stored(self, run: PlannedRun, outputs: Sequence[Output]) -> FinishedRun | None:
        """Return a run if it is there and sound; a damaged file is set aside."""
        while True:
            try:
                stored = self.files.read(run.run_id)
                if stored is None:
                    return None
                return FinishedRun(stored.seconds, stored.outputs(outputs), stored.code)
            except DamagedRunError as error:
                self._set_aside(error.path, str(error), run.run_id)

    def _set_aside(self, path: Path, reason: str, run_id: str | None = None) -> None:
        try:
            path.replace(path.with_suffix(".corrupt"))
        except OSError as failed:
            raise OutputError(f"cannot set {path} aside: {failed.strerror or failed}") from None
        self.note("corrupt", file=path.name, run_id=run_id, reason=reason)

    def failures(self) -> dict[str, str]:
        """Return what is known to have failed, by name: the last line of what went wrong."""
        return read_failures(self.folder)

    def fail(self, run_id: str, text: str) -> None:
        """Store why a run failed."""
        self.write(f"{FAILURES}/{run_id}.txt", text.encode())

    def forgive(self, run_id: str) -> None:
        """Forget a failure of a run that has finished now."""
        with suppress(OSError):
            (self.folder / FAILURES / f"{run_id}.txt").unlink(missing_ok=True)

    def note(self, event: str, **fields: Any) -> None:
        """Append to the journal."""
        self._journal.append({"event": event, "time": pd.Timestamp.now("UTC").isoformat(), **fields})

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the study's folder, whole or not at all."""
        replace_file(self.folder / name, data)

    def write_table(self, table: pd.DataFrame) -> None:
        """Write runs.parquet."""
        self.write(TABLE, parquet_bytes(uniform(table), {"format": FORMAT}))


@dataclass(frozen=True)
class FinishedRun:
    """What the study's table says of a finished run."""

    seconds: float
    outputs: Mapping[str, float]
    code: str


def _begins_journal(line: bytes) -> bool:
    try:
        parsed = json.loads(line)
    except ValueError:
        return False
    return isinstance(parsed, dict) and parsed.get("log") == FORMAT


def read_table(folder: Path) -> pd.DataFrame | None:
    """Return runs.parquet as it was last written; ``None`` if there is none that can be read."""
    path = folder / TABLE
    try:
        if path.is_symlink():
            return None
        table = pq.read_table(path, page_checksum_verification=True, use_threads=False).to_pandas()
    except (OSError, ValueError, pa.ArrowException):
        return None
    return table if {"run_id", "arm", "point", "replicate", "seed", "status"} <= set(table.columns) else None


def read_failures(folder: Path) -> dict[str, str]:
    """Return the runs that failed, by name: the last line of what went wrong."""
    return {
        path.stem: last_line(path.read_text(encoding="utf-8", errors="replace"))
        for path in sorted((folder / FAILURES).glob("*.txt"))
        if path.is_file() and not path.is_symlink()
    }


def last_line(text: str) -> str:
    """Return the last line with something in it."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def run_table(
    planned: pd.DataFrame,
    finished: Mapping[str, FinishedRun],
    failed: Iterable[str],
    outputs: Sequence[Output],
) -> pd.DataFrame:
    """Return one row a planned run: what it is, its status, seconds, outputs (NaN if it has not finished).

    Parameters
    ----------
    planned
        See :meth:`scenarios.batch.plan.Plan.table`.
    finished, failed
        By run_id; what is in neither is missing.
    outputs
        What is asked of each run.
    """
    ids, not_there = planned["run_id"], set(failed)
    table = planned.assign(
        status=[
            "finished" if run_id in finished else "failed" if run_id in not_there else "missing"
            for run_id in ids
        ],
        seconds=[finished[run_id].seconds if run_id in finished else float("nan") for run_id in ids],
    )
    for output in outputs:
        table[output.label] = [
            finished[run_id].outputs[output.label] if run_id in finished else float("nan") for run_id in ids
        ]
    return table


def uniform(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns have one type each: those of several become JSON texts."""
    mixed = [
        name
        for name, column in table.items()
        if column.dtype == object and len({type(value) for value in column}) > 1
    ]
    return table.assign(**{str(name): [json.dumps(value) for value in table[name]] for name in mixed})


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV; texts that a spreadsheet would take for formulas begin with an apostrophe."""

    def safe(value: object) -> object:
        return (
            f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
        )

    texts = [name for name, column in table.items() if not pd.api.types.is_numeric_dtype(column)]
    made_safe = table.assign(**{str(name): table[name].map(safe) for name in texts})
    return made_safe.to_csv(index=False, lineterminator="\n")


def flattened(value: Any, above: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings and lists by dotted key."""
    if isinstance(value, (dict, list)) and value:
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        leaves: dict[str, Any] = {}
        for key, inner in entries:
            leaves |= flattened(inner, f"{above}.{key}" if above else str(key))
        return leaves
    return {above: value}


def _shown(values: Mapping[str, Any], key: str) -> str:
    return repr(values[key])[:60] if key in values else "not there"


def counted(table: pd.DataFrame) -> dict[str, int]:
    """Return how many runs there are of each status."""
    counts = Counter(table["status"])
    return {status: counts.get(status, 0) for status in ("finished", "failed", "missing")}
