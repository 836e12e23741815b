"""When a campaign reached what: parity of the companies, levels of leverage, and leverage over time.

Core Objects: leverage_area, leverage_levels, time_to_parity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Levels of leverage in the published tables (Vincent and Hecht 2021)."""


def time_to_parity(ticks: pd.DataFrame, tolerance: float = 0.05) -> int | None:
    """Return the first tick at which Small Co. is as good as Large Co., but for a tolerance.

    Parameters
    ----------
    ticks
        As in ticks.parquet. The gap closed is ``dlp_cdc_delete``, (q_S - W) / (q_L - W).
    tolerance
        Share of the gap that may be left.

    Returns
    -------
    int or None
        ``None`` where that never happens.
    """
    return _first(ticks, ticks["dlp_cdc_delete"] >= 1 - tolerance)


def leverage_area(ticks: pd.DataFrame, lever: str) -> float:
    """Return the leverage of a lever summed over time, in leverage times ticks, by trapezoids.

    ``lever`` is ``cdc``, ``strike`` or ``cdc_delete``; ticks where it is undefined are bridged.
    """
    course = ticks[["tick", f"dlp_{lever}"]].dropna()
    return float(np.trapezoid(course[f"dlp_{lever}"], course["tick"]))


def leverage_levels(ticks: pd.DataFrame, lever: str, levels: Sequence[float] = LEVELS) -> pd.DataFrame:
    """Return when leverage first exceeded each level, strictly, and who took part then.

    Parameters
    ----------
    ticks
        As in ticks.parquet.
    lever
        ``cdc``, ``strike`` or ``cdc_delete``.
    levels
        Levels of leverage.

    Returns
    -------
    DataFrame
        One row a level: ``level``, ``tick``, ``participation``, ``data_participation``; the last three are
        NaN where the level was never exceeded. Participation counts everybody who acts, whatever the lever.
    """
    rows = []
    for level in levels:
        tick = _first(ticks, ticks[f"dlp_{lever}"] > level)
        then = ticks[ticks["tick"] == tick]
        reached = (
            [np.nan, np.nan, np.nan]
            if tick is None
            else [
                float(tick),
                float(then["participation"].iloc[0]),
                float(then["data_participation"].iloc[0]),
            ]
        )
        rows.append([level, *reached])
    return pd.DataFrame(rows, columns=["level", "tick", "participation", "data_participation"])


def _first(ticks: pd.DataFrame, holds: pd.Series[bool]) -> int | None:
    return int(ticks.loc[holds, "tick"].iloc[0]) if holds.any() else None
