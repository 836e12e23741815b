"""Effects of a study at one point: an arm a line, with its interval; a panel an output.

Core Objects: effect_intervals.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.effect_maps import beside_arms
from analysis.palette import DARK, FAINT

MOST_ARMS, MOST_OUTPUTS = 16, 12
"""Nobody could read more."""

_LESS, _MORE = "#B35806", "#542788"
"""As in the map of effects: orange less, purple more."""

_PANEL, _ROW = 2.5, 0.26  # inches
_ABOVE, _BELOW = 0.85, 0.75


def effect_intervals(effects: pd.DataFrame, title: str) -> Figure | None:
    """Draw the effect of each arm on each output, with its interval.

    Parameters
    ----------
    effects
        As from :func:`analysis.effects.effects`, of one point and one reference, of the outputs to draw;
        those that are undefined at the reference are left out.
    title
        Heading.

    Returns
    -------
    Figure or None
        None where there are more arms or outputs than anybody could read, or none.
    """
    arms = effects["arm"].unique().tolist()
    effects = effects[np.isfinite(effects["effect"])]
    outputs = effects["output"].unique().tolist()
    if not 0 < len(outputs) <= MOST_OUTPUTS or len(arms) > MOST_ARMS:
        return None
    columns = min(len(outputs), 3)
    rows = math.ceil(len(outputs) / columns)
    panel = len(arms) * _ROW + 0.1
    beside = beside_arms(arms)
    width = beside + columns * (_PANEL + 0.25)
    height = _ABOVE + rows * (panel + 0.55) + _BELOW - 0.4
    figure = Figure(figsize=(width, height), facecolor="white")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, output in zip(grid.flat, outputs, strict=False):
        _draw_output(axes, effects[effects["output"] == output], arms)
        axes.set_title(str(output).replace("_", " "), fontsize=8.5, color=DARK, loc="left")
    for axes in grid.flat[len(outputs) :]:
        axes.set_axis_off()
    reference = effects["reference"].iloc[0]
    figure.suptitle(
        textwrap.fill(title, int(width * 11)), x=0.02, ha="left", fontsize=10, fontweight="bold", color=DARK
    )
    figure.text(
        0.02,
        0.1 / height,
        f"Mean paired difference from {reference} and its 95 % interval (n = {effects['n'].min()}); filled: "
        "it leaves out 0.",
        fontsize=7.5,
        color=FAINT,
    )
    figure.subplots_adjust(
        left=beside / width,
        right=1 - 0.2 / width,
        bottom=_BELOW / height,
        top=1 - _ABOVE / height,
        wspace=0.12,
        hspace=0.55 / panel,
    )
    return figure


def _draw_output(axes: Axes, effects: pd.DataFrame, arms: Sequence[str]) -> None:
    axes.axvline(0, color="#BBBBBB", linewidth=0.8)
    for row in effects.to_dict("records"):
        sure = row["low"] > 0 or row["high"] < 0
        colour = (_MORE if row["effect"] > 0 else _LESS) if sure else FAINT
        line = arms.index(row["arm"])
        axes.plot([row["low"], row["high"]], [line, line], color=colour, linewidth=1.6)
        fill = colour if sure else "white"
        axes.plot(row["effect"], line, "o", color=colour, markerfacecolor=fill, markersize=4.5)
    axes.set_yticks(range(len(arms)), arms)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.tick_params(labelsize=7.5, color=FAINT, labelcolor=DARK)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
