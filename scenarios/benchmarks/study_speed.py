"""How fast studies run: one process against two, and both against Mesa's own batch runner.

Each is timed from an empty interpreter to its end, as who types the command waits for it.

Core Objects: study_speed.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PRECISIONS = (3.0, 5.0, 8.0, 12.0)
"""Values of the one parameter that the runs differ by, besides their seeds."""

SPEEDUP_REQUIRED, SHARE_REQUIRED = 1.8, 0.9


def study_speed(runs: int = 200, ticks: int = 100) -> dict[str, Any]:
    """Time a study of short runs that train real models on the digits.

    Parameters
    ----------
    runs
        Number of runs; rounded up to whole replicates of :data:`PRECISIONS`.
    ticks
        Length of each; with 100, a run takes about half a second.
    """
    replicates = -(-runs // len(PRECISIONS))
    load = _load()
    with tempfile.TemporaryDirectory() as folder:
        (one, run), (two, _) = (_studied(Path(folder), replicates, ticks, workers) for workers in (1, 2))
    mesa = _timed(_batch_run, replicates, ticks)
    number = replicates * len(PRECISIONS)
    return {
        "benchmark": "studies",
        "measured": f"{number} runs of {ticks} ticks on the digits, live; wall seconds from start to end",
        "cores": os.cpu_count() or 1,
        "load_before": load,
        "load_after": _load(),
        "seconds_a_run": run,
        "seconds_one_worker": one,
        "seconds_two_workers": two,
        "speedup": one / two,
        "speedup_required": SPEEDUP_REQUIRED,
        "share_of_ideal": number * run / 2 / two,
        "share_of_ideal_required": SHARE_REQUIRED,
        "peer": "mesa.batch_run of the same model with two processes",
        "peer_seconds": mesa,
        "ratio": mesa / two,
        "ratio_required": 1.0,
    }


def _load() -> float | None:
    """Return how many processes wanted a core in the last minute, on average; Windows does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _studied(folder: Path, replicates: int, ticks: int, workers: int) -> tuple[float, float]:
    """Return the wall time of a study, and of one of its runs alone."""
    from scenarios.batch.store import read_table

    path, out = folder / "study.yaml", folder / f"workers-{workers}"
    path.write_text(
        f"""
name: speed
base: {{use_case: digits, ticks: {ticks}, record: {{composition: 'off'}}}}
parameters: {{design: grid, axes: {{decision.precision: {list(PRECISIONS)}}}}}
replicates: {replicates}
""",
        encoding="utf-8",
    )
    seconds = _timed(_study, path, out, workers)
    table = read_table(out)
    assert table is not None
    return seconds, float(table["seconds"].mean())


def _study(path: Path, out: Path, workers: int) -> None:
    """Play a study as the command does."""
    from scenarios.cli import app

    app(["study", str(path), "--workers", str(workers), "--out", str(out)], standalone_mode=False)


def _batch_run(replicates: int, ticks: int) -> None:
    """Play the same runs as who knows Mesa would."""
    from mesa.batchrunner import batch_run

    from abm.model import DataLeverageModel

    parameters: dict[str, Any] = {
        "use_case": ["digits"],
        "record": [{"composition": "off"}],
        "precision": list(PRECISIONS),
    }
    seeds = list(range(replicates))
    options: dict[str, Any] = {"max_steps": ticks, "number_processes": 2, "display_progress": False}
    # Mesa 3.5 takes seeds apart from the parameters; before that they are one of them.
    if "rng" in inspect.signature(batch_run).parameters:
        options["rng"] = seeds
    else:
        parameters["rng"] = seeds
    batch_run(DataLeverageModel, parameters=parameters, **options)


def _timed(call: Callable[..., None], *arguments: Any) -> float:
    """Return the wall time of a call in an interpreter of its own, from before that begins to its end.

    Raises
    ------
    RuntimeError
        If it fails; what went wrong is on the standard error.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    os.environ.update(threads)
    process = multiprocessing.get_context("spawn").Process(target=_quietly, args=(call, arguments))
    start = time.perf_counter()
    process.start()
    process.join()
    seconds = time.perf_counter() - start
    if process.exitcode:
        raise RuntimeError(f"a benchmark ended with exit code {process.exitcode}")
    return seconds


def _quietly(call: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        call(*arguments)
