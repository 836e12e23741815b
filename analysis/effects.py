"""What an intervention changes: paired differences between arms, with bootstrap intervals.

Arms of a study share seeds, so the difference between two arms is taken replicate by replicate: what both
have by luck cancels. Only runs that both finished are a pair; missing and failed runs are counted, and never
taken for anything.

Core Objects: effects, comparisons, bootstrap_interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from abm.streams import Streams

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 4000

COLUMNS = (
    *("output", "arm", "reference", "n", "mean", "mean_reference", "effect", "low", "high"),
    *("share_positive", "missing", "undefined"),
)
"""Columns of a table of effects, after the parameters of the point."""


def effects(
    runs: pd.DataFrame,
    outputs: Sequence[str],
    reference: str,
    *,
    against: Mapping[str, Sequence[str]] | None = None,
    parameters: Sequence[str] = (),
    by_point: bool = True,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every arm with one of them, and some with others as well.

    Parameters
    ----------
    runs
        One row a run: arm, point, replicate, status, and a column for each output.
    outputs
        Which columns to compare.
    reference
        The arm that the others are compared with.
    against
        Arms, by arm, that it is compared with besides.
    parameters
        Columns that tell points apart.
    by_point
        Compare at each point; otherwise over all points together, of which each counts once: the interval is
        then over points (the assumptions), not over replicates (luck).
    confidence
        Of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        One row for each output, pair of arms and point: n pairs (or points), the means of both arms over
        them, the mean difference with its interval, the share of differences above 0, and how many pairs were
        missing or failed, or had an output that is not defined, such as the time of what never happened.
    """
    points = list(runs.groupby("point", sort=True)) if by_point else [(None, runs)]
    pairs_of_arms = comparisons(runs["arm"].unique(), reference, against)
    rows = []
    for point, group in points:
        where = {} if point is None else {"point": point} | {name: group[name].iloc[0] for name in parameters}
        for arm, other in pairs_of_arms:
            for output in outputs:
                pairs = _pairs(group, arm, other, output)
                stream = ["bootstrap", output, arm, str(point), *([] if other == reference else [other])]
                rng = Streams(seed).generator("/".join(stream))
                rows.append({**where, **_row(pairs, arm, other, output, confidence, rng, by_point)})
    return pd.DataFrame(rows, columns=[*(() if not by_point else ("point", *parameters)), *COLUMNS])


def comparisons(
    arms: Iterable[str], reference: str, against: Mapping[str, Sequence[str]] | None = None
) -> list[tuple[str, str]]:
    """Return the pairs of an arm and what it is compared with: the reference, then what else is asked for."""
    present = list(arms)
    pairs = [(arm, reference) for arm in present if arm != reference]
    besides = [(arm, other) for arm, others in (against or {}).items() for other in others]
    return pairs + [pair for pair in besides if pair not in pairs and set(pair) <= set(present)]


def _pairs(runs: pd.DataFrame, arm: str, reference: str, output: str) -> pd.DataFrame:
    """Return one row a pair: whether both have finished, and the output in both."""
    key = ["point", "replicate"]
    sides = [runs[runs["arm"] == name].set_index(key) for name in (arm, reference)]
    finished = pd.concat([side["status"] == "finished" for side in sides], axis=1, keys=["arm", "reference"])
    values = pd.concat([side[output] for side in sides], axis=1, keys=["arm", "reference"])
    return values.assign(finished=finished.fillna(False).all(axis=1)).sort_index()


def _row(
    pairs: pd.DataFrame,
    arm: str,
    reference: str,
    output: str,
    confidence: float,
    rng: np.random.Generator,
    by_point: bool,
) -> dict[str, Any]:
    finished = pairs[pairs["finished"]]
    defined = finished.dropna()
    compared = defined if by_point else defined.groupby(level="point").mean()
    with_arm, without = (compared[side].to_numpy(np.float64) for side in ("arm", "reference"))
    differences = with_arm - without
    n = len(differences)
    low, high = bootstrap_interval(differences, rng, confidence=confidence)
    return {
        "output": output,
        "arm": arm,
        "reference": reference,
        "n": n,
        "mean": with_arm.mean() if n else np.nan,
        "mean_reference": without.mean() if n else np.nan,
        "effect": differences.mean() if n else np.nan,
        "low": low,
        "high": high,
        "share_positive": float(np.mean(differences > 0)) if n else np.nan,
        "missing": len(pairs) - len(finished),
        "undefined": len(finished) - len(defined),
    }


def bootstrap_interval(
    values: Floats,
    rng: np.random.Generator,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Return the bias-corrected and accelerated bootstrap interval of a mean (Efron 1987).

    Parameters
    ----------
    values
        The sample, [n].
    rng
        Draws the resamples.
    confidence, resamples
        Coverage aimed at, and number of resamples.

    Returns
    -------
    float, float
        Both ends; NaN with fewer than two values, and both the value if they are all the same.
    """
    n = len(values)
    if n < 2:
        return np.nan, np.nan
    centre = float(values.mean())
    if np.ptp(values) == 0:
        return centre, centre
    at_once = max(1, 2**22 // n)
    found = np.concatenate(
        [
            values[rng.integers(n, size=(min(at_once, resamples - start), n))].mean(axis=1)
            for start in range(0, resamples, at_once)
        ]
    )
    # Half of the ties count as below, so that a sample of few different values is not taken for biased.
    below = np.mean(found < centre) + np.mean(found == centre) / 2
    bias = norm.ppf(np.clip(below, 1 / (2 * resamples), 1 - 1 / (2 * resamples)))
    influence = values - centre  # of the jackknife, but for a factor that cancels
    acceleration = np.sum(influence**3) / (6 * np.sum(influence**2) ** 1.5)
    tails = norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    shifted = norm.cdf(bias + (bias + tails) / (1 - acceleration * (bias + tails)))
    low, high = np.quantile(found, shifted)
    return float(low), float(high)
