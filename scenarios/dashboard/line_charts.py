"""Line charts as ECharts options: plain dictionaries, made without a browser.

Every line ends in its own label, dark text beside a swatch, and differs from the others in its dashes as well
as in its colour. Nothing is animated, and no chart loads anything.

Core Objects: Line, Mark, line_chart.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from analysis.palette import Look
from scenarios.dashboard.chart_style import FAINT, FONT, INK, LETTER, axis_style, shown_colour, tooltip

MOST_POINTS = 400
"""Points of a line that are drawn; where there are more, every so manyth and the last."""

_BELOW = 36
"""Room for the horizontal axis, in pixels."""
_WIDTH = 2
"""Width of a line, in pixels; ECharts leaves the label of a thinner one behind when it reaches the edge."""
_ABOVE = 8
"""Room between the plot and the labels of marks, in pixels: labels of lines reach into it."""
_APART = 14.0
"""Least distance between two labels, in pixels."""


class Line(NamedTuple):
    """A line of a chart.

    ``values`` are one a tick, ``None`` or NaN where undefined; ``dotted`` are ticks with a mark.
    """

    look: Look
    values: Sequence[float | None]
    dotted: frozenset[int] = frozenset()


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
    """The ends of the scale of a chart."""

    low: float
    high: float

    @property
    def step(self) -> float:
        """A round distance between marks, of which there are then five or fewer."""
        span = self.high - self.low
        unit = 10.0 ** math.floor(math.log10(span / 5))
        return round(
            unit * next(factor for factor in (1, 2, 2.5, 5, 10) if span / (unit * factor) <= 5.001), 12
        )


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
    beside: Sequence[Mark] = (),
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
    beside
        Marks of a chart beside this one, which is to be as high.
    """
    kept = _kept(len(ticks))
    room = max((len(line.look.label) for line in lines), default=0) * LETTER + 22
    rows = _rows(marks)
    above = max([*rows, *_rows(beside)], default=None)
    top = 12 + (0 if above is None else _ABOVE + 13 * (1 + above))
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
        "textStyle": {"fontFamily": FONT},
        "grid": {
            "left": 46,
            "right": min(room, 170),
            "top": top,
            "bottom": _BELOW,
        },
        "tooltip": tooltip(dark),
        "xAxis": {
            **across,
            "name": x_name,
            "nameLocation": "middle",
            "nameGap": 20,
            **axis_style(dark, grid=False),
        },
        "yAxis": {
            "type": "value",
            "min": low,
            "max": high,
            "interval": axis.step,
            **axis_style(dark, grid=True),
        },
        "series": [part for number, each in enumerate(bands) for part in _band(each, kept, number, dark)]
        + [
            _series(line, ticks, kept, dark, offset, marks if number == 0 else (), rows, last_tick)
            for number, (line, offset) in enumerate(zip(lines, offsets, strict=True))
        ]
        + [_spot(spot, spot.y > (low + high) / 2, spot.x < 0.15 * last_tick, dark) for spot in spots]
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
    step = Axis(low, high).step
    return Axis(
        round(math.floor(low / step + 1e-9) * step, 10), round(math.ceil(high / step - 1e-9) * step, 10)
    )


def echarts_dash(look: Look) -> str | list[float]:
    """Return the dashes of a look as ECharts wants them."""
    return "solid" if isinstance(look.dash, str) else [2 * length for length in look.dash[1]]


def _series(
    line: Line,
    ticks: Sequence[float],
    kept: Sequence[int],
    dark: bool,
    offset: float,
    marks: Sequence[Mark],
    rows: Sequence[int],
    last_tick: float,
) -> dict[str, Any]:
    colour = shown_colour(line.look.colour, dark)
    series: dict[str, Any] = {
        "type": "line",
        "name": line.look.label,
        "data": [_point(line, ticks, index) for index in kept],
        "symbol": "circle",
        "symbolSize": 5,
        "showSymbol": bool(line.dotted),
        "lineStyle": {"color": colour, "width": _WIDTH, "type": echarts_dash(line.look)},
        "itemStyle": {"color": colour},
        "endLabel": {
            "show": True,
            "formatter": "{dot|●} {name|{a}}",
            "rich": {
                "dot": {"color": colour, "fontSize": 11},
                "name": {"color": INK[dark], "fontSize": 11.5},
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
            "lineStyle": {"color": FAINT[dark], "type": [4, 3], "width": 1},
            "data": [
                {
                    "xAxis": mark.tick,
                    "label": {
                        "formatter": mark.label,
                        "position": "end",
                        **_beside(mark.tick > 0.6 * last_tick, _ABOVE + 13 * row),
                        "fontSize": 10.5,
                        "color": INK[dark],
                    },
                }
                for mark, row in zip(marks, rows, strict=True)
            ],
        }
    return series


def _beside(late: bool, above: float) -> dict[str, Any]:
    """Return on which side of its line the label of a mark stands: a late one has no room at its right."""
    return {"align": "right" if late else "left", "distance": [-3 if late else 3, above]}


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


def _spot(spot: Spot, high: bool, early: bool, dark: bool) -> dict[str, Any]:
    """Return a spot with its name, which keeps clear of the vertical axis where the spot is ``early``."""
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
            "borderColor": INK[dark] if spot.label else colour,
            "borderWidth": 1.5,
        },
        "label": {
            "show": bool(spot.label),
            "formatter": spot.label,
            "position": "bottom" if high else "top",
            "align": "left" if early else "center",
            "color": INK[dark],
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
            "lineStyle": {"color": FAINT[dark], "type": [2, 3], "width": 1},
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
