"""Rules of the first kind: users act once enough others do, of everybody or of their neighbours."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abm.decisions.campaign import Campaign, CampaignParameters, CampaignRule
from abm.decisions.view import DecisionView
from learners.parameters import parameter

_ROUNDING = 1e-7
"""Shares that fall short of a threshold by less have reached it: 3 of 30 is not quite .1 in binary."""

Own = Literal["own"]
"""Instead of a number for everybody: the users' own thresholds, a trait of the population."""


class ThresholdParameters(CampaignParameters):
    """Act once as many do as one's own threshold says (Granovetter 1978)."""

    rule: Literal["threshold"] = "threshold"
    reference: Literal["population", "neighbours"] = parameter(
        "population",
        "Whose acting counts: everybody's or the neighbours'",
        unit="-",
        source="Granovetter 1978",
    )
    measure: Literal["share", "number"] = parameter(
        "share", "Whether thresholds are shares or numbers of these", unit="-", source="Granovetter 1978"
    )


class WattsParameters(CampaignParameters):
    """Act once a given share of the neighbours does (Watts 2002)."""

    rule: Literal["watts"] = "watts"
    fraction: Annotated[float, Field(ge=0, le=1)] | Own = parameter(
        0.18, "Share of neighbours, or 'own'", unit="share of neighbours", source="Watts 2002"
    )


class ComplexContagionParameters(CampaignParameters):
    """Act once a given number of neighbours does, however many there are (Centola, Macy 2007)."""

    rule: Literal["complex_contagion"] = "complex_contagion"
    exposures: Annotated[int, Field(ge=1)] | Own = parameter(
        2,
        "Number of neighbours, 1 for a simple contagion, or 'own'",
        unit="neighbours",
        source="Centola, Macy 2007",
    )
    noise: float = parameter(
        0.0,
        "Probability that who has just one active neighbour acts already",
        unit="per tick",
        source="Eckles, Mossel, Rahimian, Sen 2024",
        ge=0,
        le=1,
    )


class ThresholdRule(CampaignRule):
    """Take part iff the number or share of others reaches one's own threshold."""

    def __init__(self, parameters: ThresholdParameters) -> None:
        super().__init__(parameters)
        self.parameters = parameters

    def willing(
        self, campaign: Campaign, rows: NDArray[np.int64], slack: NDArray[np.float64] | float
    ) -> NDArray[np.bool_]:
        """Return who sees enough others take part; of everybody, who decides counts, too."""
        share = self.parameters.measure == "share"
        level: float | NDArray[np.floating]
        if self.parameters.reference == "population":
            level = campaign.members / (campaign.view.population.n_users if share else 1)
        else:
            level = campaign.exposure(rows) if share else campaign.exposed[rows]
        return level >= campaign.view.population.threshold[rows] - slack - _ROUNDING


class WattsRule(CampaignRule):
    """Take part iff the share of neighbours who do reaches the threshold; without neighbours that is 0."""

    def __init__(self, parameters: WattsParameters) -> None:
        super().__init__(parameters)
        self.parameters = parameters

    def willing(
        self, campaign: Campaign, rows: NDArray[np.int64], slack: NDArray[np.float64] | float
    ) -> NDArray[np.bool_]:
        """Return who sees enough neighbours take part."""
        least = _thresholds(self.parameters.fraction, campaign.view, rows)
        return campaign.exposure(rows) >= least - slack - _ROUNDING


class ComplexContagionRule(CampaignRule):
    """Take part iff enough neighbours do, or, with noise, now and then after a single one."""

    def __init__(self, parameters: ComplexContagionParameters) -> None:
        super().__init__(parameters)
        self.parameters = parameters
        self._easy: NDArray[np.bool_] | None = None

    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the campaign's stance for those who take part."""
        if self.parameters.noise > 0:
            lot = view.streams.generator("easy adoption", view.tick).random(view.population.n_users)
            self._easy = lot < self.parameters.noise
        return super().choose(view)

    def willing(
        self, campaign: Campaign, rows: NDArray[np.int64], slack: NDArray[np.float64] | float
    ) -> NDArray[np.bool_]:
        """Return who sees enough neighbours take part."""
        exposed = campaign.exposed[rows]
        enough = exposed >= _thresholds(self.parameters.exposures, campaign.view, rows) - slack
        return enough if self._easy is None else enough | ((exposed >= 1) & self._easy[rows])


def _thresholds(
    given: float | Own, view: DecisionView, rows: NDArray[np.int64]
) -> float | NDArray[np.float64]:
    return view.population.threshold[rows] if given == "own" else given
