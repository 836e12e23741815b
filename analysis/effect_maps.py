"""Effects of a study as a map: a row an arm, a column a point, a cell what the arm changes there.

Core Objects: effect_map.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

FEWEST_CELLS, MOST_ARMS, MOST_POINTS = 6, 16, 24
"""A map of fewer cells says less than a table; nobody could read one of more arms or points."""

_COLOURS = "PuOr"
"""From orange, less, over white to purple, more: told apart with any kind of colour vision."""

_CELL, _ROW = 0.62, 0.3  # inches
_BESIDE, _ABOVE, _BELOW = 1.9, 1.0, 1.5
_DARK, _FAINT = "#222222", "#6B6B6B"


def effect_map(effects: pd.DataFrame, points: Sequence[str], title: str) -> Figure | None:
    """Draw the effects of all arms at all points, one panel an output.

    Parameters
    ----------
    effects
        As from :func:`analysis.effects.effects` by point, of the outputs to draw, in that order.
    points
        A text for each point, in the order of their numbers.
    title
        Heading.

    Returns
    -------
    Figure or None
        None where there are too few cells, or too many arms or points, to read.
    """
    outputs, arms = effects["output"].unique().tolist(), effects["arm"].unique().tolist()
    sizes = len(arms) <= MOST_ARMS and 1 < len(points) <= MOST_POINTS
    if not sizes or len(arms) * len(points) < FEWEST_CELLS:
        return None
    panel = len(arms) * _ROW
    width = _BESIDE + len(points) * _CELL + 0.3
    height = _ABOVE + len(outputs) * (panel + 0.45) + _BELOW
    figure = Figure(figsize=(width, height), facecolor="white")
    grid = figure.subplots(len(outputs), 1, squeeze=False, sharex=True)
    for axes, output in zip(grid.flat, outputs, strict=True):
        _draw_output(axes, effects[effects["output"] == output], arms, len(points))
        axes.set_title(str(output).replace("_", " "), fontsize=9, color=_DARK, loc="left")
    last = grid.flat[-1]
    last.set_xticks(range(len(points)), points, rotation=50, ha="right", rotation_mode="anchor")
    last.tick_params(axis="x", labelsize=7.5, labelcolor=_DARK)
    reference = effects["reference"].iloc[0]
    figure.suptitle(
        textwrap.fill(title, int(width * 11)), x=0.02, ha="left", fontsize=10.5, fontweight="bold"
    )
    figure.text(
        0.02,
        0.012,
        f"Mean paired difference from {reference} (n = {effects['n'].min()}). Bold: the 95 % interval leaves "
        "out 0. Purple: more; orange: less.",
        fontsize=7,
        color=_FAINT,
    )
    figure.subplots_adjust(
        left=_BESIDE / width,
        right=1 - 0.3 / width,
        bottom=_BELOW / height,
        top=1 - (_ABOVE - 0.25) / height,
        hspace=0.45 / panel,
    )
    return figure


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
                _short(cell["effect"]),
                ha="center",
                va="center",
                fontsize=7,
                fontweight="bold" if sure else "normal",
                color="white" if abs(cell["effect"]) > 0.65 * most else (_DARK if sure else _FAINT),
            )
    axes.set_yticks(range(len(arms)), arms)
    axes.tick_params(labelsize=8, labelcolor=_DARK, length=0)
    axes.set_xticks(np.arange(points + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(arms) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)


def _short(value: float) -> str:
    """Return a number in few characters, such as ``+.25``; 0 where it rounds to that."""
    text = f"{value:+.2f}" if abs(value) < 10 else f"{value:+.0f}"
    return "0" if float(text) == 0 else text.replace("0.", ".", 1)
