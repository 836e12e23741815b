"""Engines beyond one machine: the same jobs on a Dask or a Ray cluster, or on one started here.

The study's folder must be on a file system that all machines share, and so must the data sets.

Core Objects: DaskEngine, RayEngine.
"""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from learners.errors import InputError
from scenarios.batch.engines import Ended, available_cores
from scenarios.batch.worker_processes import without_interrupts

if TYPE_CHECKING:
    from scenarios.batch.jobs import Job, Report

_LEFT_OF_A_DEAD_WORKER = ("KilledWorker", "CancelledError", "FutureCancelledError")
_CRASHES_OF_RAY = ("WorkerCrashedError", "OutOfMemoryError", "NodeDiedError", "LocalRayletDiedError")


def perform(job: Job) -> Report:
    """Do a job in a worker of a cluster, with one thread."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)
    return job.perform()


class DaskEngine:
    """Workers of a Dask cluster.

    Parameters
    ----------
    workers
        How many processes to start here; with an address, all there are work.
    address
        Of a scheduler, such as ``tcp://10.0.0.1:8786``.
    """

    def __init__(self, workers: int | None, address: str | None) -> None:
        try:
            import dask
            import distributed
        except ImportError:
            raise _not_installed("dask") from None
        self._jobs: queue.SimpleQueue[tuple[Job, Any]] = queue.SimpleQueue()
        # A run whose worker died is looked into by the study, and so is not repeated by Dask.
        dask.config.set({"distributed.scheduler.allowed-failures": 0})
        with without_interrupts():
            self._cluster = None
            if address is None:
                self._cluster = distributed.LocalCluster(
                    n_workers=workers or available_cores(),
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address=None,
                    silence_logs=50,
                )
            try:
                self._client = distributed.Client(self._cluster or address, timeout=30)
            except OSError as error:
                raise InputError(f"address: no Dask scheduler answers at {address} ({error})") from None
        self.workers = max(1, sum(self._client.nthreads().values()))

    def submit(self, job: Job) -> None:
        """Take a job."""
        future = self._client.submit(perform, job, pure=False)
        future.add_done_callback(lambda done: self._jobs.put((job, done)))

    def next(self, timeout: float) -> Ended | None:
        """Wait for a job to be over; ``None`` if none is within so many seconds."""
        try:
            job, future = self._jobs.get(timeout=timeout)
        except queue.Empty:
            return None
        try:
            return Ended(job, future.result())
        except Exception as error:
            if type(error).__name__ in _LEFT_OF_A_DEAD_WORKER:
                return Ended(job, None, "killed")
            raise

    def close(self) -> None:
        """End the client, and the cluster if it was started here."""
        self._client.close(timeout=2)
        if self._cluster is not None:
            self._cluster.close(timeout=5)


class RayEngine:
    """Workers of a Ray cluster; the parameters are those of :class:`DaskEngine`."""

    def __init__(self, workers: int | None, address: str | None) -> None:
        try:
            import ray
        except ImportError:
            raise _not_installed("ray") from None
        self._ray = ray
        self._jobs: dict[Any, Job] = {}
        with without_interrupts():
            try:
                ray.init(
                    address=address,
                    num_cpus=None if address else workers or available_cores(),
                    include_dashboard=None if address else False,
                    log_to_driver=False,
                    logging_level="CRITICAL",
                )
            except ConnectionError as error:
                raise InputError(f"address: no Ray cluster answers at {address} ({error})") from None
        self.workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._perform = ray.remote(num_cpus=1, max_retries=0)(perform)

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._jobs[self._perform.remote(job)] = job

    def next(self, timeout: float) -> Ended | None:
        """Wait for a job to be over; ``None`` if none is within so many seconds."""
        over, _ = self._ray.wait(list(self._jobs), num_returns=1, timeout=timeout)
        if not over:
            return None
        job = self._jobs.pop(over[0])
        try:
            return Ended(job, self._ray.get(over[0]))
        except self._ray.exceptions.RayError as error:
            if type(error).__name__ in _CRASHES_OF_RAY:
                return Ended(job, None, "killed")
            raise

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()


def _not_installed(name: str) -> InputError:
    return InputError(f"engine: {name} is not installed: pip install 'data-leverage[cluster]'")
