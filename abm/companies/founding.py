"""The companies as they are before anybody acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.companies.data_store import DataStore
from abm.companies.entrants import Entrants
from abm.companies.large import LargeCompany
from abm.companies.parameters import CompanyParameters, LargeParameters
from abm.companies.small import SmallCompany
from abm.production import Measured
from abm.training import Replay
from learners.errors import InputError
from learners.holdings import ABSENT, GENUINE

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


def found_companies(
    model: DataLeverageModel, parameters: CompanyParameters
) -> tuple[LargeCompany, SmallCompany | Entrants]:
    """Return Large Co., which has everybody's data, and Small Co., which has those of a few or none.

    Where there are several entrants, they take the place of Small Co.

    Raises
    ------
    InputError
        If companies are to do what the source of qualities, or another part of the model, cannot follow.
    """
    _check(model, parameters.large)
    small = parameters.small
    n = model.population.n_users
    poisons = tuple(poison for poison in model.stances.poisons if poison is not None)

    def store_of(users: NDArray[np.bool_]) -> DataStore:
        store = DataStore(np.where(users, GENUINE, ABSENT).astype(np.int8), poisons, model.record_owners)
        if model.clock.arrived is not None:
            store.arrived = model.clock.arrived & users[model.record_owners]
        return store

    starts = model.streams.generator("small start").random(n) < small.starts_with
    large = LargeCompany(model, parameters.large, store_of(np.ones(n, np.bool_)))
    if small.entrants == 1:
        return large, SmallCompany(model, small, store_of(starts))
    _check_entrants(model, small.entrants)
    return large, Entrants(model, small, starts, store_of)


def _check_entrants(model: DataLeverageModel, entrants: int) -> None:
    got = f"(got {entrants})"
    if isinstance(model.training, Replay):
        raise InputError(f"companies.small.entrants: must be 1 in mode replay, which records one {got}")
    if model.record.attribution != "off":
        raise InputError(f"companies.small.entrants: must be 1 unless record.attribution is 'off' {got}")
    production = getattr(getattr(model.rule, "parameters", None), "production", None)
    if isinstance(production, Measured) and production.lever != "strike":
        raise InputError(
            f"companies.small.entrants: must be 1 with decision.production.lever '{production.lever}', "
            f"measured where one company gets every copy {got}"
        )


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
