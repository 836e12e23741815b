"""Critical mass: users contribute what they own if that pays, given what others contribute already."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abm.costs import barriers_left
from abm.decisions.anticipation import Bystanders
from abm.decisions.campaign import Campaign, CampaignParameters, CampaignRule
from abm.decisions.organiser import OrganiserParameters, Organisers
from abm.decisions.rule import Start
from abm.decisions.stakes import Stakes
from abm.decisions.view import DecisionView
from abm.policy import Policy
from abm.production import Linear, Production, ProductionParameters
from learners.parameters import parameter

_THEORY = "Oliver, Marwell, Teixeira 1985"


class CriticalMassParameters(CampaignParameters):
    """Take part iff v_i N^-crowding [P(R + r_i + e_i) - P(R)] > c r_i (Oliver, Marwell, Teixeira 1985).

    R is the share of the data of those who take part, r_i the user's own share, v_i interest.
    """

    rule: Literal["critical_mass"] = "critical_mass"
    production: ProductionParameters = Field(default_factory=Linear)
    cost: float = parameter(
        1.0,
        "Cost c of contributing all the data there are, before an intervention adds tools, which lower it as "
        "they lower the barriers to the stance",
        unit="utility",
        ge=0,
        le=1000,
    )
    crowding: float = parameter(
        0.0,
        "Exponent x: the good is divided by N^x; 0 for a good that all enjoy in full",
        unit="-",
        source="Oliver, Marwell 1988",
        ge=0,
        le=1,
    )
    depth: int = parameter(
        0, "Levels of others' reactions to their joining that users foresee", unit="levels", ge=0, le=3
    )
    discount: float = parameter(
        0.5, "Weight of a foreseen level against the one before", unit="-", ge=0, le=1
    )
    contract: bool = parameter(
        False,
        "Whether all whom it pays to join together do, bound by an all-or-none contract",
        unit="-",
        source=_THEORY,
    )
    organisers: OrganiserParameters | None = parameter(
        None, "Who pays for bringing neighbours together, if anybody", unit="-"
    )


class CriticalMassRule(CampaignRule):
    """Take part iff one's own data bring more than they cost."""

    def __init__(self, parameters: CriticalMassParameters) -> None:
        super().__init__(parameters)
        self.parameters = parameters
        self.organisers = None if parameters.organisers is None else Organisers(parameters.organisers)
        self._base = Policy()
        self._production: Production = np.asarray
        self._stakes = Stakes(np.empty(0), np.empty(0), np.empty(0), self._production)

    @property
    def contacts(self) -> int:
        """Contacts that organisers have made so far."""
        return 0 if self.organisers is None else self.organisers.contacts

    def begin(self, start: Start) -> None:
        """Look up the stance and the production function."""
        super().begin(start)
        self._base = start.policy
        self._production = self.parameters.production.function(start.curves)

    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the campaign's stance for those who take part."""
        self._stakes = self._stakes_of(view)
        return super().choose(view)

    def would_join(
        self, view: DecisionView, rows: NDArray[np.int64], stance: int, share: float
    ) -> NDArray[np.bool_]:
        """Return whom it pays to take part if a share of the data then does; in the campaign only."""
        campaign = Campaign(view, self._stance)
        if stance != self._stance:
            return np.zeros(len(rows), np.bool_)
        gain = self._production([campaign.resources, max(share, campaign.resources)])
        pays = self._stakes_of(view).pays(rows, np.full(len(rows), gain[1] - gain[0]))
        return pays & ~campaign.takes_part[rows] & campaign.permitted(rows)

    def advantage(
        self, view: DecisionView, rows: NDArray[np.int64], stance: int, bloc: float
    ) -> NDArray[np.floating]:
        """Return what a bloc's taking part brings each less what it costs them; in the campaign only.

        Nobody thinks of a bloc as smaller than what they own.
        """
        if stance != self._stance:
            return np.full(len(rows), -np.inf)
        campaign, stakes = Campaign(view, self._stance), self._stakes_of(view)
        inside, moved = campaign.takes_part[rows], np.maximum(bloc, stakes.resources[rows])
        with_others = np.clip(campaign.resources + np.where(inside, -moved, moved), 0.0, 1.0)
        gain = np.abs(stakes.production(with_others) - stakes.production(campaign.resources))
        open_ = inside | campaign.permitted(rows)
        return np.where(open_, stakes.value[rows] * gain - stakes.cost[rows], -np.inf)

    def _stakes_of(self, view: DecisionView) -> Stakes:
        population, bits = view.population, view.stances.bits[self._stance]
        left = barriers_left(population.parameters.costs, bits, view.policy, self._base)
        if population.relief is not None:
            left = left * (1 - population.relief[:, bits].mean(axis=1))
        each = float(population.n_users) ** -self.parameters.crowding
        return Stakes(
            value=each * population.interest.astype(np.float64),
            cost=self.parameters.cost * left * population.cost * population.weight,
            resources=population.weight,
            production=self._production,
        )

    def together(self, campaign: Campaign) -> None:
        """Let organisers gather their neighbours, then all sign whom a contract pays."""
        if self.organisers is not None:
            self.organisers.gather(campaign, self._stakes)
        if self.parameters.contract:
            outside = np.flatnonzero(~campaign.takes_part)
            outside = outside[campaign.permitted(outside)]
            campaign.change(self._stakes.contract(outside, campaign.resources))

    def willing(
        self, campaign: Campaign, rows: NDArray[np.int64], slack: NDArray[np.float64] | float
    ) -> NDArray[np.bool_]:
        """Return whose own data bring more than they cost."""
        stakes, now = self._stakes, campaign.resources
        inside = campaign.takes_part[rows]
        moved = np.where(inside, -1.0, 1.0) * stakes.resources[rows]
        if self.parameters.depth and not inside.all():
            bystanders = Bystanders(np.flatnonzero(~campaign.takes_part), stakes)
            moved[~inside] += bystanders.anticipated(
                rows[~inside], now, self.parameters.depth, self.parameters.discount
            )
        gain = stakes.production(np.clip(now + moved, 0.0, 1.0)) - stakes.production(now)
        return stakes.pays(rows, np.where(inside, -gain, gain), slack)
