"""Looking ahead: what others would add once I have joined (Oliver, Marwell, Teixeira 1985)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from abm.decisions.stakes import Stakes


class Bystanders:
    """Users who do not take part yet, by the size of what they own.

    Each joins by themselves if interest / cost exceeds a critical value that depends only on how much is
    contributed already and on what they own, so that looking ahead takes no loop over pairs of users.

    Parameters
    ----------
    rows
        int64[n]: who they are.
    stakes
        What it is about.
    """

    def __init__(self, rows: NDArray[np.int64], stakes: Stakes) -> None:
        self._stakes = stakes
        self._sizes, group = np.unique(stakes.resources[rows], return_inverse=True)
        eagerness = self._eagerness(rows)
        by_group = np.lexsort((eagerness, group))
        ends = np.cumsum(np.bincount(group, minlength=len(self._sizes)))
        self._by_size = np.split(eagerness[by_group], ends[:-1])

    def _eagerness(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the value of the full effect by the cost of each unit of resources, float64[n]."""
        return self._stakes.keenness(rows) * self._stakes.resources[rows]

    def _owned_above(self, critical: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what all own whose eagerness exceeds the critical one of their size.

        Parameters
        ----------
        critical
            float64[m, sizes]: several cases.

        Returns
        -------
        float64[m]
        """
        total = np.zeros(len(critical))
        for size, eager, least in zip(self._sizes, self._by_size, critical.T, strict=True):
            total += size * (len(eager) - np.searchsorted(eager, least, side="right"))
        return total

    def anticipated(
        self, users: NDArray[np.int64], contributed: float, depth: int, discount: float
    ) -> NDArray[np.float64]:
        """Return the resources that each user expects to follow if joining, float64[n].

        At the first level those follow who would join by themselves after the user, at the second those who
        would after these, and so on. What follows at the first level counts ``discount`` of what it is, at
        the second its square.

        Parameters
        ----------
        users
            int64[n]: who looks ahead, bystanders all.
        contributed
            Share of the data contributed now.
        depth, discount
            Number of levels, and their weight.
        """
        own, case = np.unique(self._stakes.resources[users], return_inverse=True)
        size, eagerness = np.searchsorted(self._sizes, own)[case], self._eagerness(users)
        level = contributed + own
        critical = np.full((len(own), len(self._sizes)), np.inf)
        followed, expected = np.zeros(len(own)), np.zeros(len(own))
        for weight in discount ** np.arange(1, depth + 1):
            critical = np.minimum(critical, self._critical(level))
            # Nobody follows themselves: who would, and who would not, are two cases from here on.
            follows = eagerness > critical[case, size]
            cases, case = np.unique(2 * case + follows, return_inverse=True)
            before, own_too = cases // 2, cases % 2
            critical, own = critical[before], own[before]
            more = self._owned_above(critical) - own_too * own
            expected = expected[before] + weight * (more - followed[before])
            followed, level = more, contributed + own + more
        return expected[case]

    def _critical(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the eagerness beyond which users of each size join at each level, float64[m, sizes]."""
        production = self._stakes.production
        base = production(np.minimum(level, 1.0))[:, None]
        gain = production(np.minimum(level[:, None] + self._sizes, 1.0)) - base
        return np.divide(self._sizes, gain, out=np.full(gain.shape, np.inf), where=gain > 0)
