"""The learning curves of Vincent and Hecht (2021), read off their published tables.

They need neither data nor training. W and B are the published constants on every perspective.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from learners.curves.curve_table import Curve, Mode, Points
from learners.errors import InputError
from learners.leverage import LeverageScale, published_scale
from learners.metrics import ACCURACY, AUC, HIT_RATE, RMSE, Metric
from learners.published import FOLDER, contribution_rows, contribution_table, strike_table

PUBLISHED = "published"
"""What the source of these curves is called."""

_CASES: dict[str, tuple[Metric, bool]] = {
    "pinterest-20": (HIT_RATE, True),
    "ml-10m": (RMSE, True),
    "cifar-10": (ACCURACY, False),
    "toxic": (AUC, False),
}
"""Use case to metric and whether people are known or strangers."""

_PINTEREST_STRANGERS = 0.1668
"""HR@5 of popular items behind the published holdout of Pinterest, which was not measured but mixed."""


@lru_cache(maxsize=8)
def published_curve(use_case: str, mode: Mode) -> Curve:
    """Return the published curve of a use case.

    The rates up to one half are those of Small Co., their mirrors those of Large Co. What a stranger gets is
    the constant of the published mixture for Pinterest; for ML-10M it is what is left of the hidden error
    after the known people's part, up to one half of the data, and constant beyond, where too few strangers
    are left to tell. Hits are read in proportion to quality: on ML-10M between the published surfaced hits
    of ML-1M, elsewhere quality itself counts hits.

    Raises
    ------
    InputError
        Where nothing is published for the use case.
    """
    if use_case not in _CASES:
        raise InputError(f"curve: 'published' exists for {', '.join(_CASES)}, not for '{use_case}'")
    metric, personalised = _CASES[use_case]
    scale = published_scale(use_case)
    table = contribution_table(use_case)
    rates, company = table["rate"].to_numpy(float), table["quality_small"].to_numpy(float)
    holdout = _holdout(use_case, rates, company)
    points = {"company": company, "known": company, "served": company, "holdout": holdout}
    if use_case == "pinterest-20":
        points["stranger"] = np.full(len(rates), _PINTEREST_STRANGERS)
    elif personalised:
        points["stranger"] = _strangers(rates, company, holdout)
    return Curve(
        use_case,
        PUBLISHED,
        hashlib.sha256(b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.csv")))).hexdigest(),
        mode,
        metric,
        personalised,
        {name: _points(use_case, rates, quality, scale, name) for name, quality in points.items()},
    )


def _holdout(use_case: str, rates: NDArray[np.float64], company: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = contribution_rows(use_case)
    if rows.empty:
        return rates * company + (1 - rates) * _PINTEREST_STRANGERS
    share = np.where(rows["company"] == "small", rows["rate"], 1 - rows["rate"]).round(6)
    means = pd.Series(rows["quality_holdout"].to_numpy(float)).groupby(share).mean()
    return means.reindex(rates.round(6)).to_numpy()


def _strangers(
    rates: NDArray[np.float64], company: NDArray[np.float64], holdout: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the error of strangers: holdout^2 = rate known^2 + (1 - rate) stranger^2."""
    shares = np.minimum(rates, 0.5)
    half = np.searchsorted(rates, shares)
    return np.sqrt((holdout[half] ** 2 - shares * company[half] ** 2) / (1 - shares))


def _points(
    use_case: str, rates: NDArray[np.float64], quality: NDArray[np.float64], scale: LeverageScale, name: str
) -> Points:
    """Return the points of a perspective with the end at all of the data, where models reach B."""
    quality = np.append(quality, quality[-1] if name == "stranger" else scale.best)
    least, most = scale.baseline, scale.best
    if use_case == "ml-10m":
        hits = (
            strike_table().query("quantity == 'surfaced_hits' and lever == 'none'").set_index("who")["value"]
        )
        least, most = float(hits["item_mean"]), float(hits["svd"])
    utility = least + (most - least) * scale.normalised(quality)
    constants = np.broadcast_to([scale.baseline, scale.best, least, most], (len(quality), 4))
    values = np.column_stack([quality, constants[:, :2], utility, constants[:, 2:]])
    return Points(np.append(rates, 1.0), values)
