"""What users have of a tick themselves: consumption and warm glow less the private costs of what they do.

The terms and their sizes are those of the decision rule, without what only steers a choice: taste shocks,
inertia, the opinion of neighbours, and the believed effects on the companies.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import ACTIONS, CONTRIBUTE, LEAVE, STAY
from abm.consent import automatic_bits
from abm.costs import action_costs
from abm.decisions.logit import LogitRule
from abm.ledger import Entry, Move
from abm.services import service_values
from learners.parameters import constant

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from abm.streams import Streams

MOST_USERS = constant(
    "welfare.most_users",
    50_000,
    "Users whose welfare is measured: everybody, or a sample of so many drawn once",
    unit="users",
)

_NEVER = -(2**30)


class Welfare:
    """The users whose welfare is measured, and when they last paid what is paid once.

    Attributes
    ----------
    rows
        int64[n]: row numbers of the users, ascending.
    """

    def __init__(self, n_users: int, streams: Streams) -> None:
        if n_users <= MOST_USERS:
            self.rows = np.arange(n_users)
        else:
            self.rows = np.sort(streams.generator("welfare").choice(n_users, MOST_USERS, replace=False))
        self._contributed = np.full(n_users, _NEVER, np.int32)
        self._deleted = np.full(n_users, _NEVER, np.int32)

    def note(self, tick: int, entries: list[Entry]) -> None:
        """Take note of who contributes and who deletes at a tick."""
        for entry in entries:
            if entry.move is Move.CONTRIBUTE:
                self._contributed[entry.users] = tick
            elif entry.move is Move.DELETE:
                self._deleted[entry.users] = tick

    def utilities(self, model: DataLeverageModel) -> NDArray[np.float32]:
        """Return the utility per tick of the users in :attr:`rows`, float32[n].

        What is paid once counts, in equal parts, at ``cost_horizon`` ticks from the one of the move. A rule
        that knows no warm glow and no factor on costs has a warm glow of 0 and a factor of 1.
        """
        rows, population, policy = self.rows, model.population, model.policy
        stance = population.stance[rows]
        bits = model.stances.bits[stance]
        bits[:, CONTRIBUTE] |= population.has_copy[rows]
        automatic = automatic_bits(policy, model.large.consent.barred, model.stances, population.stance)
        if automatic is not None:
            automatic = automatic[rows]
            bits |= automatic
        horizon = population.parameters.costs.cost_horizon
        paying = copy.copy(population)
        paying.has_copy = population.has_copy & (model.tick - self._contributed >= horizon)
        paid = model.tick - self._deleted[rows] >= horizon
        # All stances at once: the search for campaigns makes some of them cheaper than others.
        every = np.repeat(bits[:, None, :], len(model.stances) if policy.assistant.campaigns else 1, axis=1)
        costs = action_costs(paying, rows, every, paid, policy, automatic)
        cost = costs[np.arange(len(rows)), stance if costs.shape[1] > 1 else 0]
        parameters = model.rule.parameters if isinstance(model.rule, LogitRule) else None
        glow, scale = (parameters.warm_glow, parameters.cost_scale) if parameters else (0.0, 1.0)
        consumption = service_values(
            model.large.service,
            model.small.service,
            known_to_large=model.large.knows[rows],
            known_to_small=model.small.known[rows],
            leaves=bits[:, LEAVE],
            parameters=model.company_parameters.consumption,
            small_serves_strangers=model.small.serves_strangers,
            breakage=np.asarray(policy.of("site_breakage", rows)),
            rows=rows,
        )
        payments = model.paymaster.payments
        if payments is not None:
            known = ~model.large.deleted[rows]
            consumption = consumption + payments.utility(rows, known, population.has_copy[rows])
        utility = consumption - scale * cost + glow * population.grievance[rows] * (stance != STAY)
        utility -= model.organisations.dues(rows)
        return np.asarray(utility, np.float32)

    def by_group(self, model: DataLeverageModel) -> dict[str, float]:
        """Return mean utilities by group: ``all``, ``participants``, ``non_participants`` and each action.

        NaN for a group of nobody.
        """
        utility = self.utilities(model).astype(np.float64)
        action = model.stances.action[model.population.stance[self.rows]]
        size = np.bincount(action, minlength=len(ACTIONS))
        total = np.bincount(action, utility, minlength=len(ACTIONS))
        acting = np.arange(len(ACTIONS)) != ACTIONS.index("stay")
        sums = {
            "all": (total.sum(), size.sum()),
            "participants": (total[acting].sum(), size[acting].sum()),
            "non_participants": (total[~acting].sum(), size[~acting].sum()),
            **{name: (total[code], size[code]) for code, name in enumerate(ACTIONS)},
        }
        return {name: float(sum_ / n) if n else np.nan for name, (sum_, n) in sums.items()}
