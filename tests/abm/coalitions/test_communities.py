"""Communities whose moderators act for everybody in them."""

import numpy as np
import pytest

from abm.coalitions.communities import found_communities
from abm.coalitions.parameters import OrganisationParameters
from abm.networks.network import Network
from abm.streams import Streams
from scenarios.organising import CommunityAction

OVERLAPPING = {"family": "communities", "communities": 12, "memberships": 3, "exponent": 1.0, "degree": 8}
APART = {"communities": {"number": 10, "exponent": 0.0}}
ASK_ALL = {"start": 1, "budget": 1000.0, "dissent": 0.0}
FREE = {"effort": {"moderator": 1.0, "persuasion": 0.0}}


def step(model, ticks=1):
    for _ in range(ticks):
        model.step()
    return model


# Who belongs where


def test_records_are_in_one_of_the_communities_that_their_owner_belongs_to(town):
    model = town(network=OVERLAPPING)
    home, joined = model.organisations.communities.home, model.network.communities
    assert joined[np.arange(200), home].all()
    # Any of the three, by lot: the first, the second and the third of each equally often.
    place = (joined.indices.reshape(200, 3) == home[:, None]).argmax(1)
    assert np.bincount(place, minlength=3).min() > 45


def test_moderators_are_members_and_as_many_as_asked_for(town):
    model = town(network=OVERLAPPING, coalitions={"moderators": 4})
    communities = model.organisations.communities
    np.testing.assert_array_equal(communities.home[communities.moderators], communities.of_moderator)
    sizes = np.bincount(communities.home, minlength=12)
    np.testing.assert_array_equal(np.bincount(communities.of_moderator, minlength=12), np.minimum(sizes, 4))
    assert len(np.unique(communities.moderators)) == len(communities.moderators)


def test_communities_can_be_drawn_apart_from_the_network(town):
    assert town().organisations.communities is None
    communities = town(coalitions=APART).organisations.communities
    assert communities.number == 10
    assert np.bincount(communities.home).min() > 8
    skewed = town(coalitions={"communities": {"number": 10, "exponent": 2.0}}).organisations.communities
    assert np.bincount(skewed.home, minlength=10).argmax() == 0
    assert np.bincount(skewed.home).max() > 90


def test_who_belongs_to_no_community_stays_out():
    from scipy import sparse

    joined = sparse.csr_array(np.array([[1, 0], [0, 0], [0, 1], [1, 1]], bool))
    network = Network.from_edges(np.array([0, 1]), np.array([1, 2]), 4, communities=joined)
    communities = found_communities(OrganisationParameters(), network, Streams(1))
    assert communities.home[:3].tolist() == [0, -1, 1]
    assert communities.home[3] in (0, 1)
    assert 1 not in communities.moderators
    assert communities.members(np.array([True, True])).tolist() == [0, 2, 3]


# What they do


def test_all_records_of_a_community_go_at_once_when_most_moderators_agree(town, striking):
    """Moderators of the communities 0 to 4 are for it, and only they are asked what they think."""
    first = town(coalitions=APART)
    communities = first.organisations.communities
    worth = np.full(200, -5.0)
    worth[communities.moderators[communities.of_moderator < 5]] = 1.0
    model = step(town(CommunityAction(**ASK_ALL), worth=worth, coalitions=APART | FREE))
    assert striking(model) == set(np.flatnonzero(communities.home < 5).tolist())
    (deleted,) = [entry for entry in model.ledger.at(1) if entry.move == "delete"]
    assert len(deleted.users) == np.count_nonzero(communities.home < 5)
    row = model.ticks[-1]
    assert row["communities_active"] == 5
    assert row["organiser_effort"] == 30


@pytest.mark.parametrize(("needed", "acting"), [(0.5, 2), (0.7, 1), (0.3, 3), (0.0, 3)])
def test_more_than_the_share_needed_must_agree(town, needed, acting):
    communities = town(coalitions=APART).organisations.communities
    worth = np.full(200, -5.0)
    for community in range(4):  # of three moderators nobody, one, two and three are for it
        mods = communities.moderators[communities.of_moderator == community]
        worth[mods[:community]] = 1.0
    model = step(town(CommunityAction(**ASK_ALL, needed=needed), worth=worth, coalitions=APART | FREE))
    assert model.ticks[-1]["communities_active"] == acting


def test_moderators_weigh_their_own_cost_and_are_persuaded_only_when_asked(town):
    active = {}
    for name, worth, persuasion, fields in (
        ("asked", 0.1, 0.2, {}),
        ("not enough", 0.1, 0.05, {}),
        ("not asked", 0.1, 0.2, {"budget": 0.0, "consideration": 1.0}),
        ("of their own", 0.3, 0.2, {"budget": 0.0, "consideration": 1.0}),
    ):
        model = town(
            CommunityAction(**ASK_ALL | fields, moderator_cost=0.2),
            worth=np.full(200, worth),
            coalitions=APART | {"effort": {"moderator": 1.0, "persuasion": persuasion}},
        )
        active[name] = step(model).ticks[-1]["communities_active"]
        assert (model.ticks[-1]["organiser_effort"] == 0) == (fields != {})
    assert active == {"asked": 10, "not enough": 0, "not asked": 0, "of their own": 10}


def test_the_largest_community_is_asked_first_and_one_after_the_other(town, striking):
    skewed = {"communities": {"number": 10, "exponent": 1.0}} | {"effort": {"moderator": 1.0}}
    drive = CommunityAction(**ASK_ALL | {"budget": 3.0})
    model = town(drive, worth=np.ones(200), coalitions=skewed)
    home = model.organisations.communities.home
    by_size = np.argsort(-np.bincount(home), kind="stable")
    assert striking(step(model)) == set(np.flatnonzero(home == by_size[0]).tolist())
    assert striking(step(model)) == set(np.flatnonzero(np.isin(home, by_size[:2])).tolist())
    by_lot = town(drive.model_copy(update={"first": "lot"}), worth=np.ones(200), coalitions=skewed)
    step(by_lot, 3)
    assert by_lot.ticks[-1]["communities_active"] == 3
    assert striking(by_lot) != set(np.flatnonzero(np.isin(home, by_size[:3])).tolist())


def test_a_community_acts_for_a_while_and_must_be_asked_anew(town, opinionated):
    class Quitters(opinionated):
        """Whoever can stops."""

        def choose(self, view):
            return np.zeros_like(view.population.stance)

    drive = CommunityAction(start=1, budget=0.0, consideration=1.0, duration=2, dissent=0.0)
    rule = Quitters(np.ones(200))
    model = step(town(drive, decision=rule, coalitions=APART))
    rule.worth = np.full(200, -1.0)
    active = [model.ticks[-1]["communities_active"]]
    active += [step(model).ticks[-1]["communities_active"] for _ in range(3)]
    assert active == [10, 10, 0, 0]
    assert model.ticks[-1]["participation"] == 0
    rule.worth = np.ones(200)
    assert step(model).ticks[-1]["communities_active"] == 10


def test_members_bear_next_to_nothing(town):
    """At no cost to them, all that is left of a member's costs is what the action does to their service."""
    utilities = {}
    for member_cost in (0.0, 0.5, 1.0):
        drive = CommunityAction(**ASK_ALL, member_cost=member_cost)
        model = step(town(drive, worth=np.ones(200), coalitions=APART | FREE))
        assert model.ticks[-1]["share_strike"] == 1
        utilities[member_cost] = model.welfare.utilities(model)
    borne = utilities[0.0] - utilities[1.0]
    assert borne.min() > 0.05
    np.testing.assert_allclose(utilities[0.0] - utilities[0.5], borne / 2, atol=1e-6)


def test_who_loses_by_it_leaves_by_lot_and_for_good(town, striking):
    communities = town(coalitions=APART).organisations.communities
    worth = np.where(np.arange(200) < 100, 1.0, -1.0)
    worth[communities.moderators] = 1.0
    home = communities.home.copy()
    for dissent in (0.0, 0.5, 1.0):
        model = step(
            town(CommunityAction(**ASK_ALL | {"dissent": dissent}), worth=worth, coalitions=APART | FREE)
        )
        now = model.organisations.communities_of_users
        gone = now != home
        assert (now[gone] == -1).all()
        assert (worth[gone] < 0).all()
        assert gone.sum() / (worth < 0).sum() == pytest.approx(dissent, abs=0.12)
        assert striking(model) == set(np.flatnonzero(~gone).tolist())


def test_where_there_are_no_communities_nothing_happens_and_is_said(town, ticks_of):
    model = town(CommunityAction(**ASK_ALL), decision={})
    assert any(warning.startswith("community_action: there are no communities") for warning in model.warnings)
    assert ticks_of(model, 4).equals(ticks_of(town(decision={}), 4))
    assert not town(CommunityAction(**ASK_ALL), coalitions=APART).warnings
    assert not town(CommunityAction(**ASK_ALL), network=OVERLAPPING).warnings


def test_a_community_moves_its_members_whatever_their_coalition_does(town, striking):
    from scenarios.organising import CoalitionCampaign

    union = CoalitionCampaign(start=1, consideration=1.0, minimum=0.0, loyalty=1.0, stance="cdc")
    model = step(town(union, CommunityAction(**ASK_ALL), worth=np.ones(200), coalitions=APART | FREE))
    assert len(striking(model)) == 200


def test_agents_are_recorded_with_goal_coalition_and_community(town):
    from abm.records import agent_table

    model = step(town(CommunityAction(**ASK_ALL), worth=np.ones(200), coalitions=APART | FREE))
    table = agent_table(model)
    assert set(table["goal"]) == {"pay"}
    assert (table["coalition"] == -1).all()
    np.testing.assert_array_equal(table["community"], model.organisations.communities.home)
