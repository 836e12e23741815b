"""The charts of a run."""

from __future__ import annotations

from collections.abc import Sequence

import solara

from scenarios.dashboard.line_charts import Axis, Mark, heading, limits, line_chart
from scenarios.dashboard.messages import Facts
from scenarios.dashboard.panels.chart import ChartWidget, chart_traits
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.panels.following import placed, use_following
from scenarios.dashboard.run_charts import PANELS, Panel, marks_of, panels
from scenarios.dashboard.session import Player, Session

HEIGHT = 250


@solara.component
def LiveFigures(session: Session, dark: bool) -> None:
    """Show participation, leverage, revenue and quality of a run in play."""
    player = session.live
    facts = player.facts.value
    widgets = use_following(
        lambda: {key: ChartWidget(height=HEIGHT) for key in PANELS},
        lambda: figure_traits(player, facts, dark),
        [player.snapshot, session.page],
        shown=lambda: session.page.peek() == "live",
        dependencies=[facts, dark],
    )
    if facts is None:
        return
    with solara.Div(classes=["charts"]):
        for panel in panels((), facts):
            with tag("figure", classes="card"):
                FigureHeading(panel.title, panel.unit, panel.explained)
                placed(widgets[panel.key])


def figure_traits(player: Player, facts: Facts | None, dark: bool) -> dict[str, dict[str, str]]:
    """Return the charts of a run so far, by the key of their panel."""
    snapshot = player.snapshot.peek()
    if facts is None:
        return {}
    marks = marks_of(snapshot.events)
    ticks = [float(row["tick"]) for row in snapshot.rows]
    traits = {}
    for panel in panels(snapshot.rows, facts):
        axis = limits([line.values for line in panel.lines], panel.within)
        traits[panel.key] = panel_traits(panel, ticks, axis, marks, float(facts.ticks), dark)
    return traits


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
        ChartWidget.element(**panel_traits(panel, ticks, axis, marks, last_tick, dark, prefix), height=HEIGHT)


def panel_traits(
    panel: Panel,
    ticks: Sequence[float],
    axis: Axis,
    marks: Sequence[Mark],
    last_tick: float,
    dark: bool,
    prefix: str = "",
    beside: Sequence[Mark] = (),
) -> dict[str, str]:
    """Return one chart, as high as one with marks ``beside`` it; what it says begins with ``prefix``."""
    option = line_chart(
        ticks, panel.lines, axis, marks, last_tick=last_tick, height=HEIGHT, dark=dark, beside=beside
    )
    at = f" At tick {ticks[-1]:.0f}: {heading(panel.lines)}." if ticks else ""
    return chart_traits(option, f"{prefix}{panel.title}, {panel.unit}.{at}")


@solara.component
def FigureHeading(title: str, unit: str, explained: str) -> None:
    """Show title and unit of a chart, and its definition on demand."""
    with tag("figcaption"):
        tag("h3", title)
        with tag("details"):
            tag("summary", unit)
            tag("p", explained, classes="faint")
