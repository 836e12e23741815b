"""Communities, and moderators who can act for all of one at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.coalitions.effort import Effort, Round
from abm.coalitions.opinion import worth
from abm.coalitions.parameters import (
    CommunityActionParameters,
    CommunityParameters,
    EffortParameters,
    OrganisationParameters,
)
from abm.networks.memberships import joined_communities
from abm.networks.network import Network
from abm.streams import Streams

if TYPE_CHECKING:
    from abm.decisions.rule import DecisionRule
    from abm.decisions.view import DecisionView
    from abm.records import EventLog

NOWHERE = -1
"""Number of the community of who is in none."""


class Communities:
    """Where people's records are: each user's in one community, one of those that the user belongs to.

    Attributes
    ----------
    number
        How many communities there are.
    home
        int32[N]: the community that a user's records are in, or :data:`NOWHERE`.
    moderators
        int64[n]: row numbers of moderators, by community; fewer than asked for where a community is smaller.
    of_moderator
        int64[n]: the community of each.
    """

    def __init__(self, number: int, home: NDArray[np.int32], moderators: int, streams: Streams) -> None:
        self.number = number
        self.home = home
        by_lot = streams.generator("moderators").permutation(len(home))
        by_lot = by_lot[home[by_lot] != NOWHERE]
        order = by_lot[np.argsort(home[by_lot], kind="stable")]
        sizes = np.bincount(home[order], minlength=number)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self.moderators = order[rank < moderators]
        self.of_moderator = home[self.moderators].astype(np.int64)

    def members(self, acting: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return who belongs to one of some communities, bool[number], row numbers ascending."""
        return np.flatnonzero(np.append(acting, False)[self.home])

    def leave(self, rows: NDArray[np.int64]) -> None:
        """Let users take their records out of their communities for good."""
        self.home[rows] = NOWHERE


def found_communities(
    parameters: OrganisationParameters, network: Network, streams: Streams
) -> Communities | None:
    """Return the communities of a network, or those that are drawn apart from it; ``None`` if there are none.

    Who belongs to several has records in one of them, drawn by lot.
    """
    if network.communities is not None:
        joined = network.communities
        each = np.diff(joined.indptr)
        place = (streams.generator("home community").random(len(each)) * each).astype(np.int64)
        home = np.full(len(each), NOWHERE, np.int32)
        some = each > 0
        home[some] = joined.indices[joined.indptr[:-1][some] + place[some]]
        return Communities(joined.shape[1], home, parameters.moderators, streams)
    if parameters.communities is None:
        return None
    drawn: CommunityParameters = parameters.communities
    rng = streams.generator("communities")
    joined = joined_communities(network.n_users, drawn.number, 1, drawn.exponent, rng)
    return Communities(drawn.number, joined.indices.astype(np.int32), parameters.moderators, streams)


class CommunityAction:
    """A drive among moderators: where more than a share of them agree, their community acts for a while.

    Then all its members' records are withheld, deleted, contributed or falsified at once, at next to no cost
    to them. Members who lose by it leave, by lot, when it begins; moderators stay.

    Attributes
    ----------
    stance
        Code of the stance that is asked for.
    parameters
        What the drive is like.
    """

    def __init__(
        self,
        number: int,
        parameters: CommunityActionParameters,
        stance: int,
        communities: Communities,
        prices: EffortParameters,
        effort: Effort,
    ) -> None:
        self.stance = stance
        self.parameters = parameters
        self._name = f"community action {number}"
        self._communities = communities
        self._persuasion = prices.persuasion
        self._agrees = np.zeros(len(communities.moderators), np.bool_)
        self._round = Round(len(self._agrees), parameters.budget, prices.moderator, effort, parameters.total)
        self._until = np.zeros(communities.number, np.int32)

    def proceed(
        self, view: DecisionView, rule: DecisionRule, reached: NDArray[np.bool_], events: EventLog
    ) -> None:
        """Ask moderators, of the users ``reached``, bool[N], and begin and end actions."""
        ended = self._until == view.tick
        if ended.any():
            self._agrees[ended[self._communities.of_moderator]] = False
            events.add(view.tick, "community end", self._name, ended.sum(), f"{ended.sum()} communities end")
        self._ask(view, rule, reached)
        begins = self._persuaded() & (self._until <= view.tick)
        if begins.any():
            self._begin(view, rule, begins, events)

    def bound(self, tick: int) -> NDArray[np.int64]:
        """Return the members of communities that act at a tick, row numbers."""
        return self._communities.members(self._until > tick)

    def acting(self, tick: int) -> NDArray[np.bool_]:
        """bool[communities]: which act at a tick."""
        return self._until > tick

    def _ask(self, view: DecisionView, rule: DecisionRule, reached: NDArray[np.bool_]) -> None:
        """Let moderators make up their minds: those who are asked, and some who are not."""
        p, of, rows = self.parameters, self._communities.of_moderator, self._communities.moderators
        open_ = ~self._agrees & (self._until <= view.tick)[of] & reached[rows]
        asked = self._round.asked(open_, self._order(view))
        is_asked = np.zeros(len(rows), np.bool_)
        is_asked[asked] = True
        if p.consideration:
            lots = view.streams.generator(f"considering {self._name}", view.tick).random(len(rows))
            asked = np.flatnonzero(open_ & (is_asked | (lots < p.consideration)))
        data = np.bincount(self._home_or_last(), view.population.weight, minlength=len(self._until) + 1)
        for community in np.unique(of[asked]):
            own = asked[of[asked] == community]
            opinion = self._worth(view, rule, rows[own], float(data[community]))
            self._agrees[own] = opinion + self._persuasion * is_asked[own] > p.moderator_cost

    def _order(self, view: DecisionView) -> NDArray[np.float64]:
        """Return in which order moderators are asked, float64[n] in [0, 1): one community after the other."""
        of, number = self._communities.of_moderator, len(self._until)
        lots = view.streams.generator(f"order of {self._name}").random(number)
        if self.parameters.first == "largest":
            sizes = np.bincount(self._home_or_last(), minlength=number + 1)[:number]
            lots = np.argsort(np.lexsort((lots, -sizes))) / number
        return lots[of]

    def _home_or_last(self) -> NDArray[np.int32]:
        home = self._communities.home
        return np.where(home == NOWHERE, len(self._until), home)

    def _worth(
        self, view: DecisionView, rule: DecisionRule, rows: NDArray[np.int64], bloc: float
    ) -> NDArray[np.floating]:
        return worth(rule, view, rows, self.stance, bloc, relief=1 - self.parameters.member_cost)

    def _persuaded(self) -> NDArray[np.bool_]:
        of, number = self._communities.of_moderator, len(self._until)
        all_ = np.bincount(of, minlength=number)
        agree = np.bincount(of[self._agrees], minlength=number)
        return agree > self.parameters.needed * all_

    def _begin(
        self, view: DecisionView, rule: DecisionRule, begins: NDArray[np.bool_], events: EventLog
    ) -> None:
        members = self._communities.members(begins)
        lots = view.streams.generator(f"dissent with {self._name}", view.tick).random(view.population.n_users)
        bloc = float(view.population.weight[members].sum())
        moderates = np.isin(members, self._communities.moderators)
        members = members[(lots[members] < self.parameters.dissent) & ~moderates]
        loses = members[self._worth(view, rule, members, bloc) < 0]
        self._communities.leave(loses)
        self._until[begins] = view.tick + self.parameters.duration
        text = f"{begins.sum()} communities act; {len(loses)} members leave them"
        events.add(view.tick, "community act", self._name, begins.sum(), text)
