"""Results that are never computed twice: arrays on disk under the hash of everything they depend on.

Entries are written beside and renamed, so several processes may share a folder; each begins with its own
checksum, so a damaged entry is as good as none. Losing the folder costs time, nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

CACHE_VARIABLE = "DATA_LEVERAGE_CACHE"
"""Environment variable that names the cache directory."""

_CHECKSUM_BYTES = 32


def cache_directory() -> Path:
    """Return the folder of cached results: ``DATA_LEVERAGE_CACHE``, else the platform's cache folder."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    return Path(platformdirs.user_cache_dir("data-leverage", appauthor=False))


def cached(
    kind: str, depends_on: Mapping[str, Any], compute: Callable[[], Arrays]
) -> dict[str, NDArray[Any]]:
    """Return arrays from the cache, computed and stored where they are not in it.

    Parameters
    ----------
    kind
        What the arrays are, such as ``patch-features``; part of the key and of the file's name.
    depends_on
        Everything the arrays follow from, as JSON values: data digest, holding digest, parameters, seed,
        version of the code that computes them.
    compute
        Called where the cache has no sound entry. Arrays of objects are refused.

    Returns
    -------
    dict of str to ndarray
        A folder that cannot be written is no error: the result is computed each time.
    """
    key = hashlib.sha256(json.dumps([kind, depends_on], sort_keys=True).encode()).hexdigest()
    path = cache_directory() / f"{kind}-{key[:40]}.npz"
    found = _read(path)
    if found is None:
        found = dict(compute())
        _write(path, found)
    return found


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    try:
        content = path.read_bytes()
        checksum, body = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
        if hashlib.sha256(body).digest() != checksum:
            path.unlink(missing_ok=True)
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except OSError:
        return None


def _write(path: Path, arrays: Arrays) -> None:
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **arrays)
    content = body.getbuffer()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(content).digest())
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError:
        return
