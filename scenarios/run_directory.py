"""Write a run's folder so that it is there whole or not at all.

Everything goes into a hidden folder beside the place asked for, each file flushed to the disk, and the folder
is renamed into place when the run has finished. Whatever stops a run before that, killing it included, leaves
the place as it was; a killed run's hidden folder is removed by the next run to the same place.

Core Objects: RunDirectory, json_text, check_writable.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.durable_files import parquet_bytes, sync_folder
from analysis.figure_files import rendered
from learners.errors import OutputError

MANIFEST = "run.json"
FORMAT = "data-leverage run 1"
"""The value of the manifest's ``format`` key, by which a folder is known to be ours to replace."""

_MANIFEST_LIMIT = 64_000_000
_in_use: set[Path] = set()
"""Hidden folders that this process is writing: its own process id does not tell them from a dead run's."""


class RunDirectory:
    """A run's folder at ``out``, written beside it and swapped in when the ``with`` block ends well.

    The run that was at ``out`` moves to ``<out>.previous``, where it replaces an older one. Making the object
    checks that this will be possible; nothing is written before the block is entered.

    Parameters
    ----------
    out
        Where the folder will be.

    Raises
    ------
    OutputError
        If ``out`` holds something that is not a run of ours, or cannot be written.
    """

    def __init__(self, out: Path) -> None:
        try:
            self.out = out.resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a NUL, a loop of links
            raise OutputError(f"{str(out)!r} is not a usable path ({_reason(error)})") from None
        self._previous = self.out.with_name(f"{self.out.name}.previous") if self.out.name else self.out
        if self.out in (Path.cwd(), Path(self.out.anchor)):
            raise OutputError(f"{self.out} is the current or the top folder; name a folder inside it")
        for place in (self.out, self._previous):
            _check_ours(place)
        check_writable(self.out.parent)
        self._part = self.out.with_name(f".{self.out.name}.{os.getpid()}.part")
        self._made: list[Path] = []

    def __enter__(self) -> RunDirectory:
        try:
            self._made = [folder for folder in self.out.parents if not folder.exists()]
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self._remove_abandoned()
            self._part.mkdir()
        except FileExistsError:
            raise OutputError(f"{self.out} is being written by another run of this process") from None
        except OSError as error:
            raise OutputError(f"cannot write {self.out}: {_reason(error)}") from None
        _in_use.add(self._part)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._swap_in()
        finally:
            shutil.rmtree(self._part, ignore_errors=True)
            _in_use.discard(self._part)
            for folder in self._made:  # those left empty, by a run that failed
                with suppress(OSError):
                    folder.rmdir()

    def write_manifest(self, record: Mapping[str, object]) -> None:
        """Write ``run.json``, marked as ours; a run without one is not swapped in."""
        self.write_json(MANIFEST, {"format": FORMAT, **record})

    def write_json(self, name: str, record: Mapping[str, object]) -> None:
        """Write a record as :func:`json_text`."""
        self.write_text(name, json_text(record))

    def write_text(self, name: str, text: str) -> None:
        """Write a text in UTF-8; ``name`` is relative to the folder."""
        self._write(name, text.encode())

    def write_parquet(self, name: str, table: pd.DataFrame, metadata: Mapping[str, str]) -> None:
        """Write a table with page checksums, so that a flipped bit is found when it is read.

        Parameters
        ----------
        name
            File name, relative to the folder.
        table
            Columns are kept, the index is not.
        metadata
            Added to the metadata of the file's schema.
        """
        self._write(name, parquet_bytes(table, metadata))

    def write_figure(self, figure: Figure, stem: str) -> None:
        """Write ``stem.png`` and ``stem.svg``."""
        for suffix, data in rendered(figure).items():
            self._write(f"{stem}.{suffix}", data)

    def _write(self, name: str, data: bytes) -> None:
        path = self._part / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self.out / name}: {_reason(error)}") from None

    def _swap_in(self) -> None:
        if not (self._part / MANIFEST).is_file():
            raise RuntimeError("a run ended without a manifest")
        outdated = self._part.with_suffix(".outdated.part")  # as a .part, it is removed if we are killed now
        done: list[tuple[Path, Path]] = []

        def move(source: Path, target: Path) -> None:
            source.rename(target)
            done.append((source, target))

        try:
            for folder in (*(path for path in self._part.rglob("*") if path.is_dir()), self._part):
                sync_folder(folder)
            for place in (self.out, self._previous):
                _check_ours(place)  # again: somebody may have put something there while the run went on
            if _is_ours(self.out):
                if self._previous.exists():
                    move(self._previous, outdated)
                move(self.out, self._previous)
            elif self.out.exists():
                self.out.rmdir()
            move(self._part, self.out)
            sync_folder(self.out.parent)
        except BaseException as error:
            for source, target in reversed(done):
                with suppress(OSError):
                    target.rename(source)
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise OutputError(f"cannot write {self.out}: {_reason(error)}") from None
            raise
        shutil.rmtree(outdated, ignore_errors=True)

    def _remove_abandoned(self) -> None:
        """Remove the hidden folders of runs to this place whose process is dead.

        A whole run that was killed between moving the old one away and itself in is put in place instead.
        """
        pattern = re.compile(re.escape(f".{self.out.name}.") + r"(\d+)(\.outdated)?\.part")
        for path in self.out.parent.iterdir():
            match = pattern.fullmatch(path.name)
            if match and path not in _in_use and not _is_other_process(int(match[1])):
                if not match[2] and _is_ours(path) and not self.out.exists():
                    path.rename(self.out)
                else:
                    shutil.rmtree(path, ignore_errors=True)


def check_writable(folder: Path) -> None:
    """Check that a folder, or the nearest one above it that exists, can be written.

    Raises
    ------
    OutputError
        With one line that names what cannot be written.
    """
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder} cannot be written")


def json_text(record: Mapping[str, object]) -> str:
    """Return strict JSON, indented, with NaN and the infinities as null and NumPy numbers as numbers."""
    return json.dumps(_plain(record), allow_nan=False, ensure_ascii=False, indent=2) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _check_ours(place: Path) -> None:
    """Raise unless there is nothing at the place, an empty folder, or a run of ours."""
    try:
        occupied = place.exists() and not _is_ours(place) and any(place.iterdir())
    except OSError as error:  # a file, or a folder that may not be listed
        raise OutputError(f"{place} is no folder for results: {_reason(error)}") from None
    if occupied:
        raise OutputError(f"{place} is not empty and holds no run of ours; name another folder")


def _is_ours(place: Path) -> bool:
    manifest = place / MANIFEST
    try:
        if manifest.is_symlink() or manifest.stat().st_size > _MANIFEST_LIMIT:
            return False
        record = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.get("format") == FORMAT


def _is_other_process(pid: int) -> bool:
    if os.name == "nt":  # there, signal 0 is Ctrl-C; folders of killed runs are left
        return True
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # alive, and somebody else's
        return True
    return True


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
