"""How workers begin: forked from a server or spawned, with one thread, and a GPU each."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scenarios.batch import worker_processes
from scenarios.batch.engines import LocalEngine
from scenarios.batch.worker_processes import choose_gpu, visible_gpus

linux = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")


@dataclass(frozen=True)
class Look:
    """A job that looks at the process it is done in, and at nothing of a study."""

    number: int

    def perform(self):
        import threadpoolctl
        import torch

        mask = signal.pthread_sigmask(signal.SIG_BLOCK, set())
        return {
            "pid": os.getpid(),
            "parent": os.getppid(),
            "gpu": os.environ.get("CUDA_VISIBLE_DEVICES"),
            "threads": torch.get_num_threads(),
            "pools": {pool["num_threads"] for pool in threadpoolctl.threadpool_info()},
            "deaf": signal.SIGINT in mask or signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
            "preloaded": "scenarios.batch.preloaded" in sys.modules,
            "cuda": torch.cuda.is_initialized(),
        }


def looked(workers, jobs):
    """Let a number of workers look at themselves, all at once."""
    engine = LocalEngine(workers)
    try:
        for number in range(jobs):
            engine.submit(Look(number))
        reports = []
        while len(reports) < jobs:
            ended = engine.next(60)
            assert ended is not None
            reports.append(ended.report)
        return reports
    finally:
        engine.close()


@pytest.mark.slow
@linux
def test_workers_are_forked_from_one_process_that_imports_once_and_have_one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    reports = looked(2, 6)
    assert len({report["pid"] for report in reports}) == 2
    (server,) = {report["parent"] for report in reports}
    assert server != os.getpid()
    for report in reports:
        assert (report["threads"], report["pools"]) == (1, {1})
        assert (report["deaf"], report["preloaded"], report["cuda"]) == (True, True, False)
    again = looked(1, 1)
    assert again[0]["parent"] == server  # it is kept for the next study
    os.kill(server, signal.SIGKILL)
    assert looked(1, 1)[0]["parent"] != server


@pytest.mark.slow
def test_each_worker_sees_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a, GPU-b,GPU-c")
    seen = {report["pid"]: report["gpu"] for report in looked(2, 6)}
    assert sorted(seen.values()) == ["GPU-a", "GPU-b"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-a, GPU-b,GPU-c"


@pytest.mark.slow
def test_workers_are_spawned_where_they_cannot_be_forked(monkeypatch):
    def none():
        raise OSError("no sockets here")

    monkeypatch.setattr("multiprocessing.forkserver.ensure_running", none)
    monkeypatch.setattr("multiprocessing.forkserver._forkserver.ensure_running", none)
    (report,) = looked(1, 1)
    assert (report["parent"], report["threads"], report["deaf"]) == (os.getpid(), 1, True)


def test_gpus_are_counted_by_their_devices_or_as_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(tmp_path) == []
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert visible_gpus(tmp_path) == ["0", "1", "2"]
    assert visible_gpus(Path("/nowhere")) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 5")
    assert visible_gpus(tmp_path) == ["3", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus(tmp_path) == []


@pytest.mark.parametrize(
    ("gpus", "chosen"),
    [
        ([], [None] * 3),
        (["7"], [None] * 3),
        (["0", "1"], ["0", "1", "0"]),
        (["4", "x", "2"], ["4", "x", "2"]),
    ],
)
def test_more_workers_than_gpus_share_them_in_turn(monkeypatch, gpus, chosen):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    seen = []
    for number in range(3):
        choose_gpu(number, gpus)
        seen.append(os.environ.pop("CUDA_VISIBLE_DEVICES", None))
    assert seen == chosen


@linux
def test_environment_is_as_before_when_the_server_has_started(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    seen = {}
    monkeypatch.setattr("multiprocessing.forkserver.ensure_running", lambda: seen.update(os.environ))
    worker_processes.start_server()
    assert (seen["OMP_NUM_THREADS"], seen["PYTHONSAFEPATH"]) == ("1", "1")
    assert (os.environ["OMP_NUM_THREADS"], "PYTHONSAFEPATH" in os.environ) == ("64", False)
