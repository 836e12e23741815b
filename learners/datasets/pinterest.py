"""Pinterest-20: who pinned what, one pin of each person held out, in the files of He et al. (2017)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from learners.absent_items import absent_items
from learners.datasets.records import InteractionData
from learners.datasets.tables import LARGEST_ID, columns, shown, whole_number
from learners.errors import InputError

NEGATIVES = 99
"""Items that a held-out one is ranked among."""

_NAME = "pinterest-20"
_PUBLISHED = {"people": 55_187, "items": 9_916, "training pairs": 1_445_622}
_SEED = 0
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TYPES = {"user": pa.int32(), "item": pa.int32(), "rating": pa.float32(), "timestamp": pa.int64()}
_LARGEST_TIMESTAMP = 2**63 - 1
_PAIR = r"^\([0-9]{1,10},[0-9]{1,10}\)$"


@dataclass(frozen=True)
class _Pairs:
    """A file of pairs: row k stands in line k + 1."""

    path: Path
    users: NDArray[np.int32]
    items: NDArray[np.int32]


def load_pinterest_20(folder: Path) -> InteractionData:
    """Load ``pinterest-20.train.rating``, ``.test.rating`` and, where it is there, ``.test.negative``.

    Parameters
    ----------
    folder
        Where the files lie.

    Returns
    -------
    InteractionData
        Sorted by owner, then item; owners and items numbered from 0 by ascending publisher's id. Without
        ``.test.negative`` the negatives are drawn, always the same, from the items that the owner does not
        have. That, and each count other than the published one, is a line in ``warnings``.

    Raises
    ------
    InputError
        When ``.train.rating`` or ``.test.rating`` is missing or empty, a line is malformed, a pair is there
        twice, somebody has pairs to train on but none to test on or the reverse, or a negative is an item
        that the person has; the message names file, line, value and what is allowed.
    """
    train = _read_pairs(folder / f"{_NAME}.train.rating")
    test = _read_pairs(folder / f"{_NAME}.test.rating")
    path = folder / f"{_NAME}.test.negative"
    listed = _read_negatives(path, test)
    everywhere = [train.items, test.items] + ([] if listed is None else [listed.ravel()])
    owner_ids, item_ids = np.unique(train.users), np.unique(np.concatenate(everywhere))
    _refuse_unpaired(train, test)
    _refuse_repeats(train, test)

    by_user = np.argsort(test.users)
    held_out = np.searchsorted(item_ids, test.items[by_user]).astype(np.int32)
    owners = np.searchsorted(owner_ids, train.users).astype(np.int32)
    items = np.searchsorted(item_ids, train.items).astype(np.int32)
    order = np.lexsort((items, owners))
    owners, items = owners[order], items[order]
    has = _matrix(owners, items, held_out, len(item_ids))

    counts = (len(owner_ids), len(item_ids), len(owners))
    warnings = [
        f"{_NAME}: {here:,} {what}, the published set has {there:,}"
        for here, (what, there) in zip(counts, _PUBLISHED.items(), strict=True)
        if here != there
    ]
    if listed is None:
        negatives = _drawn_negatives(path, has, owner_ids)
        drawn = f"{NEGATIVES} negatives a person are drawn with a fixed seed"
        warnings.append(f"{_NAME}: {path.name} is missing: {drawn}")
    else:
        negatives = np.searchsorted(item_ids, listed[by_user]).astype(np.int32)
        _refuse_had(path, has, negatives, by_user, owner_ids, item_ids)
    return InteractionData(
        name=_NAME,
        owners=owners,
        items=items,
        held_out=held_out,
        negatives=negatives,
        owner_ids=owner_ids.astype(np.int64),
        item_ids=item_ids.astype(np.int64),
        warnings=tuple(warnings),
    )


def _matrix(
    owners: NDArray[np.int32], items: NDArray[np.int32], held_out: NDArray[np.int32], n_items: int
) -> sp.csr_array:
    """Return what each owner has, the held-out item included, csr_array[n_owners, n_items]."""
    n_owners = len(held_out)
    rows = np.concatenate([owners, np.arange(n_owners, dtype=np.int32)])
    pairs = (rows, np.concatenate([items, held_out]))
    return sp.csr_array((np.ones(len(rows), np.int8), pairs), shape=(n_owners, n_items))


def _drawn_negatives(path: Path, has: sp.csr_array, owner_ids: NDArray[np.int32]) -> NDArray[np.int32]:
    rows, place = np.divmod(np.arange(has.shape[0] * NEGATIVES), NEGATIVES)
    seed = np.full(len(rows), _SEED)
    try:
        drawn = absent_items("negatives", has, rows, seed, owner_ids[rows].astype(np.int64), place)
    except InputError as error:
        raise InputError(f"{path} is missing and cannot be drawn: {error}") from error
    return drawn.reshape(-1, NEGATIVES)


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes().removeprefix(_BYTE_ORDER_MARK).rstrip(b"\r\n")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if not raw:
        raise InputError(f"{path}: there are no pairs in it")
    return raw


def _table(raw: bytes, types: dict[str, Any]) -> pa.Table | None:
    """Return the columns of a text without header, or ``None`` when at least one line is malformed."""
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(raw),
            read_options=arrow_csv.ReadOptions(
                column_names=list(types), block_size=max(len(raw), 1), use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=False),
            # Without null values an empty field is an error.
            convert_options=arrow_csv.ConvertOptions(column_types=types, null_values=[]),
        )
    except pa.ArrowInvalid:
        return None


def _read_pairs(path: Path) -> _Pairs:
    raw = _content(path)
    table = _table(raw, _TYPES)
    if table is None:
        _refuse_pairs(path, raw)
    users, items, ratings, timestamps = (column.to_numpy() for column in table.columns)
    if users.min() < 0 or items.min() < 0 or timestamps.min() < 0 or (ratings != 1).any():
        _refuse_pairs(path, raw)
    return _Pairs(path, users, items)


def _refuse_pairs(path: Path, raw: bytes) -> NoReturn:
    """Raise for the first bad line."""
    for line, row in enumerate(raw.splitlines(), 1):
        text = row.decode("latin-1")
        user, item, rating, timestamp = columns(path, line, text, "\t", len(_TYPES))
        whole_number(path, line, "user", user, 0, LARGEST_ID)
        whole_number(path, line, "item", item, 0, LARGEST_ID)
        if not re.fullmatch(r"1(\.0+)?", rating):
            raise InputError(f"{path}, line {line}: rating {shown(rating)} is not 1")
        whole_number(path, line, "timestamp", timestamp, 0, _LARGEST_TIMESTAMP)
    raise InputError(f"{path}: the lines cannot be read as a table")


def _read_negatives(path: Path, test: _Pairs) -> NDArray[np.int32] | None:
    """Return int32[n_test, 99], a row for each row of the test pairs, or ``None`` without such a file."""
    if not path.exists():
        return None
    raw = _content(path)
    types = {"pair": pa.string()} | {f"negative {k}": pa.int32() for k in range(NEGATIVES)}
    table = _table(raw, types)
    if table is None or not pc.all(pc.match_substring_regex(table["pair"], _PAIR)).as_py():
        _refuse_negatives(path, raw)
    negatives = np.column_stack([table[name].to_numpy() for name in list(types)[1:]])
    pairs = pc.split_pattern(pc.utf8_trim(table["pair"], "()"), ",").combine_chunks().flatten()
    users, items = pairs.cast(pa.int64()).to_numpy().reshape(-1, 2).T
    if negatives.min() < 0:
        _refuse_negatives(path, raw)
    if len(users) != len(test.users):
        raise InputError(
            f"{path}: {len(users)} lines, but {test.path.name} has {len(test.users)}; one for each is needed"
        )
    wrong = np.flatnonzero((users != test.users) | (items != test.items))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"{path}, line {row + 1}: ({users[row]},{items[row]}) is not the pair of the same line of "
            f"{test.path.name}, ({test.users[row]},{test.items[row]})"
        )
    return negatives


def _refuse_negatives(path: Path, raw: bytes) -> NoReturn:
    """Raise for the first bad line."""
    for line, row in enumerate(raw.splitlines(), 1):
        text = row.decode("latin-1")
        pair, *negatives = columns(path, line, text, "\t", 1 + NEGATIVES)
        if not re.search(_PAIR, pair):
            raise InputError(f"{path}, line {line}: {shown(pair)} is not a pair (user,item)")
        for negative in negatives:
            whole_number(path, line, "item", negative, 0, LARGEST_ID)
    raise InputError(f"{path}: the lines cannot be read as a table")


def _refuse_unpaired(train: _Pairs, test: _Pairs) -> None:
    for one, other in ((train, test), (test, train)):
        alone = np.flatnonzero(~np.isin(one.users, other.users))
        if len(alone):
            row = int(alone[0])
            raise InputError(f"{one.path}, line {row + 1}: user {one.users[row]} is not in {other.path.name}")


def _refuse_repeats(train: _Pairs, test: _Pairs) -> None:
    _refuse_repeated(test.path, test.users.astype(np.int64), lambda row: f"user {test.users[row]}")
    pairs = [part.users.astype(np.int64) << 32 | part.items for part in (train, test)]
    _refuse_repeated(
        train.path, pairs[0], lambda row: f"user {train.users[row]} with item {train.items[row]}"
    )
    both = np.flatnonzero(np.isin(pairs[1], pairs[0]))
    if len(both):
        row = int(both[0])
        earlier = int((pairs[0] == pairs[1][row]).argmax())
        raise InputError(
            f"{test.path}, line {row + 1}: user {test.users[row]} with item {test.items[row]} is also in "
            f"{train.path.name}, line {earlier + 1}; a held-out pair may not be trained on"
        )


def _refuse_repeated(path: Path, keys: NDArray[np.int64], described: Any) -> None:
    ordered = np.sort(keys)
    if not (ordered[1:] == ordered[:-1]).any():
        return
    repeated = np.ones(len(keys), bool)
    repeated[np.unique(keys, return_index=True)[1]] = False
    row = int(repeated.argmax())
    earlier = int((keys == keys[row]).argmax())
    raise InputError(
        f"{path}, line {row + 1}: {described(row)} again, first in line {earlier + 1}; each may occur once"
    )


def _refuse_had(
    path: Path,
    has: sp.csr_array,
    negatives: NDArray[np.int32],
    line_of: NDArray[np.int64],
    owner_ids: NDArray[np.int32],
    item_ids: NDArray[np.int32],
) -> None:
    """Refuse the first negative, by line, that its owner has; ``line_of`` is the row in the file."""
    n_owners, n_items = has.shape
    pairs = has.tocoo()
    had = pairs.row.astype(np.int64) * n_items + pairs.col
    asked = np.arange(n_owners)[:, None] * np.int64(n_items) + negatives
    wrong = np.isin(asked, had)
    if not wrong.any():
        return
    owners, places = np.nonzero(wrong)
    first = int(np.argmin(line_of[owners]))
    owner, item = owners[first], negatives[owners[first], places[first]]
    raise InputError(
        f"{path}, line {line_of[owner] + 1}: negative {item_ids[item]} is an item that user "
        f"{owner_ids[owner]} has"
    )
