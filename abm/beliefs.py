"""What users believe an action achieves, apart from what is true.

A belief is a production function b(x): the share of the full effect that follows when a share x of the data
takes part. It is a Hill curve, b(x) = x^h (1 + K^h) / (x^h + K^h), so b(0) = 0 and b(1) = 1, written with its
steepness h and its head start s = log(1 + K^-h): the log-odds of b(x) are then s + h log x - log(1 - x^h).
Every prior family holds one curve for each of three levers and learns from public observations; the family
``true`` knows the measured curve instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from learners.parameters import Parameters, parameter

LEVERS = ("contribute", "remove", "leave")
"""Contributing to Small Co.; withholding, deleting or poisoning at Large Co.; leaving Large Co."""

FAMILIES = ("linear", "pessimist", "true")

_PRIORS = {"linear": (1.0, 0.0), "pessimist": (4.0, 0.0), "true": (1.0, 0.0)}
"""(h, s): a straight line; the fourth power, next to nothing until most take part. ``true`` uses its prior
only for leaving: revenue lost is the share that leaves."""

_LEAST, _MOST = np.array([np.log(0.2), 0.0]), np.array([np.log(8.0), 12.0])
"""Bounds of (log h, s)."""

_DAMPING = 0.5
_CERTAINTY = 0.01
"""Observations count as no closer to 0 or 1 than this: log-odds would run away, and DLP can leave [0, 1]."""


class BeliefParameters(Parameters):
    """Shares of the prior families, and how fast beliefs follow what is published."""

    linear: float = parameter(
        0.6, "Share of users who expect effects in proportion", unit="share", ge=0, le=1
    )
    pessimist: float = parameter(
        0.3, "Share who expect next to nothing until most take part", unit="share", ge=0, le=1
    )
    true: float = parameter(0.1, "Share who know the measured curve", unit="share", ge=0, le=1)
    learning_rate: float = parameter(
        0.2, "Length of the step from belief to observation, each tick", unit="per tick", ge=0, le=1
    )

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.linear + self.pessimist + self.true
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares linear, pessimist and true add up to {total:g}, not to 1")
        return self


class Beliefs:
    """The belief curves of all families."""

    def __init__(
        self, parameters: BeliefParameters, true_curve: Callable[[ArrayLike], NDArray[np.float64]] | None
    ) -> None:
        self.parameters = parameters
        priors = [[np.log(h), s] for h, s in (_PRIORS[family] for family in FAMILIES)]
        self.curves = np.repeat(np.array(priors)[:, None, :], len(LEVERS), axis=1)
        """float64[families, levers, 2]: (log h, s)."""
        self._true_curve = true_curve

    def effect(self, lever: str, x: float) -> NDArray[np.float64]:
        """Return each family's believed effect of a lever at a data share x, float64[families]."""
        log_h, s = self.curves[:, LEVERS.index(lever)].T
        believed = hill(x, np.exp(log_h), s)
        if self._true_curve is not None and lever != "leave":
            g = self._true_curve
            believed[FAMILIES.index("true")] = g(x) if lever == "contribute" else 1 - g(1 - x)
        return believed

    def marginal(
        self, lever: str, x: float, horizon: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the believed effect of ``horizon`` more joining and of as many incumbents staying in.

        Both float64[families]: b(x + horizon) - b(x), and b(x) - b(x - horizon).
        """
        now = self.effect(lever, x)
        return (
            self.effect(lever, min(x + horizon, 1.0)) - now,
            now - self.effect(lever, max(x - horizon, 0.0)),
        )

    def observe(self, lever: str, x: float, effect: float) -> None:
        """Move every family but ``true`` one damped least-squares step towards a published observation.

        The step is taken in log-odds, in which a belief of next to nothing can still be moved. Nothing is
        learned while nobody acts (x = 0), when everybody does (x = 1), or from an undefined effect.
        """
        if not 0 < x < 1 or not np.isfinite(effect):
            return
        seen = np.clip(effect, _CERTAINTY, 1 - _CERTAINTY)
        for family in (FAMILIES.index("linear"), FAMILIES.index("pessimist")):
            curve = self.curves[family, LEVERS.index(lever)]
            h, s = np.exp(curve[0]), curve[1]
            rest = -np.expm1(h * np.log(x))  # 1 - x^h
            error = np.log(seen / (1 - seen)) - (s + h * np.log(x) - np.log(rest))
            gradient = np.array([h * np.log(x) / rest, 1.0])
            step = error * gradient / (gradient @ gradient + _DAMPING)
            curve += self.parameters.learning_rate * np.clip(step, -1, 1)
            np.clip(curve, _LEAST, _MOST, out=curve)


def hill(x: ArrayLike, h: ArrayLike, s: ArrayLike) -> NDArray[np.float64]:
    """Return x^h e^s / (1 + x^h (e^s - 1)): a Hill curve of steepness h and head start s, x in [0, 1]."""
    power = np.asarray(x, float) ** np.asarray(h, float)
    return np.asarray(power * np.exp(s) / (1 + power * np.expm1(s)), float)
