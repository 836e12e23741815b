"""What differs in world B: laws with and without, and any parameter."""

from __future__ import annotations

from typing import Any

import solara

from learners.errors import InputError
from scenarios.assumptions import assumptions
from scenarios.dashboard.laws import kinds, named
from scenarios.dashboard.panels.choice import Choice
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.panels.text_entry import TextEntry
from scenarios.dashboard.session import Session
from scenarios.dashboard.settings import Settings, read_value, value_of


@solara.component
def OtherWorld(session: Session) -> None:
    """Show how B is made of A."""
    with tag("section", classes="card", aria_label="World B"):
        tag("h2", "World B is A, but")
        tag("p", "World A has the settings of the Live page.", classes="faint")
        Laws(session)
        Parameter(session)
        solara.Button(
            "Same as A",
            on_click=lambda: session.other.set(session.settings),
            outlined=True,
            small=True,
            disabled=session.other.value == session.settings,
        )


@solara.component
def Laws(session: Session) -> None:
    """Bring a law into world B, or take it out."""
    kind, set_kind = solara.use_state("portability_law")
    start, set_start = solara.use_state(5)
    problem, set_problem = solara.use_state("")
    entries = value_of(session.other.value.scenario(), "interventions")
    there = any(entry["kind"] == kind for entry in entries)
    labels = {named(name): name for name in kinds()}
    solara.Select(
        "Law or tool", list(labels), named(kind), on_value=lambda label: set_kind(labels[label]), dense=True
    )

    def take(text: str) -> None:
        whole = text.strip().isdecimal()
        set_problem("" if whole else f"a tick is a whole number (got '{text}')")
        if whole:
            set_start(int(text))

    if not there:
        TextEntry(label="From tick", value=str(start), said="", problem=problem, event_entered=take)

    def change() -> None:
        kept = [entry for entry in entries if entry["kind"] != kind]
        changed = kept if there else [*kept, {"kind": kind, "start": start}]
        _take(session, "interventions", changed)

    solara.Button(
        f"B {'without' if there else 'with'} {named(kind)}", on_click=change, depressed=True, block=True
    )


@solara.component
def Parameter(session: Session) -> None:
    """Set any parameter of world B."""
    key, set_key = solara.use_state("")
    ledger = {
        line.key: line for line in assumptions(session.other.value.scenario()) if line.kind != "constant"
    }
    Choice(label="Any parameter", items=list(ledger), chosen=key, event_picked=set_key)
    if key in ledger:
        line = ledger[key]

        def take(text: str) -> None:
            _take(session, key, text, parse=True)

        TextEntry(
            label=f"Its value in B ({line.unit})",
            value=str(line.value),
            said=line.allowed,
            problem="",
            event_entered=take,
        ).key(key)


def _take(session: Session, key: str, value: Any, *, parse: bool = False) -> None:
    """Change one setting of world B, or say why not."""
    try:
        changed: Settings = session.other.value.changed(key, read_value(value) if parse else value)
        changed.scenario()
        session.other.value = changed
        session.problem.value = ""
    except InputError as error:
        session.problem.value = f"World B: {error}"
