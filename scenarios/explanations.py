"""Say in one line each, in the words of the file, what pydantic found wrong with it.

pydantic locates a problem in the *schema*: the tag of a discriminated union and the member of a plain union
are steps of its location, although the file has no such key. Walking the model's types beside the location
tells the steps apart, and finds the keys and the bounds that a message should name.

Core Objects: Problem, explain.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scenarios.schema import Declared

Location = tuple[str | int, ...]
"""Keys and list indices from the top of the file."""

_RANGE_ERRORS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})
_SAID_OF_WHAT = re.compile(r"^[A-Z][a-z]+ should ")


class Problem(NamedTuple):
    """One thing wrong: where it is in the file, and the text of the message without that place."""

    location: Location
    text: str


@dataclass(frozen=True)
class _Place:
    """Where an error is in the file, and what is declared there.

    ``alternative`` is the outermost plain union on the way: its location, and the member that complains.
    """

    location: Location
    declared: Declared
    container: Declared
    alternative: tuple[Location, str] | None = None


def _find(model: type[BaseModel], steps: Sequence[str | int]) -> _Place:
    """Walk the types beside an error's location."""
    place = _Place((), Declared(model), Declared(None))
    for step in steps:
        declared = place.declared.bare()
        if declared.members() and declared.discriminator():
            place = replace(place, declared=Declared(declared.tagged().get(str(step))))
        elif declared.members():
            alternative = place.alternative or (place.location, str(step))
            place = replace(place, declared=declared.member(str(step)), alternative=alternative)
        elif step != "[key]":  # pydantic's mark for "the key itself", which is the step before
            place = _Place((*place.location, step), declared.within(step), declared, place.alternative)
    return replace(place, declared=place.declared.bare())


def explain(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return the problems that a validation found.

    Parameters
    ----------
    error
        What pydantic raised.
    model
        The class that was validated.
    """
    problems: list[Problem] = []
    alternatives: dict[Location, list[tuple[_Place, ErrorDetails]]] = {}
    for found in error.errors(include_url=False):
        place = _find(model, found["loc"])
        if place.alternative is None:
            problems.append(_problem(place, found))
        else:
            alternatives.setdefault(place.alternative[0], []).append((place, found))
    for location, complaints in alternatives.items():
        problems.extend(_of_alternatives(location, complaints))
    return problems


def _of_alternatives(location: Location, complaints: list[tuple[_Place, ErrorDetails]]) -> list[Problem]:
    """Keep what the nearest member of a plain union says: each member complains in its own way."""
    inside: dict[str, list[Problem]] = {}
    for place, found in complaints:
        if place.alternative is not None and place.location != location:
            inside.setdefault(place.alternative[1], []).append(_problem(place, found))
    if inside:
        return min(inside.values(), key=len)
    first, *others = dict.fromkeys(_text(place, found) for place, found in complaints)
    text = " or ".join([first, *(other.removeprefix("should be ") for other in others)])
    return [Problem(location, f"{_shown(location)}{text}{_got(complaints[0][1])}")]


def _problem(place: _Place, found: ErrorDetails) -> Problem:
    kind, location = found["type"], place.location
    if kind in ("value_error", "assertion_error"):
        return _of_check(location, found)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        location = (*location, _discriminator(found))
    explains_itself = kind in ("missing", "extra_forbidden", "union_tag_invalid", "union_tag_not_found")
    known_keys = found["loc"][-1:] == ("[key]",) and bool(place.container.keys())
    got = "" if explains_itself or known_keys else _got(found)
    return Problem(location, f"{_shown(location)}{_text(place, found)}{got}")


def _of_check(location: Location, found: ErrorDetails) -> Problem:
    """Place the message of a validator of ours; it may begin with the key it is about."""
    text = re.sub(r"^(Value|Assertion) error, ", "", found["msg"])
    named: list[str | int] = [
        int(part) if part.isdecimal() else part for part in text.split(" ", 1)[0].rstrip(":,").split(".")
    ]
    value = found["input"]
    for step in named:
        inside = isinstance(value, Mapping) if isinstance(step, str) else isinstance(value, Sequence)
        if not inside or (step not in value if isinstance(step, str) else step >= len(value)):
            return Problem(location, f"{_shown(location)}{text}")
        value = value[step]
    above = "".join(f"{step}." for step in location)
    return Problem((*location, *named), f"{above}{text}")


def _text(place: _Place, found: ErrorDetails) -> str:
    kind = found["type"]
    if kind == "missing":
        return "required key is missing"
    if kind == "extra_forbidden":
        return _unknown("unknown key", str(place.location[-1]), place.container.keys(), "known keys")
    if found["loc"][-1:] == ("[key]",) and (keys := place.container.keys()):
        return _unknown("unknown key", str(place.location[-1]), keys, "known keys")
    if kind == "union_tag_invalid":
        tag, known = found["ctx"]["tag"], tuple(place.declared.tagged())
        return _unknown(f"unknown {_discriminator(found)} {tag!r}", tag, known, "allowed")
    if kind == "union_tag_not_found":
        return f"required key is missing; allowed: {', '.join(place.declared.tagged())}"
    if kind in _RANGE_ERRORS and (bounds := place.declared.bounds()):
        return f"should be {bounds}"
    text = _SAID_OF_WHAT.sub("should ", found["msg"])
    return text.replace("be an object", "be a mapping").replace("be a valid array", "be a list")


def _discriminator(found: ErrorDetails) -> str:
    return str(found["ctx"]["discriminator"]).strip("'")


def _unknown(what: str, given: str, known: tuple[str, ...], listed_as: str) -> str:
    close = difflib.get_close_matches(given, known, n=1)
    if close:
        return f"{what}, did you mean {close[0]!r}?"
    return f"{what}; {listed_as}: {', '.join(known)}" if known else what


def _shown(location: Location) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def _got(found: ErrorDetails) -> str:
    value = found["input"]
    if value is None or isinstance(value, bool):
        return f" (got {({None: 'null', True: 'true', False: 'false'})[value]})"
    shown = repr(value)
    return f" (got {shown if len(shown) <= 60 else shown[:57] + '...'})"
