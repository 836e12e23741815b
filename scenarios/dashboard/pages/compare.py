"""The Compare page: two worlds with a common seed, overlaid, their difference, and side by side."""

from __future__ import annotations

from collections.abc import Sequence

import solara

from analysis.palette import Look
from scenarios.dashboard import commands as asked
from scenarios.dashboard.charts import Line, heading, limits, line_chart
from scenarios.dashboard.messages import Snapshot
from scenarios.dashboard.panels.chart import Chart
from scenarios.dashboard.panels.elements import note, tag
from scenarios.dashboard.panels.other_world import OtherWorld
from scenarios.dashboard.panels.run_figures import HEIGHT, RunFigure
from scenarios.dashboard.panels.tables import Rows
from scenarios.dashboard.run_charts import column, marks_of, panels
from scenarios.dashboard.session import Session
from scenarios.dashboard.settings import differences
from scenarios.dashboard.wording import number

WORLDS = (Look("A", "#0072B2", "solid", "o"), Look("B", "#D55E00", (0, (5.0, 2.0)), "s"))
_DIFFERENCE = Look("B - A", "#000000", "solid", "")

MEASURES = {
    "People who act (share)": "participation",
    "Leverage of contribution": "dlp_cdc",
    "Leverage of strikes": "dlp_strike",
    "Revenue of Large Co.": "revenue_large",
    "Revenue of Small Co.": "revenue_small",
    "People who contribute (share)": "share_cdc",
    "People who strike (share)": "share_strike",
    "Data at Small Co. (records)": "records_small",
    "Data at Large Co. (records)": "records_large",
}
"""What can be overlaid: a name and a column of the tick table."""


@solara.component
def ComparePage(session: Session, dark: bool) -> None:
    """Show both worlds."""
    a, b = session.a.snapshot.value, session.b.snapshot.value
    with solara.Div(classes=["body"]):
        with solara.Div(classes=["rail"]):
            PairControls(session)
            OtherWorld(session)
        with tag("main"):
            Differences(session)
            for name, snapshot in (("A", a), ("B", b)):
                if snapshot.error:
                    note(f"World {name}: {snapshot.error}", bad=True)
            if not a.rows or not b.rows:
                tag("p", "Say what differs in world B, and play both.", classes="faint")
                return
            Overlay(a, b, dark)
            FinalValues(a, b)
            SideBySide(a, b, dark)


@solara.component
def PairControls(session: Session) -> None:
    """Play both worlds."""
    states = [player.snapshot.value for player in (session.a, session.b)]
    with tag("section", classes="card", aria_label="Both worlds"):
        tag("h2", "Both worlds")
        with solara.Div(classes=["line"]):
            solara.Button(
                "Play both",
                icon_name="mdi-play",
                on_click=session.play_pair,
                color="primary",
                depressed=True,
            )
            playing = any(state.status == "playing" for state in states)

            def pause() -> None:
                for player in (session.a, session.b):
                    player.send(asked.Pause() if playing else asked.Play())

            solara.Button(
                "Pause" if playing else "Go on",
                on_click=pause,
                depressed=True,
                disabled=all(state.status in ("starting", "finished", "error") for state in states),
            )
        for name, state in zip("AB", states, strict=True):
            tag(
                "div",
                f"World {name}: tick {state.tick}, {state.status if state.run else 'not begun'}",
                role="status",
            )


@solara.component
def Differences(session: Session) -> None:
    """Show what differs between the settings of both worlds, and that luck does not."""
    a, b = session.settings.scenario(), session.other.value.scenario()
    lines = differences(a, b)
    with tag("section", classes="card", aria_label="What differs", style="margin-bottom: 14px"):
        tag("h3", "What differs")
        if not lines:
            tag("p", "Nothing: both worlds are the same, tick by tick.")
        else:
            Rows(
                head=["Setting", "World A", "World B"],
                rows=[list(line) for line in lines],
                said="What differs between the worlds",
            )
        if a.seed == b.seed:
            tag(
                "p",
                f"Common seed {a.seed}: the same people draw the same lots in both worlds.",
                classes="faint",
            )
        else:
            tag("p", f"The seeds differ ({a.seed} and {b.seed}): differences are partly luck.")


@solara.component
def Overlay(a: Snapshot, b: Snapshot, dark: bool) -> None:
    """Show one measure of both worlds in one chart, and the difference below."""
    measure, set_measure = solara.use_state(next(iter(MEASURES)))
    name = MEASURES[measure]
    both = [column(snapshot.rows, name) for snapshot in (a, b)]
    shared = min(map(len, both))
    gap = [second - first for first, second in zip(both[0], both[1], strict=False)]  # type: ignore[operator]
    last = float(max(snapshot.facts.ticks for snapshot in (a, b) if snapshot.facts))
    lines = [Line(look, values) for look, values in zip(WORLDS, both, strict=True)]
    ticks = [float(tick) for tick in range(max(map(len, both)))]
    with tag("figure", classes="card", style="margin-bottom: 14px"):
        with tag("figcaption"), solara.Div(style="max-width: 330px"):
            solara.Select("Measure", list(MEASURES), measure, on_value=set_measure, dense=True)
        with solara.Div(classes=["charts"]):
            Chart(
                option=line_chart(
                    ticks,
                    [line._replace(values=_padded(line.values, len(ticks))) for line in lines],
                    limits(both, (0.0,)),
                    last_tick=last,
                    height=HEIGHT,
                    dark=dark,
                ),
                said=f"{measure} in both worlds: {heading(lines)}.",
                height=HEIGHT,
            )
            Chart(
                option=line_chart(
                    ticks[:shared],
                    [Line(_DIFFERENCE, gap)],
                    limits([gap], (0.0,)),
                    last_tick=last,
                    height=HEIGHT,
                    dark=dark,
                ),
                said=f"World B less world A, {measure}: {heading([Line(_DIFFERENCE, gap)])}.",
                height=HEIGHT,
            )


@solara.component
def FinalValues(a: Snapshot, b: Snapshot) -> None:
    """Show all measures at the last tick that both worlds have."""
    tick = min(a.tick, b.tick)
    rows = []
    for label, name in MEASURES.items():
        first, second = a.rows[tick][name], b.rows[tick][name]
        rows.append([label, number(first), number(second), _signed(second - first)])
    with tag("section", classes="card", aria_label="Values", style="margin-bottom: 14px"):
        tag("h3", f"At tick {tick}")
        Rows(head=["Measure", "World A", "World B", "B - A"], rows=rows, said=f"Values at tick {tick}")
        tag("p", "One run of each: a study with replicates says how sure a difference is.", classes="faint")


@solara.component
def SideBySide(a: Snapshot, b: Snapshot, dark: bool) -> None:
    """Show the charts of both worlds on equal axes."""
    if a.facts is None or b.facts is None:
        return
    last = float(max(a.facts.ticks, b.facts.ticks))
    with solara.Div(classes=["charts"]):
        for left, right in zip(panels(a.rows, a.facts), panels(b.rows, b.facts), strict=True):
            values = [line.values for panel in (left, right) for line in panel.lines]
            axis = limits(values, left.within)
            for name, panel, snapshot in (("A", left, a), ("B", right, b)):
                ticks = [float(row["tick"]) for row in snapshot.rows]
                RunFigure(panel, ticks, axis, marks_of(snapshot.events), last, dark, f"{name}: ").key(
                    name + panel.key
                )


def _padded(values: Sequence[float | None], length: int) -> list[float | None]:
    return [*values, *[None] * (length - len(values))]


def _signed(value: float) -> str:
    return "-" if value != value else f"{value:+.3f}"
