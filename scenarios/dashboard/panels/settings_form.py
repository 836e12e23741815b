"""Settings that wait for the next reset: the common ones, any other, undo and redo, and as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import solara

from learners.errors import InputError
from scenarios.assumptions import Assumption, assumptions
from scenarios.dashboard.panels.choice import Choice
from scenarios.dashboard.panels.elements import badge, tag
from scenarios.dashboard.panels.text_entry import TextEntry
from scenarios.dashboard.session import Session
from scenarios.dashboard.settings import MOST_BYTES, Settings, read_value

COMMON = (
    "seed",
    "ticks",
    "population.users",
    "network.degree",
    "decision.social_weight",
    "decision.precision",
    "companies.small.starts_with",
    "companies.large.retrain_every",
)


@solara.component
def SettingsForm(session: Session) -> None:
    """Show what can be set, and what waits."""
    with tag("section", classes="card", aria_label="Settings"):
        tag("h2", "Settings, played at reset")
        Waiting(session)
        settings = session.settings
        ledger = solara.use_memo(lambda: _ledger(settings), [settings])
        for key in COMMON:
            if key in ledger:
                Setting(session, ledger[key]).key(key)
        AnyOther(session, ledger)
        AsFile(session)


@solara.component
def Waiting(session: Session) -> None:
    """Show what is changed, whether it is played yet, and the way back."""
    settings, history = session.settings, session.history.value
    with solara.Div():
        if settings != session.live.played.value:
            badge("waits for Reset", waits=True)
    with solara.Div(classes=["line"]):
        for key, value in settings.changes.items():
            solara.Button(
                f"{key} = {value}",
                icon_name="mdi-close",
                on_click=lambda key=key: session.take(settings.without(key)),
                small=True,
                outlined=True,
                attributes={"aria-label": f"Take back {key} = {value}"},
            )
    with solara.Div(classes=["line"]):
        solara.Button("Undo", on_click=session.undo, disabled=not history.past, small=True, text=True)
        solara.Button("Redo", on_click=session.redo, disabled=not history.undone, small=True, text=True)


@solara.component
def Setting(session: Session, line: Assumption) -> None:
    """Show one parameter with its unit and what is allowed."""
    problem, set_problem = solara.use_state("")
    solara.use_effect(lambda: set_problem(""), [line.value])

    def take(text: str) -> None:
        try:
            session.take(session.settings.changed(line.key, read_value(text)))
            set_problem("")
        except InputError as error:
            set_problem(str(error))

    said = line.unit in ("", "-", line.key.rpartition(".")[2])
    unit = "" if said else f", {line.unit}"
    TextEntry(
        label=f"{line.key}{unit}",
        value=str(line.value),
        said=f"{line.description}{_bounds(line)}",
        problem=problem,
        event_entered=take,
    )


@solara.component
def AnyOther(session: Session, ledger: dict[str, Assumption]) -> None:
    """Choose any parameter of the scenario, and set it."""
    key, set_key = solara.use_state("")
    names = [name for name, line in ledger.items() if name not in COMMON and line.kind != "constant"]
    with tag("details"):
        tag("summary", f"Any of the other {len(names)} parameters")
        Choice(label="Parameter", items=names, chosen=key, event_picked=set_key)
        if key in ledger:
            Setting(session, ledger[key]).key(f"any {key}")
            tag("p", f"Source: {ledger[key].source}", classes="faint")


@solara.component_vue("file_choice.vue")
def FileChoice(label: str, most: int, event_chosen: Callable[[dict[str, Any]], None]) -> None:
    """Choose a text file, or drop one: its name, and its text unless that has more than ``most`` bytes."""


@solara.component
def AsFile(session: Session) -> None:
    """Download the settings, and take in a file of them."""

    def take(file: dict[str, Any]) -> None:
        try:
            if file["text"] is None:
                raise InputError(f"it is longer than the {MOST_BYTES} bytes that settings have at most")
            session.take(Settings.from_json(file["text"]))
        except InputError as error:
            session.problem.value = f"{file['name']}: {error}"

    with tag("details"):
        tag("summary", "Settings as a file")
        solara.FileDownload(
            session.settings.json,
            f"{session.settings.preset}.json",
            label="Download the settings",
            mime_type="application/json",
        )
        FileChoice(label="Take settings from a file", most=MOST_BYTES, event_chosen=take)


def _bounds(line: Assumption) -> str:
    """Return what is allowed; a limit that nobody reaches, such as that of a seed, is no news."""
    return "" if max(map(len, line.allowed.split())) > 12 else f" ({line.allowed})"


def _ledger(settings: Settings) -> dict[str, Assumption]:
    return {line.key: line for line in assumptions(settings.scenario())}
