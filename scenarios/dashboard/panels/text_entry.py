"""A field for a line of text."""

from __future__ import annotations

from collections.abc import Callable

import solara


@solara.component_vue("text_entry.vue")
def TextEntry(label: str, value: str, said: str, problem: str, event_entered: Callable[[str], None]) -> None:
    """Show a field that holds ``value``, and what is ``said`` of it or is its ``problem``.

    What is being typed stays in the browser, where no render overwrites it, until Enter is pressed or the
    field is left.
    """
