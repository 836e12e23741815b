"""How much of something it takes: the value of a swept parameter at which an output reaches a level.

With a script that sets who takes part, that is a participation threshold: the share of people at which Small
Co. catches up, or at which Large Co. feels a strike.

Core Objects: thresholds, first_crossing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.streams import Streams
from analysis.effects import CONFIDENCE, RESAMPLES

Floats = NDArray[np.float64]

COLUMNS = (
    *("output", "along", "level", "arm", "n", "threshold", "low", "high", "share_reached"),
    *("lowest", "highest", "missing"),
)
"""Columns of a table of thresholds, after the other parameters of its points."""


def thresholds(
    runs: pd.DataFrame,
    output: str,
    along: str,
    level: float,
    *,
    below: bool = False,
    others: Sequence[str] = (),
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> pd.DataFrame:
    """Find where the mean of an output over replicates first reaches a level, from the low end of a sweep.

    Replicates share their seeds along the sweep, so each is a curve of its own; the interval is the
    percentile interval of a bootstrap of whole curves. A replicate in which a run is missing or failed is
    left out.

    Parameters
    ----------
    runs
        One row a run: arm, replicate, status, the swept parameters, and a column for the output.
    output, along
        Columns: what is to reach the level, and the parameter that is swept.
    level
        What is to be reached.
    below
        Whether to reach it is to be at or below it; otherwise, at or above it.
    others
        Other swept parameters; each combination has thresholds of its own.
    confidence
        Of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        One row for each arm and combination of other parameters: n replicates, the threshold with its
        interval (interpolated between neighbouring values; the lowest value of the sweep where that is past
        the level already, infinite where the level is not reached), the share of replicates that reach it at
        all, the ends of the sweep, and how many replicates were left out.
    """
    rows = []
    for key, group in runs.groupby(["arm", *others], sort=False):
        where = dict(zip(["arm", *others], key, strict=True))
        curves = group.assign(value=group[output].where(group["status"] == "finished")).pivot(
            index="replicate", columns=along, values="value"
        )
        whole = curves.dropna().sort_index()
        at, values = curves.columns.to_numpy(np.float64), whole.to_numpy(np.float64)
        sign = -1.0 if below else 1.0
        rng = Streams(seed).generator("/".join(["threshold", output, *map(str, key)]))
        rows.append(
            {
                **where,
                **_threshold(at, sign * values, sign * level, confidence, rng),
                "output": output,
                "along": along,
                "level": level,
                "missing": len(curves) - len(whole),
            }
        )
    return pd.DataFrame(rows, columns=[*others, *COLUMNS])


def _threshold(
    at: Floats, values: Floats, level: float, confidence: float, rng: np.random.Generator
) -> dict[str, Any]:
    n = len(values)
    found = {"n": n, "lowest": at[0], "highest": at[-1], "threshold": np.nan, "low": np.nan, "high": np.nan}
    if n == 0:
        return {**found, "share_reached": np.nan}
    found["threshold"] = float(first_crossing(at, values.mean(axis=0)[None], level)[0])
    found["share_reached"] = float(np.isfinite(first_crossing(at, values, level)).mean())
    if n > 1:
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
        crossings = np.sort(first_crossing(at, drawn @ values, level))
        tail = (1 - confidence) / 2
        # Without interpolation: between a number and infinity there is none.
        found["low"] = float(crossings[int(tail * RESAMPLES)])
        found["high"] = float(crossings[int((1 - tail) * RESAMPLES) - 1])
    return found


def first_crossing(at: Floats, curves: Floats, level: float) -> Floats:
    """Return where curves are first at or above a level.

    Parameters
    ----------
    at
        Where they are known, increasing, [k].
    curves
        Their values there, [m, k].
    level
        What is to be reached.

    Returns
    -------
    ndarray of shape (m,)
        Interpolated linearly; the first place for a curve that begins there, infinite for one that never
        gets there.
    """
    reached = curves >= level
    first = reached.argmax(axis=1)
    rows = np.arange(len(curves))
    before = np.maximum(first - 1, 0)
    rise = curves[rows, first] - curves[rows, before]
    share = np.divide(level - curves[rows, before], rise, out=np.ones(len(curves)), where=rise != 0)
    crossing = at[before] + np.where(first > 0, share, 0.0) * (at[first] - at[before])
    return np.where(reached.any(axis=1), crossing, np.inf)
