"""Random utility with social interaction: the default rule."""

from __future__ import annotations

import copy
import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abm.actions import CONTRIBUTE, DELETE, LEAVE, POISON, STAY, WITHHOLD
from abm.costs import action_costs
from abm.decisions.regimes import RegimeParameters, UnfoldingTick, stances_near, turns
from abm.decisions.rule import DecisionRule
from abm.decisions.view import DecisionView
from abm.services import service_values
from abm.streams import Streams
from learners.parameters import constant, parameter

_SAME_STANCE = constant(
    "decision.same_stance",
    0.5,
    "Weight, under reinforcement, of neighbours in the same stance; the rest is that of all who act",
    unit="share",
)


class LogitParameters(RegimeParameters):
    """Random utility with persistent taste shocks (McKelvey, Palfrey 1995; Brock, Durlauf 2001)."""

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


class LogitRule(DecisionRule):
    """Users who reconsider take the permitted stance of highest utility.

    U_i(a) = v_i [w_help dS(a) + w_harm dL(a) + w_rev dR(a)] + warm gamma_i 1[a is not stay] + J s_i(a)
    - C_i(a) + consumption_i(a) + kappa 1[a = present] + eps_ia / precision
    """

    def __init__(self, parameters: LogitParameters) -> None:
        self.parameters = parameters
        self._shocks: NDArray[np.float32] | None = None
        self._renewed: tuple[Streams, int] | None = None

    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the best stance of who reconsiders at this tick."""
        n = view.population.n_users
        shocks = self._renewed_shocks(view)
        lot = view.streams.generator("revision", view.tick).random(n)
        rows = np.flatnonzero(lot < self.parameters.revision_probability)
        if self.parameters.regime == "synchronous":
            wanted = view.population.stance.copy()
            wanted[rows] = self._best(view, rows, shocks)
            return wanted
        unfolding = UnfoldingTick(view)
        for user in turns(self.parameters.regime, view, rows):
            unfolding.take(user, self._best(unfolding.view, np.array([user]), shocks)[0])
        return unfolding.view.population.stance

    def _best(
        self, view: DecisionView, rows: NDArray[np.int64], shocks: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """Return the code of the best stance of some users, int64[n], given everybody's taste shocks."""
        utility = self.utilities(view, rows) + shocks[rows] / np.float32(self.parameters.precision)
        utility[~self._considered(view, rows)] = -np.inf
        return utility.argmax(1)

    def _considered(self, view: DecisionView, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the stances that some users choose from, bool[n, K]: those permitted that make sense."""
        permitted = view.permitted(rows)
        if view.pending_share == 0:
            # Nothing is left to withhold, and who wants records gone can delete them, with the right to.
            withhold = view.stances.code("strike_withhold")
            stays = view.population.stance[rows] == withhold
            permitted[:, withhold] &= stays | ~np.asarray(view.policy.of("deletion_right", rows))
        return permitted

    def would_join(
        self, view: DecisionView, rows: NDArray[np.int64], stance: int, share: float
    ) -> NDArray[np.bool_]:
        """Return who prefers acting with a share of the data to the best other stance as things are."""
        shocks = self._renewed_shocks(view)[rows] / np.float32(self.parameters.precision)
        others = self.utilities(view, rows) + shocks
        others[~view.permitted(rows)] = -np.inf
        others[:, stance] = -np.inf
        together = self.utilities(view, rows, together=share)[:, stance] + shocks[:, stance]
        return view.permitted(rows)[:, stance] & (together > others.max(axis=1))

    def advantage(
        self, view: DecisionView, rows: NDArray[np.int64], stance: int, bloc: float
    ) -> NDArray[np.floating]:
        """Return by how much the stance beats the best other, where ``bloc`` takes the place of the horizon.

        The horizon stays where it is larger, and in what is thought of the other stances.
        """
        taken, each = view.taken(rows, stance), np.arange(len(rows))
        shocks = self._renewed_shocks(view)[rows] / np.float32(self.parameters.precision)
        others = self.utilities(view, rows) + shocks
        others[~self._considered(view, rows)] = -np.inf
        others[each, taken] = -np.inf
        moved = min(max(self.parameters.horizon, bloc), 1.0)
        bound = copy.copy(self)
        bound.parameters = self.parameters.model_copy(update={"horizon": moved})
        together = bound.utilities(view, rows)[each, taken] + shocks[each, taken]
        return np.where(view.permitted(rows)[each, taken], together - others.max(axis=1), -np.inf)

    def utilities(
        self, view: DecisionView, rows: NDArray[np.int64], together: float = 0.0
    ) -> NDArray[np.float32]:
        """Return the utility of every stance for some users, before taste shocks, float32[n, K].

        Users judge their effect as that of ``horizon`` of the data, or, where a share ``together`` is sure to
        act if they do, as that of bringing about that share.
        """
        p, population = self.parameters, view.population
        stances = view.stances
        present = population.stance[rows]
        bits = np.tile(stances.bits, (len(rows), 1, 1))
        # A copy stays with Small Co. whatever else its owner does, unless it can be and is revoked.
        revocable = np.asarray(view.policy.of("revocation_right", rows))[..., None]
        kept = (stances.with_copy == np.arange(len(stances))) | ~revocable
        bits[:, :, CONTRIBUTE] |= population.has_copy[rows, None] & kept
        automatic = None if view.automatic is None else view.automatic[rows]
        if automatic is not None:
            bits |= automatic[:, None, :]
        utility = population.interest[rows, None] * self._public_goods(view, rows, bits, together)
        utility[:, 1:] += p.warm_glow * population.grievance[rows, None]
        utility += p.social_weight * self._social(view, rows)
        asked = view.deleted[rows] if view.asked_to_delete is None else view.asked_to_delete[rows]
        utility -= p.cost_scale * action_costs(population, rows, bits, asked, view.policy, automatic)
        lost = view.deleted[rows] & ~view.returns_restore[rows]
        utility += service_values(
            view.large,
            view.small,
            known_to_large=~(bits[:, :, DELETE] | bits[:, :, POISON] | lost[:, None]),
            known_to_small=view.known_to_small[rows, None] | bits[:, :, CONTRIBUTE],
            leaves=bits[:, :, LEAVE],
            parameters=view.consumption,
            small_serves_strangers=view.small_serves_strangers,
            breakage=np.asarray(view.policy.of("site_breakage", rows))[..., None],
            rows=rows,
        ).astype(np.float32)
        if view.payments is not None:
            utility += view.payments.of_stances(rows, bits, lost)
        utility[np.arange(len(rows)), present] += p.inertia
        return utility

    def _public_goods(
        self, view: DecisionView, rows: NDArray[np.int64], bits: NDArray[np.bool_], together: float
    ) -> NDArray[np.float32]:
        """Return w_help dS + w_harm dL + w_rev dR, float32[n, K]: each user's share of two public goods.

        Each is a finite difference of the user's belief: of ``horizon`` more data joining for who is not in
        yet, or of what brings the share to ``together`` if that is more; of as much as ``horizon`` dropping
        out for who is.
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
            joins = max(p.horizon, together - x)
            if joins > p.horizon:
                joining, _ = view.beliefs.marginal(lever, x, joins)
            believed = np.where(taking_part, staying[family], joining[family])
            if view.advice is not None:
                believed = view.advice.believed(
                    view.beliefs, lever, x, joins, p.horizon, taking_part, family, rows, believed
                )
            return believed[:, None]

        given = view.population.has_copy[rows]
        if view.entrants is None:
            helped = good("contribute", view.small_share, given)
        else:
            own, helped = view.entrants.of(rows)[:, None], np.zeros((len(rows), 1))
            for x in np.unique(own).tolist():
                helped = np.where(own == x, good("contribute", x, given), helped)
        help_ = helped * bits[:, :, CONTRIBUTE]
        harm = good("remove", view.removed_share, removes_now) * removal
        # A worse service also earns less: engagement falls from b to 1 as quality falls to the baseline.
        b = view.consumption.personalisation_boost
        lost = good("leave", view.left_share, now[:, LEAVE]) * bits[:, :, LEAVE] + (1 - 1 / b) * harm
        goods = p.weight_help * view.value_match * help_ + p.weight_harm * harm + p.weight_revenue * lost
        return goods.astype(np.float32)

    def _social(self, view: DecisionView, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return s_i(a), float32[n, K]."""
        shares = stances_near(view, rows)
        if view.advice is not None:
            shares = view.advice.shares(shares, rows, view.population.stance)
        if self.parameters.social_form == "conformity":
            return shares
        active = shares[:, 1:].sum(1, keepdims=True)
        social = _SAME_STANCE * shares + (1 - _SAME_STANCE) * active
        social[:, STAY] = 0
        return social

    def _renewed_shocks(self, view: DecisionView) -> NDArray[np.float32]:
        """Return the Gumbel taste shocks, float32[N, K]: persistent, but for a share drawn anew each tick."""
        n, names = view.population.n_users, view.stances.names
        streams, p = view.streams, self.parameters
        if self._shocks is not None and self._renewed == (streams, view.tick):
            return self._shocks
        self._renewed = streams, view.tick
        # A stream for each stance: one more stance in a run leaves everybody's taste for the others alone.
        if self._shocks is None:
            drawn = [streams.generator(f"taste for {name}").gumbel(size=n) for name in names]
            self._shocks = np.stack(drawn, axis=1).astype(np.float32)
        for code, name in enumerate(names):
            rng = streams.generator(f"renewed taste for {name}", view.tick)
            renewed = rng.random(n) < p.shock_renewal
            self._shocks[renewed, code] = gumbel_of_some(rng, renewed)
        return self._shocks


def gumbel_of_some(rng: np.random.Generator, some: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return ``rng.gumbel(size=len(some))[some]``, bit for bit, without the logarithms of all the others.

    These would take a fourth of a tick of a million people. ``math.log`` is the logarithm that the generator
    takes; that of arrays rounds differently.
    """
    # Exactly 0, once in 2^53, is drawn again by NumPy and made the smallest here.
    uniform = np.minimum(1 - rng.random(len(some))[some], np.nextafter(1.0, 0.0))
    return np.array([-math.log(-math.log(u)) for u in uniform.tolist()])
