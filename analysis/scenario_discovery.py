"""A study's runs in the shape that ema_workbench analyses, for scenario discovery with PRIM or CART.

Its analyses take a table of experiments and a mapping of outcomes (Bryant and Lempert 2010; Kwakkel 2017);
nothing of it is imported here.

Core Objects: experiments_outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def experiments_outcomes(
    runs: pd.DataFrame, outputs: Sequence[str], parameters: Sequence[str], reference: str | None = None
) -> tuple[pd.DataFrame, dict[str, NDArray[np.float64]]]:
    """Return one experiment for each arm and point at which all replicates have finished.

    Parameters
    ----------
    runs
        One row a run: arm, point, replicate, status, a column for each parameter and for each output.
    outputs, parameters
        Columns of outputs, and of what was sampled or swept.
    reference
        With an arm's name, outcomes are paired differences to it, and its own experiments are left out.

    Returns
    -------
    DataFrame
        The parameters, then ``policy`` (the arm) and ``scenario`` (the point), one row an experiment.
    dict
        Each output's mean over replicates, [experiments]; experiments with one that is not defined are left
        out, as PRIM has no place for them.
    """
    means = pd.DataFrame({name: _means(runs, name, reference) for name in outputs}).dropna()
    points = runs.drop_duplicates("point").set_index("point")[list(parameters)]
    arms, numbers = (means.index.get_level_values(level) for level in ("arm", "point"))
    experiments = points.loc[numbers].reset_index(drop=True).assign(policy=list(arms), scenario=list(numbers))
    return experiments, {name: means[name].to_numpy() for name in outputs}


def _means(runs: pd.DataFrame, output: str, reference: str | None) -> pd.Series[float]:
    """Return an output's mean by arm and point; NaN where a replicate is lost: luck would not be paired."""
    finished = runs[output].astype(np.float64).where(runs["status"] == "finished")
    values = runs.assign(value=finished).pivot(index=["arm", "point"], columns="replicate", values="value")
    if reference is not None:
        paired = values.loc[reference].reindex(values.index.get_level_values("point"))
        values = (values - paired.to_numpy()).drop(index=reference)
    return values.mean(axis=1, skipna=False)
