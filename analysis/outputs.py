"""What is asked of a run: one number from a column of its ticks.

A further kind of number is one class here, listed in :data:`Outputs`.

Core Objects: Output, Outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from learners.parameters import Parameters, parameter, tagged

Ticks = Mapping[str, NDArray[Any]]
"""Columns of a run, each [ticks + 1]; the row of tick 0 comes first."""

_TO_START = "First tick that counts"
_TO_END = "Last tick that counts; the last of the run by default"


class Output(Parameters):
    """One number of a run; subclasses say which."""

    take: str = parameter("output", "What is taken of the column", unit="-")
    column: str = parameter(..., "A column of ticks.parquet", unit="-", pattern=r"^[a-z0-9_]{1,64}$")
    name: str | None = parameter(
        None,
        "What the number is called; made of column and take by default",
        unit="-",
        pattern=r"^[a-z]\w{0,63}$",
    )

    @property
    def label(self) -> str:
        """What the number is called in tables."""
        return self.name or f"{self.column}_{self.take}"

    @property
    def last_tick(self) -> int:
        """Ticks that a run must have for the number to be asked of it."""
        return 0

    def of(self, ticks: Ticks) -> float:
        """Return the number; NaN where it is not defined."""
        return float(self._of(np.asarray(ticks[self.column], np.float64)))

    def _of(self, values: NDArray[np.float64]) -> float:
        raise NotImplementedError


class Final(Output):
    """The value at the last tick."""

    take: Literal["final"] = "final"

    @property
    def label(self) -> str:
        """The column's name, unless another is given."""
        return self.name or self.column

    def _of(self, values: NDArray[np.float64]) -> float:
        return float(values[-1])


class AtTick(Output):
    """The value at one tick."""

    take: Literal["at"] = "at"
    tick: int = parameter(..., "Which tick; 0 is before anybody acts", unit="tick", ge=0)

    @property
    def label(self) -> str:
        """Column and tick, unless another name is given."""
        return self.name or f"{self.column}_at_{self.tick}"

    @property
    def last_tick(self) -> int:
        """The tick."""
        return self.tick

    def _of(self, values: NDArray[np.float64]) -> float:
        return float(values[self.tick])


class _Stretch(Output):
    """A number from a stretch of ticks."""

    start: int = parameter(0, _TO_START, unit="tick", ge=0)
    end: int | None = parameter(None, _TO_END, unit="tick", ge=0)

    @property
    def last_tick(self) -> int:
        """The last tick that is named."""
        return max(self.start, self.end or 0)

    def _stretch(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values[self.start : None if self.end is None else self.end + 1]


class Mean(_Stretch):
    """The mean over the ticks at which the column is defined."""

    take: Literal["mean"] = "mean"

    def _of(self, values: NDArray[np.float64]) -> float:
        stretch = self._stretch(values)
        defined = stretch[~np.isnan(stretch)]
        return float(defined.mean()) if len(defined) else np.nan


class Area(_Stretch):
    """The area under the column, by trapezoids, in its unit times ticks."""

    take: Literal["area"] = "area"

    def _of(self, values: NDArray[np.float64]) -> float:
        return float(np.trapezoid(self._stretch(values)))


class _Passage(_Stretch):
    """The first tick at which the column is past a threshold; NaN if it never is."""

    threshold: float = parameter(..., "The value to reach", unit="as the column")

    def _passed(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        raise NotImplementedError

    def _of(self, values: NDArray[np.float64]) -> float:
        passed = np.flatnonzero(self._passed(self._stretch(values)))
        return float(passed[0] + self.start) if len(passed) else np.nan


class FirstAbove(_Passage):
    """The first tick at which the column is at or above a threshold."""

    take: Literal["first_above"] = "first_above"

    def _passed(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return values >= self.threshold


class FirstBelow(_Passage):
    """The first tick at which the column is at or below a threshold."""

    take: Literal["first_below"] = "first_below"

    def _passed(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return values <= self.threshold


def _written_out(given: object) -> object:
    """Take a column's name alone for its final value."""
    return {"take": "final", "column": given} if isinstance(given, str) else tagged(given, "take", "final")


Outputs = Annotated[
    Annotated[
        Final | AtTick | Mean | Area | FirstAbove | FirstBelow,
        Field(discriminator="take"),
    ],
    BeforeValidator(_written_out),
]


def of_run(outputs: Iterable[Output], ticks: Ticks) -> dict[str, float]:
    """Return all outputs of a run by name."""
    return {output.label: output.of(ticks) for output in outputs}


def columns_of(outputs: Iterable[Output]) -> set[str]:
    """Return the columns that outputs are taken from."""
    return {output.column for output in outputs}
