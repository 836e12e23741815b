"""A player shows what a browser can draw, answers at once, and says what it waits for; widgets follow it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from scenarios.dashboard import commands as asked
from scenarios.dashboard import session as module
from scenarios.dashboard.messages import Facts, Snapshot
from scenarios.dashboard.world import Among

pytest.importorskip("solara", reason="the dashboard's libraries are not installed")

PLAYING = Snapshot(run=1, status="playing", rows=({"tick": 0},))


class Engine:
    """Takes commands, and does nothing."""

    def __init__(self):
        self.sent = []

    def send(self, command):
        self.sent.append(command)


@pytest.fixture
def player():
    player = module.Player()
    player._engine = Engine()
    return player


def ticks(number, **more):
    return dataclasses.replace(PLAYING, rows=tuple({"tick": tick} for tick in range(number + 1)), **more)


def test_a_browser_that_still_draws_is_shown_the_latest_when_it_is_done(player):
    player._show(ticks(1))
    player.drawn(player.number)
    player._show(ticks(2))
    player._show(ticks(3))
    player._show(ticks(4))
    assert player.snapshot.peek().tick == 2  # not drawn yet
    player.drawn(player.number)
    assert player.snapshot.peek().tick == 4
    assert player.number == 3


def test_what_answers_a_command_or_ends_the_play_waits_for_no_browser(player):
    player._show(ticks(1))
    player.drawn(player.number)
    player._show(ticks(2))
    player._show(ticks(3, obeyed=1))
    assert player.snapshot.peek().tick == 3
    player._show(ticks(4, status="paused", obeyed=1))
    assert player.snapshot.peek().status == "paused"


def test_a_browser_that_is_out_of_sight_holds_nothing_up_for_good(player, monkeypatch):
    player._show(ticks(1))
    player.drawn(player.number)
    player._show(ticks(2))
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    player._show(ticks(3))
    assert player.snapshot.peek().tick == 3


def test_where_nobody_reports_drawing_everything_is_shown(player):
    for tick in range(1, 5):
        player._show(ticks(tick))
        assert player.snapshot.peek().tick == tick


def test_what_was_asked_waits_until_it_is_carried_out(player):
    call = asked.Act("strike", 0.1, Among())
    player.send(call)
    player.send(asked.Speed(0.0))  # nobody waits for that
    player.send(asked.Pause())
    assert player.waiting.peek() == (call, asked.Pause())
    player._show(ticks(1, obeyed=1))
    assert player.waiting.peek() == (asked.Pause(),)
    player._show(ticks(1, status="paused", obeyed=2))
    assert player.waiting.peek() == ()
    assert player._engine.sent == [call, asked.Speed(0.0), asked.Pause()]


def facts():
    known = {field.name: () for field in dataclasses.fields(Facts)}
    return Facts(
        **known
        | {
            "name": "a run",
            "metric": "accuracy",
            "unit": "",
            "higher_is_better": True,
            "perspective": "holdout",
            "mode": "live",
            "users": 2,
            "ticks": 5,
            "seed": 1,
            "groups": {},
            "power_users": False,
            "pixel_every": 1,
        }
    )


def test_widgets_follow_a_run_without_a_render_and_only_on_their_page():
    import solara

    from scenarios.dashboard.panels.run_figures import LiveFigures
    from scenarios.dashboard.settings import Settings

    session = module.Session("")
    model = Settings("digits-default", {"ticks": 5, "interventions": []}).scenario().build()
    model.step()
    renders = []

    @solara.component
    def page():
        renders.append(1)
        LiveFigures(session, False)

    _, context = solara.render(page(), handle_error=False)
    rows = tuple(model.ticks)
    session.live._show(Snapshot(run=1, status="ready", facts=facts(), rows=rows[:1]))

    from scenarios.dashboard.panels.chart import ChartWidget

    charts = context.find(ChartWidget).widgets
    assert len(charts) == 4
    before = len(renders)
    session.live._show(Snapshot(run=1, status="paused", facts=session.live.facts.peek(), rows=rows))
    assert all("At tick 1: " in chart.said for chart in charts)
    series = json.loads(charts[0].option)["series"][0]["data"]
    assert [tick for tick, _ in series] == [0, 1]
    assert len(renders) == before
    session.page.value = "explain"
    session.live._show(Snapshot(run=1, status="ready", facts=session.live.facts.peek(), rows=rows[:1]))
    assert all("At tick 1: " in chart.said for chart in charts)  # out of sight, they stand still
    session.page.value = "live"
    assert all("At tick 0: " in chart.said for chart in charts)
    context.close()
    assert session.live.snapshot._storage.listeners["global"] == set()
