"""In how much of a space of assumptions an effect is positive, and which assumptions turn its sign.

Two uncertainties are kept apart: which seeds were drawn, with the points as they are, and which points of the
space were visited, with the replicates as they are. More replicates narrow the first, only more points the
second.

Core Objects: effect_signs, sign_lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest, norm, rankdata

from abm.streams import Streams
from analysis.effects import CONFIDENCE, RESAMPLES, bootstrap_interval, comparisons

Floats = NDArray[np.float64]

COLUMNS = (
    *("output", "arm", "reference", "points", "replicates", "effect"),
    *("seed_low", "seed_high", "assumption_low", "assumption_high"),
    *("share_positive", "share_seed_low", "share_seed_high", "share_assumption_low", "share_assumption_high"),
    *("share_negative", "missing", "undefined"),
    *("parameter", "correlation", "correlation_low", "correlation_high"),
    *("split", "share_below", "share_above", "chance"),
)
"""Columns of a table of signs: what holds for the effect stands in each of its rows, one an axis."""

_SMALLEST_SIDE = 0.05
"""Least share of the points on either side of a split: smaller groups say nothing about a region."""

_FEWEST_SHUFFLES, _MOST_SHUFFLES, _NUMBERS = 99, 999, 2**22

LIKELY = 0.05
"""A split that shuffled signs match this often is not told."""

_MOST_R = 1 - 1e-12
"""Largest correlation that Fisher's transform is taken of."""

_MOST_SIZES = 4
"""Assumptions named that the size of an effect goes with."""


def effect_signs(
    runs: pd.DataFrame,
    outputs: Sequence[str],
    parameters: Sequence[str],
    reference: str,
    *,
    against: Mapping[str, Sequence[str]] | None = None,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> pd.DataFrame:
    """Say where in a sampled space of assumptions each arm raises each output.

    Parameters
    ----------
    runs
        One row a run: arm, point, replicate, status, a column for each axis and for each output.
    outputs, parameters
        Columns of outputs, and of the axes that were sampled.
    reference
        The arm that the others are compared with, replicate by replicate.
    against
        Arms, by arm, that it is compared with besides.
    confidence
        Of the intervals.
    seed
        Of the bootstraps and shuffles.

    Returns
    -------
    DataFrame
        One row for each output, pair of arms and axis.

        - ``effect``: mean difference, with the interval over seeds (bootstrap of whole replicates, the same
          at all points, since they share their seeds) and over assumptions (bootstrap of points).
        - ``share_positive``: share of the points whose mean difference is above 0, with its interval over
          seeds (the same bootstrap) and over assumptions (exact binomial, Clopper and Pearson 1934: a
          bootstrap of points that all agree would be certain of what it has not seen).
        - ``missing``, ``undefined``: pairs left out, as in :func:`analysis.effects.effects`.
        - ``correlation``: partial rank correlation of the difference with the axis, given the others (Iman
          and Conover 1979), interval by Fisher's transform; NaN for an axis
          of texts or truth values.
        - ``split``: the value of the axis that best separates positive from other differences, by Gini
          impurity (Breiman et al. 1984), and the shares that are positive up to it and above it; for such
          an axis, one of its values, the share of the others, and its own. ``chance`` is how often shuffled
          signs have as good a split on any axis. NaN where one sign is all there is.
    """
    rows: list[dict[str, Any]] = []
    for arm, other in comparisons(runs["arm"].unique(), reference, against):
        for output in outputs:
            stream = "/".join(["signs", output, arm, *([] if other == reference else [other])])
            rng = Streams(seed).generator(stream)
            differences, axes, counts = _differences(runs, arm, other, output, parameters)
            said = {"output": output, "arm": arm, "reference": other, **counts}
            said |= _overall(differences, rng, confidence)
            means = np.nanmean(differences, axis=1)
            rows += [said | of_axis for of_axis in _by_axis(means, axes, rng, confidence)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _differences(
    runs: pd.DataFrame, arm: str, reference: str, output: str, parameters: Sequence[str]
) -> tuple[Floats, pd.DataFrame, dict[str, int]]:
    """Return the paired differences [points, replicates], NaN for lost pairs, and the axes of these points.

    Points without any pair are left out.
    """
    finished = runs["status"] == "finished"
    sides = []
    for name in (arm, reference):
        here = runs["arm"] == name
        shape = {"index": "point", "columns": "replicate"}
        values = runs[here].assign(value=runs[output].where(finished)).pivot(**shape, values="value")
        done = runs[here].assign(done=finished).pivot(**shape, values="done")
        sides.append((values.astype(float), done.fillna(False).astype(bool)))
    (one, one_done), (two, two_done) = sides
    both = one_done & two_done
    difference = one - two
    missing = int((~both).to_numpy().sum())
    undefined = int((difference.isna() & both).to_numpy().sum())
    kept = difference.dropna(how="all")
    axes = runs.drop_duplicates("point").set_index("point").loc[kept.index, list(parameters)]
    return kept.to_numpy(np.float64), axes, {"missing": missing, "undefined": undefined}


def _overall(differences: Floats, rng: np.random.Generator, confidence: float) -> dict[str, Any]:
    """Return mean and signs of the differences [points, replicates], with both intervals of each."""
    points, replicates = differences.shape
    found: dict[str, Any] = {"points": points, "replicates": replicates}
    if not points:
        return found
    means = np.nanmean(differences, axis=1)
    positive = int((means > 0).sum())
    low, high = bootstrap_interval(means, rng, confidence=confidence)
    exact = binomtest(positive, points).proportion_ci(confidence)
    found |= {
        "effect": float(means.mean()),
        "assumption_low": low,
        "assumption_high": high,
        "share_positive": positive / points,
        "share_negative": float((means < 0).mean()),
        "share_assumption_low": float(exact.low),
        "share_assumption_high": float(exact.high),
    }
    if replicates > 1:
        effects, shares = _resampled(differences, rng)
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        found["seed_low"], found["seed_high"] = map(float, np.quantile(effects, tails))
        found["share_seed_low"], found["share_seed_high"] = map(float, np.quantile(shares, tails))
    return found


def _resampled(differences: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return mean effects and shares of positive points under resampled replicates, points as they are."""
    points, replicates = differences.shape
    there = ~np.isnan(differences)
    filled = np.where(there, differences, 0.0)
    effects, shares = [], []
    at_once = max(1, _NUMBERS // points)
    for start in range(0, RESAMPLES, at_once):
        size = min(at_once, RESAMPLES - start)
        weights = rng.multinomial(replicates, np.full(replicates, 1 / replicates), size=size).T.astype(float)
        number = there @ weights
        # A point none of whose pairs was drawn says nothing in this resample.
        means = np.divide(filled @ weights, number, out=np.full(number.shape, np.nan), where=number > 0)
        seen = (number > 0).sum(axis=0)
        effects.append(np.nansum(means, axis=0) / seen)
        shares.append((means > 0).sum(axis=0) / seen)
    return np.concatenate(effects), np.concatenate(shares)


def _by_axis(
    means: Floats, axes: pd.DataFrame, rng: np.random.Generator, confidence: float
) -> list[dict[str, Any]]:
    """Return correlation and best split of each axis."""
    coded = {str(name): _coded(axes[name]) for name in axes.columns}
    positive = means > 0
    n = len(means)
    shuffled = np.empty((0, n), bool)
    if 0 < positive.sum() < n:
        shuffles = int(np.clip(_NUMBERS // n, _FEWEST_SHUFFLES, _MOST_SHUFFLES))
        shuffled = rng.permuted(np.broadcast_to(positive, (shuffles, n)), axis=1)
    splits = {name: _best_split(axes[name], positive, shuffled) for name in coded}
    best_by_luck = np.max([by_luck for _, _, by_luck in splits.values()], axis=0) if splits else np.empty(0)
    rows = []
    for name, (found, gain, _) in splits.items():
        others = [column for other, columns in coded.items() if other != name for column in columns]
        row: dict[str, Any] = {"parameter": name, **found}
        if _is_numeric(axes[name]):
            row |= _partial(coded[name][0], others, means, confidence)
        if found:
            # As good but for rounding; the signs as they are count as one of the shuffles.
            matched = np.sum(best_by_luck >= gain - 1e-12)
            row["chance"] = float((1 + matched) / (1 + len(best_by_luck)))
        rows.append(row)
    return rows


def _is_numeric(axis: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(axis) and not pd.api.types.is_bool_dtype(axis)


def _coded(axis: pd.Series[Any]) -> list[Floats]:
    """Return an axis as columns of ranks, or one of 0 and 1 for each text but one."""
    if _is_numeric(axis):
        return [rankdata(axis.to_numpy(np.float64))]
    return [(axis == text).to_numpy(np.float64) for text in axis.unique()[1:]]


def _partial(ranks: Floats, others: list[Floats], means: Floats, confidence: float) -> dict[str, float]:
    """Return how an axis, as ranks, and the ranks of the means correlate, the other axes taken off both."""
    n, free = len(means), len(means) - len(others) - 3
    if free < 1:
        return {}
    design = np.column_stack([np.ones(n), *others])
    sides = np.column_stack([ranks, rankdata(means)])
    left = sides - design @ np.linalg.lstsq(design, sides, rcond=None)[0]
    lengths = np.linalg.norm(left, axis=0)
    if (lengths <= 1e-9 * np.linalg.norm(sides, axis=0)).any():
        return {}
    r = float(np.clip(left[:, 0] @ left[:, 1] / lengths.prod(), -1, 1))
    half = norm.ppf((1 + confidence) / 2) / np.sqrt(free)
    z = np.arctanh(np.clip(r, -_MOST_R, _MOST_R))
    return {
        "correlation": r,
        "correlation_low": float(np.tanh(z - half)),
        "correlation_high": float(np.tanh(z + half)),
    }


def _best_split(
    axis: pd.Series[Any], positive: NDArray[np.bool_], shuffled: NDArray[np.bool_]
) -> tuple[dict[str, Any], float, Floats]:
    """Return the best split of an axis, what it gains, and what the best gains with each shuffled sign."""
    nothing = np.zeros(len(shuffled))
    n = len(positive)
    smallest = max(1, int(np.ceil(_SMALLEST_SIDE * n)))
    if not len(shuffled):
        return {}, 0.0, nothing
    signs = np.vstack([positive, shuffled]).astype(np.int64)
    if _is_numeric(axis):
        values = axis.to_numpy(np.float64)
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        below = np.flatnonzero(ordered[1:] > ordered[:-1]) + 1  # how many points lie below each gap
        counts = np.cumsum(signs[:, order], axis=1)[:, below - 1]
        names: list[Any] = [float(ordered[cut - 1] + ordered[cut]) / 2 for cut in below]
    else:
        texts = list(axis.unique())
        # The others come first, as the lower side does.
        outside = np.array([(axis != text).to_numpy() for text in texts]).astype(np.int64)
        below = outside.sum(axis=1)
        counts = signs @ outside.T
        names = [str(text) for text in texts]
    allowed = (below >= smallest) & (n - below >= smallest)
    if not allowed.any():
        return {}, 0.0, nothing
    below, counts = below[allowed], counts[:, allowed]
    total = int(positive.sum())
    # What a split gains of Gini impurity, but for a factor: the squared difference of both shares, weighted.
    lower, upper = counts / below, (total - counts) / (n - below)
    gains = below * (n - below) / n**2 * (upper - lower) ** 2
    best = int(gains[0].argmax())
    found = {
        "split": [name for name, fits in zip(names, allowed, strict=True) if fits][best],
        "share_below": float(lower[0, best]),
        "share_above": float(upper[0, best]),
    }
    return found, float(gains[0, best]), gains[1:].max(axis=1)


def sign_lines(table: pd.DataFrame) -> list[str]:
    """Return in words, for each output and pair of arms, where it is raised, and what flips the sign."""
    lines = []
    for (output, arm, reference), rows in table.groupby(["output", "arm", "reference"], sort=False):
        r = rows.iloc[0]
        if not r["points"]:
            lines.append(f"{arm}: no point has a pair of finished runs with {output}, against {reference}")
            continue
        lines.append(
            f"{arm}, against {reference}, raises {output} in {r['share_positive']:.0%} of the assumption "
            f"space (seeds {_percent(r, 'share_seed')}, assumptions {_percent(r, 'share_assumption')}), "
            f"lowers it in {r['share_negative']:.0%}; by {r['effect']:.4g} on average "
            f"(seeds {_between(r, 'seed')}, assumptions {_between(r, 'assumption')}); "
            f"{r['points']} points x {r['replicates']} replicates{_lacking(r)}"
        )
        lines += [f"  {text}" for text in _turning(rows)]
    return lines


def _turning(rows: pd.DataFrame) -> list[str]:
    """Say which assumptions flip the sign of an effect, and which only make it rarer."""
    told = rows[rows["chance"] <= LIKELY].sort_values(["chance", "parameter"], kind="stable")
    # A split flips the sign where most points below it have one, and most above it the other.
    flips = (told["share_below"] > 0.5) != (told["share_above"] > 0.5)
    lines = []
    for these, what in (
        (told[flips], "these assumptions flip the sign"),
        (told[~flips], "how often it is positive also depends on"),
    ):
        if len(these):
            lines.append(f"{what}: {'; '.join(_split(row) for row in these.to_dict('records'))}")
    if told.empty and 0 < rows["share_positive"].iloc[0] < 1:
        lines.append("no single assumption separates where it does from where it does not")
    return lines + _sizes(rows)


def _sizes(rows: pd.DataFrame) -> list[str]:
    """Say which assumptions the size of an effect goes with, beyond what one of so many does by chance."""
    r = rows[["correlation_low", "correlation", "correlation_high"]].to_numpy(np.float64)
    ends = np.arctanh(np.clip(r, -_MOST_R, _MOST_R))
    spread = (ends[:, 2] - ends[:, 0]) / (2 * norm.ppf((1 + CONFIDENCE) / 2))
    far = np.abs(ends[:, 1]) > norm.ppf(1 - (1 - CONFIDENCE) / 2 / len(rows)) * spread
    these = rows[far].sort_values("correlation", key=np.abs, ascending=False, kind="stable").head(_MOST_SIZES)
    told = [
        f"{row['parameter']} {row['correlation']:.2f} {_between(row, 'correlation', 2)}"
        for row in these.to_dict("records")
    ]
    return [f"its size goes with (partial rank correlations): {'; '.join(told)}"] if told else []


def _split(row: dict[Any, Any]) -> str:
    split = row["split"]
    sides = (
        (f"up to {split:.4g}", "above")
        if isinstance(split, float)
        else (f"where it is not {split}", f"where it is {split}")
    )
    r = row["correlation"]
    told = "" if np.isnan(r) else f"; partial rank correlation {r:.2f} {_between(row, 'correlation', 2)}"
    return (
        f"{row['parameter']} (positive at {row['share_below']:.0%} of the points {sides[0]}, "
        f"at {row['share_above']:.0%} {sides[1]}; by chance p = {row['chance']:.3f}{told})"
    )


def _percent(row: Any, what: str) -> str:
    low, high = row[f"{what}_low"], row[f"{what}_high"]
    return "unknown" if np.isnan(low) else f"{low:.0%} to {high:.0%}"


def _between(row: Any, what: str, digits: int = 4) -> str:
    low, high = row[f"{what}_low"], row[f"{what}_high"]
    return "unknown" if np.isnan(low) else f"[{low:.{digits}g}, {high:.{digits}g}]"


def _lacking(row: Any) -> str:
    return "".join(f", {row[what]} pairs {what}" for what in ("missing", "undefined") if row[what])
