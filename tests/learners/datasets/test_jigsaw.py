from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.datasets import catalogue
from learners.datasets.jigsaw import HEADER, load_jigsaw_toxic
from learners.errors import InputError

HEAD = ",".join(HEADER) + "\n"
CLEAN = "0,0,0,0,0,0\n"


def written(folder, text):
    (folder / "train.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def refusal(folder, text):
    with pytest.raises(InputError) as error:
        load_jigsaw_toxic(written(folder, text))
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(str(folder / "train.csv"))
    return message.removeprefix(str(folder / "train.csv"))


def test_layout(tmp_path):
    body = f'a1,plain,{CLEAN}b2,"two\nlines, ""quoted""",0,0,0,1,0,0\nc3,caf\xe9 \u4e2d,1,0,1,0,0,0\n'
    data = load_jigsaw_toxic(written(tmp_path, HEAD + body))
    assert data.texts == ("plain", 'two\nlines, "quoted"', "caf\xe9 \u4e2d")
    assert data.labels.tolist() == [0, 1, 1]
    assert data.labels.dtype == np.int64
    assert data.class_names == ("clean", "toxic")
    assert data.warnings == ("jigsaw-toxic: 3 comments, the published set has 159,571",)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_either_line_end_a_byte_order_mark_and_empty_lines_at_the_end(tmp_path, line_end, start):
    text = start + (HEAD + f"a,one,{CLEAN}b,two,{CLEAN}\n\n").replace("\n", line_end)
    assert load_jigsaw_toxic(written(tmp_path, text)).texts == ("one", "two")


@pytest.mark.parametrize(
    ("marks", "label", "incomplete"),
    [
        ("0,0,0,0,0,0", 0, False),
        ("1,0,0,0,0,0", 1, False),
        ("0,0,0,0,0,1", 1, False),
        ("0,,,,,", 0, True),
        ("1,,,,,", 1, True),
        (",,,,,1", 1, True),
        (",,,,, ", 0, True),
    ],
)
def test_toxic_is_any_known_label_and_blanks_are_counted(tmp_path, marks, label, incomplete):
    data = load_jigsaw_toxic(written(tmp_path, HEAD + f"a,x,{marks}\nb,y,{CLEAN}"))
    assert data.labels.tolist() == [label, 0]
    assert ("jigsaw-toxic: 1 comments lack a label, which counts as 0" in data.warnings) == incomplete


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,comment_text,toxic\n", ", line 1: 'id,comment_text,toxic' is not the header id,comment_text,"),
        (HEAD, ": there are no comments in it"),
        ("", ": there are no comments in it"),
        (HEAD + f"a,x,{CLEAN}b,y,nan,0,0,0,0,0\n", ", line 3: label toxic 'nan' is not one of 0, 1, "),
        (HEAD + f"a,x,{CLEAN}b,y,0,0,0,0,0,inf\n", ", line 3: label identity_hate 'inf' is not one of"),
        (HEAD + f"a,x,{CLEAN}b,y,0,0,2,0,0,0\n", ", line 3: label obscene '2' is not one of 0, 1, "),
        (HEAD + f'a,"x\ny",{CLEAN}b,y,0,yes,0,0,0,0\n', ", line 4: label severe_toxic 'yes' is not one of"),
        (HEAD + f"a,x,{CLEAN}b,y,0,0\n", ", line 3: 4 columns; each row has 8"),
        (HEAD + f"a,x,{CLEAN}\nb,y,{CLEAN}", ", line 3: 0 columns; each row has 8"),
        (HEAD + f"a,x,{CLEAN}a,y,{CLEAN}", ", line 3: id 'a' again; each may occur once"),
        (HEAD + f'a,x,{CLEAN}b,"y" z,{CLEAN}', ", row that starts in line 3: broken quotes ("),
        (HEAD + f'a,x,{CLEAN}b,"y,{CLEAN}c,z,{CLEAN}', ", row that starts in line 3: broken quotes ("),
        ((HEAD + f"a,x,{CLEAN}b,").encode() + b"\xff," + CLEAN.encode(), ", line 3: byte 0xff is not UTF-8"),
    ],
)
def test_a_broken_file_is_refused_by_line(tmp_path, text, said):
    assert refusal(tmp_path, text).startswith(said)


def test_a_quote_that_never_ends_is_refused_before_it_swallows_the_file(tmp_path):
    rows = "".join(f"r{k},some words,{CLEAN}" for k in range(9000))
    assert refusal(tmp_path, HEAD + f'a,"open,{CLEAN}' + rows).startswith(
        ", row that starts in line 2: broken quotes (field larger than field limit"
    )


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        load_jigsaw_toxic(tmp_path)
    with pytest.raises(InputError, match=r"jigsaw-toxic is not in .*'data-leverage data add jigsaw-toxic"):
        catalogue.load("jigsaw-toxic", tmp_path)


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TEXTS, st.randoms(use_true_random=False))
def test_whatever_a_csv_writer_writes_is_read_back(tmp_path_factory, texts, random):
    folder = tmp_path_factory.mktemp("toxic")
    marks = [[random.choice(["0", "0", "1", ""]) for _ in range(6)] for _ in texts]
    with (folder / "train.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows([f"id{k}", text, *m] for k, (text, m) in enumerate(zip(texts, marks, strict=True)))
    data = load_jigsaw_toxic(folder)
    assert list(data.texts) == texts
    assert data.labels.tolist() == [int("1" in m) for m in marks]


def test_the_copy_at_hand(prepared):
    data = catalogue.load("jigsaw-toxic", prepared("jigsaw-toxic"))
    assert len(data.texts) >= 20_000
    assert 0.09 < data.labels.mean() < 0.11
    assert data.texts[1].startswith("D'aww! He matches this background colour")
    if len(data.texts) < 159_571:
        assert f"jigsaw-toxic: {len(data.texts):,} comments, the published set has 159,571" in data.warnings
