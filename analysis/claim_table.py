"""The table of claims: what the runs of a study say of each variant of each claim.

Core Objects: claim_table, claim_lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from abm.streams import Streams
from analysis.claims import Claim
from analysis.effects import CONFIDENCE, bootstrap_interval, effects

SURVIVES, REVERSES, UNDECIDED = "survives", "reverses", "undecided"
NO_CHANGE, NOT_DEFINED, UNKNOWN = "no change", "not defined", "unknown"

COLUMNS = (
    *("claim", "side", "variant", "verdict", "arm", "reference", "output"),
    *("n", "effect", "low", "high", "missing", "undefined", "why"),
)
"""Columns of a table of claims."""


def claim_table(
    runs: pd.DataFrame, claims: Sequence[Claim], *, confidence: float = CONFIDENCE, seed: int = 0
) -> pd.DataFrame:
    """Say of each claim where it survives.

    Parameters
    ----------
    runs
        One row a run of a study without swept parameters: arm, point, replicate, status, each output.
    claims
        What is claimed.
    confidence
        Of the intervals.
    seed
        Of the bootstraps.

    Returns
    -------
    DataFrame
        One row for each variant of each claim. ``verdict`` is ``survives`` where the interval lies on the
        claimed side of 0, ``reverses`` where it lies on the other, ``no change`` where the number is 0 in
        every replicate, else ``undecided``. It is ``not defined`` where there is no such arm (``why`` says
        why) or no run has the number, and ``unknown`` where fewer than two pairs of runs have ended.
    """
    rows = []
    for claim in claims:
        for cell in claim.variants:
            said: dict[str, Any] = {"claim": claim.claim, "side": claim.side, "variant": cell.variant}
            if cell.arm is None or cell.output is None:
                rows.append({**said, "verdict": NOT_DEFINED, "n": 0, "why": cell.not_defined})
                continue
            found = _found(runs, cell.arm, cell.against, cell.output, confidence, seed)
            said |= {"arm": cell.arm, "reference": cell.against or "", "output": cell.output}
            rows.append({**said, **found, "verdict": _verdict(found, claim.side), "why": _lacking(found)})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    texts = ("arm", "reference", "output", "why")
    counts = {name: table[name].fillna(0).astype(int) for name in ("missing", "undefined")}
    return table.assign(**{name: table[name].fillna("") for name in texts}, **counts)


def _found(
    runs: pd.DataFrame, arm: str, against: str | None, output: str, confidence: float, seed: int
) -> dict[str, Any]:
    """Return the difference of two arms, or the mean of one, with its interval over replicates."""
    names = ("n", "effect", "low", "high", "missing", "undefined")
    if against is not None:
        two = runs[runs["arm"].isin([arm, against])]
        row = effects(two, [output], against, confidence=confidence, seed=seed).iloc[0]
        return {name: row[name] for name in names}
    own = runs[runs["arm"] == arm].sort_values("replicate")
    finished = own.loc[own["status"] == "finished", output]
    values = finished.dropna().to_numpy(np.float64)
    rng = Streams(seed).generator("/".join(["bootstrap", output, arm, "own"]))
    low, high = bootstrap_interval(values, rng, confidence=confidence)
    return {
        "n": len(values),
        "effect": values.mean() if len(values) else np.nan,
        "low": low,
        "high": high,
        "missing": len(own) - len(finished),
        "undefined": len(finished) - len(values),
    }


def _verdict(found: dict[str, Any], side: str) -> str:
    low, high = found["low"], found["high"]
    if np.isnan(low):
        return NOT_DEFINED if found["undefined"] and not found["n"] else UNKNOWN
    if low == high == 0:
        return NO_CHANGE
    if low > 0 or high < 0:
        return SURVIVES if (low > 0) == (side == "above") else REVERSES
    return UNDECIDED


def _lacking(found: dict[str, Any]) -> str:
    return ", ".join(
        f"{found[what]} {'pairs' if found[what] > 1 else 'pair'} {what}"
        for what in ("missing", "undefined")
        if found[what]
    )


def claim_lines(table: pd.DataFrame) -> list[str]:
    """Return in words, for each claim, where it survives and where it does not."""
    lines = []
    for claim, rows in table.groupby("claim", sort=False):
        told = []
        for verdict, cells in rows.groupby("verdict", sort=False):
            where = [f"{row['variant']}{_span(row)}" for row in cells.to_dict("records")]
            told.append(f"{verdict}: {', '.join(where)}")
        lines.append(f"{claim}. {'; '.join(told)}")
    return lines


def _span(row: dict[Any, Any]) -> str:
    if np.isnan(row["low"]):
        return ""
    return f" ({row['effect']:.3g} [{row['low']:.3g}, {row['high']:.3g}])"
