"""Figures of a study: what each arm did tick by tick, over its replicates.

Core Objects: arm_figure.
"""

from __future__ import annotations

import math
import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.palette import DARK, FAINT, Look, arm_looks

MOST_PANELS, MOST_ARMS = 6, 7
"""More points or arms than these are not drawn: nobody could read them."""

_LOW, _HIGH = 0.05, 0.95
_WIDTH, _HEIGHT, _RIGHT = 3.4, 2.5, 1.5  # inches of a panel, and beside it
_LETTERS = 42
"""Of a line above a panel."""


def arm_figure(values: pd.DataFrame, title: str, ylabel: str) -> Figure | None:
    """Draw the mean of each arm and the range of most of its replicates; one panel a point.

    Parameters
    ----------
    values
        Columns ``arm``, ``point`` (a text, the same for all where nothing is swept), ``replicate``, ``tick``
        and ``value``; arms and points are drawn in the order in which they come.
    title
        Heading.
    ylabel
        What the value is.

    Returns
    -------
    Figure or None
        None where there are more than :data:`MOST_PANELS` points or :data:`MOST_ARMS` arms, or no value.
    """
    arms, points = values["arm"].unique().tolist(), values["point"].unique().tolist()
    if len(points) > MOST_PANELS or len(arms) > MOST_ARMS or values["value"].isna().all():
        return None
    rows = math.ceil(len(points) / 3)
    columns = math.ceil(len(points) / rows)
    heading = textwrap.fill(title, int((columns * _WIDTH + _RIGHT) * 12))
    names = {point: textwrap.fill(point, _LETTERS) for point in points}
    above = 0.2 * (2 + heading.count("\n")) + 0.14 * max(name.count("\n") for name in names.values())
    width, height = columns * _WIDTH + _RIGHT, rows * _HEIGHT + above + 0.3
    figure = Figure(figsize=(width, height), facecolor="white")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    looks = arm_looks(arms)
    for place, point in enumerate(points):
        axes = grid.flat[place]
        of_point = values[values["point"] == point]
        for arm, look in looks.items():
            _draw_arm(axes, of_point[of_point["arm"] == arm], look)
        axes.set_title(names[point], fontsize=8.5, color=DARK, loc="left")
        axes.tick_params(labelsize=7.5, color=FAINT, labelcolor=DARK)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelbottom=place + columns >= len(points))  # where nothing is drawn below
    for axes in grid.flat[len(points) :]:
        axes.set_axis_off()
    n = values.groupby(["arm", "point"], sort=False)["replicate"].nunique().min()
    figure.suptitle(heading, x=0.02, ha="left", fontsize=10, fontweight="bold", color=DARK)
    figure.supylabel(ylabel, fontsize=8.5, color=DARK)
    figure.supxlabel(
        f"Tick. Lines: means; bands: from the 5th to the 95th percentile of the replicates (n = {n}).",
        fontsize=7.5,
        color=FAINT,
    )
    figure.legend(
        *grid.flat[0].get_legend_handles_labels(),
        loc="center right",
        fontsize=7.5,
        frameon=False,
        handlelength=3.2,
    )
    figure.subplots_adjust(
        left=0.8 / width,
        right=1 - (_RIGHT + 0.2) / width,
        bottom=0.65 / height,
        top=1 - (above + 0.2) / height,
        wspace=0.12,
        hspace=0.32,
    )
    return figure


def _draw_arm(axes: Axes, values: pd.DataFrame, look: Look) -> None:
    by_tick = values.groupby("tick")["value"]
    mean = by_tick.mean()
    axes.fill_between(
        mean.index,
        by_tick.quantile(_LOW),
        by_tick.quantile(_HIGH),
        color=look.colour,
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(
        mean.index,
        mean,
        label=textwrap.fill(look.label, 20),
        color=look.colour,
        linestyle=look.dash,
        marker=look.marker,
        markersize=3.5,
        markevery=max(1, len(mean) // 7),
        linewidth=1.4,
    )
