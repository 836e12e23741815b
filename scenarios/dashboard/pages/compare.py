"""The Compare page: two worlds with a common seed, overlaid, their difference, and side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import solara

from analysis.palette import Look
from scenarios.dashboard import commands as asked
from scenarios.dashboard.line_charts import Line, heading, limits, line_chart
from scenarios.dashboard.messages import Facts, Snapshot
from scenarios.dashboard.panels.assumptions import Assumptions, ledger_of
from scenarios.dashboard.panels.chart import ChartWidget, chart_traits
from scenarios.dashboard.panels.elements import WordsWidget, note, tag
from scenarios.dashboard.panels.following import placed, use_following
from scenarios.dashboard.panels.other_world import OtherWorld
from scenarios.dashboard.panels.run_figures import HEIGHT, FigureHeading, panel_traits
from scenarios.dashboard.panels.tables import Rows, RowsWidget
from scenarios.dashboard.run_charts import PANELS, column, marks_of, panels
from scenarios.dashboard.session import Player, Session
from scenarios.dashboard.settings import differences
from scenarios.dashboard.wording import MEASURES, counted, number

WORLDS = (Look("A", "#0072B2", "solid", "o"), Look("B", "#D55E00", (0, (5.0, 2.0)), "s"))
_DIFFERENCE = Look("B - A", "#000000", "solid", "")


@solara.component
def ComparePage(session: Session, dark: bool) -> None:
    """Show both worlds."""
    with solara.Div(classes=["body"]):
        with solara.Div(classes=["rail"]):
            PairControls(session)
            OtherWorld(session)
        with tag("main"):
            Differences(session)
            with solara.Div():
                for name, player in (("A", session.a), ("B", session.b)):
                    if player.error.value:
                        note(f"World {name}: {player.error.value}", bad=True)
            if session.a.facts.value is None or session.b.facts.value is None:
                tag("p", "Say what differs in world B, and play both.", classes="faint")
            else:
                Overlay(session, dark)
                FinalValues(session)
                SideBySide(session, session.a.facts.value, session.b.facts.value, dark)
                played = session.a.played.value
                with solara.Div(style="margin-top: 14px"):
                    Assumptions(ledger_of(played), ". World B has the same, but for what differs.")


@solara.component
def PairControls(session: Session) -> None:
    """Play both worlds."""
    players = (session.a, session.b)
    states = [player.status.value for player in players]
    widgets = use_following(
        lambda: {name: WordsWidget() for name in "AB"},
        lambda: {name: {"said": _standing(name, player)} for name, player in zip("AB", players, strict=True)},
        _sources(session),
        shown=lambda: _shown(session),
    )
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
            playing = "playing" in states

            def pause() -> None:
                for player in players:
                    player.send(asked.Pause() if playing else asked.Play())

            solara.Button(
                "Pause" if playing else "Go on",
                on_click=pause,
                depressed=True,
                disabled=all(state in ("starting", "finished", "error") for state in states),
            )
        for widget in widgets.values():
            placed(widget)


def _standing(name: str, player: Player) -> str:
    snapshot = player.snapshot.peek()
    return f"World {name}: tick {snapshot.tick}, {snapshot.status if snapshot.run else 'not begun'}"


def _sources(session: Session) -> list[solara.Reactive[Any]]:
    return [session.a.snapshot, session.b.snapshot, session.page]


def _shown(session: Session) -> bool:
    return session.page.peek() == "compare"


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
def Overlay(session: Session, dark: bool) -> None:
    """Show one measure of both worlds in one chart, and the difference below."""
    measure, set_measure = solara.use_state(next(iter(MEASURES)))
    widgets = use_following(
        lambda: {"both": ChartWidget(height=HEIGHT), "gap": ChartWidget(height=HEIGHT)},
        lambda: overlay_traits(session.a.snapshot.peek(), session.b.snapshot.peek(), measure, dark),
        _sources(session),
        shown=lambda: _shown(session),
        dependencies=[measure, dark],
    )
    with tag("figure", classes="card", style="margin-bottom: 14px"):
        with tag("figcaption"), solara.Div(style="max-width: 330px"):
            solara.Select("Measure", list(MEASURES), measure, on_value=set_measure, dense=True)
        with solara.Div(classes=["charts"]):
            for name, what in (("both", "Both worlds"), ("gap", "B less A")):
                with solara.Div():
                    tag("h3", what)
                    placed(widgets[name])


def overlay_traits(a: Snapshot, b: Snapshot, measure: str, dark: bool) -> dict[str, dict[str, str]]:
    """Return the charts of a measure in both worlds, and of the difference."""
    name = MEASURES[measure]
    both = [column(snapshot.rows, name) for snapshot in (a, b)]
    shared = min(map(len, both))
    if not shared:
        return {}
    gap = [second - first for first, second in zip(both[0], both[1], strict=False)]  # type: ignore[operator]
    last = float(max(snapshot.facts.ticks for snapshot in (a, b) if snapshot.facts))
    lines = [Line(look, values) for look, values in zip(WORLDS, both, strict=True)]
    ticks = [float(tick) for tick in range(max(map(len, both)))]
    overlay = line_chart(
        ticks,
        [line._replace(values=_padded(line.values, len(ticks))) for line in lines],
        limits(both, (0.0,)),
        last_tick=last,
        height=HEIGHT,
        dark=dark,
    )
    difference = [Line(_DIFFERENCE, gap)]
    below = line_chart(
        ticks[:shared], difference, limits([gap], (0.0,)), last_tick=last, height=HEIGHT, dark=dark
    )
    return {
        "both": chart_traits(overlay, f"{measure} in both worlds: {heading(lines)}."),
        "gap": chart_traits(below, f"World B less world A, {measure}: {heading(difference)}."),
    }


@solara.component
def FinalValues(session: Session) -> None:
    """Show all measures at the last tick that both worlds have."""
    widgets = use_following(
        lambda: {"values": RowsWidget(said="Values")},
        lambda: {"values": _values(session.a.snapshot.peek(), session.b.snapshot.peek())},
        _sources(session),
        shown=lambda: _shown(session),
    )
    with tag("section", classes="card", aria_label="Values", style="margin-bottom: 14px"):
        placed(widgets["values"])
        tag("p", "One run of each: a study with replicates says how sure a difference is.", classes="faint")


def _values(a: Snapshot, b: Snapshot) -> dict[str, list[Any]]:
    if not a.rows or not b.rows:
        return {"rows": []}
    tick = min(a.tick, b.tick)
    rows = []
    for label, name in MEASURES.items():
        first, second = a.rows[tick][name], b.rows[tick][name]
        form = _counted if name.startswith("records") else number
        rows.append([label, form(first), form(second), _signed(second - first, form)])
    return {"head": [f"At tick {tick}", "World A", "World B", "B - A"], "rows": rows}


@solara.component
def SideBySide(session: Session, a: Facts, b: Facts, dark: bool) -> None:
    """Show the charts of both worlds on equal axes."""
    widgets = use_following(
        lambda: {name + key: ChartWidget(height=HEIGHT) for key in PANELS for name in "AB"},
        lambda: side_by_side_traits(session.a.snapshot.peek(), session.b.snapshot.peek(), dark),
        _sources(session),
        shown=lambda: _shown(session),
        dependencies=[a, b, dark],
    )
    with solara.Div(classes=["charts"]):
        for left, right in zip(panels((), a), panels((), b), strict=True):
            for name, panel in (("A", left), ("B", right)):
                with tag("figure", classes="card"):
                    FigureHeading(f"{name}: {panel.title}", panel.unit, panel.explained)
                    placed(widgets[name + panel.key])


def side_by_side_traits(a: Snapshot, b: Snapshot, dark: bool) -> dict[str, dict[str, str]]:
    """Return the charts of both worlds, those of a pair with the same axis."""
    if a.facts is None or b.facts is None or not a.rows or not b.rows:
        return {}
    last = float(max(a.facts.ticks, b.facts.ticks))
    marks = {"A": marks_of(a.events), "B": marks_of(b.events)}
    traits = {}
    for left, right in zip(panels(a.rows, a.facts), panels(b.rows, b.facts), strict=True):
        axis = limits([line.values for panel in (left, right) for line in panel.lines], left.within)
        for name, other, panel, snapshot in (("A", "B", left, a), ("B", "A", right, b)):
            ticks = [float(row["tick"]) for row in snapshot.rows]
            traits[name + panel.key] = panel_traits(
                panel, ticks, axis, marks[name], last, dark, f"{name}: ", beside=marks[other]
            )
    return traits


def _padded(values: Sequence[float | None], length: int) -> list[float | None]:
    return [*values, *[None] * (length - len(values))]


def _counted(value: float) -> str:
    return counted(round(value))


def _signed(value: float, form: Callable[[float], str]) -> str:
    return "-" if value != value else f"{'-' if value < 0 else '+'}{form(abs(value))}"
