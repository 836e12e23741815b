"""Thresholds: how many others, or what share of them, must act before a user does (Granovetter 1978)."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from learners.errors import InputError
from learners.parameters import Parameters, parameter, tagged

_UNIT = "share or number of others"


class NormalThresholds(Parameters):
    """Normal thresholds: who is below 0 acts first, who is beyond everybody never acts."""

    kind: Literal["normal"] = "normal"
    mean: float = parameter(
        0.25, "Mean threshold", unit=_UNIT, source="Granovetter 1978", ge=-1_000_000, le=1_000_000
    )
    sd: float = parameter(0.12, "Standard deviation of thresholds", unit=_UNIT, ge=0, le=1_000_000)

    def draw(self, n_users: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a threshold for each user, float64[n_users]."""
        return rng.normal(self.mean, self.sd, n_users)


class UniformThresholds(Parameters):
    """Uniform thresholds."""

    kind: Literal["uniform"] = "uniform"
    low: float = parameter(0.0, "Lowest threshold", unit=_UNIT, ge=-1_000_000, le=1_000_000)
    high: float = parameter(1.0, "Highest threshold", unit=_UNIT, ge=-1_000_000, le=1_000_000)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high is {self.high:g}, below low, {self.low:g}")
        return self

    def draw(self, n_users: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a threshold for each user, float64[n_users]."""
        return rng.uniform(self.low, self.high, n_users)


class ConstantThreshold(Parameters):
    """One threshold for everybody."""

    kind: Literal["constant"] = "constant"
    value: float = parameter(..., "The threshold", unit=_UNIT, ge=-1_000_000, le=1_000_000)

    def draw(self, n_users: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the threshold of each user, float64[n_users]."""
        return np.full(n_users, self.value)


class ThresholdLadder(Parameters):
    """The numbers 0, 1, ..., N - 1, dealt out by lot: one user for each."""

    kind: Literal["ladder"] = "ladder"

    def draw(self, n_users: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a threshold for each user, float64[n_users]."""
        return rng.permutation(n_users).astype(np.float64)


class GivenThresholds(Parameters):
    """A threshold for each user, in the order of the rows."""

    kind: Literal["values"] = "values"
    values: list[Annotated[float, Field(ge=-1_000_000, le=1_000_000)]] = parameter(
        ..., "Thresholds, one a user", unit=_UNIT, min_length=2
    )

    def draw(self, n_users: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the threshold of each user, float64[n_users].

        Raises
        ------
        InputError
            If there are not as many thresholds as users.
        """
        if len(self.values) != n_users:
            raise InputError(
                f"population.threshold.values: {len(self.values)} thresholds are given for {n_users} users"
            )
        return np.array(self.values)


ThresholdParameters: TypeAlias = Annotated[
    NormalThresholds | UniformThresholds | ConstantThreshold | ThresholdLadder | GivenThresholds,
    Field(discriminator="kind"),
    BeforeValidator(partial(tagged, tag="kind", default="normal")),
]
"""Any distribution of thresholds, told apart by ``kind``."""
