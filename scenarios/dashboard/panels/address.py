"""What belongs to the whole window: its address, its way back, and its keys.

Core Objects: Address.
"""

from __future__ import annotations

import solara
import solara.lab
import traitlets
from ipyvuetify.VuetifyTemplate import VuetifyTemplate

from scenarios.dashboard import commands as asked
from scenarios.dashboard.panels.following import placed, use_following
from scenarios.dashboard.session import Session


class AddressWidget(VuetifyTemplate):
    """The address of the window, and the keys that are pressed in it.

    Attributes
    ----------
    page, link
        What is shown, and the query part of the address.
    """

    template_file = (__file__, "address.vue")
    page = traitlets.Unicode().tag(sync=True)
    link = traitlets.Unicode().tag(sync=True)

    def __init__(self, session: Session) -> None:
        self._session = session
        super().__init__(page=session.page.peek(), link=session.link())

    def vue_turned(self, page: str) -> None:
        """Hear that the visitor has gone back or forward to a page."""
        self._session.turn_to(page)

    def vue_pressed(self, key: str) -> None:
        """Hear that the space bar or the full stop was pressed outside of inputs."""
        if self._session.page.value == "live":
            press(self._session, key)

    def vue_darkened(self, _: object = None) -> None:
        """Hear that the visitor prefers dark pages."""
        solara.lab.theme.dark = True


@solara.component
def Address(session: Session) -> None:
    """Keep the address of the window, and listen to its keys."""
    widgets = use_following(
        lambda: {"address": AddressWidget(session)},
        lambda: {"address": {"page": session.page.peek(), "link": session.link()}},
        [session.page, session.history, session.other],
        shown=lambda: True,
    )
    placed(widgets["address"])


def press(session: Session, key: str) -> None:
    """Play or pause with the space bar, step with the full stop."""
    status = session.live.status.value
    if status not in ("ready", "playing", "paused"):
        return
    if key == " ":
        session.live.send(asked.Pause() if status == "playing" else asked.Play())
    elif status != "playing":
        session.live.send(asked.Step())
