"""Charts as ECharts options: plain dictionaries, made without a browser.

Every line ends in its own label, dark text beside a swatch, and differs from the others in its dashes as well
as in its colour. Nothing is animated, and no chart loads anything.

Core Objects: Line, Mark, line_chart, share_bars.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from analysis.palette import Look

MOST_POINTS = 400
"""Points of a line that are drawn; where there are more, every so manyth and the last."""

_INK = {False: "#222222", True: "#EEEEEE"}
_FAINT = {False: "#6B6B6B", True: "#AAAAAA"}
_GRID = {False: "#E4E4E4", True: "#3A3A3A"}
_CIVIDIS = ["#00224E", "#35456C", "#666970", "#948E77", "#C8B866", "#FEE838"]
"""Colours from low to high that all people can order (Nunez, Anderton, Renslow 2018)."""
_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_BELOW = 36
"""Room for the horizontal axis, in pixels."""
_APART = 14.0
"""Least distance between two labels, in pixels."""
_LETTER = 6.2
"""Width of a letter of a label, in pixels, on the generous side."""


class Line(NamedTuple):
    """A line of a chart.

    ``values`` are one a tick, ``None`` or NaN where undefined; ``dotted`` are ticks with a mark.
    """

    look: Look
    values: Sequence[float | None]
    dotted: frozenset[int] = frozenset()
    width: float = 2.0


class Band(NamedTuple):
    """The area around a line in which most runs lie; one value a tick, as in a line."""

    look: Look
    low: Sequence[float | None]
    high: Sequence[float | None]


class Mark(NamedTuple):
    """Something that happened: a vertical line with a short label."""

    tick: float
    label: str


class Axis(NamedTuple):
    """The ends of the vertical scale of a chart."""

    low: float
    high: float


def shown_colour(colour: str, dark: bool) -> str:
    """Return a colour of the palette as it is on a background: black becomes white on a dark one."""
    return "#FFFFFF" if dark and colour == "#000000" else colour


def echarts_dash(look: Look) -> str | list[float]:
    """Return the dashes of a look as ECharts wants them."""
    return "solid" if isinstance(look.dash, str) else [2 * length for length in look.dash[1]]


class Spot(NamedTuple):
    """A place on a chart with a name, such as where somebody stands; ``hollow`` and small without one."""

    x: float
    y: float
    look: Look
    label: str = ""


def line_chart(
    ticks: Sequence[float],
    lines: Sequence[Line],
    axis: Axis,
    marks: Sequence[Mark] = (),
    *,
    last_tick: float,
    height: int,
    dark: bool = False,
    x_name: str = "Tick",
    spots: Sequence[Spot] = (),
    level: float | None = None,
    bands: Sequence[Band] = (),
) -> dict[str, Any]:
    """Return the option of a line chart.

    Parameters
    ----------
    ticks
        Positions on the horizontal axis, one for each value.
    lines, axis, marks
        What is drawn.
    last_tick
        Where the horizontal axis ends.
    height
        Of the whole chart, in pixels: labels at the ends of lines are kept apart by it.
    dark
        Whether the background is dark.
    x_name
        Name and unit of the horizontal axis.
    spots
        Single places.
    level
        A height at which a horizontal line is drawn.
    bands
        Areas behind the lines.
    """
    kept = _kept(len(ticks))
    room = max((len(line.look.label) for line in lines), default=0) * _LETTER + 22
    rows = _rows(marks)
    top = 12 + 13 * (1 + max(rows, default=-1))
    low, high = axis.low, axis.high
    offsets = _offsets([line.values for line in lines], low, high, top, height - _BELOW)
    # Areas stack on an axis of categories only.
    across: dict[str, Any] = (
        {"type": "category", "boundaryGap": False, "data": [f"{tick:g}" for tick in ticks]}
        if bands
        else {"type": "value", "min": ticks[0] if ticks else 0, "max": last_tick}
    )
    return {
        "animation": False,
        "textStyle": {"fontFamily": _FONT},
        "grid": {
            "left": 46,
            "right": min(room, 170),
            "top": top,
            "bottom": _BELOW,
        },
        "tooltip": _tooltip(dark),
        "xAxis": {
            **across,
            "name": x_name,
            "nameLocation": "middle",
            "nameGap": 20,
            **_axis_style(dark, grid=False),
        },
        "yAxis": {
            "type": "value",
            "min": low,
            "max": high,
            "interval": _step(low, high),
            **_axis_style(dark, grid=True),
        },
        "series": [part for number, each in enumerate(bands) for part in _band(each, kept, number, dark)]
        + [
            _series(line, ticks, kept, dark, offset, marks if number == 0 else (), rows)
            for number, (line, offset) in enumerate(zip(lines, offsets, strict=True))
        ]
        + [_spot(spot, spot.y > (low + high) / 2, dark) for spot in spots]
        + ([_level(level, dark)] if level is not None else []),
    }


def heading(lines: Sequence[Line], suffix: str = "") -> str:
    """Return the latest value of each line, for those who do not see the chart."""
    said = []
    for line in lines:
        value = next((value for value in reversed(line.values) if _defined(value)), None)
        said.append(f"{line.look.label} {'undefined' if value is None else format(value, '.3g')}{suffix}")
    return "; ".join(said)


def limits(columns: Sequence[Sequence[float | None]], within: Sequence[float] = ()) -> Axis:
    """Return round limits that hold all values and those of ``within``."""
    values = [value for column in columns for value in column if value is not None and math.isfinite(value)]
    low, high = min([*values, *within], default=0.0), max([*values, *within], default=1.0)
    if high == low:
        high = low + max(abs(low), 0.1)
    step = _step(low, high)
    return Axis(
        round(math.floor(low / step + 1e-9) * step, 10), round(math.ceil(high / step - 1e-9) * step, 10)
    )


def _step(low: float, high: float) -> float:
    """Return a round distance between marks of an axis, of which there are then five or fewer."""
    span = high - low
    unit = 10.0 ** math.floor(math.log10(span / 5))
    return round(unit * next(factor for factor in (1, 2, 2.5, 5, 10) if span / (unit * factor) <= 5.001), 12)


def share_bars(
    labels: Sequence[str], parts: Sequence[tuple[Look, Sequence[float]]], *, dark: bool = False
) -> dict[str, Any]:
    """Return the option of stacked bars: of each row, the shares of its parts, in per cent.

    Parameters
    ----------
    labels
        Names of the rows, the first at the top.
    parts
        For each part its look and its share of every row.
    """
    return {
        "animation": False,
        "grid": {"left": 96, "right": 14, "top": 6, "bottom": 34},
        "tooltip": {**_tooltip(dark), "axisPointer": {"type": "shadow"}},
        "xAxis": {
            "type": "value",
            "min": 0,
            "name": "Per cent of the people in it",
            "nameLocation": "middle",
            "nameGap": 20,
            **_axis_style(dark, grid=True),
        },
        "yAxis": {"type": "category", "inverse": True, "data": list(labels), **_axis_style(dark, grid=False)},
        "series": [
            {
                "type": "bar",
                "name": look.label,
                "stack": "all",
                "data": [round(100 * share, 2) for share in shares],
                "itemStyle": {
                    "color": shown_colour(look.colour, dark),
                    "borderColor": "#1E1E1E" if dark else "#FFFFFF",
                    "borderWidth": 1,
                    **({} if isinstance(look.dash, str) else {"decal": _decal(dark)}),
                },
            }
            for look, shares in parts
        ],
    }


def _series(
    line: Line,
    ticks: Sequence[float],
    kept: Sequence[int],
    dark: bool,
    offset: float,
    marks: Sequence[Mark],
    rows: Sequence[int],
) -> dict[str, Any]:
    colour = shown_colour(line.look.colour, dark)
    series: dict[str, Any] = {
        "type": "line",
        "name": line.look.label,
        "data": [_point(line, ticks, index) for index in kept],
        "symbol": "circle",
        "symbolSize": 5,
        "showSymbol": bool(line.dotted),
        "lineStyle": {"color": colour, "width": line.width, "type": echarts_dash(line.look)},
        "itemStyle": {"color": colour},
        "endLabel": {
            "show": True,
            "formatter": "{dot|●} {name|{a}}",
            "rich": {
                "dot": {"color": colour, "fontSize": 11},
                "name": {"color": _INK[dark], "fontSize": 11.5},
            },
            "distance": 5,
            "offset": [0, offset],
        },
        "emphasis": {"disabled": True},
    }
    if marks:
        series["markLine"] = {
            "silent": True,
            "symbol": "none",
            "animation": False,
            "lineStyle": {"color": _FAINT[dark], "type": [4, 3], "width": 1},
            "data": [
                {
                    "xAxis": mark.tick,
                    "label": {
                        "formatter": mark.label,
                        "position": "end",
                        "align": "left",
                        "distance": [3, 1 + 13 * row],
                        "fontSize": 10.5,
                        "color": _INK[dark],
                    },
                }
                for mark, row in zip(marks, rows, strict=True)
            ],
        }
    return series


def _band(band: Band, kept: Sequence[int], number: int, dark: bool) -> list[dict[str, Any]]:
    """Return two stacked areas, of which the lower one is not seen."""
    low = [[i, band.low[i]] for i in kept if _defined(band.low[i])]
    span = [[i, band.high[i] - band.low[i]] for i in kept if _defined(band.low[i])]  # type: ignore[operator]
    shared = {
        "type": "line",
        "stack": f"band {number}",
        "symbol": "none",
        "silent": True,
        "lineStyle": {"opacity": 0},
        "tooltip": {"show": False},
    }
    colour = shown_colour(band.look.colour, dark)
    return [
        {**shared, "data": low, "stackStrategy": "all"},
        {**shared, "data": span, "stackStrategy": "all", "areaStyle": {"color": colour, "opacity": 0.18}},
    ]


def heat_map(
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | None]],
    names: tuple[str, str],
    scale: Axis,
    *,
    dark: bool = False,
) -> dict[str, Any]:
    """Return the option of a heat map with its numbers written in.

    Parameters
    ----------
    columns, rows
        Labels of the horizontal and the vertical axis.
    values
        By row, then column.
    names
        Of the horizontal and the vertical axis.
    scale
        Values of the first and the last colour.
    """
    middle = (scale.low + scale.high) / 2
    data = [
        {"value": [x, y, round(value, 4)], "label": {"color": "#FFFFFF" if value < middle else "#111111"}}
        for y, row in enumerate(values)
        for x, value in enumerate(row)
        if value is not None and math.isfinite(value)
    ]
    axis = {"type": "category", "nameLocation": "middle", **_axis_style(dark, grid=False)}
    return {
        "animation": False,
        "textStyle": {"fontFamily": _FONT},
        "grid": {"left": 74, "right": 20, "top": 10, "bottom": 44},
        "xAxis": {**axis, "data": list(columns), "name": names[0], "nameGap": 26},
        "yAxis": {**axis, "data": list(rows), "name": names[1], "nameGap": 52},
        "visualMap": {
            "show": False,
            "min": scale.low,
            "max": scale.high,
            "inRange": {"color": _CIVIDIS},
        },
        "series": [
            {
                "type": "heatmap",
                "data": data,
                "label": {"show": True},
            }
        ],
    }


def _spot(spot: Spot, high: bool, dark: bool) -> dict[str, Any]:
    colour = shown_colour(spot.look.colour, dark)
    return {
        "type": "scatter",
        "name": spot.label or spot.look.label,
        "silent": not spot.label,
        "data": [[spot.x, spot.y]],
        "symbol": "circle",
        "symbolSize": 15 if spot.label else 7,
        "itemStyle": {
            "color": colour if spot.label else ("#1E1E1E" if dark else "#FFFFFF"),
            "borderColor": _INK[dark] if spot.label else colour,
            "borderWidth": 1.5,
        },
        "label": {
            "show": bool(spot.label),
            "formatter": spot.label,
            "position": "bottom" if high else "top",
            "color": _INK[dark],
            "fontSize": 12,
            "fontWeight": 600,
        },
        "z": 5,
    }


def _level(level: float, dark: bool) -> dict[str, Any]:
    return {
        "type": "line",
        "data": [],
        "markLine": {
            "silent": True,
            "symbol": "none",
            "animation": False,
            "label": {"show": False},
            "lineStyle": {"color": _FAINT[dark], "type": [2, 3], "width": 1},
            "data": [{"yAxis": level}],
        },
    }


def _point(line: Line, ticks: Sequence[float], index: int) -> Any:
    value = line.values[index]
    pair = [ticks[index], round(float(value), 6) if _defined(value) else None]  # type: ignore[arg-type]
    if not line.dotted:
        return pair
    return {"value": pair, "symbolSize": 5 if int(ticks[index]) in line.dotted else 0}


def _rows(marks: Sequence[Mark]) -> list[int]:
    """Return the row above the data in which each label stands, so that close ones do not overlap."""
    rows: list[int] = []
    for mark in marks:
        near = {row for row, other in zip(rows, marks, strict=False) if abs(other.tick - mark.tick) < 12}
        rows.append(next(row for row in range(len(marks)) if row not in near) % 4)
    return rows


def _offsets(
    columns: Sequence[Sequence[float | None]], low: float, high: float, top: float, bottom: float
) -> list[float]:
    """Return by how many pixels each label is moved from the end of its line so that none covers another."""
    ends = [next((value for value in reversed(column) if _defined(value)), None) for column in columns]
    places = [bottom - ((low if end is None else end) - low) / (high - low) * (bottom - top) for end in ends]
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for above, below in itertools.pairwise(order):
        moved[below] = max(moved[below], moved[above] + _APART)
    floor = bottom - 7
    for line in reversed(order):  # those pushed out below are pushed back up, and with them those above
        moved[line] = min(moved[line], floor)
        floor = moved[line] - _APART
    return [round(new - old, 1) for new, old in zip(moved, places, strict=True)]


def _kept(n: int) -> list[int]:
    step = max(1, -(-n // MOST_POINTS))
    kept = list(range(0, n, step))
    return kept if not n or kept[-1] == n - 1 else [*kept, n - 1]


def _defined(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _tooltip(dark: bool) -> dict[str, Any]:
    return {
        "trigger": "axis",
        "confine": True,
        "backgroundColor": "#2B2B2B" if dark else "#FFFFFF",
        "borderColor": _GRID[dark],
        "textStyle": {"color": _INK[dark], "fontSize": 12},
        "padding": 6,
    }


def _axis_style(dark: bool, *, grid: bool) -> Mapping[str, Any]:
    return {
        "nameTextStyle": {"color": _FAINT[dark], "fontSize": 11},
        "axisLabel": {"color": _FAINT[dark], "fontSize": 11, "hideOverlap": True},
        "axisLine": {"show": not grid, "lineStyle": {"color": _FAINT[dark]}},
        "axisTick": {"show": not grid},
        "splitLine": {"show": grid, "lineStyle": {"color": _GRID[dark]}},
    }


def _decal(dark: bool) -> dict[str, Any]:
    return {
        "symbol": "rect",
        "color": "rgba(0,0,0,.45)" if dark else "rgba(255,255,255,.6)",
        "dashArrayX": [1, 0],
        "dashArrayY": [2, 4],
        "rotation": 0.78,
    }
