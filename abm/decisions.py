"""How users choose a stance: one class a rule, each on arrays.

A rule sees a :class:`DecisionView` and returns the stance that every user wants. A further rule is one
parameter class in :data:`DecisionParameters` and one subclass of :class:`DecisionRule`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from abm.actions import CONTRIBUTE, DELETE, LEAVE, NAMED_STANCES, POISON, STAY, WITHHOLD, Stances
from abm.beliefs import Beliefs
from abm.costs import action_costs
from abm.network import Network
from abm.policy import Policy
from abm.population import Population
from abm.services import ConsumptionParameters, Service, service_values
from abm.streams import Streams
from learners.parameters import Parameters, parameter, tagged


@dataclass(frozen=True, eq=False)
class DecisionView:
    """What users can know when they decide at a tick; nothing in it is of this tick but policy.

    Attributes
    ----------
    deleted, known_to_small
        bool[N]: whose data Large Co. has deleted; whom Small Co. knows.
    returns_restore
        Whether Large Co. knows again who returns to it after deleting.
    pending_share
        Share of all data that has yet to arrive, which withholding can still keep from Large Co.
    small_share, removed_share, left_share
        Shares of the data: at Small Co.; withheld, deleted or poisoned at Large Co.; owned by those who left.
    large, small
        The services as last measured.
    """

    tick: int
    policy: Policy
    population: Population
    stances: Stances
    network: Network
    beliefs: Beliefs
    streams: Streams
    deleted: NDArray[np.bool_]
    known_to_small: NDArray[np.bool_]
    returns_restore: bool
    pending_share: float
    small_share: float
    removed_share: float
    left_share: float
    large: Service
    small: Service
    consumption: ConsumptionParameters
    small_serves_strangers: bool

    def permitted(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool[n, K]: the stances open to some users; the present one always is.

        Who has contributed cannot undo it without a right of revocation: for them ``stay`` is ``cdc`` and
        so on. Who deleted without keeping an archive has nothing to contribute.
        """
        stances, population = self.stances, self.population
        lawful = self.policy.deletion_right | ~stances.bits[:, DELETE]
        open_ = np.tile(lawful, (len(rows), 1))
        if not self.policy.revocation_right:
            undone = stances.with_copy != np.arange(len(stances))
            open_ &= ~(population.has_copy[rows, None] & undone)
        if not self.policy.keeps_archive:
            empty = self.deleted[rows] & ~population.has_copy[rows]
            open_ &= ~(empty[:, None] & stances.bits[:, CONTRIBUTE])
        open_[np.arange(len(rows)), population.stance[rows]] = True
        return open_


class LogitParameters(Parameters):
    """R5: random utility with persistent taste shocks (McKelvey, Palfrey 1995; Brock, Durlauf 2001)."""

    rule: Literal["logit"] = "logit"
    social_form: Literal["reinforcement", "conformity"] = parameter(
        "reinforcement",
        "reinforcement: active neighbours, half for the same stance; conformity: all who do the same",
        unit="-",
        source="Centola, Macy 2007; Brock, Durlauf 2001",
    )
    social_weight: float = parameter(0.5, "Weight J of the social term", unit="utility", ge=0, le=100)
    precision: float = parameter(
        5.0, "Precision of choice, the inverse scale of taste shocks", unit="1/utility", gt=0, le=1000
    )
    warm_glow: float = parameter(0.3, "Reward of acting at full grievance", unit="utility/tick", ge=0, le=100)
    cost_scale: float = parameter(1.3, "Factor on all costs of action", unit="-", ge=0, le=100)
    weight_help: float = parameter(1.0, "Weight of what Small Co. gains", unit="-", ge=0, le=100)
    weight_harm: float = parameter(1.0, "Weight of what Large Co.'s quality loses", unit="-", ge=0, le=100)
    weight_revenue: float = parameter(0.5, "Weight of what Large Co.'s revenue loses", unit="-", ge=0, le=100)
    inertia: float = parameter(0.2, "Utility of keeping the present stance", unit="utility", ge=0, le=100)
    horizon: float = parameter(
        0.05,
        "Share of the data thought of as moving with me; 1/N is pure free-riding",
        unit="share of data",
        gt=0,
        le=1,
    )
    revision_probability: float = parameter(
        0.2, "Probability that a user reconsiders", unit="per tick", ge=0, le=1
    )
    shock_renewal: float = parameter(0.01, "Share of taste shocks drawn anew", unit="per tick", ge=0, le=1)


class ScriptedStep(Parameters):
    """From a tick on, these shares of the users are in these stances; everybody else stays."""

    tick: int = parameter(1, "First tick of the step", unit="tick", ge=0)
    shares: dict[str, Annotated[float, Field(ge=0, le=1)]] = parameter(
        ..., "Stance to share of users", unit="share of users"
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        for name in self.shares:
            if name not in NAMED_STANCES and not name.startswith("poison:"):
                raise ValueError(f"shares: '{name}' is not one of {', '.join(NAMED_STANCES)}, poison:KIND")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError(f"shares add up to {sum(self.shares.values()):g}, more than 1")
        return self


class ScriptedParameters(Parameters):
    """R8: participation is given, as in the published studies."""

    rule: Literal["scripted"] = "scripted"
    steps: list[ScriptedStep] = parameter(..., "What holds from which tick", unit="-", min_length=1)


DecisionParameters = Annotated[
    LogitParameters | ScriptedParameters,
    Field(discriminator="rule"),
    BeforeValidator(partial(tagged, tag="rule", default="logit")),
]


class DecisionRule(ABC):
    """A way to choose stances."""

    requests_portability = True
    """Whether contributing takes a request that can fail; a script's contributions are given."""

    @abstractmethod
    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the stance that each user wants, int8[N]; the present one for who does not reconsider."""


class ScriptedRule(DecisionRule):
    """Users in one random order take the scripted stances; a larger share contains the smaller one."""

    requests_portability = False

    def __init__(self, parameters: ScriptedParameters) -> None:
        self.steps = {step.tick: step for step in parameters.steps}
        self._order: NDArray[np.int64] | None = None

    @property
    def stances(self) -> list[str]:
        """Names of the scripted stances, in the order of their first steps."""
        return list(dict.fromkeys(name for step in self.steps.values() for name in step.shares))

    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the scripted stances at the tick a step begins, the present ones otherwise."""
        step = self.steps.get(view.tick)
        if step is None:
            return view.population.stance
        n = view.population.n_users
        if self._order is None:
            self._order = view.streams.generator("script").permutation(n)
        wanted = np.full(n, STAY, np.int8)
        taken = 0
        for name, share in step.shares.items():
            until = taken + round(share * n)
            wanted[self._order[taken:until]] = view.stances.code(name)
            taken = until
        return wanted


class LogitRule(DecisionRule):
    """Users who reconsider take the permitted stance of highest utility.

    U_i(a) = v_i [w_help dS(a) + w_harm dL(a) + w_rev dR(a)] + warm gamma_i 1[a is not stay] + J s_i(a)
    - C_i(a) + consumption_i(a) + kappa 1[a = present] + eps_ia / precision
    """

    def __init__(self, parameters: LogitParameters) -> None:
        self.parameters = parameters
        self._shocks: NDArray[np.float32] | None = None

    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the best stance of who reconsiders at this tick."""
        n = view.population.n_users
        shocks = self._renewed_shocks(view)
        lot = view.streams.generator("revision", view.tick).random(n)
        rows = np.flatnonzero(lot < self.parameters.revision_probability)
        utility = self.utilities(view, rows) + shocks[rows] / np.float32(self.parameters.precision)
        permitted = view.permitted(rows)
        if view.pending_share == 0 and view.policy.deletion_right:
            # Nothing is left to withhold, and who wants records gone can delete them.
            withhold = view.stances.code("strike_withhold")
            permitted[:, withhold] = view.population.stance[rows] == withhold
        utility[~permitted] = -np.inf
        wanted = view.population.stance.copy()
        wanted[rows] = utility.argmax(1)
        return wanted

    def utilities(self, view: DecisionView, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the utility of every stance for some users, before taste shocks, float32[n, K]."""
        p, population = self.parameters, view.population
        stances = view.stances
        present = population.stance[rows]
        bits = np.tile(stances.bits, (len(rows), 1, 1))
        # A copy stays with Small Co. whatever else its owner does, unless it can be and is revoked.
        kept = (stances.with_copy == np.arange(len(stances))) | (not view.policy.revocation_right)
        bits[:, :, CONTRIBUTE] |= population.has_copy[rows, None] & kept
        utility = population.interest[rows, None] * self._public_goods(view, rows, bits)
        utility[:, 1:] += p.warm_glow * population.grievance[rows, None]
        utility += p.social_weight * self._social(view, rows)
        utility -= p.cost_scale * action_costs(population, rows, bits, view.deleted[rows], view.policy)
        lost = view.deleted[rows] & (not view.returns_restore)
        utility += service_values(
            view.large,
            view.small,
            known_to_large=~(bits[:, :, DELETE] | bits[:, :, POISON] | lost[:, None]),
            known_to_small=view.known_to_small[rows, None] | bits[:, :, CONTRIBUTE],
            leaves=bits[:, :, LEAVE],
            parameters=view.consumption,
            small_serves_strangers=view.small_serves_strangers,
        ).astype(np.float32)
        utility[np.arange(len(rows)), present] += p.inertia
        return utility

    def _public_goods(
        self, view: DecisionView, rows: NDArray[np.int64], bits: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return w_help dS + w_harm dL + w_rev dR, float32[n, K]: each user's share of two public goods.

        Each is a finite difference of the user's belief: of ``horizon`` more data joining for who is not in
        yet, of as much dropping out for who is.
        """
        p = self.parameters
        family = view.population.family[rows]
        now = view.stances.bits[view.population.stance[rows]]
        # Withholding alone bears only on the data still to come, deleting or poisoning on all of it.
        removal = np.where(
            bits[:, :, DELETE] | bits[:, :, POISON],
            1.0,
            np.where(bits[:, :, WITHHOLD], view.pending_share, 0.0),
        )
        removes_now = np.any(now[:, [WITHHOLD, DELETE, POISON]], axis=1)

        def good(lever: str, x: float, taking_part: Any) -> NDArray[np.float64]:
            joining, staying = view.beliefs.marginal(lever, x, p.horizon)
            return np.where(taking_part, staying[family], joining[family])[:, None]

        help_ = good("contribute", view.small_share, view.population.has_copy[rows]) * bits[:, :, CONTRIBUTE]
        harm = good("remove", view.removed_share, removes_now) * removal
        # A worse service also earns less: engagement falls from b to 1 as quality falls to the baseline.
        b = view.consumption.personalisation_boost
        lost = good("leave", view.left_share, now[:, LEAVE]) * bits[:, :, LEAVE] + (1 - 1 / b) * harm
        goods = p.weight_help * help_ + p.weight_harm * harm + p.weight_revenue * lost
        return goods.astype(np.float32)

    def _social(self, view: DecisionView, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return s_i(a), float32[n, K]."""
        shares = view.network.neighbour_shares(view.population.stance, len(view.stances))[rows]
        if self.parameters.social_form == "conformity":
            return shares
        active = shares[:, 1:].sum(1, keepdims=True)
        social = 0.5 * shares + 0.5 * active
        social[:, STAY] = 0
        return social

    def _renewed_shocks(self, view: DecisionView) -> NDArray[np.float32]:
        """Return the Gumbel taste shocks, float32[N, K]: persistent, but for a share drawn anew each tick."""
        n, names = view.population.n_users, view.stances.names
        streams, p = view.streams, self.parameters
        # A stream for each stance: one more stance in a run leaves everybody's taste for the others alone.
        if self._shocks is None:
            drawn = [streams.generator(f"taste for {name}").gumbel(size=n) for name in names]
            self._shocks = np.stack(drawn, axis=1).astype(np.float32)
        for code, name in enumerate(names):
            rng = streams.generator(f"renewed taste for {name}", view.tick)
            renewed = rng.random(n) < p.shock_renewal
            self._shocks[renewed, code] = rng.gumbel(size=n)[renewed]
        return self._shocks


def decision_rule(parameters: LogitParameters | ScriptedParameters) -> DecisionRule:
    """Return the rule that the parameters describe."""
    return LogitRule(parameters) if isinstance(parameters, LogitParameters) else ScriptedRule(parameters)
