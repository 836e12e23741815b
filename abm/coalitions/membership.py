"""Who is in which coalition: at most one each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from abm.streams import Streams

NONE = -1
"""Number of the coalition of who is in none."""


class Membership:
    """Who is in which coalition.

    Attributes
    ----------
    coalition
        int8[N]: number of each user's coalition, or :data:`NONE`.
    hoped
        float32[N]: effect, as a share of the full one, that members hoped for when they joined.
    loyalty_lot
        float32[N] in [0, 1): whose lot is below the loyalty a coalition has does as it decides.
    """

    def __init__(self, n_users: int, streams: Streams) -> None:
        self.coalition = np.full(n_users, NONE, np.int8)
        self.hoped = np.zeros(n_users, np.float32)
        self.loyalty_lot = streams.generator("loyalty").random(n_users, np.float32)
        self._left = np.full(n_users, NONE, np.int8)

    def can_join(self, number: int) -> NDArray[np.bool_]:
        """bool[N]: who is in no coalition, and was not in this one last; nobody comes back to it."""
        return (self.coalition == NONE) & (self._left != number)

    def join(self, rows: NDArray[np.int64], number: int, hoped: NDArray[np.floating]) -> None:
        """Let users join a coalition, in the hope of an effect, float[n]."""
        self.coalition[rows] = number
        self.hoped[rows] = hoped

    def leave(self, rows: NDArray[np.int64]) -> None:
        """Let members leave."""
        self._left[rows] = self.coalition[rows]
        self.coalition[rows] = NONE
