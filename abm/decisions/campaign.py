"""Rules in which users decide one thing: whether to take part in a campaign, whose stance is given."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from abm.actions import CONTRIBUTE, STAY, active_stance
from abm.decisions.regimes import RegimeParameters, turns
from abm.decisions.rule import DecisionRule, Start
from abm.decisions.view import DecisionView
from abm.seeding import SeedParameters
from learners.parameters import parameter


class CampaignParameters(RegimeParameters):
    """What is asked of those who take part, and of whom it is asked first."""

    stance: str = parameter("strike", "Stance of those who take part", unit="-")
    ratchet: bool = parameter(
        True,
        "Whether who takes part never stops; otherwise they decide anew every tick",
        unit="-",
        source="Granovetter 1978; Watts 2002",
    )
    hysteresis: float = parameter(
        0.0,
        "By how much the reason to join must be missed before who takes part stops (without ratchet)",
        unit="of what the rule compares",
        ge=0,
        le=1_000_000,
    )
    seeds: SeedParameters = Field(default_factory=SeedParameters)

    @field_validator("stance")
    @classmethod
    def _active(cls, stance: str) -> str:
        return active_stance(stance)


class Campaign:
    """Who takes part, kept up to date while users join and stop.

    Whoever does what the campaign asks takes part, alone or together with something else. Who joins gives up
    what they did before, but for a copy at Small Co.

    Parameters
    ----------
    view
        What is known at the beginning of the tick.
    stance
        Code of the campaign's stance.

    Attributes
    ----------
    takes_part
        bool[N].
    members
        Number of users who take part.
    resources
        Share of the data that is theirs.
    """

    def __init__(self, view: DecisionView, stance: int) -> None:
        population, bits = view.population, view.stances.bits
        self.view = view
        self.stance = stance
        included = (bits >= bits[stance]).all(axis=1)
        self.takes_part = included[population.stance]
        self.members = int(np.count_nonzero(self.takes_part))
        self.resources = min(float(population.weight @ self.takes_part), 1.0)

    @cached_property
    def exposed(self) -> NDArray[np.float32]:
        """float32[N]: number of neighbours who take part."""
        return self.view.network.neighbour_counts(self.takes_part)

    def exposure(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of some users' neighbours who take part, float64[n], 0 without neighbours."""
        return self.exposed[rows] / np.maximum(self.view.network.degree[rows], 1)

    @cached_property
    def joined(self) -> NDArray[np.int8]:
        """int8[N]: stance of each user who joins; whose copy Small Co. has does not take it back."""
        stances = self.view.stances
        return np.where(self.view.population.has_copy, stances.with_copy[self.stance], self.stance)

    @cached_property
    def stopped(self) -> NDArray[np.int8]:
        """int8[N]: stance of each user who stops; a copy is taken back only if giving it was the campaign."""
        stances = self.view.stances
        keeps = self.view.population.has_copy & ~stances.bits[self.stance, CONTRIBUTE]
        return np.where(keeps, stances.with_copy[STAY], STAY).astype(np.int8)

    def permitted(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each of some users may join, or stop who takes part, bool[n]."""
        wanted = np.where(self.takes_part[rows], self.stopped[rows], self.joined[rows])
        return self.view.permitted(rows)[np.arange(len(rows)), wanted]

    def change(self, users: NDArray[np.int64]) -> None:
        """Let users join, or stop who take part; nobody is named twice."""
        joins = ~self.takes_part[users]
        self.takes_part[users] = joins
        step = np.where(joins, 1, -1)
        self.members += int(step.sum())
        moved = float(self.view.population.weight[users] @ step)
        self.resources = min(max(self.resources + moved, 0.0), 1.0)  # of rounding at the ends
        if len(users) > 1:
            self.__dict__.pop("exposed", None)  # to be counted again
        elif len(users) and "exposed" in self.__dict__:
            self.exposed[self.view.network.neighbours(int(users[0]))] += step[0]


class CampaignRule(DecisionRule):
    """Users take part or not; a subclass says who is willing to.

    At each tick those act first who do not decide alone: the seeds, who take part whatever others do, and
    whom a subclass adds. In the synchronous regime everybody else decides on what was true before.
    """

    def __init__(self, parameters: CampaignParameters) -> None:
        self.campaign_parameters = parameters
        self._stance = STAY
        self._seeds = np.empty(0, np.bool_)

    @property
    def campaign_stance(self) -> str | None:
        """Name of the stance that is asked of those who take part."""
        return self.campaign_parameters.stance

    def begin(self, start: Start) -> None:
        """Look up the campaign's stance and draw its seeds."""
        self._stance = start.stances.code(self.campaign_parameters.stance)
        self._seeds = np.zeros(start.network.n_users, np.bool_)
        drawn = self.campaign_parameters.seeds.drawn(start.network, start.streams.generator("seeds"))
        self._seeds[drawn] = True

    @abstractmethod
    def willing(
        self, campaign: Campaign, rows: NDArray[np.int64], slack: NDArray[np.float64] | float
    ) -> NDArray[np.bool_]:
        """Return which of some users want to take part, bool[n].

        Parameters
        ----------
        campaign
            Who takes part now.
        rows
            int64[n]: who decides.
        slack
            By how much each may miss the reason to take part, float64[n] or one for all.
        """

    def together(self, campaign: Campaign) -> None:
        """Let those join who act together, by :meth:`Campaign.change`; by default nobody does."""

    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the campaign's stance for those who take part."""
        campaign = Campaign(view, self._stance)
        before = campaign.takes_part.copy()
        if self.campaign_parameters.regime == "synchronous":
            decided = self._decided(campaign, np.arange(len(before)))
            self._act_together(campaign)
            changes = np.flatnonzero((decided != before) & (campaign.takes_part == before) & ~self._seeds)
            campaign.change(changes[campaign.permitted(changes)])
        else:
            self._act_together(campaign)
            self._in_turn(campaign)
        wanted = view.population.stance.copy()
        changed = np.flatnonzero(campaign.takes_part != before)
        joins = campaign.takes_part[changed]
        wanted[changed] = np.where(joins, campaign.joined[changed], campaign.stopped[changed])
        return wanted

    def _act_together(self, campaign: Campaign) -> None:
        missing = np.flatnonzero(self._seeds & ~campaign.takes_part)
        campaign.change(missing[campaign.permitted(missing)])
        self.together(campaign)

    def _in_turn(self, campaign: Campaign) -> None:
        everybody = np.arange(len(campaign.takes_part))
        permitted = campaign.permitted(everybody) & ~self._seeds
        for user in turns(self.campaign_parameters.regime, campaign.view, everybody):
            row = np.array([user])
            if permitted[user] and self._decided(campaign, row)[0] != campaign.takes_part[user]:
                campaign.change(row)

    def _decided(self, campaign: Campaign, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some users take part once they have decided, bool[n]."""
        inside = campaign.takes_part[rows]
        if self.campaign_parameters.ratchet:
            decided = inside.copy()
            outside = rows[~inside]
            decided[~inside] = self.willing(campaign, outside, 0.0)
            return decided
        return self.willing(campaign, rows, np.where(inside, self.campaign_parameters.hysteresis, 0.0))
