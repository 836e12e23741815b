"""Scan the parameters of the decision rule for where behaviour is interior and laws matter.

    python -m scenarios.regime_scan SCENARIO [--data-dir DIR] [--seeds N]

Plays the scenario, with its interventions and without them, at every point of :data:`GRID`, and prints a row
a point. A point is kept if participation stays between :data:`INTERIOR` with and without the laws, at least
:data:`STANCES_IN_USE` stances besides staying are in use, switching stays under :data:`MOST_SWITCHING`, and
the laws move participation by at least :data:`LEAST_EFFECT`.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from abm.actions import ACTIONS
from scenarios.scenario import Scenario, load_scenario

GRID: dict[str, tuple[float, ...]] = {
    "decision.social_weight": (0.2, 0.5, 0.8),
    "decision.precision": (3.0, 5.0, 10.0),
    "decision.warm_glow": (0.2, 0.3, 0.5),
    "decision.cost_scale": (1.0, 1.3, 1.6),
}
INTERIOR = (0.02, 0.95)
IN_USE = 0.02
STANCES_IN_USE = 3
MOST_SWITCHING = 0.1
LEAST_EFFECT = 0.03


def scan(name: str, data_dir: Path | None, seeds: int) -> Iterator[dict[str, object]]:
    """Yield one row for each point of the grid, averaged over seeds."""
    for values in itertools.product(*GRID.values()):
        point = dict(zip(GRID, values, strict=True))
        settings: dict[str, Any] = {**point, "record.composition": "off"}
        with_laws = [
            _played(load_scenario(name, seed=seed, **settings), data_dir) for seed in range(1, seeds + 1)
        ]
        without = [
            _played(load_scenario(name, seed=seed, interventions=[], **settings), data_dir)
            for seed in range(1, seeds + 1)
        ]
        yield {key.partition(".")[2]: value for key, value in point.items()} | _row(with_laws, without)


def _played(scenario: Scenario, data_dir: Path | None) -> pd.DataFrame:
    model = scenario.build(data_dir=data_dir)
    for _ in range(scenario.ticks):
        model.step()
    return pd.DataFrame(model.ticks)


def _row(with_laws: list[pd.DataFrame], without: list[pd.DataFrame]) -> dict[str, object]:
    last = pd.DataFrame([ticks.iloc[-1] for ticks in with_laws])
    last_without = pd.DataFrame([ticks.iloc[-1] for ticks in without])
    after_start = pd.concat(ticks.iloc[5:] for ticks in (*with_laws, *without))
    effect = last["participation"].mean() - last_without["participation"].mean()
    used = sum(last[f"share_{action}"].mean() > IN_USE for action in ACTIONS[1:])
    switching = max(ticks["switch_rate"].max() for ticks in (*with_laws, *without))
    participation = after_start["participation"].astype(float)
    return {
        "participation": last["participation"].mean(),
        "without_laws": last_without["participation"].mean(),
        "in_use": used,
        "switch_rate": switching,
        "dlp_cdc": last["dlp_cdc"].mean(),
        "dlp_strike": last["dlp_strike"].mean(),
        "revenue_large": last["revenue_large"].mean(),
        "revenue_small": last["revenue_small"].mean(),
        "kept": (
            INTERIOR[0] <= participation.min()
            and participation.max() <= INTERIOR[1]
            and used >= STANCES_IN_USE
            and switching < MOST_SWITCHING
            and abs(effect) >= LEAST_EFFECT
        ),
    }


def main() -> None:
    """Scan from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenario")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = pd.DataFrame(scan(arguments.scenario, arguments.data_dir, arguments.seeds))
    print(rows.round(3).to_string(index=False))
    print(f"kept: {int(rows['kept'].sum())} of {len(rows)}")


if __name__ == "__main__":
    main()
