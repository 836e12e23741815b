"""Which version of the code results are made by, and of what it stands on.

Core Objects: code_digest, loaded_code, software.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from functools import cache
from pathlib import Path

LIBRARIES = ("mesa", "numpy", "scipy", "pandas", "scikit-learn", "torch", "networkit", "pydantic", "pyarrow")
"""Libraries that results may depend on."""


def code_digest() -> str:
    """Return the SHA-256 of the project's source files: equal for equal code, installed or not."""
    sha = hashlib.sha256()
    root = Path(__file__).parents[1]
    for package in ("learners", "abm", "analysis", "scenarios"):
        for path in sorted((root / package).rglob("*.py")):
            sha.update(str(path.relative_to(root)).encode())
            sha.update(path.read_bytes())
    return sha.hexdigest()


@cache
def loaded_code() -> str:
    """Return :func:`code_digest` as it was when it was first asked for in this process.

    Asked for while modules are imported, it is of the code that runs, whatever becomes of the files later.
    """
    return code_digest()


@cache
def software() -> str:
    """Return the versions of Python and of the libraries that results may depend on, as one text."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    return ", ".join([f"Python {platform.python_version()}", *versions])
