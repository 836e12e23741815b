"""Figures of the reproductions in the manner of the papers, the published points beside ours.

Ours are filled markers on lines, with bars of one standard deviation over repeats; what is published are
hollow markers of the same colour and shape.

Core Objects: contribution_figures, strike_figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from analysis.contribution_results import COUNTERPARTS, EQUAL_RECORDS, PERSPECTIVES, compared_scale
from analysis.palette import COMPANIES, DARK, FAINT, LEVERS, STANCES, Look
from analysis.strike_results import LEARNERS
from learners.published import strike_table

_WIDTH, _HEIGHT = 3.3, 2.6  # inches, of the area that holds the data
_LEFT, _RIGHT, _BELOW, _ABOVE = 0.75, 0.35, 0.95, 0.6
_TEXT, _SMALL = 9.0, 7.5  # points

_PEOPLE = {
    "all": STANCES["strike"]._replace(label="everybody"),
    "participants": STANCES["poison"]._replace(label="strikers"),
    "non_participants": STANCES["boycott"]._replace(label="all others"),
}
_HITS = {
    "strike": STANCES["strike"],
    "boycott": STANCES["boycott"],
    "traditional_boycott": STANCES["boycott_leave"],
}


class _Curve(NamedTuple):
    """Ours with standard deviations, and published points, over the same axis."""

    look: Look
    x: pd.Series
    ours: pd.Series
    sd: pd.Series
    published: pd.Series


def contribution_figures(table: pd.DataFrame) -> dict[str, Figure]:
    """Draw leverage against the share of contributors, and quality where it is what is compared.

    Parameters
    ----------
    table
        From :func:`analysis.contribution_results.leverage_table`.

    Returns
    -------
    dict
        ``<use case>`` and, for some, ``<use case>-quality``; a panel for each perspective.
    """
    figures = {}
    for use_case in table["use_case"].unique():
        rows = table[table["use_case"] == use_case]
        scale = compared_scale(use_case, table)
        leverage = rows[rows["scale"] == scale]
        if len(leverage):
            figures[use_case] = _contribution_figure(
                leverage, "rate", LEVERS, use_case, "Data leverage power (ratio)", f"{scale} scale"
            )
        judged = rows[(rows["scale"] == "") & rows["tolerance"].notna()]
        if len(judged):
            by_rows = (judged["basis"] == EQUAL_RECORDS).all()
            x = "train_records_small" if by_rows else "rate"
            looks = {"cdc": COMPANIES["small"], "strike": COMPANIES["large"]}
            metric = str(judged["quantity"].iloc[0])
            figures[f"{use_case}-quality"] = _contribution_figure(judged, x, looks, use_case, metric, metric)
    return figures


def _contribution_figure(
    rows: pd.DataFrame, x: str, looks: dict[str, Look], use_case: str, ylabel: str, what: str
) -> Figure:
    figure, panels = _panels(len(PERSPECTIVES), f"{use_case}: {what}, published: {COUNTERPARTS[use_case]}")
    for axes, perspective in zip(panels, PERSPECTIVES, strict=True):
        seen = rows[rows["perspective"] == perspective]
        _draw(axes, _curves(seen, "lever", looks, x), f"{perspective} view")
        axes.set_ylabel(ylabel, fontsize=_TEXT - 0.5, color=DARK)
        if x == "rate":
            _rate_axis(axes, "Share of owners who contribute (or strike)")
        else:
            axes.set_xscale("log")
            ticks = sorted(seen[x].unique())
            axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
            axes.minorticks_off()
            axes.set_xlabel("Training records", fontsize=_TEXT - 0.5, color=DARK)
    _legend(figure, panels[0], has_published=True)
    return figure


def strike_figures(table: pd.DataFrame, groups: pd.DataFrame) -> dict[str, Figure]:
    """Draw what strikes and boycotts cost by size, and what half of a group does to the other.

    Parameters
    ----------
    table, groups
        From :func:`~analysis.strike_results.strike_results` and
        :func:`~analysis.strike_results.group_results`.

    Returns
    -------
    dict
        ``normalised-loss`` and ``surfaced-hits``, a panel for each learner, and ``groups``, if there are any.
    """
    learners = list(table["learner"].unique())
    loss = table[(table["lever"] == "strike") & (table["quantity"] == "normalised_loss")]
    hits = table[
        (table["quantity"] == "surfaced_hits") & (table["who"] == "all") & (table["lever"] != "none")
    ]
    figures = {}
    for name, rows, by, looks, ylabel in (
        ("normalised-loss", loss, "who", _PEOPLE, "Normalised loss of surfaced hits\n(1 = item means)"),
        ("surfaced-hits", hits, "lever", _HITS, "Surfaced hits\n(share of all relevant ratings)"),
    ):
        if rows.empty:
            continue
        figure, panels = _panels(len(learners), f"{rows['use_case'].iloc[0]}: {name.replace('-', ' ')}")
        for axes in panels[1:]:
            axes.sharex(panels[0])
            axes.sharey(panels[0])
        for axes, learner in zip(panels, learners, strict=True):
            _draw(axes, _curves(rows[rows["learner"] == learner], by, looks, "rate"), LEARNERS[learner])
            _rate_axis(axes, "Share of people who take part")
            axes.set_ylabel(ylabel, fontsize=_TEXT - 0.5, color=DARK)
        has_published = bool(rows["published"].notna().any())
        if name == "normalised-loss" and has_published:
            _mark_published_models(panels)
        _legend(figure, panels[0], has_published)
        figures[name] = figure
    for learner, of_learner in groups.groupby("learner"):
        suffix = "" if groups["learner"].nunique() == 1 else f"-{learner!s}"
        figures["groups" + suffix] = _group_figure(of_learner, LEARNERS[str(learner)])
    return figures


def _curves(rows: pd.DataFrame, by: str, looks: dict[str, Look], x: str) -> list[_Curve]:
    curves = []
    for name, look in looks.items():
        found = rows[rows[by] == name].sort_values(x)
        if len(found):
            columns = (found[column].astype(float) for column in (x, "ours", "ours_sd", "published"))
            curves.append(_Curve(look, *columns))
    return curves


def _panels(count: int, title: str) -> tuple[Figure, list[Axes]]:
    """Return a figure with axes in a row."""
    cell = _LEFT + _WIDTH + _RIGHT
    width, height = count * cell, _ABOVE + _HEIGHT + _BELOW
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(
        _LEFT / width, 1 - 0.1 / height, title, fontsize=_TEXT + 1, fontweight="bold", color=DARK, va="top"
    )
    bottom = _BELOW / height
    places = [((k * cell + _LEFT) / width, bottom, _WIDTH / width, _HEIGHT / height) for k in range(count)]
    return figure, [figure.add_axes(place, label=str(k)) for k, place in enumerate(places)]


def _draw(axes: Axes, curves: Iterable[_Curve], heading: str) -> None:
    for curve in curves:
        look = curve.look
        axes.errorbar(
            curve.x,
            curve.ours,
            yerr=curve.sd.fillna(0),
            label=look.label,
            color=look.colour,
            linestyle=look.dash,
            marker=look.marker,
            markersize=4,
            linewidth=1.5,
            elinewidth=0.8,
            capsize=1.5,
        )
        known = curve.published.notna()
        axes.plot(
            curve.x[known],
            curve.published[known],
            color=look.colour,
            linestyle="none",
            marker=look.marker,
            markersize=7,
            markerfacecolor="none",
            markeredgewidth=1.2,
            zorder=4,
        )
    _plain(axes, heading)
    if axes.get_ylim()[0] < 0:
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)


def _legend(figure: Figure, axes: Axes, has_published: bool) -> None:
    """Name the curves of all panels once, below them, where no curve can be."""
    handles, labels = axes.get_legend_handles_labels()
    if has_published:
        handles.append(
            Line2D([], [], color=DARK, marker="o", markersize=7, markerfacecolor="none", linestyle="none")
        )
        labels.append("published (hollow)")
    figure.legend(
        handles,
        labels,
        fontsize=_SMALL,
        labelcolor=DARK,
        frameon=False,
        ncols=len(labels) if len(figure.axes) > 1 else 2,
        loc="lower left",
        bbox_to_anchor=((_LEFT - 0.1) / figure.get_figwidth(), 0.05 / figure.get_figheight()),
        columnspacing=1.2,
        borderaxespad=0,
    )


def _plain(axes: Axes, heading: str) -> None:
    axes.set_title(heading, fontsize=_TEXT, color=DARK, loc="left")
    axes.tick_params(labelsize=_SMALL, color=FAINT, labelcolor=DARK)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)


def _rate_axis(axes: Axes, label: str) -> None:
    axes.set_xlabel(label, fontsize=_TEXT - 0.5, color=DARK)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))


def _mark_published_models(panels: Sequence[Axes]) -> None:
    """Draw how far below the full model the published neighbourhood models are."""
    full = strike_table()
    full = full[(full["quantity"] == "surfaced_hits") & (full["lever"] == "none") & (full["rate"] == 0)]
    hits = full.set_index("who")["value"]
    for axes in panels:
        for who, label in (("item_knn", "item kNN, published"), ("item_mean", "item means")):
            level = (hits["svd"] - hits[who]) / (hits["svd"] - hits["item_mean"])
            axes.axhline(level, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
            axes.annotate(
                label, (1, level), (-2, 2), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                fontsize=_SMALL - 0.5, color=FAINT, ha="right",
            )  # fmt: skip


def _group_figure(groups: pd.DataFrame, title: str) -> Figure:
    """Draw the change of similar users and of others for each group, the largest strikes on top."""
    ordered = groups.sort_values("missing_share").reset_index(drop=True)
    height = 0.16 * len(ordered) + 1.3
    figure = Figure(figsize=(7.2, height), facecolor="white")
    axes = figure.add_axes((0.3, 0.75 / height, 0.66, 1 - 1.3 / height))
    places = np.arange(len(ordered))
    for who, look in (("others", _PEOPLE["non_participants"]), ("similar", _PEOPLE["participants"])):
        label = {"others": "people outside the group", "similar": "the half that does not strike"}[who]
        axes.errorbar(
            100 * ordered[f"change_{who}"],
            places,
            xerr=100 * ordered[f"sd_{who}"].fillna(0),
            label=label,
            color=look.colour,
            linestyle="none",
            marker=look.marker,
            markersize=4,
            elinewidth=0.7,
        )
    axes.set_yticks(places, [f"{row['kind']}: {row['label']}" for row in _records(ordered)])
    _plain(axes, "")
    axes.set_ylim(-0.7, len(ordered) - 0.3)
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=1)
    axes.set_xlabel("Change in surfaced hits when half of the group strikes (%)", fontsize=_TEXT, color=DARK)
    axes.legend(
        fontsize=_SMALL, labelcolor=DARK, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2,
        borderaxespad=0,
    )  # fmt: skip
    figure.text(
        0.02, 1 - 0.1 / height, f"Half of a group strikes ({title})",
        fontsize=_TEXT + 1, fontweight="bold", color=DARK, va="top",
    )  # fmt: skip
    return figure


def _records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")
