from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from learners.datasets import catalogue
from learners.text import text_features
from learners.text.text_features import (
    MARKER,
    TermCounts,
    TermSums,
    character_counts,
    count_terms,
    ngram_counts,
    word_counts,
)

CHARACTERS = {"strip_accents": "unicode", "analyzer": "char", "ngram_range": (2, 6)}
WORDS = {"strip_accents": "unicode", "token_pattern": r"\w{1,}", "stop_words": "english"}
KINDS = pytest.mark.parametrize(("count", "settings"), [(character_counts, CHARACTERS), (word_counts, WORDS)])

ODD = (
    "",
    " ",
    "a",
    "ab\n",
    "tab\t",
    "two  \n\n spaces  ",
    "no end \u00a0",
    "The THE the café cafe\u0301 CAFÉ",
    "ΟΔΥΣΣΕΥΣ Σ",
    "\u4e2d\u6587 \U0001f600\U0001f600 \U0001f469\u200d\U0001f4bb",
    "İstanbul ﬁne ½ ﷺ",
    "\ud800 alone",
    "x" * 300,
    "é\u0301\u0323\n",
    f"somebody writes {MARKER} {MARKER}",
)

TEXT = st.text(st.sampled_from("abAB é\u0301Σ\n\t\u00a0\u4e2d\U0001f600.1_"), max_size=25)
TEXTS = st.lists(TEXT, min_size=1, max_size=12)
FEW = settings(max_examples=60, deadline=None, derandomize=True)


def vectorised(texts, others, options):
    """Return scikit-learn's counts of ``texts`` over the terms of ``texts`` and ``others``."""
    vectoriser = CountVectorizer(**options).fit([*texts, *others])
    return vectoriser.transform(texts).toarray()


def with_marker(texts):
    return [f"{text} {MARKER}" for text in texts]


@KINDS
def test_counts_are_those_of_scikit_learn_for_odd_texts(count, settings):
    counts = count(ODD)
    n = len(ODD)
    genuine, marked = counts.of(np.arange(n)).toarray(), counts.of(np.arange(n) + n).toarray()
    np.testing.assert_array_equal(genuine, vectorised(ODD, with_marker(ODD), settings))
    np.testing.assert_array_equal(marked, vectorised(with_marker(ODD), ODD, settings))
    assert counts.n_versions == 2 * n
    assert counts.n_terms == genuine.shape[1]


@FEW
@given(TEXTS)
def test_counts_with_and_without_the_marker_are_those_of_the_texts(texts):
    n = len(texts)
    for count, options in ((character_counts, CHARACTERS), (word_counts, WORDS)):
        counts = count(texts)
        expected = vectorised([*texts, *with_marker(texts)], [], options)
        np.testing.assert_array_equal(counts.of(np.arange(2 * n)).toarray(), expected)


@FEW
@given(TEXTS)
def test_ngrams_are_in_the_order_of_strings_and_counted(texts):
    def ngrams(text):
        return [text[i : i + n] for n in range(2, 7) for i in range(len(text) - n + 1)]

    counts = ngram_counts(texts)
    if counts.shape[1] == 0:
        assert all(len(text) < 2 for text in texts)
        return
    expected = CountVectorizer(analyzer=ngrams).fit_transform(texts).toarray()
    np.testing.assert_array_equal(counts.toarray(), expected)
    assert counts.has_canonical_format


def test_texts_are_counted_alike_however_many_are_counted_at_a_time(monkeypatch):
    texts = [*ODD, *reversed(ODD), "more", "of this"]
    whole = ngram_counts(texts)
    for block in (1, 3, len(texts), 5000):
        monkeypatch.setattr(text_features, "BLOCK", block)
        part = ngram_counts(texts)
        np.testing.assert_array_equal(part.toarray(), whole.toarray())


def test_counts_are_kept_small():
    assert ngram_counts(["abc"]).data.dtype == np.uint8
    assert ngram_counts(["a" * 300]).data.dtype == np.uint16
    assert ngram_counts(["a" * 70_000]).data.dtype == np.uint32
    assert ngram_counts(["a" * 70_000]).data.max() == 69_999
    assert ngram_counts(["abc"]).indices.dtype == np.int32


def test_versions_come_in_the_order_asked_for_and_may_repeat():
    counts = character_counts(ODD)
    n = len(ODD)
    versions = np.array([4, n + 4, 2, 4, n + 7])
    one_by_one = np.vstack([counts.of(np.array([v])).toarray() for v in versions])
    np.testing.assert_array_equal(counts.of(versions).toarray(), one_by_one)
    assert counts.of(np.zeros(0, np.int64)).shape == (0, counts.n_terms)


def test_the_marker_leaves_no_trace_in_genuine_texts():
    texts = ODD[:-1]
    for counts in (character_counts(texts), word_counts(texts)):
        total = TermSums.nothing(counts.n_terms).plus(counts.of(np.arange(len(texts)))).total
        brought = counts.change.sum(axis=0) * (total == 0)
        assert (brought > 0).any()
        chosen = TermSums.nothing(counts.n_terms).plus(counts.genuine).most_frequent(counts.n_terms)
        assert not brought[chosen].any()


@FEW
@given(st.lists(st.integers(0, 2 * len(ODD) - 1), unique=True), st.data())
def test_sums_go_up_and_down_exactly(versions, data):
    counts = character_counts(ODD[:6])
    versions = np.array(versions, np.int64) % counts.n_versions
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=len(versions), max_size=len(versions))), bool)
    sums = TermSums.nothing(counts.n_terms).plus(counts.of(versions)).plus(counts.of(versions[gone]), -1)
    left = TermSums.nothing(counts.n_terms).plus(counts.of(versions[~gone]))
    np.testing.assert_array_equal(sums.total, left.total)
    np.testing.assert_array_equal(sums.texts_with, left.texts_with)
    assert sums.n_texts == left.n_texts == (~gone).sum()
    dense = counts.of(versions[~gone]).toarray()
    np.testing.assert_array_equal(sums.total, dense.sum(0))
    np.testing.assert_array_equal(sums.texts_with, (dense > 0).sum(0))


@pytest.mark.parametrize("limit", [1, 7, 50, 400, 10_000])
@pytest.mark.parametrize("seed", range(3))
def test_the_most_frequent_terms_are_the_ones_that_scikit_learn_takes(limit, seed):
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list("abcd e"), rng.integers(0, 30))) for _ in range(60)]
    counts = character_counts(texts)
    names = np.array(CountVectorizer(**CHARACTERS).fit([*texts, *with_marker(texts)]).get_feature_names_out())
    for size in (3, 20, 60):
        chosen = rng.choice(60, size, replace=False)
        sums = TermSums.nothing(counts.n_terms).plus(counts.of(chosen))
        # As TfidfVectorizer counts, in float64: how equal totals are sorted depends on the type.
        expected = CountVectorizer(**CHARACTERS, max_features=limit, dtype=np.float64)
        expected.fit([texts[k] for k in chosen])
        assert names[sums.most_frequent(limit)].tolist() == expected.get_feature_names_out().tolist()


def test_terms_are_counted_once_and_kept(monkeypatch):
    first = count_terms(ODD, "digest of odd texts")
    monkeypatch.setattr(text_features, "character_counts", None)
    again = count_terms(ODD, "digest of odd texts")
    fresh = (character_counts(ODD), word_counts(ODD))
    for a, b, c in zip(first, again, fresh, strict=True):
        assert isinstance(b, TermCounts)
        for name in ("genuine", "change"):
            for attribute in ("data", "indices", "indptr"):
                kept = getattr(getattr(b, name), attribute)
                assert kept.dtype == getattr(getattr(a, name), attribute).dtype
                np.testing.assert_array_equal(kept, getattr(getattr(c, name), attribute))
    with pytest.raises(TypeError):
        count_terms(ODD, "another digest")


def test_nobody_writes_the_marker(prepared):
    data = catalogue.load("jigsaw-toxic", prepared("jigsaw-toxic"))
    assert not any(MARKER in text.lower() for text in data.texts)
