from __future__ import annotations

import numpy as np
import pytest

from learners.datasets import catalogue
from learners.datasets.pinterest import NEGATIVES, load_pinterest_20
from learners.datasets.records import InteractionData
from learners.errors import InputError

TRAIN, TEST, NEGATIVE = (
    "pinterest-20.train.rating",
    "pinterest-20.test.rating",
    "pinterest-20.test.negative",
)
ITEMS = range(0, 400, 2)  # the publisher's ids


def negatives_of(user):
    """99 items that none of the users below has."""
    return [item for item in ITEMS if item >= 20][user : user + NEGATIVES]


def files(**changes):
    """Return the text of each file, some changed (``train="..."``), ``None`` for a file that is not there."""
    held = {TRAIN: "7\t2\t1\t0\n0\t4\t1\t0\n0\t2\t1\t0\n7\t10\t1\t0\n", TEST: "7\t0\t1\t0\n0\t6\t1\t0\n"}
    rows = ["\t".join([f"({user},{item})", *map(str, negatives_of(user))]) for user, item in ((7, 0), (0, 6))]
    held[NEGATIVE] = "\n".join(rows) + "\n"
    for name, text in changes.items():
        held[{"train": TRAIN, "test": TEST, "negative": NEGATIVE}[name]] = text
    return held


def written(folder, texts):
    for name, text in texts.items():
        if text is not None:
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def without_negatives(n_items=300):
    """Return files without negatives, with enough items to draw some."""
    train = "".join(f"{user}\t{item}\t1\t0\n" for user in range(2) for item in range(user, n_items, 2))
    return files(train=train, test="0\t1\t1\t0\n1\t0\t1\t0\n", negative=None)


def test_layout(tmp_path):
    data = load_pinterest_20(written(tmp_path, files()))
    assert data.owner_ids.tolist() == [0, 7]
    assert data.item_ids[:5].tolist() == [0, 2, 4, 6, 10]
    assert data.owners.tolist() == [0, 0, 1, 1]
    assert data.item_ids[data.items].tolist() == [2, 4, 2, 10]
    assert data.item_ids[data.held_out].tolist() == [6, 0]
    assert data.item_ids[data.negatives].tolist() == [negatives_of(0), negatives_of(7)]
    kinds = [part.dtype for part in (data.owners, data.items, data.held_out, data.negatives, data.owner_ids)]
    assert kinds == [np.int32, np.int32, np.int32, np.int32, np.int64]
    assert data.warnings == (
        "pinterest-20: 2 people, the published set has 55,187",
        f"pinterest-20: {data.n_items} items, the published set has 9,916",
        "pinterest-20: 4 training pairs, the published set has 1,445,622",
    )


def test_missing_negatives_are_drawn_once_and_for_all(tmp_path):
    folder = written(tmp_path, without_negatives())
    data = load_pinterest_20(folder)
    assert data.negatives.shape == (2, NEGATIVES)
    for owner in range(2):
        drawn = set(data.negatives[owner].tolist())
        assert len(drawn) == NEGATIVES
        assert not drawn & {*data.items[data.owners == owner].tolist(), int(data.held_out[owner])}
    np.testing.assert_array_equal(load_pinterest_20(folder).negatives, data.negatives)
    told = "pinterest-20.test.negative is missing: 99 negatives a person are drawn with a fixed seed"
    assert data.warnings[-1] == f"pinterest-20: {told}"


def test_too_few_items_to_draw_negatives_from(tmp_path):
    with pytest.raises(
        InputError, match=r"test\.negative is missing and cannot be drawn: .* owner 0 has all but 98"
    ):
        load_pinterest_20(written(tmp_path, without_negatives(198) | {TEST: "0\t1\t1\t0\n1\t2\t1\t0\n"}))


@pytest.mark.parametrize(
    "change", [lambda text: b"\xef\xbb\xbf" + text, lambda text: text.replace(b"\n", b"\r\n")]
)
def test_byte_order_mark_and_either_line_end(tmp_path, change):
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    plain = load_pinterest_20(written(tmp_path / "one", files()))
    changed = {name: change(text.encode()) for name, text in files().items()}
    assert load_pinterest_20(written(tmp_path / "other", changed)).digest == plain.digest


ROWS = files()[NEGATIVE].splitlines()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": None}, r"train\.rating: No such file"),
        ({"test": None}, r"test\.rating: No such file"),
        ({"train": "\n\n"}, r"train\.rating: there are no pairs in it"),
        ({"test": ""}, r"test\.rating: there are no pairs in it"),
        ({"negative": ""}, r"test\.negative: there are no pairs in it"),
        ({"train": "0\t2\tinf\t0\n"}, r"train\.rating, line 1: rating 'inf' is not 1"),
        ({"train": "0\t2\t1\tnan\n"}, r"train\.rating, line 1: timestamp 'nan' is not a whole"),
        ({"train": "0\t2\t1\t0\n0\t4\t1\n"}, r"train\.rating, line 2: '0\\t4\\t1' is not 4 columns"),
        ({"train": "0\t2\t1\t0\n\n0\t4\t1\t0\n"}, r"train\.rating, line 2: '' is not 4 columns"),
        ({"train": "0\t2\t1\t0\nx\t4\t1\t0\n"}, r"line 2: user 'x' is not a whole number between 0 and"),
        ({"train": "0\t-2\t1\t0\n"}, r"line 1: item '-2' is not a whole number between 0 and"),
        ({"train": "0\t99999999999\t1\t0\n"}, r"line 1: item '99999999999' is not a whole number"),
        ({"test": "7\t0\t5\t0\n0\t6\t1\t0\n"}, r"test\.rating, line 1: rating '5' is not 1"),
        ({"test": "7\t0\tnan\t0\n0\t6\t1\t0\n"}, r"test\.rating, line 1: rating 'nan' is not 1"),
        ({"test": "7\t0\t1\t-1\n0\t6\t1\t0\n"}, r"test\.rating, line 1: timestamp '-1' is not a whole"),
        (
            {"train": files()[TRAIN] + "0\t2\t1\t0\n"},
            r"train\.rating, line 5: user 0 with item 2 again, first in line 3; each may occur once",
        ),
        (
            {"test": files()[TEST] + "7\t8\t1\t0\n", "negative": None},
            r"test\.rating, line 3: user 7 again, first in line 1",
        ),
        (
            {"test": "7\t0\t1\t0\n0\t2\t1\t0\n", "negative": None},
            r"test\.rating, line 2: user 0 with item 2 is also in pinterest-20\.train\.rating, line 3",
        ),
        (
            {"train": files()[TRAIN] + "5\t2\t1\t0\n"},
            r"train\.rating, line 5: user 5 is not in pinterest-20\.test\.rating",
        ),
        (
            {"test": files()[TEST] + "5\t2\t1\t0\n", "negative": None},
            r"test\.rating, line 3: user 5 is not in pinterest-20\.train\.rating",
        ),
        (
            {"negative": ROWS[0] + "\n" + ROWS[1] + "\t8\n"},
            r"negative, line 2: '\(0,6\).* is not 100 columns",
        ),
        (
            {"negative": ROWS[0] + "\n0,6" + ROWS[1][5:]},
            r"negative, line 2: '0,6' is not a pair \(user,item\)",
        ),
        ({"negative": ROWS[0] + "\n" + ROWS[1][:-3] + "x"}, r"negative, line 2: item 'x' is not a whole"),
        ({"negative": ROWS[0] + "\n" + ROWS[1][:-3] + "-4"}, r"negative, line 2: item '-4' is not a whole"),
        ({"negative": ROWS[0]}, r"negative: 1 lines, but pinterest-20\.test\.rating has 2"),
        (
            {"negative": ROWS[1] + "\n" + ROWS[0]},
            r"negative, line 1: \(0,6\) is not the pair of the same line of .*test\.rating, \(7,0\)",
        ),
        (
            {"negative": ROWS[0] + "\n" + ROWS[1][: -len(str(negatives_of(0)[-1]))] + "4"},
            r"negative, line 2: negative 4 is an item that user 0 has",
        ),
        (
            {"negative": ROWS[0][: -len(str(negatives_of(7)[-1]))] + "0\n" + ROWS[1]},
            r"negative, line 1: negative 0 is an item that user 7 has",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_its_line(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as error:
        load_pinterest_20(written(tmp_path, files(**changes)))
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_pinterest_20_as_published_or_with_a_warning_for_what_is_missing(prepared):
    data = catalogue.load("pinterest-20", prepared("pinterest-20"))
    assert isinstance(data, InteractionData)
    assert np.all(np.diff(data.owners) >= 0)
    pairs = data.owners.astype(np.int64) * data.n_items + data.items
    assert np.all(np.diff(pairs) > 0)
    per_owner = np.bincount(data.owners)
    assert per_owner.min() >= 9
    assert 20 < per_owner.mean() < 30
    assert data.held_out.shape == (data.n_owners,)
    assert data.negatives.shape == (data.n_owners, NEGATIVES)
    held_out = np.arange(data.n_owners) * np.int64(data.n_items) + data.held_out
    negatives = np.arange(data.n_owners)[:, None] * np.int64(data.n_items) + data.negatives
    assert not np.isin(negatives, pairs).any()
    assert not np.isin(held_out, pairs).any()
    assert not (negatives == held_out[:, None]).any()
    for count, published in ((data.n_owners, 55_187), (len(data.owners), 1_445_622)):
        told = any(f"{count:,}" in warning and f"{published:,}" in warning for warning in data.warnings)
        assert told == (count != published)
