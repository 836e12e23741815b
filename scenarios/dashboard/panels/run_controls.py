"""Play, pause, step, reset, and speed."""

from __future__ import annotations

import solara

from scenarios.dashboard import commands as asked
from scenarios.dashboard.messages import Facts
from scenarios.dashboard.panels.elements import badge, tag
from scenarios.dashboard.panels.run_status import RunStatus
from scenarios.dashboard.session import Session

SPEEDS = {"1 tick a second": 1.0, "2 ticks a second": 2.0, "5 ticks a second": 5.0, "as fast as it can": 0.0}


@solara.component
def RunControls(session: Session) -> None:
    """Show the controls of the run in play."""
    status = session.live.status.value
    playing = status == "playing"
    stopped = status in ("starting", "finished", "error")
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
                color="primary" if waits or status in ("error", "finished") else None,
            )
        names = {pace: name for name, pace in SPEEDS.items()}

        def set_speed(name: str) -> None:
            session.speed.value = SPEEDS[name]
            session.live.send(asked.Speed(SPEEDS[name]))

        solara.Select("Speed", list(SPEEDS), names[session.speed.value], on_value=set_speed, dense=True)
        RunStatus(session)


@solara.component
def Badges(facts: Facts) -> None:
    """Say what is behind the numbers: trained models or a curve, how many people, which seed."""
    with solara.Div(classes=["line"]):
        if facts.mode == "live":
            badge("live: real models are retrained every tick")
        elif facts.mode == "replay":
            badge("replay: recorded qualities, nothing is trained")
        else:
            badge("curve: nothing is trained, quality is read off a learning curve")
        badge(f"{facts.users:,} people".replace(",", "\u202f"))
        badge(f"one run, seed {facts.seed}")
