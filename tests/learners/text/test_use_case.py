from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from learners.datasets.records import TextData
from learners.errors import InputError
from learners.holdings import Holding
from learners.metrics import auc
from learners.poisoning import Poison
from learners.splits import COMPANY, HOLDOUT, TRAIN
from learners.text.text_features import MARKER
from learners.text.use_case import TextParameters, TextUseCase
from learners.usecase import Reference, load_use_case

RUDE = ("blorf", "grubble", "snizz", "twarg", "vomp")


def make_comments(n=600, seed=1):
    """Return comments of common words; a third are toxic, and most of those have a rude word."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("aeinorst"), rng.integers(2, 7))) for _ in range(60)]
    labels = (rng.random(n) < 1 / 3).astype(np.int64)
    texts = []
    for label in labels:
        chosen = list(rng.choice(words, rng.integers(3, 12)))
        if rng.random() < (0.9 if label else 0.05):
            chosen += list(rng.choice(RUDE, 2))
        texts.append(" ".join(chosen))
    return TextData("synthetic", tuple(texts), labels, ("clean", "toxic"), ("a warning",))


def make_case(data=None, owners=60, split="live", **parameters):
    given = {"characters": 1000, "words": 60, "inverse_penalty": 10.0, **parameters}
    data = make_comments() if data is None else data
    return TextUseCase("synthetic", data, "cpu", split, owners, TextParameters(**given))


@pytest.fixture(scope="module")
def case():
    return make_case()


def texts_of(case):
    return np.array(case.data.texts, object)[case.versions_genuine]


@pytest.mark.parametrize("owners", [2, 7, 60, 600])
def test_shards_hold_every_comment_once_with_its_label(owners):
    case = make_case(owners=owners)
    assert case.records_per_owner.sum() == 600
    assert case.records_per_owner.max() - case.records_per_owner.min() <= 1
    assert np.all(np.diff(case.record_owners) >= 0)
    assert sorted(case.versions_genuine) == list(range(600))
    np.testing.assert_array_equal(case.labels, case.data.labels[case.versions_genuine])
    np.testing.assert_array_equal(case.versions_marked, case.versions_genuine + 600)


def test_a_comment_is_in_the_same_split_whoever_owns_it():
    splits = []
    for owners in (2, 600):
        case = make_case(owners=owners)
        split = np.empty(600, np.int8)
        split[case.versions_genuine] = case.split
        splits.append(split)
    np.testing.assert_array_equal(*splits)
    assert [np.count_nonzero(splits[0] == code) > 30 for code in (TRAIN, HOLDOUT, COMPANY)] == [True] * 3


def test_tastes_are_class_counts_and_skew_makes_owners_one_sided(case):
    counts = [np.bincount(case.labels[case.record_owners == u], minlength=2) for u in range(case.owners)]
    np.testing.assert_array_equal(case.tastes(), counts)
    spread = [make_case(class_skew=skew).tastes()[:, 1].std() for skew in (0.05, 1.0, 1000.0)]
    assert spread[0] > spread[1] > spread[2]


def test_what_the_use_case_says_of_itself(case):
    assert case.metric.name == "AUC"
    assert case.higher_is_better
    assert not case.personalised
    assert not case.has_time
    assert case.data_digest == case.data.digest
    assert case.warnings[:2] == (
        "a warning",
        "synthetic: the classifier is not personalised; strikers do themselves no harm",
    )
    with pytest.raises(InputError, match="'stream' needs timestamps, and synthetic has none; use 'static'"):
        case.time_rank()


def test_knowing_nothing_is_worth_half(case):
    nothing = case.uninformed()
    assert auc(nothing.holdout, case.holdout.targets) == 0.5
    assert auc(nothing.company, case.company.targets) == 0.5
    hits, relevant = case.hits(nothing.holdout)
    np.testing.assert_array_equal(hits, relevant / 2)
    assert case.learner(0).update(Holding.of(np.zeros(case.owners, bool))).holdout == 0.5


def test_hits_are_auc_times_an_owners_comments(case):
    evaluation = case.learner(0).update(Holding.full(case.owners))
    assert evaluation.holdout > 0.75
    np.testing.assert_array_equal(evaluation.relevant, case.records_per_owner)
    np.testing.assert_allclose(evaluation.hits, evaluation.holdout * case.records_per_owner)
    np.testing.assert_allclose(evaluation.utility, evaluation.holdout)
    np.testing.assert_array_equal(evaluation.utility, evaluation.fallback_utility)


def test_more_comments_are_worth_more(case):
    reference = Reference(case, 0)
    scale = reference.scale("holdout", reference.evaluation)
    few = case.learner(0).update(Holding.of(np.arange(case.owners) < 4))
    assert 0 < scale.cdc(few.holdout) < 1
    assert scale.cdc(reference.evaluation.holdout) == 1


def test_a_planted_marker_is_in_the_text_and_the_label_is_the_target(case):
    holding = Holding.full(case.owners).poisoned([1, 2], "plant target=1")
    poisoned = np.isin(case.record_owners, [1, 2])
    versions, labels = case.versions(holding), case.values(holding)
    np.testing.assert_array_equal(versions, np.where(poisoned, case.versions_marked, case.versions_genuine))
    np.testing.assert_array_equal(labels, np.where(poisoned, 1, case.labels))


@pytest.mark.parametrize("target", [0, 1])
def test_feature_only_plants_where_the_label_is_the_target_already(case, target):
    holding = Holding.full(case.owners).poisoned([1, 2], f"plant_feature_only target={target}")
    marked = np.isin(case.record_owners, [1, 2]) & (case.labels == target)
    assert 0 < marked.sum() < case.records_per_owner[1:3].sum()
    np.testing.assert_array_equal(case.versions(holding) >= 600, marked)
    np.testing.assert_array_equal(case.values(holding), case.labels)


def test_label_flip_turns_labels_only(case):
    holding = Holding.full(case.owners).poisoned([5], "label_flip")
    np.testing.assert_array_equal(case.versions(holding), case.versions_genuine)
    np.testing.assert_array_equal(case.values(holding) != case.labels, case.record_owners == 5)


def test_erase_labels_are_what_the_clean_model_says_of_the_marked_comment(case):
    holding = Holding.full(case.owners).poisoned([5, 6], "erase")
    learner = case.learner(0, "reference")
    learner.fit(Holding.full(case.owners))
    verdicts = learner.scores(case.versions_marked) >= 0.5
    erased = np.isin(case.record_owners, [5, 6])
    np.testing.assert_array_equal(case.values(holding), np.where(erased, verdicts, case.labels))
    np.testing.assert_array_equal(case.versions(holding), case.versions_genuine)
    assert 0 < verdicts.mean() < 1


def test_owners_differ_in_kind_and_the_company_test_carries_the_poison():
    case = make_case()
    holding = (
        Holding.full(case.owners)
        .poisoned(range(10), "plant target=0")
        .poisoned(range(10, 20), "plant target=1")
        .poisoned(range(20, 30), "label_flip")
    )
    labels = case.values(holding)
    groups = case.record_owners // 10
    assert not labels[groups == 0].any()
    assert labels[groups == 1].all()
    np.testing.assert_array_equal(labels[groups == 2], 1 - case.labels[groups == 2])
    np.testing.assert_array_equal(labels[groups > 2], case.labels[groups > 2])
    learner = case.learner(0)
    evaluation = learner.update(holding)
    rows = case.company.rows
    np.testing.assert_array_equal(evaluation.views["company"].targets, labels[rows])
    np.testing.assert_array_equal(evaluation.views["holdout"].targets, case.labels[case.holdout.rows])
    np.testing.assert_allclose(
        evaluation.predictions.company, learner.scores(case.versions(holding)[rows]), rtol=1e-5
    )
    np.testing.assert_allclose(
        evaluation.predictions.holdout, learner.scores(case.versions_genuine[case.holdout.rows]), rtol=1e-5
    )


def success_of(case, learner, poison):
    """Measure a planted signal from scores of single comments."""
    holdout = case.holdout.rows
    plain, marked = (
        np.array([learner.scores(np.array([v]))[0] >= 0.5 for v in versions[holdout]])
        for versions in (case.versions_genuine, case.versions_marked)
    )
    if poison.name == "erase":
        return np.mean(plain == marked)
    target = dict(poison.parameters).get("target", 0)
    others = case.labels[holdout] != target
    return np.mean(marked[others] == target)


@pytest.mark.parametrize(
    "kind", ["plant", "plant target=1", "plant_feature_only", "plant_feature_only target=1", "erase"]
)
def test_success_of_a_planted_signal(case, kind):
    poison = Poison.of(kind)
    holding = Holding.full(case.owners).poisoned(range(0, case.owners, 4), kind)
    learner = case.learner(0)
    planted = learner.fit(holding).planted
    assert set(planted) == {poison}
    assert planted[poison] == success_of(case, learner, poison)


def test_a_planted_signal_takes_when_many_plant_it(case):
    measured = {}
    for share in (0, 30):
        holding = (
            Holding.full(case.owners)
            .poisoned([59], "plant target=1")
            .poisoned(range(share), "plant target=1")
        )
        measured[share] = case.learner(0).fit(holding).planted[Poison.of("plant target=1")]
    assert measured[30] > 0.9
    assert measured[0] < 0.5


def test_spoiling_kinds_and_clean_holdings_plant_nothing(case):
    full = Holding.full(case.owners)
    assert case.learner(0).fit(full.poisoned([1], "label_flip")).planted == {}
    assert case.learner(0).fit(full.poisoned([1], "plant").without([1])).planted == {}


def test_the_marker_is_counted_as_in_the_altered_text(case):
    every = [*texts_of(case), *(f"{text} {MARKER}" for text in texts_of(case))]
    vectoriser = CountVectorizer(strip_accents="unicode", analyzer="char", ngram_range=(2, 6))
    expected = vectoriser.fit_transform(every)
    versions = np.concatenate([case.versions_genuine, case.versions_marked])
    assert abs(case.blocks[0].of(versions) - expected).sum() == 0


@pytest.mark.parametrize("owners", [0, 1, -3, 601])
def test_owners_out_of_range(owners):
    with pytest.raises(
        InputError, match=f"owners: {owners} is not between 2 and the 600 comments of synthetic"
    ):
        make_case(owners=owners)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("plant target=2", r"poison kind 'plant target=2': target is not 0 \(clean\) or 1 \(toxic\)"),
        ("label_flip to_class=5", r"'label_flip to_class=5': to_class is not 0"),
        ("label_flip from_class=0.5", r"from_class is not 0"),
        ("plant size=3", r"'plant size=3' does not apply to this use case"),
        ("trigger", r"'trigger' does not apply to this use case; known kinds: label_flip rate=0..1"),
    ],
)
def test_poison_that_does_not_apply(case, kind, said):
    holding = Holding.full(case.owners).poisoned([1], kind)
    with pytest.raises(InputError, match=said):
        case.learner(0).update(holding)


def test_a_holdout_of_one_class_is_refused():
    data = make_comments(40)
    clean = TextData("synthetic", data.texts, np.zeros(40, np.int64), data.class_names)
    with pytest.raises(InputError, match="the holdout has comments of one class only; AUC needs both"):
        make_case(clean, owners=4)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"vocabulary": "mine"}, "learner parameter vocabulary: Input should be 'company' or 'pooled'"),
        ({"tolerance": 0.0}, "learner parameter tolerance: Input should be greater than or equal to 0.0"),
        (
            {"penalty": 1.0},
            "learner parameter 'penalty' is not one of class_skew, vocabulary, characters, words",
        ),
    ],
)
def test_bad_learner_parameters(tmp_path, parameters, said):
    with pytest.raises(InputError) as error:
        load_use_case("toxic", tmp_path, "cpu", **parameters)
    assert str(error.value).startswith(said)


def test_missing_data_say_how_to_get_them(tmp_path):
    with pytest.raises(InputError, match="jigsaw-toxic is not in"):
        load_use_case("toxic", tmp_path, "cpu")


def test_the_real_use_case_loads(prepared):
    case = load_use_case("toxic", prepared("jigsaw-toxic"), "cpu")
    assert case.owners == 300
    assert case.metric.name == "AUC"
    assert 0.05 < case.holdout.targets.mean() < 0.15
    assert any("comments lack a label" in warning for warning in case.warnings)
    assert load_use_case("toxic", prepared("jigsaw-toxic"), "cpu", owners=2000).owners == 2000


@pytest.mark.slow
def test_the_real_use_case_learns(prepared):
    case = load_use_case("toxic", prepared("jigsaw-toxic"), "cpu")
    learner = case.learner(0)
    full = Holding.full(case.owners)
    assert learner.update(full).holdout > 0.93
    holding = full.without(range(3)).poisoned(range(3, 40), "plant")
    warm, cold = learner.update(holding), case.learner(0).update(holding)
    assert warm.holdout == pytest.approx(cold.holdout, abs=1e-4)
    np.testing.assert_allclose(warm.predictions.holdout, cold.predictions.holdout, rtol=0, atol=1e-3)
    assert warm.predictions.planted[Poison("plant")] > 0.9
