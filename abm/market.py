"""The market of the companies: shares of attention, concentration, and who changes the company."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abm.services import Attention

_OUTSIDE, _LARGE, _SMALL = 0, 1, 2


@dataclass(frozen=True)
class MarketShares:
    """One tick's market.

    Attributes
    ----------
    large, small
        Shares of all attention that is paid to Large Co. and to its rivals, of which there may be several;
        NaN where nobody attends to any.
    concentration
        Herfindahl-Hirschman index, the sum of squared shares of all companies: 1/2 where two are alike, 1 for
        a monopoly (Hirschman 1964).
    to_large, to_small
        Shares of users who attend more to that company now, and did not a tick before.
    """

    large: float
    small: float
    concentration: float
    to_large: float
    to_small: float


class Market:
    """Follows where users pay most attention."""

    def __init__(self) -> None:
        self._before: NDArray[np.int8] | None = None

    def observe(self, attention: Attention, rivals: NDArray[np.float64] | None = None) -> MarketShares:
        """Take note of how users divide their attention at the next tick; at the first nobody has changed.

        Parameters
        ----------
        attention
            To Large Co. and to all rivals together.
        rivals
            float64[k]: attention to each of several rivals; by default there is one.
        """
        main = np.where(attention.small > attention.large, _SMALL, _LARGE).astype(np.int8)
        main[(attention.large == 0) & (attention.small == 0)] = _OUTSIDE
        before = main if self._before is None else self._before
        self._before = main
        changed = main[main != before]
        large, small = float(attention.large.sum()), float(attention.small.sum())
        total = large + small
        share = large / total if total else np.nan
        among = 1.0 if rivals is None or not small else float(((rivals / small) ** 2).sum())
        return MarketShares(
            large=share,
            small=1 - share,
            concentration=share**2 + (1 - share) ** 2 * among,
            to_large=np.count_nonzero(changed == _LARGE) / len(main),
            to_small=np.count_nonzero(changed == _SMALL) / len(main),
        )
