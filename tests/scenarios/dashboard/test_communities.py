"""Who belongs together in the view of who acts."""

import numpy as np

from scenarios.dashboard.retraining import Interruptions
from scenarios.dashboard.world import World
from scenarios.scenario import load_scenario


def world_of(**overrides):
    scenario = load_scenario("published-curves", **{"population.users": 200} | overrides)
    return World(scenario, None, Interruptions(), lambda text, cancellable: None)


def test_communities_whose_moderators_can_act_are_those_shown():
    world = world_of(coalitions={"communities": {"number": 5, "exponent": 1.0}})
    homes = world.model.organisations.communities_of_users
    shown = world.communities
    sizes = [community.size for community in shown.shown]
    assert sizes == sorted(np.unique(homes, return_counts=True)[1].tolist(), reverse=True)
    for block in range(len(sizes)):
        assert len(np.unique(homes[shown.of_user == block])) == 1


def test_elsewhere_they_are_found_in_the_network():
    world = world_of()
    assert world.model.organisations.communities is None
    assert 1 < len(world.communities.shown) <= 16
    assert sum(community.size for community in world.communities.shown) == 200
