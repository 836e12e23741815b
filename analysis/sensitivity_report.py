"""What the report of a study says of what its results depend on.

Core Objects: sensitivity_parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from analysis.report import Part, Table, Words, intervals, span
from analysis.report_texts import said

_MOST_SIGN_TABLES = 24
"""Comparisons beyond which only those whose sign some assumption bears on get a table of their own."""


def sensitivity_parts(table: pd.DataFrame, lines: Sequence[str]) -> list[Part]:
    """Return what results depend on: in words first, then tables; nothing where no space was sampled.

    Parameters
    ----------
    table
        Of :func:`analysis.sensitivity.sobol_table` or :func:`analysis.effect_signs.effect_signs`.
    lines
        What it says, in words; what is indented belongs to the line before it.
    """
    if table.empty:
        return []
    paragraphs = re.split(r"\n(?! )", "\n".join(lines))
    parts: list[Part] = [Words([text.replace("\n  ", "\n– ") for text in paragraphs])]  # noqa: RUF001
    return [*parts, *(_indices(table) if "index" in table.columns else _signs(table))]


def _indices(table: pd.DataFrame) -> list[Part]:
    parts: list[Part] = []
    for (output, arm, reference), group in table[table["refused"] == ""].groupby(
        ["output", "arm", "reference"], sort=False
    ):
        place = intervals([(0.0, 0.0, 1.0)])
        rows = []
        for row in group.sort_values("value", ascending=False, kind="stable").to_dict("records"):
            what = f"{row['parameter']} x {row['other']}" if row["other"] else row["parameter"]
            between = span(row["low"], row["high"])
            rows.append(
                (what, row["index"], row["value"], between, place(row["low"], row["value"], row["high"]))
            )
        what = f"{output}, arm {arm}" + (f" less {reference}" if reference else "")
        columns = ("Assumption", "Order", "Index", "95 % interval", "Drawn, 0 to 1")
        numbers = frozenset({"Index", "95 % interval"})
        parts.append(Table(f"Sobol indices of {what}", columns, rows, numbers, " in sensitivity.csv"))
    return parts


def _signs(table: pd.DataFrame) -> list[Part]:
    from analysis.effect_signs import LIKELY  # SciPy is not needed before

    pairs = list(table.groupby(["output", "arm", "reference"], sort=False))
    parts: list[Part] = []
    if len(pairs) > _MOST_SIGN_TABLES:
        which = (
            "Tables follow for the effects whose sign some assumption bears on; all are in sensitivity.csv."
        )
        parts.append(Words([which]))
        pairs = [(key, group) for key, group in pairs if (group["chance"] <= LIKELY).any()]
    for (output, arm, reference), group in pairs:
        place = intervals([(-1.0, 0.0, 1.0)])
        rows = []
        for row in group.sort_values("chance", kind="stable").to_dict("records"):
            ends = (row["correlation_low"], row["correlation"], row["correlation_high"])
            undefined = pd.isna(row["chance"])
            rows.append(
                (
                    row["parameter"],
                    row["correlation"],
                    span(ends[0], ends[2]),
                    place(*ends),
                    "" if undefined else said(row["split"]),
                    "" if undefined else f"{row['share_below']:.0%}",
                    "" if undefined else f"{row['share_above']:.0%}",
                    "" if undefined else f"{row['chance']:.3f}",
                )
            )
        columns = (
            *("Assumption", "Partial rank correlation", "95 % interval", "Drawn, −1 to 1"),  # noqa: RUF001
            *("Best split", "Positive below, or elsewhere", "Positive above, or there", "By chance, p"),
        )
        numbers = frozenset(columns) - {"Assumption", columns[3]}
        parts.append(
            Table(f"What turns the effect of {arm}, against {reference}, on {output}", columns, rows, numbers)
        )
    return parts
