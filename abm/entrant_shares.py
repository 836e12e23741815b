"""How much of the data each of several entrants holds, as users judge what giving to theirs achieves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class EntrantShares:
    """Shares of the data at several entrants.

    Attributes
    ----------
    shares
        float64[k], of all data.
    entrant
        int8[N]: number of the entrant that holds each user's copy or, where none does, would be given it.
    """

    shares: NDArray[np.float64]
    entrant: NDArray[np.int8]

    @property
    def leading(self) -> float:
        """The largest share."""
        return float(self.shares.max())

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share at the entrant of some users, float64[n]."""
        return self.shares[self.entrant[rows]]

    def with_more(self, user: np.int64, share: float) -> EntrantShares:
        """Return the shares once a user has given, or taken back, a share of the data."""
        shares = self.shares.copy()
        own = self.entrant[user]
        shares[own] = np.clip(shares[own] + share, 0.0, 1.0)
        return replace(self, shares=shares)
