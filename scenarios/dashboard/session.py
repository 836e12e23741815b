"""What one visitor has open: settings with their history, a world or a pair of worlds, and the page.

Core Objects: Session, Player.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from pathlib import Path

import solara
from solara.lab import Ref

from learners.datasets.catalogue import DATA_VARIABLE
from learners.errors import InputError
from scenarios.dashboard import commands as asked
from scenarios.dashboard.engine import Engine
from scenarios.dashboard.messages import Call, Facts, Law, Snapshot, Status
from scenarios.dashboard.settings import History, Settings, link, read_link

PAGES = ("live", "compare", "studies", "explain")

MOST_WORLDS = 24
"""Worker processes of all visitors together."""


PATIENCE = 1.0
"""Seconds after which a browser that has not drawn the last snapshot is shown the next one all the same."""


class Player:
    """A world that the visitor plays, and what was last seen of it.

    A page that draws slower than the world plays is shown fewer snapshots, so that it is never behind.

    Attributes
    ----------
    snapshot
        The latest that is shown. Its fields ``run``, ``status``, ``facts``, ``calls``, ``laws``, ``notice``
        and ``error`` can be followed on their own: they change far less often than the numbers.
    waiting
        Commands that the world has not carried out yet.
    played
        The settings of the run in play.
    archive
        The last archive of a run that was asked for.
    """

    def __init__(self) -> None:
        self.snapshot: solara.Reactive[Snapshot] = solara.Reactive(Snapshot())
        seen = self.snapshot.fields
        self.run: solara.Reactive[int] = Ref(seen.run)
        self.status: solara.Reactive[Status] = Ref(seen.status)
        self.facts: solara.Reactive[Facts | None] = Ref(seen.facts)
        self.calls: solara.Reactive[tuple[Call, ...]] = Ref(seen.calls)
        self.laws: solara.Reactive[tuple[Law, ...]] = Ref(seen.laws)
        self.notice: solara.Reactive[str] = Ref(seen.notice)
        self.error: solara.Reactive[str] = Ref(seen.error)
        self.waiting: solara.Reactive[tuple[asked.Command, ...]] = solara.Reactive(())
        self.played: solara.Reactive[Settings] = solara.Reactive(Settings())
        self.archive: solara.Reactive[bytes] = solara.Reactive(b"")
        self.number = 0
        """Counts the snapshots that were shown."""
        self._sent: list[asked.Command] = []
        self._drawn: int | None = None
        self._shown_at = 0.0
        self._held: Snapshot | None = None
        self._showing = threading.RLock()
        self._engine: Engine | None = None

    def reset(self, settings: Settings) -> None:
        """Begin a run; what cannot be played is said in a snapshot."""
        self.played.value = settings
        self._sent = []
        self._tell_waiting()
        try:
            scenario = settings.scenario()
            self._ensure_engine().reset(scenario)
        except InputError as error:
            self._show(Snapshot(status="error", error=str(error)))

    def send(self, command: asked.Command) -> None:
        """Pass a command on to the world."""
        if self._engine:
            if command.counted:
                self._sent.append(command)
                self._tell_waiting()
            self._engine.send(command)

    def drawn(self, number: int) -> None:
        """Hear from the browser that it has drawn a snapshot."""
        self._drawn = number
        self._let_through()

    def close(self) -> None:
        """End the world."""
        if self._engine:
            self._engine.close()
            self._engine = None

    def _show(self, snapshot: Snapshot) -> None:
        """Take in what the engine says, in its thread."""
        with self._showing:
            self._held = snapshot
        self._let_through()

    def _let_through(self) -> None:
        with self._showing:
            snapshot = self._held
            if snapshot is None or (snapshot.status == "playing" and self._is_behind(snapshot)):
                return
            self._held, self._shown_at = None, time.monotonic()
            self.number += 1
            self.snapshot.value = snapshot
            self._tell_waiting()

    def _is_behind(self, snapshot: Snapshot) -> bool:
        """Return whether the browser is still drawing, and the snapshot answers nothing."""
        if self._drawn is None or snapshot.obeyed != self.snapshot.peek().obeyed:
            return False
        return self._drawn < self.number and time.monotonic() < self._shown_at + PATIENCE

    def _tell_waiting(self) -> None:
        with self._showing:  # no snapshot comes between what is read here and what is said
            self.waiting.value = tuple(self._sent[self.snapshot.peek().obeyed :])

    def _ensure_engine(self) -> Engine:
        if self._engine is None:
            if len(multiprocessing.active_children()) >= MOST_WORLDS:
                raise InputError(
                    f"this server already plays {MOST_WORLDS} worlds for its visitors; try again later"
                )
            named = os.environ.get(DATA_VARIABLE)
            self._engine = Engine(self._show, Path(named) if named else None, archive=self.archive.set)
        return self._engine


class Session:
    """One visitor.

    Parameters
    ----------
    search
        The query part of the address that was opened.

    Attributes
    ----------
    history
        Settings that wait for the next reset, with undo and redo.
    live
        The world of the Live page.
    a, b
        The two worlds of the Compare page.
    page, opened
        The page that is shown, and those that are made: they stay, out of sight.
    looked
        Counts how often the results are to be looked through again.
    other
        Settings of world B; world A has those of the Live page.
    problem
        What is wrong with the link or with what was set last, in words.
    """

    def __init__(self, search: str | None) -> None:
        linked = read_link(search, PAGES)
        self.page: solara.Reactive[str] = solara.Reactive(linked.page)
        self.opened: solara.Reactive[tuple[str, ...]] = solara.Reactive((linked.page,))
        self.looked: solara.Reactive[int] = solara.Reactive(0)
        self.history: solara.Reactive[History] = solara.Reactive(History(linked.settings))
        self.other: solara.Reactive[Settings] = solara.Reactive(linked.other or linked.settings)
        self.problem: solara.Reactive[str] = solara.Reactive(linked.problem)
        self.speed: solara.Reactive[float] = solara.Reactive(5.0)
        self.live = Player()
        self.a = Player()
        self.b = Player()

    def turn_to(self, page: str) -> None:
        """Show a page; one of results looks for what is new."""
        if page not in PAGES:
            return
        self.make(page)
        if page in ("studies", "explain"):
            self.looked.value += 1
        self.page.value = page

    def make(self, page: str) -> None:
        """Make a page, out of sight."""
        if page not in self.opened.value:
            self.opened.value = (*self.opened.value, page)

    @property
    def settings(self) -> Settings:
        """The settings that the next reset plays."""
        return self.history.value.now

    def take(self, settings: Settings) -> None:
        """Take new settings, to wait for a reset.

        Raises
        ------
        InputError
            If they are not possible; nothing has changed then.
        """
        settings.scenario()
        self._keep(self.history.value.then(settings))

    def undo(self) -> None:
        """Go back to the settings before."""
        self._keep(self.history.value.undo())

    def redo(self) -> None:
        """Take back an undo."""
        self._keep(self.history.value.redo())

    def reset(self) -> None:
        """Play the settings from the start; what was said to be wrong is past."""
        self.problem.value = ""
        self.begin()

    def begin(self) -> None:
        """Play the settings from the start."""
        self.live.reset(self.settings)
        self.live.send(asked.Speed(self.speed.value))

    def lose(self, tick: int) -> None:
        """Say that the page was loaded anew and the run that it showed is gone."""
        self.problem.value = (
            "The page was loaded anew. Its settings are kept, but the run, which was at tick "
            f"{tick}, is gone: it begins again at tick 0."
        )

    def start_with(self, preset: str) -> None:
        """Play a shipped scenario as it is."""
        self.take(Settings(preset))
        self.reset()

    def compare_law(self, kind: str) -> None:
        """Set up a pair of worlds of which B has a law that A has not, or lacks one that A has."""
        scenario = self.settings.scenario()
        entries = [each.model_dump(mode="json") for each in scenario.interventions]
        others = [entry for entry in entries if entry["kind"] != kind]
        start = min(max(self.live.snapshot.value.tick, 1), scenario.ticks)
        with_it = [*entries, {"kind": kind, "start": start}]
        changed = others if len(others) < len(entries) else with_it
        self.other.value = self.settings.changed("interventions", changed)
        self.turn_to("compare")
        self.play_pair()

    def play_pair(self) -> None:
        """Play both worlds from the start, as fast as they can."""
        self.problem.value = ""
        for player, settings in ((self.a, self.settings), (self.b, self.other.value)):
            player.reset(settings)
            player.send(asked.Speed(0.0))
            player.send(asked.Play())

    def link(self) -> str:
        """Return the query part of a link to what is open."""
        return link(
            self.page.value, self.settings, self.other.value if self.page.value == "compare" else None
        )

    def close(self) -> None:
        """End the visitor's worlds."""
        for player in (self.live, self.a, self.b):
            player.close()

    def _keep(self, history: History) -> None:
        self.problem.value = ""
        self.history.value = history
