"""The base of every parameter class: strict values with bounds, a unit and a source beside each default."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from learners.errors import InputError

OURS = "ours"
"""Source of a number that no publication gives: an assumption to sweep, not a result."""


T = TypeVar("T")


class Parameters(BaseModel):
    """Immutable, strictly typed parameters; unknown keys, NaN and infinity are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def parameter(default: Any, description: str, *, unit: str, source: str = OURS, **bounds: Any) -> Any:
    """Declare one parameter of a :class:`Parameters` class.

    Parameters
    ----------
    default
        The value taken when none is given; ``...`` makes the parameter required.
    description
        One line for the assumption ledger.
    unit
        Unit of the value, ``"-"`` where it has none.
    source
        A citation, or :data:`OURS`.
    bounds
        pydantic's constraints (``ge``, ``le``, ``gt``, ``lt``, ``pattern``, ...).
    """
    return Field(
        default, description=description, json_schema_extra={"unit": unit, "source": source}, **bounds
    )


class Constant(NamedTuple):
    """A number that is fixed in the code, and yet an assumption."""

    key: str
    value: Any
    description: str
    unit: str
    source: str


CONSTANTS: dict[str, Constant] = {}
"""The constants of all modules that are imported, by key."""


def constant(key: str, value: T, description: str, *, unit: str, source: str = OURS) -> T:
    """Return a value that no scenario can change, and enter it into :data:`CONSTANTS`.

    Parameters
    ----------
    key
        Dotted name in the assumption ledger, the module's first.
    value
        A number, or a few of them.
    description, unit, source
        As of a :func:`parameter`.
    """
    CONSTANTS[key] = Constant(key, value, description, unit, source)
    return value


def tagged(given: object, tag: str, default: str) -> object:
    """Fill in the tag of a union of parameter classes where a mapping leaves it out."""
    return {tag: default, **given} if isinstance(given, dict) else given


def parsed(kind: Any, given: Any, name: str, **overrides: Any) -> Any:
    """Return parameters from an object or a mapping, with fields that override those given unless ``None``.

    Parameters
    ----------
    kind
        A parameter class, or a union of them.
    given
        An instance, a mapping of fields, or ``None`` for the defaults.
    name
        What the group is called in messages.

    Raises
    ------
    InputError
        One line that names the key, the value and what is allowed.
    """
    if not (given is None or isinstance(given, BaseModel | dict)):
        raise InputError(f"{name}: takes parameters or a dict of them (got {given!r})")
    fields = given.model_dump() if isinstance(given, BaseModel) else dict(given or {})
    for key, value in overrides.items():
        if value is not None:
            # Sweeps over np.arange pass NumPy scalars.
            fields[key] = value.item() if hasattr(value, "item") else value
    try:
        return TypeAdapter(kind).validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([name, *(str(part) for part in first["loc"])])
        raise InputError(f"{key}: {first['msg']} (got {first['input']!r})") from None
