"""The worker process of one visitor: it holds the world, and does what it is told through a pipe.

Core Objects: work.
"""

from __future__ import annotations

import importlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.worker_process import become_worker
from learners.errors import InputError
from scenarios.dashboard import commands as asked
from scenarios.dashboard import reports
from scenarios.dashboard.messages import Coalitions

if TYPE_CHECKING:
    from scenarios.dashboard.messages import Status
    from scenarios.dashboard.retraining import Interruptions
    from scenarios.dashboard.world import World

SNAPSHOT_SECONDS = 1 / 6
"""Time between two reports of a world at play, on average."""

_NICENESS = 5

LIBRARIES = "scenarios.dashboard.libraries"
"""Module that imports what every world needs."""

_log = logging.getLogger("data-leverage.dashboard")


def work(connection: Connection, data_dir: Path | None) -> None:
    """Serve commands until the other end of the pipe is closed; the main function of the process."""
    become_worker()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # the page, which is another process, answers first
    from scenarios.dashboard.retraining import Interruptions

    interruptions = Interruptions()
    interruptions.listen()
    commands: queue.SimpleQueue[asked.Command] = queue.SimpleQueue()
    worker = _Worker(connection, data_dir, interruptions)

    def listen() -> None:
        try:
            while True:
                command = connection.recv()
                if isinstance(command, asked.BreakOff):
                    interruptions.ask()
                elif not (commands.empty() and worker.obey_meanwhile(command)):
                    commands.put(command)
        except (EOFError, OSError):
            os._exit(0)

    importlib.import_module(LIBRARIES)  # now, so that a reset need not wait for them
    threading.Thread(target=listen, daemon=True).start()
    worker.tell(reports.Ready())
    while True:
        worker.turn(commands)


class _Worker:
    """The loop: commands in between ticks, reports out.

    Parameters
    ----------
    connection
        Our end of the pipe.
    data_dir
        Folder of the data sets.
    interruptions
        How retraining is broken off.
    """

    def __init__(self, connection: Connection, data_dir: Path | None, interruptions: Interruptions) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._data_dir = data_dir
        self._interruptions = interruptions
        self._world: World | None = None
        self._run = 0
        self._status: Status = "starting"
        self._to_play = 0.0
        """Ticks that are still to be played before a stop."""
        self._pace = 0.0
        self._due = 0.0
        self._told_at = 0.0
        self._told_rows = 0
        self._untold = False
        self._obeyed = 0
        self._people: tuple[tuple[tuple[int, ...], ...], bytes, Coalitions] = (), b"", Coalitions()
        """Who acted at the end of the last tick: by community, one by one, and in coalitions."""

    def tell(self, report: reports.Report) -> None:
        """Send a report."""
        with self._sending:
            self._connection.send(report)

    def turn(self, commands: queue.SimpleQueue[asked.Command]) -> None:
        """Carry out a command, or play a tick, whichever comes first."""
        try:
            command = commands.get(timeout=self._patience())
        except queue.Empty:
            command = None
        self._attempt(lambda: self._go_on(command))

    def obey_meanwhile(self, command: asked.Command) -> bool:
        """Carry out a command in another thread, if a company retrains and the command allows it.

        Returns
        -------
        bool
            Whether it was carried out.
        """
        with self._interruptions.meanwhile() as retrains:
            if not (retrains and command.meanwhile):
                return False
            self._attempt(lambda: self._obey(command))
        return True

    def _go_on(self, command: asked.Command | None) -> None:
        if command is not None:
            self._obey(command)
        elif self._to_play and time.monotonic() >= self._due:
            self._play_tick()
        if self._untold and time.monotonic() >= self._told_at + SNAPSHOT_SECONDS:
            self._tell_state()

    def _attempt(self, work: Callable[[], None]) -> None:
        """Do something, and report what goes wrong."""
        try:
            work()
        except InputError as error:
            self.tell(reports.Refused(self._run, str(error), self._obeyed))
        except Exception as error:
            _log.exception("a world failed")
            self._end()
            self.tell(reports.Failed(self._run, f"{type(error).__name__}: {error}"))

    def _patience(self) -> float | None:
        """Return how long to wait for a command, in seconds; ``None`` while there is nothing else to do."""
        now = time.monotonic()
        waits = []
        if self._to_play:
            waits.append(self._due - now)
        if self._untold:
            waits.append(self._told_at + SNAPSHOT_SECONDS - now)
        return max(min(waits), 0.0) if waits else None

    def _obey(self, command: asked.Command) -> None:
        if isinstance(command, asked.Reset):
            self._reset(command)
            return
        world = self._world
        self._obeyed += command.counted
        if world is None:
            return
        match command:
            case asked.Play():
                self._start(float("inf"))
            case asked.Step(ticks):
                stepping = self._to_play if self._to_play < float("inf") else 0.0
                self._start(stepping + ticks)
            case asked.Pause():
                self._stop("paused")
            case asked.Speed(ticks_a_second):
                self._pace = 1 / ticks_a_second if ticks_a_second else 0.0
                self._due = time.monotonic()
            case asked.Act(stance, share, among):
                world.call(stance, share, among)
            case asked.CallOff(number):
                world.call_off(number)
            case asked.SetLaw(kind, on, fields):
                world.set_law(kind, on, dict(fields))
            case asked.Write():
                from scenarios.dashboard.exports import packed_run

                self.tell(reports.Packed(self._run, packed_run(world.scenario, world.model)))
        self._tell_state()

    def _reset(self, command: asked.Reset) -> None:
        from scenarios.dashboard.world import World

        self._run, self._obeyed, scenario = command.run, 0, command.scenario
        self.tell(reports.Began(self._run))
        before = self._world
        self._end()
        use_case = None
        if before is not None and _same_data(before.scenario, scenario):
            use_case = before.model.use_case
        before = None
        world = World(scenario, self._data_dir, self._interruptions, self._tell_stage, use_case)
        self._world, self._status, self._told_rows = world, "ready", 0
        self.tell(reports.Began(self._run, world.facts()))
        self._tell_state()

    def _start(self, ticks: float) -> None:
        assert self._world is not None
        if not self._world.finished:
            self._to_play, self._due, self._status = ticks, time.monotonic(), "playing"

    def _stop(self, status: Status) -> None:
        assert self._world is not None
        self._to_play = 0.0
        if self._status != "finished":
            self._status = status

    def _play_tick(self) -> None:
        world = self._world
        assert world is not None
        self._due = max(self._due + self._pace, time.monotonic() - self._pace)
        broken_off = world.step()
        self._to_play -= 1
        if world.finished:
            self._to_play, self._status = 0.0, "finished"
        elif not self._to_play:
            self._status = "paused"
        self._untold = True
        if not self._to_play or broken_off:
            self._tell_state(_broken_off(world.tick, broken_off, world.company_names))

    def _tell_stage(self, text: str, cancellable: bool) -> None:
        self.tell(reports.Stage(text, cancellable))

    def _tell_state(self, notice: str = "") -> None:
        world = self._world
        assert world is not None
        self._untold, self._told_at = False, beat(self._told_at, time.monotonic())
        rows = world.rows(self._told_rows)
        self._told_rows += len(rows)
        if not self._interruptions.inside:  # within a tick people may be ahead of the last row
            actions = world.actions()
            self._people = (
                world.communities.acting(actions),
                world.communities.pixels(actions),
                world.coalitions(actions),
            )
        self.tell(
            reports.State(
                self._run,
                self._status,
                rows,
                world.new_events(),
                *self._people,
                world.called(),
                world.laws(),
                notice,
                self._obeyed,
            )
        )

    def _end(self) -> None:
        self._world, self._to_play, self._untold = None, 0.0, False


def beat(last: float, now: float) -> float:
    """Return from when the time to the next report is counted: from when this one was due.

    One that comes late, as after a long tick, does not delay those after it.
    """
    return min(max(last + SNAPSHOT_SECONDS, now - SNAPSHOT_SECONDS), now)


def _same_data(before: object, after: object) -> bool:
    """Return whether two scenarios play on the same loaded data set."""
    kinds = ("use_case", "learner", "mode", "curve", "replay")
    same = all(getattr(before, name) == getattr(after, name) for name in kinds)
    return same and before.population.users == after.population.users  # type: ignore[attr-defined]


def _broken_off(tick: int, parts: list[str], companies: Mapping[str, str]) -> str:
    others = {
        "reference": "the reference models are those of an earlier tick",
        "composition": "the composition gap was not measured",
    }
    said = "; ".join(
        others.get(part) or f"{companies[part]} still serves its model of an earlier tick" for part in parts
    )
    return f"Tick {tick} is whole, but broken off: {said}." if said else ""
