"""What participation brings along a learning curve, from nobody to everybody, played by the model itself.

Core Objects: CurveSource, sources, LeverageCurve, played, assumptions_behind, origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from learners.curves.curve_files import RECORD, ROWS, load_curve, read_record
from learners.curves.published_curves import PUBLISHED, published_curve
from learners.errors import InputError
from learners.leverage import PUBLISHED_SCALES
from scenarios.assumptions import Assumption, assumptions
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from learners.curves.curve_table import Curve

Lever = Literal["cdc", "strike", "cdc_delete", "boycott"]

LEVERS: dict[Lever, str] = {
    "cdc": "contribute a copy",
    "strike": "strike: withhold and delete",
    "cdc_delete": "contribute and delete at once",
    "boycott": "boycott: leave, and delete",
}
"""Stances that are played, and what they are called."""

DLP_OF: dict[Lever, str] = {"cdc": "cdc", "strike": "strike", "cdc_delete": "cdc_delete", "boycott": "strike"}
"""Which leverage each aims at."""

POINTS = 50
"""Steps from nobody to everybody."""

PEOPLE = 1_000
"""People in the world that is played; each owns an equal share of the data."""

_SEED = 1

_MOST_CURVES = 50


@dataclass(frozen=True)
class CurveSource:
    """A learning curve that can be explored.

    Attributes
    ----------
    path
        Folder of a measured curve; ``None`` for a published one.
    """

    use_case: str
    path: Path | None = None

    @property
    def label(self) -> str:
        """What the curve is called."""
        return f"{self.use_case} ({'published' if self.path is None else 'measured'})"

    def curve(self) -> Curve:
        """Return the curve.

        Raises
        ------
        InputError
            If a measured one cannot be read.
        """
        if self.path is None:
            return published_curve(self.use_case, "surrogate")
        return load_curve(self.path, self.use_case, "grid")


def sources(results: Path) -> list[CurveSource]:
    """Return the published curves, and those measured into the folder of results."""
    found = [CurveSource(use_case) for use_case in PUBLISHED_SCALES]
    for path in sorted((results / "curves").glob("*"))[:_MOST_CURVES]:
        record, rows = path / RECORD, path / ROWS
        if path.is_symlink() or record.is_symlink() or rows.is_symlink() or not rows.is_file():
            continue
        try:
            found.append(CurveSource(read_record(record)["use_case"], path))
        except InputError:
            continue
    return found


@dataclass(frozen=True)
class LeverageCurve:
    """What participation brings, at each of ``POINTS + 1`` shares of the people.

    Attributes
    ----------
    columns
        Columns of the tick table, [POINTS + 1] each.
    drawn
        Quality on the company's own test records with 0, 1, ... 100 per cent of the data.
    points
        Shares of the data at which that was measured, and the quality there.
    """

    source: CurveSource
    lever: Lever
    metric: str
    unit: str
    higher_is_better: bool
    columns: Mapping[str, tuple[float, ...]]
    drawn: tuple[float, ...]
    points: tuple[tuple[float, float], ...]

    @property
    def participation(self) -> tuple[float, ...]:
        """Shares of the people who act, from 0 to 1."""
        return tuple(np.linspace(0, 1, POINTS + 1).tolist())

    def leverage(self, perspective: str) -> tuple[float, ...]:
        """Return the leverage that the lever aims at."""
        return self.columns[f"dlp_{DLP_OF[self.lever]}_{perspective}"]

    def held(self, company: str, step: int) -> float:
        """Return the share of the data that a company holds when a step of the people act."""
        return self.columns[f"records_{company}"][step] / self.columns["records_large"][0]

    def critical_mass(self, aim: float, perspective: str) -> float | None:
        """Return the least share of the people at which leverage reaches an aim, if any does."""
        found = np.array(self.leverage(perspective))
        reached = np.flatnonzero(found >= aim)
        if not len(reached):
            return None
        first = int(reached[0])
        if first == 0:
            return 0.0
        below, above = found[first - 1], found[first]
        return float((first - 1 + (aim - below) / (above - below)) / POINTS)


def played(source: CurveSource, lever: Lever) -> LeverageCurve:
    """Play a script in which one more of every fifty people acts at each tick.

    Raises
    ------
    InputError
        If a measured curve cannot be read.
    """
    from abm.model import DataLeverageModel

    curve = source.curve()
    model = DataLeverageModel(source.use_case, curve=curve, rng=_SEED, **_script(lever))
    for _ in range(POINTS):
        model.step()
    numbers = [name for name, value in model.ticks[0].items() if isinstance(value, (int, float))]
    return LeverageCurve(
        source,
        lever,
        curve.metric.name,
        curve.metric.unit,
        curve.metric.higher_is_better,
        {name: tuple(float(row[name]) for row in model.ticks) for name in numbers},
        tuple(curve.at("company", percent / 100).quality for percent in range(101)),
        tuple((share, curve.at("company", share).quality) for share in curve.shares("company").tolist()),
    )


def assumptions_behind(source: CurveSource, lever: Lever) -> list[Assumption]:
    """Return what revenue and leverage along a curve rest on; the steps of the script are what is asked."""
    scenario = Scenario.model_validate(
        {
            "name": "leverage-curve",
            "use_case": source.use_case,
            "ticks": POINTS,
            "seed": _SEED,
            "mode": "surrogate",
            "curve": PUBLISHED if source.path is None else str(source.path),
            **_script(lever),
        }
    )
    return [line for line in assumptions(scenario) if not line.key.startswith("decision.steps.")]


def origin(source: CurveSource) -> str:
    """Return where a curve is from, in words.

    Raises
    ------
    InputError
        If the record of a measured one cannot be read.
    """
    shares = f"{len(source.curve().shares('company'))} shares of the data"
    if source.path is None:
        return (
            f"The published curve of {source.use_case} is read off the tables of Vincent and Hecht (2021): "
            f"quality at {shares}, in between by interpolation."
        )
    record = read_record(source.path / RECORD)
    set_ = [f"{name} {value}" for part in record["learner"].values() for name, value in part.items()]
    return (
        f"The measured curve of {source.use_case} is the mean of real models trained at {shares} of "
        f"{record['owners']} people, with seed {record['seed']} ({', '.join(set_)})."
    )


def _script(lever: Lever) -> dict[str, Any]:
    """Return the settings of the world that is played: one more of every fifty people acts at each tick."""
    return {
        "population": {"users": PEOPLE, "beliefs": {"linear": 1.0, "pessimist": 0.0, "true": 0.0}},
        "decision": {
            "rule": "scripted",
            "steps": [{"tick": tick, "shares": {lever: tick / POINTS}} for tick in range(1, POINTS + 1)],
        },
        "record": {"composition": "off"},
    }
