"""Networks from files: lists of ties, and lists of degrees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.networks.ties import Ties, pair_number
from learners.errors import InputError

_WHOLE = re.compile(r"[+-]?\d{1,18}")


def read_ties(path: Path, n_users: int) -> Ties:
    """Read an edge list: a line a tie, two user numbers with a comma, semicolon, tab or blanks between them.

    Empty lines, lines that begin with ``#`` and a first line of names are skipped; a tie that is listed
    again, in either direction, counts once.

    Raises
    ------
    InputError
        If the file cannot be read, or a line is no tie between two of the ``n_users`` users; the message
        names the file and the line.
    """
    table = _whole_numbers(path, 2)
    outside: NDArray[np.bool_] = np.any((table < 0) | (table >= n_users), axis=1)
    if outside.any():
        one, other = table[outside][0]
        raise InputError(
            f"{path}:{_line_number(path, outside)}: a tie between {one} and {other}; users are numbered "
            f"0..{n_users - 1}"
        )
    loop = table[:, 0] == table[:, 1]
    if loop.any():
        raise InputError(f"{path}:{_line_number(path, loop)}: user {table[loop][0, 0]} is tied to itself")
    pair = np.unique(pair_number(table[:, 0], table[:, 1], n_users))
    return pair // n_users, pair % n_users


def read_degrees(path: Path, n_users: int) -> NDArray[np.int64]:
    """Read int64[n_users]: a line a user, in the order of their numbers, with the user's degree.

    Raises
    ------
    InputError
        If the file cannot be read, a line is no degree that ``n_users`` users allow, or there are not as
        many lines as users.
    """
    degrees = _whole_numbers(path, 1)[:, 0]
    outside = ~((degrees >= 0) & (degrees < n_users))
    if outside.any():
        raise InputError(
            f"{path}:{_line_number(path, outside)}: degree {degrees[outside][0]}; {n_users} users allow "
            f"0..{n_users - 1}"
        )
    if len(degrees) != n_users:
        raise InputError(f"{path}: has {len(degrees)} degrees, but there are {n_users} users")
    return degrees


def _whole_numbers(path: Path, columns: int) -> NDArray[np.int64]:
    """Return int64[n_lines, columns]."""
    first = next(_data_lines(path), None)
    if first is None:
        return np.empty((0, columns), np.int64)
    number, line = first
    separator = next((mark for mark in ",;\t" if mark in line), r"\s+")
    try:
        table = pd.read_csv(
            path, sep=separator, header=None, comment="#", skiprows=number - 1, dtype=np.int64
        ).to_numpy()
        if table.shape[1] == columns:
            return table
    except (ValueError, OverflowError):
        pass
    for number, line in _data_lines(path):
        fields = line.split(None if separator == r"\s+" else separator)
        if len(fields) != columns or not all(_WHOLE.fullmatch(field.strip()) for field in fields):
            raise InputError(f"{path}:{number}: expected {columns} whole number(s), found '{line}'")
    raise InputError(f"{path}: is no table of whole numbers, {columns} in a line")


def _line_number(path: Path, chosen: NDArray[np.bool_]) -> int:
    """Return the number, from 1, of the line behind the first chosen row."""
    return next(islice(_data_lines(path), int(chosen.argmax()), None))[0]


def _data_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number, from 1, and text of each line that is not blank, a comment or a first line of names."""
    try:
        with path.open(encoding="utf-8") as file:
            begun = False
            for number, text in enumerate(file, start=1):
                line = text.strip()
                if not line or line.startswith("#"):
                    continue
                if begun or any(mark.isdigit() for mark in line):
                    yield number, line
                begun = True
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text in UTF-8"
        raise InputError(f"{path}: cannot be read ({reason})") from None
