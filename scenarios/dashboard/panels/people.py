"""Who acts, by community: shares, and every person as a pixel."""

from __future__ import annotations

import base64
from typing import Any

import solara

from abm.actions import ACTIONS
from analysis.palette import STANCES
from scenarios.dashboard.charts import share_bars, shown_colour
from scenarios.dashboard.messages import Snapshot
from scenarios.dashboard.panels.chart import Chart
from scenarios.dashboard.panels.elements import tag


@solara.component_vue("pixels.vue")
def Pixels(codes: str, sizes: list[int], labels: list[str], colours: list[str], said: str) -> None:
    """Draw one pixel a person, a block a community; the drawing is done in the browser."""


@solara.component
def People(snapshot: Snapshot, dark: bool) -> None:
    """Show what the people of each community do."""
    facts = snapshot.facts
    if facts is None or not snapshot.acting:
        return
    with tag("figure", classes="card wide"):
        with tag("figcaption"):
            tag("h3", "Who acts, by community")
            with tag("details"):
                tag("summary", "communities are people with more ties among themselves than to others")
                tag(
                    "p",
                    "They are found by modularity (Louvain), the largest first, unless the network was made "
                    "of communities. Within a block, people stand in the order of the data.",
                    classes="faint",
                )
        with solara.Div(classes=["charts", "three"]):
            bars(snapshot, dark)
            _pixels(snapshot, dark)
        _legend(dark)


def bars(snapshot: Snapshot, dark: bool) -> Any:
    """Return bars of who acts in each community."""
    facts = snapshot.facts
    assert facts is not None
    sizes = [community.size for community in facts.communities]
    acting = [name for name in ACTIONS if name != "stay"]
    parts = [
        (
            STANCES[name],
            [row[ACTIONS.index(name)] / size for row, size in zip(snapshot.acting, sizes, strict=True)],
        )
        for name in acting
    ]
    labels = [f"{community.label} ({community.size:,})" for community in facts.communities]
    most = max(range(len(sizes)), key=lambda i: 1 - snapshot.acting[i][0] / sizes[i])
    said = (
        f"Share of people who act in each of {len(sizes)} communities; most in community "
        f"{facts.communities[most].label}: {1 - snapshot.acting[most][0] / sizes[most]:.0%}."
    )
    return Chart(
        option=share_bars(labels, [part for part in parts if any(part[1])], dark=dark),
        said=said,
        height=max(150, 60 + 22 * len(sizes)),
    )


def _pixels(snapshot: Snapshot, dark: bool) -> Any:
    facts = snapshot.facts
    assert facts is not None
    every = "" if facts.pixel_every == 1 else f"; one of every {facts.pixel_every} people is drawn"
    colours = [shown_colour(STANCES[name].colour, dark) for name in ACTIONS]
    colours[0] = "#3A3A3A" if dark else "#E2E2E2"
    return Pixels(
        codes=base64.b64encode(snapshot.pixels).decode(),
        sizes=list(facts.community_pixels),
        labels=[community.label for community in facts.communities],
        colours=colours,
        said=f"Each pixel is one person, each block a community{every}.",
    )


def _legend(dark: bool) -> None:
    with solara.Div(classes=["keys"]):
        for name in ACTIONS:
            colour = shown_colour(STANCES[name].colour, dark)
            if name == "stay":
                colour = "#3A3A3A" if dark else "#E2E2E2"
            hatched = not isinstance(STANCES[name].dash, str) and name != "stay"
            fill = (
                f"repeating-linear-gradient(135deg, {colour} 0 3px, #ffffff99 3px 5px), {colour}"
                if hatched
                else colour
            )
            tag("span", tag("span", classes="swatch", style=f"background: {fill}"), STANCES[name].label)
