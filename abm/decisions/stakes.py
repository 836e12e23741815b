"""What users own, what its use costs them, and what the good is worth to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abm.production import Production

_ROUNDING = 1e-9
"""Gains that exceed the cost by less, as a share of it, do not exceed it."""


@dataclass(frozen=True, eq=False)
class Stakes:
    """What joining a campaign is about, for each user.

    Attributes
    ----------
    value
        float64[N]: value of the full effect, in utility.
    cost
        float64[N]: cost of joining, in utility.
    resources
        float64[N]: share of the data that is the user's.
    production
        P: what a share of the data brings, as a share of the full effect.
    """

    value: NDArray[np.float64]
    cost: NDArray[np.float64]
    resources: NDArray[np.float64]
    production: Production

    def pays(
        self, rows: NDArray[np.int64], gain: NDArray[np.float64], slack: NDArray[np.float64] | float = 0.0
    ) -> NDArray[np.bool_]:
        """Return for which of some users a gain is worth more than joining costs, bool[n].

        Parameters
        ----------
        rows
            int64[n]: the users.
        gain
            float64[n]: share of the full effect that each would bring.
        slack
            float64[n]: utility by which the gain may fall short.
        """
        return self.value[rows] * gain > self.cost[rows] * (1 + _ROUNDING) - slack

    def keenness(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the value of the full effect by the cost of joining of some users, float64[n]."""
        value, cost = self.value[rows], self.cost[rows]
        return np.divide(value, cost, out=np.where(value > 0, np.inf, 0.0), where=cost > 0)

    def contract(
        self, candidates: NDArray[np.int64], contributed: float, besides: float = 0.0
    ) -> NDArray[np.int64]:
        """Return the largest set of candidates each of whom it pays that all of them join, int64[m].

        That is what is left of the candidates when, as long as somebody would lose, whom it pays least is
        dropped (Oliver, Marwell, Teixeira 1985; Marwell, Oliver, Prahl 1988).

        Parameters
        ----------
        candidates
            int64[n].
        contributed
            Share of the data contributed without the contract.
        besides
            Share of the data that somebody who is no candidate adds if the contract is signed.
        """
        # Everybody gains the same: with a user, the largest set contains all who are as keen.
        keenest = candidates[np.argsort(-self.keenness(candidates), kind="stable")]
        joint = contributed + besides + np.cumsum(self.resources[keenest])
        gain = self.production(np.minimum(joint, 1.0)) - self.production(contributed)
        stable = np.flatnonzero(self.pays(keenest, gain))
        return keenest[: stable[-1] + 1] if stable.size else keenest[:0]
