from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learners.datasets import catalogue
from learners.errors import InputError
from learners.holdings import Holding
from learners.images import LEVELS, ImageParameters, ImageUseCase, convolution_features
from learners.poisoning import Poison
from learners.usecase import load_use_case


def make(owners=60, device="cpu", **parameters):
    return load_use_case("digits", device=device, owners=owners, **{"filters": 4, **parameters})


def sorted_rows(features, labels):
    """Return images as (features, label), in an order that does not depend on where they came from."""
    rows = np.column_stack([features.numpy(), labels])
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize(
    ("owners", "class_skew"), [(2, 0.5), (7, 0.01), (300, 0.5), (300, 1000.0), (1797, 0.1)]
)
def test_shards_are_of_one_size_and_hold_every_image_once_with_its_label(owners, class_skew):
    case, data = make(owners, class_skew=class_skew), catalogue.load("digits")
    assert case.records_per_owner.sum() == len(case.labels) == 1797
    assert case.records_per_owner.max() - case.records_per_owner.min() <= 1
    assert np.all(np.diff(case.record_owners) >= 0)
    expected = sorted_rows(convolution_features(data.images, 4, "cpu"), data.labels)
    assert len(np.unique(expected, axis=0)) > 1700  # or images could be swapped unseen
    np.testing.assert_array_equal(sorted_rows(case.features, case.labels), expected)


def test_class_skew_makes_owners_one_sided():
    def one_sidedness(class_skew):
        """Mean distance in total variation of an owner's class mix from everybody's."""
        case = make(100, class_skew=class_skew)
        mix = case.tastes() / case.tastes().sum(1, keepdims=True)
        return np.abs(mix - np.bincount(case.labels) / 1797).sum(1).mean() / 2

    measured = [one_sidedness(skew) for skew in (0.02, 0.2, 1.0, 5.0, 1000.0)]
    assert np.all(np.diff(measured) < 0)
    assert measured[0] > 0.6
    assert measured[-1] < 0.3  # 18 images of ten classes are uneven by chance alone


def test_shards_are_the_same_every_time_and_tastes_count_them():
    one, other = make(), make()
    np.testing.assert_array_equal(one.record_owners, other.record_owners)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.split, other.split)
    assert torch.equal(one.features, other.features)
    counts = [np.bincount(one.labels[one.record_owners == u], minlength=10) for u in range(one.owners)]
    np.testing.assert_array_equal(one.tastes(), counts)


@pytest.mark.parametrize("subset", ["all", "one class", "one record", "company"])
def test_uninformed_accuracy_is_one_in_n_classes_on_any_subset(digits, subset):
    test = digits.company if subset == "company" else digits.holdout
    predicted = getattr(digits.uninformed(), "company" if subset == "company" else "holdout")
    chosen = np.ones(len(test.rows), bool)
    if subset == "one class":
        chosen = test.targets == 7
    elif subset == "one record":
        chosen[1:] = False
    assert digits.quality(predicted, test.targets, chosen) == pytest.approx(0.1, rel=1e-13)


def test_quality_of_nothing_is_undefined(digits):
    nothing = np.zeros(len(digits.holdout.rows), bool)
    assert np.isnan(digits.quality(digits.uninformed().holdout, digits.holdout.targets, nothing))


def test_hits_are_the_expected_right_answers_on_each_owners_class_mix(digits):
    predicted = digits.learner(0).fit(Holding.of(np.arange(digits.owners) < 6)).holdout
    targets = digits.holdout.targets
    recall = [np.mean(predicted.argmax(1)[targets == c] == c) for c in range(10)]
    assert len(set(recall)) > 5
    hits, relevant = digits.hits(predicted)
    np.testing.assert_array_equal(relevant, digits.records_per_owner)
    expected = [
        np.mean([recall[c] for c in digits.labels[digits.record_owners == u]]) for u in range(digits.owners)
    ]
    np.testing.assert_allclose(hits / relevant, expected)
    assert hits.sum() == pytest.approx(np.bincount(digits.labels) @ recall)
    # Everybody together is served at the accuracy of the whole mix, near the holdout's.
    assert hits.sum() / relevant.sum() == pytest.approx(
        np.mean(predicted[np.arange(len(targets)), targets]), abs=0.02
    )


def test_hits_of_guessing(digits):
    hits, relevant = digits.hits(digits.uninformed().holdout)
    np.testing.assert_allclose(hits, relevant / 10)


def test_features_are_whole_numbers_that_use_the_whole_range():
    data = catalogue.load("digits")
    features = convolution_features(data.images, 8, "cpu")
    assert features.dtype == torch.float64
    assert len(features) == 1797
    assert torch.equal(features, features.round())
    assert features.min() == 0
    assert features.max() == LEVELS
    assert torch.equal(features[:, -1], torch.full((1797,), float(LEVELS), dtype=torch.float64))
    assert torch.equal(features, convolution_features(data.images, 8, "cpu"))
    # An image's features do not depend on the rest but for the common stretch to the whole range.
    part = convolution_features(data.images[:900], 8, "cpu")
    fit = (part * features[:900]).sum(0) / part.square().sum(0).clamp(min=1)
    assert (features[:900] - fit * part).abs().max() <= 2


def test_digits_are_learnt():
    case = load_use_case("digits", device="cpu")
    assert case.learner(0).update(Holding.full(case.owners)).holdout > 0.97


KINDS = ("label_flip", Poison("label_flip", (("rate", 0.4),)))
SMALL = make(owners=24)
FEW = st.lists(st.integers(0, SMALL.owners - 1), max_size=10)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), FEW),
        st.tuples(st.just("leave"), FEW),
        st.tuples(st.just("poison"), FEW, st.sampled_from(KINDS)),
        st.tuples(st.just("clean"), FEW),
        st.tuples(st.just("nobody")),
    ),
    min_size=1,
    max_size=8,
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
        case ("nobody",):
            codes[:] = 0
    return Holding(codes, holding.poisons)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_ridge_after_any_history_is_exactly_the_ridge_of_the_final_holding(steps):
    learner = SMALL.learner(0)
    holding = Holding.full(SMALL.owners).without(range(0, SMALL.owners, 5))
    learner.update(holding)
    for step in steps:
        holding = moved(holding, step)
        learner.update(holding)
    evaluation, fresh = learner.update(holding), SMALL.learner(0)
    expected = fresh.update(holding)
    np.testing.assert_array_equal(evaluation.predictions.holdout, expected.predictions.holdout)
    np.testing.assert_array_equal(evaluation.predictions.company, expected.predictions.company)
    if holding.present.any():
        assert torch.equal(learner.gram, fresh.gram)
        assert torch.equal(learner.moment, fresh.moment)
    else:
        assert evaluation.holdout == pytest.approx(0.1)


def test_ridge_sums_are_those_of_the_training_images(digits):
    holding = Holding.full(digits.owners).without([1, 2]).poisoned([5, 6], "label_flip")
    learner = digits.learner(0)
    learner.fit(Holding.full(digits.owners))
    learner.fit(holding)
    rows = digits.training_mask(holding)
    features = digits.features[torch.from_numpy(rows)].numpy()
    np.testing.assert_array_equal(learner.gram.numpy(), features.T @ features)
    np.testing.assert_array_equal(
        learner.moment.numpy(), features.T @ np.eye(10)[digits.values(holding)[rows]]
    )


def test_ridge_weights_solve_the_penalised_normal_equations(digits):
    learner = digits.learner(0)
    predictions = learner.fit(Holding.full(digits.owners))
    gram, moment = learner.gram.numpy(), learner.moment.numpy()
    weights = np.linalg.solve(gram + 1e-3 * np.diag(gram).mean() * np.eye(len(gram)), moment)
    scores = digits.features[torch.from_numpy(digits.holdout.rows)].numpy() @ weights
    np.testing.assert_array_equal(predictions.holdout, np.eye(10)[scores.argmax(1)])


def test_ridge_forks_do_not_see_each_other(digits):
    full = Holding.full(digits.owners)
    learner = digits.learner(0)
    learner.update(full)
    fork = learner.fork()
    few = fork.update(full.without(range(50)))
    before = learner.gram.clone()
    assert not torch.equal(fork.gram, before)
    fork.update(full.without(range(51)))
    assert torch.equal(learner.gram, before)
    learner.update(full.without(range(10)))
    again = fork.update(full.without(range(49)))
    assert few.holdout == digits.learner(0).update(full.without(range(50))).holdout
    assert again.holdout == digits.learner(0).update(full.without(range(49))).holdout


def test_ridge_of_one_owner(digits):
    evaluation = digits.learner(0).update(Holding.of(np.arange(digits.owners) == 7))
    assert 0 < evaluation.holdout < 0.9
    assert evaluation.predictions.holdout.sum(1).tolist() == [1] * len(digits.holdout.rows)


@pytest.mark.parametrize("owners", [0, 1, -3, 1798])
def test_owners_out_of_range(owners):
    data = catalogue.load("digits")
    with pytest.raises(InputError, match=f"owners: {owners} is not between 2 and the 1797 images of digits"):
        ImageUseCase("digits", data, "cpu", "live", owners, ImageParameters())


def test_images_have_no_time(digits):
    assert not digits.has_time
    with pytest.raises(InputError, match="'stream' needs timestamps, and digits has none; use 'static'"):
        digits.time_rank()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_ridge_on_cuda_agrees_with_cpu():
    cpu, cuda = make(device="cpu"), make(device="cuda")
    assert torch.equal(cuda.features.cpu(), cpu.features)
    full = Holding.full(cpu.owners)
    path = (full, full.without([1, 2, 3]), full.poisoned([4], "label_flip"))
    learners = [case.learner(0) for case in (cpu, cuda)]
    for holding in path:
        one, other = (learner.update(holding) for learner in learners)
        assert torch.equal(learners[1].gram.cpu(), learners[0].gram)
        assert torch.equal(learners[1].moment.cpu(), learners[0].moment)
        assert one.holdout == pytest.approx(other.holdout, abs=0.01)
