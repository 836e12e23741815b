"""Organisers' effort: what has been spent, and on whom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Effort:
    """What organisers have spent so far, all of them together.

    Attributes
    ----------
    spent
        In the currency of :class:`abm.coalitions.parameters.EffortParameters`.
    """

    def __init__(self) -> None:
        self.spent = 0.0


class Round:
    """One organiser's way through the people: who is asked next.

    Everybody is asked once before anybody is asked again.

    Parameters
    ----------
    n
        Number of those who may ever be asked.
    budget
        Effort that can be spent in a tick. What is not enough for one more is kept for the next tick, what is
        left because nobody can be asked is not.
    total
        Effort that can be spent in all; ``None``: no limit.
    price
        Effort of asking one.
    effort
        Where it is booked.
    """

    def __init__(
        self, n: int, budget: float, price: float, effort: Effort, total: float | None = None
    ) -> None:
        self._budget = budget
        self._in_all = np.inf if total is None else total
        self._price = price
        self._effort = effort
        self._left_over = 0.0
        self._times_asked = np.zeros(n, np.int32)

    def asked(self, open_: NDArray[np.bool_], order: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return who is asked at a tick, int64[m], ascending.

        Parameters
        ----------
        open_
            bool[n]: who can be asked.
        order
            float[n] in [0, 1): of those asked equally often, the lowest are asked first.
        """
        if not self._budget:
            return np.empty(0, np.int64)
        affordable, self._left_over = divmod(self._left_over + self._budget, self._price)
        candidates = np.flatnonzero(open_)
        number = int(min(affordable, len(candidates), self._in_all // self._price))
        if not number:
            return np.empty(0, np.int64)
        if number < len(candidates):
            turn = self._times_asked[candidates] + order[candidates]
            candidates = np.sort(candidates[np.argpartition(turn, number - 1)[:number]])
        self._times_asked[candidates] += 1
        self._in_all -= number * self._price
        self._effort.spent += number * self._price
        return candidates
