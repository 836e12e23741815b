"""The charts of a run: which columns of its ticks each draws, and what happened when.

Core Objects: Panel, panels, marks_of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.palette import COMPANIES, LEVERS, REFERENCES, STANCES, Look
from scenarios.dashboard.laws import named
from scenarios.dashboard.line_charts import Line, Mark
from scenarios.dashboard.messages import Event, Facts, Row
from scenarios.dashboard.wording import DLP, stance_label

_COALITION = {"coalition act": "acts", "coalition end": "stops"}
"""What the marks of coalitions say, by kind of event."""

_SHORT = {"cdc": "contribution", "strike": "strike", "cdc_delete": "both at once"}


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes
    ----------
    title, unit
        Above it; ``unit`` says what the vertical axis counts.
    explained
        Definition, for who asks.
    lines
        What is drawn; ``columns`` are those of the tick table, one a line.
    within
        Values that the axis always reaches.
    """

    key: str
    title: str
    unit: str
    explained: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    within: tuple[float, ...] = ()


PANELS = ("participation", "leverage", "revenue", "quality")
"""Keys of the charts of a run, in their order."""


def panels(rows: Sequence[Row], facts: Facts) -> list[Panel]:
    """Return the charts of a run so far."""
    return [_participation(rows), _leverage(rows, facts), _revenue(rows), _quality(rows, facts)]


def marks_of(events: Sequence[Event]) -> list[Mark]:
    """Return what changes the course of a run, one mark a tick.

    Laws that come and go, campaigns called and called off, coalitions that begin and cease to act,
    concessions, and companies that leave the market.
    """
    at: dict[int, list[str]] = {}
    for event in events:
        if event.kind == "intervention":
            at.setdefault(event.tick, []).append(named(event.subject) + ("" if event.value else " ends"))
        elif event.kind == "campaign":
            what = stance_label(event.subject)
            text = f"{what} {event.value:.0%}" if event.value else f"{what} off"
            at.setdefault(event.tick + 1, []).append(text)  # called after this tick, felt at the next
        elif event.kind in _COALITION:
            at.setdefault(event.tick, []).append(f"{event.subject} {_COALITION[event.kind]}")
        elif event.kind == "concession":
            at.setdefault(event.tick, []).append(f"{event.subject.replace('_', ' ')} conceded")
        elif event.kind == "market exit":
            at.setdefault(event.tick, []).append(f"{event.subject} exits")
    return [Mark(tick, _short(", ".join(dict.fromkeys(labels)))) for tick, labels in sorted(at.items())]


def column(rows: Sequence[Row], name: str) -> list[float | None]:
    """Return a column of the rows."""
    return [row[name] for row in rows]


def _participation(rows: Sequence[Row]) -> Panel:
    used = [name for name in STANCES if name != "stay" and any(row[f"share_{name}"] > 0 for row in rows)]
    used = used or ["strike", "cdc", "boycott"]
    return Panel(
        "participation",
        "Who acts",
        "per cent of the people",
        "Share of the people in each stance. Everybody else stays with Large Co. as before.",
        tuple(f"share_{name}" for name in used),
        tuple(Line(STANCES[name], [100 * row[f"share_{name}"] for row in rows]) for name in used),
        within=(0.0, 10.0),
    )


def _leverage(rows: Sequence[Row], facts: Facts) -> Panel:
    columns = [f"dlp_{lever}" for lever in LEVERS]
    return Panel(
        "leverage",
        "Data leverage power",
        f"0 = no effect, 1 = all the way ({facts.perspective} view)",
        DLP,
        tuple(columns),
        tuple(
            Line(look._replace(label=_SHORT[lever]), column(rows, f"dlp_{lever}"))
            for lever, look in LEVERS.items()
        ),
        within=(0.0, 1.0),
    )


def _revenue(rows: Sequence[Row]) -> Panel:
    return Panel(
        "revenue",
        "Revenue",
        "per tick; 1 = Large Co. before anybody acted",
        "What people's attention earns each company.",
        tuple(f"revenue_{company}" for company in COMPANIES),
        tuple(Line(look, column(rows, f"revenue_{company}")) for company, look in COMPANIES.items()),
        within=(0.0, 1.0),
    )


def _quality(rows: Sequence[Row], facts: Facts) -> Panel:
    view = facts.perspective
    direction = "higher is better" if facts.higher_is_better else "lower is better"
    unit = f" ({facts.unit})" if facts.unit and facts.unit != "-" else ""
    ends = {"baseline": "baseline", "best": "best"}
    lines = [
        Line(look, column(rows, f"quality_{company}_{view}"), _retrained(rows, company))
        for company, look in COMPANIES.items()
    ]
    lines += [
        Line(Look(ends[end], look.colour, look.dash, look.marker), column(rows, f"{end}_{view}"))
        for end, look in REFERENCES.items()
    ]
    return Panel(
        "quality",
        "Model quality",
        f"{facts.metric}{unit}, {direction} ({view} view)",
        "Quality of what each company serves, between the un-informed baseline and the model that has "
        "everybody's data. A dot says that the company retrained at that tick.",
        (*(f"quality_{company}_{view}" for company in COMPANIES), *(f"{end}_{view}" for end in REFERENCES)),
        tuple(lines),
    )


def _retrained(rows: Sequence[Row], company: str) -> frozenset[int]:
    seconds = f"seconds_retrain_{company}"
    return frozenset(int(row["tick"]) for row in rows if row[seconds] > 0 and not row["stale"])


def _short(label: str) -> str:
    return label if len(label) <= 44 else label[:43] + "…"
