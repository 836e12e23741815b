"""How wishes become stances: requests that fail, copies that stay, rights that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import CONTRIBUTE, LEAVE
from abm.companies import without_small
from abm.decisions import DecisionView
from learners.errors import InputError

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


def change_stances(model: DataLeverageModel, view: DecisionView, wanted: NDArray[np.int8]) -> int:
    """Put users into the stances they want, as far as they get there, and post the moves of data.

    A refused request to copy one's data leaves its user's stance as it was. A copy at Small Co. stays there
    where the law grants no right to take it back.

    Parameters
    ----------
    view
        What was known when they chose.
    wanted
        int8[N]: stance codes.

    Returns
    -------
    int
        Number of users whose stance changed.

    Raises
    ------
    InputError
        If a stance was chosen that is not permitted.
    """
    population = model.population
    if not model.small.in_market:
        wanted = without_small(model.stances)[wanted]
    users = np.flatnonzero(wanted != population.stance)
    before, after = population.stance[users], wanted[users]
    has_copy = population.has_copy[users]
    asks = model.stances.bits[after, CONTRIBUTE] & ~has_copy
    if model.rule.requests_portability and asks.any():
        lot = model.streams.generator("portability", model.tick).random(population.n_users)[users]
        refused = asks & (lot >= model.policy.of("portability_success", users))
        if refused.any():
            model.events.add(
                model.tick, "portability refused", "Small Co.", refused.sum(), "requests refused"
            )
        users, before, after, has_copy = (a[~refused] for a in (users, before, after, has_copy))
    keeps = has_copy & ~np.asarray(model.policy.of("revocation_right", users))
    after = np.where(keeps, model.stances.with_copy[after], after)
    refused = ~view.permitted(users)[np.arange(len(users)), after]
    if refused.any():
        name = model.stances.names[after[refused][0]]
        raise InputError(
            f"stance '{name}', chosen for user {users[refused][0]} at tick {model.tick}, is not permitted:"
            " the policy grants no right to it, or nothing is left to contribute"
        )
    model.ledger.post_changes(model.tick, model.stances, users, before, after, has_copy)
    population.stance[users] = after
    population.has_copy[users] = model.stances.bits[after, CONTRIBUTE] | (
        has_copy & (model.stances.with_copy[after] == after)
    )
    model.uses_large[users] = ~model.stances.bits[after, LEAVE]
    return int(np.count_nonzero(before != after))
