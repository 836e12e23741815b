"""What the answers rest on: every parameter of the run, its value, and where it is from."""

from __future__ import annotations

from collections.abc import Sequence

import solara

from learners.errors import InputError
from scenarios.assumption_ledger import ledger_summary
from scenarios.assumptions import Assumption, assumptions
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.panels.tables import Rows
from scenarios.dashboard.settings import Settings


@solara.component
def Assumptions(lines: Sequence[Assumption], of: str = "", origins: Sequence[str] = ()) -> None:
    """Show the assumption ledger of what is shown, or of what it says ``of``, after where data are from."""
    which, set_which = solara.use_state("no publication gives")
    kinds = {
        "no publication gives": [line for line in lines if line.ours],
        "are changed from their defaults": [line for line in lines if line.changed],
        "there are": lines,
    }
    with tag("section", classes="card wide", aria_label="Assumptions"):
        tag("h3", "What these answers rest on")
        for origin in origins:
            tag("p", origin)
        tag("p", ledger_summary(lines) + of, classes="faint")
        with tag("details"):
            tag("summary", "Every parameter: value, unit, what is allowed, source")
            with solara.Div(style="max-width: 330px"):
                solara.Select("Those that", list(kinds), which, on_value=set_which, dense=True)
            Rows(
                head=["Parameter", "Value", "Allowed", "Source", "What"],
                rows=[
                    [
                        line.key,
                        f"{line.value} {line.unit}".removesuffix(" -"),
                        line.allowed,
                        line.source,
                        line.description,
                    ]
                    for line in kinds[which]
                ],
                said="Assumptions",
            )


def ledger_of(settings: Settings) -> list[Assumption]:
    """Return the assumptions behind settings; none where they cannot be played."""
    try:
        return assumptions(settings.scenario())
    except InputError:
        return []
