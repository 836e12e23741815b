"""What happened, in words: what is routine is one line a tick, and every line says who."""

from __future__ import annotations

from abm.ledger import Move
from scenarios.dashboard.messages import Event
from scenarios.dashboard.panels.event_log import told
from scenarios.dashboard.retraining import Interruptions
from scenarios.dashboard.settings import Settings
from scenarios.dashboard.world import World


def test_routine_is_gathered_and_the_rest_stands_out():
    events = (
        Event(3, "coalition join", "data union", 4.0, "4 of 9 who consider it join"),
        Event(3, "coalition leave", "data union", 2.0, "2 members leave, disappointed"),
        Event(3, "coalition act", "data union", 30.0, "30 members with 7.5% of the data act"),
        Event(3, "move", "withhold", 6.0, "6 users withhold"),
        Event(3, "move", "poison:label_flip", 1.0, "1 users poison:label_flip"),
        Event(3, "portability refused", "Small Co.", 2.0, "requests refused"),
        Event(3, "retrain", "Large Co.", 0.0042, "seconds of wall time"),
        Event(3, "retrain", "Small Co.", 1.5, "seconds of wall time"),
    )
    lines = told(events)
    assert lines == [
        (3, "data union: 30 members with 7.5% of the data act", True),
        (3, "data union: 4 of 9 who consider it join; members who leave disappointed 2", False),
        (3, "People: new data withheld 6; data falsified (label flip) 1; copies refused 2", False),
        (3, "Large Co. retrained in 4 ms; Small Co. retrained in 1.50 s", False),
    ]
    assert told(events, trains=False) == lines[:-1]


def test_every_line_says_who():
    events = {
        Event(1, "intervention", "portability_law", 1.0, "in force"): "portability law in force",
        Event(1, "warning", "audit", 1.0, "It finds nothing."): "audit: It finds nothing.",
        Event(1, "community act", "community action 0", 2.0, "2 communities act; 5 members leave them"): (
            "communities that begin to act 2; members who leave them 5"
        ),
        Event(1, "community end", "community action 0", 2.0, "2 communities end"): (
            "communities whose action ends 2"
        ),
        Event(1, "concession", "stop_practice", 7.0, "stop_practice: 7 of those who act are satisfied"): (
            "Large Co. concedes stop practice: 7 of those who act are satisfied"
        ),
        Event(1, "market exit", "Small Co.", 9.0, "leaves the market"): "Small Co. leaves the market",
        Event(
            1, "audit", "Large Co.", 3.0, "3 users' records laundered"
        ): "Large Co.: 3 users' records laundered",
        Event(1, "campaign", "strike", 0.1, "10% of everybody are called to strike"): (
            "10% of everybody are called to strike"
        ),
    }
    for event, said in events.items():
        assert told((event,)) == [(1, said, True)]


def test_every_move_has_words():
    for move in Move:
        ((_, said, main),) = told((Event(1, "move", move, 3.0, ""),))
        assert said.startswith("People: ")
        assert said.endswith(" 3")
        assert not main


def test_what_communities_do_is_told_as_it_happened():
    scenario = Settings("community-action", {"population.users": 500}).scenario()
    world = World(scenario, None, Interruptions(), lambda text, cancellable: None)
    while world.model.ticks[-1]["communities_active"] == 0:
        world.step()
    begun = [event for event in world.new_events() if event.kind == "community act"]
    assert len(begun) == 1
    left = 500 - sum(world.model.organisations.communities_of_users >= 0)
    active = world.model.ticks[-1]["communities_active"]
    assert told(tuple(begun))[0][1] == (
        f"communities that begin to act {active}; members who leave them {left}"
    )
