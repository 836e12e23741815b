"""Benchmarks that keep: each measures us against a floor or a peer in one run and says the ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def population(users: int = 1_000_000, ticks: int = 9) -> dict[str, Any]:
    """Time a tick of a large society against counting each user's active neighbours once.

    Users on a Watts-Strogatz graph of degree 10 follow a script in which each tick moves some of
    them; qualities are replayed from a short live run on the digits. The floor is the sparse product that
    counts the neighbours who act, on the same network, in the same run.

    Parameters
    ----------
    users
        Number of users.
    ticks
        Ticks timed; the median counts.
    """
    from abm.model import DataLeverageModel

    steps = [
        {"tick": tick, "shares": {"strike": 0.01 * tick, "cdc": 0.01 * tick}} for tick in range(1, ticks + 1)
    ]
    decision = {"rule": "scripted", "steps": steps}
    live = DataLeverageModel("digits", decision=decision, record={"composition": "off"}, rng=1)
    for _ in range(ticks):
        live.step()

    start = time.perf_counter()
    model = DataLeverageModel(
        "digits",
        population={"users": users, "beliefs": {"linear": 1.0, "pessimist": 0.0, "true": 0.0}},
        network={"family": "watts_strogatz", "degree": 10},
        decision=decision,
        replay=pd.DataFrame(live.ticks),
        rng=1,
    )
    construction = time.perf_counter() - start
    tick = _median_seconds(model.step, ticks)
    active = model.population.stance != 0
    # The product itself, without what wraps it.
    vector, matrix = active.astype(np.float32), model.network.adjacency
    floor = _median_seconds(lambda: matrix @ vector, ticks)
    return {
        "benchmark": "population",
        "measured": f"one tick of {users:,} users who follow a script, replayed quality",
        "peer": "one sparse product counting each user's active neighbours",
        "tick_seconds": tick,
        "peer_seconds": floor,
        "ratio": tick / floor,
        "ratio_allowed": 6.0,
        "construction_seconds": construction,
        "construction_seconds_allowed": 10.0,
        "participation": float(np.mean(active)),
    }


def _learners(data_dir: Path | None) -> dict[str, Any]:
    from scenarios.benchmarks.training import learners

    return learners(data_dir)


def _scale(_: Path | None) -> dict[str, Any]:
    from scenarios.benchmarks.scale import scale

    return scale()


def _studies(_: Path | None) -> dict[str, Any]:
    from scenarios.benchmarks.study_speed import study_speed

    return study_speed()


def _dashboard(data_dir: Path | None) -> dict[str, Any]:
    from scenarios.benchmarks.dashboard_speed import dashboard_speed

    return dashboard_speed(data_dir)


BENCHMARKS: dict[str, Callable[[Path | None], dict[str, Any]]] = {
    "population": lambda _: population(),
    "learners": _learners,
    "scale": _scale,
    "studies": _studies,
    "dashboard": _dashboard,
}
"""Name to a function of the data directory (``None``: the default one).

What it returns is one JSON object; ``text``, where it has that, is the same for people.
"""


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result of a benchmark as lines of text."""
    told = [
        f"{key:<32}{value:.4g}" if isinstance(value, float) else f"{key:<32}{value}"
        for key, value in result.items()
        if key not in ("rows", "text")
    ]
    return [*told, *result.get("text", ())]


def _median_seconds(call: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
