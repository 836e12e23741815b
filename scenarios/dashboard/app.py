"""The page that a browser opens: header, and one of the four pages below it.

Nothing here is shared between visitors: each has a session of their own, made when the page is opened and
closed when it is left.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import solara
import solara.lab

from scenarios.dashboard.pages.compare import ComparePage
from scenarios.dashboard.pages.explain import ExplainPage
from scenarios.dashboard.pages.live import LivePage
from scenarios.dashboard.pages.studies import StudiesPage
from scenarios.dashboard.panels.elements import note, tag
from scenarios.dashboard.session import PAGES, Session

STYLE = Path(__file__).with_name("style.css")


@solara.component
def Layout(children: Any = ()) -> None:
    """Show a page as it is, without Solara's own frame."""
    solara.Column(children=list(children), gap="0px", margin=0)


@solara.component
def Page() -> None:
    """Show the dashboard to one visitor."""
    router = solara.use_router()
    session = solara.use_memo(lambda: Session(router.search), [])
    solara.use_effect(lambda: session.close, [])
    solara.use_effect(lambda: router.push("/" + session.link()), [session.link()])
    dark = solara.lab.use_dark_effective()
    solara.Title("Data Leverage")
    solara.Style(STYLE)
    with solara.Div(classes=["dl", "dark"] if dark else ["dl"]):
        Header(session, dark)
        if session.problem.value:
            note(session.problem.value, bad=True)
        live = session.page.value == "live"
        opened = solara.use_ref(False)
        opened.current = opened.current or live
        if opened.current:
            # Once opened it stays, out of sight: it holds the most elements, and making them takes longest.
            with solara.Div(style="" if live else "display: none"):
                LivePage(session, dark, live)
        if session.page.value == "compare":
            ComparePage(session, dark)
        elif session.page.value == "studies":
            StudiesPage(dark)
        elif session.page.value == "explain":
            ExplainPage(dark)


@solara.component
def Header(session: Session, dark: bool) -> None:
    """Name, pages, and what concerns all pages."""
    with solara.Div(classes=["head"]):
        tag("h1", "Data Leverage")
        with tag("nav", aria_label="Pages"):
            for page in PAGES:
                shown = session.page.value == page
                solara.Button(
                    page.capitalize(),
                    on_click=lambda page=page: session.page.set(page),
                    text=not shown,
                    depressed=True,
                    color="primary" if shown else None,
                    attributes={"aria-current": "page"} if shown else {},
                )
        solara.Button(
            "Light" if dark else "Dark",
            icon_name="mdi-theme-light-dark",
            on_click=lambda: setattr(solara.lab.theme, "dark", not dark),
            text=True,
        )
