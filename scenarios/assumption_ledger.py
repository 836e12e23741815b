"""The assumption ledger as text for a reader, as CSV and as a record for JSON.

Core Objects: ledger_text, ledger_summary, ledger_csv, ledger_record.
"""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, get_args

from rich.markup import escape

from scenarios.assumptions import Assumption, Kind

_COLUMNS = (
    "key",
    "only",
    "kind",
    "value",
    "default",
    "changed",
    "unit",
    "allowed",
    "low",
    "high",
    "ours",
    "source",
    "description",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula."""


def ledger_text(lines: Sequence[Assumption]) -> Iterator[str]:
    """Yield the ledger line by line, in rich's markup; descriptions are wrapped at 100 characters."""
    for heading, members in groupby(lines, key=_heading):
        yield f"\n[bold underline]{escape(heading)}[/]"
        for line in members:
            yield f"[bold]{escape(line.key)}[/] = {escape(_shown(line))}"
            told = [line.description.rstrip("."), f"Allowed: {line.allowed}", f"Source: {line.source}"]
            text = ". ".join(told[:2] if line.kind == "setting" else told)
            wrapped = textwrap.wrap(text, 96, break_long_words=False, break_on_hyphens=False)
            yield from (f"    {escape(part)}" for part in wrapped)


def ledger_counts(lines: Sequence[Assumption]) -> dict[str, int]:
    """Return how many parameters, constants and settings there are, and how many of the former are ours.

    What several alternatives share counts once.
    """
    distinct = {(line.key, line.description): line for line in lines}.values()
    counts = {f"{kind}s": sum(line.kind == kind for line in distinct) for kind in get_args(Kind)}
    return counts | {"ours": sum(line.ours for line in distinct)}


def ledger_summary(lines: Sequence[Assumption]) -> str:
    """Return the counts in words."""
    n = ledger_counts(lines)
    return (
        f"{n['parameters']} parameters and {n['constants']} constants of the code, "
        f"{n['ours']} of them are assumptions of ours; {n['settings']} settings"
    )


def ledger_record(
    lines: Sequence[Assumption], shown: Sequence[Assumption], scenario: str | None
) -> dict[str, Any]:
    """Return the counts of a ledger and those of its lines that are ``shown``, as JSON can say it."""
    entries = [{column: getattr(line, column) for column in _COLUMNS} for line in shown]
    return {"scenario": scenario, **ledger_counts(lines), "assumptions": entries}


def ledger_csv(lines: Sequence[Assumption]) -> str:
    """Return the ledger as CSV, one row a parameter, in which no spreadsheet finds a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([[_cell(getattr(line, column)) for column in _COLUMNS] for line in lines])
    return text.getvalue()


def _heading(line: Assumption) -> str:
    if line.kind == "constant":
        return "fixed in the code"
    section = line.key.partition(".")[0] if "." in line.key else "what is run"
    return f"{section}, with {line.only}" if line.only else section


def _shown(line: Assumption) -> str:
    """Return the value with its unit, and with an asterisk where it is not the default."""
    if line.required and line.value is None:
        return "required"
    text = f"{line.value:.4g}" if isinstance(line.value, float) else _text(line.value)
    if line.unit != "-" and line.value is not None:
        text = f"{text} {line.unit}"
    return f"{text} * default: {_text(line.default)}" if line.changed else text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = _text(value)
    return f"'{text}" if isinstance(value, str) and len(text) > 1 and text.startswith(_FORMULA) else text
