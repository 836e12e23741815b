"""How fast studies run: one process against two, and both against Mesa's own batch runner.

Core Objects: study_speed.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import tempfile
import time
from pathlib import Path
from typing import Any

PRECISIONS = (3.0, 5.0, 8.0, 12.0)
"""Values of the one parameter that the runs differ by, besides their seeds."""

SPEEDUP_REQUIRED, SHARE_REQUIRED = 1.8, 0.9


def study_speed(runs: int = 200, ticks: int = 20) -> dict[str, Any]:
    """Time a study of short runs that train real models on the digits.

    Parameters
    ----------
    runs
        Number of runs; rounded up to whole replicates of :data:`PRECISIONS`.
    ticks
        Length of each.
    """
    replicates = -(-runs // len(PRECISIONS))
    with tempfile.TemporaryDirectory() as folder:
        walls, shares = zip(
            *(_studied(Path(folder), replicates, ticks, workers) for workers in (1, 2)), strict=True
        )
    mesa = _batch_run(replicates, ticks)
    number = replicates * len(PRECISIONS)
    return {
        "benchmark": "studies",
        "measured": f"{number} runs of {ticks} ticks on the digits, live; wall seconds",
        "cores": os.cpu_count() or 1,
        "seconds_one_worker": walls[0],
        "seconds_two_workers": walls[1],
        "speedup": walls[0] / walls[1],
        "speedup_required": SPEEDUP_REQUIRED,
        "share_of_ideal": shares[1],
        "share_of_ideal_required": SHARE_REQUIRED,
        "peer": "mesa.batch_run of the same model with two processes",
        "peer_seconds": mesa,
        "ratio": mesa / walls[1],
        "ratio_required": 1.0,
    }


def _studied(folder: Path, replicates: int, ticks: int, workers: int) -> tuple[float, float]:
    """Return the wall time of a study, and what its runs alone would take as a share of it."""
    from scenarios.study import load_study

    path = folder / "study.yaml"
    path.write_text(
        f"""
name: speed
base: {{use_case: digits, ticks: {ticks}, record: {{composition: 'off'}}}}
parameters: {{design: grid, axes: {{decision.precision: {list(PRECISIONS)}}}}}
replicates: {replicates}
""",
        encoding="utf-8",
    )
    start = time.perf_counter()
    result = load_study(path).run(folder / f"workers-{workers}", workers=workers)
    wall = time.perf_counter() - start
    return wall, float(result.runs["seconds"].sum()) / workers / wall


def _batch_run(replicates: int, ticks: int) -> float:
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
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        batch_run(DataLeverageModel, parameters=parameters, **options)
    return time.perf_counter() - start
