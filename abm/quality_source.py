"""What the qualities of a run come from: models trained on data, a recorded run, or a learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.clock import ClockParameters
from abm.curve_training import CurveTraining
from abm.population import PopulationParameters, poisons_on_offer
from abm.training import LiveTraining, Replay, Training, recorded_users
from learners.curves.curve_table import Curve
from learners.errors import InputError
from learners.parameters import constant
from learners.poisoning import Poison
from learners.usecase import UseCase, load_use_case

USERS = constant(
    "population.users_without_data",
    2_000,
    "Users where no data set, recording or parameter says how many",
    unit="users",
)

MOST_USERS = 50_000_000
"""Where no data set bounds them; more fit into the memory of no usual machine."""


class QualitySource:
    """One of the three sources, checked against what a run asks of it.

    Users are the owners of the data where these are at hand: always live, and with a curve measured on them
    unless the population is given as a number. Elsewhere each user owns one record.

    Parameters
    ----------
    use_case
        Name of a use case, or one that is loaded already.
    replay
        The ``ticks`` table of a recorded run.
    curve
        A learning curve; with neither, models are trained.

    Attributes
    ----------
    name
        Of the use case.
    use_case
        Whose owners the users are; ``None`` where they are nobody's.
    records
        Number of records that each user owns, [N].
    poisons
        Poison kinds that users can choose.

    Raises
    ------
    InputError
        If the source cannot give what is asked of it.
    """

    def __init__(
        self,
        use_case: str | UseCase,
        population: PopulationParameters,
        clock: ClockParameters,
        replay: pd.DataFrame | None,
        curve: Curve | None,
    ) -> None:
        self.name = use_case if isinstance(use_case, str) else use_case.name
        self._replay, self._curve = replay, curve
        self._check(population)
        owned = replay is None and (curve is None or (curve.measured and population.users == "all"))
        if clock.kind == "stream" and not owned:
            why = (
                "where users own no records of a data set"
                if curve
                else "in a replay, in which no records arrive"
            )
            raise InputError(f"clock.kind: must be 'static' {why}")
        self.use_case = _loaded(use_case, population) if owned else None
        self.records: NDArray[Any] = (
            np.ones(self._users(population)) if self.use_case is None else self.use_case.records_per_owner
        )
        self._check_data()
        self.poisons = self._poisons(population)

    def training(
        self, records: NDArray[np.float64], seed: int, arrived: NDArray[np.bool_] | None
    ) -> Training:
        """Return the source of services.

        Parameters
        ----------
        records
            float64[N], records owned.
        seed
            Of the models that are trained.
        arrived
            bool[n_records], records that exist at the start; ``None`` without a data clock.
        """
        if self._replay is not None:
            return Replay(self._replay, records)
        if self._curve is not None:
            owners = self.use_case.record_owners if self.use_case else np.empty(0, np.int32)
            return CurveTraining(self._curve, records, owners)
        assert self.use_case is not None
        return LiveTraining(self.use_case, seed, arrived)

    def _check(self, population: PopulationParameters) -> None:
        curve = self._curve
        if self._replay is not None and curve is not None:
            raise InputError("replay, curve: qualities come from one of them, not from both")
        for family in ("true", "biased"):
            if self._replay is not None and getattr(population.beliefs, family) > 0:
                why = "in a replay, which has no measured curve"
                raise InputError(f"population.beliefs.{family}: must be 0 {why}")
        if curve is not None and curve.use_case != self.name:
            raise InputError(f"curve: {curve.source} is of {curve.use_case}, not of {self.name}")

    def _check_data(self) -> None:
        curve, data = self._curve, self.use_case
        if curve is not None and data is not None and curve.data_digest != data.data_digest:
            raise InputError(f"curve: {curve.source} was measured on other data than {data.name} here")

    def _users(self, population: PopulationParameters) -> int:
        recorded = USERS if self._replay is None else recorded_users(self._replay)
        if population.users == "all":
            return recorded
        if population.users > MOST_USERS:
            raise InputError(
                f"population.users: must be at most {MOST_USERS}, or memory does not suffice "
                f"(got {population.users})"
            )
        return population.users

    def _poisons(self, population: PopulationParameters) -> list[str]:
        """Return the poison kinds that users can choose: none in a replay, with a curve what it measured."""
        chosen, curve = population.poisons, self._curve
        if curve is None:
            return poisons_on_offer(chosen, self.use_case.poison_kinds) if self.use_case else []
        if chosen is None:
            return list(curve.poison_kinds)
        wanted = [str(Poison.of(kind)) for kind in chosen]
        for kind in wanted:
            if kind not in curve.poison_kinds:
                measured = ", ".join(curve.poison_kinds) or "no poison"
                raise InputError(
                    f"population.poisons: '{kind}' is not measured in the curve {curve.source}, "
                    f"which has {measured}"
                )
        return wanted


def _loaded(use_case: str | UseCase, population: PopulationParameters) -> UseCase:
    sample = None if population.users == "all" else population.users
    if isinstance(use_case, str):
        return load_use_case(use_case, owners=sample)
    if sample not in (None, use_case.owners):
        raise InputError(
            f"population.users: {sample} is not the {use_case.owners} owners of the loaded use case"
        )
    return use_case
