"""The Live page: play a scenario, act in it, change its laws."""

from __future__ import annotations

import solara

from scenarios.dashboard.panels.act_now import ActNow
from scenarios.dashboard.panels.assumptions import Assumptions, ledger_of
from scenarios.dashboard.panels.elements import note, tag
from scenarios.dashboard.panels.event_log import EventLog
from scenarios.dashboard.panels.export import Export
from scenarios.dashboard.panels.laws_now import LawsNow
from scenarios.dashboard.panels.people import People
from scenarios.dashboard.panels.run_controls import Badges, RunControls
from scenarios.dashboard.panels.run_figures import LiveFigures
from scenarios.dashboard.panels.settings_form import SettingsForm
from scenarios.dashboard.panels.story import Story
from scenarios.dashboard.session import Session


@solara.component
def LivePage(session: Session, dark: bool) -> None:
    """Show the run in play beside its controls."""

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
            LiveRun(session, dark)


@solara.component
def Notes(session: Session) -> None:
    """Show what is to be known of the run; what comes and goes here leaves the charts below as they are."""
    player = session.live
    facts, error = player.facts.value, player.error.value
    with solara.Div():
        if error:
            note(error, bad=True)
        if player.notice.value:
            note(player.notice.value)
        for warning in facts.warnings if facts else ():
            note(warning)
        if facts:
            Badges(facts)
        elif not error:
            tag("p", "The world is being built: data are loaded, the first models trained.", classes="faint")


@solara.component
def LiveRun(session: Session, dark: bool) -> None:
    """Show what is seen of the run."""
    Notes(session)
    LiveFigures(session, dark)
    People(session, dark)
    EventLog(session)
    played = session.live.played.value
    Assumptions(solara.use_memo(lambda: ledger_of(played), [played]))
