"""What coalitions, communities and canvassers are like, and what organising costs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from abm.actions import CAMPAIGN, active_stance
from abm.goals import GOALS
from learners.parameters import Parameters, parameter

MOST_COALITIONS = 100
"""Coalitions of one run, so that a byte tells of which one a user is a member."""


class EffortParameters(Parameters):
    """Organisers' effort, one currency for all ways of organising; who is asked need not agree."""

    contact: float = parameter(1.0, "Effort of asking one person to act", unit="effort", gt=0, le=1e6)
    recruit: float = parameter(
        2.0, "Effort of asking one person to join a coalition", unit="effort", gt=0, le=1e6
    )
    moderator: float = parameter(
        20.0, "Effort of asking one moderator for the community's action", unit="effort", gt=0, le=1e6
    )
    persuasion: float = parameter(
        0.3,
        "What being asked adds to the worth of what is asked, whatever it is",
        unit="utility",
        source="that being asked matters: Schussman, Soule 2005; size: ours",
        ge=0,
        le=100,
    )


class OrganisedStance(Parameters):
    """A stance that organisers spend effort on asking people for."""

    stance: str = parameter(
        "strike", "Stance that is asked for, or 'campaign': that of the rule's campaign", unit="-"
    )
    budget: float = parameter(
        10.0, "Organisers' effort spent on asking people", unit="effort/tick", ge=0, le=1e9
    )
    total: float | None = parameter(
        None, "Organisers' effort that can be spent in all; no limit by default", unit="effort", ge=0, le=1e9
    )

    @field_validator("stance")
    @classmethod
    def _active(cls, stance: str) -> str:
        return active_stance(stance, CAMPAIGN)


class CoalitionParameters(OrganisedStance):
    """A data union: what it is for, how it decides, who joins and leaves, and what membership costs."""

    name: str = parameter(
        "data union", "What the coalition is called", unit="-", pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{0,39}$"
    )
    goal: Literal["pay", "privacy", "environment", "health", "stop_practice"] = parameter(
        "pay", f"What it wants of Large Co.: {', '.join(GOALS)}", unit="-"
    )
    decides: Literal["leader", "majority", "quorum", "unanimity"] = parameter(
        "majority",
        "Who must be for acting: the member of most interest, more than half, the share quorum, or all",
        unit="-",
    )
    quorum: float = parameter(
        2 / 3, "Share of members who must be for acting (decides quorum)", unit="share of members", gt=0, le=1
    )
    minimum: float = parameter(
        0.05,
        "Share of all users who must be members before it acts",
        unit="share of users",
        ge=0,
        le=1,
    )
    term: int = parameter(5, "Ticks for which a decision stands", unit="ticks", ge=1, le=100_000)
    loyalty: float = parameter(
        0.9, "Probability that a member does as decided, drawn once for each", unit="probability", ge=0, le=1
    )
    goal_weight: float = parameter(
        0.3, "What a goal other than one's own takes from the worth of joining", unit="utility", ge=0, le=100
    )
    ties_weight: float = parameter(
        0.5,
        "What it adds that all neighbours are members, a share of them in proportion",
        unit="utility",
        ge=0,
        le=100,
    )
    consideration: float = parameter(
        0.02, "Probability that who is no member considers joining unasked", unit="per tick", ge=0, le=1
    )
    reconsideration: float = parameter(
        0.1, "Probability that a member considers leaving", unit="per tick", ge=0, le=1
    )
    tolerance: float = parameter(
        0.2,
        "How far the effect, in its worth to a member, may fall short of what they hoped, before they leave",
        unit="utility",
        source="aspirations: Macy 1990; size: ours",
        ge=0,
        le=100,
    )
    dues: float = parameter(0.0, "What membership costs", unit="utility/tick", ge=0, le=10)
    subsidy: float = parameter(
        0.0, "Share of members' costs of the stance that the coalition takes over", unit="share", ge=0, le=1
    )
    voice: bool = parameter(
        True,
        "Whether the company learns what those want who act with the coalition",
        unit="-",
        source="Hirschman 1970",
    )
    demand: float = parameter(
        0.05, "What it asks of Large Co., of whose revenue at tick 0", unit="share of revenue", ge=0, le=1
    )
    reservation: float = parameter(
        0.02,
        "Least that it would accept, of Large Co.'s revenue at tick 0",
        unit="share of revenue",
        ge=0,
        le=1,
    )

    @model_validator(mode="after")
    def _asks_for_what_it_would_accept(self) -> Self:
        if self.reservation > self.demand:
            raise ValueError(f"reservation is {self.reservation:g}, above the demand, {self.demand:g}")
        return self


class CanvassParameters(OrganisedStance):
    """Organisers who ask people, one by one, to act."""

    duration: int = parameter(
        5, "Ticks for which who agrees keeps the stance", unit="ticks", ge=1, le=100_000
    )


class CommunityActionParameters(OrganisedStance):
    """Moderators who act for all members of their community at once."""

    consideration: float = parameter(
        0.0, "Probability that a moderator considers the action unasked", unit="per tick", ge=0, le=1
    )
    first: Literal["largest", "lot"] = parameter(
        "largest", "Whose moderators are asked first: the largest community's, or any by lot", unit="-"
    )
    needed: float = parameter(
        0.5, "Share of its moderators of which more must agree", unit="share of moderators", ge=0, lt=1
    )
    duration: int = parameter(
        5, "Ticks for which a community acts once its moderators agree", unit="ticks", ge=1, le=100_000
    )
    moderator_cost: float = parameter(
        0.2, "What acting costs a moderator: quarrels, and a post at risk", unit="utility/tick", ge=0, le=100
    )
    member_cost: float = parameter(
        0.0, "Share of the costs of the stance that members still bear", unit="share", ge=0, le=1
    )
    dissent: float = parameter(
        0.5,
        "Probability that a member who loses by the action leaves the community when it begins",
        unit="probability",
        ge=0,
        le=1,
    )


class CommunityParameters(Parameters):
    """Communities drawn apart from the network, where the network has none of its own."""

    number: int = parameter(50, "Number of communities", unit="communities", ge=1, le=1_000_000)
    exponent: float = parameter(
        1.0, "Skew of community sizes: rank r attracts as rank ** -exponent; 0: none", unit="-", ge=0, le=3
    )


class OrganisationParameters(Parameters):
    """Coalitions that exist from the start, who moderates communities, and what organising costs."""

    standing: list[CoalitionParameters] = parameter(
        [], "Coalitions that anybody can join from the first tick on", unit="-", max_length=MOST_COALITIONS
    )
    effort: EffortParameters = Field(default_factory=EffortParameters)
    communities: CommunityParameters | None = parameter(
        None, "Communities for a network without any; none by default", unit="-"
    )
    moderators: int = parameter(
        3, "Moderators of a community, drawn from its members by lot", unit="users", ge=1, le=1000
    )
