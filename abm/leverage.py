"""Which of the measured leverages is the headline, and the three of them from two services."""

from __future__ import annotations

from typing import Literal

import numpy as np

from abm.services import Service
from learners.leverage import LeverageScale
from learners.parameters import Parameters, parameter


class LeverageParameters(Parameters):
    """Which of the measured leverages is the headline."""

    perspective: Literal["served", "company", "holdout"] = parameter(
        "served", "Test records behind dlp_cdc, dlp_strike and dlp_cdc_delete", unit="-"
    )
    baseline: Literal["principled", "published"] = parameter(
        "principled",
        "W and B from reference models of this run, or the constants of the published tables",
        unit="-",
    )


def leverage(
    large: Service, small: Service, perspective: str, published: LeverageScale | None
) -> dict[str, float]:
    """Return the three DLPs, each company measured against W and B on its own test records.

    On one common scale the third is (q_S - W) / (q_L - W) exactly; on two scales it is the ratio of the
    normalised qualities. NaN where Large Co. is at its baseline.
    """
    on_large = published or LeverageScale(large.baseline[perspective], large.best[perspective])
    on_small = published or LeverageScale(small.baseline[perspective], small.best[perspective])
    cdc = float(on_small.cdc(small.quality[perspective]))
    left = float(on_large.normalised(large.quality[perspective]))
    return {
        "cdc": cdc,
        "strike": float(on_large.strike(large.quality[perspective])),
        "cdc_delete": cdc / left if left else np.nan,
    }
