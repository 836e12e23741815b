"""What each owner's data are worth, how sure that is, and how unequal dividends by it would be.

Core Objects: leave_one_out, sign_changes, dividend_table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.money.inequality import TRANSFORMS, gini, pay_weights
from learners.errors import InputError
from learners.usecase import Reference


def leave_one_out(reference: Reference, progress: Callable[[int], None] | None = None) -> NDArray[np.float64]:
    """Return what normalised quality on the holdout loses without each owner's data, float64[owners].

    Every owner's absence is a retraining, as a shadow, that goes on from the reference model.

    Parameters
    ----------
    reference
        The models of nobody's and of everybody's data.
    progress
        Called with the number of owners done.
    """
    use_case = reference.use_case
    everybody = reference.evaluation.holding
    scale = reference.scale("holdout", reference.evaluation)
    lost = np.empty(use_case.owners)
    for owner in range(use_case.owners):
        trained = reference.learner.fork("shadow").update(everybody.without([owner]), reference.uninformed)
        lost[owner] = scale.strike(trained.holdout)
        if progress:
            progress(owner + 1)
    return lost


def sign_changes(values: NDArray[np.float64], again: NDArray[np.float64]) -> float:
    """Return the share of values that differ in sign when measured again, such as with another seed.

    Half of them would if they were noise around zero.

    Raises
    ------
    InputError
        If there are not as many.
    """
    if values.shape != again.shape:
        raise InputError(f"values: {values.size} measured first, {again.size} again")
    return float(np.mean(np.sign(values) != np.sign(again)))


def dividend_table(
    values: Mapping[int, NDArray[np.float64]], records: NDArray[np.float64], bins: int = 10
) -> pd.DataFrame:
    """Return how unequal a dividend is by transform and seed of the values.

    Parameters
    ----------
    values
        Seed to what each one's data are worth, float64[owners].
    records
        float64[owners].
    bins
        Of transform ``bin``.

    Returns
    -------
    pandas.DataFrame
        Columns ``transform``, ``seed``, ``gini``, ``unpaid`` (share of the owners who get nothing) and
        ``top_tenth`` (share of the dividend that goes to the tenth who get most).
    """
    rows = []
    for seed, worth in values.items():
        for transform in TRANSFORMS:
            pay = pay_weights(worth, transform, bins=bins, records=records)  # type: ignore[arg-type]
            most = -(-len(pay) // 10)
            rows.append(
                {
                    "transform": transform,
                    "seed": seed,
                    "gini": gini(pay),
                    "unpaid": float(np.mean(pay == 0)),
                    "top_tenth": float(np.sort(pay)[-most:].sum()),
                }
            )
    return pd.DataFrame(rows)
