"""Figures of what groups' data are worth, and of what dividends by individual worth come to.

Core Objects: valuation_figure, dividend_figure.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.palette import DARK, FAINT, LEVERS, STANCES
from analysis.valuation import OUTCOMES

MOST_GROUPS = 30
"""Groups that are drawn: those of the largest Shapley shares of quality."""

_LOOKS = {
    "strike": STANCES["poison"]._replace(label="strike value: what all lose without the group"),
    "shapley": LEVERS["strike"]._replace(label="Shapley share: mean over orders of arrival"),
    "banzhaf": STANCES["boycott"]._replace(label="Banzhaf share: mean over sets of the others"),
}
_TITLES = {
    "quality": "Quality (0 un-informed, 1 with all data)",
    "revenue": "Revenue (share of that with all data): bargaining power",
}
_OFFSETS = {"strike": -0.22, "shapley": 0.0, "banzhaf": 0.22}


def valuation_figure(shares: pd.DataFrame, title: str) -> Figure:
    """Draw strike value, Shapley and Banzhaf share of each group, the largest on top.

    Parameters
    ----------
    shares
        From :func:`analysis.valuation_study.run_valuation`; bars are their standard deviations.
    title
        Heading.
    """
    quality = shares[shares["outcome"] == "quality"].nlargest(MOST_GROUPS, "shapley")
    groups = quality["group"].tolist()[::-1]
    height = 1.6 + 0.34 * len(groups)
    figure = Figure(figsize=(9.0, height), facecolor="white")
    for axes, outcome in zip(figure.subplots(1, len(OUTCOMES), sharey=True), OUTCOMES, strict=True):
        table = shares[shares["outcome"] == outcome].set_index("group").loc[groups]
        for kind, look in _LOOKS.items():
            axes.errorbar(
                table[kind],
                np.arange(len(groups)) + _OFFSETS[kind],
                xerr=table[f"{kind}_sd"].fillna(0.0),
                linestyle="none",
                marker=look.marker,
                markersize=4.5,
                color=look.colour,
                label=look.label,
                elinewidth=1.0,
            )
        axes.axvline(0, color=FAINT, linewidth=0.8)
        axes.set_title(_TITLES[outcome], fontsize=8.5, loc="left", color=DARK)
        axes.tick_params(labelsize=7.5, color=FAINT, labelcolor=DARK)
        axes.grid(axis="x", color="#E4E4E4", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    records = quality.set_index("group")["records"]
    labels = [f"{group} ({records[group]:,} records)" for group in groups]
    figure.axes[0].set_yticks(range(len(groups)), labels)
    figure.suptitle(title, x=0.02, ha="left", fontsize=10, fontweight="bold", color=DARK)
    handles, texts = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="lower center", ncols=3, fontsize=7.5, frameon=False)
    figure.subplots_adjust(left=0.24, right=0.98, top=1 - 0.7 / height, bottom=0.75 / height, wspace=0.08)
    return figure


def dividend_figure(table: pd.DataFrame, title: str) -> Figure:
    """Draw how unequal dividends are by transform.

    Parameters
    ----------
    table
        Columns ``transform``, ``seed`` and ``gini``.
    title
        Heading.
    """
    figure = Figure(figsize=(6.2, 2.8), facecolor="white")
    axes = figure.subplots()
    order = table.groupby("transform")["gini"].mean().sort_values(na_position="first").index
    for place, transform in enumerate(order):
        ginis = table.loc[table["transform"] == transform, "gini"]
        axes.plot(ginis, np.full(len(ginis), place), "o", color=LEVERS["strike"].colour, markersize=5)
    axes.set_yticks(range(len(order)), [name.replace("_", " ") for name in order])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_xlabel("Gini coefficient of the dividends; one point a seed", fontsize=8.5)
    axes.tick_params(labelsize=8, color=FAINT, labelcolor=DARK)
    axes.grid(axis="x", color="#E4E4E4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, x=0.02, ha="left", fontsize=10, fontweight="bold", color=DARK)
    figure.subplots_adjust(left=0.16, right=0.97, top=0.86, bottom=0.2)
    return figure
