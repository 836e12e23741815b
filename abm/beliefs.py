"""What users believe an action achieves, apart from what is true.

A belief is a production function b(x): the share of the full effect that follows when a share x of the data
takes part. It is a Hill curve with two parameters, b(x) = x^h (1 + K^h) / (x^h + K^h), so b(0) = 0 and
b(1) = 1. Every prior family holds one curve for each of three levers and learns from public observations;
the family ``true`` knows the measured curve instead.
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

_PRIORS = {"linear": (100.0, 1.0), "pessimist": (10.0, 4.0), "true": (100.0, 1.0)}
"""(K, h): a straight line; the fourth power, next to nothing until most take part. ``true`` uses its
prior only for leaving: revenue lost is the share that leaves."""

_LOG_BOUNDS = np.log([[0.005, 100.0], [0.25, 6.0]])
_DAMPING = 0.02


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
            raise ValueError(f"linear + pessimist + true must be 1, not {total:g}")
        return self


class Beliefs:
    """The belief curves of all families."""

    def __init__(
        self, parameters: BeliefParameters, true_curve: Callable[[ArrayLike], NDArray[np.float64]] | None
    ) -> None:
        self.parameters = parameters
        self.log_parameters = np.log([[_PRIORS[family]] * len(LEVERS) for family in FAMILIES])
        self._true_curve = true_curve

    def effect(self, lever: str, x: float) -> NDArray[np.float64]:
        """Return each family's believed effect of a lever at a data share x, float64[families]."""
        log_k, log_h = self.log_parameters[:, LEVERS.index(lever)].T
        believed = hill(x, np.exp(log_k), np.exp(log_h))
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

        Nothing is learned while nobody acts (x = 0) or from an undefined effect.
        """
        if x <= 0 or not np.isfinite(effect) or self.parameters.learning_rate == 0:
            return
        row = LEVERS.index(lever)
        for family in (FAMILIES.index("linear"), FAMILIES.index("pessimist")):
            theta = self.log_parameters[family, row]
            k, h = np.exp(theta)
            believed = float(hill(x, k, h))
            step = 1e-4
            gradient = (
                np.array(
                    [
                        hill(x, k * np.exp(step), h) - believed,
                        hill(x, k, h * np.exp(step)) - believed,
                    ]
                )
                / step
            )
            change = gradient * (effect - believed) / (gradient @ gradient + _DAMPING)
            theta += self.parameters.learning_rate * np.clip(change, -1, 1)
            theta[:] = np.clip(theta, _LOG_BOUNDS[:, 0], _LOG_BOUNDS[:, 1])


def hill(x: ArrayLike, k: ArrayLike, h: ArrayLike) -> NDArray[np.float64]:
    """Return x^h (1 + K^h) / (x^h + K^h), for x in [0, 1]."""
    x, k, h = np.asarray(x, float), np.asarray(k, float), np.asarray(h, float)
    return x**h * (1 + k**h) / (x**h + k**h)
