"""Where the jobs of a study are done: processes on this machine, or a cluster.

An engine does jobs in any order and says of each how it ended, or that its worker died. Results never travel
through it: workers store their runs themselves, so what engine it was makes no difference to them.

Core Objects: Engine, Ended, LocalEngine, open_engine.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Protocol

from analysis.worker_process import become_worker
from learners.errors import InputError
from scenarios.batch.worker_processes import choose_gpu, start_process, start_server, visible_gpus

if TYPE_CHECKING:
    from scenarios.batch.jobs import Job, Report

ENGINES = ("local", "dask", "ray")

_FAILED_STARTS = 3
"""Workers that may die in a row before any of them is ready."""


class Ended:
    """A job that is over: its report, or ``None`` if the worker that did it died."""

    def __init__(self, job: Job, report: Report | None, why: str = "") -> None:
        self.job = job
        self.report = report
        self.why = why


class Engine(Protocol):
    """What a study needs of an engine.

    Attributes
    ----------
    workers
        Jobs that are done at a time.
    """

    workers: int

    def submit(self, job: Job) -> None:
        """Take a job."""

    def next(self, timeout: float) -> Ended | None:
        """Wait for a job to be over; ``None`` if none is within so many seconds."""

    def close(self) -> None:
        """End all workers, whatever they do."""


class _Worker:
    """A process that does one job after the other."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.connection, theirs = multiprocessing.Pipe()
        self.process = start_process(_work, (theirs, number))
        theirs.close()  # so that ours ends when the worker does
        self.ready = False
        self.job: Job | None = None

    def end(self) -> str:
        """End the process and say how it ended."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        code = self.process.exitcode
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


class LocalEngine:
    """Processes on this machine, one thread each, started when there is something to do.

    Parameters
    ----------
    workers
        Number of processes; one a core by default.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"workers: {workers} is not at least 1")
        self.workers = workers or available_cores()
        self._waiting: deque[Job] = deque()
        self._processes: list[_Worker] = []
        self._failed_starts = 0
        start_server()

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._waiting.append(job)
        self._hand_out()

    def _hand_out(self) -> None:
        idle = [worker for worker in self._processes if worker.ready and worker.job is None]
        while self._waiting and idle:
            worker = idle.pop()
            try:
                worker.connection.send(self._waiting[0])
            except OSError:  # it has died since; that is seen when it is waited for
                continue
            worker.job = self._waiting.popleft()
        starting = sum(not worker.ready for worker in self._processes)
        for _ in range(min(len(self._waiting) - starting, self.workers - len(self._processes))):
            self._processes.append(_Worker(self._free_number()))

    def _free_number(self) -> int:
        taken = {worker.number for worker in self._processes}
        return next(number for number in range(self.workers) if number not in taken)

    def next(self, timeout: float) -> Ended | None:
        """Wait for a job to be over; ``None`` if none is within so many seconds."""
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            self._hand_out()
            for connection in wait([worker.connection for worker in self._processes], left):
                worker = next(worker for worker in self._processes if worker.connection is connection)
                if ended := self._heard(worker):
                    self._hand_out()
                    return ended
        return None

    def _heard(self, worker: _Worker) -> Ended | None:
        """Take what a worker says: that it is ready, that its job is over, or nothing any more."""
        try:
            report = worker.connection.recv()
        except (EOFError, OSError):
            return self._lost(worker)
        if not worker.ready:
            worker.ready, self._failed_starts = True, 0
            return None
        job, worker.job = worker.job, None
        assert job is not None
        return Ended(job, report)

    def _lost(self, worker: _Worker) -> Ended | None:
        self._processes.remove(worker)
        how = worker.end()
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise RuntimeError(
                    f"worker processes end before they are ready ({how}); in a script, call run() under "
                    "if __name__ == '__main__'"
                )
        return Ended(worker.job, None, how) if worker.job is not None else None

    def close(self) -> None:
        """End all workers, whatever they do."""
        self._waiting.clear()
        for worker in self._processes:
            worker.process.kill()
        for worker in self._processes:
            worker.end()
        self._processes.clear()


def _work(connection: Connection, number: int) -> None:
    """Do jobs until there is nobody left to report to."""
    choose_gpu(number, visible_gpus())
    become_worker()
    import scenarios.batch.jobs  # noqa: F401  # so that the first job does not wait for it

    with suppress(EOFError, OSError):
        connection.send(None)
        while True:
            connection.send(connection.recv().perform())


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_engine(name: str, workers: int | None, address: str | None) -> Engine:
    """Return an engine by name.

    Raises
    ------
    InputError
        If there is no such engine, or what it needs is not installed.
    """
    if name not in ENGINES:
        raise InputError(f"engine: '{name}' is not one of {', '.join(ENGINES)}")
    if name == "local":
        if address is not None:
            raise InputError(f"address: '{address}' is for the engines dask and ray, not for local")
        return LocalEngine(workers)
    from scenarios.batch.cluster_engines import DaskEngine, RayEngine

    return DaskEngine(workers, address) if name == "dask" else RayEngine(workers, address)
