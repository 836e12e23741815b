"""How cost and memory of matrix factorisation grow: synthetic ratings up to the shape of MovieLens 10M.

Core Objects: scale.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from learners.datasets.synthetic import synthetic_ratings
from learners.holdings import Holding
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase
from scenarios.benchmarks.machine_speed import MachineSpeed
from scenarios.benchmarks.peer_learners import timed
from scenarios.benchmarks.training import SHARE, sweep_work

OWNERS, ITEMS, RATINGS = 70_000, 10_700, 10_000_000

SHARES = (0.1, 1 / 3, 1.0)
"""Parts of the raters and of the ratings; the items stay."""

SWEEP_SECONDS_ALLOWED = 2.0
PEAK_GIBIBYTES_ALLOWED = 3.0

_STATUS = Path("/proc/self/status")


def scale(
    owners: int = OWNERS, items: int = ITEMS, ratings: int = RATINGS, shares: tuple[float, ...] = SHARES
) -> dict[str, Any]:
    """Measure a warm sweep and the peak of memory at several sizes, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    rows = []
    for share in shares:
        with ProcessPoolExecutor(1, mp_context=context) as process:
            size = round(owners * share), items, round(ratings * share)
            rows.append(process.submit(measured_at, *size).result())
    return {
        "benchmark": "scale",
        "measured": "matrix factorisation of synthetic power-law ratings; CPU seconds of one thread",
        "sweep_seconds": rows[-1]["sweep_seconds"],
        "sweep_seconds_allowed": SWEEP_SECONDS_ALLOWED,
        "peak_gibibytes": rows[-1]["peak_gibibytes"],
        "peak_gibibytes_allowed": PEAK_GIBIBYTES_ALLOWED,
        "rows": rows,
        "text": [_line(row) for row in rows],
    }


def measured_at(owners: int, items: int, ratings: int) -> dict[str, Any]:
    """Measure at one size; the process must be fresh, since its peak of memory is reported.

    Returns
    -------
    dict
        ``update_seconds`` is of all that an update does with one sweep in it, after 1 % of the raters left:
        from the holding to predictions of the test records. ``sweep_seconds`` is of the sweep alone: what
        more sweeps cost more, each.
    """
    data = timed(lambda: synthetic_ratings(owners, items, ratings))
    case = RatingUseCase(data.result.name, data.result, "cpu", "holdout", FactorisationParameters())
    learner = case.learner(0)
    full, order = Holding.full(owners), np.random.default_rng(0).permutation(owners)

    def seconds(sweeps: int, gone: int) -> float:
        learner.parameters = _sweeping(case.parameters, sweeps)
        holding = full.without(order[: round(gone * SHARE * owners)])
        return timed(lambda: learner.fit(holding)).seconds

    seconds(3, 0)
    one, several = seconds(1, 1), seconds(5, 2)
    rmse = case.metric.of(learner.fit(full).holdout, case.holdout.targets)
    peak = peak_gibibytes()
    return {
        "owners": owners,
        "items": items,
        "ratings": ratings,
        "data_seconds": data.seconds,
        "update_seconds": one,
        "sweep_seconds": (several - one) / 4,
        "floor_seconds": MachineSpeed.measured().floor(sweep_work(case, case.parameters.dimensions)),
        "peak_gibibytes": peak,
        "rmse": rmse,
    }


def _line(row: dict[str, Any]) -> str:
    times = row["sweep_seconds"] / row["floor_seconds"]
    return (
        f"{row['owners']:,} raters, {row['items']:,} items, {row['ratings']:,} ratings: CPU-s to draw "
        f"{row['data_seconds']:.3g}, of a warm update with one sweep {row['update_seconds']:.3g}, of a sweep "
        f"{row['sweep_seconds']:.3g} (floor {row['floor_seconds']:.3g}, {times:.3g} times it); "
        f"peak {row['peak_gibibytes']:.2f} GiB; RMSE {row['rmse']:.4f}"
    )


def _sweeping(parameters: FactorisationParameters, sweeps: int) -> FactorisationParameters:
    """Return parameters under which a fit takes just so many sweeps."""
    return parameters.model_copy(update={"max_sweeps": sweeps, "tolerance": 1e-12, "fresh_tolerance": 1e-12})


def peak_gibibytes() -> float:
    """Return the most memory that this process has held."""
    if _STATUS.exists():
        # getrusage also counts what the parent held before this process became a program of its own.
        peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
