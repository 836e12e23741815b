"""What all charts look like: inks on a light and on a dark page, letters, axes, and what shows at a pointer.

Core Objects: shown_colour, axis_style, tooltip.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INK = {False: "#222222", True: "#EEEEEE"}
FAINT = {False: "#6B6B6B", True: "#AAAAAA"}
_GRID = {False: "#E4E4E4", True: "#3A3A3A"}
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
LETTER = 6.2
"""Width of a letter of a label, in pixels, on the generous side."""


def shown_colour(colour: str, dark: bool) -> str:
    """Return a colour of the palette as it is on a background: black becomes white on a dark one."""
    return "#FFFFFF" if dark and colour == "#000000" else colour


def tooltip(dark: bool) -> dict[str, Any]:
    """Return what shows at a pointer: the values at that place of the horizontal axis."""
    return {
        "trigger": "axis",
        "confine": True,
        "backgroundColor": "#2B2B2B" if dark else "#FFFFFF",
        "borderColor": _GRID[dark],
        "textStyle": {"color": INK[dark], "fontSize": 12},
        "padding": 6,
    }


def axis_style(dark: bool, *, grid: bool) -> Mapping[str, Any]:
    """Return the inks of an axis, which has either a line with ticks or a grid across the chart."""
    return {
        "nameTextStyle": {"color": FAINT[dark], "fontSize": 11},
        "axisLabel": {"color": FAINT[dark], "fontSize": 11, "hideOverlap": True},
        "axisLine": {"show": not grid, "lineStyle": {"color": FAINT[dark]}},
        "axisTick": {"show": not grid},
        "splitLine": {"show": grid, "lineStyle": {"color": _GRID[dark]}},
    }
