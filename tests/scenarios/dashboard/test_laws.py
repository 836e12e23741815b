"""Laws that come into force and are repealed during a run."""

from __future__ import annotations

import pytest

from learners.errors import InputError
from scenarios.dashboard.laws import enacted, kinds, repealed, said_of, states
from scenarios.dashboard.retraining import Interruptions
from scenarios.dashboard.settings import Settings
from scenarios.dashboard.world import World
from scenarios.interventions import PortabilityLaw


def world(**changes):
    settings = Settings("published-curves", {"population.users": 300, **changes})
    return World(settings.scenario(), None, Interruptions(), lambda text, cancellable: None)


def law(world, kind):
    return next(each for each in world.laws() if each.kind == kind)


def test_only_what_changes_policy_is_a_law():
    assert {"portability_law", "deletion_right", "interoperability"} <= kinds().keys()
    assert not {"conditional_pledge", "seeding"} & kinds().keys()
    assert all(said_of(kind).endswith(".") for kind in kinds())


def test_a_law_holds_from_the_next_tick_on_and_not_before():
    played = world(interventions=[])
    played.step()
    played.set_law("portability_law", True)
    assert played.model.policy.portability_success == 0.2
    assert law(played, "portability_law").in_force
    played.step()
    assert played.model.policy.portability_success == 1.0
    texts = [(event.tick, event.kind, event.text) for event in played.new_events()]
    assert (1, "law", "portability law enacted by you, from tick 2 on") in texts
    assert any(tick == 2 and kind == "intervention" for tick, kind, _ in texts)
    played.set_law("portability_law", False)
    played.step()
    assert played.model.policy.portability_success == 0.2
    assert not law(played, "portability_law").in_force


def test_a_law_enacted_by_hand_is_the_law_of_the_file():
    by_hand = world(interventions=[])
    by_file = world(interventions=[{"kind": "portability_law", "start": 3}])
    for tick in range(8):
        if tick == 2:
            by_hand.set_law("portability_law", True)
        by_hand.step()
        by_file.step()
    assert by_hand.model.ticks[-1]["share_cdc"] == by_file.model.ticks[-1]["share_cdc"] > 0


def test_a_planned_law_can_be_struck_out():
    played = world()  # the scenario's law begins at tick 10
    assert law(played, "portability_law").starts == 10
    assert not law(played, "portability_law").in_force
    played.set_law("portability_law", False)
    assert law(played, "portability_law").starts is None
    for _ in range(11):
        played.step()
    assert played.model.policy.portability_success == 0.2


def test_unknown_laws_and_fields_say_so():
    played = world()
    with pytest.raises(InputError, match="'curfew' is not one of"):
        played.set_law("curfew", True)
    with pytest.raises(InputError, match=r"law.*success"):
        played.set_law("portability_law", True, {"success": 2.0})


def test_repeal_leaves_what_was_in_force_before_as_it_was():
    first = PortabilityLaw(start=2, end=4)
    now = enacted([first], "portability_law", 6)
    gone = repealed(now, "portability_law", 9)
    assert gone[0] is first
    assert [each.in_force(8) for each in gone] == [False, True]
    assert not any(each.in_force(9) for each in gone)
    assert [state.in_force for state in states(gone, 3) if state.kind == "portability_law"] == [True]


def test_a_law_that_cannot_work_here_is_enacted_with_a_warning():
    played = world(interventions=[])
    assert played.facts().warnings == ()
    played.set_law("tracking_blocker", True)
    said = ("Nothing can be withheld where no new records arrive (static clock).",)
    assert law(played, "tracking_blocker").warnings == said
    assert law(played, "tracking_blocker").in_force
    warned = [event for event in played.new_events() if event.kind == "warning"]
    assert [(event.subject, event.text) for event in warned] == [("tracking_blocker", *said)]
    played.set_law("tracking_blocker", False)
    assert law(played, "tracking_blocker").warnings == ()
    played.set_law("portability_law", True)
    assert law(played, "portability_law").warnings == ()
    assert [event.kind for event in played.new_events()] == ["law", "law"]


def test_a_warning_ends_with_its_cause():
    played = world(interventions=[])
    played.set_law("data_licence", True, {"term": "pay", "least": 0.1})
    assert law(played, "data_licence").warnings[0].startswith("Small Co. pays nothing")
    played.set_law("credits", True)
    assert law(played, "data_licence").warnings == ()


def test_a_drive_for_what_nobody_can_do_is_refused_and_nothing_changes():
    played = world(interventions=[])
    with pytest.raises(InputError, match="poison:label_flip"):
        played.set_law("coalition", True, {"stance": "poison:label_flip"})
    assert not law(played, "coalition").in_force
    played.step()
