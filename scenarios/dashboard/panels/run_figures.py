"""The charts of a run."""

from __future__ import annotations

from collections.abc import Sequence

import solara

from scenarios.dashboard.charts import Axis, Mark, heading, limits, line_chart
from scenarios.dashboard.messages import Snapshot
from scenarios.dashboard.panels.chart import Chart
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.run_charts import Panel, marks_of, panels

HEIGHT = 250


@solara.component
def RunFigures(snapshot: Snapshot, dark: bool) -> None:
    """Show participation, leverage, revenue and quality."""
    facts = snapshot.facts
    if facts is None or not snapshot.rows:
        return
    marks = marks_of(snapshot.events)
    ticks = [float(row["tick"]) for row in snapshot.rows]
    with solara.Div(classes=["charts"]):
        for panel in panels(snapshot.rows, facts):
            axis = limits([line.values for line in panel.lines], panel.within)
            RunFigure(panel, ticks, axis, marks, float(facts.ticks), dark).key(panel.key)


@solara.component
def RunFigure(
    panel: Panel,
    ticks: Sequence[float],
    axis: Axis,
    marks: Sequence[Mark],
    last_tick: float,
    dark: bool,
    prefix: str = "",
) -> None:
    """Show one chart under its heading, which begins with ``prefix``."""
    with tag("figure", classes="card"):
        FigureHeading(prefix + panel.title, panel.unit, panel.explained)
        Chart(
            option=line_chart(ticks, panel.lines, axis, marks, last_tick=last_tick, height=HEIGHT, dark=dark),
            said=f"{prefix}{panel.title}, {panel.unit}. At tick {ticks[-1]:.0f}: {heading(panel.lines)}.",
            height=HEIGHT,
        )


@solara.component
def FigureHeading(title: str, unit: str, explained: str) -> None:
    """Show title and unit of a chart, and its definition on demand."""
    with tag("figcaption"):
        tag("h3", title)
        with tag("details"):
            tag("summary", unit)
            tag("p", explained, classes="faint")
