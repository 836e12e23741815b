"""Check that the program will run here: interpreter, libraries, import names, data and output folders."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from learners.datasets.catalogue import data_directory, how_to_get
from learners.datasets.local import status
from learners.errors import OutputError
from scenarios.run_directory import check_writable

DISTRIBUTION = "data-leverage"
IMPORT_NAMES = ("learners", "abm", "analysis", "scenarios")


class Finding(NamedTuple):
    """One line of the check."""

    status: Literal["ok", "warn", "fail"]
    text: str


def check_environment(data_dir: Path | None) -> list[Finding]:
    """Return what was found, in the order of the checks."""
    return [*_python(), *_libraries(), *_import_names(), *_device(), *_data(data_dir), *_results()]


def _python() -> list[Finding]:
    enough = sys.version_info >= (3, 11)
    return [
        Finding("ok" if enough else "fail", f"Python {platform.python_version()} (3.11 or newer is needed)")
    ]


def _libraries() -> list[Finding]:
    versions = []
    for name in ("mesa", "numpy", "scipy", "pandas", "scikit-learn", "torch", "networkit"):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            return [Finding("fail", f"{name} is not installed")]
    return [Finding("ok", ", ".join(versions))]


def _import_names() -> list[Finding]:
    """Look for another distribution, or a folder, that owns one of our import names."""
    owners = importlib.metadata.packages_distributions()
    findings = []
    home = Path(__file__).parents[1]
    for name in IMPORT_NAMES:
        others = sorted({owner for owner in owners.get(name, []) if owner != DISTRIBUTION})
        if others:
            text = (
                f"'{name}' also belongs to {', '.join(others)}: install {DISTRIBUTION} in a venv of its own"
            )
            findings.append(Finding("warn", text))
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).parents[1] if spec and spec.origin else None
        if origin != home:
            findings.append(
                Finding("fail", f"'{name}' is imported from {origin}, not from {home}: it hides ours")
            )
    return findings or [Finding("ok", f"{', '.join(IMPORT_NAMES)} are ours, in {home}")]


def _device() -> list[Finding]:
    import torch

    if torch.cuda.is_available():
        return [Finding("ok", f"CUDA device: {torch.cuda.get_device_name()}")]
    return [Finding("ok", "no CUDA device: models train on the CPU, one thread each")]


def _data(data_dir: Path | None) -> list[Finding]:
    folder = data_directory(data_dir)
    return [
        Finding("ok", f"data set {row.name} is here ({row.title})")
        if row.present
        else Finding("warn", f"data set {row.name} is not in {folder}: {how_to_get(row.name)}")
        for row in status(folder)
    ]


def _results() -> list[Finding]:
    try:
        check_writable(Path("results"))
    except OutputError as error:
        return [Finding("fail", str(error))]
    return [Finding("ok", f"results can be written to {Path('results').resolve()}")]
