from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from learners.datasets import catalogue
from learners.text.text_features import MARKER, TermSums, character_counts, word_counts
from learners.text.tf_idf import TfIdfRows, TorchMatrix

PUBLISHED = {"sublinear_tf": True, "strip_accents": "unicode"}
CHARACTERS = PUBLISHED | {"analyzer": "char", "ngram_range": (2, 6)}
WORDS = PUBLISHED | {"token_pattern": r"\w{1,}", "stop_words": "english"}


def random_texts(n=120, seed=0):
    """Return texts of a few common and many rare words; some are empty, some have no word at all."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdeéä "), rng.integers(1, 8))) for _ in range(80)]
    likely = 1 / np.arange(1, 81)
    texts = [
        " ".join(rng.choice(words, rng.integers(1, 25), p=likely / likely.sum())) + "\n" * (k % 3)
        for k in range(n)
    ]
    texts[3], texts[4], texts[5] = "", "...", " \n"
    return texts


def company_features(blocks, limits, training, versions):
    """Return terms and features, dense, that a company with the training versions has for ``versions``."""
    sums = [TermSums.nothing(b.n_terms).plus(b.of(training)) for b in blocks]
    terms = tuple(s.most_frequent(limit) for s, limit in zip(sums, limits, strict=True))
    features = TfIdfRows(blocks, "cpu").keeping(terms).including(versions)
    scaled = features.scaled(tuple(s.idf(t) for s, t in zip(sums, terms, strict=True)))
    rows = [scaled.transposed_times(unit) for unit in np.eye(len(versions))]
    return terms, np.array(rows)


def published_features(texts, limits, training, versions):
    """Return the features of scikit-learn's vectorisers, dense, fitted to the training versions."""
    every = [*texts, *(f"{text} {MARKER}" for text in texts)]
    blocks = []
    for settings, limit in zip((CHARACTERS, WORDS), limits, strict=True):
        vectoriser = TfidfVectorizer(**settings, max_features=limit)
        vectoriser.fit([every[v] for v in training])
        blocks.append(vectoriser.transform([every[v] for v in versions]))
    return sp.hstack(blocks).toarray()


@pytest.mark.parametrize("limits", [(50, 5), (400, 30), (50_000, 10_000)])
@pytest.mark.parametrize("size", [1, 2, 9, 60, 120])
def test_features_of_a_company_are_those_of_scikit_learn_fitted_to_its_texts(limits, size):
    texts = random_texts()
    blocks = (character_counts(texts), word_counts(texts))
    rng = np.random.default_rng(size)
    training = rng.permutation(np.setdiff1d(np.arange(120), [3, 4, 5]) if size < 9 else 120)[:size]
    training[::4] += 120  # some with the marker
    versions = rng.permutation(240)[:80]
    _, ours = company_features(blocks, limits, training, versions)
    np.testing.assert_allclose(
        ours, published_features(texts, limits, training, versions), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("size", [1, 5, 40, 150])
def test_features_of_real_comments_are_those_of_the_published_vectorisers(prepared, size):
    data = catalogue.load("jigsaw-toxic", prepared("jigsaw-toxic"))
    texts = data.texts[:300]
    blocks = (character_counts(texts), word_counts(texts))
    rng = np.random.default_rng(size)
    training, versions = rng.permutation(300)[:size], rng.permutation(600)[:12]
    terms, ours = company_features(blocks, (50_000, 10_000), training, versions)
    assert (len(terms[0]) == 50_000) == (size == 150)
    expected = published_features(texts, (50_000, 10_000), training, versions)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def pool():
    texts = random_texts()
    blocks = (character_counts(texts), word_counts(texts))
    sums = [TermSums.nothing(b.n_terms).plus(b.genuine) for b in blocks]
    terms = tuple(s.most_frequent(limit) for s, limit in zip(sums, (300, 20), strict=True))
    return blocks, terms, tuple(s.idf(t) for s, t in zip(sums, terms, strict=True))


def test_rows_are_added_and_found_by_version(pool):
    blocks, terms, idf = pool
    few = TfIdfRows(blocks, "cpu").keeping(terms).including(np.array([7, 200, 3]))
    more = few.including(np.array([3, 50, 7, 130]))
    assert more.versions.tolist() == [7, 200, 3, 50, 130]
    assert more.row_of(np.array([130, 7])).tolist() == [4, 0]
    assert few.versions.tolist() == [7, 200, 3]  # what others hold does not change
    assert (few.row_of(np.array([50, 130])) == -1).all()
    assert more.including(np.array([200, 50])) is more
    weights = np.random.default_rng(0).normal(size=320)
    at_once = TfIdfRows(blocks, "cpu").keeping(terms).including(more.versions).scaled(idf)
    np.testing.assert_allclose(more.scaled(idf).times(weights), at_once.times(weights), rtol=1e-13)
    residuals = np.arange(5.0)
    np.testing.assert_allclose(
        more.scaled(idf).transposed_times(residuals), at_once.transposed_times(residuals), rtol=1e-12
    )


def test_the_two_products_are_of_one_matrix(pool):
    blocks, terms, idf = pool
    features = TfIdfRows(blocks, "cpu").keeping(terms).including(np.arange(120)).scaled(idf)
    rng = np.random.default_rng(1)
    weights, residuals = rng.normal(size=320), rng.normal(size=120)
    assert features.times(weights) @ residuals == pytest.approx(
        weights @ features.transposed_times(residuals)
    )


def test_products_of_single_precision_are_almost_the_same(pool):
    blocks, terms, idf = pool
    rng = np.random.default_rng(1)
    weights, residuals = rng.normal(size=320), rng.normal(size=120)
    single, double = (
        TfIdfRows(blocks, "cpu", precision).keeping(terms).including(np.arange(120)).scaled(idf)
        for precision in (np.float32, np.float64)
    )
    for one, other in (
        (single.times(weights), double.times(weights)),
        (single.transposed_times(residuals), double.transposed_times(residuals)),
    ):
        assert one.dtype == np.float64
        assert 0 < np.abs(one - other).max() < 1e-5 * np.abs(other).max()


def test_a_term_with_idf_0_is_as_if_it_were_not_there(pool):
    blocks, terms, idf = pool
    without = tuple(t[::2] for t in terms)
    masked = tuple(np.where(np.arange(len(i)) % 2, 0, i) for i in idf)
    weights = np.random.default_rng(2).normal(size=320)
    kept = np.concatenate([weights[:300][::2], weights[300:][::2]])
    all_terms = TfIdfRows(blocks, "cpu").keeping(terms).including(np.arange(120)).scaled(masked)
    half = (
        TfIdfRows(blocks, "cpu").keeping(without).including(np.arange(120)).scaled(tuple(i[::2] for i in idf))
    )
    np.testing.assert_allclose(all_terms.times(weights), half.times(kept), rtol=1e-12)


def test_other_terms_for_the_same_rows(pool):
    blocks, terms, idf = pool
    fewer = (terms[0][::2], terms[1])
    versions = np.array([7, 200, 3, 9])
    rows = TfIdfRows(blocks, "cpu").keeping(terms).including(versions[:2]).including(versions[2:])
    changed = rows.keeping(fewer)
    expected = TfIdfRows(blocks, "cpu").keeping(fewer).including(versions)
    assert changed.versions.tolist() == versions.tolist()
    weights = np.random.default_rng(0).normal(size=170)
    of_fewer = (idf[0][::2], idf[1])
    np.testing.assert_allclose(
        changed.scaled(of_fewer).times(weights), expected.scaled(of_fewer).times(weights), rtol=1e-13
    )
    # What others hold does not change, and a block whose terms stay is not made again.
    assert rows.scaled(idf).times(np.ones(320)).shape == (4,)
    assert changed._parts[1] is rows._parts[1]
    assert len(changed.including(np.array([50])).versions) == 5


def test_no_rows(pool):
    blocks, terms, idf = pool
    features = TfIdfRows(blocks, "cpu").keeping(terms).scaled(idf)
    assert features.times(np.ones(320)).shape == (0,)
    assert not features.transposed_times(np.zeros(0)).any()


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.cuda,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
            ],
        ),
    ],
)
def test_a_matrix_on_a_torch_device_multiplies_like_scipys(device):
    rng = np.random.default_rng(3)
    matrix = sp.random_array((40, 30), density=0.2, format="csr", rng=rng)
    on_device = TorchMatrix.of(matrix, device)
    wide, tall = rng.normal(size=30), rng.normal(size=40)
    np.testing.assert_allclose(on_device @ wide, matrix @ wide, rtol=1e-12)
    np.testing.assert_allclose(on_device.T @ tall, matrix.T @ tall, rtol=1e-12)
    assert (on_device @ wide).dtype == np.float64


def test_products_through_torch_are_those_through_scipy(pool):
    blocks, terms, idf = pool
    weights, residuals = np.random.default_rng(4).normal(size=320), np.arange(120.0)
    # "cpu:0" is the processor, too, but not the name that chooses SciPy.
    scipy, through_torch = (
        TfIdfRows(blocks, device).keeping(terms).including(np.arange(120)).scaled(idf)
        for device in ("cpu", "cpu:0")
    )
    np.testing.assert_allclose(through_torch.times(weights), scipy.times(weights), rtol=1e-12)
    np.testing.assert_allclose(
        through_torch.transposed_times(residuals), scipy.transposed_times(residuals), rtol=1e-12
    )
