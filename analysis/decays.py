"""How long the advantage of one arm over another lasts: paired paths, tick by tick.

Two runs with the same seed are a pair; what the one has beyond the other is the excess. It has halved once it
is at most half of the first excess and stays so to the end, and the one has become the other once it is
within a tolerance of it and stays so. What does not happen within the run is censored there.

Core Objects: Decay, decay_table, decay_lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.streams import Streams
from analysis.effects import CONFIDENCE, bootstrap_interval
from learners.parameters import Parameters, parameter

Floats = NDArray[np.float64]

PathOf = Callable[[str, str], "Floats | None"]
"""Run_id and column to the column's values, [ticks + 1]; None where they cannot be had."""

FIRST, HALVED, WITHIN, LAST = "first excess", "halved", "within", "last excess"
"""What is measured of a decay."""

COLUMNS = (
    *("of", "into", "column", "start", "end", "within", "measure"),
    *("n", "mean", "low", "high", "censored", "never_above", "missing", "undefined"),
)
"""Columns of a table of decays, after the parameters of the point."""


class Decay(Parameters):
    """Which arm's advantage over which other one is followed."""

    of: str = parameter(..., "Arm whose advantage is followed", unit="-")
    into: str = parameter(..., "Arm that it is compared with, seed by seed", unit="-")
    column: str = parameter("dlp_strike", "A column of ticks.parquet", unit="-", pattern=r"^[a-z0-9_]{1,64}$")
    start: int = parameter(0, "First tick that counts, that of the first excess", unit="tick", ge=0)
    within: float = parameter(
        0.05, "How near the other arm is near enough, of the other's value", unit="share", gt=0, le=1
    )

    def check(self, arms: Iterable[str]) -> None:
        """Refuse arms that the study does not have.

        Raises
        ------
        ValueError
            Naming the first.
        """
        known = list(arms)
        for what, name in (("of", self.of), ("into", self.into)):
            if name not in known:
                raise ValueError(f"{what} is {name!r}, not one of the arms: {', '.join(known)}")
        if self.of == self.into:
            raise ValueError(f"into is {self.into!r}: an arm cannot be compared with itself")


def decay_table(
    runs: pd.DataFrame,
    decays: Sequence[Decay],
    path_of: PathOf,
    *,
    parameters: Sequence[str] = (),
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how long advantages last.

    Parameters
    ----------
    runs
        One row a run: run_id, arm, point, replicate, status.
    decays
        What is followed.
    path_of
        The paths of finished runs.
    parameters
        Columns that tell points apart.
    confidence
        Of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Four rows for each decay and point: the excess at the first and at the last tick, in the column's
        unit, and the ticks from the first until it has halved and until the arm is within the tolerance of
        the other, both for good. Each has its mean over n pairs with a bootstrap interval; ``censored`` pairs
        are those that do not get there, which count as long as they were watched (restricted mean, Royston
        and Parmar 2013). Pairs that are ``never_above`` have no advantage at the first tick that could
        decay: the excesses count them, the times do not. Pairs are ``missing`` where a run is, and
        ``undefined`` where a tick has no number.
    """
    rows: list[dict[str, Any]] = []
    for decay in decays:
        for point, group in runs.groupby("point", sort=True):
            where = {"point": point, **{name: group[name].iloc[0] for name in parameters}}
            stream = "/".join(["decay", decay.of, decay.into, decay.column, str(point)])
            rng = Streams(seed).generator(stream)
            rows += [{**where, **row} for row in _rows(group, decay, path_of, confidence, rng)]
    return pd.DataFrame(rows, columns=["point", *parameters, *COLUMNS])


def _rows(
    runs: pd.DataFrame, decay: Decay, path_of: PathOf, confidence: float, rng: np.random.Generator
) -> list[dict[str, Any]]:
    of, into, missing = _paths(runs, decay, path_of)
    defined = ~(np.isnan(of) | np.isnan(into)).any(axis=1)
    of, into = of[defined], into[defined]
    excess = of - into
    watched = excess.shape[1]
    above = excess[:, 0] > 0 if watched else np.zeros(0, np.bool_)
    halved = _waited(excess[above] <= excess[above, :1] / 2)
    near = _waited(np.abs(excess[above]) <= decay.within * np.abs(into[above]))
    said = {
        **decay.model_dump(),
        "end": decay.start + watched - 1,
        "never_above": int((~above).sum()),
        "missing": missing,
        "undefined": int((~defined).sum()),
    }
    measures = {FIRST: excess[:, :1].ravel(), HALVED: halved, WITHIN: near, LAST: excess[:, -1:].ravel()}
    rows = []
    for measure, values in measures.items():
        low, high = bootstrap_interval(values, rng, confidence=confidence)
        timed = measure in (HALVED, WITHIN)
        rows.append(
            {
                **said,
                "measure": measure,
                "n": len(values),
                "mean": values.mean() if len(values) else np.nan,
                "low": low,
                "high": high,
                "censored": int((values == watched).sum()) if timed else 0,
            }
        )
    return rows


def _paths(runs: pd.DataFrame, decay: Decay, path_of: PathOf) -> tuple[Floats, Floats, int]:
    """Return the values of both arms from the start on, [pairs, ticks], and how many pairs are missing."""
    sides = [runs[runs["arm"] == arm].set_index("replicate") for arm in (decay.of, decay.into)]
    replicates = sorted(set(sides[0].index) | set(sides[1].index))
    found: list[tuple[Floats, Floats]] = []
    for replicate in replicates:
        of, into = (_path(side, replicate, decay.column, path_of) for side in sides)
        if of is not None and into is not None:
            found.append((of, into))
    if not found:
        return np.empty((0, 0)), np.empty((0, 0)), len(replicates)
    length = min(len(path) for pair in found for path in pair)
    first, second = (np.array([pair[side][decay.start : length] for pair in found]) for side in (0, 1))
    return first, second, len(replicates) - len(found)


def _path(runs: pd.DataFrame, replicate: int, column: str, path_of: PathOf) -> Floats | None:
    if replicate not in runs.index or runs.at[replicate, "status"] != "finished":
        return None
    return path_of(str(runs.at[replicate, "run_id"]), column)


def _waited(holds: NDArray[np.bool_]) -> Floats:
    """Return after how many ticks something holds for good, float64[n]; all there are where it never does."""
    for_good = np.logical_and.accumulate(holds[:, ::-1], axis=1).sum(axis=1)
    return np.asarray(holds.shape[1] - for_good, np.float64)


def decay_lines(table: pd.DataFrame) -> list[str]:
    """Return in words what became of each advantage."""
    before = list(table.columns[: list(table.columns).index("of")])
    lines = []
    for key, rows in table.groupby([*before, "of", "into", "column"], sort=False, dropna=False):
        where = [f"{name} {value}" for name, value in zip(before, key, strict=False) if name != "point"]
        measured = {row["measure"]: row for row in rows.to_dict("records")}
        lines.append(_line(measured, ", ".join(where)))
    return lines


def _line(measured: dict[str, dict[Any, Any]], where: str) -> str:
    first, halved, near, last = (measured[measure] for measure in (FIRST, HALVED, WITHIN, LAST))
    subject = f"{first['of']} against {first['into']}, {first['column']}{f', {where}' if where else ''}"
    if not first["n"]:
        return f"{subject}: no pair of runs has been played."
    told = f"{subject}: {_span(first)} more at tick {first['start']}"
    if not halved["n"]:
        return f"{told}; it is never above it, so that nothing can decay (n = {first['n']})."
    parts = [
        told,
        f"halves for good after {_span(halved)} ticks{_unseen(halved)}",
        f"is within {near['within']:.0%} of it for good after {_span(near)} ticks{_unseen(near)}",
        f"{_span(last)} more at tick {last['end']} (n = {first['n']})",
    ]
    if first["never_above"]:
        parts.append(f"{first['never_above']} pairs begin with no advantage and have no such times")
    return "; ".join(parts) + "."


def _span(row: dict[Any, Any]) -> str:
    return f"{row['mean']:.3g} [{row['low']:.3g}, {row['high']:.3g}]"


def _unseen(row: dict[Any, Any]) -> str:
    if not row["censored"]:
        return ""
    watched = row["end"] - row["start"] + 1
    return f" ({row['censored']} of {row['n']} not by tick {row['end']}, counted as {watched})"
