"""A file of JSON lines that only grows: one process writes it, and each line is on the disk when written.

Whatever kills the writer can at most cut off the last line, which the next writer drops.

Core Objects: JsonLines, canonical, plain.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learners.errors import OutputError

if sys.platform != "win32":
    import fcntl

Fields = Mapping[str, Any]


class JsonLines:
    """The file, opened and locked; its folder is made if it is not there.

    Parameters
    ----------
    path
        The file; its folder may hold nothing else before the file is there.

    Raises
    ------
    OutputError
        If the folder holds something else, cannot be written, or another process is writing the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            _check_ours(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab+")
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
        try:
            self._lock()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file and unlock it."""
        self._file.close()

    def lines(self) -> list[bytes]:
        """Return the lines there are; what follows the last line end was cut off and is dropped."""
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._file.truncate(len(whole))
        return whole.splitlines()

    def append(self, line: Fields) -> None:
        """Write a line; it is on the disk when this returns."""
        try:
            self._file.write((canonical(line) + "\n").encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from None

    def _lock(self) -> None:
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(f"{self.path} is being written by another process") from None


def canonical(line: Fields) -> str:
    """Return strict JSON, the same text for the same fields: keys in order, NaN as null."""
    return json.dumps(_finite(line), allow_nan=False, sort_keys=True)


def plain(fields: Fields) -> dict[str, Any]:
    """Return what reading the fields back from their line gives."""
    return dict(json.loads(canonical(fields)))


def _check_ours(path: Path) -> None:
    if path.parent.exists() and not path.exists() and any(path.parent.iterdir()):
        raise OutputError(f"{path.parent} is not empty and holds no {path.name}; name another folder")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
