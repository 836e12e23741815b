"""A strike study in words: verdicts, strikes and boycotts by size, groups.

Core Objects: strike_report, strike_verdicts, group_lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from analysis.reproduction import listed, markdown_table, number, percent, verdict
from analysis.strike_results import (
    GROUPS_HARDER,
    GROUPS_PUBLISHED,
    LEARNERS,
    POWER_PUBLISHED,
    PUBLISHED_USE_CASE,
    counts_of_groups,
)


def strike_report(
    table: pd.DataFrame, groups: pd.DataFrame, cases: Mapping[str, Mapping[str, Any]], seed: int
) -> str:
    """Return the study in words and tables, Markdown.

    Parameters
    ----------
    table, groups
        From :func:`~analysis.strike_results.strike_results` and
        :func:`~analysis.strike_results.group_results`.
    cases
        Of the log.
    seed
        That drew the strikers.
    """
    notes = [warning for case in cases.values() for warning in case["warnings"]]
    notes += [
        f"{name}: another data set than the published ML-1M" for name in cases if name != PUBLISHED_USE_CASE
    ]
    if "ours" in set(table["learner"]):
        notes.append(
            f"{LEARNERS['ours']}: another model than the published one, which is {LEARNERS['surprise']}"
        )
    notes.append("the folds are ours: the published random split into five is not at hand")
    protocol = (
        "A share of the people strikes: their ratings leave the training data, they go on being served by a "
        "model that does not know them. Boycotters take their ratings with them and are not served; a "
        "traditional boycott leaves the ratings. Surfaced hits are shares of all relevant ratings of the "
        "test fold. A normalised loss of 1 is the whole gap between the full model and item means; that of "
        "participants and non-participants is of their own gap. Means over samples of strikers, each over "
        f"all folds. Seed {seed}."
    )
    parts = ["# Reproduction of Data Strikes (Vincent, Hecht and Sen 2019)", protocol]
    parts += ["## Incomplete or different", listed(notes, "None measured.")]
    parts += ["## Verdicts", listed(strike_verdicts(table), "None measured.")]
    parts += ["## Strikes and boycotts by size", *_size_tables(table)]
    parts += ["## Groups of whom a half strikes", listed(group_lines(groups), "None measured.")]
    return "\n\n".join(parts) + "\n"


def strike_verdicts(table: pd.DataFrame) -> list[str]:
    """Return one line for each comparison with something published, and what strikers lose."""
    lines = []
    published = table[table["published"].notna()]
    for row in published.to_dict("records"):
        plain = {str(key): value for key, value in row.items()}
        if plain["quantity"] == "normalised_percent_change" and plain["who"] == "all":
            continue  # for everybody the two losses are the same
        lines.append(verdict(_label(plain), plain))
    return [*lines, *_strikers(table)]


def _label(row: Mapping[str, Any]) -> str:
    words = f"{row['use_case']} {LEARNERS[row['learner']]}: {row['quantity']} of {row['who']}"
    if row["lever"] != "none":
        words += f", {row['lever']} of {percent(row['rate'])}"
    return words.replace("_", " ")


def _strikers(table: pd.DataFrame) -> Iterator[str]:
    """Yield whether participants lose more than the gap, at the size that it is published for."""
    chosen = (
        (table["lever"] == "strike")
        & (table["who"] == "participants")
        & (table["quantity"] == "normalised_loss")
        & table["published"].notna()
    )
    for row in table[chosen].to_dict("records"):
        more = "more" if row["ours"] > 1 else "NOT more"
        yield (
            f"{row['use_case']} {LEARNERS[row['learner']]}: strikers lose {more} than the whole of their "
            f"own gap ({number(row['ours'])}), published: more"
        )


_COLUMNS = {
    "hits, all": ("strike", "surfaced_hits", "all"),
    "loss, all": ("strike", "normalised_loss", "all"),
    "loss, participants": ("strike", "normalised_loss", "participants"),
    "loss, others": ("strike", "normalised_loss", "non_participants"),
    "RMSE, all": ("strike", "rmse", "all"),
    "hits, boycott": ("boycott", "surfaced_hits", "all"),
    "hits, traditional boycott": ("traditional_boycott", "surfaced_hits", "all"),
}


def _size_tables(table: pd.DataFrame) -> Iterator[str]:
    """Yield a table for each learner: a row a size."""
    for learner, rows in table.groupby("learner", sort=False):
        values = rows.set_index(["lever", "quantity", "who", "rate"])["ours"].to_dict()
        sizes = sorted(rows.loc[rows["lever"] == "strike", "rate"].unique())
        columns = list(_COLUMNS.values())
        lines = [[percent(size), *(number(values[(*column, size)]) for column in columns)] for size in sizes]
        yield markdown_table([LEARNERS[str(learner)], *_COLUMNS], lines)


def group_lines(groups: pd.DataFrame) -> list[str]:
    """Return in how many groups similar users are hit harder, and what a strike of power users does."""
    lines = []
    for learner, rows in groups.groupby("learner"):
        who = LEARNERS[str(learner)]
        counts = counts_of_groups(rows)
        lines.append(
            f"{who}: a strike hits similar users harder than others in {counts.by_change} of {counts.groups} "
            f"groups; published: {GROUPS_HARDER} of {GROUPS_PUBLISHED}"
        )
        lines.append(
            f"{who}: as shares of their own gap to item means, in {counts.by_gap} of {counts.groups}"
        )
        for kind, of_kind in rows.groupby("kind", sort=False):
            counts = counts_of_groups(of_kind)
            how_many = f"{counts.by_change} of {counts.groups}, as shares of the gap in {counts.by_gap}"
            lines.append(f"{who}, {kind}: in {how_many}")
        for row in rows[rows["kind"] == "power users"].to_dict("records"):
            lines.append(
                f"{who}: a strike of power users costs the others {number(row['against_expected'])} times "
                f"what a random one with as many missing ratings does; published: up to {POWER_PUBLISHED}"
            )
    if lines:
        lines.append("of the published groups only these two facts are at hand; all of ours: groups.csv")
    return lines
