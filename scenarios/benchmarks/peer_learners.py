"""The peers that our learners are measured against: each fitted on the same records, in CPU seconds.

Those of the optional extra (``pip install 'data-leverage[bench]'``) are imported only when asked for. Making
a peer's own data structure is not counted against it.

Core Objects: Timed, timed, is_installed.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from learners.holdings import Holding
from learners.ratings.use_case import RatingUseCase
from learners.text.use_case import TextUseCase
from learners.topn.use_case import TopNUseCase

Result = TypeVar("Result")

MYFM_RANK, MYFM_ITERATIONS = 32, 50

IMPLICIT_NEIGHBOURS = 800


@dataclass(frozen=True, eq=False)
class Timed(Generic[Result]):
    """What a call returned, and the CPU seconds that this process spent on it."""

    seconds: float
    result: Result


def timed(call: Callable[[], Result]) -> Timed[Result]:
    """Call and measure; CPU time, so that what else the machine does counts little."""
    start = time.process_time()
    result = call()
    return Timed(time.process_time() - start, result)


def is_installed(package: str) -> bool:
    """Return whether a peer can be imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the package itself imports
            importlib.import_module(package)
    except ImportError:
        return False
    return True


def surprise_svd(case: RatingUseCase, holding: Holding) -> Timed[NDArray[np.float64]]:
    """Fit scikit-surprise's SVD with its defaults, 100 factors and 20 epochs; predict the holdout."""
    import surprise

    data, rows = case.data, np.flatnonzero(case.training_mask(holding))
    raw = [
        (owner, item, rating, None)
        for owner, item, rating in zip(
            data.owners[rows].tolist(), data.items[rows].tolist(), data.ratings[rows].tolist(), strict=True
        )
    ]
    reader = surprise.Reader(rating_scale=(data.scale[0], data.scale[-1]))
    known = surprise.Dataset(reader).construct_trainset(raw)
    model = surprise.SVD(random_state=0)
    fitted = timed(lambda: model.fit(known))
    test = zip(case.holdout.owners.tolist(), data.items[case.holdout.rows].tolist(), strict=True)
    return Timed(fitted.seconds, np.array([model.predict(*pair).est for pair in test]))


def myfm_regression(case: RatingUseCase, holding: Holding) -> Timed[NDArray[np.float64]]:
    """Fit myfm's Gibbs factorisation machine to one-hot raters and items; predict the holdout.

    It stands for libFM, which the authors of the contribution study used: the same model and sampler.
    """
    from myfm import MyFMRegressor

    data = case.data

    def one_hot(rows: NDArray[np.int64]) -> sp.csr_matrix:
        columns = np.column_stack([data.owners[rows], data.items[rows] + data.n_owners]).ravel()
        starts = np.arange(0, 2 * len(rows) + 1, 2)
        shape = (len(rows), data.n_owners + data.n_items)
        return sp.csr_matrix((np.ones(len(columns)), columns, starts), shape=shape)

    rows = np.flatnonzero(case.training_mask(holding))
    design, ratings = one_hot(rows), data.ratings[rows].astype(np.float64)
    model = MyFMRegressor(rank=MYFM_RANK, random_seed=0)
    shapes = [data.n_owners, data.n_items]
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        fitted = timed(lambda: model.fit(design, ratings, n_iter=MYFM_ITERATIONS, group_shapes=shapes))
    predicted = model.predict(one_hot(case.holdout.rows))
    return Timed(fitted.seconds, np.clip(predicted, data.scale[0], data.scale[-1]))


def implicit_cosine(case: TopNUseCase, holding: Holding) -> Timed[NDArray[np.float64]]:
    """Fit implicit's item cosine of as many neighbours as the authors' item-kNN; return held-out ranks."""
    from implicit.nearest_neighbours import CosineRecommender

    profiles = case.profiles(holding, np.arange(case.owners)).astype(np.float64)
    model = CosineRecommender(K=IMPLICIT_NEIGHBOURS, num_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it converts its own matrices and complains of that
        fitted = timed(lambda: model.fit(sp.csr_matrix(profiles), show_progress=False))
    lists = case.lists
    similarity = model.similarity.T.toarray().astype(np.float32)
    np.fill_diagonal(similarity, 0)
    scores = np.empty(lists.items.shape, np.float32)
    for first in range(0, len(lists.owners), 1000):
        few = slice(first, first + 1000)
        of_all = profiles[lists.owners[few]].astype(np.float32) @ similarity
        scores[few] = np.take_along_axis(of_all, lists.items[few].astype(np.int64), axis=1)
    return Timed(fitted.seconds, lists.places(scores))


def published_text_pipeline(case: TextUseCase, holding: Holding) -> Timed[NDArray[np.float64]]:
    """Vectorise and fit as published (Vincent and Hecht 2021), with scikit-learn; score the holdout."""
    texts: NDArray[Any] = np.array(case.data.texts, object)[case.versions_genuine]
    rows = np.flatnonzero(case.training_mask(holding))
    common = {"sublinear_tf": True, "strip_accents": "unicode", "stop_words": "english"}
    vectorisers = (
        TfidfVectorizer(token_pattern=r"\w{1,}", max_features=case.limits[1], **common),
        TfidfVectorizer(analyzer="char", ngram_range=(2, 6), max_features=case.limits[0], **common),
    )
    classifier = LogisticRegression(C=case.parameters.inverse_penalty, solver="sag", random_state=0)

    def fit() -> None:
        features = sp.hstack([vectoriser.fit_transform(texts[rows]) for vectoriser in vectorisers])
        classifier.fit(features.tocsr(), case.labels[rows])

    with warnings.catch_warnings():
        # Stop words are published for the character n-grams, too, where they do nothing.
        warnings.filterwarnings("ignore", message="The parameter 'stop_words' will not be used")
        fitted = timed(fit)
    tests = [vectoriser.transform(texts[case.holdout.rows]) for vectoriser in vectorisers]
    return Timed(fitted.seconds, classifier.predict_proba(sp.hstack(tests).tocsr())[:, 1])
