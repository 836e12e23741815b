"""What an action costs a user: barriers, legal risk and privacy, added over bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abm.actions import BITS, CONTRIBUTE, DELETE, LEAVE, POISON, WITHHOLD
from abm.assistant import search_relief
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
    automatic: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the cost of every stance for some users.

    Parameters
    ----------
    rows
        int64[n]: the users.
    bits
        bool[n, K, 5]: the bits of each stance for each of them, the copy they cannot take back included.
    deleted
        bool[n]: whose data Large Co. has deleted already, or was asked to delete.
    policy
        Tools lower barriers.
    automatic
        bool[n, 5]: bits that hold for a user without any doing, and so cost nothing; none by default.

    Returns
    -------
    float32[n, K]
        Utility per tick, before ``cost_scale``.
    """
    c = population.parameters.costs

    def barrier(name: str) -> float | NDArray[np.float32]:
        own = population.barriers.get(f"barrier_{name}")
        return getattr(c, f"barrier_{name}") if own is None else own[rows]

    skill = 1 - c.skill_discount * population.skill[rows]
    risk, privacy = population.risk[rows], population.privacy[rows]
    has_copy = population.has_copy[rows]
    removal = _single(1 - policy.of("deletion_tool", rows))
    withhold = _single(barrier("withhold") + policy.of("opt_out_cost", rows)) * skill * removal
    delete = barrier("delete") * skill * removal
    contribute = barrier("contribute") * skill * _single(1 - policy.of("contribution_tool", rows))
    poison, leave = barrier("poison") * skill, barrier("leave") * skill
    deleting = delete + c.legal_delete * risk + c.exposure_delete * privacy
    contributing = contribute + c.legal_contribute * risk
    unlicensed = _single(1 - policy.licence.protection * policy.of("licensed", rows))
    unit = np.empty((len(rows), 5), np.float32)
    unit[:, WITHHOLD] = withhold + c.exposure_withhold * privacy
    unit[:, DELETE] = np.where(deleted, 0, deleting / c.cost_horizon)
    once = np.where(has_copy, 0, contributing / c.cost_horizon)
    unit[:, CONTRIBUTE] = once + c.exposure_copy * privacy * unlicensed
    unit[:, POISON] = poison + c.legal_poison * risk
    unit[:, LEAVE] = leave
    if automatic is not None:
        unit[automatic] = 0
    unit *= population.cost[rows, None]
    if population.relief is not None:
        unit -= population.relief[rows] * np.maximum(unit, 0)
    active = bits.astype(np.float32)
    cost = np.einsum("nkb,nb->nk", active, unit)
    if policy.assistant.campaigns:
        effort = np.empty_like(unit)
        effort[:, WITHHOLD] = withhold
        effort[:, DELETE] = np.where(deleted, 0, delete / c.cost_horizon)
        effort[:, CONTRIBUTE] = np.where(has_copy, 0, contribute / c.cost_horizon)
        effort[:, POISON], effort[:, LEAVE] = poison, leave
        if automatic is not None:
            effort[automatic] = 0
        effort *= population.cost[rows, None]
        if population.relief is not None:
            effort *= 1 - population.relief[rows]
        relief = search_relief(policy, population.stance, rows, bits.shape[1])
        cost -= relief * np.einsum("nkb,nb->nk", active, effort)
    return cost


def barriers_left(
    costs: CostParameters, bits: NDArray[np.bool_], policy: Policy, base: Policy
) -> float | NDArray[np.float64]:
    """Return what a policy's tools leave of the barriers to a stance, beside those under another policy.

    Parameters
    ----------
    costs
        Sizes of the barriers.
    bits
        bool[5]: the bits of the stance.
    policy, base
        The policy with further tools, or fewer, and the one that it is compared with.

    Returns
    -------
    float or float64[N]
        1 where the policies' tools are the same, and for a stance without barriers.
    """
    sizes = np.array([getattr(costs, f"barrier_{name}") for name in BITS]) * bits

    def under(law: Policy) -> Any:
        tools = {CONTRIBUTE: law.of("contribution_tool")} | dict.fromkeys(
            (WITHHOLD, DELETE), law.of("deletion_tool")
        )
        return sum(size * (1 - tools.get(bit, 0.0)) for bit, size in enumerate(sizes))

    whole = under(base)
    return under(policy) / whole if whole > 0 else 1.0


def _single(value: Any) -> Any:
    """Return a value in the precision of users' traits, in which a number that all share is taken, too."""
    return value.astype(np.float32) if isinstance(value, np.ndarray) else value
