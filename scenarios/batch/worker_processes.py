"""How the processes of the local engine begin: forked from one that has imported what they need, or spawned.

Imports cost every spawned process seconds. On Linux one process, the server, imports all that runs need,
while the study is still being read and planned; workers are forked from it within milliseconds. It has
computed nothing and has not spoken to a GPU, so a fork of it is sound; a fork of the driver would not be. It
ends with the process that it serves. Elsewhere, and where it cannot be started, workers are spawned.

Core Objects: start_server, start_process, visible_gpus, choose_gpu.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

PRELOADED = ["scenarios.batch.preloaded"]
"""Modules that the server imports."""

_SERVER = {
    # One thread, before any library can start more; and no module of the current folder instead of ours.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONSAFEPATH": "1",
}
"""Environment variables that the server starts with."""


def start_server() -> None:
    """Let the server begin with its imports, if it has not; returns at once."""
    if sys.platform != "linux":
        return
    from multiprocessing import forkserver

    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    with suppress(OSError), _environment(_SERVER), without_interrupts():
        forkserver.ensure_running()


def start_process(target: Callable[..., object], arguments: Sequence[Any]) -> BaseProcess:
    """Start a process that ends at the latest when this one does, and does not hear Ctrl-C."""
    with without_interrupts():
        if sys.platform == "linux":
            start_server()
            with suppress(OSError, EOFError):  # the server could not start, or was killed just now
                return _started("forkserver", target, arguments)
        return _started("spawn", target, arguments)


def _started(method: str, target: Callable[..., object], arguments: Sequence[Any]) -> BaseProcess:
    context: Any = multiprocessing.get_context(method)
    process: BaseProcess = context.Process(target=target, args=tuple(arguments), daemon=True)
    process.start()
    return process


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Let processes that are started here not hear Ctrl-C, not even before they can say so themselves."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started here."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def visible_gpus(devices: Path = Path("/dev")) -> list[str]:
    """Return the names of the NVIDIA GPUs that this process may use, without a word with any of them.

    Parameters
    ----------
    devices
        Folder of the device files.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    return [str(number) for number in range(len(list(devices.glob("nvidia[0-9]*"))))]


def choose_gpu(number: int, gpus: Sequence[str]) -> None:
    """Let worker ``number`` see one GPU only, where there are several; call it before one is asked for."""
    if len(gpus) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
