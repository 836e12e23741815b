"""A dividend on Large Co.'s revenue: to whom it goes, and in which parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from abm.money.inequality import Transform, pay_weights
from abm.training import LARGE
from learners.errors import InputError
from learners.holdings import ABSENT, Holding
from learners.parameters import Parameters, constant, parameter

if TYPE_CHECKING:
    from abm.model import DataLeverageModel

MOST_VALUED = constant(
    "dividend.most_valued",
    5_000,
    "Most users, or groups, whose data's worth is measured, by a retraining without each",
    unit="users",
)

COALITION = "coalition"
"""The grouping whose groups are coalitions; who is in none is in no group."""

MEASURED = ("shift", "absolute", "clip", "bin")
"""Transforms of what people's data are worth, which must be measured; the others need no worth."""


class DividendParameters(Parameters):
    """How a dividend is divided; how large it is says the policy's ``dividend_share``."""

    unit: Literal["individual", "group", "fund"] = parameter(
        "individual",
        "individual: by each one's data; group: by each group's, in equal parts to its members whose data "
        "Large Co. has; fund: to a public fund that spends it on everybody alike",
        unit="-",
    )
    transform: Transform = parameter(
        "per_record",
        "How a part follows from what data are worth: shift, absolute, clip, bin; or equal, per_record",
        unit="-",
    )
    bins: int = parameter(10, "Bins of transform 'bin'", unit="bins", ge=2, le=1000)
    group: str | None = parameter(
        None, "Grouping of the users, for unit 'group'; 'coalition': those they are members of", unit="-"
    )


class Dividends:
    """Everybody's weight in a dividend.

    What data are worth is measured once, when a dividend is first due, and for coalitions whenever members
    come or go: by how much Large Co.'s normalised quality on the holdout falls when a user's data, or those
    of a group, are missing from all that exist. Where nobody's weight is above 0, nothing is paid.
    """

    def __init__(self, model: DataLeverageModel) -> None:
        self._model = model
        self._worth: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def weights(self, parameters: DividendParameters) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return everybody's weight of pay, and what it would be if Large Co. had the user's data, too.

        Only those are paid whose data it has; the weights of the others are 0. Both float64[N].

        Raises
        ------
        InputError
            If the grouping is not known, or the worth of data cannot be measured.
        """
        if parameters.unit == "group":
            return self._by_group(parameters)
        model = self._model
        present = model.large.store.codes != ABSENT
        records = model.large.records_by_user(Holding.full(len(present), model.clock.arrived))
        if parameters.transform == "per_record":
            return model.large.records_by_user(model.large.store.holding()), records
        values = self._values("", np.arange(len(records))) if parameters.transform in MEASURED else records
        weights = pay_weights(values, parameters.transform, bins=parameters.bins, records=records)
        weights = np.nan_to_num(weights)
        return weights * present, weights

    def _by_group(self, parameters: DividendParameters) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        model, codes = self._model, self._groups(parameters.group)
        inside, weights = codes >= 0, np.zeros(len(codes))
        if not inside.any():
            return weights, weights
        everything = Holding.full(len(codes), model.clock.arrived)
        records = np.bincount(codes[inside], model.large.records_by_user(everything)[inside])
        measured = parameters.transform in MEASURED
        values = self._values(str(parameters.group), codes) if measured else records
        of_groups = pay_weights(values, parameters.transform, bins=parameters.bins, records=records)
        present = model.large.store.codes != ABSENT
        members = np.bincount(codes[inside], present[inside], minlength=len(of_groups))
        heads = np.maximum(members[codes[inside]] + ~present[inside], 1)
        weights[inside] = np.nan_to_num(of_groups)[codes[inside]] / heads
        return weights * present, weights

    def _groups(self, name: str | None) -> NDArray[np.int64]:
        """Return the number of each user's group, int64[N]; -1 for who is in none."""
        model = self._model
        if name == COALITION:
            return model.organisations.membership.coalition.astype(np.int64)
        if name not in model.groups:
            known = ", ".join([*model.groups, COALITION])
            raise InputError(f"dividend.group: '{name}' is no grouping of these users (known: {known})")
        return np.unique(np.asarray(model.groups[name]), return_inverse=True)[1]

    def _values(self, grouping: str, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what the data of each group are worth, measured when its members are others than before."""
        known = self._worth.get(grouping)
        if known is None or not np.array_equal(known[0], codes):
            self._worth[grouping] = known = codes, strike_values(self._model, codes)
        return known[1]


def strike_values(model: DataLeverageModel, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what Large Co.'s normalised quality loses without each group of users, float64[K].

    Quality is on the holdout, of models trained as shadows on all that exists but the group's data.

    Parameters
    ----------
    codes
        int64[N]: number of each user's group, 0 ... K - 1; -1 for who is in none.

    Raises
    ------
    InputError
        If there are too many groups, or nothing can be trained.
    """
    n_groups = int(codes.max()) + 1
    if n_groups > MOST_VALUED:
        raise InputError(
            f"dividend: the worth of {n_groups} users' data is too much to measure (at most {MOST_VALUED}); "
            "take unit 'group', or transform 'equal' or 'per_record'"
        )
    if model.training.mode == "replay":
        raise InputError(
            "dividend.transform: takes 'equal' or 'per_record' in mode replay, which trains no models"
        )
    everything = Holding.full(len(codes), model.clock.arrived)
    everybody = np.ones(len(codes), np.bool_)

    def quality(holding: Holding) -> float:
        service = model.training.shadow(LARGE, holding)(everybody)
        worst, best = service.baseline["holdout"], service.best["holdout"]
        return (service.quality["holdout"] - worst) / (best - worst)

    full = quality(everything)
    return np.array([full - quality(everything.without(codes == k)) for k in range(n_groups)])
