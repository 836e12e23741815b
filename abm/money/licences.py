"""Data licences: what users contributed may be used only on terms, and no longer than they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from abm.companies.market_exit import send_home
from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class LicenceParameters(Parameters):
    """The terms of a licence, and what it is worth to who gives one."""

    term: Literal["values", "pay"] = parameter(
        "values",
        "values: Small Co.'s match with users' values is at least so much; pay: the credit price is",
        unit="-",
    )
    least: float = parameter(
        0.8,
        "Least match with values, or least price per record and tick",
        unit="share, or Large Co.'s revenue per record at the start",
        ge=0,
        le=100,
    )
    protection: float = parameter(
        0.5, "Share of a copy's privacy exposure that a licence takes away", unit="share", ge=0, le=1
    )

    def kept(self, value_match: float, price: float) -> bool:
        """Return whether a Small Co. that matches values and pays a price keeps the terms."""
        return (value_match if self.term == "values" else price) >= self.least


class Licences:
    """Ends the use of licensed copies as soon as Small Co. breaks their terms.

    Attributes
    ----------
    kept
        Whether it keeps them; while it does not, it is given nothing under a licence.
    """

    def __init__(self, model: DataLeverageModel) -> None:
        self._model = model
        self.kept = True

    def enforce(self) -> None:
        """Look whether the terms are kept at the start of a tick, and end licensed copies if not.

        Who had moved to Small Co. with such a copy returns to Large Co.
        """
        model = self._model
        licensed = np.asarray(model.policy.of("licensed"))
        price = float(np.max(model.policy.of("credit_price")))
        self.kept = not licensed.any() or model.policy.licence.kept(model.small.value_match, price)
        ending = licensed & model.population.has_copy & (not self.kept)
        if ending.any():
            returned = send_home(model, ending)
            text = f"terms are broken; {ending.sum()} copies end, {returned} users return to Large Co."
            model.events.add(model.tick, "licence", "Small Co.", ending.sum(), text)
