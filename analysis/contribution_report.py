"""A contribution study in words: verdicts, order of the levers, thresholds, what is incomplete.

Core Objects: contribution_report, verdicts, order_lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.contribution_results import (
    COUNTERPARTS,
    EQUAL_RECORDS,
    JUDGED,
    LEVELS,
    compared_scale,
    lever_orders,
    thresholds,
)
from analysis.reproduction import listed, markdown_table, number, percent, verdict

_COMPANIES = {"cdc": "Small Co.", "strike": "Large Co."}
"""Whose quality a lever acts on."""


def contribution_report(
    table: pd.DataFrame, cases: Mapping[str, Mapping[str, Any]], seed: int, notes: Sequence[str]
) -> str:
    """Return the study in words and tables, Markdown.

    Parameters
    ----------
    table
        From :func:`analysis.contribution_results.leverage_table`.
    cases
        Of the log.
    seed
        Of everything random.
    notes
        What was left out or stands in for something, a line each.
    """
    different = [
        f"{name}: compared with {COUNTERPARTS[name]}" for name in cases if COUNTERPARTS[name].difference
    ]
    by_records = table.loc[table["basis"] == EQUAL_RECORDS, "use_case"].unique()
    different += [
        f"{name}: judged at equal numbers of training records, not at shares" for name in by_records
    ]
    different += [
        f"{name}: our DLP is on the principled scale, the published one on that of its worst and best models"
        for name in table.loc[table["scale"] == "principled", "use_case"].unique()
        if name not in JUDGED
    ]
    warnings = [warning for case in cases.values() for warning in case["warnings"]]
    protocol = (
        "A random share of the owners contributes: Small Co. is trained on their records, Large Co. on "
        "everybody else's, each measured on test records of its own data (company) and on fixed hidden ones "
        "(holdout). DLP is that of means over the repeats. The principled scale runs from the un-informed "
        "method to our model of all data; the published one has the constants of the published tables. At "
        f"one half both companies are averaged, as published. Seed {seed}."
    )
    parts = [
        "# Reproduction of Conscious Data Contribution (Vincent and Hecht 2021)",
        protocol,
        "## Incomplete or different",
        listed([*notes, *warnings, *different], "Nothing."),
        "## Verdicts",
        listed(verdicts(table), "Nothing."),
        "## Order of the levers (company)",
        listed(order_lines(table), "Nothing."),
        "## Least tested rate at which contribution has more DLP than ... (company)",
        _threshold_table(table),
        "## Scales",
        _scale_table(table),
    ]
    return "\n\n".join(parts) + "\n"


def verdicts(table: pd.DataFrame) -> list[str]:
    """Return one line for each comparison with something published: first the judged, then the others."""
    judged: list[str] = []
    others: list[str] = []
    for use_case in table["use_case"].unique():
        for row in _compared(table, use_case):
            line = verdict(_label(row), row)
            if COUNTERPARTS[use_case].difference:
                line += f": {row['compared_with']}"
            (others if row["within"] is None else judged).append(line)
    return [*judged, *others]


def _compared(table: pd.DataFrame, use_case: str) -> list[dict[str, Any]]:
    """Return DLPs on the scale that is compared, and those qualities that are judged."""
    is_dlp = table["scale"] == compared_scale(use_case, table)
    is_quality = (table["scale"] == "") & table["tolerance"].notna()
    chosen = (table["use_case"] == use_case) & table["published"].notna() & (is_dlp | is_quality)
    return [{str(key): value for key, value in row.items()} for row in table[chosen].to_dict("records")]


def _label(row: Mapping[str, Any]) -> str:
    point = percent(row["rate"])
    if row["basis"] == EQUAL_RECORDS:
        point = f"{row['train_records_small']:,.0f} training records"
    what = row["lever"] if row["quantity"] == "DLP" else f"{row['quantity']} of {_COMPANIES[row['lever']]}"
    return f"{row['use_case']} {row['perspective']} {what} {point}"


def order_lines(table: pd.DataFrame) -> list[str]:
    """Return one line a use case: at how many rates the levers are in the published order."""
    lines = []
    for use_case, orders in lever_orders(table).groupby("use_case", sort=False):
        line = f"{use_case}: the order of the levers is that published for {COUNTERPARTS[str(use_case)]} at "
        line += f"{orders['identical'].sum()} of {len(orders)} rates"
        differing = orders.loc[~orders["identical"].astype(bool), "rate"]
        lines.append(line + (f", not at {', '.join(map(percent, differing))}" if len(differing) else ""))
    return lines


def _threshold_table(table: pd.DataFrame) -> str:
    found = thresholds(table)
    rows = []
    for use_case, group in found.groupby("use_case", sort=False):
        for column in ("ours", "published"):
            who = "ours" if column == "ours" else f"published, {COUNTERPARTS[str(use_case)]}"
            cells = ["none" if np.isnan(rate) else percent(rate) for rate in group[column]]
            rows.append([f"{use_case}, {who}", *cells])
    return markdown_table(["", *map(number, LEVELS)], rows)


def _scale_table(table: pd.DataFrame) -> str:
    scales = table[table["scale"] != ""].drop_duplicates(["use_case", "perspective", "scale"])
    rows = [
        [
            f"{row['use_case']} {row['perspective']} {row['scale']}",
            f"{row['baseline']:.4f}",
            f"{row['best']:.4f}",
        ]
        for row in scales.to_dict("records")
    ]
    return markdown_table(["", "worst", "best"], rows)
