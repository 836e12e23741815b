"""Play, pause, step, reset, speed, and what takes long just now."""

from __future__ import annotations

import reacton.ipyvuetify as v
import solara

from scenarios.dashboard import commands as asked
from scenarios.dashboard.messages import Snapshot
from scenarios.dashboard.panels.elements import badge, tag
from scenarios.dashboard.session import Session

SPEEDS = {"1 tick a second": 1.0, "2 ticks a second": 2.0, "5 ticks a second": 5.0, "as fast as it can": 0.0}

_SAID = {
    "starting": "starting",
    "ready": "ready",
    "playing": "playing",
    "paused": "paused",
    "finished": "finished; Reset plays it again",
    "error": "stopped by an error; Reset starts anew",
}


@solara.component
def RunControls(session: Session) -> None:
    """Show the controls of the run in play."""
    standing = session.live.standing.value
    playing = standing.status == "playing"
    stopped = standing.status in ("starting", "finished", "error")
    with tag("section", classes="card", aria_label="Run"):
        tag("h2", "Run")
        with solara.Div(classes=["line"]):
            solara.Button(
                "Pause" if playing else "Play",
                icon_name="mdi-pause" if playing else "mdi-play",
                on_click=lambda: session.live.send(asked.Pause() if playing else asked.Play()),
                color="primary",
                disabled=stopped,
                depressed=True,
            )
            solara.Button(
                "Step",
                icon_name="mdi-skip-next",
                on_click=lambda: session.live.send(asked.Step()),
                disabled=stopped or playing,
                depressed=True,
            )
            waits = session.settings != session.live.played.value
            solara.Button(
                "Reset",
                icon_name="mdi-restart",
                on_click=session.reset,
                depressed=True,
                color="primary" if waits or standing.status in ("error", "finished") else None,
            )
        names = {pace: name for name, pace in SPEEDS.items()}

        def set_speed(name: str) -> None:
            session.speed.value = SPEEDS[name]
            session.live.send(asked.Speed(SPEEDS[name]))

        solara.Select("Speed", list(SPEEDS), names[session.speed.value], on_value=set_speed, dense=True)
        StatusLine(session)
        ProgressLine(session)


@solara.component
def StatusLine(session: Session) -> None:
    """Show the tick, and whether the run goes on."""
    tag("div", _status(session.live.snapshot.value), role="status", aria_live="polite", classes="status")


@solara.component
def ProgressLine(session: Session) -> None:
    """Show what takes long, how far it is, and a way out of it."""
    progress = session.live.snapshot.value.progress
    if progress is None:
        return
    share = progress.share
    v.ProgressLinear(
        value=100 * (share or 0),
        indeterminate=share is None,
        height=6,
        rounded=True,
        attributes={"aria-label": progress.stage},
        class_="my-1",
    )
    expected = f" of about {progress.expected:.0f} s" if progress.expected else " s"
    tag("div", f"{progress.stage}: {progress.seconds:.0f}{expected}", classes="faint")
    if progress.cancellable:
        solara.Button(
            "Break off; serve the last model",
            icon_name="mdi-close",
            on_click=lambda: session.live.send(asked.BreakOff()),
            outlined=True,
            small=True,
        )


@solara.component
def Badges(snapshot: Snapshot) -> None:
    """Say what is behind the numbers: trained models or a curve, how many people, which seed."""
    facts = snapshot.facts
    if facts is None:
        return
    with solara.Div(classes=["line"]):
        if facts.mode == "live":
            badge("live: real models are retrained every tick")
        elif facts.mode == "replay":
            badge("replay: recorded qualities, nothing is trained")
        else:
            badge("curve: nothing is trained, quality is read off a learning curve")
        badge(f"{facts.users:,} people".replace(",", "\u202f"))
        badge(f"one run, seed {facts.seed}")


def _status(snapshot: Snapshot) -> str:
    ticks = f" of {snapshot.facts.ticks}" if snapshot.facts else ""
    return f"Tick {snapshot.tick}{ticks} · {_SAID[snapshot.status]}"
