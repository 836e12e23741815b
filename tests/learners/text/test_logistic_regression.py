from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from learners.datasets import catalogue
from learners.datasets.records import TextData
from learners.holdings import Holding
from learners.metrics import auc
from learners.poisoning import Poison
from learners.text import logistic_regression
from learners.text.logistic_regression import Minimum
from learners.text.use_case import TextParameters, TextUseCase

RUDE = ("blorf", "grubble", "snizz", "twarg", "vomp")


def make_comments(n=400, seed=3):
    """Return comments of common and rare words; the toxic ones tend to have a rude word."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("aeinorst"), rng.integers(2, 9))) for _ in range(150)]
    likely = 1 / np.arange(1, 151)
    labels = (rng.random(n) < 0.3).astype(np.int64)
    texts = []
    for label in labels:
        chosen = list(rng.choice(words, rng.integers(3, 20), p=likely / likely.sum()))
        if rng.random() < (0.7 if label else 0.1):
            chosen.insert(rng.integers(len(chosen)), rng.choice(RUDE))
        texts.append(" ".join(chosen) + rng.choice(["", "!", "\n"]))
    return TextData("synthetic", tuple(texts), labels, ("clean", "toxic"))


def make_case(data=None, owners=40, device="cpu", **parameters):
    given = {"characters": 1500, "words": 60, "inverse_penalty": 5.0, **parameters}
    data = make_comments() if data is None else data
    return TextUseCase("synthetic", data, device, "live", owners, TextParameters(**given))


@pytest.fixture(scope="module")
def case():
    return make_case()


def scores_of(evaluation):
    return np.concatenate([evaluation.predictions.holdout, evaluation.predictions.company])


def published(case, holding, **settings):
    """Return scores of holdout and company test comments by the published pipeline on the same rows."""
    texts = np.array(case.data.texts, object)[case.versions_genuine]
    rows = np.flatnonzero(case.training_mask(holding))
    common = {"sublinear_tf": True, "strip_accents": "unicode", "stop_words": "english"}
    vectorisers = (
        TfidfVectorizer(analyzer="char", ngram_range=(2, 6), max_features=case.limits[0], **common),
        TfidfVectorizer(token_pattern=r"\w{1,}", max_features=case.limits[1], **common),
    )
    features = sp.hstack([vectoriser.fit_transform(texts[rows]) for vectoriser in vectorisers]).tocsr()
    classifier = LogisticRegression(C=case.parameters.inverse_penalty, **settings).fit(
        features, case.labels[rows]
    )
    tested = np.concatenate([case.holdout.rows, case.company.rows])
    tests = sp.hstack([vectoriser.transform(texts[tested]) for vectoriser in vectorisers]).tocsr()
    return classifier.predict_proba(tests)[:, 1]


@pytest.mark.filterwarnings("ignore:The parameter 'stop_words' will not be used")
@pytest.mark.parametrize("share", [0.1, 0.4, 1.0])
def test_scores_are_those_of_scikit_learns_optimum_on_the_same_comments(share):
    case = make_case(tolerance=1e-7)
    holding = Holding.of(np.arange(case.owners) < share * case.owners)
    ours = scores_of(case.learner(0).update(holding))
    expected = published(case, holding, tol=1e-10, max_iter=10_000)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6)
    assert ours.std() > 0.03


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The parameter 'stop_words' will not be used")
@pytest.mark.parametrize("share", [0.2, 1.0])
def test_auc_is_that_of_the_published_pipeline_on_real_comments(prepared, share):
    data = catalogue.load("jigsaw-toxic", prepared("jigsaw-toxic"))
    part = TextData(data.name, data.texts[:2000], data.labels[:2000], data.class_names)
    case = make_case(part, characters=50_000, words=10_000, inverse_penalty=0.1)
    holding = Holding.of(np.arange(case.owners) < share * case.owners)
    ours = scores_of(case.learner(0).update(holding))
    theirs = published(case, holding, solver="sag", random_state=0)
    targets = np.concatenate([case.holdout.targets, case.company.targets])
    assert auc(ours, targets) == pytest.approx(auc(theirs, targets), abs=0.001)
    assert np.abs(ours - theirs).max() < 1e-3
    assert auc(ours, targets) > 0.85


KINDS = (
    "label_flip",
    Poison.of("label_flip rate=0.4"),
    "plant",
    Poison.of("plant target=1"),
    "plant_feature_only",
    Poison.of("plant_feature_only target=1"),
    "erase",
)
OWNERS = st.lists(st.integers(0, 39), max_size=8)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), OWNERS),
        st.tuples(st.just("leave"), OWNERS),
        st.tuples(st.just("poison"), OWNERS, st.sampled_from(KINDS)),
        st.tuples(st.just("clean"), OWNERS),
        st.tuples(st.just("few"), OWNERS),
    ),
    min_size=1,
    max_size=7,
)


def moved(holding, step):
    """Return the holding after somebody joins (genuine), leaves, poisons, or takes the poison back."""
    codes = holding.codes.copy()
    match step:
        case "join", ids:
            codes[ids] = np.maximum(codes[ids], 1)
        case "leave", ids:
            return holding.without(ids)
        case "poison", ids, kind:
            return holding.poisoned(ids, kind)
        case "clean", ids:
            codes[ids] = np.minimum(codes[ids], 1)
        case "few", ids:
            codes = np.where(np.isin(np.arange(len(codes)), ids), codes, 0)
    return Holding(codes.astype(np.int8), holding.poisons)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(STEPS, st.sampled_from(["company", "pooled"]))
def test_after_any_history_the_model_is_that_of_the_final_holding(steps, vocabulary):
    case = HISTORY[vocabulary]
    learner = case.learner(0)
    holding = Holding.full(case.owners).without(range(0, case.owners, 3))
    learner.update(holding)
    for step in steps:
        holding = moved(holding, step)
        evaluation = learner.update(holding)
    fresh = case.learner(0).update(holding)
    np.testing.assert_allclose(scores_of(evaluation), scores_of(fresh), rtol=0, atol=1e-3)
    assert evaluation.holdout == pytest.approx(fresh.holdout, abs=1e-4)
    assert evaluation.predictions.planted.keys() == fresh.predictions.planted.keys()
    for poison, success in fresh.predictions.planted.items():
        assert evaluation.predictions.planted[poison] == pytest.approx(success, abs=0.03)


HISTORY = {vocabulary: make_case(vocabulary=vocabulary) for vocabulary in ("company", "pooled")}


def test_sums_after_a_detour_are_exactly_those_of_never_having_gone(case):
    learner, fresh = case.learner(0), case.learner(0)
    full = Holding.full(case.owners)
    for holding in (
        full,
        full.without([1, 2]),
        full.poisoned([3, 4], "plant"),
        full.without(range(20)),
        full,
    ):
        learner.fit(holding)
    fresh.fit(full)
    for ours, theirs in zip(learner.sums, fresh.sums, strict=True):
        np.testing.assert_array_equal(ours.total, theirs.total)
        np.testing.assert_array_equal(ours.texts_with, theirs.texts_with)
        assert ours.n_texts == theirs.n_texts


def test_a_retraining_takes_a_step_however_little_has_changed(case):
    learner = case.learner(0)
    full = Holding.full(case.owners)
    before = learner.update(full)
    after = learner.update(full.without([7]))
    assert (before.predictions.holdout != after.predictions.holdout).all()


def test_a_small_change_does_not_gather_rows_or_search_from_the_start(case, monkeypatch):
    learner = case.learner(0)
    full = Holding.full(case.owners)
    learner.update(full)
    rows, products = learner.rows, []
    times = type(rows.scaled(learner.idf)).times
    monkeypatch.setattr(
        "learners.text.tf_idf.TfIdf.times", lambda self, weights: products.append(1) or times(self, weights)
    )
    learner.update(full.without([7]))
    assert learner.rows is rows
    warm = len(products)
    products.clear()
    case.learner(0).update(full.without([7]))
    assert warm < len(products)


def test_rows_are_gathered_afresh_when_most_of_them_are_gone(case):
    learner = case.learner(0)
    full = Holding.full(case.owners)
    learner.update(full)
    everything = len(learner.rows.versions)
    few = full.without(range(30))
    learner.update(few)
    assert everything > 3 * len(learner.rows.versions) > 0
    assert len(learner.rows.versions) == case.training_mask(few).sum()


def test_forks_do_not_see_each_other(case):
    full = Holding.full(case.owners)
    learner = case.learner(0)
    learner.update(full)
    fork = learner.fork()
    path = [full.without(range(k)) for k in (5, 9, 25)]
    alone = case.learner(0)
    alone.update(full)
    expected = [scores_of(alone.update(holding)) for holding in path]
    for holding, scores in zip(path, expected, strict=True):
        np.testing.assert_array_equal(scores_of(fork.update(holding)), scores)
        learner.update(holding.poisoned([30, 31], "plant"))


def test_the_same_path_gives_the_same_bits():
    runs = []
    for _ in range(2):
        case = make_case()
        learner = case.learner(0)
        full = Holding.full(case.owners)
        path = (full, full.without([1]), full.poisoned([2, 3], "plant"))
        runs.append([scores_of(learner.update(holding)) for holding in path])
    np.testing.assert_array_equal(runs[0], runs[1])


@pytest.mark.parametrize("only", [0, 1])
def test_comments_of_one_class_say_that_class_of_everything(only):
    case = make_case(owners=400)
    owned = case.labels[np.searchsorted(case.record_owners, np.arange(400))]
    holding = Holding.of((owned == only) & (np.arange(400) < 100))
    learner = case.learner(0)
    evaluation = learner.update(holding)
    assert (scores_of(evaluation) == only).all()
    assert evaluation.holdout == 0.5
    both = Holding.of(np.arange(400) < 100)
    np.testing.assert_allclose(
        scores_of(learner.update(both)), scores_of(case.learner(0).update(both)), rtol=0, atol=1e-3
    )


def test_two_comments_are_enough():
    case = make_case(owners=400)
    training = np.flatnonzero(case.split == 0)
    pair = [training[case.labels[training] == c][0] for c in (0, 1)]
    evaluation = case.learner(0).update(Holding.of(np.isin(np.arange(400), case.record_owners[pair])))
    assert 0 < evaluation.holdout < 1
    assert np.isfinite(scores_of(evaluation)).all()


def test_a_pooled_vocabulary_is_the_same_for_every_company():
    case = make_case(vocabulary="pooled")
    learners = [case.learner(0) for _ in range(2)]
    learners[0].fit(Holding.full(case.owners))
    learners[1].fit(Holding.of(np.arange(case.owners) < 4))
    for one, other in zip(*(learner.idf for learner in learners), strict=True):
        np.testing.assert_array_equal(one, other)
    own = make_case().learner(0)
    own.fit(Holding.of(np.arange(case.owners) < 4))
    assert len(own.rows.terms[0]) != len(learners[1].rows.terms[0])


def test_tighter_tolerance_comes_closer_to_the_optimum():
    holding = Holding.full(40).without(range(10))
    exact = scores_of(make_case(tolerance=1e-9).learner(0).update(holding))
    gaps = [
        np.abs(scores_of(make_case(tolerance=tolerance).learner(0).update(holding)) - exact).max()
        for tolerance in (0.1, 1e-3, 1e-5)
    ]
    assert gaps[0] > gaps[1] > gaps[2]
    for gap, tolerance in zip(gaps, (0.1, 1e-3, 1e-5), strict=True):
        assert gap < tolerance


@pytest.mark.parametrize("tolerance", [1e-3, logistic_regression.COARSE])
def test_single_precision_stays_far_below_the_tolerance(tolerance, monkeypatch):
    holding = Holding.full(40).without(range(10))
    single = make_case(tolerance=tolerance).learner(0)
    coarse = scores_of(single.update(holding))
    monkeypatch.setattr(logistic_regression, "COARSE", 1.0)
    double = make_case(tolerance=tolerance).learner(0)
    fine = scores_of(double.update(holding))
    assert (single.rows.precision, double.rows.precision) == (np.float32, np.float64)
    assert 0 < np.abs(coarse - fine).max() < tolerance / 100


def test_a_minimum_is_carried_to_other_terms():
    old = (np.array([2, 5, 9]), np.array([0, 3]))
    new = (np.array([1, 5, 9, 11]), np.array([3]))
    vector = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    carried = Minimum(vector, 0.5, ((vector, 2 * vector),)).carried(old, new)
    assert carried.weights.tolist() == [0, 2, 3, 0, 5]
    assert carried.intercept == 0.5
    assert [v.tolist() for v in carried.pairs[0]] == [[0, 2, 3, 0, 5], [0, 4, 6, 0, 10]]
    nothing = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert Minimum(np.zeros(0)).carried(nothing, new).weights.tolist() == [0] * 5


def test_scores_of_any_versions_are_those_of_the_predictions(case, monkeypatch):
    learner = case.learner(0)
    predicted = learner.fit(Holding.full(case.owners)).holdout
    monkeypatch.setattr(logistic_regression, "BATCH", 77)
    every = learner.scores(np.concatenate([case.versions_genuine, case.versions_marked]))
    np.testing.assert_allclose(every[case.holdout.rows], predicted, rtol=1e-5)
    assert every.shape == (2 * len(case.labels),)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu():
    cases = [make_case(device=device) for device in ("cpu", "cuda")]
    learners = [case.learner(0) for case in cases]
    full = Holding.full(cases[0].owners)
    for holding in (full, full.without([1, 2]), full.poisoned([3, 4], "plant")):
        one, other = (scores_of(learner.update(holding)) for learner in learners)
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)


def test_training_through_torch_agrees_with_scipy():
    # "cpu:0" is the processor, too, but not the name that chooses SciPy.
    learners = [make_case(device=device, tolerance=1e-6).learner(0) for device in ("cpu", "cpu:0")]
    full = Holding.full(40)
    for holding in (full, full.without([1, 2]), full.poisoned([3, 4], "plant")):
        one, other = (scores_of(learner.update(holding)) for learner in learners)
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-8)
    one, other = (learner.scores(np.arange(500)) for learner in learners)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-8)
