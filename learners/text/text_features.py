"""Terms of texts, counted once for all companies.

The published study computes TF-IDF features anew for each company (Vincent and Hecht 2021, after B. Tunguz's
Kaggle kernel "Logistic regression with words and char n-grams"): the 10,000 most frequent words and the
50,000 most frequent n-grams of 2 to 6 characters of its training texts. A company's texts need not be read
again for them: how often each term of the whole pool is in each text never changes, and how often it is in a
company's texts is a sum that goes up and down with them. The most frequent terms and the IDF follow from the
sums, equally frequent terms chosen as scikit-learn chooses them.

Each text has two versions: version v < n is text v of n as it is, version n + v is text v with a marker word
appended, as the poison kinds that plant a signal have it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import sklearn
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, strip_accents_unicode

from learners.result_cache import cached

MARKER = "qzxvyk"
"""The word that a planted signal appends; nobody writes it by chance."""

SHORTEST, LONGEST = 2, 6
"""Lengths of the character n-grams."""

BLOCK = 1024
"""Texts whose n-grams are sorted at a time: few enough for the processor's cache."""

CODE_VERSION = 1
"""Of what counts the terms: another version is another cache entry."""

_HALF = LONGEST // 2
_SPACES = re.compile(r"\s\s+")  # what scikit-learn makes one space of before it cuts n-grams


@dataclass(frozen=True, eq=False)
class TermCounts:
    """How often each term of one kind is in each text.

    Attributes
    ----------
    genuine
        Sparse [n_texts, n_terms], terms in alphabetical order.
    change
        The same for what the appended marker adds and, where it swallows white space, takes away.
    """

    genuine: sp.csr_array
    change: sp.csr_array

    @property
    def n_terms(self) -> int:
        """Number of terms, those that only the marker brings included."""
        return int(self.genuine.shape[1])

    @property
    def n_versions(self) -> int:
        """Number of versions of texts."""
        return 2 * int(self.genuine.shape[0])

    def of(self, versions: NDArray[np.int64]) -> sp.csr_array:
        """Return the counts of versions of texts, sparse [n_versions, n_terms], in the order given."""
        n_texts = self.genuine.shape[0]
        texts, marked = versions % n_texts, versions >= n_texts
        counts = self.genuine[texts]
        if marked.any():
            counts = counts + self.change[texts].multiply(marked[:, np.newaxis])
            counts.eliminate_zeros()
        return counts


@dataclass(frozen=True, eq=False)
class TermSums:
    """How often each term is in a set of texts.

    Attributes
    ----------
    total
        float64[n_terms], whole numbers: occurrences.
    texts_with
        int64[n_terms]: texts that have the term.
    n_texts
        Number of texts.
    """

    total: NDArray[np.float64]
    texts_with: NDArray[np.int64]
    n_texts: int

    @classmethod
    def nothing(cls, n_terms: int) -> TermSums:
        """No text at all."""
        return cls(np.zeros(n_terms), np.zeros(n_terms, np.int64), 0)

    def plus(self, counts: sp.csr_array, sign: int = 1) -> TermSums:
        """Return the sums with further texts, or (``sign`` -1) without some of them."""
        n_terms = len(self.total)
        return TermSums(
            self.total + sign * np.bincount(counts.indices, counts.data, n_terms),
            self.texts_with + sign * np.bincount(counts.indices, minlength=n_terms),
            self.n_texts + sign * counts.shape[0],
        )

    def most_frequent(self, limit: int) -> NDArray[np.int64]:
        """Return up to ``limit`` terms, int64 ascending, those of the largest totals.

        Which of several terms with the same total make it is settled by the unstable sort that scikit-learn
        settles it by, on the same numbers.
        """
        present = np.flatnonzero(self.total)
        if len(present) <= limit:
            return present
        return np.sort(present[(-self.total[present]).argsort()[:limit]])

    def idf(self, terms: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the smoothed inverse document frequency ln((n + 1) / (texts_with + 1)) + 1 of terms."""
        return np.log((self.n_texts + 1) / (self.texts_with[terms] + 1.0)) + 1


def count_terms(texts: Sequence[str], digest: str) -> tuple[TermCounts, TermCounts]:
    """Return the character n-grams and the words of texts; counted once and kept in the result cache.

    Parameters
    ----------
    texts
        The pool.
    digest
        SHA-256 of the data set that they are.
    """
    kinds = ("characters", "words")
    depends_on = {"data": digest, "code": CODE_VERSION, "scikit-learn": sklearn.__version__, "marker": MARKER}

    def computed() -> dict[str, NDArray[Any]]:
        return {
            f"{kind}_{which}_{array}": getattr(matrix, array)
            for kind, counts in zip(kinds, (character_counts(texts), word_counts(texts)), strict=True)
            for which, matrix in (("genuine", counts.genuine), ("change", counts.change))
            for array in ("data", "indices", "indptr", "shape")
        }

    arrays = cached("term-counts", depends_on, computed)

    def matrix(name: str) -> sp.csr_array:
        parts = tuple(arrays[f"{name}_{array}"] for array in ("data", "indices", "indptr"))
        return sp.csr_array(parts, shape=tuple(arrays[f"{name}_shape"]))

    characters, words = (TermCounts(matrix(f"{kind}_genuine"), matrix(f"{kind}_change")) for kind in kinds)
    return characters, words


def word_counts(texts: Sequence[str]) -> TermCounts:
    """Count words of one character or more, English stop words left out."""
    vectoriser = CountVectorizer(strip_accents="unicode", token_pattern=r"\w{1,}", stop_words="english")
    counts = _compact(sp.csr_array(vectoriser.fit_transform([*texts, MARKER])))
    every = np.arange(len(texts))
    marker = np.full(len(texts), vectoriser.vocabulary_[MARKER])
    change = sp.csr_array((np.ones(len(texts), np.int32), (every, marker)), (len(texts), counts.shape[1]))
    return TermCounts(counts[: len(texts)], change)


def character_counts(texts: Sequence[str]) -> TermCounts:
    """Count n-grams of :data:`SHORTEST` to :data:`LONGEST` characters.

    The marker changes only n-grams that reach into the end of a text, so beside the texts two short ends are
    counted: those of the text with the marker and of the text without, from where n-grams can differ.
    """
    whole, with_marker, without = [], [], []
    for text in texts:
        stripped = strip_accents_unicode(text.lower())
        plain, marked = (_SPACES.sub(" ", version) for version in (stripped, f"{stripped} {MARKER}"))
        # The space before the marker swallows a line end or a tab that the text ends in, nothing else.
        same = len(plain) - (not marked.startswith(plain))
        start = max(0, same - LONGEST + 1)
        whole.append(plain)
        with_marker.append(marked[start:])
        without.append(plain[start:])
    n = len(texts)
    counts = ngram_counts([*whole, *with_marker, *without])
    change = counts[n : 2 * n].astype(np.int32) - counts[2 * n :].astype(np.int32)
    change.eliminate_zeros()
    return TermCounts(counts[:n], change)


def ngram_counts(texts: Sequence[str]) -> sp.csr_array:
    """Count every n-gram of :data:`SHORTEST` to :data:`LONGEST` characters, sparse [n_texts, n_terms].

    Terms are in the order in which Python sorts strings. An n-gram is a number: the place of its first three
    characters among all beginnings of triples, then that of its other characters, an end before any of them.
    Sorting these numbers, each below the number of its text, counts them.
    """
    lengths = np.array([len(text) for text in texts])
    joined = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    which, place = _beginnings(joined)
    n_places = int(place.max(initial=0)) + 1
    bits = (n_places**2).bit_length()
    assert BLOCK.bit_length() + bits < 64, "too many different triples of characters for 64-bit numbers"
    ends = np.concatenate([[0], np.cumsum(lengths)])
    found = []
    for first in range(0, len(texts), BLOCK):
        last = min(first + BLOCK, len(texts))
        text = np.repeat(np.arange(last - first), lengths[first:last])
        at = np.arange(ends[first], ends[last])
        left = ends[first + 1 :][text] - at
        entries = []
        for n in range(SHORTEST, LONGEST + 1):
            fits = left >= n
            begins, goes_on = which[at[fits]], which[at[fits] + _HALF]
            number = place[min(n, _HALF)][begins] * n_places + place[max(n - _HALF, 0)][goes_on]
            entries.append(text[fits] << bits | number)
        found.append(_run_lengths(np.concatenate(entries), last - first, bits))
    numbers = [number for number, _, _ in found]
    terms = _distinct(np.concatenate([_distinct(number) for number in numbers]))
    columns = np.concatenate([np.searchsorted(terms, number).astype(np.int32) for number in numbers])
    counts = np.concatenate([count for _, count, _ in found])
    starts = np.concatenate([[0], np.cumsum(np.concatenate([size for _, _, size in found]))])
    return _compact(sp.csr_array((counts, columns, starts), shape=(len(texts), len(terms))))


def _beginnings(joined: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give numbers to all beginnings of triples of characters, in alphabetical order.

    Returns
    -------
    which
        int64[n_characters + :data:`LONGEST` - 2]: the triple that starts at each character, and past the end.
    place
        int64[4, n_triples]: the number of the first 0, 1, 2 and 3 characters of each triple.
    """
    known = np.zeros(int(joined.max(initial=0)) + 1, np.bool_)
    known[joined] = True
    rank = np.cumsum(known)
    base = int(rank[-1]) + 1
    characters = np.zeros(len(joined) + LONGEST, np.int64)
    characters[: len(joined)] = rank[joined]
    which, triples = pd.factorize((characters[:-2] * base + characters[1:-1]) * base + characters[2:])
    beginnings = np.stack([triples // base ** (_HALF - n) * base ** (_HALF - n) for n in range(_HALF + 1)])
    return which, np.searchsorted(_distinct(beginnings.ravel()), beginnings)


def _run_lengths(entries: NDArray[np.int64], n_texts: int, bits: int) -> tuple[NDArray[Any], ...]:
    """Return the number and the count of each term of each text, by text and number, and terms a text."""
    entries.sort()
    first = np.flatnonzero(np.diff(entries, prepend=-1))
    counts = np.diff(first, append=len(entries)).astype(np.int32)
    entries = entries[first]
    return entries & ((1 << bits) - 1), counts, np.bincount(entries >> bits, minlength=n_texts)


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct ones of numbers from 0, ascending."""
    ordered = np.sort(numbers)
    return ordered[np.diff(ordered, prepend=-1) > 0]


def _compact(counts: sp.csr_array) -> sp.csr_array:
    """Return counts in the smallest unsigned type that holds them, with 32-bit indices where they fit."""
    data = counts.data.astype(np.min_scalar_type(int(counts.data.max(initial=0))))
    index = np.int32 if counts.nnz < 2**31 else np.int64
    parts = (data, counts.indices.astype(index, copy=False), counts.indptr.astype(index, copy=False))
    return sp.csr_array(parts, shape=counts.shape)
