"""Who acts, by community or by coalition: shares, and every person as a pixel."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Literal

import solara
import traitlets
from ipyvuetify.VuetifyTemplate import VuetifyTemplate
from solara.lab import Ref

from abm.actions import ACTIONS
from analysis.palette import STANCES
from scenarios.dashboard.blocks import Blocks, by_coalition, by_community
from scenarios.dashboard.chart_style import shown_colour
from scenarios.dashboard.messages import Coalition, Coalitions, Facts
from scenarios.dashboard.panels.chart import ChartWidget, chart_traits
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.panels.following import placed, use_following
from scenarios.dashboard.panels.tables import RowsWidget
from scenarios.dashboard.session import Player, Session
from scenarios.dashboard.share_bars import share_bars
from scenarios.dashboard.wording import percent, stance_label

Grouping = Literal["community", "coalition"]

_HEAD = ["Coalition", "Wants", "Members", "Now", "Members in that stance"]
_WHAT = {
    "community": "communities are people with more ties among themselves than to others",
    "coalition": "coalitions are people who bind themselves to act together",
}
_MORE = {
    "community": "They are found by modularity (Louvain), the largest first, unless the network was made of "
    "communities or the scenario has some whose moderators can act for them. Within a block, people stand in "
    "the order of the data.",
    "coalition": "The first founded comes first, who is in none last. People come and go at every tick, and "
    "move to another block then; within a block they stand by community. Members whose loyalty fails do as "
    "they like, and so do all of them while their coalition does not act.",
}


class PixelsWidget(VuetifyTemplate):
    """One pixel a person, block by block; drawn in the browser.

    Attributes
    ----------
    codes
        Action of each person, a byte each, in Base64.
    sizes, labels
        Pixels of each block, and its name.
    colours
        Of the actions.
    said
        What is read out in its place.
    """

    template_file = (__file__, "pixels.vue")
    codes = traitlets.Unicode().tag(sync=True)
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    colours = traitlets.List(traitlets.Unicode()).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)


@solara.component
def People(session: Session, dark: bool) -> None:
    """Show what the people of each community, or of each coalition, do."""
    player = session.live
    facts = player.facts.value
    coalitions = solara.use_memo(lambda: Ref(player.snapshot.fields.coalitions.labels), []).value
    chosen, choose = solara.use_state("community")
    by: Grouping = "coalition" if coalitions and chosen == "coalition" else "community"
    widgets = use_following(
        lambda: {
            "bars": ChartWidget(),
            "pixels": PixelsWidget(),
            "coalitions": RowsWidget(head=_HEAD, said="Coalitions"),
        },
        lambda: people_traits(player, facts, by, dark),
        [player.snapshot, session.page],
        shown=lambda: session.page.peek() == "live",
        dependencies=[facts, by, dark],
    )
    if facts is None:
        return
    with tag("figure", classes="card wide"):
        with tag("figcaption"):
            tag("h3", f"Who acts, by {by}")
            with tag("details"):
                tag("summary", _WHAT[by])
                tag("p", _MORE[by], classes="faint")
        if coalitions:
            placed(widgets["coalitions"])
            GroupingChoice(by, choose)
        with solara.Div(classes=["charts", "three"]):
            placed(widgets["bars"])
            placed(widgets["pixels"])
        _legend(dark)


@solara.component
def GroupingChoice(by: Grouping, choose: Callable[[Grouping], None]) -> None:
    """Choose what the blocks of people are."""
    kinds: tuple[Grouping, ...] = ("community", "coalition")
    with tag("div", classes="line", role="group", aria_label="Blocks of people", style="margin: 8px 0"):
        for kind in kinds:
            solara.Button(
                f"By {kind}",
                on_click=lambda kind=kind: choose(kind),
                small=True,
                outlined=kind != by,
                depressed=True,
                color="primary" if kind == by else None,
                attributes={"aria-pressed": "true" if kind == by else "false"},
            )


def people_traits(player: Player, facts: Facts | None, by: Grouping, dark: bool) -> dict[str, dict[str, Any]]:
    """Return the bars of who acts in each block, everybody's action in a byte each, and the coalitions."""
    snapshot = player.snapshot.peek()
    if facts is None or not snapshot.acting:
        return {}
    shown = snapshot.coalitions
    blocks = by_coalition(snapshot) if by == "coalition" and shown.shown else by_community(facts, snapshot)
    parts = [(STANCES[name], blocks.shares(number)) for number, name in enumerate(ACTIONS) if name != "stay"]
    labels = [f"{label} ({size:,})" for label, size in zip(blocks.labels, blocks.sizes, strict=True)]
    option = share_bars(labels, [part for part in parts if any(part[1])], dark=dark)
    every = "" if facts.pixel_every == 1 else f"; one of every {facts.pixel_every} people is drawn"
    return {
        "bars": {**chart_traits(option, _said(blocks)), "height": max(150, 60 + 22 * len(labels))},
        "pixels": {
            "codes": base64.b64encode(blocks.codes).decode(),
            "sizes": list(blocks.pixels),
            "labels": list(blocks.labels),
            "colours": _colours(dark),
            "said": f"Each pixel is one person, each block a {blocks.kind}{every}.",
        },
        "coalitions": {"rows": coalition_rows(shown)},
    }


def coalition_rows(coalitions: Coalitions) -> list[list[str]]:
    """Return what is said of each coalition, in the order of the head of their table."""
    return [
        [
            each.label,
            each.goal.replace("_", " "),
            f"{each.size:,}",
            _now(each),
            percent(each.following / each.size) if each.size else "-",
        ]
        for each in coalitions.shown
    ]


def _now(coalition: Coalition) -> str:
    if coalition.over:
        return "dissolved"
    return f"{'acts' if coalition.acts else 'does not act; it would'}: {stance_label(coalition.stance)}"


def _said(blocks: Blocks) -> str:
    idle = blocks.shares(ACTIONS.index("stay"))
    most = min(range(len(idle)), key=idle.__getitem__)
    return (
        f"Share of people who act in each of {len(idle)} blocks, by {blocks.kind}; most in "
        f"{blocks.labels[most]}: {percent(1 - idle[most])}."
    )


def _colours(dark: bool) -> list[str]:
    """Return the colour of each action; those who stay are in the background."""
    colours = [shown_colour(STANCES[name].colour, dark) for name in ACTIONS]
    colours[0] = "#3A3A3A" if dark else "#E2E2E2"
    return colours


def _legend(dark: bool) -> None:
    with solara.Div(classes=["keys"]):
        for name, colour in zip(ACTIONS, _colours(dark), strict=True):
            hatched = not isinstance(STANCES[name].dash, str) and name != "stay"
            fill = (
                f"repeating-linear-gradient(135deg, {colour} 0 3px, #ffffff99 3px 5px), {colour}"
                if hatched
                else colour
            )
            tag("span", tag("span", classes="swatch", style=f"background: {fill}"), STANCES[name].label)
