"""Figures of one run: who acted, what leverage that gave, and what both companies had left.

Every line ends in its own label, in dark text beside a sample of the line, so that no reader has to match
colours with a legend. Nothing is clipped: axes stretch to whatever the run recorded.

Core Objects: run_figures.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.optimize import isotonic_regression

from analysis.palette import COMPANIES, DARK, FAINT, LEVERS, REFERENCES, STANCES, Look

# Lengths are in inches: with the geometry fixed, labels can be kept apart without trial drawings.
_WIDTH, _HEIGHT = 3.5, 2.4  # of the area that holds the data
_LEFT, _RIGHT = 0.8, 1.9  # beside it: axis labels, line labels
_BELOW, _HEADING = 0.55, 0.26
_TEXT, _SMALL = 9.0, 7.5  # points
_ROW = 1.3 * _SMALL / 72  # of small text
_LETTER = 0.6 * _SMALL / 72  # width, on the generous side
_MARK_LETTERS = int(_RIGHT / _LETTER)


class _Line(NamedTuple):
    """A column of the tick table and how it is drawn."""

    column: str
    look: Look


class _Mark(NamedTuple):
    """An intervention that starts or ends; the labels stand in rows above the data."""

    tick: float
    label: str
    row: int


class _Panel(NamedTuple):
    """What one set of axes shows; ``within`` are values that the axis always reaches."""

    heading: str
    ylabel: str
    lines: list[_Line]
    within: tuple[float, ...] = ()
    note: str = ""


def run_figures(
    ticks: pd.DataFrame, events: pd.DataFrame, title: str, metric: str, perspective: str, unit: str = ""
) -> dict[str, Figure]:
    """Draw a run.

    Parameters
    ----------
    ticks
        One row a tick, as in ticks.parquet.
    events
        As in events.parquet: rows of kind ``intervention`` are marked; ``value`` 0 says that it ends.
    title
        Heading of every figure.
    metric, unit
        Name and unit of the quality measure.
    perspective
        Whose records measure quality: ``served``, ``company`` or ``holdout``.

    Returns
    -------
    dict
        ``participation``, ``leverage``, ``quality``, ``revenue``, and ``overview`` with all four.
    """
    panels = {
        "participation": _participation(ticks),
        "leverage": _leverage(perspective),
        "quality": _quality(ticks, metric, perspective, unit),
        "revenue": _revenue(),
    }
    marks = _marks(events, ticks["tick"])
    figures = {name: _drawn([panel], ticks, marks, title) for name, panel in panels.items()}
    return figures | {"overview": _drawn(list(panels.values()), ticks, marks, title)}


def _participation(ticks: pd.DataFrame) -> _Panel:
    lines = [_Line(f"share_{stance}", look) for stance, look in STANCES.items()]
    used = [line for line in lines if (ticks[line.column] > 0).any()]
    return _Panel("Who acts", "Share of people", used, within=(0.0, 1.0))


def _leverage(perspective: str) -> _Panel:
    lines = [_Line(f"dlp_{lever}", look) for lever, look in LEVERS.items()]
    return _Panel("Data leverage", f"Data leverage power\n(ratio, {perspective} view)", lines, within=(0.0,))


def _quality(ticks: pd.DataFrame, metric: str, perspective: str, unit: str) -> _Panel:
    ends = [f"{end}_{perspective}" for end in REFERENCES]
    baseline, best = (ticks[column].mean() for column in ends)
    direction = "higher is better" if best > baseline else "lower is better"
    lines = [_Line(f"quality_{company}_{perspective}", look) for company, look in COMPANIES.items()]
    lines += [_Line(column, look) for column, look in zip(ends, REFERENCES.values(), strict=True)]
    measured = f"{metric[0].upper()}{metric[1:]}" + (f" ({unit})" if unit else "")
    # Each company's view has its own two ends; four dotted lines would hide what they frame.
    note = "" if perspective == "holdout" else "Best and baseline are those of Large Co.'s test records."
    return _Panel("Model quality", f"{measured}\n{perspective} view, {direction}", lines, note=note)


def _revenue() -> _Panel:
    lines = [_Line(f"revenue_{company}", look) for company, look in COMPANIES.items()]
    return _Panel("Revenue", "Revenue per tick\n(1 = Large Co. at tick 0)", lines, within=(0.0,))


def _marks(events: pd.DataFrame, ticks: pd.Series) -> list[_Mark]:
    """Return what happened when, each label in the lowest row where neither label nor line crosses it.

    Labels extend to the right, so rows are filled from the last event backwards: a label must end before the
    first event whose label stands in its row, or whose line passes through the row to one above.
    """
    chosen = events[events["kind"] == "intervention"].sort_values("tick", kind="stable", ascending=False)
    inches = _WIDTH / max(float(ticks.max() - ticks.min()), 1.0)
    marks: list[_Mark] = []
    firsts: list[float] = []  # of each row, the earliest tick
    for tick, subject, value in zip(chosen["tick"], chosen["subject"], chosen["value"], strict=True):
        label = f"{subject}{' ends' if value == 0 else ''}".replace("_", " ")
        label = textwrap.shorten(label, _MARK_LETTERS, placeholder="...")
        end = tick + len(label) * _LETTER / inches
        row = next((row for row in range(len(firsts)) if end < min(firsts[row:])), len(firsts))
        firsts[row : row + 1] = [float(tick)]
        marks.append(_Mark(float(tick), label, row))
    return marks


def _drawn(panels: Sequence[_Panel], ticks: pd.DataFrame, marks: list[_Mark], title: str) -> Figure:
    """Lay out panels in two columns, or one panel alone, and draw them."""
    columns = min(2, len(panels))
    above = _HEADING + _ROW * (1 + max((mark.row for mark in marks), default=-1))
    cell_width, cell_height = _LEFT + _WIDTH + _RIGHT, above + _HEIGHT + _BELOW
    width = columns * cell_width
    title = textwrap.fill(title, int((width - _LEFT) / (1.7 * _LETTER)))  # larger letters, and bold
    notes = _notes(panels, ticks)
    title_height, foot = 0.17 * (2 + title.count("\n")), _ROW * (1 + len(notes))
    height = title_height + len(panels) // columns * cell_height + foot
    figure = Figure(figsize=(width, height), facecolor="white")
    for index, panel in enumerate(panels):
        row, column = divmod(index, columns)
        left, top = column * cell_width + _LEFT, height - title_height - row * cell_height - above
        axes = figure.add_axes(
            (left / width, (top - _HEIGHT) / height, _WIDTH / width, _HEIGHT / height), label=panel.heading
        )
        letter = f"{'abcd'[index]}  " if len(panels) > 1 else ""
        heading = (left / width, (top + above - _HEADING + 0.06) / height, f"{letter}{panel.heading}")
        figure.text(*heading, fontsize=_TEXT, color=DARK)
        _draw_panel(axes, panel, ticks, marks)
    x = _LEFT / width
    figure.text(x, 1 - 0.1 / height, title, fontsize=_TEXT + 1, fontweight="bold", color=DARK, va="top")
    figure.text(x, 0.5 * _ROW / height, "\n".join(notes), fontsize=_SMALL - 0.5, color=FAINT, va="bottom")
    return figure


def _notes(panels: Sequence[_Panel], ticks: pd.DataFrame) -> list[str]:
    notes = [f"One run, one seed: no uncertainty is shown. Mode: {', '.join(ticks['mode'].unique())}."]
    notes += [panel.note for panel in panels if panel.note]
    undefined = [
        line.look.label for panel in panels for line in panel.lines if ticks[line.column].isna().all()
    ]
    if undefined:
        notes.append(f"Undefined throughout: {', '.join(undefined)}.")
    if ticks["stale"].any():
        notes.append(f"Ticks without a retrained model: {int(ticks['stale'].sum())}.")
    return notes


def _draw_panel(axes: Axes, panel: _Panel, ticks: pd.DataFrame, marks: list[_Mark]) -> None:
    defined = [line for line in panel.lines if ticks[line.column].notna().any()]
    step = max(1, len(ticks) // 7)
    for index, (column, look) in enumerate(defined):
        axes.plot(
            ticks["tick"],
            ticks[column],
            label=look.label,
            color=look.colour,
            linestyle=look.dash,
            linewidth=1.5,
            marker=look.marker,
            markersize=4,
            markevery=(index * step // len(defined), step),  # so that the markers of two lines stand apart
            clip_on=False,
            zorder=3,
        )
    first, last = float(ticks["tick"].min()), float(ticks["tick"].max())
    axes.set_xlim(first, max(last, first + 1))
    axes.set_ylim(*_limits([ticks[line.column] for line in defined], panel.within))
    axes.set_xlabel("Tick (one round of decisions and retraining)", fontsize=_TEXT - 0.5, color=DARK)
    axes.set_ylabel(panel.ylabel, fontsize=_TEXT - 0.5, color=DARK)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.tick_params(labelsize=_SMALL, color=FAINT, labelcolor=DARK)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    if axes.get_ylim()[0] < 0:
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=2)
    for mark in marks:
        _draw_mark(axes, mark)
    _label_ends(axes, defined, ticks)


def _limits(data: list[pd.Series], within: tuple[float, ...]) -> tuple[float, float]:
    """Return limits that hold all data; an end that only ``within`` asks for gets no margin."""
    low = min(within + tuple(float(series.min()) for series in data), default=0.0)
    high = max(within + tuple(float(series.max()) for series in data), default=1.0)
    margin = 0.06 * (high - low) or 0.05 * max(abs(high), 0.1)
    return low - margin * (low not in within), high + margin * (high not in within or high == low)


def _draw_mark(axes: Axes, mark: _Mark) -> None:
    """Draw a vertical line through the panel, up to its label."""
    level = 1 + mark.row * _ROW / _HEIGHT
    transform = axes.get_xaxis_transform()
    axes.plot(
        [mark.tick] * 2,
        [0, level + 0.7 * _ROW / _HEIGHT],
        transform=transform,
        color=FAINT,
        linewidth=0.8,
        linestyle=(0, (3, 2)),
        clip_on=False,
        zorder=2,
    )
    axes.annotate(
        mark.label,
        (mark.tick, level),
        (2, 1.5),
        xycoords=transform,
        textcoords="offset points",
        fontsize=_SMALL,
        color=DARK,
        annotation_clip=False,
    )


def _label_ends(axes: Axes, lines: list[_Line], ticks: pd.DataFrame) -> None:
    """Name every line where it ends, on the right of the data, with a sample of it."""
    if not lines:
        return
    bottom, top = axes.get_ylim()
    ends = np.array([ticks[line.column].dropna().iloc[-1] for line in lines])
    ends = (ends - bottom) / (top - bottom) * _HEIGHT
    labels = [textwrap.fill(line.look.label, 23) for line in lines]
    centres = _spread(ends, np.array([(1 + label.count("\n")) * _ROW for label in labels]))
    margin = axes.inset_axes((1, 0, _RIGHT / _WIDTH, 1))
    margin.set(xlim=(0, _RIGHT), ylim=(0, _HEIGHT))
    margin.set_axis_off()
    for end, centre, label, line in zip(ends, centres, labels, lines, strict=True):
        colour, dash, marker = line.look.colour, line.look.dash, line.look.marker
        margin.plot([0.02, 0.12], [end, centre], color=colour, linewidth=0.7, clip_on=False)
        margin.plot([0.12, 0.44], [centre] * 2, color=colour, linestyle=dash, linewidth=1.5, clip_on=False)
        margin.plot([0.28], [centre], color=colour, marker=marker, markersize=4, clip_on=False)
        margin.text(0.5, centre, label, fontsize=_SMALL, color=DARK, va="center", linespacing=1.1)


def _spread(wanted: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Return the places nearest to those wanted at which labels of these heights do not overlap.

    With labels in order of height, keeping apart is a monotone least-squares problem: the place of each, less
    the room of those below it, may not fall.
    """
    order = np.argsort(wanted, kind="stable")
    tall = heights[order]
    room = np.concatenate([[0.0], np.cumsum((tall[:-1] + tall[1:]) / 2)])
    places = isotonic_regression(wanted[order] - room).x
    places = np.minimum(places, _HEIGHT - room[-1] - tall[-1] / 2)  # above the data stand the interventions
    spread = np.empty_like(wanted)
    spread[order] = np.maximum(places, 0.0) + room
    return spread
