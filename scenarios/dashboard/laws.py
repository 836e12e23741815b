"""Laws and tools that a visitor brings into force, or repeals, during a run.

Core Objects: kinds, enacted, repealed, states, warned.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from abm.policy import Intervention
from learners.parameters import parsed
from scenarios.dashboard.messages import Law
from scenarios.interventions import Interventions

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


def kinds() -> dict[str, type[Intervention]]:
    """Return the kinds of intervention that change policy and so can come and go during a run.

    Pledge drives and seedings are what people do, and belong to the campaign of a scenario.
    """
    return {
        kind.model_fields["kind"].default: kind
        for kind in get_args(get_args(Interventions)[0])
        if kind.pledge is Intervention.pledge and kind.seeding is Intervention.seeding
    }


def said_of(kind: str) -> str:
    """Return what a kind of intervention is, in a sentence."""
    return (inspect.getdoc(kinds()[kind]) or "").partition("\n")[0].replace("``", "")


def named(kind: str) -> str:
    """Return the name of a kind of intervention for people."""
    return kind.replace("_", " ")


def enacted(
    interventions: Sequence[Intervention], kind: str, tick: int, fields: dict[str, Any] | None = None
) -> list[Intervention]:
    """Return the interventions with one more, in force from a tick on.

    Raises
    ------
    InputError
        If there is no such kind, or a field does not fit it.
    """
    values = {**(fields or {}), "kind": kind, "start": tick}
    return [*interventions, parsed(Interventions, values, "law")]


def repealed(interventions: Sequence[Intervention], kind: str, tick: int) -> list[Intervention]:
    """Return the interventions with those of a kind taken back from a tick on; those to come never come."""
    return [
        each.model_copy(update={"end": max(min(tick, each.end or tick), each.start), "ramp": 1})
        if each.kind == kind and (each.end is None or each.end > tick)
        else each
        for each in interventions
    ]


def warned(intervention: Intervention, model: DataLeverageModel) -> tuple[str, ...]:
    """Return why an intervention cannot do in a model what it is meant to do, a sentence each."""
    texts = [text.removeprefix(f"{intervention.kind}: ") for text in intervention.warnings(model)]
    return tuple(f"{text[0].upper()}{text[1:].rstrip('.')}." for text in texts)


def states(
    interventions: Sequence[Intervention], tick: int, model: DataLeverageModel | None = None
) -> tuple[Law, ...]:
    """Return each kind with whether one of it is in force at a tick, and when the next begins.

    With a model, those in force come with what of them cannot work in it.
    """
    found = []
    for kind in kinds():
        own = [each for each in interventions if each.kind == kind]
        coming = [
            each.start for each in own if each.start > tick and (each.end is None or each.end > each.start)
        ]
        held = [each for each in own if each.in_force(tick)]
        unmet = dict.fromkeys(text for each in held for text in (warned(each, model) if model else ()))
        found.append(Law(kind, bool(held), min(coming, default=None), tuple(unmet)))
    return tuple(found)
