"""The Live page: play a scenario, act in it, change its laws."""

from __future__ import annotations

import solara

from scenarios.dashboard.messages import Snapshot
from scenarios.dashboard.panels.act_now import ActNow
from scenarios.dashboard.panels.assumptions import Assumptions
from scenarios.dashboard.panels.elements import note, tag
from scenarios.dashboard.panels.event_log import EventLog
from scenarios.dashboard.panels.export import Export
from scenarios.dashboard.panels.laws_now import LawsNow
from scenarios.dashboard.panels.people import People
from scenarios.dashboard.panels.run_controls import Badges, RunControls
from scenarios.dashboard.panels.run_figures import RunFigures
from scenarios.dashboard.panels.settings_form import SettingsForm
from scenarios.dashboard.panels.story import Story
from scenarios.dashboard.session import Session


@solara.component
def LivePage(session: Session, dark: bool, shown: bool) -> None:
    """Show the run in play beside its controls; what is not ``shown`` stands still."""

    def start() -> None:
        if session.live.snapshot.value.run == 0:
            session.begin()

    solara.use_effect(start, [])
    with solara.Div(classes=["body"]):
        with solara.Div(classes=["rail"]):
            RunControls(session)
            ActNow(session)
            LawsNow(session, session.compare_law)
            SettingsForm(session)
            Export(session)
        with tag("main"):
            Story(session)
            LiveRun(session, dark, shown)


@solara.component
def LiveRun(session: Session, dark: bool, shown: bool) -> None:
    """Show what is seen of the run."""
    seen = solara.use_ref(Snapshot())
    if shown:
        seen.current = session.live.snapshot.value
    snapshot = seen.current
    if snapshot.error:
        note(snapshot.error, bad=True)
    if snapshot.notice:
        note(snapshot.notice)
    for warning in snapshot.facts.warnings if snapshot.facts else ():
        note(warning)
    Badges(snapshot)
    if not snapshot.rows and not snapshot.error:
        tag("p", "The world is being built: data are loaded, and the first models trained.", classes="faint")
    RunFigures(snapshot, dark)
    People(snapshot, dark)
    EventLog(snapshot)
    Assumptions(session.live.played.value)
