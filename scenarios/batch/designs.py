"""Which points of a parameter space a study visits: dotted keys of the scenario and their values.

A further design is one class here, listed in :data:`Design`.

Core Objects: Design, Point.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from abm.streams import Streams
from learners.parameters import Parameters, parameter

Point = Mapping[str, Any]
"""Dotted keys and values."""

MAX_POINTS = 1_000_000


class Range(Parameters):
    """Numbers from ``low`` to ``high``."""

    low: float = parameter(..., "Lowest value", unit="as the parameter")
    high: float = parameter(..., "Highest value", unit="as the parameter")
    log: bool = parameter(False, "Whether the logarithm is spread evenly", unit="-")
    integer: bool = parameter(False, "Whether only whole numbers are taken", unit="-")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low is {self.low:g}, not below high, {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"low is {self.low:g}; with log it must be above 0")
        if self.integer and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"low and high are {self.low:g} and {self.high:g}; with integer, both are whole")
        return self

    def at(self, share: float) -> float | int:
        """Return the value below which lies this share of the range, 0 <= share < 1."""
        low, high = (self.low, self.high + 1) if self.integer else (self.low, self.high)
        value = (
            math.exp(math.log(low) + share * math.log(high / low)) if self.log else low + share * (high - low)
        )
        return min(math.floor(value), int(self.high)) if self.integer else value


Values = Annotated[list[Any], Field(min_length=1)]


class Grid(Parameters):
    """Every combination of the listed values; the last key varies fastest."""

    design: Literal["grid"] = "grid"
    axes: dict[str, Values] = parameter(..., "Keys of the scenario and their values", unit="-", min_length=1)

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        if (number := math.prod(map(len, self.axes.values()))) > MAX_POINTS:
            raise ValueError(f"axes have {number} combinations, more than {MAX_POINTS}")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Dotted keys of the scenario that vary."""
        return tuple(self.axes)

    def place(self, point: int, key: str) -> tuple[str | int, ...]:
        """Return where in the design the values of a key are written."""
        return ("axes", key)

    def values(self, key: str) -> list[Any]:
        """Return the values that a key is swept over."""
        return self.axes[key]

    def points(self, seed: int) -> list[Point]:
        """Return the points."""
        return [
            dict(zip(self.axes, values, strict=True)) for values in itertools.product(*self.axes.values())
        ]


class Listed(Parameters):
    """Points that are written down one by one, all with the same keys."""

    design: Literal["points"] = "points"
    points_: list[dict[str, Any]] = Field(
        ...,
        alias="points",
        description="Keys of the scenario and their values, point by point",
        json_schema_extra={"unit": "-", "source": "ours"},
        min_length=1,
        max_length=MAX_POINTS,
    )
    labels: list[str] | None = parameter(
        None, "What each point is called in figures; its values by default", unit="-"
    )

    @model_validator(mode="after")
    def _a_label_each(self) -> Self:
        if self.labels is not None and len(self.labels) != len(self.points_):
            raise ValueError(f"labels: {len(self.labels)} are given for {len(self.points_)} points")
        return self

    @model_validator(mode="after")
    def _same_keys(self) -> Self:
        first = self.points_[0].keys()
        for number, point in enumerate(self.points_):
            if point.keys() != first or not point:
                raise ValueError(
                    f"points.{number} has not the keys of the first: {', '.join(first) or 'none'}"
                )
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Dotted keys of the scenario that vary."""
        return tuple(self.points_[0])

    def place(self, point: int, key: str) -> tuple[str | int, ...]:
        """Return where in the design the value of a key is written."""
        return ("points", point, key)

    def values(self, key: str) -> list[Any]:
        """Return the values that a key is swept over."""
        return [point[key] for point in self.points_]

    def points(self, seed: int) -> list[Point]:
        """Return the points."""
        return list(self.points_)


class Sampled(Parameters):
    """A sample of a box; a list of values is an axis on which each is as likely."""

    axes: dict[str, Values | Range] = parameter(
        ...,
        "Keys of the scenario, each with a range or a list of values",
        unit="-",
        min_length=1,
        max_length=1000,
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """Dotted keys of the scenario that vary."""
        return tuple(self.axes)

    def place(self, point: int, key: str) -> tuple[str | int, ...]:
        """Return where in the design the range of a key is written."""
        return ("axes", key)

    def values(self, key: str) -> list[Any]:
        """Return nothing: a sample is no sweep."""
        return []

    def _placed(self, shares: NDArray[np.float64]) -> list[Point]:
        """Turn shares[n, axes] of the ranges into points."""
        return [
            {
                key: axis.at(share) if isinstance(axis, Range) else axis[int(share * len(axis))]
                for (key, axis), share in zip(self.axes.items(), row, strict=True)
            }
            for row in np.minimum(shares, np.nextafter(1, 0)).tolist()
        ]


class LatinHypercube(Sampled):
    """A Latin hypercube: n points, one in each n-th of every axis (McKay, Beckman and Conover 1979)."""

    design: Literal["latin_hypercube"] = "latin_hypercube"
    n: int = parameter(..., "Number of points", unit="points", ge=1, le=MAX_POINTS)

    def points(self, seed: int) -> list[Point]:
        """Return the points; those of one axis do not depend on which others there are."""
        streams = Streams(seed)
        columns = []
        for key in self.axes:
            rng = streams.generator(f"latin hypercube/{key}")
            columns.append((rng.permutation(self.n) + rng.random(self.n)) / self.n)
        return self._placed(np.column_stack(columns))


class Sobol(Sampled):
    """Saltelli's design on a Sobol sequence, for first- and total-order indices (Saltelli et al. 2010)."""

    design: Literal["sobol"] = "sobol"
    n: int = parameter(..., "Base samples, a power of two", unit="points", ge=2, le=2**16)
    second_order: bool = parameter(False, "Whether pairs of parameters are separated, too", unit="-")

    @model_validator(mode="after")
    def _power_of_two(self) -> Self:
        if self.n & (self.n - 1):
            raise ValueError(f"n is {self.n}, which is no power of two; take {2 ** self.n.bit_length()}")
        per_sample = (2 if self.second_order else 1) * len(self.axes) + 2
        if self.n * per_sample > MAX_POINTS:
            raise ValueError(
                f"n is {self.n}, which makes {self.n * per_sample} points, more than {MAX_POINTS}"
            )
        return self

    @property
    def problem(self) -> dict[str, Any]:
        """The problem as SALib has it: shares of the axes."""
        return {"num_vars": len(self.axes), "names": list(self.axes), "bounds": [[0.0, 1.0]] * len(self.axes)}

    def points(self, seed: int) -> list[Point]:
        """Return the n (k + 2) points, n (2 k + 2) with second order, in SALib's order."""
        from SALib.sample import sobol

        return self._placed(
            sobol.sample(self.problem, self.n, calc_second_order=self.second_order, seed=seed % 2**32)
        )


Design = Annotated[Grid | Listed | LatinHypercube | Sobol, Field(discriminator="design")]
