"""Stacked bars of shares as ECharts options: plain dictionaries, made without a browser.

Core Objects: share_bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.palette import Look
from scenarios.dashboard.chart_style import LETTER, axis_style, shown_colour, tooltip
from scenarios.dashboard.line_charts import limits

_MOST_ROOM = 200.0
"""Most room for the names of rows, in pixels; longer ones end in dots."""


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
    room = min(max((len(label) for label in labels), default=0) * LETTER + 14, _MOST_ROOM)
    sums = [100 * sum(shares) for shares in zip(*(shares for _, shares in parts), strict=True)]
    axis = limits([sums], (0.0, 10.0))
    style = axis_style(dark, grid=False)
    names = {**style, "axisLabel": {**style["axisLabel"], "width": room - 14, "overflow": "truncate"}}
    return {
        "animation": False,
        "grid": {"left": room, "right": 14, "top": 6, "bottom": 34},
        "tooltip": {**tooltip(dark), "axisPointer": {"type": "shadow"}},
        "xAxis": {
            "type": "value",
            "min": 0,
            "max": axis.high,
            "interval": axis.step,
            "name": "Per cent of the people in it",
            "nameLocation": "middle",
            "nameGap": 20,
            **axis_style(dark, grid=True),
        },
        "yAxis": {"type": "category", "inverse": True, "data": list(labels), **names},
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


def _decal(dark: bool) -> dict[str, Any]:
    return {
        "symbol": "rect",
        "color": "rgba(0,0,0,.45)" if dark else "rgba(255,255,255,.6)",
        "dashArrayX": [1, 0],
        "dashArrayY": [2, 4],
        "rotation": 0.78,
    }
