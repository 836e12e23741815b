"""What the report of a study says of advantages that are followed tick by tick.

Core Objects: decay_parts.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.decays import FIRST, HALVED, LAST, WITHIN, decay_lines
from analysis.report import Cell, Part, Table, Words, intervals, span
from analysis.report_texts import said

_MEASURES = {
    FIRST: "More than the other arm at the first tick that counts",
    HALVED: "Ticks until at most half of that is left, for good",
    WITHIN: "Ticks until it is within the tolerance of the other arm, for good",
    LAST: "More than the other arm at the last tick",
}

_LEAD = (
    "What an arm has beyond another is taken tick by tick, pair by pair with equal seeds; intervals cover "
    "95 % and are bootstrapped over the pairs. What a pair does not get to within the run counts as long as "
    "it was watched, so that a mean of which some are not seen is a lower bound. Pairs in which the arm has "
    "nothing beyond the other at the first tick have no such times."
)


def decay_parts(table: pd.DataFrame) -> list[Part]:
    """Return how long advantages last: in words first, then a table for each measure; nothing without any."""
    if table.empty:
        return []
    parts: list[Part] = [Words([_LEAD, *decay_lines(table)])]
    for measure, told in _MEASURES.items():
        parts.append(_table(table[table["measure"] == measure], told, timed=measure in (HALVED, WITHIN)))
    return parts


def _table(rows: pd.DataFrame, told: str, *, timed: bool) -> Table:
    swept = [name for name in rows.columns[: list(rows.columns).index("of")] if name != "point"]
    place = intervals(list(rows[["low", "mean", "high"]].itertuples(index=False, name=None)))
    cells = [
        _row(row, swept, place(row["low"], row["mean"], row["high"]), timed)
        for row in rows.to_dict("records")
    ]
    lost = bool(rows[["missing", "undefined"]].to_numpy().any())
    columns = ["Arm", "Against", "Column", *swept, "Mean", "95 % interval", "Drawn", "n"]
    columns += ["Not seen", "Never above"] if timed else []
    numbers = frozenset({"Mean", "95 % interval", "n", "Not seen", "Never above"})
    if not lost:
        cells = [row[:-1] for row in cells]
    return Table(told, [*columns, *(["Pairs lost"] if lost else [])], cells, numbers, " in decays.csv")


def _row(row: dict[Any, Any], swept: list[Any], drawn: Cell, timed: bool) -> tuple[Cell, ...]:
    lacking = ", ".join(f"{row[what]} {what}" for what in ("missing", "undefined") if row[what])
    return (
        row["of"],
        row["into"],
        row["column"],
        *(said(row[name]) for name in swept),
        row["mean"],
        span(row["low"], row["high"]),
        drawn,
        row["n"],
        *((row["censored"], row["never_above"]) if timed else ()),
        lacking or "none",
    )
