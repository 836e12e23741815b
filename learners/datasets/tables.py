"""Text tables of ratings and of what is said of users and movies: whatever is wrong is refused by its line.

Ratings are parsed in blocks at array speed; only when a block is refused are its lines read one by one, to
name the first bad one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from learners.errors import InputError

LARGEST_ID = 2**31 - 1
"""Ids are kept as int32."""

_Description = TypeVar("_Description")
RowParser: TypeAlias = Callable[[Path, int, str], tuple[int, _Description]]
"""File, line number and line -> id and what the line says of it, or an :class:`InputError`."""

_LARGEST_TIMESTAMP = 2**63 - 1
_BLOCK_BYTES = 2**25
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TYPES = {"user": pa.int32(), "movie": pa.int32(), "rating": pa.float32(), "timestamp": pa.int64()}


@dataclass(frozen=True)
class RatingTable:
    """A ratings file as it lies on disk: one entry a line, with the publisher's ids.

    Attributes
    ----------
    path
        The file.
    first_line
        Number of the line that row 0 stands in: 2 below a header, else 1.
    users, movies
        int32[n_rows], 1 or more.
    ratings
        float32[n_rows], each on the scale that was asked for.
    timestamps
        int64[n_rows], seconds since 1970, 0 where unknown.
    """

    path: Path
    first_line: int
    users: NDArray[np.int32]
    movies: NDArray[np.int32]
    ratings: NDArray[np.float32]
    timestamps: NDArray[np.int64]

    def line(self, row: int) -> int:
        """Return the number of the line that a row stands in."""
        return self.first_line + row


def read_ratings(path: Path, separator: str, scale: tuple[float, ...], header: str = "") -> RatingTable:
    """Read a file of ratings.

    Parameters
    ----------
    path
        The file; a byte order mark and either line end are accepted.
    separator
        What stands between the columns: one character or ``::``.
    scale
        The legal ratings.
    header
        The first line, where the layout has one.

    Raises
    ------
    InputError
        When the file cannot be read or is empty, or a line has other than four columns, an id that is not a
        whole number from 1, a rating off the scale or a timestamp that is not a whole number from 0; the
        message names file, line, value and what is allowed.
    """
    first_line = 2 if header else 1
    line = first_line
    blocks: list[tuple[NDArray[Any], ...]] = []
    for block in _blocks(path, header):
        parsed = _parsed(block, separator, scale)
        if parsed is None:
            _refuse(path, block, line, separator, scale)
        blocks.append(parsed)
        line += len(parsed[0])
    if not blocks:
        raise InputError(f"{path}: there are no ratings in it")
    return RatingTable(path, first_line, *(np.concatenate(column) for column in zip(*blocks, strict=True)))


def read_descriptions(
    path: Path, parse: RowParser[_Description], header: str = ""
) -> dict[int, _Description] | None:
    """Return what a file says of each id, or ``None`` when there is no such file.

    Raises
    ------
    InputError
        When the file cannot be read, has another first line than ``header``, names an id twice or has a line
        that ``parse`` refuses.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    descriptions: dict[int, _Description] = {}
    for line, row in enumerate(raw.removeprefix(_BYTE_ORDER_MARK).rstrip(b"\r\n").splitlines(), 1):
        # Right for the published Latin-1 and harmless for UTF-8: ids, separators and labels are all ASCII.
        text = row.decode("latin-1")
        if header and line == 1:
            if text != header:
                raise InputError(f"{path}, line 1: {shown(text)} is not the header {header!r}")
            continue
        number, description = parse(path, line, text)
        if number in descriptions:
            raise InputError(f"{path}, line {line}: id {number} again; each may occur once")
        descriptions[number] = description
    return descriptions


def columns(path: Path, line: int, text: str, separator: str, count: int) -> list[str]:
    """Return the fields of a line, or raise an :class:`InputError` that names file, line and columns."""
    fields = text.split(separator)
    if len(fields) != count:
        needed = f"{count} columns separated by {separator!r}"
        raise InputError(f"{path}, line {line}: {shown(text)} is not {needed}")
    return fields


def check_one_of(path: Path, line: int, what: str, text: str, allowed: tuple[str, ...]) -> None:
    """Raise an :class:`InputError` that names file, line and value where a field is not an allowed one."""
    if text not in allowed:
        raise InputError(f"{path}, line {line}: {what} {shown(text)} is not one of {', '.join(allowed)}")


def whole_number(path: Path, line: int, what: str, text: str, least: int, most: int) -> int:
    """Return a field as a number, or raise an :class:`InputError` that names file, line, value and bounds."""
    # Twenty digits hold every legal number; a longer field would only spend time on its conversion.
    if re.fullmatch("[0-9]{1,20}", text) and least <= int(text) <= most:
        return int(text)
    allowed = f"a whole number between {least} and {most}"
    raise InputError(f"{path}, line {line}: {what} {shown(text)} is not {allowed}")


def shown(text: str) -> str:
    """Return text from a file as a message may show it: one line, no control characters, not long."""
    return repr(text if len(text) <= 60 else text[:60] + "...")


def _blocks(path: Path, header: str) -> Iterator[bytes]:
    """Yield the file in blocks of whole lines, without the header and without empty lines at the end."""
    try:
        with path.open("rb") as file:
            if header:
                first = file.readline(_BLOCK_BYTES).removeprefix(_BYTE_ORDER_MARK).rstrip(b"\r\n")
                if first != header.encode():
                    found = shown(first.decode("latin-1"))
                    raise InputError(f"{path}, line 1: {found} is not the header {header!r}")
            while block := file.read(_BLOCK_BYTES) + file.readline():
                if not file.peek(1):
                    block = block.rstrip(b"\r\n")
                if block:
                    yield block
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _parsed(block: bytes, separator: str, scale: tuple[float, ...]) -> tuple[NDArray[Any], ...] | None:
    """Return the four columns of a block of lines, or ``None`` when at least one line is bad."""
    delimiter = separator
    if separator == "::":
        if b"\t" in block:
            return None
        delimiter = "\t"
        block = block.replace(b"::", b"\t")
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(block),
            read_options=arrow_csv.ReadOptions(column_names=list(_TYPES)),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, quote_char=False, ignore_empty_lines=False
            ),
            # Without null values an empty field is an error and "nan" a number that no scale holds.
            convert_options=arrow_csv.ConvertOptions(column_types=_TYPES, null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    users, movies, ratings, timestamps = (column.to_numpy() for column in table.columns)
    ids_legal = users.min() >= 1 and movies.min() >= 1 and timestamps.min() >= 0
    return (users, movies, ratings, timestamps) if ids_legal and np.isin(ratings, scale).all() else None


def _refuse(path: Path, block: bytes, line: int, separator: str, scale: tuple[float, ...]) -> NoReturn:
    """Raise for the first bad line of a block that starts at line ``line``; stricter than :func:`_parsed`."""
    for number, raw in enumerate(block.removeprefix(_BYTE_ORDER_MARK).splitlines(), line):
        text = raw.decode("latin-1")
        user, movie, rating, timestamp = columns(path, number, text, separator, len(_TYPES))
        whole_number(path, number, "user", user, 1, LARGEST_ID)
        whole_number(path, number, "movie", movie, 1, LARGEST_ID)
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", rating) or float(rating) not in scale:
            allowed = ", ".join(f"{value:g}" for value in scale)
            raise InputError(f"{path}, line {number}: rating {shown(rating)} is not one of {allowed}")
        whole_number(path, number, "timestamp", timestamp, 0, _LARGEST_TIMESTAMP)
    raise InputError(f"{path}: a line from line {line} on is too long to be read")
