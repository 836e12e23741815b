"""Large Co. answers collective action: it concedes when going on would cost it more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from abm.actions import STAY
from abm.goals import GOALS
from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.decisions import DecisionView
    from abm.model import DataLeverageModel

PAY = GOALS.index("pay")


class ConcessionParameters(Parameters):
    """When Large Co. concedes, what it costs, and what it brings."""

    rule: Literal["never", "profit", "logit"] = parameter(
        "never",
        "profit: as soon as the loss that it expects exceeds the cost; logit: with a probability that rises "
        "with the margin",
        unit="-",
    )
    precision: float = parameter(
        10.0, "Precision of rule 'logit'", unit="1/revenue at the start", gt=0, le=1000
    )
    horizon: int = parameter(20, "Ticks that it looks ahead", unit="ticks", ge=1, le=1000)
    discount: float = parameter(
        0.95, "Worth of the next tick's revenue beside this one's", unit="-", gt=0, le=1
    )
    memory: int = parameter(5, "Ticks from which it makes out the trend", unit="ticks", ge=2, le=1000)
    every: int = parameter(5, "Ticks between its reviews", unit="ticks", ge=1, le=1000)
    cost: float = parameter(
        0.5,
        "What a concession costs once, in one tick's revenue at the start",
        unit="revenue at the start",
        ge=0,
        le=1000,
    )
    dividend: float = parameter(
        0.05, "Share of the revenue that it pays out after conceding pay", unit="share", ge=0, le=1
    )
    bargain: float = parameter(
        0.5,
        "Share of the loss it expects that it offers a coalition that asks for pay, up to what is asked",
        unit="share",
        source="Nash 1950 (half)",
        ge=0,
        le=1,
    )
    returning: float = parameter(
        0.8,
        "Probability that who wanted what is conceded stops acting for good",
        unit="probability",
        ge=0,
        le=1,
    )


class Concessions:
    """What Large Co. has conceded, and who is satisfied.

    A concession is of the kind of one goal. Where the company hears what those who act want, from
    coalitions that say so or by the policy's ``voice``, it is the most frequent goal among them; where it
    does not, it is any that it has not conceded yet. A coalition that asks for pay is offered a share of what
    its action would cost, and accepts no less than its reservation. A coalition whose goal is met acts no
    more.

    Attributes
    ----------
    conceded
        bool[goals]: the goals that were met.
    satisfied
        bool[N]: who has stopped acting for good.
    dividend
        Share of the revenue that is paid out by concession.
    spent
        What the last tick's concession cost, beside a dividend.
    """

    def __init__(self, model: DataLeverageModel) -> None:
        self._model = model
        self.parameters: ConcessionParameters = model.company_parameters.concessions
        self.conceded = np.zeros(len(GOALS), np.bool_)
        self.satisfied = np.zeros(model.population.n_users, np.bool_)
        self.dividend = self.spent = 0.0
        self._losses = [0.0]

    def calmed(self, view: DecisionView, wanted: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the stances that users want, int8[N], with the satisfied staying whatever they chose."""
        if not self.satisfied.any():
            return wanted
        quiet = np.where(view.population.has_copy, view.stances.with_copy[STAY], STAY).astype(np.int8)
        return np.where(self.satisfied, quiet, wanted)

    def answer(self) -> None:
        """Concede, or not, after a tick whose revenue is known."""
        p, model = self.parameters, self._model
        self.spent = 0.0
        if p.rule == "never":
            return
        self._losses = [*self._losses[1 - p.memory :], max(0.0, 1 - model.revenue.large)]
        acts = (model.population.stance != STAY) & ~self.satisfied
        if model.tick % p.every or not acts.any() or self.conceded.all():
            return
        rng = model.streams.generator("concession", model.tick)
        lot, returning = rng.random(), rng.random(model.population.n_users)
        goal = self._goal(acts, rng)
        dividend = self._offer() if goal == PAY else 0.0
        if dividend is None:
            return
        margin = self.expected_loss() - self.expected_cost(dividend)
        if p.rule == "profit":
            concedes = margin > 0
        else:
            concedes = lot < 1 / (1 + np.exp(np.clip(-p.precision * margin, -700, 700)))
        if concedes:
            self._concede(goal, dividend, returning)

    def expected_loss(self) -> float:
        """Return the discounted loss of revenue over the horizon as the trend of the last ticks goes on."""
        return float(self._discounts @ self._projected_losses)

    def expected_cost(self, dividend: float) -> float:
        """Return the discounted cost of conceding: once, and a share of the revenue over the horizon."""
        return self.parameters.cost + dividend * float(self._discounts @ (1 - self._projected_losses))

    @property
    def _discounts(self) -> NDArray[np.float64]:
        return self.parameters.discount ** np.arange(1.0, self.parameters.horizon + 1)

    @property
    def _projected_losses(self) -> NDArray[np.float64]:
        """Losses of the ticks ahead on the least-squares line of those remembered, float64[horizon]."""
        ahead = np.arange(1, self.parameters.horizon + 1)
        past = np.arange(1 - len(self._losses), 1)
        slope = np.polyfit(past, self._losses, 1)[0] if len(past) > 1 else 0.0
        return np.clip(self._losses[-1] + slope * ahead, 0.0, 1.0)

    def _offer(self) -> float | None:
        """Return the share of its revenue that Large Co. would pay out; ``None`` if that is not accepted."""
        p, model = self.parameters, self._model
        unions = [c for c in model.organisations.coalitions if c.stated_goal == GOALS[PAY]]
        if not unions:
            return p.dividend
        asked = max(union.demand for union in unions)
        offer = min(asked, p.bargain * self.expected_loss() / float(self._discounts.sum()))
        if offer < min(union.reservation for union in unions):
            model.events.add(
                model.tick, "offer refused", GOALS[PAY], offer, f"{offer:.3f} of {asked:.3f} asked"
            )
            return None
        return min(offer / model.revenue.large, 1.0) if model.revenue.large > 0 else 1.0

    def _goal(self, acts: NDArray[np.bool_], rng: np.random.Generator) -> int:
        """Return the goal that Large Co. would meet: what it hears most, else any at random."""
        stated = self._model.organisations.stated_goals
        heard = acts & ((stated >= 0) | np.asarray(self._model.policy.of("voice")))
        wanted = np.where(stated >= 0, stated, self._model.population.goal)[heard]
        wishes = np.bincount(wanted, minlength=len(GOALS)) * ~self.conceded
        guess = int(rng.choice(np.flatnonzero(~self.conceded)))
        return int(wishes.argmax()) if wishes.any() else guess

    def _concede(self, goal: int, dividend: float, lots: NDArray[np.float64]) -> None:
        p, model = self.parameters, self._model
        met = (model.population.goal == goal) & (lots < p.returning)
        self.conceded[goal] = True
        self.satisfied |= met
        self.spent = p.cost
        if goal == PAY:
            self.dividend = dividend
        acting = int(np.count_nonzero(met & (model.population.stance != STAY)))
        text = f"{GOALS[goal]}: {acting} of those who act are satisfied"
        model.events.add(model.tick, "concession", GOALS[goal], acting, text)

    @property
    def columns(self) -> dict[str, float]:
        """What is recorded of a tick: concessions so far, the tick's own, and whose goals are met."""
        goals = self._model.population.goal
        return {
            "conceded": int(self.conceded.sum()),
            **{f"conceded_{goal}": int(met) for goal, met in zip(GOALS, self.conceded, strict=True)},
            "concession_cost": self.spent,
            "share_goal_met": float(self.conceded[goals].mean()),
            "share_satisfied": float(self.satisfied.mean()),
        }
