"""Campaigns that the visitor calls: which stance, what share of whom."""

from __future__ import annotations

import solara

from scenarios.dashboard import commands as asked
from scenarios.dashboard.messages import Call, Facts
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.session import Session
from scenarios.dashboard.wording import stance_label
from scenarios.dashboard.world import Among

_EVERYBODY = "everybody"


@solara.component
def ActNow(session: Session) -> None:
    """Show the form of a new campaign, and the campaigns that go on."""
    stance, set_stance = solara.use_state("strike")
    whom, set_whom = solara.use_state(_EVERYBODY)
    share, set_share = solara.use_state(10)
    facts = session.live.facts.value
    with tag("section", classes="card", aria_label="Act now"):
        tag("h2", "Act now")
        if facts is None:
            tag("p", "As soon as the world is built.", classes="faint")
            return
        labels = {name: stance_label(name) for name in facts.stances}
        names = {label: name for name, label in labels.items()}
        chosen = stance if stance in labels else facts.stances[0]
        solara.Select(
            "What", list(names), labels[chosen], on_value=lambda label: set_stance(names[label]), dense=True
        )
        people = whom_to_call(facts)
        meant = whom if whom in people else _EVERYBODY
        solara.Select("Who", list(people), meant, on_value=set_whom, dense=True)
        solara.SliderInt(
            f"{share} % of them", value=share, min=1, max=100, on_value=set_share, thumb_label=False
        )
        solara.Button(
            f"Call on {share} % to act",
            icon_name="mdi-bullhorn-outline",
            on_click=lambda: session.live.send(asked.Act(chosen, share / 100, people[meant])),
            depressed=True,
            block=True,
            disabled=session.live.status.value in ("starting", "finished", "error"),
        )
        tag(
            "p",
            "From the next tick on they hold this stance until it is called off, as far as the law permits.",
            classes="faint",
        )
        Calls(session)


@solara.component
def Calls(session: Session) -> None:
    """Show the campaigns that go on."""
    calls = session.live.calls.value
    with solara.Div():
        for call in calls:
            CallLine(session, call).key(f"call {call.number}")
        if len(calls) > 1:
            solara.Button(
                "Call off all", on_click=lambda: session.live.send(asked.CallOff()), outlined=True, small=True
            )


@solara.component
def CallLine(session: Session, call: Call) -> None:
    """Show a campaign that goes on."""
    said = (
        f"{call.followers} follow since tick {call.since}" if call.since >= 0 else "begins with the next tick"
    )
    refused = f", {call.refused} of them may not" if call.refused else ""
    with solara.Div(classes=["line apart"], style="margin-top: 4px"):
        with solara.Div(style="flex: 1 1 150px; font-size: 13px"):
            tag("div", call.label)
            tag("div", said + refused, classes="faint")
        solara.Button(
            "Call off",
            on_click=lambda: session.live.send(asked.CallOff(call.number)),
            outlined=True,
            small=True,
            attributes={"aria-label": f"Call off {call.label}"},
        )


def whom_to_call(facts: Facts) -> dict[str, Among]:
    """Return whom a campaign can call, by what they are called."""
    found = [Among(), Among("well_connected")]
    if facts.power_users:
        found.append(Among("power_users"))
    found += [Among("group", name, label) for name, labels in facts.groups.items() for label in labels]
    found += [Among("community", label=community.label) for community in facts.communities[:8]]
    return {among.words: among for among in found}
