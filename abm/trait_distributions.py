"""Distributions of a trait over people, drawn by their quantile functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from learners.parameters import constant

SETTINGS = {
    "constant": ("value",),
    "uniform": ("low", "high"),
    "normal": ("mean", "sd"),
    "lognormal": ("median", "sigma"),
    "beta": ("mean", "concentration"),
    "quantiles": (),
}
"""Distribution to its settings; ``quantiles`` takes probabilities and the values there instead."""

MOST_OUTSIDE = constant(
    "survey.most_outside", 0.05, "Most of a normal or lognormal that may be cut off", unit="share"
)
"""A normal or lognormal is cut off at the ends of what is allowed. With more of it outside than this, the
traits would not have the mean and the spread asked for, and it is refused."""


@dataclass(frozen=True)
class TraitDistribution:
    """One distribution.

    Attributes
    ----------
    kind
        A key of :data:`SETTINGS`.
    settings
        Name to value; for ``quantiles``, probability to value, from 0 to 1.
    low, high
        Least and greatest value allowed.

    Raises
    ------
    ValueError
        With what is wrong with the settings.
    """

    kind: str
    settings: dict[str, float]
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.kind == "quantiles":
            self._check_quantiles()
            return
        wanted = SETTINGS[self.kind]
        if set(self.settings) != set(wanted):
            shown = " ".join(f"{name}=..." for name in wanted)
            raise ValueError(f"{self.kind} takes {shown}")
        for name in ("sd", "sigma", "concentration"):
            if self.settings.get(name, 1.0) <= 0:
                raise ValueError(f"{name} must be more than 0 (got {self.settings[name]:g})")
        for name in ("value", "low", "high", "median", "mean"):
            self._check_inside(name)
        s = self.settings
        if self.kind == "uniform" and s["low"] > s["high"]:
            raise ValueError(f"low, {s['low']:g}, is more than high, {s['high']:g}")
        if self.kind == "beta" and not 0 < s["mean"] < 1:
            raise ValueError(f"the mean of a beta variable is between 0 and 1 (got {s['mean']:g})")
        if self.kind == "lognormal" and s["median"] <= 0:
            raise ValueError(f"median must be more than 0 (got {s['median']:g})")
        if self.kind in ("normal", "lognormal"):
            _, inside = self._cut()
            if 1 - inside > MOST_OUTSIDE:
                raise ValueError(
                    f"{1 - inside:.0%} of it is outside {self.low:g} to {self.high:g}; "
                    f"at most {MOST_OUTSIDE:.0%} may be cut off"
                )

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values below which shares ``u`` of the people are, float64 of the shape of ``u``."""
        s = self.settings
        match self.kind:
            case "constant":
                return np.full_like(u, s["value"])
            case "uniform":
                return s["low"] + u * (s["high"] - s["low"])
            case "beta":
                a, b = s["concentration"] * s["mean"], s["concentration"] * (1 - s["mean"])
                return np.asarray(betaincinv(a, b, u))
            case "quantiles":
                return np.interp(u, list(map(float, s)), list(s.values()))
        below, inside = self._cut()
        z = ndtri(below + u * inside)
        values = s["mean"] + s["sd"] * z if self.kind == "normal" else s["median"] * np.exp(s["sigma"] * z)
        return np.clip(values, self.low, self.high)  # of rounding at the ends

    def _cut(self) -> tuple[float, float]:
        """Return the shares of a normal or lognormal below and inside what is allowed."""
        s = self.settings
        ends = np.array([self.low, self.high])
        if self.kind == "normal":
            z = (ends - s["mean"]) / s["sd"]
        else:
            with np.errstate(divide="ignore"):
                z = np.log(np.maximum(ends, 0) / s["median"]) / s["sigma"]
        below, up_to = ndtr(z).tolist()
        return below, up_to - below

    def _check_inside(self, name: str) -> None:
        value = self.settings.get(name)
        if value is not None and not self.low <= value <= self.high:
            raise ValueError(f"{name} must be from {self.low:g} to {self.high:g} (got {value:g})")

    def _check_quantiles(self) -> None:
        try:
            probabilities = [float(name) for name in self.settings]
        except ValueError:
            probabilities = []
        values = list(self.settings.values())
        if probabilities[:1] != [0] or probabilities[-1:] != [1] or _falls(probabilities, strictly=True):
            raise ValueError("quantiles takes probability=value pairs, ascending from 0=... to 1=...")
        if _falls(values, strictly=False):
            raise ValueError("the values of quantiles must not fall")
        for name in self.settings:
            self._check_inside(name)


def _falls(numbers: list[float], *, strictly: bool) -> bool:
    """Return whether a number is below the one before it or, ``strictly``, not above it."""
    steps = np.diff(numbers)
    return bool((steps <= 0).any() if strictly else (steps < 0).any())
