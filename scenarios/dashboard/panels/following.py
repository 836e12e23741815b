"""Widgets that follow a run without a render: only what has changed in them is sent.

A render compares hundreds of elements; a run that is played reports many times a second.

Core Objects: use_following, placed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import solara

Traits: TypeAlias = Mapping[str, Any]
"""Properties of a widget, by name."""


def use_following(
    made: Callable[[], Mapping[str, Any]],
    drawn: Callable[[], Mapping[str, Traits]],
    sources: Sequence[solara.Reactive[Any]],
    *,
    shown: Callable[[], bool],
    dependencies: Sequence[Any] = (),
) -> Mapping[str, Any]:
    """Return widgets that are kept as they are to be, whenever they are ``shown``; a hook of Solara.

    Parameters
    ----------
    made
        Makes the widgets, by name; once.
    drawn
        Returns the present properties of each.
    sources
        What ``drawn`` and ``shown`` depend on and changes often.
    dependencies
        What else ``drawn`` depends on.
    """
    widgets = solara.use_memo(made, [])
    one_at_a_time = solara.use_memo(threading.RLock, [])

    def begin() -> Callable[[], None]:
        over = threading.Event()

        def update(_: object = None) -> None:
            # Each world is told of in a thread of its own: what one has read must not undo what another
            # has written since.
            with one_at_a_time:
                if over.is_set() or not shown():
                    return
                for name, traits in drawn().items():
                    with widgets[name].hold_sync():
                        for trait, value in traits.items():
                            setattr(widgets[name], trait, value)

        stops = [source.subscribe(update) for source in sources]
        update()

        def end() -> None:
            over.set()
            for stop in stops:
                stop()

        return end

    def close() -> None:
        for widget in widgets.values():
            widget.close()

    solara.use_effect(begin, list(dependencies))
    solara.use_effect(lambda: close, [])
    return widgets


def placed(widget: Any) -> Any:
    """Return the element in which a widget stands."""
    return solara.Div(children=[widget])
