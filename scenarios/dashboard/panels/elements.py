"""Plain HTML elements around texts, which are always shown as text and never read as HTML.

Core Objects: tag, note, WordsWidget.
"""

from __future__ import annotations

from typing import Any

import reacton.ipyvuetify as v
import traitlets
from ipyvuetify.VuetifyTemplate import VuetifyTemplate


def tag(name: str, *children: Any, classes: str = "", **attributes: str) -> Any:
    """Return an element; underscores in the names of attributes become hyphens."""
    given = {key.replace("_", "-"): value for key, value in attributes.items()}
    return v.Html(tag=name, children=list(children), class_=classes, attributes=given)


class WordsWidget(VuetifyTemplate):
    """A line of text."""

    template = traitlets.Unicode("<template><div>{{ said }}</div></template>").tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)


def note(text: str, *, bad: bool = False) -> Any:
    """Return a message that is read out when it appears."""
    return tag("div", text, classes="note bad" if bad else "note", role="alert" if bad else "status")


def badge(text: str, *, waits: bool = False) -> Any:
    """Return a short label in a frame."""
    return tag("span", text, classes="badge waits" if waits else "badge")


def definition(term: str, text: str, classes: str = "") -> Any:
    """Return a term with what it is, for a list of them."""
    return tag("div", tag("dt", term), tag("dd", text), classes=classes)
