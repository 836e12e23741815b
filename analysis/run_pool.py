"""Independent runs in one process or several, each with one thread.

One thread is what runs on these models are fastest with, and what makes them repeatable.

Core Objects: Batch, measure.
"""

from __future__ import annotations

import multiprocessing
import queue
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

import torch
from threadpoolctl import threadpool_limits

from analysis.worker_process import become_worker
from learners.errors import InputError

Fields = Mapping[str, Any]


class Batch(Protocol):
    """Runs that share what is costly to prepare, such as a reference model; it travels to another process."""

    def __len__(self) -> int:
        """Return the number of runs."""

    def measure(self) -> Iterator[tuple[Fields, Fields]]:
        """Yield key and result of each run as it finishes."""


def measure(batches: Sequence[Batch], workers: int, finished: Callable[[Fields, Fields], None]) -> None:
    """Measure all runs and hand over each as it finishes; the results do not depend on ``workers``.

    Parameters
    ----------
    batches
        What is to be measured.
    workers
        Number of processes; with 1, this one does the work.
    finished
        Called in this process with key and result of every run.

    Raises
    ------
    InputError
        If a run raises it.
    RuntimeError
        If a worker process fails or dies.
    """
    workers = min(workers, len(batches))
    if workers > 1:
        _measure_apart(batches, workers, finished)
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            for batch in batches:
                for key, result in batch.measure():
                    finished(key, result)
    finally:
        torch.set_num_threads(threads)


def _measure_apart(
    batches: Sequence[Batch], workers: int, finished: Callable[[Fields, Fields], None]
) -> None:
    """Let worker processes take the batches in turn."""
    # Spawned, not forked: a fork of a process that has used torch or CUDA may hang.
    context = multiprocessing.get_context("spawn")
    results, taken = context.Queue(), context.Value("q", 0)
    processes = [
        context.Process(target=_work, args=(tuple(batches), taken, results), daemon=True)
        for _ in range(workers)
    ]
    try:
        for process in processes:
            process.start()
        awaited = sum(len(batch) for batch in batches)
        while awaited:
            try:
                message = results.get(timeout=1)
            except queue.Empty:
                _check_alive(processes)
                continue
            if isinstance(message, Exception):
                raise message
            finished(*message)
            awaited -= 1
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _check_alive(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        if process.exitcode:
            raise RuntimeError(f"a worker process ended with exit code {process.exitcode}")


def _work(batches: Sequence[Batch], taken: Any, results: Any) -> None:
    """Measure batches that no other process has taken, until there are none."""
    become_worker()
    try:
        while True:
            with taken.get_lock():
                index, taken.value = taken.value, taken.value + 1
            if index >= len(batches):
                return
            for run in batches[index].measure():
                results.put(run)
    except InputError as error:
        results.put(error)
    except Exception:
        results.put(RuntimeError(f"in a worker process:\n{traceback.format_exc()}"))
