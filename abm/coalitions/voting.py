"""How a coalition comes from its members' opinions to a decision."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9
"""A share that misses the quorum by less has reached it."""


def carried(
    decides: Literal["leader", "majority", "quorum", "unanimity"],
    in_favour: NDArray[np.bool_],
    interest: NDArray[np.floating],
    quorum: float,
) -> bool:
    """Return whether a motion is carried; by nobody none is.

    Parameters
    ----------
    decides
        ``leader``: whoever has most interest decides, the first of equals; ``majority``: more than half must
        be in favour; ``quorum``: at least that share; ``unanimity``: everybody.
    in_favour
        bool[n]: each member's opinion.
    interest
        float[n]: their interest in the good.
    quorum
        Share of members.
    """
    if not len(in_favour):
        return False
    match decides:
        case "leader":
            return bool(in_favour[interest.argmax()])
        case "majority":
            return bool(in_favour.mean() > 0.5)
        case "quorum":
            return bool(in_favour.mean() >= quorum - _ROUNDING)
        case "unanimity":
            return bool(in_favour.all())
