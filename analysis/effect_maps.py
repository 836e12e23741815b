"""Effects of a study as a map: a row an arm, a column a point, a cell what the arm changes there.

Core Objects: effect_map.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from analysis.palette import DARK, FAINT

FEWEST_CELLS, MOST_ARMS, MOST_POINTS = 6, 16, 24
"""A map of fewer cells says less than a table; nobody could read one of more arms or points."""

_COLOURS = "PuOr"
"""From orange, less, over white to purple, more: told apart with any kind of colour vision."""

_CELL, _ROW = 0.62, 0.3  # inches
_ABOVE, _GAP = 0.75, 0.3
_WIDEST, _NARROWEST = 7.5, 6.5
_BELOW, _LINE = 0.45, 0.2
_LETTER = 0.055


def effect_map(effects: pd.DataFrame, points: Sequence[Mapping[str, Any]], title: str) -> Figure | None:
    """Draw the effects of all arms at all points, one panel an output.

    Parameters
    ----------
    effects
        As from :func:`analysis.effects.effects` by point, of the outputs to draw, in that order.
    points
        What each point is, in the order of their numbers: the same names to values for each.
    title
        Heading.

    Returns
    -------
    Figure or None
        None where there are too few cells, or too many arms or points, to read.
    """
    arms = effects["arm"].unique().tolist()
    effects = effects[effects["output"].isin(effects.loc[np.isfinite(effects["effect"]), "output"])]
    outputs = effects["output"].unique().tolist()
    sizes = len(arms) <= MOST_ARMS and 1 < len(points) <= MOST_POINTS and outputs
    if not sizes or len(arms) * len(points) < FEWEST_CELLS:
        return None
    names = [*points[0]]
    longest = max(len(str(value)) for point in points for value in point.values())
    upright = longest * _LETTER < 1.3 * _CELL
    labels = points if upright else [{"": ", ".join(map(str, point.values()))} for point in points]
    across, down = len(points) * _CELL, len(arms) * _ROW  # of a panel
    columns = min(max(1, int(_WIDEST / across)), len(outputs))
    rows = -(-len(outputs) // columns)
    beside = beside_arms(arms)
    width = max(beside + columns * (across + _GAP), _NARROWEST)
    heading = textwrap.fill(title, int(width * 11))
    above = _ABOVE + 0.2 * heading.count("\n")
    below = _BELOW + (len(names) * _LINE if upright else max(len(p[""]) for p in labels) * _LETTER)
    height = above + rows * (down + 0.45) + below
    figure = Figure(figsize=(width, height), facecolor="white")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for place, axes in enumerate(grid.flat):
        if place >= len(outputs):
            axes.set_axis_off()
            continue
        output = outputs[place]
        _draw_output(axes, effects[effects["output"] == output], arms, len(points))
        axes.set_title(str(output).replace("_", " "), fontsize=9, color=DARK, loc="left")
        lowest = place + columns >= len(outputs)
        _name_points(axes, labels if lowest else (), upright, named=place % columns == 0)
    reference = effects["reference"].iloc[0]
    figure.suptitle(heading, x=0.02, ha="left", fontsize=10.5, fontweight="bold")
    figure.text(
        0.02,
        0.1 / height,
        f"Mean paired difference from {reference} (n = {effects['n'].min()}). Bold: the 95 % interval leaves "
        "out 0. Purple: more; orange: less.",
        fontsize=7,
        color=FAINT,
    )
    figure.subplots_adjust(
        left=beside / width,
        right=(beside + columns * (across + _GAP) - _GAP) / width,
        bottom=below / height,
        top=1 - above / height,
        wspace=_GAP / across,
        hspace=0.45 / down,
    )
    return figure


def beside_arms(arms: Sequence[str]) -> float:
    """Return the room, in inches, that the names of arms need beside a figure."""
    return max(1.9, 0.3 + 0.065 * max(map(len, arms)))


def _name_points(axes: Axes, points: Sequence[Mapping[str, Any]], upright: bool, named: bool) -> None:
    """Name the columns of a panel, where it has points to name, and whose values these are, if ``named``."""
    if not upright:
        labels = [point[""] for point in points]
        axes.set_xticks(range(len(labels)), labels, rotation=50, ha="right", rotation_mode="anchor")
        axes.tick_params(axis="x", labelsize=7.5, labelcolor=DARK)
        return
    axes.set_xticks([])
    at = axes.get_xaxis_transform()
    longest = max((len(str(value)) for point in points for value in point.values()), default=1)
    size = min(7.5, 7.5 * _CELL / (longest * _LETTER))
    for line, name in enumerate(points[0] if points else ()):
        below: dict[str, Any] = {"textcoords": "offset points", "va": "top", "fontsize": size}
        down = -4 - line * _LINE * 72
        if named:
            label = ".".join(name.split(".")[-2:])
            axes.annotate(
                label, (0, 0), (-4, down), xycoords="axes fraction", ha="right", color=FAINT, **below
            )
        for column, point in enumerate(points):
            axes.annotate(
                str(point[name]), (column, 0), (0, down), xycoords=at, ha="center", color=DARK, **below
            )


def _draw_output(axes: Axes, effects: pd.DataFrame, arms: Sequence[str], points: int) -> None:
    values = np.full((len(arms), points), np.nan)
    cells = effects[["arm", "point", "effect", "low", "high"]].to_dict("records")
    for cell in cells:
        values[arms.index(cell["arm"]), cell["point"]] = cell["effect"]
    known = np.abs(values[np.isfinite(values)])
    most = max(float(known.max()) if len(known) else 0.0, 1e-9)
    axes.imshow(values, cmap=_COLOURS, norm=TwoSlopeNorm(0, -most, most), aspect="auto")
    for cell in cells:
        if np.isfinite(cell["effect"]):
            sure = cell["low"] > 0 or cell["high"] < 0
            axes.text(
                cell["point"],
                arms.index(cell["arm"]),
                _short(cell["effect"], 3 if most < 0.1 else 2),
                ha="center",
                va="center",
                fontsize=7,
                fontweight="bold" if sure else "normal",
                color="white" if abs(cell["effect"]) > 0.65 * most else (DARK if sure else FAINT),
            )
    axes.set_yticks(range(len(arms)), arms)
    axes.tick_params(labelsize=8, labelcolor=DARK, length=0)
    axes.set_xticks(np.arange(points + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(arms) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)


def _short(value: float, digits: int) -> str:
    """Return a number in few characters, such as ``+.25``; 0 where it rounds to that."""
    text = f"{value:+.{digits}f}" if abs(value) < 10 else f"{value:+.0f}"
    return "0" if float(text) == 0 else text.replace("0.", ".", 1)
