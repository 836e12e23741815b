"""What reports of runs and of studies have in common: values in words, a scenario's texts, the ledger.

Core Objects: AssumptionRow, ledger_parts, said, told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.report import Cell, Part, Table, Words, number

TEXTS = {
    "held_fixed": "Held fixed",
    "changed": "Changed",
    "expectation": "Expected before it was played",
    "note": "To know before trusting it",
}
"""What a scenario says about itself, and how a report calls that."""


@dataclass(frozen=True)
class AssumptionRow:
    """A line of the ledger as texts; ``mark`` says what a study does with it."""

    key: str
    value: str
    unit: str
    allowed: str
    source: str
    description: str
    ours: bool
    changed: bool
    mark: str = ""


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> Sequence[Any]:
    """Return a list as it is, and an empty one for anything else."""
    return value if isinstance(value, list | tuple) else []


def said(value: Any) -> str:
    """Return a value of a file in words: entries of mappings and lists one after the other."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return number(value)
        case Mapping():
            return ", ".join(f"{str(key).replace('_', ' ')}: {said(inner)}" for key, inner in value.items())
        case list() | tuple():
            return "; ".join(map(said, value)) or "none"
    return str(value)


def told(texts: Mapping[str, Any]) -> list[str]:
    """Return what a scenario says about itself, but for name and question, a paragraph each."""
    return [f"**{label}.** {said(texts[key])}" for key, label in TEXTS.items() if texts.get(key)]


def ledger_parts(rows: Sequence[AssumptionRow] | None) -> list[Part]:
    """Return the assumptions in use, ours first; ``None`` says that there is no list of them."""
    if rows is None:
        return [Words(["The folder has no assumptions.csv."])]
    ours = [row for row in rows if row.ours]
    others = [row for row in rows if not row.ours]
    marked = any(row.mark for row in rows)
    columns = (
        "Assumption",
        "Value",
        *(("In this study",) if marked else ()),
        "Allowed",
        "Source",
        "What it is",
    )

    def cells(row: AssumptionRow) -> tuple[Cell, ...]:
        value = f"{row.value} {row.unit}" if row.unit not in ("", "-") and row.value else row.value
        value += " (not the default)" if row.changed else ""
        mark = (row.mark,) if marked else ()
        return (row.key, value, *mark, row.allowed, row.source, row.description)

    lead = (
        f"No publication gives {len(ours)} of these {len(rows)} numbers and choices: they are assumptions of "
        "ours, and results may turn on them."
    )
    parts: list[Part] = [Words([lead])]
    for caption, group in (("Ours", ours), ("Published, measured, or settings of the run", others)):
        if group:
            parts.append(Table(caption, columns, [cells(row) for row in group], elsewhere=" in the ledger"))
    return parts
