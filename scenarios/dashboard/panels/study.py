"""A study from its folder: bands over replicates, effects of the arms, and heat maps of what was swept."""

from __future__ import annotations

import solara

from analysis.decays import decay_lines
from analysis.palette import Look
from scenarios.dashboard.heat_maps import heat_map
from scenarios.dashboard.line_charts import Band, Line, heading, limits, line_chart
from scenarios.dashboard.panels.assumptions import Assumptions
from scenarios.dashboard.panels.chart import Chart
from scenarios.dashboard.panels.elements import badge, tag
from scenarios.dashboard.panels.run_figures import HEIGHT
from scenarios.dashboard.panels.tables import table
from scenarios.dashboard.results_folder import StudyTables, band
from scenarios.dashboard.wording import column_label

_LOOKS = (
    ("#0072B2", "solid"),
    ("#D55E00", (0, (5.0, 2.0))),
    ("#009E73", (0, (1.2, 1.6))),
    ("#CC79A7", (0, (6.0, 1.6, 1.2, 1.6))),
    ("#E69F00", "solid"),
    ("#56B4E9", (0, (5.0, 2.0))),
)

_SAID = {
    "share_positive": "share of pairs above 0",
    "missing": "pairs missing",
    "of": "arm",
    "into": "reference",
    "censored": "not there by the end",
}
"""Columns of the tables of effects and of decays that have another name on the page."""

EVERY_POINT = "all points together"


@solara.component
def Study(tables: StudyTables, dark: bool) -> None:
    """Show a study."""
    finished = int((tables.runs["status"] == "finished").sum())
    with solara.Div(classes=["line"], style="margin: 6px 0"):
        badge(f"{finished} of {len(tables.runs)} runs have finished")
        if tables.left_out:
            badge(f"{tables.left_out} runs are left out of the bands")
    if tables.question:
        tag("p", tables.question, style="font-size: 17px; font-weight: 600")
    if len(tables.ticks):
        Bands(tables, dark)
    if len(tables.effects):
        Effects(tables)
    if len(tables.decays):
        Decays(tables)
    if len(tables.axes) >= 2 and tables.outputs:
        HeatMaps(tables, dark)
    Means(tables)
    if tables.assumptions:
        varied = f". The study varies {', '.join(tables.axes)}." if tables.axes else ""
        Assumptions(tables.assumptions, varied)


@solara.component
def Bands(tables: StudyTables, dark: bool) -> None:
    """Show a column over time: mean and band of each arm."""
    numbers = [
        str(name)
        for name in tables.ticks.select_dtypes("number").columns
        if name not in ("tick", "point", "replicate")
    ]
    preferred = [
        name for name in ("participation", "dlp_cdc", "dlp_strike", "revenue_small") if name in numbers
    ]
    column, set_column = solara.use_state(preferred[0] if preferred else numbers[0])
    points = _points(tables)
    point, set_point = solara.use_state(EVERY_POINT)
    ticks = tables.ticks if point == EVERY_POINT else tables.ticks[tables.ticks["point"] == points[point]]
    found = band(ticks, column)
    arms = list(dict.fromkeys(found["arm"]))
    lines, bands = [], []
    for number, arm in enumerate(arms):
        own = found[found["arm"] == arm].sort_values("tick")
        colour, dash = _LOOKS[number % len(_LOOKS)]
        look = Look(f"{arm} (n = {int(own['n'].min())})", colour, dash, "")
        lines.append(Line(look, own["mean"].tolist()))
        bands.append(Band(look, own["low"].tolist(), own["high"].tolist()))
    axis = limits([values for each in bands for values in (each.low, each.high)], (0.0,))
    with tag("figure", classes="card"):
        with tag("figcaption"):
            tag("h3", "Over time")
            with solara.Div(classes=["line"]):
                with solara.Div(style="flex: 0 1 280px"):
                    labels = {column_label(name): name for name in numbers}
                    solara.Select(
                        "Measure",
                        list(labels),
                        column_label(column),
                        on_value=lambda label: set_column(labels[label]),
                        dense=True,
                    )
                if len(points) > 1:
                    with solara.Div(style="flex: 0 1 420px"):
                        solara.Select("Point", [EVERY_POINT, *points], point, on_value=set_point, dense=True)
            tag(
                "p",
                "Line: mean of n runs. Area: from the 5th to the 95th percentile of these runs.",
                classes="faint",
            )
        Chart(
            option=line_chart(
                sorted(float(tick) for tick in found["tick"].unique()),
                lines,
                axis,
                last_tick=float(found["tick"].max()),
                height=HEIGHT + 60,
                dark=dark,
                bands=bands,
            ),
            said=f"{column_label(column)} over time, means: {heading(lines)}.",
            height=HEIGHT + 60,
        )


@solara.component
def Effects(tables: StudyTables) -> None:
    """Show what the arms change, as measured by pairs with common seeds."""
    columns = [
        name
        for name in (
            *tables.axes,
            *("output", "arm", "reference", "n", "effect", "low", "high", "share_positive", "missing"),
        )
        if name in tables.effects
    ]
    with tag("section", classes="card", aria_label="Effects", style="margin-top: 14px"):
        tag("h3", "What the arms change")
        tag(
            "p",
            "Effect: mean difference of n pairs of runs with the same seed. "
            "Low and high: its 95 % bootstrap interval.",
            classes="faint",
        )
        shown = tables.effects.head(200)[columns]
        if "output" in shown:
            shown = shown.assign(output=shown["output"].map(column_label))
        table(shown.rename(columns=_SAID), [_SAID.get(name, name) for name in columns], "Effects")


@solara.component
def Decays(tables: StudyTables) -> None:
    """Show how long the advantages last that the study follows."""
    columns = [*tables.axes, "of", "into", "column", "measure", "n", "mean", "low", "high", "censored"]
    with tag("section", classes="card", aria_label="How long advantages last", style="margin-top: 14px"):
        tag("h3", "How long advantages last")
        for line in decay_lines(tables.decays):
            tag("p", line)
        tag(
            "p",
            "What an arm has beyond another, tick by tick and pair by pair; times are in ticks, and low and "
            "high the 95 % bootstrap interval. A pair that is not there by the end of its run counts as long "
            "as it was watched.",
            classes="faint",
        )
        shown = tables.decays.head(200)[columns]
        table(
            shown.assign(column=shown["column"].map(column_label)).rename(columns=_SAID),
            [_SAID.get(name, name) for name in columns],
            "How long advantages last",
        )


@solara.component
def HeatMaps(tables: StudyTables, dark: bool) -> None:
    """Show an output over two of the axes, for each arm."""
    output, set_output = solara.use_state(tables.outputs[0])
    across, set_across = solara.use_state(tables.axes[0])
    down, set_down = solara.use_state(tables.axes[1])
    finished = tables.runs[tables.runs["status"] == "finished"]
    with tag("section", classes="card", aria_label="Heat maps", style="margin-top: 14px"):
        tag("h3", "Over two parameters")
        with solara.Div(classes=["line"]):
            for label, values, value, chosen in (
                ("Output", tables.outputs, output, set_output),
                ("Across", tables.axes, across, set_across),
                ("Down", tables.axes, down, set_down),
            ):
                names = {column_label(name): name for name in values}
                with solara.Div(style="flex: 0 1 280px"):
                    solara.Select(
                        label,
                        list(names),
                        column_label(value),
                        on_value=lambda name, names=names, chosen=chosen: chosen(names[name]),
                        dense=True,
                    )
        with solara.Div(classes=["charts"]):
            for arm, own in finished.groupby("arm", sort=False):
                grid = (
                    own.pivot_table(index=down, columns=across, values=output, aggfunc="mean")
                    if across != down
                    else None
                )
                if grid is None or not grid.size:
                    continue
                with solara.Div():
                    what = f"{arm}: {column_label(output)}, mean of n = {len(own)} runs"
                    least, most = grid.min().min(), grid.max().max()
                    tag("p", what)
                    Chart(
                        option=heat_map(
                            [str(name) for name in grid.columns],
                            [str(name) for name in grid.index],
                            grid.to_numpy().tolist(),
                            (across, down),
                            limits([finished[output].tolist()]),
                            dark=dark,
                        ),
                        said=f"{what}: {least:.3g} to {most:.3g}.",
                        height=HEIGHT,
                    )


@solara.component
def Means(tables: StudyTables) -> None:
    """Show the means of the outputs of each arm at each point."""
    if not tables.outputs:
        return
    finished = tables.runs[tables.runs["status"] == "finished"]
    keys = ["arm", *tables.axes]
    means = finished.groupby(keys, sort=False, dropna=False)[list(tables.outputs)].mean().reset_index()
    counts = finished.groupby(keys, sort=False, dropna=False).size().reset_index(name="n")
    with tag("section", classes="card", aria_label="Means", style="margin-top: 14px"):
        tag("h3", "Means of the outputs")
        shown = means.assign(n=counts["n"]).head(200).rename(columns=column_label)
        table(shown, [*keys, "n", *map(column_label, tables.outputs)], "Means")


def _points(tables: StudyTables) -> dict[str, int]:
    """Return the points of the study by what is set at each."""
    found: dict[str, int] = {}
    for row in tables.runs.drop_duplicates("point")[["point", *tables.axes]].to_dict("records"):
        said = ", ".join(f"{name} = {row[name]}" for name in tables.axes) or f"point {row['point']}"
        found[said] = int(row["point"])
    return found
