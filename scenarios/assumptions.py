"""The assumption ledger: every number and choice of the model, with its range and where it is from.

Core Objects: Assumption, assumptions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from learners.parameters import CONSTANTS, OURS, Constant, Parameters
from learners.usecase import REGISTRY, parameters_of
from scenarios.scenario import Scenario
from scenarios.schema import Declared, fields_of, is_mapping, is_model

_TEXTS = frozenset({"name", "question", "held_fixed", "changed", "expectation", "note"})
"""What a scenario says about itself."""

_ENTRY = "N"
"""Stands in keys for the number of an entry of a list, where no scenario gives one."""

Kind = Literal["parameter", "setting", "constant"]
"""A parameter of the model; a setting of what is run and recorded; a constant, which no scenario changes."""


@dataclass(frozen=True)
class Assumption:
    """One line of the ledger.

    Attributes
    ----------
    key
        Dotted, as in a scenario file; list entries are numbered, or ``N`` where no scenario is given.
    only
        With which alternative the key exists, such as ``family: watts_strogatz``; empty where it always does.
    value, default
        ``None`` also where one must be given.
    required
        Whether there is no default.
    unit, source, description
        As declared.
    allowed
        Values allowed, in words.
    low, high
        Ends of what is allowed, themselves in it or not; ``None`` where there is none.
    """

    key: str
    only: str
    kind: Kind
    value: Any
    default: Any
    required: bool
    unit: str
    allowed: str
    low: float | None
    high: float | None
    source: str
    description: str

    @property
    def ours(self) -> bool:
        """Whether no publication gives the value."""
        return self.kind != "setting" and re.search(rf"\b{OURS}\b", self.source) is not None

    @property
    def changed(self) -> bool:
        """Whether the value is not the default."""
        return self.kind != "constant" and not self.required and bool(self.value != self.default)


def assumptions(scenario: Scenario | None = None) -> list[Assumption]:
    """Return what is run, the parameters in the order of a scenario file, and the constants.

    Parameters
    ----------
    scenario
        With one, the parameters in use and its values; without, those of all alternatives, and the defaults.
    """
    import abm.model
    import abm.production_shape  # noqa: F401  # these and what they import enter their constants

    found = sorted(_of_class(Scenario, scenario, None, "", ""), key=lambda line: "." in line.key)
    return [*found, *map(_of_constant, sorted(CONSTANTS.values()))]


def _of_constant(constant: Constant) -> Assumption:
    return Assumption(
        key=constant.key,
        only="",
        kind="constant",
        value=_plain(constant.value),
        default=_plain(constant.value),
        required=False,
        unit=constant.unit,
        allowed="fixed",
        low=None,
        high=None,
        source=constant.source,
        description=constant.description,
    )


def _of_class(
    kind: type[BaseModel], given: BaseModel | None, usual: BaseModel | None, prefix: str, only: str
) -> Iterator[Assumption]:
    """Walk a parameter class: the values ``given``, if any, and the default object of this class, if any."""
    for name, field in fields_of(kind).items():
        key = f"{prefix}{name}"
        if key == "learner":
            yield from _of_learner(given if isinstance(given, Scenario) else None)
        elif key not in _TEXTS and not _is_tag(field):
            default = getattr(usual, name) if type(usual) is kind else _default(field)
            value = default if given is None else getattr(given, name)
            yield from _of_field(field, _Held(value, default, given is not None), key, only)


@dataclass(frozen=True)
class _Held:
    """The value of a field, its default, and whether the value is a scenario's."""

    value: Any
    default: Any
    given: bool


def _of_field(field: FieldInfo, held: _Held, key: str, only: str) -> Iterator[Assumption]:
    declared = Declared(field.annotation, (field,)).bare()
    entries = _entries(declared)
    if entries is not None and _classes(entries):
        pairs = held.value.items() if isinstance(held.value, Mapping) else enumerate(held.value or ())
        for number, entry in pairs if held.given else [(_ENTRY, None)]:
            yield from _of_alternatives(entries, _Held(entry, None, held.given), f"{key}.{number}", only)
    elif classes := _classes(declared):
        if len(classes) > 1 or field.description:
            yield _choice(field, declared, held, key, only)
        yield from _of_alternatives(declared, held, key, only)
    else:
        yield _leaf(field, declared, held, key, only)


def _of_alternatives(declared: Declared, held: _Held, key: str, only: str) -> Iterator[Assumption]:
    """Walk the class of a scenario's value or, without a scenario, all that it could be."""
    classes = _classes(declared)
    for label, kind in classes.items():
        if not held.given or type(held.value) is kind:
            named = f"{declared.discriminator() or 'is'}: {label}" if len(classes) > 1 else ""
            both = ", ".join(part for part in (only, named) if part)
            yield from _of_class(kind, held.value if held.given else None, held.default, f"{key}.", both)


def _of_learner(scenario: Scenario | None) -> Iterator[Assumption]:
    """Walk the parameters of learners; a run on a curve trains none."""
    if scenario is None:
        users: dict[type[Parameters], list[str]] = {}
        for name in REGISTRY:
            users.setdefault(parameters_of(name), []).append(name)
        for kind, names in users.items():
            yield from _of_class(kind, None, None, "learner.", f"use_case: {', '.join(names)}")
    elif scenario.mode == "live":
        kind = parameters_of(scenario.use_case)
        yield from _of_class(kind, kind.model_construct(**scenario.learner), None, "learner.", "")


def _choice(field: FieldInfo, declared: Declared, held: _Held, key: str, only: str) -> Assumption:
    """Return the line that says which of several parameter classes holds, or whether the only one does."""
    tag, classes = declared.discriminator(), _classes(declared)
    labels = {kind: label for label, kind in classes.items()}

    def shown(value: Any) -> Any:
        if len(classes) == 1 and (value is None or type(value) in labels):
            return "none" if value is None else "given"
        return labels.get(type(value), value)

    others = [member for member in declared.members() if not is_model(Declared(member).bare().annotation)]
    allowed = [*(classes if len(classes) > 1 else ("none", "given")), *map(_allowed, map(Declared, others))]
    chosen = type(held.value)
    key = f"{key}.{tag}" if tag else key
    return Assumption(
        key=key,
        only=only,
        kind=_kind(key),
        value=shown(held.value),
        default=shown(held.default),
        required=field.is_required(),
        unit=_said(field, "unit") or "-",
        allowed=" | ".join(allowed),
        low=None,
        high=None,
        source=_said(field, "source") or OURS,
        description=field.description or (_first_line(chosen) if chosen in labels else ""),
    )


def _leaf(field: FieldInfo, declared: Declared, held: _Held, key: str, only: str) -> Assumption:
    low, high = _ends(declared)
    allowed = " | ".join(REGISTRY) if key == "use_case" else _allowed(declared)
    return Assumption(
        key=key,
        only=only,
        kind=_kind(key),
        value=_plain(held.value),
        default=_plain(held.default),
        required=field.is_required(),
        unit=_said(field, "unit"),
        allowed=f"{allowed} or none" if type(None) in get_args(field.annotation) else allowed,
        low=low,
        high=high,
        source=_said(field, "source"),
        description=field.description or "",
    )


def _ends(declared: Declared) -> tuple[float | None, float | None]:
    """Return the least and the greatest number allowed, themselves in or not, if there are any."""
    if get_origin(declared.annotation) is Literal:
        numbers = [value for value in get_args(declared.annotation) if type(value) in (int, float)]
        return min(numbers, default=None), max(numbers, default=None)
    limits: dict[str, float] = {}
    for part in (declared, *map(Declared, declared.members())):
        limits |= part.bare().limits()
    return limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))


def _kind(key: str) -> Kind:
    return "parameter" if "." in key and not key.startswith("record.") else "setting"


def _allowed(declared: Declared) -> str:
    """Return the values allowed, in words."""
    declared = declared.bare()
    annotation = declared.annotation
    if members := declared.members():
        return " or ".join(_allowed(Declared(member, declared.metadata)) for member in members)
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    if annotation is bool:
        return "true | false"
    if annotation in (int, float):
        return _range(declared)
    if (entries := _entries(declared)) is not None:
        return f"list of {_allowed(entries)}" if not is_mapping(annotation) else f"each {_allowed(entries)}"
    return "text" if annotation is str else "any"


def _range(declared: Declared) -> str:
    """Return the numbers allowed, shorter than :meth:`Declared.bounds` where there are two ends."""
    limits = {
        name: f"{limit:g}" if isinstance(limit, float) else str(limit)
        for name, limit in declared.limits().items()
    }
    text = f"{limits['ge']} to {limits['le']}" if {"ge", "le"} <= set(limits) else declared.bounds()
    text = text.replace(" and ", ", ") or "any number"
    return f"{text}, a multiple of {limits['multiple_of']}" if "multiple_of" in limits else text


def _entries(declared: Declared) -> Declared | None:
    """Return what is declared for the entries of a list or a mapping; ``None`` for another type."""
    inner = get_args(declared.annotation)
    if is_mapping(declared.annotation):
        return Declared(inner[1]).bare()
    return Declared(inner[0]).bare() if get_origin(declared.annotation) in (list, tuple) else None


def _classes(declared: Declared) -> dict[str, type[BaseModel]]:
    """Return the parameter classes that a value may be of, by tag or, untagged, by name."""
    if tagged := declared.tagged():
        return tagged
    members = [Declared(member).bare().annotation for member in declared.members() or [declared.annotation]]
    return {member.__name__: member for member in members if is_model(member)}


def _is_tag(field: FieldInfo) -> bool:
    """Return whether a field only tells the members of a union apart."""
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def _default(field: FieldInfo) -> Any:
    default = field.get_default(call_default_factory=True)
    return None if default is PydanticUndefined else default


def _said(field: FieldInfo, what: str) -> str:
    extra = field.json_schema_extra
    return str(extra.get(what, "")) if isinstance(extra, dict) else ""


def _first_line(kind: type[BaseModel]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0].rstrip(".")


def _plain(value: Any) -> Any:
    """Return a value as a file would have it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
