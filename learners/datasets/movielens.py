"""MovieLens: the loaders of 100K, 1M, 10M and of the ``ratings.csv`` layout (20M and later)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from learners.datasets.records import RatingData
from learners.datasets.tables import (
    LARGEST_ID,
    RatingTable,
    RowParser,
    check_one_of,
    columns,
    read_descriptions,
    read_ratings,
    shown,
    whole_number,
)
from learners.errors import InputError

WHOLE_STARS = (1.0, 2.0, 3.0, 4.0, 5.0)
"""Legal ratings of 100K and 1M."""

HALF_STARS = tuple(halves / 2 for halves in range(1, 11))
"""Legal ratings of 10M and later sets."""

AGE_BANDS = {1: "under 18", 18: "18-24", 25: "25-34", 35: "35-44", 45: "45-49", 50: "50-55", 56: "56+"}
"""First year of each age band -> its label; the first years are the codes that 1M uses."""

_GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
_OCCUPATIONS_100K = (
    "administrator", "artist", "doctor", "educator", "engineer", "entertainment", "executive", "healthcare",
    "homemaker", "lawyer", "librarian", "marketing", "none", "other", "programmer", "retired", "salesman",
    "scientist", "student", "technician", "writer",
)  # fmt: skip
_OCCUPATIONS_1M = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service",
    "doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer",
    "programmer", "retired", "sales/marketing", "scientist", "self-employed", "technician/engineer",
    "tradesman/craftsman", "unemployed", "writer",
)  # fmt: skip
_MOST_GENRES = 64  # MovieLens has 20; a file that names a new genre in every row must not make a huge matrix
_GENDERS = ("F", "M")
_GROUPS = ("gender", "age", "occupation")

_Genres = tuple[str, ...]
_Person = tuple[str, str, str]  # in the order of _GROUPS


class _Counts(NamedTuple):
    ratings: int
    users: int
    items: int


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """How one of the data sets lies in its files, and what its publisher says of it."""

    name: str
    ratings: str
    separator: str
    scale: tuple[float, ...]
    ratings_header: str = ""
    movies: str
    parse_movie: RowParser[_Genres]
    movies_header: str = ""
    genre_names: tuple[str, ...] = ()  # where the layout has a column for each; else those that occur
    users: str = ""
    parse_person: RowParser[_Person] | None = None
    published: _Counts | None = None


def load_ml_100k(folder: Path) -> RatingData:
    """Load MovieLens 100K from ``u.data``, ``u.item`` and ``u.user``.

    Parameters
    ----------
    folder
        Where the files lie.

    Returns
    -------
    RatingData
        Sorted by owner, timestamp (seconds since 1970), item; owners and rated items numbered from 0 by
        ascending publisher's id; groups gender, age (in the bands of 1M) and occupation. A copy that differs
        from the published counts, has unknown timestamps or lacks ``u.item`` or ``u.user`` loads with a line
        in ``warnings`` for each.

    Raises
    ------
    InputError
        When ``u.data`` is missing or empty, a row of a file is malformed or repeated, or a user or movie of
        ``u.data`` is not described; the message names file, line, value and what is allowed.
    """
    return _load(
        folder,
        _Layout(
            name="ml-100k",
            ratings="u.data",
            separator="\t",
            scale=WHOLE_STARS,
            movies="u.item",
            parse_movie=_movie_100k,
            genre_names=_GENRES_100K,
            users="u.user",
            parse_person=_person_100k,
            published=_Counts(ratings=100_000, users=943, items=1_682),
        ),
    )


def load_ml_1m(folder: Path) -> RatingData:
    """Load MovieLens 1M from ``ratings.dat``, ``movies.dat`` and ``users.dat``.

    Parameters, result and errors are those of :func:`load_ml_100k`.
    """
    return _load(
        folder,
        _Layout(
            name="ml-1m",
            ratings="ratings.dat",
            separator="::",
            scale=WHOLE_STARS,
            movies="movies.dat",
            parse_movie=_movie_dat,
            users="users.dat",
            parse_person=_person_1m,
            published=_Counts(ratings=1_000_209, users=6_040, items=3_706),
        ),
    )


def load_ml_10m(folder: Path) -> RatingData:
    """Load MovieLens 10M from ``ratings.dat`` (half stars) and ``movies.dat``; it describes no people.

    Parameters, result and errors are those of :func:`load_ml_100k`, with empty ``groups``.
    """
    return _load(
        folder,
        _Layout(
            name="ml-10m",
            ratings="ratings.dat",
            separator="::",
            scale=HALF_STARS,
            movies="movies.dat",
            parse_movie=_movie_dat,
            published=_Counts(ratings=10_000_054, users=69_878, items=10_677),
        ),
    )


def load_ratings_csv(folder: Path, name: str) -> RatingData:
    """Load ``ratings.csv`` and ``movies.csv``, the layout of MovieLens 20M and later.

    ``name`` is what the data set is called. Parameters, result and errors are otherwise those of
    :func:`load_ml_100k`, with empty ``groups`` and no published counts to compare with.
    """
    return _load(
        folder,
        _Layout(
            name=name,
            ratings="ratings.csv",
            separator=",",
            scale=HALF_STARS,
            ratings_header="userId,movieId,rating,timestamp",
            movies="movies.csv",
            parse_movie=_movie_csv,
            movies_header="movieId,title,genres",
        ),
    )


def _load(folder: Path, layout: _Layout) -> RatingData:
    """Return the records, numbered and sorted, with a warning for each difference from the published set."""
    table = read_ratings(folder / layout.ratings, layout.separator, layout.scale, layout.ratings_header)
    owner_ids, item_ids = np.unique(table.users), np.unique(table.movies)
    owners = np.searchsorted(owner_ids, table.users).astype(np.int32)
    items = np.searchsorted(item_ids, table.movies).astype(np.int32)
    _refuse_repeats(table, owners, items, len(item_ids))

    warnings = []
    counts = _Counts(len(owners), len(owner_ids), len(item_ids))
    for what, here, there in zip(_Counts._fields, counts, layout.published or counts, strict=True):
        if here != there:
            warnings.append(f"{layout.name}: {here:,} {what}, the published set has {there:,}")
    if unknown := int((table.timestamps == 0).sum()):
        warnings.append(f"{layout.name}: {unknown:,} of {counts.ratings:,} timestamps are 0 (unknown)")

    genre_names: tuple[str, ...] = ()
    genres: NDArray[np.bool_] | None = None
    movies = read_descriptions(folder / layout.movies, layout.parse_movie, layout.movies_header)
    if movies is None:
        warnings.append(f"{layout.name}: {layout.movies} is missing: no genres")
    else:
        _refuse_undescribed(table, "movie", table.movies, item_ids, movies, layout.movies)
        genre_names = layout.genre_names or _genres_in(folder / layout.movies, movies)
        flags = [[genre in movies[item] for genre in genre_names] for item in item_ids.tolist()]
        genres = np.array(flags, dtype=np.bool_)

    groups: dict[str, NDArray[np.str_]] = {}
    if layout.parse_person is not None:
        people = read_descriptions(folder / layout.users, layout.parse_person)
        if people is None:
            warnings.append(f"{layout.name}: {layout.users} is missing: no groups")
        else:
            _refuse_undescribed(table, "user", table.users, owner_ids, people, layout.users)
            labels = zip(*(people[owner] for owner in owner_ids.tolist()), strict=True)
            groups = {group: np.array(column) for group, column in zip(_GROUPS, labels, strict=True)}

    order = np.lexsort((items, table.timestamps, owners))
    return RatingData(
        name=layout.name,
        owners=owners[order],
        items=items[order],
        ratings=table.ratings[order],
        timestamps=table.timestamps[order],
        scale=layout.scale,
        owner_ids=owner_ids.astype(np.int64),
        item_ids=item_ids.astype(np.int64),
        groups=groups,
        genres=genres,
        genre_names=genre_names,
        warnings=tuple(warnings),
    )


def _refuse_repeats(
    table: RatingTable, owners: NDArray[np.int32], items: NDArray[np.int32], n_items: int
) -> None:
    pairs = owners.astype(np.int64) * n_items + items
    ordered = np.sort(pairs)
    if not (ordered[1:] == ordered[:-1]).any():
        return
    repeated = np.ones(len(pairs), bool)
    repeated[np.unique(pairs, return_index=True)[1]] = False
    row = int(repeated.argmax())
    earlier = int((pairs == pairs[row]).argmax())
    raise InputError(
        f"{table.path}, line {table.line(row)}: user {table.users[row]} rates movie {table.movies[row]} "
        f"again, first in line {table.line(earlier)}; each pair may occur once"
    )


def _refuse_undescribed(
    table: RatingTable,
    what: str,
    column: NDArray[np.int32],
    ids: NDArray[np.int32],
    descriptions: Mapping[int, object],
    described_in: str,
) -> None:
    for number in ids.tolist():
        if number not in descriptions:
            line = table.line(int((column == number).argmax()))
            raise InputError(f"{table.path}, line {line}: {what} {number} is not in {described_in}")


def _genres_in(path: Path, movies: Mapping[int, _Genres]) -> tuple[str, ...]:
    names = sorted({genre for genres in movies.values() for genre in genres})
    if len(names) > _MOST_GENRES:
        raise InputError(f"{path}: {len(names)} different genres, at most {_MOST_GENRES} are allowed")
    return tuple(names)


def _movie_100k(path: Path, line: int, text: str) -> tuple[int, _Genres]:
    fields = columns(path, line, text, "|", 5 + len(_GENRES_100K))
    flags = [whole_number(path, line, "genre flag", flag, 0, 1) for flag in fields[5:]]
    genres = tuple(genre for genre, flag in zip(_GENRES_100K, flags, strict=True) if flag)
    return whole_number(path, line, "movie", fields[0], 1, LARGEST_ID), genres


def _movie_dat(path: Path, line: int, text: str) -> tuple[int, _Genres]:
    number, _, rest = text.partition("::")
    _, found, genres = rest.rpartition("::")  # a title may hold the separator too
    if not found:
        raise InputError(f"{path}, line {line}: {shown(text)} is not 3 columns separated by '::'")
    return whole_number(path, line, "movie", number, 1, LARGEST_ID), _listed_genres(path, line, genres)


def _movie_csv(path: Path, line: int, text: str) -> tuple[int, _Genres]:
    try:
        fields = next(csv.reader([text]), [])
    except csv.Error as error:
        raise InputError(f"{path}, line {line}: {shown(text)} is not a row of CSV ({error})") from error
    if len(fields) != 3:
        raise InputError(f"{path}, line {line}: {shown(text)} is not 3 columns separated by ','")
    return whole_number(path, line, "movie", fields[0], 1, LARGEST_ID), _listed_genres(path, line, fields[2])


def _listed_genres(path: Path, line: int, text: str) -> _Genres:
    genres = () if text == "(no genres listed)" else tuple(text.split("|"))
    if "" in genres:
        raise InputError(f"{path}, line {line}: genres {shown(text)} are not names separated by '|'")
    return genres


def _person_100k(path: Path, line: int, text: str) -> tuple[int, _Person]:
    number, years, gender, occupation, _ = columns(path, line, text, "|", 5)
    age = whole_number(path, line, "age", years, 1, 120)
    band = AGE_BANDS[max(first for first in AGE_BANDS if first <= age)]
    check_one_of(path, line, "gender", gender, _GENDERS)
    check_one_of(path, line, "occupation", occupation, _OCCUPATIONS_100K)
    return whole_number(path, line, "user", number, 1, LARGEST_ID), (gender, band, occupation)


def _person_1m(path: Path, line: int, text: str) -> tuple[int, _Person]:
    number, gender, age, occupation, _ = columns(path, line, text, "::", 5)
    check_one_of(path, line, "gender", gender, _GENDERS)
    check_one_of(path, line, "age code", age, tuple(map(str, AGE_BANDS)))
    code = whole_number(path, line, "occupation code", occupation, 0, len(_OCCUPATIONS_1M) - 1)
    labels = (gender, AGE_BANDS[int(age)], _OCCUPATIONS_1M[code])
    return whole_number(path, line, "user", number, 1, LARGEST_ID), labels
