"""The command line as people run it, and a few finished runs that several test modules look at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from scenarios.cli import main

SMALL_SCENARIO = """\
name: small-town
question: What does a law do to sixty people?
note: Sixty people are few.
use_case: digits
learner: {filters: 8}
ticks: 4
seed: 7
population: {users: 60}
network: {family: watts_strogatz, degree: 6}
interventions:
  - {kind: portability_law, start: 2, end: 4}
record: {agents: 2, composition: off}
"""
"""A run of a fraction of a second, with a law that comes and goes, and users recorded on the way."""


@pytest.fixture(scope="session")
def executable() -> str:
    """The installed command."""
    path = shutil.which("data-leverage", path=sysconfig.get_path("scripts"))
    assert path, "the command data-leverage is not installed beside this Python"
    return path


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Environment variables without the data sets and habits of whoever runs the tests."""
    kept = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "COLUMNS")}
    return kept | {"DATA_LEVERAGE_DATA": str(tmp_path_factory.mktemp("nothing") / "data"), "COLUMNS": "120"}


@pytest.fixture(scope="session")
def command(executable, environment):
    """Return a function that runs ``data-leverage`` in a folder and returns the completed process."""

    def run(*arguments, cwd, **variables):
        return subprocess.run(
            [executable, *map(str, arguments)],
            cwd=cwd,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture
def inside(monkeypatch, capsys, tmp_path):
    """Return a function that does the same within this process, in the test's folder: much quicker."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, columns=120):
        capsys.readouterr()
        code = 0
        with monkeypatch.context() as patch:
            patch.setenv("DATA_LEVERAGE_DATA", str(tmp_path.parent / "nothing"))
            patch.setenv("COLUMNS", str(columns))
            patch.setattr(sys, "argv", ["data-leverage", *map(str, arguments)])
            try:
                main()
            except SystemExit as ended:
                code = ended.code or 0
        captured = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def small_scenario() -> str:
    """The text of a scenario that runs in a fraction of a second."""
    return SMALL_SCENARIO


@pytest.fixture(scope="session")
def played(tmp_path_factory, command):
    """Return a working directory in which the small scenario was played twice, and both processes.

    The second process has another number of threads in its environment.
    """
    folder: Path = tmp_path_factory.mktemp("played")
    (folder / "town.yaml").write_text(SMALL_SCENARIO)
    first = command("run", "town.yaml", cwd=folder)
    second = command("run", "town.yaml", "--json", cwd=folder, OMP_NUM_THREADS="64")
    return folder, first, second
