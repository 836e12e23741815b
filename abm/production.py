"""Production functions: how much of a collective good comes of a share of the data.

P(R) is in units of data leverage power, 0 where nobody takes part; R is a share of all data. A template is a
shape from the theory of collective action (Oliver, Marwell, Teixeira 1985). A measured one follows from the
learning curve g of the use case: contributing climbs its beginning, striking descends from its end. A further
template is one parameter class here, listed in :data:`ProductionParameters`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator, Field, model_validator
from scipy.interpolate import PchipInterpolator

from learners.parameters import Parameters, parameter, tagged

Production: TypeAlias = Callable[[ArrayLike], NDArray[np.float64]]
"""P: shares of the data in [0, 1] to the share of the full effect."""

_THEORY = "Oliver, Marwell, Teixeira 1985"


@dataclass(frozen=True)
class MeasuredCurves:
    """What a run knows of its learning curve.

    Attributes
    ----------
    points
        Perspective to shares of the data, ascending to 1, and normalised quality measured there; raises an
        InputError where that was not measured.
    start
        Share of the data that Small Co. starts with.
    """

    points: Callable[[str], tuple[NDArray[np.float64], NDArray[np.float64]]]
    start: float


class Linear(Parameters):
    """P = R: every share adds as much."""

    kind: Literal["linear"] = "linear"

    def function(self, curves: MeasuredCurves | None = None) -> Production:
        """Return P."""
        return lambda x: np.asarray(x, float)


class Decelerating(Parameters):
    """The first shares add most: P = R^a with a < 1, or 1 - (1 - R)^k with k > 1."""

    kind: Literal["decelerating"] = "decelerating"
    form: Literal["power", "complement"] = parameter(
        "power", "power: R^exponent; complement: 1 - (1 - R)^exponent", unit="-", source=_THEORY
    )
    exponent: float = parameter(
        0.5, "Below 1 in form power, above 1 in form complement", unit="-", gt=0, le=100
    )

    @model_validator(mode="after")
    def _decelerates(self) -> Self:
        if not (self.exponent < 1 if self.form == "power" else self.exponent > 1):
            allowed = "below 1 in form 'power'" if self.form == "power" else "above 1 in form 'complement'"
            raise ValueError(f"exponent: must be {allowed}")
        return self

    def function(self, curves: MeasuredCurves | None = None) -> Production:
        """Return P."""
        a = self.exponent
        if self.form == "power":
            return lambda x: np.asarray(x, float) ** a
        return lambda x: 1 - (1 - np.asarray(x, float)) ** a


class Accelerating(Parameters):
    """The last shares add most: P = R^a, a > 1."""

    kind: Literal["accelerating"] = "accelerating"
    exponent: float = parameter(2.0, "Power of the share", unit="-", source=_THEORY, gt=1, le=100)

    def function(self, curves: MeasuredCurves | None = None) -> Production:
        """Return P."""
        return lambda x: np.asarray(x, float) ** self.exponent


class ThirdOrder(Parameters):
    """First accelerating, then decelerating: 3 R^2 - 2 R^3, or a Hill curve that ends at 1."""

    kind: Literal["third_order"] = "third_order"
    form: Literal["cubic", "hill"] = parameter(
        "cubic", "cubic: 3 R^2 - 2 R^3; hill: R^h (1 + K^h) / (R^h + K^h)", unit="-", source=_THEORY
    )
    steepness: float = parameter(4.0, "Steepness h of form hill", unit="-", gt=1, le=100)
    middle: float = parameter(0.3, "Scale K of form hill", unit="share of data", gt=0, le=1)

    def function(self, curves: MeasuredCurves | None = None) -> Production:
        """Return P."""
        h, scale = self.steepness, self.middle**self.steepness

        def cubic(x: ArrayLike) -> NDArray[np.float64]:
            share = np.asarray(x, float)
            return share * share * (3 - 2 * share)

        def hill(x: ArrayLike) -> NDArray[np.float64]:
            power = np.asarray(x, float) ** h
            return power * (1 + scale) / (power + scale)

        return cubic if self.form == "cubic" else hill


class Step(Parameters):
    """All or nothing: P = 1 from a share on."""

    kind: Literal["step"] = "step"
    at: float = parameter(0.5, "Share that brings the full effect", unit="share of data", gt=0, le=1)

    def function(self, curves: MeasuredCurves | None = None) -> Production:
        """Return P."""
        return lambda x: (np.asarray(x, float) >= self.at - 1e-12).astype(np.float64)


class Measured(Parameters):
    """What a lever brings on the learning curve of the use case, from a perspective that must be named.

    Whether contributing decelerates and striking accelerates can depend on the perspective.
    """

    kind: Literal["measured"] = "measured"
    lever: Literal["contribute", "strike", "cdc_delete"] = parameter(
        ...,
        "contribute: g(s + (1 - s) p) - g(s), s the start of Small Co.; strike: 1 - g(1 - p); "
        "cdc_delete: the ratio of Small to Large Co.'s quality",
        unit="-",
        source="Vincent, Hecht 2021",
    )
    perspective: Literal["served", "company", "holdout"] = parameter(
        ..., "Test records on which the curve was measured", unit="-", source="Vincent, Hecht 2021"
    )

    def function(self, curves: MeasuredCurves | None = None) -> Production:
        """Return P of the run's own curve."""
        assert curves is not None
        g, start = between_points(*curves.points(self.perspective)), curves.start
        return measured_production(g, self.lever, start)


ProductionParameters: TypeAlias = Annotated[
    Linear | Decelerating | Accelerating | ThirdOrder | Step | Measured,
    Field(discriminator="kind"),
    BeforeValidator(partial(tagged, tag="kind", default="linear")),
]
"""Any production function, told apart by ``kind``."""


def between_points(shares: ArrayLike, values: ArrayLike) -> Production:
    """Return the learning curve through measured points and (0, 0), monotone wherever they are.

    It is a cubic in the share (Fritsch, Carlson 1980). One in the logarithm of the share, as qualities are
    read, is flat below the smallest share measured: nobody's own record would ever add anything.

    Parameters
    ----------
    shares, values
        float64[n], ascending in (0, 1]; normalised quality.
    """
    curve = PchipInterpolator(
        np.concatenate([[0.0], np.asarray(shares, float)]), np.concatenate([[0.0], np.asarray(values, float)])
    )
    return lambda x: np.asarray(curve(np.clip(np.asarray(x, float), 0, 1)), float)


def measured_production(
    g: Production, lever: Literal["contribute", "strike", "cdc_delete"], start: float = 0.0
) -> Production:
    """Return the production function of a lever on a learning curve g.

    Parameters
    ----------
    g
        Shares to normalised quality, 0 at 0 and 1 at 1.
    lever
        As in :class:`Measured`. ``cdc_delete`` is NaN where Large Co.'s quality is not above the baseline.
    start
        Share of the data that Small Co. starts with.
    """

    def contribute(x: ArrayLike) -> NDArray[np.float64]:
        return g(start + (1 - start) * np.asarray(x, float)) - g(start)

    def strike(x: ArrayLike) -> NDArray[np.float64]:
        return 1 - g(1 - np.asarray(x, float))

    def cdc_delete(x: ArrayLike) -> NDArray[np.float64]:
        share = np.asarray(x, float)
        left = g(1 - share)
        reached = g(start + (1 - start) * share)
        return np.divide(reached, left, out=np.full(share.shape, np.nan), where=left > 0) - g(start)

    return {"contribute": contribute, "strike": strike, "cdc_delete": cdc_delete}[lever]
