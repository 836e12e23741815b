"""How far a run that read its qualities off a curve is from models trained on what the companies held.

Core Objects: audited_ticks, audit, largest_error.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from abm.curve_training import CurveTraining
from abm.model import DataLeverageModel
from abm.training import LiveTraining
from learners.errors import InputError
from learners.evaluation import PERSPECTIVES
from learners.leverage import LeverageScale


class AuditError(NamedTuple):
    """An error in DLP units, and where it was found."""

    error: float
    tick: int
    company: str
    perspective: str


def audited_ticks(model: DataLeverageModel, ticks: int, number: int) -> list[int]:
    """Return evenly spaced ticks, of those at which both companies retrain.

    Raises
    ------
    InputError
        If the run has no curve to audit, its users own no data to train on, or its ticks are too few.
    """
    if not isinstance(model.training, CurveTraining):
        raise InputError("audit: only a run of mode grid or surrogate can be audited")
    if model.use_case is None:
        raise InputError(
            "audit: the users are not the owners of the use case's data; audit a run with a measured curve "
            "and population.users: all"
        )
    companies = model.companies.values()
    both = [t for t in range(1, ticks + 1) if all(company.retrains_at(t) for company in companies)]
    if not 1 <= number <= len(both):
        raise InputError(f"audit: {number} is not from 1 to {len(both)}, the ticks at which both retrain")
    return [both[round(place) - 1] for place in np.linspace(len(both) / number, len(both), number)]


def audit(model: DataLeverageModel, ticks: list[int]) -> pd.DataFrame:
    """Play a run of mode grid or surrogate and, at some ticks, train on what the companies hold.

    Parameters
    ----------
    model
        The run at tick 0; it is played to the last of ``ticks``.
    ticks
        As :func:`audited_ticks` returns them.

    Returns
    -------
    DataFrame
        One row for each tick, company and perspective: quality on the curve (``curve``) and of the trained
        model (``live``) and their difference ``error``, in the metric's unit; the same normalised, each
        between the ends of its own scale, in DLP units (``curve_normalised``, ``live_normalised``,
        ``error_dlp``); NaN where the company has no test records of its own.
    """
    assert model.use_case is not None
    live = LiveTraining(model.use_case, model.streams.integer("learner"), model.clock.arrived)
    for key in model.companies.keys() - live.learners.keys():
        live.found(key)
    rows: list[dict[str, Any]] = []
    while ticks and model.tick < ticks[-1]:
        model.step()
        if model.tick not in ticks:
            continue
        live.new_tick(model.tick, model.clock.arrived, refit=True)
        for key, company in model.companies.items():
            assert company.trained_on is not None
            live.retrain(key, company.trained_on)
            trained = live.service(key, company.serving, seconds=0.0, stale=False)
            for perspective in PERSPECTIVES:
                read, real = (
                    LeverageScale(service.baseline[perspective], service.best[perspective]).normalised(
                        service.quality[perspective]
                    )
                    for service in (company.service, trained)
                )
                quality = company.service.quality[perspective], trained.quality[perspective]
                rows.append(
                    {
                        "tick": model.tick,
                        "company": key,
                        "perspective": perspective,
                        "curve": quality[0],
                        "live": quality[1],
                        "error": quality[0] - quality[1],
                        "curve_normalised": float(read),
                        "live_normalised": float(real),
                        "error_dlp": float(read - real),
                    }
                )
    return pd.DataFrame(rows)


def largest_error(table: pd.DataFrame) -> AuditError:
    """Return the largest absolute error of an audit, in DLP units."""
    errors = table["error_dlp"].abs().fillna(0.0).to_numpy()
    worst = table.iloc[int(errors.argmax())]
    return AuditError(
        float(errors.max()), int(worst["tick"]), str(worst["company"]), str(worst["perspective"])
    )
