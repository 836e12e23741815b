"""What a scenario asks, and the choice of another."""

from __future__ import annotations

import solara

from scenarios.dashboard.panels.elements import definition, tag
from scenarios.dashboard.session import Session
from scenarios.scenario import load_scenario, shipped


@solara.component
def Story(session: Session) -> None:
    """Show question, what is held fixed, what changes, what to expect; and choose a preset."""
    preset = session.settings.preset
    scenario = solara.use_memo(lambda: load_scenario(preset), [preset])
    with solara.Div(style="max-width: 330px"):
        solara.Select("Scenario", shipped(), session.settings.preset, on_value=session.start_with, dense=True)
    with tag("dl", classes="story scenario"):
        definition("Question", scenario.question, classes="question")
        definition("Held fixed", scenario.held_fixed)
        definition("Changed", scenario.changed)
        definition("Expectation", scenario.expectation, classes="expectation")
    if scenario.note:
        with tag("details"):
            tag("summary", "Know before you trust it")
            tag("p", scenario.note, classes="faint")
