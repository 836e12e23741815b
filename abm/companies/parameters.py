"""What the companies and the market they share are like."""

from __future__ import annotations

from pydantic import Field

from abm.revenue import RevenueParameters
from abm.services import ConsumptionParameters
from learners.parameters import Parameters, parameter


class LargeParameters(Parameters):
    """Large Co., which starts with everybody's data."""

    retrain_every: int = parameter(1, "Ticks between retrainings", unit="ticks", ge=1, le=10_000)


class SmallParameters(Parameters):
    """Small Co., the rival."""

    retrain_every: int = parameter(1, "Ticks between retrainings", unit="ticks", ge=1, le=10_000)
    starts_with: float = parameter(
        0.0,
        "Share of users whose data it has from the start, s0",
        unit="share of users",
        source="Vincent, Hecht 2021 (none)",
        ge=0,
        lt=1,
    )
    serves_strangers: bool = parameter(
        False, "Whether it serves, un-personalised, people whose data it does not have", unit="-"
    )


class CompanyParameters(Parameters):
    """Both companies and the market they share."""

    large: LargeParameters = Field(default_factory=LargeParameters)
    small: SmallParameters = Field(default_factory=SmallParameters)
    consumption: ConsumptionParameters = Field(default_factory=ConsumptionParameters)
    revenue: RevenueParameters = Field(default_factory=RevenueParameters)
