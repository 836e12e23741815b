"""The same study on Dask and Ray, where they are installed."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from scenarios.batch.engines import Ended, open_engine
from scenarios.batch.jobs import PlayJob
from scenarios.batch.loop import play_study
from scenarios.code_version import loaded_code, software
from scenarios.study import load_study

pytestmark = pytest.mark.slow

STUDY = """\
name: law
base: published-curves
settings: {population.users: 60, interventions: [{kind: portability_law, start: 2}]}
ticks: 4
replicates: 3
arms:
  none: {interventions: []}
  law:
"""


class InProcess:
    """Does jobs in this process."""

    workers = 1

    def __init__(self):
        self.waiting = []

    def submit(self, job):
        self.waiting.append(job)

    def next(self, timeout):
        job = self.waiting.pop()
        return Ended(job, job.perform())

    def close(self):
        pass


@pytest.fixture(params=["dask", "ray"])
def engine(request, monkeypatch):
    pytest.importorskip({"dask": "distributed", "ray": "ray"}[request.param])
    # Workers find the packages where this process does.
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    )
    opened = open_engine(request.param, 1, None)
    yield opened
    opened.close()


def kill_whoever_plays():
    """Kill the worker that runs long in this machine's process table."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        command = (stat.parent / "cmdline").read_text(errors="replace")
        if "ray::perform" in command:
            os.kill(int(stat.parent.name), signal.SIGKILL)


def test_study_is_the_same_and_a_dead_worker_is_reported(engine, tmp_path):
    (tmp_path / "law.yaml").write_text(STUDY)
    study = load_study(tmp_path / "law.yaml")
    here = play_study(study, tmp_path / "here", InProcess).runs
    there = play_study(study, tmp_path / "there", lambda: Unclosed(engine)).runs
    pd.testing.assert_frame_equal(
        here.drop(columns="seconds"), there.drop(columns="seconds"), check_exact=True
    )

    (tmp_path / "long.yaml").write_text(STUDY.replace("ticks: 4", "ticks: 100000"))
    run = next(iter(load_study(tmp_path / "long.yaml").plan()))
    job = PlayJob(run.text, "long", None, "cpu", None, (), loaded_code(), software())
    engine.submit(job)
    assert engine.next(3.0) is None
    if hasattr(engine, "_client"):
        for pid in engine._client.run(os.getpid).values():
            os.kill(pid, signal.SIGKILL)
    else:
        kill_whoever_plays()
    ended = None
    while ended is None:
        ended = engine.next(1.0)
    assert (ended.job, ended.report) == (job, None)
    short = replace(job, text=next(iter(study.plan())).text)
    engine.submit(short)
    while (ended := engine.next(1.0)) is None:
        pass
    assert ended.report.status == "finished"


class Unclosed:
    """An engine that outlives a study."""

    def __init__(self, engine):
        self.workers, self.submit, self.next = engine.workers, engine.submit, engine.next

    def close(self):
        pass
