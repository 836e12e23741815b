"""Laws and tools as switches: on brings one into force from the next tick on, off repeals it."""

from __future__ import annotations

from collections.abc import Callable

import solara

from scenarios.dashboard import commands as asked
from scenarios.dashboard.laws import named, said_of
from scenarios.dashboard.messages import Law
from scenarios.dashboard.panels.elements import badge, definition, note, tag
from scenarios.dashboard.session import Session


@solara.component
def LawsNow(session: Session, compare: Callable[[str], None] | None = None) -> None:
    """Show a switch for every law; ``compare`` is called with the kind of one to play with and without."""
    laws = session.live.laws.value
    with tag("section", classes="card", aria_label="Laws and tools"):
        tag("h2", "Laws and tools")
        if not laws:
            tag("p", "As soon as the world is built.", classes="faint")
            return
        over = session.live.status.value in ("finished", "error")
        for law in laws:
            LawSwitch(session, law, over, compare).key(law.kind)
        with tag("details"):
            tag("summary", "What each of them does")
            with tag("dl", classes="terms"):
                for law in laws:
                    definition(named(law.kind).capitalize(), said_of(law.kind))


@solara.component
def LawSwitch(session: Session, law: Law, over: bool, compare: Callable[[str], None] | None) -> None:
    """Show one switch."""
    with solara.Div(classes=["law"]):
        with solara.Div(classes=["line apart"], attributes={"title": said_of(law.kind)}):
            solara.Switch(
                label=named(law.kind).capitalize(),
                value=law.in_force,
                on_value=lambda on: session.live.send(asked.SetLaw(law.kind, on)),
                disabled=over,
            )
            if compare is not None:
                solara.Button(
                    "A | B",
                    on_click=lambda: compare(law.kind),
                    text=True,
                    small=True,
                    attributes={"aria-label": f"Compare with and without {named(law.kind)}"},
                )
        for text in law.warnings:
            note(text)
        if law.starts is not None:
            badge(f"planned from tick {law.starts} on")
            solara.Button(
                "Strike it out",
                on_click=lambda: session.live.send(asked.SetLaw(law.kind, False)),
                text=True,
                small=True,
                disabled=over,
            )
