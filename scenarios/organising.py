"""Organisations as entries of a scenario file: who brings people to act together, and from when on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from abm.coalitions import CanvassParameters, CoalitionParameters, CommunityActionParameters
from abm.policy import Intervention

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class CoalitionCampaign(Intervention, CoalitionParameters):
    """A data union is founded, which people can join; its members act together until it is dissolved."""

    NO_OP: ClassVar = {"coverage": 0.0}

    kind: Literal["coalition"] = "coalition"

    def changes(self) -> dict[str, Any]:
        """Change no policy."""
        return {}

    def organising(self) -> CoalitionParameters:
        """Return the data union."""
        return self


class Canvass(Intervention, CanvassParameters):
    """People are asked, one by one, to act."""

    NO_OP: ClassVar = {"budget": 0.0}

    kind: Literal["canvass"] = "canvass"

    def changes(self) -> dict[str, Any]:
        """Change no policy."""
        return {}

    def organising(self) -> CanvassParameters:
        """Return the drive."""
        return self


class CommunityAction(Intervention, CommunityActionParameters):
    """Moderators are asked to withdraw, give or falsify the records of their whole community at once."""

    NO_OP: ClassVar = {"budget": 0.0}

    kind: Literal["community_action"] = "community_action"

    def changes(self) -> dict[str, Any]:
        """Change no policy."""
        return {}

    def organising(self) -> CommunityActionParameters:
        """Return the drive."""
        return self

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where users belong to no communities."""
        if model.organisations.communities is not None:
            return []
        return ["community_action: there are no communities; set network.family or coalitions.communities"]
