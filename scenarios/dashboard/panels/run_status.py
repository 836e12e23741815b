"""Where the run stands: the tick, what was asked and is not done yet, and what takes long just now."""

from __future__ import annotations

from typing import Any

import solara
import traitlets
from ipyvuetify.VuetifyTemplate import VuetifyTemplate

from scenarios.dashboard import commands as asked
from scenarios.dashboard.panels.following import placed, use_following
from scenarios.dashboard.session import Player, Session
from scenarios.dashboard.wording import stance_label

_SAID = {
    "starting": "starting",
    "ready": "ready",
    "playing": "playing",
    "paused": "paused",
    "finished": "finished; Reset plays it again",
    "error": "stopped by an error; Reset starts anew",
}


class StatusWidget(VuetifyTemplate):
    """Where a run stands.

    Attributes
    ----------
    tick, standing, waiting
        The line of texts; ``waiting`` is what was asked and is not done yet.
    stage, taken, share, cancellable
        What takes long, how long it has taken, how far it is (``None``: nobody knows), and whether it can be
        broken off.
    reached
        The tick, to be remembered by the browser.
    number
        Of the snapshot, to be reported when it has been drawn.
    """

    template_file = (__file__, "run_status.vue")
    tick = traitlets.Unicode().tag(sync=True)
    standing = traitlets.Unicode().tag(sync=True)
    waiting = traitlets.Unicode().tag(sync=True)
    stage = traitlets.Unicode().tag(sync=True)
    taken = traitlets.Unicode().tag(sync=True)
    share = traitlets.Float(None, allow_none=True).tag(sync=True)
    cancellable = traitlets.Bool().tag(sync=True)
    reached = traitlets.Int().tag(sync=True)
    number = traitlets.Int().tag(sync=True)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def vue_drawn(self, number: int) -> None:
        """Hear that the browser has drawn a snapshot."""
        self._session.live.drawn(number)

    def vue_break_off(self, _: object) -> None:
        """Break off what takes long."""
        self._session.live.send(asked.BreakOff())

    def vue_lost(self, tick: int) -> None:
        """Hear that an earlier run was lost with its page."""
        self._session.lose(tick)


@solara.component
def RunStatus(session: Session) -> None:
    """Show where the run in play stands."""
    player = session.live
    widgets = use_following(
        lambda: {"status": StatusWidget(session)},
        lambda: {"status": status_traits(player)},
        [player.snapshot, player.waiting],
        shown=lambda: True,
    )
    placed(widgets["status"])


def status_traits(player: Player) -> dict[str, Any]:
    """Return what the status shows."""
    snapshot, waiting = player.snapshot.peek(), player.waiting.peek()
    ticks = f" of {snapshot.facts.ticks}" if snapshot.facts else ""
    progress = snapshot.progress
    taken, share, cancellable = "", None, False
    if progress:
        expected = f" of about {progress.expected:.0f} s" if progress.expected else " s"
        taken, share = f"{progress.seconds:.0f}{expected}", progress.share
        cancellable = progress.cancellable
    awaited = "" if snapshot.status in ("error", "starting") else ", ".join(map(_words, waiting))
    return {
        "tick": f"Tick {snapshot.tick}{ticks}",
        "standing": _SAID[snapshot.status],
        "waiting": f"asked: {awaited}" if awaited else "",
        "stage": progress.stage if progress else "",
        "taken": taken,
        "share": share,
        "cancellable": cancellable,
        "reached": snapshot.tick,
        "number": player.number,
    }


def _words(command: asked.Command) -> str:
    """Return what was asked, in a few words."""
    match command:
        case asked.Act(stance, share):
            return f"{stance_label(stance)} {share:.0%}"
        case asked.SetLaw(kind, on):
            return f"{kind.replace('_', ' ')} {'on' if on else 'off'}"
        case asked.CallOff():
            return "call off"
        case _:
            return type(command).__name__.lower()
