"""Read a survey of your own from a CSV file, in one of two forms.

Respondents, one a row: a column for each trait asked for, empty where nothing was answered. Users are drawn
from them with replacement, by the column ``weight`` if there is one, whole rows at a time, so that traits
that go together stay together; columns named like user groups restrict the draw to respondents of the same
labels. With a column ``user``, each row is that user's.

Distributions, one trait a row: the columns ``trait``, ``distribution`` and ``parameters``, such as
``grievance, beta, mean=0.3 concentration=7``.

The parameters of a trait, the correlation of interest with data included, then bear only on users for whom
the survey has no answer.

Core Objects: read_survey.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from abm.survey import TRAITS, Answers, Distributions, Respondents, Survey, survey_problem
from abm.trait_distributions import SETTINGS, TraitDistribution
from learners.errors import InputError

MAX_BYTES = 200_000_000
"""A million respondents with all traits are about half of it."""

_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_FORM = ("trait", "distribution", "parameters")


def read_survey(path: Path, groups: Collection[str]) -> Survey:
    """Read a survey.

    Parameters
    ----------
    path
        A CSV file with a header: UTF-8, commas, decimal points, at most :data:`MAX_BYTES`.
    groups
        Names of the user groups, which columns may be named after.

    Raises
    ------
    InputError
        With one line: file, line, column, value, and what is allowed.
    """
    name = _one_line(str(path))
    data = _bytes(path, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise survey_problem(
            name, f"not UTF-8 text (byte 0x{data[error.start]:02x}); save the file as UTF-8", line
        ) from None
    rows = _rows(text, name)
    header = next(rows, None)
    if header is None:
        raise survey_problem(name, "the file is empty; a header and rows are expected")
    for number, column in enumerate(header.cells):
        if column in header.cells[:number]:
            raise survey_problem(name, f"{_shown(column)} heads two columns", header.line)
    digest = hashlib.sha256(data).hexdigest()
    if {"trait", "distribution"} & set(header.cells):
        return Distributions(name, digest, _distributions(header, rows, name))
    return Respondents(name, digest, _answers(header, list(rows), name, groups))


class _Row(NamedTuple):
    line: int
    cells: list[str]


def _bytes(path: Path, name: str) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise survey_problem(name, "is not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise survey_problem(name, "no such file") from None
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise survey_problem(name, f"cannot be read ({reason})") from None
    if len(data) > MAX_BYTES:
        raise survey_problem(name, f"larger than {MAX_BYTES:,} bytes")
    return data


def _rows(text: str, name: str) -> Iterator[_Row]:
    """Yield the header and the rows, blank lines left out, each cell without the blanks around it."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    width = 0
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise survey_problem(name, f"not a row of a CSV file ({error})", reader.line_num) from None
        if not cells:
            continue
        width = width or len(cells)
        if len(cells) != width:
            raise survey_problem(name, f"{len(cells)} cells, but the header has {width}", line)
        yield _Row(line, [cell.strip() for cell in cells])


def _answers(header: _Row, rows: list[_Row], name: str, groups: Collection[str]) -> Answers:
    known = (*TRAITS, "weight", "user", *groups)
    for column in header.cells:
        if column not in known:
            raise survey_problem(
                name, f"{_shown(column)} is not a column; known are {', '.join(known)}", header.line
            )
    if not set(header.cells) & set(TRAITS):
        raise survey_problem(name, f"no column is a trait; traits are {', '.join(TRAITS)}", header.line)
    if {"user", "weight"} <= set(header.cells):
        raise survey_problem(name, "user, weight: rows that are users are not drawn by weight", header.line)
    if not rows:
        raise survey_problem(name, "there are no respondents below the header")
    lines = np.array([row.line for row in rows])
    cells = {column: [row.cells[number] for row in rows] for number, column in enumerate(header.cells)}
    weight = user = None
    if "weight" in cells:
        weight = _numbers(cells["weight"], lines, "weight", (0.0, 1e9), name, missing=False)
        if not weight.any():
            raise survey_problem(name, "weight: nobody's is more than 0")
    if "user" in cells:
        user = _users(cells["user"], lines, name)
    return Answers(
        lines,
        {
            trait: _numbers(cells[trait], lines, trait, bounds, name)
            for trait, bounds in TRAITS.items()
            if trait in cells
        },
        {group: _labels(cells[group], lines, group, name) for group in groups if group in cells},
        weight,
        user,
    )


def _numbers(
    cells: list[str],
    lines: NDArray[np.int64],
    column: str,
    bounds: tuple[float, float],
    name: str,
    *,
    missing: bool = True,
) -> NDArray[np.float64]:
    """Return the numbers of a column, float64[R]; NaN for an empty cell, where one may be ``missing``."""
    low, high = bounds
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if not cell and missing:
            continue
        if not _NUMBER.fullmatch(cell) or not low <= (value := float(cell)) <= high:
            empty = "; leave a cell empty where nothing was answered" if missing else ""
            raise survey_problem(
                name,
                f"{column}: should be a number from {low:g} to {high:g} (got {_shown(cell)}){empty}",
                int(lines[row]),
            )
        values[row] = value
    return values


def _users(cells: list[str], lines: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    seen: dict[int, int] = {}
    for cell, line in zip(cells, lines.tolist(), strict=True):
        if not re.fullmatch("[0-9]{1,12}", cell):
            raise survey_problem(name, f"user: should be a user's number, from 0 (got {_shown(cell)})", line)
        if int(cell) in seen:
            raise survey_problem(name, f"user: {int(cell)} is on line {seen[int(cell)]} already", line)
        seen[int(cell)] = line
    return np.array(list(seen), np.int64)


def _labels(cells: list[str], lines: NDArray[np.int64], group: str, name: str) -> NDArray[np.str_]:
    if "" in cells:
        raise survey_problem(name, f"{group}: every respondent needs a label", int(lines[cells.index("")]))
    return np.array(cells, np.str_)


def _distributions(header: _Row, rows: Iterator[_Row], name: str) -> dict[str, TraitDistribution]:
    if set(header.cells) != set(_FORM):
        raise survey_problem(name, f"the columns must be {', '.join(_FORM)}", header.line)
    found: dict[str, TraitDistribution] = {}
    for line, cells in rows:
        trait, kind, parameters = (cells[header.cells.index(column)] for column in _FORM)
        if trait not in TRAITS:
            raise survey_problem(name, f"trait: {_shown(trait)} is not one of {', '.join(TRAITS)}", line)
        if trait in found:
            raise survey_problem(name, f"trait: {trait} is given twice", line)
        if kind not in SETTINGS:
            raise survey_problem(
                name, f"distribution: {_shown(kind)} is not one of {', '.join(SETTINGS)}", line
            )
        try:
            found[trait] = TraitDistribution(kind, _settings(parameters), *TRAITS[trait])
        except ValueError as error:
            raise survey_problem(name, f"parameters: {error}", line) from None
    if not found:
        raise survey_problem(name, "there are no distributions below the header")
    return found


def _settings(text: str) -> dict[str, float]:
    """Return ``name=number`` pairs, which blanks or semicolons part."""
    settings: dict[str, float] = {}
    for pair in text.replace(";", " ").split():
        key, _, value = pair.partition("=")
        number = float(value) if _NUMBER.fullmatch(value) else np.inf
        if not key or not np.isfinite(number):
            raise ValueError(f"{_shown(pair)} is not written as name=number")
        if key in settings:
            raise ValueError(f"{_shown(key)} is given twice")
        settings[key] = number
    return settings


def _shown(cell: str) -> str:
    """Return a cell as it can stand in a message: on one line, and not longer than 60 characters."""
    shown = ascii(cell) if not cell.isprintable() else repr(cell)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _one_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
