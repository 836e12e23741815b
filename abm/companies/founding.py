"""The companies as they are before anybody acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abm.companies.data_store import DataStore
from abm.companies.large import LargeCompany
from abm.companies.parameters import CompanyParameters, LargeParameters
from abm.companies.small import SmallCompany
from abm.training import Replay
from learners.errors import InputError
from learners.holdings import ABSENT, GENUINE

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


def found_companies(
    model: DataLeverageModel, parameters: CompanyParameters
) -> tuple[LargeCompany, SmallCompany]:
    """Return Large Co., which has everybody's data, and Small Co., which has those of a few or none.

    Raises
    ------
    InputError
        If Large Co. is to do with its models what the source of qualities cannot follow.
    """
    _check(model, parameters.large)
    n = model.population.n_users
    poisons = tuple(poison for poison in model.stances.poisons if poison is not None)
    everything = DataStore(np.full(n, GENUINE, np.int8), poisons, model.record_owners)
    starts = model.streams.generator("small start").random(n) < parameters.small.starts_with
    first = DataStore(np.where(starts, GENUINE, ABSENT).astype(np.int8), poisons, model.record_owners)
    if model.clock.arrived is not None:
        everything.arrived = model.clock.arrived.copy()
        first.arrived = model.clock.arrived & starts[model.record_owners]
    return LargeCompany(model, parameters.large, everything), SmallCompany(model, parameters.small, first)


def _check(model: DataLeverageModel, large: LargeParameters) -> None:
    if not isinstance(model.training, Replay):
        return
    why = "in mode replay, which plays recorded qualities whatever Large Co. trains on"
    if large.forgetting != "retrain" or large.cold_retrain_every is not None:
        raise InputError(
            f"companies.large.forgetting: must be 'retrain', without cold_retrain_every, {why} "
            f"(got '{large.forgetting}')"
        )
    if large.detection.most_found > 0 or large.detection.false_alarms > 0:
        raise InputError(f"companies.large.detection: most_found and false_alarms must be 0 {why}")
