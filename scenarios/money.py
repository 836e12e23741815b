"""Payments for data, and a say about them, as entries of a scenario file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from abm.decisions.logit import LogitRule
from abm.money.dividends import DividendParameters
from abm.money.licences import LicenceParameters
from abm.policy import Intervention
from learners.parameters import parameter

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class DataDividend(Intervention, DividendParameters):
    """Large Co. pays a share of its revenue for people's data: to them, to groups of them, or to a fund.

    Who has their data deleted forgoes it, but for a fund's, which is spent on everybody.
    """

    NO_OP: ClassVar = {"share": 0.0}

    kind: Literal["data_dividend"] = "data_dividend"
    share: float = parameter(0.05, "Share of Large Co.'s revenue that is paid out", unit="share", ge=0, le=1)

    def changes(self) -> dict[str, Any]:
        """Set how much is paid, and how it is divided."""
        terms = {name: getattr(self, name) for name in DividendParameters.model_fields}
        return {"dividend_share": self.share, "dividend": DividendParameters(**terms)}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where users do not decide by what they are paid."""
        return _heedless(self, model)


class Credits(Intervention):
    """Small Co. pays for each contributed record, as long as it has it."""

    NO_OP: ClassVar = {"price": 0.0}

    kind: Literal["credits"] = "credits"
    price: float = parameter(
        0.5,
        "Price of a record per tick",
        unit="Large Co.'s revenue per record at the start",
        ge=0,
        le=100,
    )

    def changes(self) -> dict[str, Any]:
        """Set the price."""
        return {"credit_price": self.price}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where users do not decide by what they are paid."""
        return _heedless(self, model)


class Voice(Intervention):
    """Large Co. hears what those who act want, as where they say so, or somebody does in their name."""

    NO_OP: ClassVar = {"heard": False}

    kind: Literal["voice"] = "voice"
    heard: bool = parameter(True, "Whether it does", unit="-")

    def changes(self) -> dict[str, Any]:
        """Give a voice."""
        return {"voice": self.heard}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where Large Co. never answers."""
        if model.company_parameters.concessions.rule != "never":
            return []
        return ["voice: Large Co. never concedes anything (companies.concessions.rule is 'never')"]


class DataLicence(Intervention, LicenceParameters):
    """Small Co. may use what users contribute only while it keeps the terms, and must then erase it."""

    NO_OP: ClassVar = {"coverage": 0.0}

    kind: Literal["data_licence"] = "data_licence"

    def changes(self) -> dict[str, Any]:
        """Bind copies to terms, and set these."""
        terms = {name: getattr(self, name) for name in LicenceParameters.model_fields}
        return {"licensed": True, "licence": LicenceParameters(**terms)}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where nobody pays what the terms ask for."""
        kinds = {intervention.kind for intervention in model.policy_schedule.interventions}
        paid = "credits" in kinds or model.policy_schedule.base.credit_price > 0
        if self.term == "values" or paid or self.least == 0:
            return []
        return ["data_licence: Small Co. pays nothing, so that it can be given nothing on these terms"]


def _heedless(intervention: Intervention, model: DataLeverageModel) -> list[str]:
    if isinstance(model.rule, LogitRule):
        return []
    return [f"{intervention.kind}: {type(model.rule).__name__} does not heed what people are paid"]
