"""Years of progress lost: the year whose technique did as well as Large Co. does now. A proxy, not a measure.

A ladder of dated techniques on ML-1M is read on the scale of leverage, from the un-informed baseline to the
model in use, and so is the run: the ladder's own numbers are of another split of the data. On surfaced hits
the oldest technique beats the second, so the ladder is made monotone first: neighbours in the wrong order
share their mean.

Core Objects: equivalent_year, ladder.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from sklearn.isotonic import isotonic_regression

from learners.leverage import LeverageScale
from learners.published import progress_ladder, strike_table

LadderMetric: TypeAlias = Literal["rmse", "surfaced_hits"]


def ladder(metric: LadderMetric) -> pd.DataFrame:
    """Return the ladder on the scale of leverage.

    Parameters
    ----------
    metric
        Measure of quality.

    Returns
    -------
    DataFrame
        One row a technique, from the oldest: ``technique``, ``year``, ``quality`` in the metric's unit,
        ``loss`` (0: matrix factorisation, 1: item means) and ``monotone_loss``, never rising with the years.
    """
    published = strike_table()
    nobody = published[(published["quantity"] == metric) & (published["lever"] == "none")].set_index("who")
    scale = LeverageScale(float(nobody["value"]["item_mean"]), float(nobody["value"]["svd"]))
    rungs = progress_ladder().sort_values("year", ignore_index=True)
    loss = scale.strike(rungs[metric])
    return pd.DataFrame(
        {
            "technique": rungs["technique"],
            "year": rungs["year"],
            "quality": rungs[metric],
            "loss": loss,
            "monotone_loss": isotonic_regression(loss, increasing=False),
        }
    )


def equivalent_year(loss: float, metric: LadderMetric = "rmse") -> float:
    """Return the year whose technique loses as much, between two techniques in proportion.

    Parameters
    ----------
    loss
        Share of the way from the model in use down to the baseline, such as DLP of strike.
    metric
        The ladder.

    Returns
    -------
    float
        Infinite where the loss is less than that of the newest technique, minus infinite where it is more
        than that of the oldest. Of techniques that share a rung, the newest counts.
    """
    rungs = ladder(metric)
    losses, years = rungs["monotone_loss"].to_numpy(float), rungs["year"].to_numpy(float)
    if math.isnan(loss):
        return math.nan
    if loss < losses[-1]:
        return math.inf
    if loss > losses[0]:
        return -math.inf
    later = np.searchsorted(-losses, -loss, side="right") - 1
    if losses[later] == loss or later + 1 == len(losses):
        return float(years[later])
    part = (losses[later] - loss) / (losses[later] - losses[later + 1])
    return float(years[later] + part * (years[later + 1] - years[later]))
