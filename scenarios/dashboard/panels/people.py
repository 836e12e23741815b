"""Who acts, by community: shares, and every person as a pixel."""

from __future__ import annotations

import base64
from typing import Any

import solara
import traitlets
from ipyvuetify.VuetifyTemplate import VuetifyTemplate

from abm.actions import ACTIONS
from analysis.palette import STANCES
from scenarios.dashboard.charts import share_bars, shown_colour
from scenarios.dashboard.messages import Facts
from scenarios.dashboard.panels.chart import ChartWidget, chart_traits
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.panels.following import placed, use_following
from scenarios.dashboard.session import Player, Session


class PixelsWidget(VuetifyTemplate):
    """One pixel a person, a block a community; drawn in the browser.

    Attributes
    ----------
    codes
        Action of each person, a byte each, in Base64.
    sizes, labels
        Pixels of each community, and its name.
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
    """Show what the people of each community do."""
    player = session.live
    facts = player.facts.value
    widgets = use_following(
        lambda: {"bars": ChartWidget(), "pixels": PixelsWidget()},
        lambda: people_traits(player, facts, dark),
        [player.snapshot, session.page],
        shown=lambda: session.page.peek() == "live",
        dependencies=[facts, dark],
    )
    if facts is None:
        return
    with tag("figure", classes="card wide"):
        with tag("figcaption"):
            tag("h3", "Who acts, by community")
            with tag("details"):
                tag("summary", "communities are people with more ties among themselves than to others")
                tag(
                    "p",
                    "They are found by modularity (Louvain), the largest first, unless the network was made "
                    "of communities or the scenario has some whose moderators can act for them. Within a "
                    "block, people stand in the order of the data.",
                    classes="faint",
                )
        with solara.Div(classes=["charts", "three"]):
            placed(widgets["bars"])
            placed(widgets["pixels"])
        _legend(dark)


def people_traits(player: Player, facts: Facts | None, dark: bool) -> dict[str, dict[str, Any]]:
    """Return the bars of who acts in each community, and everybody's action in a byte each."""
    snapshot = player.snapshot.peek()
    if facts is None or not snapshot.acting:
        return {}
    sizes = [community.size for community in facts.communities]
    parts = [
        (
            STANCES[name],
            [row[number] / size for row, size in zip(snapshot.acting, sizes, strict=True)],
        )
        for number, name in enumerate(ACTIONS)
        if name != "stay"
    ]
    labels = [f"{community.label} ({community.size:,})" for community in facts.communities]
    most = max(range(len(sizes)), key=lambda i: 1 - snapshot.acting[i][0] / sizes[i])
    said = (
        f"Share of people who act in each of {len(sizes)} communities; most in community "
        f"{facts.communities[most].label}: {1 - snapshot.acting[most][0] / sizes[most]:.0%}."
    )
    option = share_bars(labels, [part for part in parts if any(part[1])], dark=dark)
    every = "" if facts.pixel_every == 1 else f"; one of every {facts.pixel_every} people is drawn"
    pixels = {
        "codes": base64.b64encode(snapshot.pixels).decode(),
        "sizes": list(facts.community_pixels),
        "labels": [community.label for community in facts.communities],
        "colours": _colours(dark),
        "said": f"Each pixel is one person, each block a community{every}.",
    }
    return {
        "bars": {**chart_traits(option, said), "height": max(150, 60 + 22 * len(sizes))},
        "pixels": pixels,
    }


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
