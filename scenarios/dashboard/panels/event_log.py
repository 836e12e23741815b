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
from scenarios.dashboard.wording import seconds

SHOWN = 60

_MOVES = {
    "withhold": "new data withheld",
    "resume": "new data given again",
    "delete": "old data deleted",
    "reconsent": "old data given back",
    "contribute": "copies brought to Small Co.",
    "revoke": "copies taken back",
    "poison": "data falsified",
    "clean": "data put right",
    "leave": "left Large Co.",
    "return": "back at Large Co.",
}
"""What people did, by move; the number of those who did it follows."""

_WHOLE = ("campaign", "law", "broken off")
"""Kinds of event whose text says who acts."""


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
    snapshot = player.snapshot.peek()
    trains = snapshot.facts is None or snapshot.facts.mode == "live"
    lines = told(snapshot.events, trains=trains)[-SHOWN:][::-1]
    return {
        "rows": [[str(tick), text] for tick, text, _ in lines],
        "strong": [number for number, (_, _, main) in enumerate(lines) if main],
    }


def told(events: tuple[Event, ...], *, trains: bool = True) -> list[tuple[int, str, bool]]:
    """Return events as lines of text, each with whether it is more than what happens at every tick.

    Moves of data, retrainings, and who comes to and leaves a coalition are one line each, tick by tick.
    Retrainings are left out where nothing ``trains``, as on a curve.
    """
    lines: list[tuple[int, str, bool]] = []
    for tick, group in itertools.groupby(events, key=lambda event: event.tick):
        routine: dict[str, list[str]] = {}
        for event in group:
            if event.kind == "retrain" and not trains:
                continue
            heading, text = _worded(event)
            if heading is None:
                lines.append((tick, text, True))
            else:
                routine.setdefault(heading, []).append(text)
        lines += [(tick, heading + "; ".join(texts), False) for heading, texts in routine.items()]
    return lines


def _worded(event: Event) -> tuple[str | None, str]:
    """Return the heading under which a routine event is told, ``None`` for any other, and the words."""
    subject, text = event.subject, event.text
    match event.kind.split():
        case ["move"]:
            move, _, poison = subject.partition(":")
            how = f" ({poison.replace('_', ' ')})" if poison else ""
            return "People: ", f"{_MOVES[move]}{how} {event.value:.0f}"
        case ["portability", "refused"]:
            return "People: ", f"copies refused {event.value:.0f}"
        case ["retrain"]:
            return "", f"{subject} retrained in {seconds(event.value)}"
        case ["canvass"]:
            return "Canvassers: ", text
        case ["coalition", "leave"]:
            return f"{subject}: ", f"members who leave disappointed {event.value:.0f}"
        case ["coalition", "join" | "vote"]:
            return f"{subject}: ", text
        case ["coalition", _]:
            return None, f"{subject}: {text}"
        case ["intervention"]:
            return None, f"{named(subject)} {text}"
        case ["warning"]:
            return None, f"{named(subject)}: {text}"
        case ["community", "act"]:
            left = text.partition("; ")[2].split()[0]
            return None, f"communities that begin to act {event.value:.0f}; members who leave them {left}"
        case ["community", "end"]:
            return None, f"communities whose action ends {event.value:.0f}"
        case ["concession"]:
            return None, f"Large Co. concedes {text.replace('_', ' ')}"
        case ["offer", "refused"]:
            return None, f"an offer of Large Co. is refused: {text}"
        case ["market", "exit"]:
            return None, f"{subject} {text}"
    return None, text if event.kind in _WHOLE else f"{subject}: {text}"
