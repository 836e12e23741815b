"""One visitor's engine: a thread that supervises a worker process. Commands go in, frozen snapshots come out.

Nothing here knows of a browser. The worker can be slow, fail or be killed: the engine says so in a snapshot,
and the next reset goes on with a fresh worker.

Core Objects: Engine.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from scenarios.dashboard import commands as asked
from scenarios.dashboard import reports
from scenarios.dashboard.messages import Progress, Snapshot
from scenarios.dashboard.worker import LIBRARIES, SNAPSHOT_SECONDS, beat, work
from scenarios.scenario import Scenario

PATIENCE = 1.0
"""Seconds within which a worker that has a world must begin another; a busier one is replaced."""

_log = logging.getLogger("data-leverage.dashboard")

_LONG = 0.3
"""Seconds from which on a stage is shown as progress."""


class Engine:
    """A visitor's world, at arm's length.

    Parameters
    ----------
    publish
        Called in the engine's thread with every new snapshot: at most six a second, but what answers a
        command comes at once.
    data_dir
        Folder of the data sets.
    archive
        Called with the zip archive that a :class:`scenarios.dashboard.commands.Write` asked for.
    """

    def __init__(
        self,
        publish: Callable[[Snapshot], None],
        data_dir: Path | None = None,
        archive: Callable[[bytes], None] | None = None,
    ) -> None:
        self._publish = publish
        self._data_dir = data_dir
        self._archive = archive
        self._commands: deque[asked.Command] = deque()
        self._waker, self._woken = multiprocessing.Pipe()
        self._worker: _WorkerProcess | None = None
        self._snapshot = Snapshot()
        self._published_at = 0.0
        self._changed = False
        self._answers = False
        """Whether what has changed answers a command."""
        self._waiting: asked.Reset | None = None
        """A run that no worker has begun yet."""
        self._held: list[asked.Command] = []
        """What was asked of it meanwhile: the worker that begins it is told, whichever that will be."""
        self._waiting_since = 0.0
        self._asked_at = 0.0
        self._runs = 0
        self._speed = asked.Speed(0.0)
        self._stage: tuple[str, bool, float] | None = None
        self._took: dict[str, float] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._supervise, name="dashboard engine", daemon=True)
        self._thread.start()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, if there is one."""
        worker = self._worker
        return worker.process.pid if worker else None

    def reset(self, scenario: Scenario) -> None:
        """Begin a run of a scenario, whatever the worker is doing."""
        self.send(asked.Reset(scenario))

    def send(self, command: asked.Command) -> None:
        """Pass a command on."""
        self._commands.append(command)
        self._wake()

    def close(self) -> None:
        """End the worker and the thread."""
        self._closed = True
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=5)

    def _wake(self) -> None:
        with suppress(OSError, ValueError):
            self._waker.send_bytes(b"!")

    def _supervise(self) -> None:
        try:
            while not self._closed:
                self._listen()
                while self._commands and not self._closed:
                    self._pass_on(self._commands.popleft())
                self._lose_patience()
                self._show()
        finally:
            if self._worker:
                self._worker.end()
            self._waker.close()
            self._woken.close()

    def _listen(self) -> None:
        """Wait for a command, a report or the worker's death, but not while something is to be shown."""
        sources = [self._woken, *(self._worker.sources if self._worker else ())]
        busy = self._changed or self._stage or self._waiting
        due = max(self._published_at + SNAPSHOT_SECONDS - time.monotonic(), 0.0)
        for source in wait(sources, (due if self._changed else SNAPSHOT_SECONDS) if busy else None):
            if source is self._woken:
                while self._woken.poll():
                    self._woken.recv_bytes()
            elif self._worker and source is self._worker.connection:
                self._hear()
            elif self._worker and source == self._worker.process.sentinel:
                self._mourn()

    def _hear(self) -> None:
        assert self._worker is not None
        try:
            while self._worker and self._worker.connection.poll():
                self._take_in(self._worker.connection.recv())
        except (EOFError, OSError):
            self._mourn()

    def _mourn(self) -> None:
        """Say that the worker is gone."""
        assert self._worker is not None
        how = self._worker.end()
        self._worker, self._stage, self._waiting = None, None, None
        self._fail(
            f"The process that computes was {how}. What it had reported is shown; Reset starts a new one."
        )

    def _fail(self, text: str) -> None:
        self._answers = True
        self._change(replace(self._snapshot, status="error", error=text, notice="", progress=None))

    def _pass_on(self, command: asked.Command) -> None:
        if isinstance(command, asked.Reset):
            self._runs += 1
            self._held = []
            self._begin(replace(command, run=self._runs))
            return
        if isinstance(command, asked.Speed):
            self._speed = command
        if self._waiting:
            self._held.append(command)
        elif self._worker and self._snapshot.status != "error":
            self._worker.send(command)

    def _begin(self, reset: asked.Reset) -> None:
        if self._worker is None:
            self._worker = _WorkerProcess(self._data_dir)
        self._waiting, self._waiting_since = reset, time.monotonic()
        self._asked_at = self._waiting_since
        self._stage = None
        self._change(Snapshot(run=reset.run, status="starting"))
        self._worker.send(asked.BreakOff())
        self._worker.send(reset)
        self._worker.send(self._speed)

    def _lose_patience(self) -> None:
        """Replace a worker that is too busy to begin a reset."""
        late = time.monotonic() > self._waiting_since + PATIENCE
        if self._waiting and self._worker and self._worker.has_begun and late:
            self._worker.end()
            self._worker = None
            self._begin(self._waiting)

    def _take_in(self, report: reports.Report) -> None:
        assert self._worker is not None
        if isinstance(report, reports.Ready):
            self._worker.ready = True
            return
        if isinstance(report, reports.Stage):
            self._next_stage(report)
            return
        if isinstance(report, reports.Began):
            self._worker.has_begun = True
        if getattr(report, "run", None) != self._runs:
            return  # of a run that has been reset since
        snapshot = self._snapshot
        match report:
            case reports.Began(facts=facts):
                self._waiting = None
                for command in self._held:
                    self._worker.send(command)
                self._held = []
                self._change(replace(snapshot, facts=facts))
            case reports.State():
                news = report.status != snapshot.status or report.obeyed != snapshot.obeyed
                self._answers = self._answers or news
                self._change(
                    replace(
                        snapshot,
                        status=report.status,
                        rows=snapshot.rows + report.rows,
                        events=snapshot.events + report.events,
                        acting=report.acting,
                        pixels=report.pixels,
                        coalitions=report.coalitions,
                        calls=report.calls,
                        laws=report.laws,
                        notice=report.notice or ("" if report.obeyed != snapshot.obeyed else snapshot.notice),
                        progress=None if report.status != "playing" else snapshot.progress,
                        obeyed=report.obeyed,
                    )
                )
            case reports.Refused(text=text):
                if snapshot.facts is None:
                    self._fail(text)
                else:
                    self._answers = True
                    self._change(replace(snapshot, notice=text, obeyed=report.obeyed))
            case reports.Failed(text=text):
                self._fail(f"The run ended in an error ({text}). Reset starts it anew.")
            case reports.Packed(archive=archive):
                if self._archive:
                    self._archive(archive)

    def _next_stage(self, report: reports.Stage) -> None:
        now = time.monotonic()
        if self._stage:
            self._took[self._stage[0]] = now - self._stage[2]
        self._stage = (report.text, report.cancellable, now) if report.text else None

    def _change(self, snapshot: Snapshot) -> None:
        self._snapshot, self._changed = snapshot, True

    def _show(self) -> None:
        """Publish what has changed, if the last snapshot has had its time."""
        now = time.monotonic()
        if now < self._published_at + SNAPSHOT_SECONDS and not (self._changed and self._answers):
            return
        progress = self._progress(now)
        if progress != self._snapshot.progress:
            self._change(replace(self._snapshot, progress=progress))
        if self._changed:
            self._changed, self._answers, self._published_at = False, False, beat(self._published_at, now)
            try:
                self._publish(self._snapshot)
            except Exception:  # a page that cannot show this one is shown the next; the world goes on
                _log.exception("a snapshot could not be shown")

    def _progress(self, now: float) -> Progress | None:
        if self._waiting and not (self._worker and self._worker.ready):
            return Progress("libraries are loaded", round(now - self._asked_at, 1), None, False)
        if self._stage is None or now - self._stage[2] < _LONG:
            return None
        text, cancellable, since = self._stage
        return Progress(text, round(now - since, 1), self._took.get(text), cancellable)


def prepare() -> None:
    """Begin to load the libraries of worker processes, where those can share them."""
    from multiprocessing import forkserver

    if _context().get_start_method() == "forkserver":
        forkserver.ensure_running()


def _context() -> Any:
    """Return how workers start: never as a fork of this process, whose threads might leave locks behind.

    On Linux they are forks of a process without threads that has loaded the libraries, and begin at once.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([LIBRARIES])
    return context


class _WorkerProcess:
    """A worker process and our end of its pipe."""

    def __init__(self, data_dir: Path | None) -> None:
        context = _context()
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=work, args=(theirs, data_dir), daemon=True)
        self.process.start()
        theirs.close()  # so that ours ends when the worker does
        self.ready = False
        """Whether it has loaded its libraries."""
        self.has_begun = False
        """Whether it has ever had a world, and can so be busy with one."""

    @property
    def sources(self) -> list[Connection | int]:
        """What can be waited for."""
        return [self.connection, self.process.sentinel]

    def send(self, command: asked.Command) -> None:
        """Send a command; a worker that is gone is noticed elsewhere."""
        with suppress(OSError, ValueError):
            self.connection.send(command)

    def end(self) -> str:
        """End the process and say how it ended."""
        self.process.kill() if self.process.is_alive() else None
        self.process.join()
        self.connection.close()
        code = self.process.exitcode
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"killed ({signal.Signals(-code).name})"
        return f"ended (exit code {code})"
