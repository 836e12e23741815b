"""What a study's folder holds at the moment, read without disturbing whoever is writing it.

Core Objects: study_status, StudyStatus, caught_up.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.outputs import Output
from learners.errors import InputError
from scenarios.batch.run_files import PARTS, RUNS, DamagedRunError, RunFiles
from scenarios.batch.store import (
    FAILURES,
    JOURNAL,
    PLAN,
    FinishedRun,
    counted,
    read_failures,
    read_table,
    run_table,
)
from scenarios.study import load_study

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True)
class StudyStatus:
    """What is done, what failed, what is left.

    Attributes
    ----------
    name
        Of the study.
    runs
        One row a planned run, as runs.parquet will have it.
    failures
        What failed, by run_id: the last line of what went wrong.
    damaged
        Runs whose file is damaged, or was and is set aside: they are played again.
    codes
        Versions of the code that the runs were made by.
    running
        Whether a process is at it.
    """

    name: str
    runs: pd.DataFrame
    failures: dict[str, str]
    damaged: list[str]
    codes: list[str]
    running: bool

    def record(self) -> dict[str, Any]:
        """Return it as one mapping."""
        return {
            "study": self.name,
            "runs": len(self.runs),
            **counted(self.runs),
            "damaged": self.damaged,
            "failures": self.failures,
            "codes": self.codes,
            "running": self.running,
        }

    def lines(self) -> list[str]:
        """Return it as text for people."""
        counts = counted(self.runs)
        done = ", ".join(f"{number} {status}" for status, number in counts.items())
        now = "; being played now" if self.running else ""
        told = [f"{self.name}: {done} of {len(self.runs)} runs{now}"]
        seconds = self.runs["seconds"]
        if counts["finished"]:
            told.append(f"{seconds.mean():.2f} s a run, {seconds.sum():.0f} s in all")
        for arm, group in self.runs.groupby("arm", sort=False):
            told.append(f"  {arm}: {int((group['status'] == 'finished').sum())} of {len(group)}")
        if self.damaged:
            told.append(f"damaged, to be played again: {', '.join(self.damaged)}")
        if len(self.codes) > 1:
            told.append(f"warning: made by {len(self.codes)} versions of the code")
        return told


def study_status(folder: Path) -> StudyStatus:
    """Read a study's folder.

    Raises
    ------
    InputError
        If it is no study's.
    """
    planned = read_table(folder)
    if planned is None or not (folder / PLAN).is_file():
        raise InputError(f"{folder} holds no study: no readable runs.parquet and study.yaml")
    study = load_study(folder / PLAN)
    outputs = study.file.outputs
    kept = {"run_id", "arm", "point", "replicate", "seed", *study.file.swept}
    planned = planned[[name for name in planned.columns if name in kept]]
    finished: dict[str, FinishedRun] = {}
    files = RunFiles(folder)
    damaged = {path.stem for place in (RUNS, PARTS) for path in (folder / place).glob("*.corrupt")}
    damaged |= {path.stem for path in files.unreadable_parts()}
    for run_id in map(str, planned["run_id"].unique()):
        try:
            if stored := files.read(run_id):
                finished[run_id] = FinishedRun(stored.seconds, stored.outputs(outputs), stored.code)
        except DamagedRunError:
            damaged.add(run_id)
    failures = {
        run_id: why
        for run_id, why in read_failures(folder).items()
        if run_id in set(planned["run_id"]) - finished.keys()
    }
    return StudyStatus(
        study.name,
        run_table(planned, finished, failures, outputs),
        failures,
        sorted(damaged - finished.keys()),
        sorted({run.code for run in finished.values()}),
        _being_written(folder / JOURNAL),
    )


def caught_up(folder: Path, table: pd.DataFrame, outputs: Sequence[Output]) -> pd.DataFrame:
    """Return a table of runs with those that ended after it was written: a driver that was killed wrote none.

    Parameters
    ----------
    folder
        Of the study.
    table
        Its runs.parquet; rows that say ``finished`` are taken at their word.
    outputs
        What is asked of each run.
    """
    labels = [output.label for output in outputs]
    files = RunFiles(folder)
    present, finished = files.names(), {}
    for row in table.drop_duplicates("run_id").to_dict("records"):
        run_id = str(row["run_id"])
        if row["status"] == "finished":
            values = {label: row.get(label, float("nan")) for label in labels}
            finished[run_id] = FinishedRun(row.get("seconds", float("nan")), values, "")
        elif run_id in present:
            with suppress(DamagedRunError):
                if stored := files.read(run_id):
                    finished[run_id] = FinishedRun(stored.seconds, stored.outputs(outputs), stored.code)
    planned = table.drop(columns=["status", "seconds", *labels], errors="ignore")
    failed = {path.stem for path in (folder / FAILURES).glob("*.txt")}
    return run_table(planned, finished, failed, outputs)


def _being_written(journal: Path) -> bool:
    """Return whether another process has the journal locked; Windows has no such locks."""
    if sys.platform != "win32":
        try:
            with journal.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False
