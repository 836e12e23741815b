"""Which lever did how much: the companies' models trained anew as if some levers had not been used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.leverage import leverage
from abm.revenue import revenue
from abm.services import Service, attention_by_state
from abm.training import LARGE, SMALL
from learners.attribution import shapley_shares
from learners.holdings import ABSENT, FIRST_POISON, GENUINE, Holding

if TYPE_CHECKING:
    from abm.model import DataLeverageModel

LEVERS = ("remove", "contribute", "poison", "leave")
"""Withheld or deleted at Large Co.; contributed to Small Co.; falsified; left Large Co."""

OUTCOMES = ("dlp_cdc", "dlp_strike", "revenue_large")


def attribution_columns() -> list[str]:
    """Return the columns of :func:`lever_attribution`."""
    return [f"attribution_{outcome}_{lever}" for outcome in OUTCOMES for lever in LEVERS]


def lever_attribution(model: DataLeverageModel) -> dict[str, float]:
    """Divide the leverages and Large Co.'s loss of revenue among the levers in use at the present tick.

    Every set of the levers in use is measured as if the others had never been used, with models trained as
    shadows: warm from the reference model at Large Co., anew at Small Co.

    Returns
    -------
    dict
        Columns of :func:`attribution_columns` to Shapley shares, in the units of the outcomes. Those of an
        outcome add up to what all levers did together; a lever that nobody uses has 0.
    """
    levers = _Levers(model)
    shares = shapley_shares(levers.outcomes, levers.in_use)
    return {
        f"attribution_{outcome}_{lever}": shares[outcome].get(lever, 0.0)
        for outcome in OUTCOMES
        for lever in LEVERS
    }


class _Levers:
    """What the companies would hold, and whom they would serve, with a set of levers only."""

    def __init__(self, model: DataLeverageModel) -> None:
        self.model = model
        # What the weights lack counts, not what the store lacks, and not what the company itself left out.
        codes, arrived, exists = (
            model.large.unscreened.codes,
            model.large.unscreened.arrived,
            model.large.existed,
        )
        self._removed, self._poisoned = codes == ABSENT, codes >= FIRST_POISON
        self._as_genuine = np.where(model.large.detector.false_alarms, ABSENT, GENUINE)
        self._contributed = model.small.known & ~model.started_at_small
        missing = arrived is not None and exists is not None and bool((exists & ~arrived).any())
        used = {
            "remove": bool(self._removed.any()) or missing,
            "contribute": bool(self._contributed.any()),
            "poison": bool(self._poisoned.any()),
            "leave": not model.uses_large.all(),
        }
        self.in_use = [lever for lever in LEVERS if used[lever]]
        self._trained: dict[str, Callable[[NDArray[np.bool_]], Service]] = {}

    def outcomes(self, levers: frozenset[str]) -> dict[str, float]:
        """Return the outcomes as if only these levers had been used."""
        model = self.model
        uses_large = model.uses_large if "leave" in levers else np.ones_like(model.uses_large)
        at_large, at_small = self._large_holding(levers), self._small_holding(levers)
        known_to_large, known_to_small = at_large.codes == GENUINE, at_small.codes != ABSENT
        large = self._model_of(LARGE, at_large)(uses_large)
        small = self._model_of(SMALL, at_small)(known_to_small | model.small.serves_strangers)
        consumption = model.company_parameters.consumption
        attention = attention_by_state(
            large,
            small,
            known_to_large,
            known_to_small,
            uses_large,
            model.switching_cost,
            consumption,
            model.small.serves_strangers,
        )
        books = revenue(
            model.company_parameters.revenue,
            large,
            small,
            attention,
            uses_large,
            known_to_large,
            model.hits_at_start,
            consumption.personalisation_boost,
        )
        dlp = leverage(large, small, model.leverage_parameters.perspective, model.published_scale)
        return {"dlp_cdc": dlp["cdc"], "dlp_strike": dlp["strike"], "revenue_large": books.large}

    def _large_holding(self, levers: frozenset[str]) -> Holding:
        large = self.model.large
        assert large.trained_on is not None
        if large.weights_void:
            return large.trained_on  # by order, whatever people do
        held = replace(large.trained_on, codes=large.trained_on.codes.copy())
        if "poison" not in levers:
            held.codes[self._poisoned] = self._as_genuine[self._poisoned]
        if "remove" in levers:
            return held
        held.codes[self._removed] = self._as_genuine[self._removed]
        return replace(held, arrived=large.existed)

    def _small_holding(self, levers: frozenset[str]) -> Holding:
        held = self.model.small.leading.store.holding()
        if "contribute" not in levers:
            held.codes[self._contributed] = ABSENT
        return held

    def _model_of(self, company: str, holding: Holding) -> Callable[[NDArray[np.bool_]], Service]:
        """Return the model of a holding, trained once however many sets of levers lead to it."""
        key = company + holding.digest
        if key not in self._trained:
            self._trained[key] = self.model.training.shadow(company, holding)
        return self._trained[key]
