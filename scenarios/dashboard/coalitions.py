"""Coalitions in the view of who acts: what each is like at a moment, and who is in it.

Core Objects: coalitions_now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import ACTIONS
from scenarios.dashboard.messages import Coalition, Coalitions

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


def coalitions_now(
    model: DataLeverageModel, actions: NDArray[np.int8], pixel_users: NDArray[np.int64]
) -> Coalitions:
    """Return the coalitions of a run as they are now.

    Parameters
    ----------
    model
        The run.
    actions
        int8[N]: number of each user's action, of :data:`abm.actions.ACTIONS`.
    pixel_users
        int64[n]: users who are drawn.
    """
    coalitions = model.organisations.coalitions
    if not coalitions:
        return Coalitions()
    of_user = model.organisations.membership.coalition
    members = np.flatnonzero(of_user >= 0)
    own, n = of_user[members], len(ACTIONS)
    acting = np.bincount(own * np.int64(n) + actions[members], minlength=len(coalitions) * n).reshape(-1, n)
    asked = np.array([coalition.stance for coalition in coalitions])
    asked = np.column_stack([asked, np.asarray(model.stances.with_copy)[asked]])[own]
    does = (model.population.stance[members, np.newaxis] == asked).any(axis=1)
    following = np.bincount(own[does], minlength=len(coalitions))
    return Coalitions(
        tuple(coalition.name for coalition in coalitions),
        tuple(
            Coalition(
                coalition.name,
                coalition.goal,
                model.stances.names[coalition.stance],
                coalition.active,
                coalition.ended,
                tuple(acting[number].tolist()),
                int(following[number]),
            )
            for number, coalition in enumerate(coalitions)
        ),
        of_user[pixel_users].astype(np.uint8).tobytes(),  # -1 becomes IN_NONE
    )
