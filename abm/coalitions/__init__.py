"""Who organises: coalitions that bind members, communities that moderators speak for, and canvassers.

Core Objects: Organisations, Coalition, OrganisationParameters.
"""

from abm.coalitions.coalition import Coalition
from abm.coalitions.organisations import Organisations
from abm.coalitions.parameters import (
    CanvassParameters,
    CoalitionParameters,
    CommunityActionParameters,
    CommunityParameters,
    EffortParameters,
    OrganisationParameters,
)

__all__ = [
    "CanvassParameters",
    "Coalition",
    "CoalitionParameters",
    "CommunityActionParameters",
    "CommunityParameters",
    "EffortParameters",
    "OrganisationParameters",
    "Organisations",
]
