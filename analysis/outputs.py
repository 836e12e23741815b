"""What is asked of a run: one number from a column of its ticks, or from a few columns taken together.

A further kind of number is one class here, listed in :data:`Outputs`.

Core Objects: Output, Outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from learners.parameters import Parameters, parameter, tagged

Ticks = Mapping[str, NDArray[Any]]
"""Columns of a run, each [ticks + 1]; the row of tick 0 comes first."""

_COLUMN = r"^[a-z0-9_]{1,64}$"

_TO_START = "First tick that counts"
_TO_END = "Last tick that counts; the last of the run by default"

Columns = list[Annotated[str, StringConstraints(pattern=_COLUMN)]]


class Output(Parameters):
    """One number of a run; subclasses say which.

    With ``plus``, ``less`` and ``over`` it is taken of (column + plus - less) / over, where several columns
    are added up: so a company's share of what both earn is its revenue over both revenues.
    """

    take: str = parameter("output", "What is taken of the column", unit="-")
    column: str = parameter(..., "A column of ticks.parquet", unit="-", pattern=_COLUMN)
    plus: Columns = parameter([], "Columns that are added to it", unit="-", max_length=100)
    less: Columns = parameter([], "Columns that are taken off it", unit="-", max_length=100)
    over: Columns = parameter([], "Columns by whose sum it is divided", unit="-", max_length=100)
    name: str | None = parameter(
        None,
        "What the number is called; made of column and take by default",
        unit="-",
        pattern=r"^[a-z]\w{0,63}$",
    )

    @model_validator(mode="after")
    def _named_if_made(self) -> Self:
        made = [self.column, *self.plus, *self.less, *self.over]
        if len(made) > 1 and self.name is None:
            raise ValueError(f"name: what is made of {', '.join(made)} needs a name")
        return self

    @property
    def label(self) -> str:
        """What the number is called in tables."""
        return self.name or f"{self.column}_{self.take}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is taken from, the first of them ``column``."""
        return tuple(dict.fromkeys([self.column, *self.plus, *self.less, *self.over]))

    @property
    def last_tick(self) -> int:
        """Ticks that a run must have for the number to be asked of it."""
        return 0

    def longest(self, ticks: int) -> float:
        """Return the number that a run of so many ticks has for a time that it did not see; inf for none."""
        return np.inf

    @property
    def told(self) -> str:
        """What the number is, in words."""
        added = " + ".join([self.column, *self.plus])
        made = " - ".join([added, *self.less])
        if self.over:
            made = f"({made})" if self.plus or self.less else made
            made += f" / ({' + '.join(self.over)})" if len(self.over) > 1 else f" / {self.over[0]}"
        return self._told(made)

    def _told(self, made: str) -> str:
        """Say what is taken of a column, or of what is made of some."""
        raise NotImplementedError

    def of(self, ticks: Ticks) -> float:
        """Return the number; NaN where it is not defined."""
        values = self._sum(ticks, [self.column, *self.plus])
        if self.less:
            values = values - self._sum(ticks, self.less)
        if self.over:
            whole = self._sum(ticks, self.over)
            values = np.divide(values, whole, out=np.full(len(values), np.nan), where=whole != 0)
        return float(self._of(self._considered(values, ticks)))

    def _considered(self, values: NDArray[np.float64], ticks: Ticks) -> NDArray[np.float64]:
        """Return the values that count, the others NaN."""
        return values

    @staticmethod
    def _sum(ticks: Ticks, columns: list[str]) -> NDArray[np.float64]:
        return np.sum([np.asarray(ticks[column], np.float64) for column in columns], axis=0)

    def _of(self, values: NDArray[np.float64]) -> float:
        raise NotImplementedError


class Final(Output):
    """The value at the last tick."""

    take: Literal["final"] = "final"

    @property
    def label(self) -> str:
        """The column's name, unless another is given."""
        return self.name or self.column

    def _told(self, made: str) -> str:
        return f"{made} at the last tick"

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

    def _told(self, made: str) -> str:
        return f"{made} at tick {self.tick}"

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

    @property
    def _when(self) -> str:
        return f"ticks {self.start} to {'the last' if self.end is None else self.end}"

    def _stretch(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values[self.start : None if self.end is None else self.end + 1]


class Mean(_Stretch):
    """The mean over the ticks at which the column is defined."""

    take: Literal["mean"] = "mean"

    def _told(self, made: str) -> str:
        return f"mean of {made} over {self._when}, where it is defined"

    def _of(self, values: NDArray[np.float64]) -> float:
        stretch = self._stretch(values)
        defined = stretch[~np.isnan(stretch)]
        return float(defined.mean()) if len(defined) else np.nan


class Area(_Stretch):
    """The area under the column, by trapezoids, in its unit times ticks."""

    take: Literal["area"] = "area"

    def _told(self, made: str) -> str:
        return f"area under {made} over {self._when}"

    def _of(self, values: NDArray[np.float64]) -> float:
        return float(np.trapezoid(self._stretch(values)))


class Change(_Stretch):
    """The value at the last tick that counts less that at the first."""

    take: Literal["change"] = "change"

    def _told(self, made: str) -> str:
        return f"change of {made} over {self._when}"

    def _of(self, values: NDArray[np.float64]) -> float:
        stretch = self._stretch(values)
        return float(stretch[-1] - stretch[0])


class Condition(Parameters):
    """What must hold for a tick to count: that a column is at or above a value."""

    column: str = parameter(..., "A column of ticks.parquet", unit="-", pattern=_COLUMN)
    at_least: float = parameter(..., "Its least value", unit="as the column")


class _Passage(_Stretch):
    """When the column gets past a threshold, to stay there for ``hold`` ticks in a row.

    A quality measured on the few test records of few people is past any threshold now and then by luck:
    ``given`` can say from how many people on it counts.
    """

    threshold: float = parameter(..., "The value to reach", unit="as the column")
    hold: int = parameter(
        1, "Ticks in a row that it must be past it; more than 1 for what is noisy", unit="ticks", ge=1
    )
    given: list[Condition] = parameter(
        [], "What must hold besides, at the same ticks", unit="-", max_length=10
    )

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.end is not None and self.start + self.hold - 1 > self.end:
            raise ValueError(
                f"hold is {self.hold}: there are not as many ticks from {self.start} to {self.end}"
            )
        return self

    @property
    def last_tick(self) -> int:
        """The last tick that is needed."""
        return max(super().last_tick, self.start + self.hold - 1)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is taken from, and those of the conditions."""
        return tuple(dict.fromkeys([*super().columns, *(condition.column for condition in self.given)]))

    @property
    def _where(self) -> str:
        held = f" for {self.hold} ticks in a row" if self.hold > 1 else ""
        conditions = [f"{condition.column} is at least {condition.at_least:g}" for condition in self.given]
        given = f" while {' and '.join(conditions)}" if conditions else ""
        return f"at or above {self.threshold:g}{held}{given}"

    def _considered(self, values: NDArray[np.float64], ticks: Ticks) -> NDArray[np.float64]:
        for condition in self.given:
            holds = np.asarray(ticks[condition.column], np.float64) >= condition.at_least
            values = np.where(holds, values, np.nan)
        return values

    def _passed(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return values >= self.threshold

    def _waited(self, values: NDArray[np.float64]) -> tuple[int, bool]:
        """Return the ticks until the passage, and whether it was seen; if not, all that were watched."""
        passed = self._passed(self._stretch(values))
        windows = np.lib.stride_tricks.sliding_window_view(passed, self.hold)
        held: NDArray[np.bool_] = np.asarray(windows.all(axis=1))
        return (int(held.argmax()), True) if held.any() else (len(held), False)

    def _of(self, values: NDArray[np.float64]) -> float:
        waited, seen = self._waited(values)
        return float(waited + self.start) if seen else np.nan


class FirstAbove(_Passage):
    """The first tick at which the column is at or above a threshold; NaN if it never is."""

    take: Literal["first_above"] = "first_above"

    def _told(self, made: str) -> str:
        return f"first tick, in {self._when}, at which {made} is {self._where}; undefined if it never is"


class FirstBelow(_Passage):
    """The first tick at which the column is at or below a threshold; NaN if it never is."""

    take: Literal["first_below"] = "first_below"

    @property
    def _where(self) -> str:
        return super()._where.replace("above", "below")

    def _told(self, made: str) -> str:
        return f"first tick, in {self._when}, at which {made} is {self._where}; undefined if it never is"

    def _passed(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return values <= self.threshold


class TicksUntil(_Passage):
    """Ticks from ``start`` until the column is at or above a threshold; if it never is, all there are.

    What was not seen within the run is censored there, at the same tick in all arms. The mean of such times
    is the restricted mean (Royston and Parmar 2013), which counts every run: the mean of the times that were
    seen would leave out just those runs in which it takes longest.
    """

    take: Literal["ticks_until"] = "ticks_until"

    def longest(self, ticks: int) -> float:
        """Return for how many ticks it is watched in a run of so many."""
        last = ticks if self.end is None else self.end
        return float(last - self.start - self.hold + 2)

    def _told(self, made: str) -> str:
        return (
            f"ticks from tick {self.start} until {made} is {self._where}; where it never is, all that were "
            "watched (restricted mean, Royston and Parmar 2013)"
        )

    def _of(self, values: NDArray[np.float64]) -> float:
        return float(self._waited(values)[0])


class Reached(_Passage):
    """1 if the column is ever at or above a threshold, 0 if not."""

    take: Literal["reached"] = "reached"

    def _told(self, made: str) -> str:
        return f"share of runs in which {made} is {self._where} at some time in {self._when}"

    def _of(self, values: NDArray[np.float64]) -> float:
        return float(self._waited(values)[1])


def _written_out(given: object) -> object:
    """Take a column's name alone for its final value."""
    return {"take": "final", "column": given} if isinstance(given, str) else tagged(given, "take", "final")


Outputs = Annotated[
    Annotated[
        Final | AtTick | Mean | Area | Change | FirstAbove | FirstBelow | TicksUntil | Reached,
        Field(discriminator="take"),
    ],
    BeforeValidator(_written_out),
]


def of_run(outputs: Iterable[Output], ticks: Ticks) -> dict[str, float]:
    """Return all outputs of a run by name."""
    return {output.label: output.of(ticks) for output in outputs}


def columns_of(outputs: Iterable[Output]) -> set[str]:
    """Return the columns that outputs are taken from."""
    return {column for output in outputs for column in output.columns}
