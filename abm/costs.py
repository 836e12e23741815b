"""What an action costs a user: barriers, legal risk and privacy, added over bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import CONTRIBUTE, DELETE, LEAVE, POISON, WITHHOLD
from abm.policy import Policy
from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.population import Population

_ORDER = "order: Vincent et al. 2021 (FAccT); size: ours"


class CostParameters(Parameters):
    """States are paid every tick; contributing and deleting once, over ``cost_horizon``."""

    barrier_withhold: float = parameter(
        0.3, "Effort of withholding", unit="utility/tick", source=_ORDER, ge=0, le=10
    )
    barrier_delete: float = parameter(
        0.5, "Effort of deleting, once", unit="utility", source=_ORDER, ge=0, le=10
    )
    barrier_contribute: float = parameter(
        0.2, "Effort of contributing, once", unit="utility", source=_ORDER, ge=0, le=10
    )
    barrier_poison: float = parameter(
        0.8, "Effort of poisoning", unit="utility/tick", source=_ORDER, ge=0, le=10
    )
    barrier_leave: float = parameter(
        0.6,
        "Lost ties and habits of leaving",
        unit="utility/tick",
        source="order: Li et al. 2019; size: ours",
        ge=0,
        le=10,
    )
    legal_delete: float = parameter(
        0.05, "Legal risk of deleting, once", unit="utility", source=_ORDER, ge=0, le=10
    )
    legal_contribute: float = parameter(
        0.25, "Legal risk of contributing, once", unit="utility", source=_ORDER, ge=0, le=10
    )
    legal_poison: float = parameter(
        0.7, "Legal risk of poisoning", unit="utility/tick", source=_ORDER, ge=0, le=10
    )
    exposure_withhold: float = parameter(
        -0.1, "Privacy exposure of withholding (a gain)", unit="utility/tick", source=_ORDER, ge=-10, le=10
    )
    exposure_delete: float = parameter(
        -0.3, "Privacy exposure of deleting, once (a gain)", unit="utility", source=_ORDER, ge=-10, le=10
    )
    exposure_copy: float = parameter(
        0.5, "Privacy exposure of a copy at Small Co.", unit="utility/tick", source=_ORDER, ge=-10, le=10
    )
    skill_discount: float = parameter(
        0.5, "Share of a barrier that full skill removes", unit="share", ge=0, le=1
    )
    cost_horizon: float = parameter(
        10.0, "Ticks over which a one-off cost counts", unit="ticks", ge=1, le=1000
    )


def action_costs(
    population: Population,
    rows: NDArray[np.int64],
    bits: NDArray[np.bool_],
    deleted: NDArray[np.bool_],
    policy: Policy,
) -> NDArray[np.float32]:
    """Return the cost of every stance for some users.

    Parameters
    ----------
    rows
        int64[n]: the users.
    bits
        bool[n, K, 5]: the bits of each stance for each of them, the copy they cannot take back included.
    deleted
        bool[n]: whose data Large Co. has deleted already.
    policy
        Tools lower barriers.

    Returns
    -------
    float32[n, K]
        Utility per tick, before ``cost_scale``.
    """
    c = population.parameters.costs
    skill = 1 - c.skill_discount * population.skill[rows]
    risk, privacy = population.risk[rows], population.privacy[rows]
    removal = 1 - policy.deletion_tool
    contribute = c.barrier_contribute * skill * (1 - policy.contribution_tool) + c.legal_contribute * risk
    delete = c.barrier_delete * skill * removal + c.legal_delete * risk + c.exposure_delete * privacy
    unit = np.empty((len(rows), 5), np.float32)
    unit[:, WITHHOLD] = c.barrier_withhold * skill * removal + c.exposure_withhold * privacy
    unit[:, DELETE] = np.where(deleted, 0, delete / c.cost_horizon)
    unit[:, CONTRIBUTE] = (
        np.where(population.has_copy[rows], 0, contribute / c.cost_horizon) + c.exposure_copy * privacy
    )
    unit[:, POISON] = c.barrier_poison * skill + c.legal_poison * risk
    unit[:, LEAVE] = c.barrier_leave * skill
    return np.einsum("nkb,nb->nk", bits.astype(np.float32), unit)
