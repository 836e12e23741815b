"""Studies whose processes are really killed."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from scenarios.batch.engines import Ended, LocalEngine
from scenarios.batch.jobs import PlayJob
from scenarios.batch.loop import play_study
from scenarios.batch.status import study_status
from scenarios.batch.store import read_table
from scenarios.study import load_study

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc"),
]

STUDY = """\
name: law
base: published-curves
settings: {population.users: 400}
ticks: 25
replicates: 6
arms:
  none: {interventions: []}
  law:
parameters: {design: grid, axes: {decision.precision: [2.0, 4.0, 6.0]}}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The table of the study played in this process, without any trouble."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "law.yaml").write_text(STUDY)
    return play_study(load_study(folder / "law.yaml"), folder / "out", InProcess).runs


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


def same(runs, whole):
    pd.testing.assert_frame_equal(
        runs.drop(columns="seconds"), whole.drop(columns="seconds"), check_exact=True, check_dtype=False
    )
    return True


def family(pid):
    """Return all processes that descend from one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            child = int(text.split()[0])
            found += [child, *family(child)]
    return found


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids, seconds=30):
    """Wait for processes to end; return those that do not."""
    until = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def lines(journal):
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


@pytest.fixture
def driver(executable, environment, tmp_path):
    """Return a function that starts the study in a process group of its own."""
    (tmp_path / "law.yaml").write_text(STUDY)
    started = []

    def start(*options, **fields):
        process = subprocess.Popen(
            [executable, "study", "law.yaml", "--out", "out", "--workers", "2", *options],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **fields,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(process, condition):
    """Wait until something is so, as long as the process is there."""
    while not condition() and process.poll() is None:
        time.sleep(0.01)


def workers(pid):
    """Return the processes that descend from one, but for those that only serve: they end with it."""
    serving = set()
    for child in family(pid):
        command = Path(f"/proc/{child}/cmdline").read_text()
        if "resource_tracker" in command or ("forkserver" in command and parent(child) == pid):
            serving.add(child)
    return [child for child in family(pid) if child not in serving]


def test_driver_killed_again_and_again_loses_and_repeats_nothing(driver, tmp_path, whole):
    out, moments = tmp_path / "out", random.Random(5)
    kept = {}
    for _ in range(2):
        process = driver()
        target = lines(out / "journal.jsonl") + moments.randint(2, 8)
        wait_for(process, lambda target=target: lines(out / "journal.jsonl") >= target)
        time.sleep(moments.uniform(0, 0.3))
        children = family(process.pid)
        process.kill()
        process.wait()
        assert children
        assert gone(children) == []
        now = {path: path.stat().st_mtime_ns for path in (out / "runs").glob("*.parquet")}
        assert kept.items() <= now.items()  # neither lost nor played again
        kept = now
    assert 0 < len(kept) < len(whole)
    others = set(workers(os.getpid()))  # such as a browser that other tests have opened
    result = load_study(tmp_path / "law.yaml").run(out, workers=2)
    assert result.played == len(whole) - len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert same(result.runs, whole)
    assert same(read_table(out), whole)
    assert gone(set(workers(os.getpid())) - others) == []
    status = study_status(out)
    assert same(status.runs, whole)
    assert (status.damaged, status.failures, status.running, len(status.codes)) == ([], {}, False, 1)


def test_interrupted_driver_says_how_to_go_on(driver, tmp_path, whole):
    out = tmp_path / "out"
    process = driver()
    wait_for(process, lambda: lines(out / "journal.jsonl") >= 4)
    children = family(process.pid)
    os.kill(process.pid, signal.SIGSTOP)  # so that it is not over before the second has begun
    assert study_status(out).running
    second = driver()
    assert "is being run by another process" in second.communicate(timeout=120)[1]
    assert second.returncode == 4
    os.kill(process.pid, signal.SIGCONT)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in stdout + stderr
    assert stdout.splitlines()[-1].startswith("Interrupted; done ")
    assert gone(children) == []
    assert load_study(tmp_path / "law.yaml").run(out, workers=1).runs.pipe(same, whole)


def test_second_ctrl_c_does_not_wait_for_runs_under_way(driver, tmp_path):
    out = tmp_path / "out"
    process = driver("--set", "ticks=100000")
    wait_for(process, lambda: lines(out / "journal.jsonl") >= 3)  # planned, started
    children = family(process.pid)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in stdout + stderr
    assert stdout.splitlines()[-1].startswith("Interrupted; done 0 of 36.")
    assert gone(children) == []
    assert list((out / "runs").iterdir()) == []


def test_disk_that_takes_no_run_is_one_line_and_the_study_goes_on_when_it_does(driver, tmp_path, whole):
    import resource

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    out = tmp_path / "out"
    process = driver(preexec_fn=little_room)
    stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == 4
    said = [line for line in stderr.splitlines() if "cannot write" in line]
    assert len(said) == 1
    assert "File too large" in said[0]
    assert "Traceback" not in stdout + stderr
    assert list((out / "runs").glob("*.parquet")) == []
    assert load_study(tmp_path / "law.yaml").run(out, workers=1).runs.pipe(same, whole)
    assert [path.name for path in (out / "runs").iterdir() if path.suffix != ".parquet"] == []


class Murderous(LocalEngine):
    """Kills the workers that are given certain runs, each as often as is said."""

    def __init__(self, workers, victims):
        super().__init__(workers)
        self.victims = dict(victims)
        self.killed = set()

    def _hand_out(self):
        super()._hand_out()
        for worker in self._processes:
            run_id = worker.job.run_id if isinstance(worker.job, PlayJob) else None
            if self.victims.get(run_id, 0) > 0 and worker not in self.killed:
                self.victims[run_id] -= 1
                self.killed.add(worker)
                os.kill(worker.process.pid, signal.SIGKILL)


def test_killed_worker_costs_nothing_and_a_run_that_kills_its_workers_fails_alone(tmp_path, whole):
    (tmp_path / "law.yaml").write_text(
        STUDY.replace("[2.0, 4.0, 6.0]", "[2.0]")
        .replace("  law:\n", "  law:\n  endless: {ticks: 100000}\n")
        .replace("replicates: 6", "replicates: 2")
    )
    study = load_study(tmp_path / "law.yaml")
    planned = study.plan().table()
    endless = planned.loc[planned["arm"] == "endless", "run_id"].tolist()
    once = planned.loc[planned["arm"] == "law", "run_id"].iloc[0]
    result = play_study(
        study, tmp_path / "out", lambda: Murderous(2, {once: 1, endless[0]: 3, endless[1]: 3})
    )
    assert set(result.failures) == set(endless)
    assert all("killed by SIGKILL, 3 times" in why for why in result.failures.values())
    finished = result.runs[result.runs["arm"] != "endless"].drop(columns=["seconds", "point", "run_id"])
    expected = whole[(whole["decision.precision"] == 2.0) & (whole["replicate"] < 2)]
    pd.testing.assert_frame_equal(
        finished.reset_index(drop=True),
        expected.drop(columns=["seconds", "point", "run_id"]).reset_index(drop=True),
        check_exact=True,
        check_dtype=False,
    )


def test_workers_that_cannot_start_are_an_error_and_not_an_endless_loop(monkeypatch, tmp_path):
    (tmp_path / "law.yaml").write_text(STUDY)
    monkeypatch.setattr(
        "scenarios.batch.engines._work", os._exit
    )  # called with two arguments, it raises at once
    with pytest.raises(RuntimeError, match="worker processes end before they are ready"):
        load_study(tmp_path / "law.yaml").run(tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()
