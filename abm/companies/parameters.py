"""What the companies and the market they share are like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from abm.companies.detection import DetectionParameters
from abm.concessions import ConcessionParameters
from abm.money.credits import ReuseParameters
from abm.revenue import RevenueParameters
from abm.services import ConsumptionParameters
from learners.parameters import Parameters, parameter


class LargeParameters(Parameters):
    """Large Co., which starts with everybody's data."""

    retrain_every: int = parameter(1, "Ticks between retrainings", unit="ticks", ge=1, le=10_000)
    forgetting: Literal["retrain", "launder", "unlearn"] = parameter(
        "retrain",
        "How records that left the store leave the model. retrain: it is retrained without them; launder: "
        "not before a retraining from scratch; unlearn: of several models, those that saw them are (SISA)",
        unit="-",
        source="unlearn: Bourtoule et al. 2021",
    )
    shards: int = parameter(
        5, "Shards of the owners, each with a model of its own (unlearn)", unit="shards", ge=2, le=1_000
    )
    cold_retrain_every: int | None = parameter(
        None, "Ticks between retrainings from scratch; never by default", unit="ticks", ge=1, le=10_000
    )
    cold_retrain_ticks: int = parameter(
        5, "Ticks that a retraining from scratch takes once it is ordered", unit="ticks", ge=0, le=10_000
    )
    detection: DetectionParameters = Field(default_factory=DetectionParameters)


class SmallParameters(Parameters):
    """Small Co., the rival, or several like it."""

    retrain_every: int = parameter(1, "Ticks between retrainings", unit="ticks", ge=1, le=10_000)
    entrants: int = parameter(
        1,
        "Small companies, all like this, each with the copies that it was given; a user has one copy",
        unit="companies",
        ge=1,
        le=8,
    )
    by_quality: float = parameter(
        0.0,
        "Weight of what several entrants are worth to those they know, in choosing whom to give a copy to; "
        "with both weights 0 they are chosen by lot",
        unit="scale of taste shocks",
        ge=0,
        le=1000,
    )
    by_neighbours: float = parameter(
        0.0,
        "Weight of the share that an entrant holds of the neighbours' copies, in the same choice",
        unit="scale of taste shocks",
        ge=0,
        le=1000,
    )
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
    viable_revenue: float = parameter(
        0.0,
        "Revenue below which it cannot live; 0 where it lives on anything",
        unit="Large Co.'s revenue at tick 0",
        ge=0,
        le=100,
    )
    patience: int = parameter(
        10,
        "Ticks in a row below that revenue after which it leaves the market",
        unit="ticks",
        ge=1,
        le=10_000,
    )
    value_drift: float = parameter(
        0.0,
        "Share of what is left of its match with users' values that it loses each tick",
        unit="per tick",
        ge=0,
        le=1,
    )


class CompanyParameters(Parameters):
    """Both companies and the market they share."""

    large: LargeParameters = Field(default_factory=LargeParameters)
    small: SmallParameters = Field(default_factory=SmallParameters)
    consumption: ConsumptionParameters = Field(default_factory=ConsumptionParameters)
    revenue: RevenueParameters = Field(default_factory=RevenueParameters)
    concessions: ConcessionParameters = Field(default_factory=ConcessionParameters)
    reuse: ReuseParameters = Field(default_factory=ReuseParameters)
