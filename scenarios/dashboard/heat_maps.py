"""Heat maps as ECharts options: plain dictionaries, made without a browser.

Core Objects: heat_map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from scenarios.dashboard.chart_style import FONT, axis_style
from scenarios.dashboard.line_charts import Axis

_CIVIDIS = ["#00224E", "#35456C", "#666970", "#948E77", "#C8B866", "#FEE838"]
"""Colours from low to high that all people can order (Nunez, Anderton, Renslow 2018)."""


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
    axis = {"type": "category", "nameLocation": "middle", **axis_style(dark, grid=False)}
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT},
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
