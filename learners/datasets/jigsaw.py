"""Wikipedia comments labelled for toxicity: the loader of the Jigsaw challenge's ``train.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from learners.datasets.records import TextData
from learners.datasets.tables import check_one_of, shown
from learners.errors import InputError

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
"""The published labels; a comment is toxic if any of them is 1."""

HEADER = ("id", "comment_text", *LABELS)

PUBLISHED_ROWS = 159_571


def load_jigsaw_toxic(folder: Path) -> TextData:
    """Load the labelled comments from ``train.csv``.

    Parameters
    ----------
    folder
        Where the file lies.

    Returns
    -------
    TextData
        In the order of the file. Label 1 (``toxic``) where any label that is known is 1; a blank label is not
        known and counts as 0. A copy with fewer rows than were published, or with blank labels, loads with a
        line in ``warnings`` for each.

    Raises
    ------
    InputError
        When the file cannot be read, is not UTF-8, has another header, broken quotes, an id that occurs twice
        or a label that is not 0, 1 or blank; the message names file, line, value and what is allowed.
    """
    path = folder / "train.csv"
    texts: list[str] = []
    labels: list[bool] = []
    seen: set[str] = set()
    incomplete = 0
    for line, (comment, text, *marks) in _rows(path):
        for name, mark in zip(LABELS, marks, strict=True):
            check_one_of(path, line, f"label {name}", mark.strip(), ("0", "1", ""))
        if comment in seen:
            raise InputError(f"{path}, line {line}: id {shown(comment)} again; each may occur once")
        seen.add(comment)
        texts.append(text)
        labels.append(any(mark.strip() == "1" for mark in marks))
        incomplete += not all(mark.strip() for mark in marks)
    if not texts:
        raise InputError(f"{path}: there are no comments in it")
    warnings = []
    if len(texts) < PUBLISHED_ROWS:
        warnings.append(f"jigsaw-toxic: {len(texts):,} comments, the published set has {PUBLISHED_ROWS:,}")
    if incomplete:
        warnings.append(f"jigsaw-toxic: {incomplete:,} comments lack a label, which counts as 0")
    return TextData(
        name="jigsaw-toxic",
        texts=tuple(texts),
        labels=np.array(labels, np.int64),
        class_names=("clean", "toxic"),
        warnings=tuple(warnings),
    )


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the fields of each row below the header; a quoted field may span lines."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}, row that starts in line {line}: broken quotes ({error})") from None
        if line == 1:
            if tuple(row) != HEADER:
                raise InputError(
                    f"{path}, line 1: {shown(','.join(row))} is not the header {','.join(HEADER)}"
                )
        elif len(row) != len(HEADER):
            raise InputError(f"{path}, line {line}: {len(row)} columns; each row has {len(HEADER)}")
        else:
            yield line, row
        line = reader.line_num + 1


def _text(path: Path) -> str:
    try:
        content = path.read_bytes().rstrip(b"\r\n")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: byte {content[error.start]:#04x} is not UTF-8") from None
