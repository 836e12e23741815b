"""What users believe an action achieves, apart from what is true.

A belief is a production function b(x): the share of the full effect that follows when a share x of the data
takes part. It is a Hill curve, b(x) = x^h (1 + K^h) / (x^h + K^h), so b(0) = 0 and b(1) = 1, written with its
steepness h and its head start s = log(1 + K^-h): the log-odds of b(x) are then s + h log x - log(1 - x^h).
Every prior family holds one curve for each of three levers and learns from public observations; the family
``true`` knows the measured curve instead, and the family ``biased`` the measured curve bent, P(x)^kappa.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from learners.parameters import Parameters, constant, parameter

LEVERS = ("contribute", "remove", "leave")
"""Contributing to Small Co.; withholding, deleting or poisoning at Large Co.; leaving Large Co."""

FAMILIES = ("linear", "pessimist", "true", "biased")

_PRIORS = constant(
    "beliefs.priors",
    {"linear": (1.0, 0.0), "pessimist": (4.0, 0.0), "true": (1.0, 0.0), "biased": (1.0, 0.0)},
    "Steepness h and head start s of each family's belief before anything is published",
    unit="-",
)
"""(h, s): a straight line; the fourth power, next to nothing until most take part. ``true`` and ``biased``
use theirs only for leaving: revenue lost is the share that leaves."""

_STEEPNESS = constant(
    "beliefs.steepness", (0.2, 8.0), "Least and greatest steepness h that can be learnt", unit="-"
)
_HEAD_START = constant(
    "beliefs.head_start", (0.0, 12.0), "Least and greatest head start s that can be learnt", unit="log-odds"
)
_LEAST, _MOST = (np.array([np.log(h), s]) for h, s in zip(_STEEPNESS, _HEAD_START, strict=True))
"""Bounds of (log h, s)."""

_DAMPING = constant("beliefs.damping", 0.5, "Damping of the step from belief to observation", unit="-")
_LONGEST_STEP = constant(
    "beliefs.longest_step", 1.0, "Longest step of log h and of s, before the learning rate", unit="log-odds"
)
_CERTAINTY = constant(
    "beliefs.certainty", 0.01, "Observations count as no closer to 0 or 1 than this", unit="share of effect"
)
"""Log-odds would run away otherwise, and DLP can leave [0, 1]."""


class BeliefParameters(Parameters):
    """Shares of the prior families, and how fast beliefs follow what is published."""

    linear: float = parameter(
        0.6, "Share of users who expect effects in proportion", unit="share", ge=0, le=1
    )
    pessimist: float = parameter(
        0.3, "Share who expect next to nothing until most take part", unit="share", ge=0, le=1
    )
    true: float = parameter(0.1, "Share who know the measured curve", unit="share", ge=0, le=1)
    biased: float = parameter(
        0.0, "Share who know the measured curve bent by an exponent, kappa", unit="share", ge=0, le=1
    )
    kappa: float = parameter(
        2.0,
        "Exponent of the biased: above 1 they think less of every effect than is true, below 1 more",
        unit="-",
        gt=0,
        le=20,
    )
    learning_rate: float = parameter(
        0.2, "Length of the step from belief to observation, each tick", unit="per tick", ge=0, le=1
    )

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.linear + self.pessimist + self.true + self.biased
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares linear, pessimist, true and biased add up to {total:g}, not to 1")
        return self

    @property
    def need_curve(self) -> bool:
        """Whether anybody knows the measured curve, straight or bent."""
        return self.true > 0 or self.biased > 0


class Beliefs:
    """The belief curves of all families.

    Parameters
    ----------
    parameters
        Shares and learning rate.
    true_curve
        g(x), normalised quality on a random share x of the data. Asked for only where somebody knows it,
        since measuring it can take many retrainings.
    """

    def __init__(
        self, parameters: BeliefParameters, true_curve: Callable[[ArrayLike], NDArray[np.float64]]
    ) -> None:
        self.parameters = parameters
        priors = [[np.log(h), s] for h, s in (_PRIORS[family] for family in FAMILIES)]
        self.curves = np.repeat(np.array(priors)[:, None, :], len(LEVERS), axis=1)
        """float64[families, levers, 2]: (log h, s)."""
        self._true_curve = true_curve

    def truth(self, lever: str, x: ArrayLike) -> NDArray[np.float64]:
        """Return the true production function P_a at data shares x, float64 of the shape of x.

        What Small Co. gains is g(x), what Large Co. loses 1 - g(1 - x) of its quality, and the share x of its
        revenue where people leave.
        """
        share = np.asarray(x, float)
        if lever == "leave":
            return share
        g = self._true_curve
        return np.asarray(g(share) if lever == "contribute" else 1 - g(1 - share), float)

    def effect(self, lever: str, x: float) -> NDArray[np.float64]:
        """Return each family's believed effect of a lever at a data share x, float64[families]."""
        log_h, s = self.curves[:, LEVERS.index(lever)].T
        believed = hill(x, np.exp(log_h), s)
        if self.parameters.need_curve and lever != "leave":
            effect = float(self.truth(lever, x))
            believed[FAMILIES.index("true")] = effect
            believed[FAMILIES.index("biased")] = max(effect, 0.0) ** self.parameters.kappa
        return believed

    def marginal(
        self, lever: str, x: float, horizon: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the believed effect of ``horizon`` more joining and of as many incumbents staying in.

        Both float64[families]: b(x + horizon) - b(x), and b(x) - b(x - horizon).
        """
        return _differences(partial(self.effect, lever), x, horizon)

    def true_marginal(self, lever: str, x: float, horizon: float) -> tuple[float, float]:
        """Return the true effect of ``horizon`` more joining and of as many incumbents staying in."""
        joining, staying = _differences(partial(self.truth, lever), x, horizon)
        return float(joining), float(staying)

    def error(
        self,
        lever: str,
        x: float,
        family: NDArray[np.int8],
        trust: float | NDArray[np.float64] = 0.0,
        forecast_error: float = 0.0,
    ) -> float:
        """Return the belief error at a data share, the mean over users of |b_i(x) - P(x)|.

        Asks for the true curve.

        Parameters
        ----------
        family
            int8[N]: the users' families.
        trust
            Weight of a forecast beside own belief, one for all users or float64[N].
        forecast_error
            By how much the forecast misses P(x).
        """
        alone = (self.effect(lever, x) - self.truth(lever, x))[family]
        return float(np.abs(alone + trust * (forecast_error - alone)).mean())

    def observe(self, lever: str, x: float, effect: float) -> None:
        """Move who does not know the curve one damped least-squares step towards a published observation.

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
            curve += self.parameters.learning_rate * np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
            np.clip(curve, _LEAST, _MOST, out=curve)


def hill(x: ArrayLike, h: ArrayLike, s: ArrayLike) -> NDArray[np.float64]:
    """Return x^h e^s / (1 + x^h (e^s - 1)): a Hill curve of steepness h and head start s, x in [0, 1]."""
    power = np.asarray(x, float) ** np.asarray(h, float)
    return np.asarray(power * np.exp(s) / (1 + power * np.expm1(s)), float)


def _differences(
    effect: Callable[[float], NDArray[np.float64]], x: float, horizon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    now = effect(x)
    return effect(min(x + horizon, 1.0)) - now, now - effect(max(x - horizon, 0.0))
