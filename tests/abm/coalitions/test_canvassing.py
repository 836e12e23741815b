"""People who are asked one by one."""

import numpy as np
import pytest

from scenarios.interventions import OrganiserSubsidy
from scenarios.organising import Canvass, CoalitionCampaign, CommunityAction

HALF = np.where(np.arange(200) < 100, -0.2, -0.4)


def step(model, ticks=1):
    for _ in range(ticks):
        model.step()
    return model


def test_those_act_whom_being_asked_persuades(town, striking):
    model = step(town(Canvass(start=1, budget=200.0, duration=3), worth=HALF))
    assert striking(model) == set(range(100))
    row = model.ticks[-1]
    assert row["organiser_effort"] == 200
    assert row["share_bound"] == 0.5
    assert row["leverage_per_effort_strike"] == pytest.approx(row["dlp_strike"] / 200)


def test_they_keep_to_it_for_as_long_as_they_have_agreed(town, striking, opinionated):
    class Quitters(opinionated):
        """Whoever can stops."""

        def choose(self, view):
            return np.zeros_like(view.population.stance)

    model = town(Canvass(start=2, budget=50.0, duration=2, end=4), decision=Quitters(np.ones(200)))
    numbers = [len(striking(step(model))) for _ in range(6)]
    assert numbers == [0, 50, 100, 50, 0, 0]


def test_who_strikes_already_is_not_asked(town, striking):
    model = step(town(Canvass(start=1, budget=150.0, duration=1), worth=np.ones(200)), 2)
    assert len(striking(model)) == 200
    assert model.ticks[-1]["organiser_effort"] == 200


def test_who_has_agreed_and_is_still_refused_a_copy_is_not_asked_again(town, opinionated):
    rule = opinionated(np.ones(200))
    rule.requests_portability = True
    drive = Canvass(start=1, budget=200.0, duration=3, stance="cdc")
    model = town(drive, decision=rule, policy={"portability_success": 0.0})
    effort = [step(model).ticks[-1]["organiser_effort"] for _ in range(4)]
    assert effort == [200, 200, 200, 400]
    assert model.ticks[-1]["participation"] == 0


def test_a_target_is_asked_and_nobody_else(town, striking):
    model = step(town(Canvass(start=1, budget=500.0, coverage=0.3), worth=np.ones(200)))
    assert striking(model) == set(np.flatnonzero(model.policy_schedule.reached(0)).tolist())


def test_three_ways_of_organising_spend_the_same(town):
    """Effort is one currency: members at 2, contacts at 1, moderators at 10."""
    prices = {"contact": 1.0, "recruit": 2.0, "moderator": 10.0}
    spent = {}
    for drive in (CoalitionCampaign, Canvass, CommunityAction):
        model = town(
            drive(start=1, budget=10.0),
            worth=np.full(200, -1.0),
            coalitions={"effort": prices, "communities": {"number": 40}},
        )
        spent[drive] = [step(model).ticks[-1]["organiser_effort"] for _ in range(5)]
    assert set(map(tuple, spent.values())) == {(10, 20, 30, 40, 50)}


def test_contacts_of_organisers_within_a_rule_are_effort_too(town):
    rule = {
        "rule": "critical_mass",
        "production": {"kind": "accelerating", "exponent": 2.0},
        "cost": 5.0,
        "organisers": {"contacts": 3, "number": 2},
    }
    network = {"family": "watts_strogatz", "degree": 10, "rewire": 0.0}
    dear = {"effort": {"contact": 4.0}}
    model = step(
        town(OrganiserSubsidy(start=2, budget=2), decision=rule, network=network, coalitions=dear), 3
    )
    effort = [row["organiser_effort"] for row in model.ticks]
    assert effort == [0, 4 * 6, 4 * (6 + 10), 4 * (6 + 20)]
