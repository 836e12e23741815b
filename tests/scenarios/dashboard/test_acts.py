"""Campaigns called during a run overlay the rule, exactly as far as the law permits."""

from __future__ import annotations

import numpy as np
import pytest

from learners.errors import InputError
from scenarios.dashboard.retraining import Interruptions
from scenarios.dashboard.settings import Settings
from scenarios.dashboard.world import Among, World


def world(**changes):
    settings = Settings("published-curves", {"population.users": 400, "interventions": [], **changes})
    return World(settings.scenario(), None, Interruptions(), lambda text, cancellable: None)


def taking(world, stance):
    return np.count_nonzero(world.model.population.stance == world.model.stances.code(stance))


def test_a_call_adds_exactly_its_share_to_what_the_rule_does():
    with_call, without = world(), world()
    for _ in range(3):
        with_call.step()
        without.step()
    present = taking(with_call, "strike")
    with_call.call("strike", 0.2, Among())
    followers_before = with_call.model.population.stance.copy()
    with_call.step()
    (call,) = with_call.called()
    assert call.followers == 80
    assert call.since == 4
    assert call.refused == 0
    # Nobody who struck already was called, so those in the stance are more by nearly the share.
    strike = with_call.model.stances.code("strike")
    called = with_call.calls._campaign == call.number
    assert not (followers_before[called] == strike).any()
    assert taking(with_call, "strike") >= present + 80 - 10
    without.step()
    assert with_call.model.ticks[3] == pytest.approx(
        {**without.model.ticks[3], **_seconds(with_call.model.ticks[3])}, nan_ok=True
    )


def _seconds(row):
    return {name: value for name, value in row.items() if name.startswith("seconds")}


def test_followers_hold_their_stance_until_called_off_and_then_go_back():
    played = world(decision={"rule": "scripted", "steps": [{"tick": 1, "shares": {"boycott": 0.1}}]})
    played.step()
    before = played.model.population.stance.copy()
    played.call("strike", 0.5, Among())
    for _ in range(3):
        played.step()
        assert played.called()[0].followers == 200
        assert taking(played, "strike") == 200
    played.call_off()
    played.step()
    assert played.called() == ()
    assert (played.model.population.stance == before).all()


def test_what_the_law_forbids_is_refused_in_words_and_changes_nothing():
    played = world(**{"policy.deletion_right": False})
    played.step()
    with pytest.raises(InputError, match="no right to have data deleted"):
        played.call("strike", 0.5, Among())
    assert played.called() == ()
    played.call("strike_withhold", 0.5, Among())  # that needs no right
    assert len(played.called()) == 1


def test_a_right_that_is_lost_later_is_counted():
    played = world()
    played.call("strike", 0.25, Among())
    played.step()
    assert played.called()[0].refused == 0
    released = world()
    released.set_law("deletion_right", True, {"granted": False, "start": 3})
    played.call_off()
    played.call("boycott", 0.25, Among())
    played.set_law("deletion_right", True, {"granted": False})
    played.step()
    (call,) = played.called()
    assert call.refused == call.followers > 0
    assert taking(played, "boycott") <= 5


def test_a_larger_call_contains_the_smaller():
    small, large = world(), world()
    small.call("strike", 0.1, Among())
    large.call("strike", 0.3, Among())
    small.step()
    large.step()
    few, many = (each.calls._campaign > 0 for each in (small, large))
    assert few.sum() == 40
    assert many.sum() == 120
    assert (many | ~few).all()


def test_members_of_a_community_and_the_well_connected_can_be_called():
    played = world()
    community = played.communities.shown[0]
    played.call("strike", 1.0, Among("community", label=community.label))
    played.step()
    assert set(np.flatnonzero(played.calls._campaign)) <= set(np.flatnonzero(played.communities.of_user == 0))
    assert played.called()[0].followers > 0.8 * community.size
    played.call_off()
    played.call("boycott", 1.0, Among("well_connected"))
    played.step()
    called = played.calls._campaign > 0
    degree = played.model.network.degree
    assert called.sum() >= 30
    assert degree[called].min() >= np.sort(degree)[-40:].min()


@pytest.mark.parametrize(
    ("stance", "share", "among", "said"),
    [
        ("sulk", 0.1, Among(), "not one of"),
        ("strike", 0.0, Among(), "above 0"),
        ("strike", 1.5, Among(), "above 0"),
        ("strike", 0.1, Among("community", label="99"), "no community '99'"),
        ("strike", 0.1, Among("group", "shoe size", "44"), "no grouping"),
    ],
)
def test_impossible_calls_say_why(stance, share, among, said):
    with pytest.raises(InputError, match=said):
        world().call(stance, share, among)


def test_the_overlay_changes_nothing_as_long_as_nobody_is_called():
    settings = Settings("digits-default", {"ticks": 6, "interventions": []})
    overlaid = World(settings.scenario(), None, Interruptions(), lambda text, cancellable: None)
    plain = settings.scenario().build()
    for _ in range(6):
        overlaid.step()
        plain.step()
    for row, expected in zip(overlaid.model.ticks, plain.ticks, strict=True):
        for name, value in expected.items():
            if not name.startswith("seconds"):
                assert row[name] == value or value != value, name
