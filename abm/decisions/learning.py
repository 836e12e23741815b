"""Learning by doing: users do again what turned out better than they had hoped."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abm.decisions.campaign import Campaign, CampaignParameters, CampaignRule
from abm.decisions.rule import Start
from abm.decisions.view import DecisionView
from abm.production import Linear, Production, ProductionParameters
from learners.parameters import parameter

_SOURCE = "form: Macy 1990; Macy, Flache 2002; size: ours"


class LearningParameters(CampaignParameters):
    """Reinforcement against an aspiration that follows experience (Bush, Mosteller 1950; Macy 1990)."""

    rule: Literal["learning"] = "learning"
    ratchet: bool = parameter(
        False, "Whether who takes part never stops; otherwise they decide anew every tick", unit="-"
    )
    production: ProductionParameters = Field(default_factory=Linear)
    cost: float = parameter(0.1, "Cost of taking part", unit="utility/tick", ge=0, le=1000)
    propensity: float = parameter(
        0.1, "Probability of taking part at the start", unit="per tick", source=_SOURCE, ge=0, le=1
    )
    learning_rate: float = parameter(
        0.5, "Largest share of the way to certainty in one step", unit="per tick", source=_SOURCE, ge=0, le=1
    )
    aspiration: float = parameter(
        0.0, "Payoff hoped for at the start, as a share of the largest", unit="-", source=_SOURCE, ge=-1, le=1
    )
    habituation: float = parameter(
        0.2,
        "Length of the step from aspiration to the last payoff",
        unit="per tick",
        source=_SOURCE,
        ge=0,
        le=1,
    )


class LearningRule(CampaignRule):
    """Take part with a probability that rewards raise and disappointments lower.

    A payoff is v_i P(R) less the cost of taking part. What was done is repeated more often, in proportion to
    how far the payoff exceeds the aspiration, relative to v_i plus cost; less often where it falls short.

    Attributes
    ----------
    propensity
        float64[N]: probability of taking part.
    aspiration
        float64[N]: payoff hoped for.
    """

    def __init__(self, parameters: LearningParameters) -> None:
        super().__init__(parameters)
        self.parameters = parameters
        self.propensity = self.aspiration = np.empty(0)
        self._production: Production = np.asarray
        self._lots = np.empty(0)

    def begin(self, start: Start) -> None:
        """Look up the stance and the production function; nobody has learned anything yet."""
        super().begin(start)
        self._production = self.parameters.production.function(start.curves)
        self.propensity = np.full(start.network.n_users, self.parameters.propensity)
        self.aspiration = np.empty(0)

    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the campaign's stance for those who take part, once they have learned from the last tick."""
        self._learn(view)
        self._lots = view.streams.generator("trial", view.tick).random(view.population.n_users)
        return super().choose(view)

    def willing(
        self, campaign: Campaign, rows: NDArray[np.int64], slack: NDArray[np.float64] | float
    ) -> NDArray[np.bool_]:
        """Return who tries taking part; nothing of what others do now bears on that."""
        return self._lots[rows] < self.propensity[rows]

    def _learn(self, view: DecisionView) -> None:
        p, population = self.parameters, view.population
        value = population.interest.astype(np.float64)
        cost = p.cost * population.cost
        if not self.aspiration.size:  # nothing has been tried
            self.aspiration = p.aspiration * value
            return
        campaign = Campaign(view, self._stance)
        acted = campaign.takes_part
        payoff = value * self._production(campaign.resources) - cost * acted
        scale = np.where(value + cost > 0, value + cost, 1.0)
        step = p.learning_rate * np.clip((payoff - self.aspiration) / scale, -1, 1)
        done = np.where(acted, self.propensity, 1 - self.propensity)
        done += np.where(step >= 0, 1 - done, done) * step
        self.propensity = np.where(acted, done, 1 - done)
        self.aspiration = self.aspiration + p.habituation * (payoff - self.aspiration)
