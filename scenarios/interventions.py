"""Laws and tools as entries of a scenario file: each moves policy parameters from one tick to another.

A further intervention is one class here, listed in :data:`Interventions`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from abm.policy import Intervention
from learners.parameters import parameter


class PortabilityLaw(Intervention):
    """Large Co. must hand users a copy of their data for Small Co., and tools make asking easy."""

    kind: Literal["portability_law"] = "portability_law"
    success: float = parameter(
        1.0, "Probability that a portability request succeeds under the law", unit="probability", ge=0, le=1
    )
    tool: float = parameter(
        0.8, "Share of the barrier to contributing that tools remove under the law", unit="share", ge=0, le=1
    )

    def changes(self) -> dict[str, float | bool]:
        """Set portability success and the contribution tool."""
        return {"portability_success": self.success, "contribution_tool": self.tool}


class DeletionRight(Intervention):
    """Users get, or lose, the right to have their past data deleted."""

    kind: Literal["deletion_right"] = "deletion_right"
    granted: bool = parameter(True, "Whether the right holds; the default policy grants it", unit="-")
    tool: float = parameter(
        0.0, "Share of the barriers to withholding and deleting that tools remove", unit="share", ge=0, le=1
    )

    def changes(self) -> dict[str, float | bool]:
        """Set the right and the deletion tool."""
        return {"deletion_right": self.granted, "deletion_tool": self.tool}


class Interoperability(Intervention):
    """Users of one company can reach the other's service, so that switching costs less."""

    kind: Literal["interoperability"] = "interoperability"
    degree: float = parameter(1.0, "Share of the switching cost that is removed", unit="share", ge=0, le=1)

    def changes(self) -> dict[str, float | bool]:
        """Set interoperability."""
        return {"interoperability": self.degree}


Interventions = Annotated[PortabilityLaw | DeletionRight | Interoperability, Field(discriminator="kind")]
