"""Measuring a learning curve into a folder: a restart goes on where the last one was stopped or killed.

The folder holds curve.json, which says what is measured and with what, and curve.csv, to which the rows of
each point are added as soon as it is measured. Further rates, repeats and poison kinds are added to what is
there; another seed, data set, learner or version needs another folder.

Core Objects: measured_curve.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import torch
from threadpoolctl import threadpool_limits

from analysis.durable_files import replace_file
from learners.curves.curve_files import FORMAT, RECORD, ROWS, read_measurements, read_record
from learners.curves.measuring import CurvePoint, Measurement, measured_points, planned_points
from learners.errors import InputError, OutputError
from learners.parameters import Parameters
from learners.usecase import UseCase

if sys.platform != "win32":
    import fcntl

Progress = Callable[[int, int, CurvePoint | None], None]
"""Called with the numbers of points done and of all, and the last point: ``None`` before the first."""

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "data-leverage")


def measured_curve(
    use_case: UseCase,
    out: Path,
    *,
    rates: Sequence[float],
    repeats: int,
    poisons: Sequence[str] = (),
    seed: int = 1,
    progress: Progress | None = None,
) -> list[Measurement]:
    """Measure, with one thread, what the folder does not hold yet and return all rows in it.

    Parameters
    ----------
    use_case
        What is trained.
    out
        The folder, made where it is not there.
    rates, repeats, poisons
        See :func:`learners.curves.measuring.planned_points`.
    seed
        Of the orders of the owners and of the fits.

    Raises
    ------
    InputError
        If a rate or a poison kind is none, or the folder holds a curve measured with something else.
    OutputError
        If the folder holds something else, cannot be written, or is being written by another process.
    """
    points = planned_points(use_case, rates, repeats, poisons)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1), _CurveFolder(out, _record(use_case, seed)) as folder:
            missing = [point for point in points if point not in folder.points]
            done = len(points) - len(missing)
            if progress:
                progress(done, len(points), None)
            for number, (point, rows) in enumerate(measured_points(use_case, missing, seed), start=1):
                folder.append(rows)
                if progress:
                    progress(done + number, len(points), point)
            return folder.rows
    finally:
        torch.set_num_threads(threads)


def _record(use_case: UseCase, seed: int) -> dict[str, Any]:
    learner = {
        name: part.model_dump(mode="json")
        for name, part in vars(use_case).items()
        if isinstance(part, Parameters)
    }
    return {
        "format": FORMAT,
        "use_case": use_case.name,
        "metric": use_case.metric.name,
        "personalised": use_case.personalised,
        "data": use_case.data_digest,
        "owners": use_case.owners,
        "learner": learner,
        "seed": seed,
        "device": use_case.device,
        "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


class _CurveFolder:
    """An open folder of a curve, locked against other processes."""

    def __init__(self, out: Path, record: Mapping[str, Any]) -> None:
        self._out = out
        self.rows: list[Measurement] = []
        record_path, rows_path = out / RECORD, out / ROWS
        try:
            if not record_path.exists() and _others(out):
                raise OutputError(f"{out} is not empty and holds no {RECORD}; name another folder")
            out.mkdir(parents=True, exist_ok=True)
            if record_path.exists():
                _compare(record_path, record)
            else:
                replace_file(record_path, (json.dumps(record, indent=2) + "\n").encode())
            self._file: BinaryIO = rows_path.open("ab+")
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"cannot write {out}: {error.strerror or error}") from None
        try:
            self._lock()
            self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> _CurveFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def points(self) -> set[CurvePoint]:
        """The points measured, all of their rows."""
        return {CurvePoint(row.repeat, row.clean_share, row.poison, row.poisoned_share) for row in self.rows}

    def append(self, rows: Sequence[Measurement]) -> None:
        """Add the rows of a point; they are on the disk when this returns."""
        self._write(rows)
        self.rows.extend(rows)

    def _lock(self) -> None:
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(f"{self._out} is being written by another process") from None

    def _read(self) -> None:
        """Take in the rows there are, and cut off what a killed run left of its last point."""
        self._file.seek(0)
        content = self._file.read()
        if b"\n" not in content:
            self._file.truncate(0)
            self._write([Measurement._fields])
            return
        self.rows = read_measurements(content, str(self._out / ROWS))
        lines = content.splitlines(keepends=True)[: 1 + len(self.rows)]
        self._file.truncate(sum(map(len, lines)))

    def _write(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO()
        # A NumPy number is written like Python's: the shortest text that reads back as the same.
        plain = [[float(cell) if isinstance(cell, float) else cell for cell in row] for row in rows]
        csv.writer(text, lineterminator="\n").writerows(plain)
        try:
            self._file.write(text.getvalue().encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self._out / ROWS}: {error.strerror or error}") from None


def _compare(path: Path, record: Mapping[str, Any]) -> None:
    before = read_record(path)
    for key, value in record.items():
        if before.get(key) != value:
            raise InputError(
                f"{path}: measured with {key} = {json.dumps(before.get(key))}, not {json.dumps(value)}; "
                "name another folder with --out"
            )


def _others(out: Path) -> list[Path]:
    """Return what is in a folder besides the unfinished curve.json of a killed run."""
    inside = out.iterdir() if out.exists() else ()
    return [path for path in inside if not path.name.startswith(f".{RECORD}.")]
