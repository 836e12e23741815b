"""Widgets that follow runs: the latest is what stays."""

from __future__ import annotations

import threading

import pytest

solara = pytest.importorskip("solara", reason="the dashboard's libraries are not installed")


def test_of_two_changes_at_a_time_the_later_is_what_stays():
    from scenarios.dashboard.panels.elements import WordsWidget
    from scenarios.dashboard.panels.following import placed, use_following

    first, second = solara.Reactive("begun"), solara.Reactive("begun")
    read, written = threading.Event(), threading.Event()
    made = {"both": WordsWidget()}

    def drawn():
        seen = {"both": {"said": f"{first.peek()} {second.peek()}"}}
        if threading.current_thread().name == "first":
            read.set()
            written.wait(0.5)  # the second comes between what was read and what is written of it
        return seen

    @solara.component
    def both():
        placed(use_following(lambda: made, drawn, [first, second], shown=lambda: True)["both"])

    _, context = solara.render(both(), handle_error=False)
    slow = threading.Thread(target=lambda: first.set("ended"), name="first")
    slow.start()
    assert read.wait(10)
    second.set("ended")
    written.set()
    slow.join()
    assert made["both"].said == "ended ended"
    context.close()


def test_what_has_been_replaced_writes_no_more():
    from scenarios.dashboard.panels.elements import WordsWidget
    from scenarios.dashboard.panels.following import placed, use_following

    class Source:
        """One whose listeners are called even after they asked to stop: they were about to be."""

        def __init__(self):
            self.listeners = []

        def subscribe(self, listener):
            self.listeners.append(listener)
            return lambda: None

    source, measure, made = Source(), solara.Reactive("old"), {"chart": WordsWidget()}

    @solara.component
    def chart():
        name = measure.value
        drawn = {"chart": {"said": name}}
        placed(
            use_following(lambda: made, lambda: drawn, [source], shown=lambda: True, dependencies=[name])[
                "chart"
            ]
        )

    _, context = solara.render(chart(), handle_error=False)
    assert made["chart"].said == "old"
    measure.set("new")
    assert made["chart"].said == "new"
    assert len(source.listeners) == 2
    source.listeners[0]("news")
    assert made["chart"].said == "new"
    context.close()
