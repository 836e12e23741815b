"""Read a hand-written YAML file: safe on hostile input, and exact about where a problem is.

PyYAML's parser is used for its events only; no object is ever constructed from a tag. The values follow
YAML 1.2's core schema: ``1e-3`` is a number, ``no`` a text, ``010`` is ten, and every key is a text, as in
JSON.

Core Objects: read_mapping, set_key, with_value, validated, written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from learners.errors import InputError
from scenarios.explanations import Location, explain

MAX_BYTES = 1_000_000
MAX_DEPTH = 32

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class YamlDocument:
    """The values of a file, and where each of them was given.

    Attributes
    ----------
    values
        The top-level mapping.
    positions
        Location (keys and list indices from the top) to ``file:line``, or to the option that set it; in the
        order of the file, options last.
    """

    values: dict[str, Value]
    positions: Mapping[Location, str]

    def origin(self, location: Location) -> Location:
        """Return the nearest location, from ``location`` upwards, whose position is known."""
        while location not in self.positions:
            location = location[:-1]
        return location


_VALUES = (yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)


class _EventReader:
    """Turns parser events into values; refuses what a hand-written file has no need of."""

    def __init__(self, text: str, where: Callable[[int], str], *, flow_only: bool = False) -> None:
        self._text = text
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._where = where
        self._flow_only = flow_only
        self.positions: dict[Location, str] = {}

    def read(self) -> Value:
        """Return the value of the only document; None where the text holds nothing.

        Raises
        ------
        InputError
            With one line, for a syntax error or for something refused.
        """
        try:
            return self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            reason = ", ".join(part for part in (error.context, error.problem) if part)
        except yaml.reader.ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            reason = f"the character U+{error.character:04X} is not allowed"
        raise InputError(f"{self._where(line)}: not valid YAML: {_one_line(reason)}")

    def _document(self) -> Value:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), ())
        next(self._events)  # the document's end
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._problem(event, "a second YAML document ('---') is not accepted")
        return value

    def _problem(self, event: yaml.Event, text: str) -> InputError:
        return InputError(f"{self._where(_line(event))}: {text}")

    def _value(self, event: yaml.Event, location: Location) -> Value:
        if not isinstance(event, _VALUES) or event.anchor is not None:
            raise self._problem(event, "YAML anchors and aliases (&name, *name) are not accepted")
        if event.tag is not None:
            raise self._problem(event, f"YAML tags are not accepted (got {event.tag!r:.60})")
        self.positions.setdefault(location, self._where(_line(event)))
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if len(location) >= MAX_DEPTH:
            raise self._problem(event, f"nested more than {MAX_DEPTH} levels deep")
        if self._flow_only and not event.flow_style:
            raise self._problem(
                event, "write {key: value} for a mapping, [a, b] for a list; quote other text"
            )
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(location)
        return self._mapping(location)

    def _sequence(self, location: Location) -> list[Value]:
        values: list[Value] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, (*location, len(values))))
        return values

    def _mapping(self, location: Location) -> dict[str, Value]:
        values: dict[str, Value] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None or event.tag is not None:
                raise self._problem(event, "a key must be plain text")
            key = self._checked(event)
            here = (*location, key)
            if key in lines:
                raise self._problem(event, f"{_dotted(here)}: duplicate key (first on line {lines[key]})")
            lines[key] = _line(event)
            self.positions[here] = self._where(_line(event))
            values[key] = self._value(next(self._events), here)
        return values

    def _checked(self, event: yaml.ScalarEvent) -> str:
        text: str = event.value
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self._problem(event, f"not a text: {text!a:.60}")
        return text

    def _scalar(self, event: yaml.ScalarEvent) -> Value:
        text = self._checked(event)
        if event.style is not None:  # quoted, or a block of text
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _BASED_INT.fullmatch(text):
            return int(text, 0)
        if _INT.fullmatch(text):
            try:
                return int(text)
            except ValueError:  # Python's limit on the digits of a number
                raise self._problem(event, f"a number of {len(text)} digits is too long") from None
        if _FLOAT.fullmatch(text):
            return float(text)
        if _NOT_FINITE.fullmatch(text):
            return float(text.replace(".", ""))
        return text


def read_mapping(path: Path) -> YamlDocument:
    """Read a YAML file whose top level is a mapping.

    Parameters
    ----------
    path
        The file: UTF-8, with or without a byte order mark, of at most :data:`MAX_BYTES`.

    Raises
    ------
    InputError
        With one line that names the file and, where there is one, the line.
    """
    name = _one_line(str(path))
    text = _read_text(path, name)
    reader = _EventReader(text, lambda line: f"{name}:{line}")
    value = reader.read()
    if value is None:
        raise InputError(f"{name}: the file is empty; a mapping of keys is expected")
    if not isinstance(value, dict):
        raise InputError(f"{name}: a mapping of keys is expected at the top, not {_kind(value)}")
    return YamlDocument(value, reader.positions)


def _read_text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, not a file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{name}: cannot be read ({reason})") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        problem = f"not UTF-8 text (byte 0x{byte:02x}); save the file as UTF-8"
        raise InputError(f"{name}:{line}: {problem}") from None


def set_key(document: YamlDocument, key: str, text: str) -> YamlDocument:
    """Apply one ``--set KEY=VALUE``.

    Parameters
    ----------
    document
        What the option changes; it is left as it is.
    key
        Dotted keys and list indices, ``interventions.0.start``.
    text
        A YAML scalar, or a list or mapping in brackets.
    """
    origin = _one_line(f"--set {key}={text}")
    value = _EventReader(text, lambda line: origin, flow_only=True).read()
    return with_value(document, key, value, origin)


def with_value(document: YamlDocument, key: str, value: object, origin: str) -> YamlDocument:
    """Return the document with one value replaced or added.

    Parameters
    ----------
    document
        What is changed; it is left as it is.
    key
        Dotted keys and list indices. Mappings that are not there yet are added; list entries are not.
    value
        Anything that JSON can say, NumPy's numbers and arrays, or parameter objects.
    origin
        What a problem with the value is blamed on, for instance ``--ticks 5``.
    """
    if not all(parts := key.split(".")):
        raise InputError(f"{origin}: {key!r} is not a key; write keys with single dots between them")
    values, location, new = _placed(document.values, parts, _plain(value, origin), (), origin)
    assert isinstance(values, dict)  # a value was put into the mapping, not in its place
    kept = {
        known: position
        for known, position in document.positions.items()
        if known[: len(location)] != location
    }
    return YamlDocument(values, kept | dict.fromkeys(new, origin))


def _plain(value: object, origin: str) -> Value:
    """Return a value as JSON would have it: tuples as lists, NumPy numbers as numbers."""
    try:
        text = to_json(value, inf_nan_mode="constants", fallback=lambda other: other.tolist())
    except PydanticSerializationError:
        raise InputError(
            f"{origin}: {type(value).__name__} is nothing that a scenario file can say"
        ) from None
    plain: Value = from_json(text)
    return plain


def _placed(
    container: Value, parts: list[str], value: Value, above: Location, origin: str
) -> tuple[Value, Location, list[Location]]:
    """Return a copy of the container with the value in it, the value's location, and all that is new."""
    if not parts:
        return value, above, [above]
    key, rest = parts[0], parts[1:]
    if isinstance(container, list):
        if not key.isdecimal() or int(key) >= len(container):
            span = f"has entries 0 to {len(container) - 1}" if container else "is an empty list"
            raise InputError(f"{origin}: {_dotted(above)} {span}, so {key!r} names none of them")
        index = int(key)
        inner, location, new = _placed(container[index], rest, value, (*above, index), origin)
        return [*container[:index], inner, *container[index + 1 :]], location, new
    if container is None or isinstance(container, dict):
        present = container or {}
        inner, location, new = _placed(present.get(key), rest, value, (*above, key), origin)
        return {**present, key: inner}, location, [above, *new] if container is None else new
    raise InputError(f"{origin}: {_dotted(above)} is {_kind(container)}, so it has no key {key!r}")


def validated(document: YamlDocument, model_class: type[M]) -> M:
    """Build a parameter object from a document.

    Parameters
    ----------
    document
        The values, and where they came from.
    model_class
        The class that says what is allowed.

    Raises
    ------
    InputError
        One line for each problem, in the order of the file: where, which key, what is wrong, what is allowed.
    """
    try:
        # YAML knows the types of JSON, so strictness is JSON's: a list serves where a tuple is declared.
        return model_class.model_validate_json(to_json(document.values, inf_nan_mode="constants"))
    except ValidationError as error:
        problems = explain(error, model_class)
    order = {location: rank for rank, location in enumerate(document.positions)}
    problems.sort(key=lambda problem: order[document.origin(problem.location)])
    lines = [f"{document.positions[document.origin(p.location)]}: {_one_line(p.text)}" for p in problems]
    raise InputError("\n".join(lines))


class _Writer(yaml.SafeDumper):
    """Writes texts in quotes where they could be read as anything else."""

    def ignore_aliases(self, data: object) -> bool:
        """Write equal values out again."""
        return True


def _quoted(writer: _Writer, text: str) -> yaml.ScalarNode:
    style = None if _PLAIN_TEXT.fullmatch(text) else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_PLAIN_TEXT = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_Writer.add_representer(str, _quoted)


def written(values: Mapping[str, Value]) -> str:
    """Return YAML that :func:`read_mapping` reads as these values."""
    return yaml.dump(dict(values), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _dotted(location: Location) -> str:
    return _one_line(".".join(map(str, location)))


def _one_line(text: str) -> str:
    """Escape what would break a message into several lines or hide part of it."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _kind(value: Value) -> str:
    if isinstance(value, list):
        return "a list"
    return "a mapping" if isinstance(value, dict) else repr(value)[:60]
