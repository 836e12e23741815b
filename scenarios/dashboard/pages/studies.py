"""The Studies page: finished runs and studies of the folder of results."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import solara

from learners.errors import InputError
from scenarios.dashboard.panels.elements import badge, note, tag
from scenarios.dashboard.panels.stored_run import StoredRun
from scenarios.dashboard.panels.study import Study
from scenarios.dashboard.results_folder import Entry, entries, read_run_folder, read_study
from scenarios.dashboard.server import RESULTS_VARIABLE
from scenarios.dashboard.session import Session


@solara.component
def StudiesPage(session: Session, dark: bool) -> None:
    """List what there is, and show what is chosen."""
    folder = Path(os.environ.get(RESULTS_VARIABLE, "results"))
    found = solara.use_memo(lambda: entries(folder), [session.looked.value])
    name, set_name = solara.use_state("")
    chosen = next((entry for entry in found if entry.name == name), found[0] if found else None)
    with solara.Div(classes=["body"]):
        with solara.Div(classes=["rail"]), tag("section", classes="card", aria_label="Results"):
            tag("h2", "Results")
            solara.Button(
                "Look again", on_click=lambda: session.turn_to("studies"), small=True, outlined=True
            )
            with solara.Div(style="max-height: 70vh; overflow-y: auto; margin-top: 8px"):
                for entry in found:
                    solara.Button(
                        f"{entry.name} ({entry.kind})",
                        on_click=lambda entry=entry: set_name(entry.name),
                        text=entry is not chosen,
                        depressed=True,
                        block=True,
                        style="justify-content: start; overflow: hidden",
                    )
        with tag("main"):
            if chosen is None:
                Empty(folder)
            else:
                Shown(chosen, folder, dark).key(chosen.name)


@solara.component
def Empty(folder: Path) -> None:
    """Say how there come to be results."""
    with tag("section", classes="card"):
        tag("h3", "No results yet")
        tag("p", f"The folder {folder} holds no finished run and no study.")
        tag(
            "p",
            "data-leverage run NAME writes a run, and data-leverage study run FILE a study, into results/.",
        )


@solara.component
def Shown(entry: Entry, folder: Path, dark: bool) -> None:
    """Show one entry, or why it cannot be read."""

    def read() -> Any:
        try:
            return read_run_folder(entry, folder) if entry.kind == "run" else read_study(entry, folder)
        except InputError as error:
            return error

    tables = solara.use_memo(read, [entry.path, entry.changed])
    tag("h2", f"{entry.kind} {entry.name}")
    with solara.Div(classes=["line"]):
        badge(f"written {datetime.fromtimestamp(entry.changed):%d %B %Y, %H:%M}")
    if isinstance(tables, InputError):
        note(str(tables), bad=True)
    elif entry.kind == "run":
        StoredRun(tables, dark)
    else:
        Study(tables, dark)
