"""The Explain page: the explorable leverage curve, and what the words mean."""

from __future__ import annotations

import os
import time
from pathlib import Path

import solara
import solara.lab

from analysis.palette import COMPANIES, STANCES, Look
from scenarios.dashboard.leverage_curves import (
    DLP_OF,
    LEVERS,
    POINTS,
    CurveSource,
    Lever,
    LeverageCurve,
    assumptions_behind,
    origin,
    played,
    sources,
)
from scenarios.dashboard.line_charts import Line, Mark, Spot, heading, limits, line_chart
from scenarios.dashboard.panels.assumptions import Assumptions
from scenarios.dashboard.panels.chart import Chart
from scenarios.dashboard.panels.elements import definition, note, tag
from scenarios.dashboard.server import RESULTS_VARIABLE
from scenarios.dashboard.session import Session
from scenarios.dashboard.wording import DLP, GLOSSARY, counted, number, percent

_HEIGHT = 290
_VIEWS = {
    "its own records (as published)": "company",
    "the same hidden records": "holdout",
    "the people it serves": "served",
}
_PEOPLE = {"2 000": 2_000, "70 000": 70_000, "1 000 000": 1_000_000, "100 000 000": 100_000_000}
_DLP_SAID = {"cdc": "contribution", "strike": "withdrawal", "cdc_delete": "contribution and deletion"}
"""What each variant of leverage is of."""

_LINES = {
    None: Look("published", "#0072B2", "solid", "o"),
    "": Look("measured", "#D55E00", (0, (5.0, 2.0)), "s"),
}


@solara.component
def ExplainPage(session: Session, dark: bool) -> None:
    """Show the explorable curve, and the glossary."""
    with tag("main"):
        tag("h2", "The leverage curve")
        tag(
            "p",
            "A model learns much from little data and little more from a lot. So it matters on which side "
            "of the curve you pull: those who bring data to a small rival move it along the steep part, "
            "those who take data from a large company move that along the flat part, until nearly "
            "everybody is gone.",
            style="font-size: 16px; max-width: 900px",
        )
        Explorer(session, dark)
        tag("h2", "What the words mean", style="margin-top: 26px")
        with tag("dl", classes="story card"):
            for term, text in GLOSSARY.items():
                definition(term, text)


@solara.component
def Explorer(session: Session, dark: bool) -> None:
    """Choose a use case and a lever, and drag or play participation."""
    folder = Path(os.environ.get(RESULTS_VARIABLE, "results"))
    found = solara.use_memo(lambda: sources(folder), [session.looked.value])
    use_cases = list(dict.fromkeys(source.use_case for source in found))
    use_case, set_use_case = solara.use_state(use_cases[0])
    lever, set_lever = solara.use_state("cdc")
    view, set_view = solara.use_state(next(iter(_VIEWS)))
    people, set_people = solara.use_state("70 000")
    step = solara.use_reactive(5)
    aim, set_aim = solara.use_state(50)
    chosen: Lever = next(name for name in LEVERS if name == lever)
    own = tuple(source for source in found if source.use_case == use_case)
    curves = solara.lab.use_task(lambda: _played(own, chosen), dependencies=[own, chosen])
    with solara.Div(classes=["body"]):
        with solara.Div(classes=["rail"]), tag("section", classes="card", aria_label="Choose"):
            solara.Select("Data and model", use_cases, use_case, on_value=set_use_case, dense=True)
            names = {text: name for name, text in LEVERS.items()}
            solara.Select(
                "What people do",
                list(names),
                LEVERS[chosen],
                on_value=lambda text: set_lever(names[text]),
                dense=True,
            )
            solara.Select("Quality of a company, on", list(_VIEWS), view, on_value=set_view, dense=True)
            solara.Select("People in the service", list(_PEOPLE), people, on_value=set_people, dense=True)
            solara.SliderInt(
                f"Aim: leverage {aim / 100:.2f}",
                value=aim,
                min=5,
                max=95,
                step=5,
                on_value=set_aim,
                thumb_label=False,
            )
        with solara.Div():
            Participation(step)
            if curves.error:
                note(str(curves.exception), bad=True)
            elif curves.value:
                Shown(curves.value, step.value, aim / 100, _VIEWS[view], _PEOPLE[people], dark)
                Behind([curve.source for curve in curves.value], chosen)
            else:
                solara.ProgressLinear(True)
    if not any(source.path for source in own):
        tag(
            "p",
            f"No curve of {use_case} has been measured here: 'data-leverage curve {use_case}' measures "
            "one into results/curves, and it is drawn beside the published one.",
            classes="faint",
        )


def _played(own: tuple[CurveSource, ...], lever: Lever) -> list[LeverageCurve]:
    return [played(source, lever) for source in own]


@solara.component
def Participation(step: solara.Reactive[int]) -> None:
    """Show the slider of participation, and play it from nobody to everybody."""
    playing = solara.use_reactive(False)

    def play() -> None:
        if not playing.value:
            return
        if step.value >= POINTS:
            step.value = 0
        while playing.value and step.value < POINTS:
            time.sleep(0.12)
            step.value += 1
        playing.value = False

    solara.lab.use_task(play, dependencies=[playing.value])
    with solara.Div(classes=["line", "card"], style="margin-bottom: 14px; gap: 6px 18px"):
        solara.Button(
            "Stop" if playing.value else "Play from 0 to 100 %",
            icon_name="mdi-stop" if playing.value else "mdi-play",
            on_click=lambda: playing.set(not playing.value),
            color="primary",
            depressed=True,
        )
        with solara.Div(style="flex: 1 1 320px"):
            solara.SliderInt(
                f"{percent(step.value / POINTS)} of the people act",
                value=step,
                min=0,
                max=POINTS,
                thumb_label=False,
            )


@solara.component
def Shown(curves: list[LeverageCurve], step: int, aim: float, view: str, people: int, dark: bool) -> None:
    """Show where both companies stand, and how far the critical mass is."""
    first = curves[0]
    Figures(first, step, aim, view, people)
    with solara.Div(classes=["charts", "three"], style="margin-top: 14px"):
        Along(curves, step, dark)
        Leverage(curves, step, aim, view, dark)
        Revenue(first, step, dark)


@solara.component
def Behind(shown: list[CurveSource], lever: Lever) -> None:
    """Show where the curves are from, and what revenue and the critical mass rest on."""
    origins = solara.use_memo(lambda: [origin(source) for source in shown], [shown])
    lines = solara.use_memo(lambda: assumptions_behind(shown[0], lever), [shown, lever])
    with solara.Div(style="margin-top: 14px"):
        Assumptions(lines, ". Leverage, revenue and the critical mass rest on them.", origins)


@solara.component
def Figures(curve: LeverageCurve, step: int, aim: float, view: str, people: int) -> None:
    """Show the numbers at this participation."""
    share = step / POINTS
    mass = curve.critical_mass(aim, view)
    if mass is None:
        distance = f"leverage {aim:.2f} is out of reach for this lever, even with everybody"
    elif share >= mass:
        distance = f"{percent(mass)} of the people, {counted(round(mass * people))}, are enough"
    else:
        missing = round((mass - share) * people)
        distance = f"{counted(missing)} more people ({percent(mass - share)}); it is at {percent(mass)}"
    leverage = curve.leverage(view)[step]
    with solara.Div(classes=["card", "figures"]):
        _figure("People who act", counted(round(share * people)), f"of {counted(people)}")
        _figure("Data leverage power", number(leverage), "0 = no effect, 1 = all the way")
        for key, look in COMPANIES.items():
            _figure(
                f"{look.label}: {curve.metric}",
                number(curve.columns[f"quality_{key}_{view}"][step]),
                f"revenue {number(curve.columns[f'revenue_{key}'][step])} (Large Co. had 1)",
            )
        missing_share = "-" if mass is None else "reached" if share >= mass else percent(mass - share)
        _figure(f"To the critical mass (leverage {aim:.2f})", missing_share, distance)


def _figure(name: str, value: str, more: str) -> None:
    with solara.Div():
        tag("div", name, classes="faint")
        tag("div", value, classes="big")
        tag("div", more, classes="faint")


@solara.component
def Along(curves: list[LeverageCurve], step: int, dark: bool) -> None:
    """Show both companies on the learning curve."""
    lines, spots = [], []
    for curve in curves:
        look = _LINES[None if curve.source.path is None else ""]
        lines.append(Line(look, curve.drawn))
        spots += [Spot(100 * x, y, look) for x, y in curve.points]
    first = curves[0]
    held = {key: first.held(key, step) for key in COMPANIES}
    for key, look in COMPANIES.items():
        at = first.drawn[round(100 * min(held[key], 1.0))]
        spots.append(Spot(100 * held[key], at, look, look.label))
    axis = limits([line.values for line in lines])
    direction = "higher is better" if first.higher_is_better else "lower is better"
    said = ", ".join(
        f"{look.label} holds {percent(held[key])} of the data" for key, look in COMPANIES.items()
    )
    _panel(
        "Along the learning curve",
        f"{_metric(first)}, {direction}; circles were published or measured",
        "What a model learns from a random share of the data, on the company's own test records. Small Co. "
        "begins on the left, with nothing, Large Co. on the right, with everything.",
        line_chart(
            [float(percent) for percent in range(101)],
            lines,
            axis,
            last_tick=100,
            height=_HEIGHT,
            dark=dark,
            x_name="Per cent of the data that a company holds",
            spots=spots,
        ),
        f"Learning curve of {first.source.use_case}. {said}.",
    )


@solara.component
def Leverage(curves: list[LeverageCurve], step: int, aim: float, view: str, dark: bool) -> None:
    """Show leverage by participation."""
    first = curves[0]
    lines = [
        Line(_LINES[None if curve.source.path is None else ""], list(curve.leverage(view)))
        for curve in curves
    ]
    mass = first.critical_mass(aim, view)
    marks = [Mark(100 * mass, f"critical mass {percent(mass)}")] if mass else []
    look = STANCES[first.lever]
    value = first.leverage(view)[step]
    spots = [Spot(100 * step / POINTS, value, look, number(value))] if value == value else []
    _panel(
        "Leverage by participation",
        f"data leverage power of {_DLP_SAID[DLP_OF[first.lever]]}",
        DLP,
        line_chart(
            [100 * share for share in first.participation],
            lines,
            limits([line.values for line in lines], (0.0, 1.0)),
            marks,
            last_tick=100,
            height=_HEIGHT,
            dark=dark,
            x_name="Per cent of the people who act",
            spots=spots,
            level=aim,
        ),
        f"Leverage is {number(value)} at {percent(step / POINTS)}.",
    )


@solara.component
def Revenue(curve: LeverageCurve, step: int, dark: bool) -> None:
    """Show what both companies earn."""
    lines = [Line(look, list(curve.columns[f"revenue_{key}"])) for key, look in COMPANIES.items()]
    spots = [
        Spot(100 * step / POINTS, line.values[step] or 0.0, line.look, number(line.values[step]))
        for line in lines
    ]
    _panel(
        "Revenue by participation",
        "per tick; 1 = Large Co. before anybody acted",
        "People divide their attention by what each service is worth to them, and attention earns. Nobody "
        "else acts, and nobody's mind changes: this is the script, not the society of the Live page.",
        line_chart(
            [100 * share for share in curve.participation],
            lines,
            limits([line.values for line in lines], (0.0, 1.0)),
            last_tick=100,
            height=_HEIGHT,
            dark=dark,
            x_name="Per cent of the people who act",
            spots=spots,
        ),
        f"Revenue: {heading([Line(line.look, [line.values[step]]) for line in lines])}.",
    )


def _metric(curve: LeverageCurve) -> str:
    return curve.metric if curve.unit in ("", "-") else f"{curve.metric} ({curve.unit})"


def _panel(title: str, unit: str, explained: str, option: dict[str, object], said: str) -> None:
    with tag("figure", classes="card"):
        with tag("figcaption"):
            tag("h3", title)
            with tag("details"):
                tag("summary", unit)
                tag("p", explained, classes="faint")
        Chart(option=option, said=said, height=_HEIGHT)
