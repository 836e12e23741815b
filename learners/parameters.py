"""The base of every parameter class: strict values with bounds, a unit and a source beside each default."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

OURS = "ours"
"""Source of a number that no publication gives: an assumption to sweep, not a result."""


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
    return Field(default, description=description, json_schema_extra={"unit": unit, "source": source}, **bounds)
