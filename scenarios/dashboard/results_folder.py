"""Finished runs and studies, read from one folder and from nowhere else.

What is opened is what a listing has found there: real files and folders, never links, never a path that
somebody typed. Tables are Parquet or CSV and texts are JSON or YAML; nothing that could run code is read,
and nothing that is too large.

Core Objects: Entry, entries, StoredRunTables, read_run_folder, StudyTables, read_study.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.decays import COLUMNS
from learners.errors import InputError
from scenarios import run_directory
from scenarios.assumptions import Assumption, assumptions
from scenarios.batch import store
from scenarios.batch.run_files import DamagedRunError, RunFiles
from scenarios.scenario import Scenario
from scenarios.yaml_file import read_mapping

MOST_BYTES = 200_000_000
MOST_ENTRIES = 500
MOST_RUNS = 600
"""Runs of a study whose ticks are read for bands."""

EFFECTS, DECAYS = "effects.csv", "decays.csv"


@dataclass(frozen=True)
class Entry:
    """A run or a study in the folder of results.

    Attributes
    ----------
    name
        Path below the folder.
    changed
        When it was written last, in seconds since 1970.
    """

    kind: Literal["run", "study"]
    name: str
    path: Path
    changed: float


@dataclass(frozen=True, eq=False)
class StoredRunTables:
    """A run's folder: its manifest, ticks and events, and the parameters that it was played with."""

    manifest: dict[str, Any]
    ticks: pd.DataFrame
    events: pd.DataFrame
    summary: str
    assumptions: tuple[Assumption, ...]


@dataclass(frozen=True, eq=False)
class StudyTables:
    """A study's folder.

    Attributes
    ----------
    runs
        One row a planned run.
    ticks
        One row a tick of every finished run that was read, with ``arm``, ``point`` and ``replicate``.
    effects
        Comparisons of the arms; no rows where there are none.
    decays
        How long advantages last, as of :func:`analysis.decays.decay_table`; no rows where none is followed.
    axes
        Columns of ``runs`` that were varied.
    outputs
        Columns of ``runs`` that were asked for.
    assumptions
        Parameters of the scenario that it varies.
    left_out
        Finished runs whose ticks were not read, since there are too many, or could not be.
    """

    question: str
    runs: pd.DataFrame
    ticks: pd.DataFrame
    effects: pd.DataFrame
    decays: pd.DataFrame
    axes: tuple[str, ...]
    outputs: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    left_out: int


def entries(results: Path) -> list[Entry]:
    """Return the runs and studies of a folder and of the folders in it, the latest first."""
    found = []
    for path in _folders(results):
        for kind, file in (("run", run_directory.MANIFEST), ("study", store.PLAN)):
            whole = _is_real(path / file) and _is_real(path / _TABLE_OF[kind])
            if whole:
                name = str(path.relative_to(results))
                found.append(Entry(kind, name, path, (path / file).stat().st_mtime))  # type: ignore[arg-type]
    return sorted(found, key=lambda entry: -entry.changed)[:MOST_ENTRIES]


_TABLE_OF = {"run": "ticks.parquet", "study": store.TABLE}


def read_run_folder(entry: Entry, results: Path) -> StoredRunTables:
    """Read a run.

    Raises
    ------
    InputError
        With one line that names the file that is not what it should be.
    """
    folder = _inside(entry, results)
    content = _bytes(folder / run_directory.MANIFEST)
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{entry.name}/{run_directory.MANIFEST} is not JSON") from None
    if not isinstance(manifest, dict) or manifest.get("format") != run_directory.FORMAT:
        raise InputError(f"{entry.name}/{run_directory.MANIFEST} does not describe a run of ours")
    ticks = _parquet(folder / "ticks.parquet")
    if not len(ticks) or not {"tick", "participation", "dlp_cdc"} <= set(ticks.columns):
        raise InputError(f"{entry.name}/ticks.parquet does not hold the ticks of a run")
    summary = folder / "summary.md"
    return StoredRunTables(
        manifest,
        ticks,
        _parquet(folder / "events.parquet"),
        _bytes(summary).decode("utf-8", errors="replace") if _is_real(summary) else "",
        _ledger(manifest.get("scenario")),
    )


def read_study(entry: Entry, results: Path) -> StudyTables:
    """Read a study.

    Raises
    ------
    InputError
        With one line that names the file that is not what it should be.
    """
    folder = _inside(entry, results)
    _bytes(folder / store.PLAN)
    plan = read_mapping(folder / store.PLAN).values
    _bytes(folder / store.TABLE)
    runs = store.read_table(folder)
    if runs is None:
        raise InputError(f"{entry.name}/{store.TABLE} cannot be read, or does not hold the runs of a study")
    columns = list(runs.columns)
    outputs = columns[columns.index("seconds") + 1 :] if "seconds" in columns else []
    known = {"run_id", "arm", "point", "replicate", "seed", "status", "seconds", *outputs}
    effects, lasts = (_csv(folder / name, entry) for name in (EFFECTS, DECAYS))
    if len(lasts) and not set(COLUMNS) <= set(lasts.columns):
        raise InputError(f"{entry.name}/{DECAYS} does not hold how long advantages last")
    ticks, left_out = _ticks(folder, runs[runs["status"] == "finished"])
    return StudyTables(
        str(plan.get("question") or ""),
        runs,
        ticks,
        effects,
        lasts,
        tuple(name for name in runs.columns if name not in known),
        tuple(outputs),
        _ledger(plan.get("base")),
        left_out,
    )


def band(ticks: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return mean, 5th and 95th percentile and number of runs of a column at each tick of each arm."""
    groups = ticks.groupby(["arm", "tick"], sort=False)[column]
    return pd.DataFrame(
        {
            "mean": groups.mean(),
            "low": groups.quantile(0.05),
            "high": groups.quantile(0.95),
            "n": groups.count(),
        }
    ).reset_index()


def _ledger(scenario: object) -> tuple[Assumption, ...]:
    """Return the parameters of a stored scenario; none of one that is not a scenario of this version."""
    try:
        return tuple(assumptions(Scenario.model_validate(scenario)))
    except ValueError:
        return ()


def _ticks(folder: Path, finished: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    parts, left_out = [], max(0, len(finished) - MOST_RUNS)
    files = RunFiles(folder)
    for row in finished.head(MOST_RUNS).itertuples():
        try:
            stored = files.read(str(row.run_id))
        except DamagedRunError:
            stored = None
        if stored is None:
            left_out += 1
            continue
        parts.append(stored.ticks.to_pandas().assign(arm=row.arm, point=row.point, replicate=row.replicate))
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), left_out


def _csv(path: Path, entry: Entry) -> pd.DataFrame:
    if not _is_real(path):
        return pd.DataFrame()
    _bytes(path)
    try:
        return pd.read_csv(path)
    except (ValueError, UnicodeDecodeError):
        raise InputError(f"{entry.name}/{path.name} is not a table") from None


def _parquet(path: Path) -> pd.DataFrame:
    _bytes(path)
    try:
        return pq.read_table(path, page_checksum_verification=True, use_threads=False).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"{path.parent.name}/{path.name} is not a readable table ({str(error)[:80]})"
        ) from None


def _bytes(path: Path) -> bytes:
    """Return the content of a file of bounded size that is no link; tables are read by their own readers."""
    if not _is_real(path):
        raise InputError(f"{path.parent.name}/{path.name} is not there, or is a link")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path.parent.name}/{path.name} is larger than {MOST_BYTES // 1_000_000} MB")
    return b"" if path.suffix == ".parquet" else path.read_bytes()


def _inside(entry: Entry, results: Path) -> Path:
    """Return the folder of an entry, checked again: it may have been changed since it was listed."""
    folder, top = entry.path.resolve(), results.resolve()
    if entry.path.is_symlink() or not folder.is_relative_to(top) or folder == top:
        raise InputError(f"{entry.name} is not inside the folder of results")
    return folder


def _folders(results: Path) -> Iterable[Path]:
    """Return the folders in a folder and in those, without links and hidden ones."""
    for path in _listed(results):
        yield path
        yield from _listed(path)


def _listed(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            names = [
                entry.name
                for entry in found
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            ]
    except OSError:
        return []
    return [folder / name for name in sorted(names)[: 4 * MOST_ENTRIES]]


def _is_real(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
