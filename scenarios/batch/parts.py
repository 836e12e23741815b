"""Compaction: the files of hundreds of finished runs become one part, which holds the same.

A part is written beside its place, flushed, renamed into place and read back; only then are the runs' own
files deleted. Wherever that is stopped, every run is in its own file, in a part, or in both, which are equal;
the next compaction goes on from there.

Core Objects: compact, PART_RUNS.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from analysis.durable_files import parquet_bytes, replace_file, sync_folder
from learners.errors import OutputError
from scenarios.batch.plan import hashed
from scenarios.batch.run_files import (
    PARTS,
    SAID,
    DamagedRunError,
    RunFiles,
    StoredRun,
    read_single,
    single_path,
)

PART_RUNS = 500
"""Files of runs that are made one part."""

PART_BYTES = 32 * 2**20
"""Values that a part holds at most, unless one run alone has more."""


def compact(folder: Path, run_ids: Sequence[str]) -> int:
    """Move runs from their own files into parts.

    A run whose own file is missing or damaged stays as it is; of one that is in a part already, only its own
    file is deleted.

    Parameters
    ----------
    folder
        Of the study.
    run_ids
        The runs.

    Returns
    -------
    int
        How many own files were deleted.

    Raises
    ------
    OutputError
        If a part cannot be written, or is not as it was written when it is read back; the runs keep theirs.
    """
    deleted = 0
    for runs in _groups(folder, run_ids):
        deleted += _into_part(folder, runs)
    return deleted


def _groups(folder: Path, run_ids: Sequence[str]) -> Iterator[dict[str, StoredRun]]:
    """Yield runs by name that have the same columns and are no more than a part may hold."""
    groups: dict[pa.Schema, dict[str, StoredRun]] = {}
    size: Counter[pa.Schema] = Counter()
    for run_id in run_ids:
        try:
            stored = read_single(folder, run_id)
        except DamagedRunError:
            continue
        if stored is None:
            continue
        schema = stored.ticks.schema.remove_metadata()
        group = groups.setdefault(schema, {})
        group[run_id] = stored
        size[schema] += stored.ticks.nbytes
        if len(group) >= PART_RUNS or size[schema] >= PART_BYTES:
            size[schema] = 0
            yield groups.pop(schema)
    yield from groups.values()


def _into_part(folder: Path, runs: dict[str, StoredRun]) -> int:
    files = RunFiles(folder)
    new = {run_id: stored for run_id, stored in runs.items() if not _holds(files, run_id, stored)}
    if new:
        _make(folder / PARTS)
        path = folder / PARTS / f"part-{hashed(' '.join(new))}.parquet"
        replace_file(path, parquet_bytes(_table(list(new.values())), {"runs": json.dumps(list(new))}))
        if not all(_holds(files, run_id, stored) for run_id, stored in new.items()):
            path.unlink(missing_ok=True)
            raise OutputError(f"{path} is not as it was written: the disk may be failing")
    try:
        for run_id in runs:
            single_path(folder, run_id).unlink(missing_ok=True)
        sync_folder(single_path(folder, "").parent)
    except OSError as error:
        raise OutputError(f"cannot delete runs in {folder}: {error.strerror or error}") from None
    return len(runs)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from None


def _holds(files: RunFiles, run_id: str, stored: StoredRun) -> bool:
    """Return whether a part has the run, and reads as the run's own file does."""
    try:
        found = files.in_part(run_id)
    except DamagedRunError:
        return False
    return found is not None and found.said["content"] == stored.said["content"]


def _table(runs: Sequence[StoredRun]) -> pa.Table:
    """Return the ticks of runs one after the other, with what is said of each in columns."""
    ticks = pa.concat_tables([run.ticks.replace_schema_metadata(None) for run in runs])
    numbers = pa.array(np.repeat(np.arange(len(runs), dtype=np.int32), [run.ticks.num_rows for run in runs]))
    for key, column in SAID.items():
        texts = pa.array([run.said[key] for run in runs])
        ticks = ticks.append_column(column, pa.DictionaryArray.from_arrays(numbers, texts))
    return ticks
