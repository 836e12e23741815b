"""What happened, the latest first."""

from __future__ import annotations

import itertools
from typing import Any

import solara

from scenarios.dashboard.laws import named
from scenarios.dashboard.messages import Event
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.panels.following import placed, use_following
from scenarios.dashboard.panels.tables import RowsWidget
from scenarios.dashboard.session import Player, Session

SHOWN = 60


@solara.component
def EventLog(session: Session) -> None:
    """Show the latest events; those of a tick together."""
    player = session.live
    widgets = use_following(
        lambda: {
            "log": RowsWidget(head=["Tick", "Event"], said="Events, the latest first", empty="Nothing yet.")
        },
        lambda: {"log": _log(player)},
        [player.snapshot, session.page],
        shown=lambda: session.page.peek() == "live",
    )
    with tag("section", classes="card wide", aria_label="Event log"):
        tag("h3", "What happened")
        placed(widgets["log"])


def _log(player: Player) -> dict[str, Any]:
    lines = told(player.snapshot.peek().events)[-SHOWN:][::-1]
    return {
        "rows": [[str(tick), text] for tick, text, _ in lines],
        "strong": [number for number, (_, _, main) in enumerate(lines) if main],
    }


def told(events: tuple[Event, ...]) -> list[tuple[int, str, bool]]:
    """Return events as lines of text, each with whether it is a law or a campaign.

    Moves of data and retrainings of one tick are one line.
    """
    lines: list[tuple[int, str, bool]] = []
    for tick, group in itertools.groupby(events, key=lambda event: event.tick):
        moves, trained = [], []
        for event in group:
            if event.kind == "move":
                moves.append(f"{event.subject.replace('_', ' ')} {event.value:.0f}")
            elif event.kind == "retrain":
                trained.append(f"{event.subject} retrained in {event.value:.2f} s")
            elif event.kind == "portability refused":
                moves.append(f"copies refused {event.value:.0f}")
            else:
                named_law = f"{named(event.subject)} " if event.kind == "intervention" else ""
                lines.append((tick, named_law + event.text, True))
        if moves:
            lines.append((tick, f"People who {', '.join(moves)}", False))
        if trained:
            lines.append((tick, "; ".join(trained), False))
    return lines
