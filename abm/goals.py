"""What users want of Large Co.: one goal each, from a menu."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from learners.parameters import Parameters, parameter

GOALS = ("pay", "privacy", "environment", "health", "stop_practice")
"""A share of the money; less surveillance; less use of energy and water; less harm to people's health; an end
to a practice such as a certain use of data. A user's goal is a number in this list."""

_ORDER = "order: Li et al. 2019 (privacy and data business models lead); size: ours"


class GoalParameters(Parameters):
    """Shares of the users who have each goal; a goal does nothing by itself."""

    pay: float = parameter(
        0.2, "Share of users who want to be paid for their data", unit="share", source=_ORDER, ge=0, le=1
    )
    privacy: float = parameter(
        0.4, "Share who want less data gathered on them", unit="share", source=_ORDER, ge=0, le=1
    )
    environment: float = parameter(
        0.1, "Share who want less harm to the environment", unit="share", source=_ORDER, ge=0, le=1
    )
    health: float = parameter(
        0.1, "Share who want less harm to people's health", unit="share", source=_ORDER, ge=0, le=1
    )
    stop_practice: float = parameter(
        0.2, "Share who want one practice stopped", unit="share", source=_ORDER, ge=0, le=1
    )

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = sum(getattr(self, goal) for goal in GOALS)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares of {', '.join(GOALS)} add up to {total:g}, not to 1")
        return self

    def draw(self, n_users: int, rng: np.random.Generator) -> NDArray[np.int8]:
        """Return a goal for each user, int8[n_users], numbers in :data:`GOALS`."""
        bounds = np.cumsum([getattr(self, goal) for goal in GOALS])[:-1]
        return np.searchsorted(bounds, rng.random(n_users), side="right").astype(np.int8)
