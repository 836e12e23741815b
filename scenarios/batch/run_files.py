"""The files of finished runs: one a run, and parts that hold hundreds, which replace them in long studies.

    runs/RUN_ID.parquet     the ticks of a run; what it was is in the metadata of its schema
    parts/part-*.parquet    the ticks of many runs; what each was is in columns, see :data:`SAID`

Pages have checksums, and every run has a digest of its values and of what its file says of it; the name of a
run is the hash of what it was. Files are never trusted more than that: links are not followed, nothing is
read that is too large, and what does not fit is damaged.

Core Objects: RunFiles, StoredRun, write_run, single_path, DamagedRunError.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analysis.durable_files import parquet_bytes, replace_file
from analysis.outputs import Output, columns_of, of_run
from scenarios.batch.plan import hashed

RUNS, PARTS = "runs", "parts"

SAID = {"run_id": "run_id", "run": "run_text", "seconds": "run_seconds", "study": "run_study"} | {
    "code": "run_code",
    "content": "run_content",
}
"""What a file says of its run, as keys of a run's own file and as columns of a part."""

MOST_BYTES = 128 * 2**20
"""Larger files are not ours."""

_OPEN_PARTS = 3
"""Parts that are kept in memory."""


class DamagedRunError(ValueError):
    """A run's file is not what it should be.

    Attributes
    ----------
    path
        The file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


@dataclass(frozen=True)
class StoredRun:
    """A finished run as its file has it.

    Attributes
    ----------
    ticks
        Columns of its ticks, [ticks + 1] each.
    said
        What its file says of it, by the keys of :data:`SAID`.
    path
        The file.
    """

    ticks: pa.Table
    said: Mapping[str, str]
    path: Path

    @property
    def seconds(self) -> float:
        """Wall time that it took."""
        return float(self.said["seconds"])

    @property
    def code(self) -> str:
        """Version of the code that it was made by."""
        return self.said["code"]

    def outputs(self, outputs: Sequence[Output]) -> dict[str, float]:
        """Return its outputs by name.

        Raises
        ------
        DamagedRunError
            If it has not the columns that are asked for.
        """
        try:
            return of_run(outputs, {name: self.ticks[name].to_numpy() for name in columns_of(outputs)})
        except (KeyError, ValueError, TypeError, IndexError, pa.ArrowException) as error:
            raise DamagedRunError(self.path, str(error)) from None

    def checked(self, run_id: str) -> StoredRun:
        """Return it if it is what was asked for, as it was written.

        Raises
        ------
        DamagedRunError
            If it is not.
        """
        try:
            text = self.said["run"]
            fits = hashed(text) == run_id and self.ticks.num_rows == json.loads(text)["scenario"]["ticks"] + 1
            if not fits:
                raise DamagedRunError(self.path, "is of another run")
            float(self.said["seconds"])
            if content(self.ticks, self.said) != self.said["content"]:
                raise DamagedRunError(self.path, "is not as it was written")
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, DamagedRunError):
                raise
            raise DamagedRunError(self.path, str(error)) from None
        return self


def content(ticks: pa.Table, said: Mapping[str, str]) -> str:
    """Return a digest of a run's values and of what its file says: page checksums leave out all names."""
    sha = hashlib.sha256()
    for key in ("run", "seconds", "study", "code"):
        sha.update(f"{key}={said[key]}\n".encode())
    for name in ticks.column_names:
        values = ticks[name].to_numpy()
        sha.update(f"{name} {values.dtype}\n".encode())
        sha.update("\n".join(map(str, values)).encode() if values.dtype == object else values.tobytes())
    return sha.hexdigest()


def single_path(folder: Path, run_id: str) -> Path:
    """Return where a run's own file is, or would be."""
    return folder / RUNS / f"{run_id}.parquet"


def write_run(folder: Path, text: str, ticks: pa.Table, seconds: float, metadata: Mapping[str, str]) -> None:
    """Store a finished run in a study's folder; it is on the disk when this returns.

    Parameters
    ----------
    folder
        Of the study.
    text
        The run, see :class:`scenarios.batch.plan.PlannedRun`.
    ticks
        One row a tick.
    seconds
        Wall time it took.
    metadata
        What else the file is to say: ``study`` and ``code``.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    said = {**metadata, "run_id": hashed(text), "run": text, "seconds": repr(seconds)}
    said["content"] = content(ticks, said)
    replace_file(single_path(folder, said["run_id"]), parquet_bytes(ticks, said))


def read_single(folder: Path, run_id: str) -> StoredRun | None:
    """Read a run's own file, every page of it checked; ``None`` if it is not there.

    Raises
    ------
    DamagedRunError
        If it is cut off, has a flipped bit, is a link, or is of another run.
    """
    path = single_path(folder, run_id)
    if not path.is_symlink() and not path.exists():
        return None
    ticks, metadata = _table(path)
    return StoredRun(ticks, metadata, path).checked(run_id)


def _table(path: Path, columns: Sequence[str] | None = None) -> tuple[pa.Table, dict[str, str]]:
    """Return the table of a file, or some columns of it, and what the metadata of its schema say."""
    try:
        _check_plain(path)
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
            metadata = _metadata(file.schema_arrow)
            if file.metadata.num_rows * file.metadata.num_columns * 8 > MOST_BYTES:
                raise DamagedRunError(path, "is too large")
            chosen = None if columns is None else list(columns)
            return file.read(chosen, use_threads=False), metadata
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        if isinstance(error, DamagedRunError):
            raise
        raise DamagedRunError(path, (str(error) or "is not readable").splitlines()[0]) from None


def _check_plain(path: Path) -> None:
    if path.is_symlink():
        raise DamagedRunError(path, "is a link")
    if path.stat().st_size > MOST_BYTES:
        raise DamagedRunError(path, "is too large")


def _metadata(schema: pa.Schema) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}


class _Part:
    """The runs of one part."""

    def __init__(self, path: Path) -> None:
        self.path = path
        table, _ = _table(path)
        try:
            ids = np.asarray(table[SAID["run_id"]].to_pylist(), object)
            begins = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]][: len(ids)])
            ends = np.r_[begins[1:], [len(ids)][: len(begins)]]
            self._rows = {
                str(ids[begin]): (int(begin), int(end)) for begin, end in zip(begins, ends, strict=True)
            }
            self._said = table.select(list(SAID.values()))
            self._ticks = table.drop_columns(list(SAID.values()))
        except (KeyError, ValueError, pa.ArrowException) as error:
            raise DamagedRunError(path, str(error)) from None

    def read(self, run_id: str) -> StoredRun:
        if run_id not in self._rows:
            raise DamagedRunError(self.path, f"has no run {run_id}")
        begin, end = self._rows[run_id]
        row = self._said.slice(begin, 1).to_pylist()[0]
        said = {key: str(row[column]) for key, column in SAID.items()}
        return StoredRun(self._ticks.slice(begin, end - begin), said, self.path)


class RunFiles:
    """The finished runs of a study's folder, each in its own file or in a part.

    Parts that come while it is used are seen, too.

    Parameters
    ----------
    folder
        Of the study.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listed: dict[Path, frozenset[str]] = {}
        self._parts: OrderedDict[Path, _Part] = OrderedDict()

    def read(self, run_id: str) -> StoredRun | None:
        """Return a run, every page of it checked; ``None`` if it is not there.

        Raises
        ------
        DamagedRunError
            If it is there, but not sound anywhere.
        """
        if not run_id.isalnum():
            return None
        try:
            if (single := read_single(self.folder, run_id)) is not None:
                return single
            damaged = None
        except DamagedRunError as error:
            damaged = error
        try:
            stored = self.in_part(run_id)
        except DamagedRunError as error:
            damaged, stored = error, None
        if stored is None and damaged is not None:
            raise damaged
        return stored

    def in_part(self, run_id: str) -> StoredRun | None:
        """Return a run if it is in a part.

        Raises
        ------
        DamagedRunError
            If the part is not sound.
        """
        damaged = None
        for path, ids in self._parts_now().items():
            if run_id in ids:
                try:
                    return self._opened(path).read(run_id).checked(run_id)
                except DamagedRunError as error:
                    damaged = error
        if damaged is not None:
            raise damaged
        return None

    def columns(self, run_id: str, names: Sequence[str]) -> pa.Table | None:
        """Return some columns of a run's ticks, much faster than all; ``None`` where they cannot be had.

        Only the pages that are read are checked: it is for runs that have been read before.
        """
        try:
            single = single_path(self.folder, run_id)
            if single.is_file():
                return _table(single, names)[0]
            paths = [path for path, ids in self._parts_now().items() if run_id in ids]
            return self._opened(paths[0]).read(run_id).ticks.select(names) if paths else None
        except (DamagedRunError, KeyError):
            return None

    def series(self, run_id: str, column: str) -> NDArray[np.float64] | None:
        """Return one column of a run's ticks, float64[ticks + 1], as :meth:`columns` does."""
        ticks = self.columns(run_id, [column]) if run_id.isalnum() else None
        try:
            return None if ticks is None else ticks[column].to_numpy().astype(np.float64)
        except (ValueError, TypeError):  # no numbers
            return None

    def names(self) -> set[str]:
        """Return the names of all runs that are there; whether they are sound is not looked at."""
        return self.singles().union(*self._parts_now().values())

    def singles(self) -> set[str]:
        """Return the names of the runs that have a file of their own."""
        return {path.stem for path in (self.folder / RUNS).glob("*.parquet") if path.stem.isalnum()}

    def unreadable_parts(self) -> list[Path]:
        """Return the parts that do not even say what they hold."""
        return [path for path, ids in self._parts_now().items() if not ids]

    def _parts_now(self) -> dict[Path, frozenset[str]]:
        """Return the names of the runs in each part that there is now, as the part's footer has them."""
        there = sorted((self.folder / PARTS).glob("part-*.parquet"))
        self._listed = {path: self._listed[path] if path in self._listed else _ids_in(path) for path in there}
        return self._listed

    def _opened(self, path: Path) -> _Part:
        if path not in self._parts:
            self._parts[path] = _Part(path)
            if len(self._parts) > _OPEN_PARTS:
                self._parts.popitem(last=False)
        self._parts.move_to_end(path)
        return self._parts[path]


def _ids_in(path: Path) -> frozenset[str]:
    """Return the names of the runs that a part's footer lists; none if it cannot be read."""
    try:
        _check_plain(path)
        return frozenset(map(str, json.loads(_metadata(pq.read_schema(path))["runs"])))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return frozenset()
