"""Regulators as entries of a scenario file: what Large Co. may not keep, and who looks whether it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from abm.policy import Intervention
from learners.parameters import parameter

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class WeightDeletionOrder(Intervention):
    """Large Co. may not keep weights that saw records which it had to delete.

    Weights that are tainted when it comes into force are void at once. Until a model is trained from scratch
    on what is in the store, which takes ``companies.large.cold_retrain_ticks``, people get the un-informed
    method. As long as it is in force nothing is laundered.
    """

    NO_OP: ClassVar = {"coverage": 0.0}

    kind: Literal["weight_deletion_order"] = "weight_deletion_order"

    def changes(self) -> dict[str, Any]:
        """Forbid to keep such weights."""
        return {"weight_deletion": True}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where Large Co. launders nothing."""
        if model.company_parameters.large.forgetting == "launder":
            return []
        return ["weight_deletion_order: Large Co. launders nothing (companies.large.forgetting)"]


class Audit(Intervention):
    """A regulator looks into Large Co.'s books now and then, fines what it finds and has it put right.

    It finds laundered records and requests to delete that are never executed, of the users whom the
    intervention reaches. The requests are executed at once, and the model is trained from scratch, which
    takes ``companies.large.cold_retrain_ticks``; the old weights serve until then.
    """

    NO_OP: ClassVar = {"probability": 0.0}

    kind: Literal["audit"] = "audit"
    probability: float = parameter(0.1, "Probability of an audit", unit="per tick", ge=0, le=1)
    fine: float = parameter(
        1.0,
        "Fine for what is found, as a multiple of Large Co.'s revenue at that tick",
        unit="revenue of a tick",
        ge=0,
        le=10_000,
    )

    def changes(self) -> dict[str, Any]:
        """Set how often it comes and what it fines."""
        return {"audit_probability": self.probability, "audit_fine": self.fine}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where Large Co. hides nothing."""
        schedule = model.policy_schedule
        executed = [schedule.base.deletion_executed]
        executed += [each.changes().get("deletion_executed", 1.0) for each in schedule.interventions]
        if model.company_parameters.large.forgetting == "launder" or min(executed) < 1:
            return []
        return ["audit: Large Co. executes every request to delete and launders nothing"]
