"""The page that a browser opens: header, and one of the four pages below it.

Nothing here is shared between visitors: each has a session of their own, made when the page is opened and
closed when it is left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import solara
import solara.lab

from scenarios.dashboard.pages.compare import ComparePage
from scenarios.dashboard.pages.explain import ExplainPage
from scenarios.dashboard.pages.live import LivePage
from scenarios.dashboard.pages.studies import StudiesPage
from scenarios.dashboard.panels.address import Address
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
    solara.use_effect(lambda: _make_other_pages(session), [])
    dark = solara.lab.use_dark_effective()
    solara.Title("Data Leverage")
    solara.Style(STYLE)
    with solara.Div(classes=["dl", "dark"] if dark else ["dl"]):
        Address(session)
        Header(session, dark)
        if session.problem.value:
            note(session.problem.value, bad=True)
        for page in PAGES:
            if page in session.opened.value:
                style = "" if page == session.page.value else "display: none"
                with solara.Div(style=style).key(page):
                    _SHOWN[page](session, dark)


_SHOWN = {"live": LivePage, "compare": ComparePage, "studies": StudiesPage, "explain": ExplainPage}


def _make_other_pages(session: Session) -> Callable[[], None]:
    """Make the pages that were not asked for, when there is nothing better to do; return how to stop."""
    left = threading.Event()

    def make() -> None:
        pause = 0.2
        while session.live.status.peek() == "starting" and session.page.peek() == "live":
            if left.wait(pause):
                return
        for page in PAGES:
            if left.wait(pause):
                return
            session.make(page)

    threading.Thread(target=make, name="dashboard pages", daemon=True).start()
    return left.set


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
                    on_click=lambda page=page: session.turn_to(page),
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
