"""Coalitions in the view of who acts: what is said of them, and where their members stand."""

from __future__ import annotations

import numpy as np

from abm.actions import ACTIONS
from scenarios.dashboard import communities
from scenarios.dashboard.blocks import MOST, NONE, by_coalition, by_community
from scenarios.dashboard.messages import IN_NONE, Coalitions, Snapshot
from scenarios.dashboard.panels.people import coalition_rows, people_traits
from scenarios.dashboard.retraining import Interruptions
from scenarios.dashboard.session import Player
from scenarios.dashboard.settings import Settings
from scenarios.dashboard.world import World


def world(preset="data-union", ticks=0, **changes):
    scenario = Settings(preset, {"population.users": 400, **changes}).scenario()
    made = World(scenario, None, Interruptions(), lambda text, cancellable: None)
    for _ in range(ticks):
        made.step()
    return made


def seen(played):
    actions = played.actions()
    return Snapshot(
        facts=played.facts(),
        acting=played.communities.acting(actions),
        pixels=played.communities.pixels(actions),
        coalitions=played.coalitions(actions),
    )


def test_a_coalition_is_told_with_its_members_its_stance_and_who_holds_it():
    early, late = world(ticks=3), world(ticks=30)
    for played in (early, late):
        model = played.model
        (union,) = model.organisations.coalitions
        (told,) = played.coalitions(played.actions()).shown
        assert (told.label, told.goal, told.stance) == ("data union", "pay", "strike")
        assert told.size == union.size > 0
        assert told.acts == union.active
        counts = np.bincount(played.actions()[union.rows], minlength=len(ACTIONS))
        assert told.acting == tuple(counts.tolist())
        held = [model.stances.names[code] for code in model.population.stance[union.rows]]
        assert told.following == sum(name in ("strike", "cdc_delete") for name in held)
    before, after = (coalition_rows(played.coalitions(played.actions()))[0] for played in (early, late))
    assert before[3] == "does not act; it would: strike"
    assert after[3] == "acts: strike"
    assert int(after[4].removesuffix(" %")) > 80  # loyalty is nine in ten


def test_where_there_are_none_nothing_is_told():
    played = world("published-curves", ticks=1, interventions=[])
    assert played.coalitions(played.actions()) == Coalitions()


def test_pixels_follow_the_membership_of_every_tick():
    played = world(ticks=5)
    sizes = []
    for _ in range(3):
        played.step()
        membership = played.model.organisations.membership.coalition
        blocks = by_coalition(seen(played))
        assert blocks.labels == ("data union", NONE)
        assert blocks.pixels == blocks.sizes == (int((membership == 0).sum()), int((membership < 0).sum()))
        actions, order = played.actions(), played.communities.pixel_users
        members = [actions[user] for user in order if membership[user] == 0]
        others = [actions[user] for user in order if membership[user] < 0]
        assert list(blocks.codes) == [*members, *others]
        sizes.append(blocks.sizes[0])
    assert len(set(sizes)) > 1


def test_blocks_by_coalition_hold_the_same_people_as_those_by_community():
    snapshot = seen(world(ticks=20))
    both = by_community(snapshot.facts, snapshot), by_coalition(snapshot)
    for blocks in both:
        assert sum(blocks.sizes) == sum(blocks.pixels) == len(blocks.codes) == 400
        assert all(len(row) == len(ACTIONS) for row in blocks.acting)
    assert np.sum(both[0].acting, axis=0).tolist() == np.sum(both[1].acting, axis=0).tolist()
    assert sorted(both[0].codes) == sorted(both[1].codes)


def test_where_not_all_people_are_drawn_the_blocks_are_of_those_who_are(monkeypatch):
    monkeypatch.setattr(communities, "PIXELS", 100)
    played = world(ticks=20)
    blocks = by_coalition(seen(played))
    drawn = played.model.organisations.membership.coalition[played.communities.pixel_users]
    assert len(drawn) == 100
    assert blocks.pixels == (int((drawn == 0).sum()), int((drawn < 0).sum()))
    assert sum(blocks.sizes) == 400


def test_one_founded_by_a_visitor_appears_and_one_that_is_dissolved_is_said_to_be():
    played = world("published-curves", interventions=[])
    played.step()
    played.set_law("coalition", True)
    assert played.coalitions(played.actions()) == Coalitions()
    for _ in range(4):
        played.step()
    founded = played.coalitions(played.actions())
    assert founded.labels == ("data union",)
    assert founded.shown[0].size > 0
    played.set_law("coalition", False)
    played.step()
    gone = played.coalitions(played.actions())
    assert coalition_rows(gone) == [["data union", "pay", "0", "dissolved", "-"]]
    assert set(gone.of_pixels) == {IN_NONE}
    assert by_coalition(seen(played)).labels == (NONE,)


def test_namesakes_are_counted_and_later_ones_shown_together():
    unions = [{"name": name, "minimum": 1.0, "consideration": 1.0} for name in "ab" * 9]
    played = world(ticks=6, **{"coalitions.standing": unions}, interventions=[])
    told = played.coalitions(played.actions())
    assert told.labels[:4] == ("a", "b", "a 2", "b 2")
    snapshot = seen(played)
    blocks = by_coalition(snapshot)
    assert set(blocks.labels) <= {*told.labels[:MOST], f"{len(unions) - MOST} later ones", NONE}
    sizes = dict(zip(blocks.labels, blocks.sizes, strict=True))
    late = sum(coalition.size for coalition in told.shown[MOST:])
    assert sizes.get(f"{len(unions) - MOST} later ones", 0) == late
    assert sum(sizes.values()) == len(blocks.codes) == 400


def test_the_view_falls_back_on_communities_where_there_are_no_coalitions():
    player = Player()
    for played, what in ((world(ticks=4), "coalition"), (world("published-curves"), "community")):
        snapshot = seen(played)
        player.snapshot.value = snapshot
        traits = people_traits(player, snapshot.facts, "coalition", False)
        assert what in traits["pixels"]["said"]
        assert len(traits["pixels"]["sizes"]) == len(traits["pixels"]["labels"])
        assert len(traits["coalitions"]["rows"]) == (what == "coalition")
