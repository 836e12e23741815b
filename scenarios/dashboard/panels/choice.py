"""One of many names, found by typing a part of it."""

from __future__ import annotations

from collections.abc import Callable

import solara


@solara.component_vue("choice.vue")
def Choice(label: str, items: list[str], chosen: str, event_picked: Callable[[str], None]) -> None:
    """Show a field that offers ``items``; what is none of them is not taken."""
