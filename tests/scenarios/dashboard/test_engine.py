"""The engine: commands in, frozen snapshots out, whatever becomes of the worker. No browser, no Solara."""

from __future__ import annotations

import dataclasses
import itertools
import os
import signal
import sys
import threading
import time

import pytest

from scenarios.dashboard import commands as asked
from scenarios.dashboard import engine as module
from scenarios.dashboard.engine import Engine
from scenarios.dashboard.settings import Settings
from scenarios.dashboard.world import Among


class Watched:
    """An engine with what it has published."""

    def __init__(self, data_dir=None):
        self.seen = []
        self.archives = []
        self.engine = Engine(self.see, data_dir, self.archives.append)

    def see(self, snapshot):
        self.seen.append((time.monotonic(), snapshot))

    @property
    def now(self):
        return self.seen[-1][1] if self.seen else None

    def until(self, true, seconds=240):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.seen and true(self.now):
                return self.now
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s; the last snapshot was {self.now}")


@pytest.fixture(scope="module")
def shared():
    watched = Watched()
    yield watched
    watched.engine.close()


def started(watched, **changes):
    preset = changes.pop("preset", "digits-default")
    run = watched.now.run if watched.now else 0
    watched.engine.reset(Settings(preset, changes).scenario())
    return watched.until(lambda snapshot: snapshot.run > run and snapshot.status == "ready")


def without_seconds(rows):
    return [
        {name: value for name, value in row.items() if "seconds" not in name and value == value}
        for row in rows
    ]


def test_step_play_pause_finish(shared):
    first = started(shared, ticks=30)
    assert (first.tick, len(first.rows), first.facts.users) == (0, 1, 300)
    shared.engine.send(asked.Step(2))
    shared.engine.send(asked.Step())
    assert shared.until(lambda s: s.status == "paused" and s.obeyed == 2).tick == 3
    shared.engine.send(asked.Speed(5.0))
    shared.engine.send(asked.Play())
    shared.until(lambda s: s.tick >= 5)
    shared.engine.send(asked.Pause())
    paused = shared.until(lambda s: s.status == "paused" and s.tick >= 5)
    time.sleep(0.6)
    assert shared.now.tick == paused.tick < 30
    shared.engine.send(asked.Speed(0.0))
    shared.engine.send(asked.Play())
    finished = shared.until(lambda s: s.status == "finished")
    assert [row["tick"] for row in finished.rows] == list(range(31))
    assert sum(finished.acting[0]) == finished.facts.communities[0].size
    assert len(finished.pixels) == 300
    assert sum(map(sum, finished.acting)) == 300


def test_the_same_seed_gives_the_same_run_as_the_command_line(shared):
    started(shared, ticks=8, interventions=[])
    shared.engine.send(asked.Play())
    played = shared.until(lambda s: s.status == "finished")
    model = Settings("digits-default", {"ticks": 8, "interventions": []}).scenario().build()
    for _ in range(8):
        model.step()
    assert without_seconds(played.rows) == without_seconds(model.ticks)
    assert len(played.events) == len(model.events.table())


def test_snapshots_are_frozen_and_at_most_six_a_second(shared):
    started(shared, preset="published-curves", ticks=400)
    shared.seen.clear()
    shared.engine.send(asked.Play())
    shared.until(lambda s: s.status == "finished")
    times = [moment for moment, _ in shared.seen]
    changes = sum(
        earlier.status != later.status for (_, earlier), (_, later) in itertools.pairwise(shared.seen)
    )
    assert len(times) > 2
    assert len(times) <= 6 * (times[-1] - times[0]) + 2 + changes
    with pytest.raises(dataclasses.FrozenInstanceError):
        shared.now.status = "ready"
    earlier = shared.seen[0][1]
    assert len(earlier.rows) < len(shared.now.rows)  # an old snapshot has not grown


def test_what_cannot_be_done_is_said_and_the_world_goes_on(shared):
    started(shared)
    shared.engine.send(asked.Act("sulk", 0.5, Among()))
    refused = shared.until(lambda s: s.notice)
    assert "'sulk' is not one of" in refused.notice
    assert refused.status == "ready"
    shared.engine.send(asked.Step())
    assert shared.until(lambda s: s.tick == 1).notice == ""


def test_commands_are_counted_as_they_are_carried_out_or_refused(shared):
    assert started(shared).obeyed == 0
    shared.engine.send(asked.Speed(5.0))
    shared.engine.send(asked.Act("strike", 0.1, Among()))
    shared.engine.send(asked.Act("sulk", 0.1, Among()))
    shared.engine.send(asked.Step())
    done = shared.until(lambda s: s.tick == 1 and s.status == "paused")
    assert done.obeyed == 3
    assert done.notice == ""  # it was an answer to the command before
    shared.engine.send(asked.Act("sulk", 0.1, Among()))
    refused = shared.until(lambda s: s.obeyed == 4)
    assert "'sulk'" in refused.notice
    assert started(shared).obeyed == 0


def test_reports_are_counted_from_when_they_were_due():
    from scenarios.dashboard.worker import SNAPSHOT_SECONDS as SPAN
    from scenarios.dashboard.worker import beat

    assert beat(10.0, 10.0 + 1.3 * SPAN) == pytest.approx(10.0 + SPAN)  # late: the next is not
    assert beat(10.0, 10.0 + 0.2 * SPAN) == pytest.approx(10.0 + 0.2 * SPAN)  # early, as an answer is
    assert beat(10.0, 10.0 + 9 * SPAN) == pytest.approx(10.0 + 8 * SPAN)  # long silence: one is made up for


def test_a_scenario_that_cannot_be_built_is_explained_and_the_next_one_plays(tmp_path):
    watched = Watched(tmp_path)
    try:
        watched.engine.reset(Settings("ml-100k-choice").scenario())
        failed = watched.until(lambda s: s.status == "error")
        assert "data-leverage data fetch ml-100k" in failed.error
        assert started(watched, ticks=5, interventions=[]).facts.ticks == 5
    finally:
        watched.engine.close()


def test_a_killed_worker_is_reported_and_a_reset_recovers(shared):
    started(shared)
    shared.engine.send(asked.Step(2))
    shared.until(lambda s: s.tick == 2)
    os.kill(shared.engine.worker_pid, signal.SIGKILL)
    dead = shared.until(lambda s: s.status == "error")
    assert "SIGKILL" in dead.error
    assert "Reset" in dead.error
    assert len(dead.rows) == 3  # what was reported is still shown
    assert started(shared).rows[0]["tick"] == 0


def test_a_reset_does_not_wait_for_a_busy_worker(shared):
    started(shared)
    pid = shared.engine.worker_pid
    os.kill(pid, signal.SIGSTOP)  # as busy as can be
    run = shared.now.run
    shared.engine.reset(Settings("digits-default", {"seed": 4}).scenario())
    fresh = shared.until(lambda s: s.run > run and s.status == "ready")
    assert fresh.facts.seed == 4
    assert shared.engine.worker_pid != pid


def test_what_is_asked_after_a_reset_reaches_the_worker_that_replaces_a_busy_one(shared):
    started(shared, ticks=5, interventions=[])
    os.kill(shared.engine.worker_pid, signal.SIGSTOP)
    run = shared.now.run
    shared.engine.reset(Settings("digits-default", {"ticks": 5, "seed": 2, "interventions": []}).scenario())
    shared.engine.send(asked.Act("strike", 0.1, Among()))
    shared.engine.send(asked.Play())
    finished = shared.until(lambda s: s.run > run and s.status == "finished")
    assert finished.obeyed == 2
    assert finished.calls[0].followers == 30


def test_a_worker_that_has_just_started_is_slow_and_not_busy(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    watched = Watched()
    try:
        watched.engine.reset(Settings("digits-default").scenario())
        watched.until(lambda s: s.status == "starting")
        pid = watched.engine.worker_pid
        watched.until(lambda s: s.status == "ready", seconds=120)
        assert watched.engine.worker_pid == pid
    finally:
        watched.engine.close()


def test_a_worker_that_is_killed_before_it_begins_is_not_waited_for(shared, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 1e6)
    started(shared)
    os.kill(shared.engine.worker_pid, signal.SIGSTOP)
    shared.engine.reset(Settings("digits-default").scenario())
    shared.until(lambda s: s.status == "starting")
    os.kill(shared.engine.worker_pid, signal.SIGKILL)
    shared.until(lambda s: s.status == "error")
    time.sleep(0.6)
    assert shared.now.progress is None
    assert started(shared).tick == 0


def test_a_snapshot_that_cannot_be_shown_ends_nothing(caplog):
    class Clumsy(Watched):
        def see(self, snapshot):
            super().see(snapshot)
            if snapshot.status == "ready":
                raise RuntimeError("cannot draw this")

    watched = Clumsy()
    try:
        started(watched, ticks=5, interventions=[])
        watched.engine.send(asked.Step())
        assert watched.until(lambda s: s.status == "paused").tick == 1
    finally:
        watched.engine.close()
    assert "cannot draw this" in caplog.text


def test_calls_and_laws_are_in_the_snapshot(shared):
    started(shared, interventions=[])
    shared.engine.send(asked.Act("strike", 0.2, Among()))
    shared.engine.send(asked.SetLaw("portability_law", True))
    shared.engine.send(asked.Step())
    snapshot = shared.until(lambda s: s.tick == 1)
    assert snapshot.calls[0].followers == 60
    assert snapshot.rows[1]["share_strike"] >= 0.2
    assert next(law.in_force for law in snapshot.laws if law.kind == "portability_law")
    assert [event.kind for event in snapshot.events if event.kind in ("campaign", "law")] == [
        "campaign",
        "law",
    ]
    shared.engine.send(asked.CallOff(snapshot.calls[0].number))
    assert shared.until(lambda s: not s.calls).tick == 1


@pytest.mark.slow
def test_a_call_is_answered_while_a_company_retrains_and_counts_from_the_next_tick(shared):
    # Each company retrains for seconds at every tick, and nothing else takes long.
    blind = {"linear": 1.0, "pessimist": 0.0, "true": 0.0}
    slow = {"learner.filters": 1400, "population.beliefs": blind, "interventions": [], "ticks": 9}
    called = [asked.Act("strike", 0.2, Among()), asked.SetLaw("portability_law", True)]
    runs = []
    for between in (True, False):
        began = started(shared, **slow)
        people = began.pixels
        shared.engine.send(asked.Step())
        if between:
            shared.until(lambda s: s.tick == 1)
        else:
            shared.until(lambda s: s.progress and s.progress.cancellable)
        for command in called:
            shared.engine.send(command)
        answer = shared.until(lambda s: s.calls and any(law.in_force for law in s.laws))
        assert answer.tick == (1 if between else 0)
        if not between:
            assert answer.pixels == people, "who acts was shown ahead of the last row"
        shared.until(lambda s: s.tick == 1 and s.status == "paused")
        shared.engine.send(asked.Step())
        runs.append(shared.until(lambda s: s.tick == 2))
    assert without_seconds(runs[0].rows) == without_seconds(runs[1].rows)
    assert runs[0].rows[2]["share_strike"] > 0.15 > runs[0].rows[1]["share_strike"]


def test_two_engines_know_nothing_of_each_other(shared):
    other = Watched()
    try:
        started(shared, seed=1, ticks=100)
        started(other, seed=2, ticks=100)
        shared.engine.send(asked.Act("strike", 0.5, Among()))
        shared.engine.send(asked.Play())
        shared.until(lambda s: s.status == "finished")
        assert other.now.tick == 0
        assert other.now.calls == ()
        other.engine.send(asked.Play())
        apart = other.until(lambda s: s.status == "finished")
    finally:
        other.engine.close()
    alone = Settings("digits-default", {"seed": 2, "ticks": 100}).scenario().build()
    for _ in range(100):
        alone.step()
    assert without_seconds(apart.rows) == without_seconds(alone.ticks)


def test_the_run_comes_as_an_archive(shared, tmp_path):
    import io
    import json
    import zipfile

    import pandas as pd

    started(shared, ticks=6, interventions=[])
    shared.engine.send(asked.Act("strike", 0.1, Among()))
    shared.engine.send(asked.Step(3))
    shared.until(lambda s: s.tick == 3)
    shared.archives.clear()
    shared.engine.send(asked.Write())
    end = time.monotonic() + 240
    while not shared.archives and time.monotonic() < end:
        time.sleep(0.05)
    with zipfile.ZipFile(io.BytesIO(shared.archives[0])) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("digits-default/run.json"))
        ticks = pd.read_parquet(io.BytesIO(archive.read("digits-default/ticks.parquet")))
    assert {"digits-default/summary.md", "digits-default/figures/overview.png"} <= set(names)
    assert manifest["status"] == "stopped after tick 3"
    assert manifest["by_hand"][0]["tick"] == 0
    assert ticks["tick"].tolist() == [0, 1, 2, 3]


def test_closing_ends_the_worker_and_the_thread():
    watched = Watched()
    started(watched)
    pid = watched.engine.worker_pid
    watched.engine.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not any(thread is watched.engine._thread and thread.is_alive() for thread in threading.enumerate())


def test_the_engine_needs_no_browser_library():
    import subprocess

    code = (
        "import sys, scenarios.dashboard.engine, scenarios.dashboard.world; sys.exit('solara' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
