"""Which assumptions an output depends on: first- and total-order indices of a finished Sobol study.

Indices are of the mean over replicates, of every arm and of every arm's paired difference to the reference;
how much of the variance is luck is said beside them. Nothing is computed where a run is missing, has failed,
or has an output that is not defined: SALib would return zeros there, which read like a result.

Core Objects: sobol_table, sobol_indices, RefusedError, sobol_lines.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.streams import Streams
from analysis.effects import CONFIDENCE

Floats = NDArray[np.float64]

COLUMNS = (
    *("output", "arm", "reference", "index", "parameter", "other", "value", "low", "high", "n"),
    *("replicates", "seed_share", "refused"),
)
"""Columns of a table of indices; ``reference`` is empty where the index is of the arm's own output."""

_MOST_NAMED = 5
"""Runs that a refusal names; the others are counted."""

_FEWEST_RESAMPLES, _MOST_RESAMPLES, _NUMBERS = 100, 1000, 2**22
"""Of SALib's bootstrap; in between, as many as keep its arrays at this many numbers."""


class RefusedError(ValueError):
    """No index can be computed; the message names the runs that are the reason."""


def sobol_table(
    runs: pd.DataFrame,
    outputs: Sequence[str],
    parameters: Sequence[str],
    reference: str,
    *,
    second_order: bool = False,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute the indices of every output in every arm, and of what every arm changes.

    Parameters
    ----------
    runs
        One row a run: run_id, arm, point, replicate, status, and a column for each output. Points are those
        of Saltelli's design, in its order.
    outputs, parameters
        Columns of outputs, and the names of the axes of the design.
    reference
        The arm whose paired difference to the others is analysed, too.
    second_order
        Whether the design separates pairs of parameters.
    confidence
        Of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        One row for each output, arm and index (``first``, ``total``, and ``second`` for a pair of
        parameters): its value and interval, the number of base samples and of replicates, and the share of a
        single run's variance that is luck, see :func:`seed_share`. Where nothing can be computed, one row
        without a value, and in ``refused`` why.
    """
    arms = list(runs["arm"].unique())
    compared = [(arm, "") for arm in arms]
    compared += [(arm, reference) for arm in arms if arm != reference and reference in arms]
    rows: list[dict[str, Any]] = []
    for output in outputs:
        for arm, against in compared:
            said = {"output": output, "arm": arm, "reference": against}
            # SALib takes a seed of 0 for none.
            drawn = Streams(seed).generator("/".join(["sobol bootstrap", output, arm, against]))
            options = (second_order, confidence, int(drawn.integers(1, 2**32)))
            try:
                values = complete_values(runs, output, arm)
                if against:
                    values = values - complete_values(runs, output, against)
                found = sobol_indices(values, parameters, *options)
                rows += [{**said, **row, "refused": ""} for row in found]
            except RefusedError as error:
                nothing = {"index": "", "parameter": "", "other": "", "value": np.nan}
                rows.append({**said, **nothing, "refused": str(error)})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(
        **{name: table[name].fillna("") for name in ("index", "parameter", "other", "refused")}
    )


def complete_values(runs: pd.DataFrame, output: str, arm: str) -> Floats:
    """Return an arm's output by point and replicate, [points, replicates].

    Raises
    ------
    RefusedError
        If a run is missing or failed, its output is not a finite number, or the table lacks its row.
    """
    of_arm = runs[runs["arm"] == arm].sort_values(["point", "replicate"], kind="stable")
    values = of_arm[output].to_numpy(np.float64)
    finished = (of_arm["status"] == "finished").to_numpy()
    bad = of_arm[~finished | ~np.isfinite(values)]
    if len(bad):
        named = [_named(row, output) for row in bad.head(_MOST_NAMED).to_dict("records")]
        more = f"; and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
        raise RefusedError("; ".join(named) + more)
    points, replicates = (of_arm[key].unique() for key in ("point", "replicate"))
    expected = pd.MultiIndex.from_product([range(int(max(points, default=-1)) + 1), sorted(replicates)])
    if not pd.MultiIndex.from_frame(of_arm[["point", "replicate"]]).equals(expected):
        raise RefusedError(f"arm {arm} has not every replicate at every point in the table of runs")
    return values.reshape(len(points), len(replicates))


def _named(row: dict[Any, Any], output: str) -> str:
    status = row["status"]
    why = f"has {output} = {row[output]:g}" if status == "finished" else f"is {status}"
    why = "has failed" if status == "failed" else why
    return f"run {row['run_id']} (arm {row['arm']}, point {row['point']}, replicate {row['replicate']}) {why}"


def sobol_indices(
    values: Floats,
    parameters: Sequence[str],
    second_order: bool = False,
    confidence: float = CONFIDENCE,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """Compute the indices of the mean over replicates (Sobol 2001; Saltelli et al. 2010).

    Parameters
    ----------
    values
        [points, replicates], points in the order of Saltelli's design; finite.
    parameters
        Names of the axes, k of them.
    second_order
        Whether the design has n (2 k + 2) points instead of n (k + 2).
    confidence
        Of the intervals, which are normal with the standard deviation of SALib's bootstrap.
    seed
        Of the bootstrap, above 0.

    Returns
    -------
    list of dict
        One for each index, see :func:`sobol_table`.

    Raises
    ------
    RefusedError
        If the number of points is not the design's, a value is not finite, or the output is the same
        everywhere: shares of no variance are not defined.
    """
    k = len(parameters)
    per_sample = (2 if second_order else 1) * k + 2
    if not len(values) or len(values) % per_sample:
        raise RefusedError(f"{len(values)} points are no whole number of base samples of {per_sample}")
    if not np.isfinite(values).all():
        raise RefusedError(f"{int((~np.isfinite(values)).sum())} of {values.size} values are not finite")
    means = values.mean(axis=1)
    n = len(means) // per_sample
    independent = means.reshape(n, per_sample)[:, [0, -1]]
    if np.ptp(independent) <= 1e-12 * np.abs(independent).max():
        raise RefusedError(f"it is {means[0]:.6g} at all points: shares of no variance are not defined")
    found = _analysed(means, k, second_order, confidence, seed, n)
    shared = {"n": n, "replicates": values.shape[1], "seed_share": seed_share(values)}

    def row(index: str, parameter: int, other: int | None, key: str) -> dict[str, Any]:
        place = parameter if other is None else (parameter, other)
        value, half = float(found[key][place]), float(found[f"{key}_conf"][place])
        return {
            "index": index,
            "parameter": parameters[parameter],
            "other": "" if other is None else parameters[other],
            "value": value,
            "low": value - half,
            "high": value + half,
            **shared,
        }

    rows = [
        row(index, number, None, key)
        for number in range(k)
        for index, key in (("first", "S1"), ("total", "ST"))
    ]
    if second_order:
        rows += [row("second", one, two, "S2") for one in range(k) for two in range(one + 1, k)]
    return rows


def _analysed(means: Floats, k: int, second_order: bool, confidence: float, seed: int, n: int) -> Any:
    from SALib.analyze import sobol

    problem = {"num_vars": k, "names": [str(j) for j in range(k)], "bounds": [[0.0, 1.0]] * k}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # resamples in which all values are the same
        return sobol.analyze(
            problem,
            means,
            calc_second_order=second_order,
            num_resamples=int(np.clip(_NUMBERS // n, _FEWEST_RESAMPLES, _MOST_RESAMPLES)),
            conf_level=confidence,
            seed=seed,
        )


def seed_share(values: Floats) -> float:
    """Return the share of a single run's variance that is luck; NaN with one replicate.

    Parameters
    ----------
    values
        [points, replicates]. The variance within points over that within and between them; of the latter,
        what the luck left in the means contributes is taken off (one-way random effects).
    """
    replicates = values.shape[1]
    if replicates < 2:
        return float("nan")
    within = float(values.var(axis=1, ddof=1).mean())
    between = max(float(values.mean(axis=1).var(ddof=1)) - within / replicates, 0.0)
    return within / (within + between) if within + between > 0 else float("nan")


def sobol_lines(table: pd.DataFrame) -> list[str]:
    """Return in words, for each output and arm, what it depends on most, or why nothing is said."""
    lines = []
    for (output, arm, reference), rows in table.groupby(["output", "arm", "reference"], sort=False):
        what = f"{output}, arm {arm}" + (f" less {reference}" if reference else "")
        first = rows.iloc[0]
        if first["refused"]:
            lines.append(f"{what}: no indices, since {first['refused']}")
            continue
        totals = rows[rows["index"] == "total"].sort_values("value", ascending=False, kind="stable")
        firsts = rows[rows["index"] == "first"].set_index("parameter")
        said = [
            f"{row['parameter']} {_index(firsts.loc[row['parameter']])} alone, {_index(row)} in all"
            for row in totals.head(3).to_dict("records")
        ]
        luck = first["seed_share"]
        told = "unknown with one replicate" if np.isnan(luck) else f"{luck:.0%}"
        lines.append(f"{what}: {'; '.join(said)} (luck in a single run's variance: {told})")
    return lines


def _index(row: Any) -> str:
    return f"{row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
