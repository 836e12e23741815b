"""Say in one line each, in the words of the file, what pydantic found wrong with it.

pydantic locates a problem in the *schema*: the tag of a discriminated union and the member of a plain union
are steps of its location, although the file has no such key. Walking the model's types beside the location
tells the steps apart, and finds the keys and the bounds that a message should name.

Core Objects: Problem, explain.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Location = tuple[str | int, ...]
"""Keys and list indices from the top of the file."""

_BOUNDS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
_RANGE_ERRORS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})
_SAID_OF_WHAT = re.compile(r"^[A-Z][a-z]+ should ")


class Problem(NamedTuple):
    """One thing wrong: where it is in the file, and the text of the message without that place."""

    location: Location
    text: str


@dataclass(frozen=True)
class _Declared:
    """A declared type with what was said beside it."""

    annotation: Any
    metadata: tuple[Any, ...] = ()

    def bare(self) -> _Declared:
        """Strip ``Annotated`` and ``| None``."""
        if get_origin(self.annotation) is Annotated:
            inner, *said = get_args(self.annotation)
            return _Declared(inner, (*self.metadata, *said)).bare()
        members = self.members()
        return _Declared(members[0], self.metadata).bare() if len(members) == 1 else self

    def members(self) -> list[Any]:
        """Return the alternatives of a union, None left out; nothing for another type."""
        if get_origin(self.annotation) not in (Union, types.UnionType):
            return []
        return [member for member in get_args(self.annotation) if member is not type(None)]

    def discriminator(self) -> str | None:
        """Return the key that tells a union's members apart."""
        named = (said.discriminator for said in self.metadata if isinstance(said, FieldInfo))
        return next((name for name in named if isinstance(name, str)), None)

    def tagged(self) -> dict[str, type[BaseModel]]:
        """Return the members of a discriminated union by tag."""
        key = self.discriminator()
        if key is None:
            return {}
        return {
            str(tag): member
            for member in self.members()
            for tag in get_args(member.model_fields[key].annotation)
        }

    def keys(self) -> tuple[str, ...]:
        """Return the keys that may stand in a value of this type; nothing where any may."""
        if _is_model(self.annotation):
            return tuple(_fields(self.annotation))
        if _is_mapping(self.annotation):
            allowed = _Declared(get_args(self.annotation)[0]).bare().annotation
            return tuple(map(str, get_args(allowed))) if get_origin(allowed) is Literal else ()
        return ()

    def within(self, step: str | int) -> _Declared:
        """Return what is declared for the key or the index ``step``."""
        if _is_model(self.annotation) and step in (fields := _fields(self.annotation)):
            return _Declared(fields[str(step)].annotation, (fields[str(step)],))
        inner = get_args(self.annotation)
        if _is_mapping(self.annotation):
            return _Declared(inner[1])
        if isinstance(step, int) and inner:
            fixed = get_origin(self.annotation) is tuple and inner[-1] is not Ellipsis
            return _Declared(inner[step] if fixed and step < len(inner) else inner[0])
        return _Declared(None)

    def member(self, label: str) -> _Declared:
        """Return the member of a plain union that pydantic calls ``label``."""
        label = label.rpartition("), ")[2]  # function-after[check(), Name] is Name with a validator of ours
        for member in self.members():
            bare = _Declared(member).bare()
            name = getattr(get_origin(bare.annotation) or bare.annotation, "__name__", "")
            if label.rstrip("]") == name or label.startswith(f"{name}[") or label.endswith(f"-{name}"):
                return bare
        return _Declared(None)

    def bounds(self) -> str:
        """Return the numbers allowed, in words."""
        said = [
            constraint
            for entry in self.metadata
            for constraint in (entry.metadata if isinstance(entry, FieldInfo) else [entry])
        ]
        limits = [
            f"{words} {limit:g}" if isinstance(limit, float) else f"{words} {limit}"
            for name, words in _BOUNDS
            for constraint in said
            if (limit := getattr(constraint, name, None)) is not None
        ]
        return " and ".join(limits)


@dataclass(frozen=True)
class _Place:
    """Where an error is in the file, and what is declared there.

    ``alternative`` is the outermost plain union on the way: its location, and the member that complains.
    """

    location: Location
    declared: _Declared
    container: _Declared
    alternative: tuple[Location, str] | None = None


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_mapping(annotation: object) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _find(model: type[BaseModel], steps: Sequence[str | int]) -> _Place:
    """Walk the types beside an error's location."""
    place = _Place((), _Declared(model), _Declared(None))
    for step in steps:
        declared = place.declared.bare()
        if declared.members() and declared.discriminator():
            place = replace(place, declared=_Declared(declared.tagged().get(str(step))))
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
