"""What parameter classes declare: the types behind annotations, the members of unions, bounds.

Core Objects: Declared.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


@dataclass(frozen=True)
class Declared:
    """A declared type with what was said beside it."""

    annotation: Any
    metadata: tuple[Any, ...] = ()

    def bare(self) -> Declared:
        """Strip ``Annotated`` and ``| None``."""
        if get_origin(self.annotation) is Annotated:
            inner, *said = get_args(self.annotation)
            return Declared(inner, (*self.metadata, *said)).bare()
        members = self.members()
        return Declared(members[0], self.metadata).bare() if len(members) == 1 else self

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
        if is_model(self.annotation):
            return tuple(fields_of(self.annotation))
        if is_mapping(self.annotation):
            allowed = Declared(get_args(self.annotation)[0]).bare().annotation
            return tuple(map(str, get_args(allowed))) if get_origin(allowed) is Literal else ()
        return ()

    def within(self, step: str | int) -> Declared:
        """Return what is declared for the key or the index ``step``."""
        if is_model(self.annotation) and step in (fields := fields_of(self.annotation)):
            return Declared(fields[str(step)].annotation, (fields[str(step)],))
        inner = get_args(self.annotation)
        if is_mapping(self.annotation):
            return Declared(inner[1])
        if isinstance(step, int) and inner:
            fixed = get_origin(self.annotation) is tuple and inner[-1] is not Ellipsis
            return Declared(inner[step] if fixed and step < len(inner) else inner[0])
        return Declared(None)

    def member(self, label: str) -> Declared:
        """Return the member of a plain union that pydantic calls ``label``."""
        label = label.rpartition("), ")[2]  # function-after[check(), Name] is Name with a validator of ours
        for member in self.members():
            bare = Declared(member).bare()
            name = getattr(get_origin(bare.annotation) or bare.annotation, "__name__", "")
            if label.rstrip("]") == name or label.startswith(f"{name}[") or label.endswith(f"-{name}"):
                return bare
        return Declared(None)

    def limits(self) -> dict[str, float]:
        """Return the constraints of a number by pydantic's names: ge, gt, le, lt, multiple_of."""
        said = [
            constraint
            for entry in self.metadata
            for constraint in (entry.metadata if isinstance(entry, FieldInfo) else [entry])
        ]
        return {
            name: limit
            for name in (*_BOUNDS, "multiple_of")
            for constraint in said
            if (limit := getattr(constraint, name, None)) is not None
        }

    def bounds(self) -> str:
        """Return the numbers allowed, in words."""
        limits = self.limits()
        return " and ".join(
            f"{words} {limits[name]:g}" if isinstance(limits[name], float) else f"{words} {limits[name]}"
            for name, words in _BOUNDS.items()
            if name in limits
        )


def is_model(annotation: object) -> bool:
    """Return whether values of this type are parameter objects."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_mapping(annotation: object) -> bool:
    """Return whether values of this type are mappings of any keys."""
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a parameter class by the keys they have in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}
