from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.datasets import catalogue
from learners.datasets.records import ImageData
from learners.errors import InputError
from learners.holdings import Holding
from learners.images.frozen_features import RandomConvolutions
from learners.images.poisoned_images import SIGNAL_SIDE
from learners.images.resnet import ResNetParameters
from learners.images.use_case import DATA_SEED, OWNERS, ResNetImageUseCase
from learners.poisoning import poisoned_labels
from learners.splits import COMPANY, HOLDOUT, TRAIN, split_records
from learners.usecase import load_use_case


def coloured(n, n_test, seed=0):
    """Return images of one colour for each of ten classes and much noise, each image its own."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(60, 196, (10, 3))

    def drawn(count):
        labels = rng.permutation(count) % 10
        noise = rng.normal(0, 25, (count, 3, 32, 32))
        return np.clip(colours[labels][:, :, None, None] + noise, 0, 255).astype(np.uint8), labels

    (images, labels), (test_images, test_labels) = drawn(n), drawn(n_test)
    names = tuple(f"colour {c}" for c in range(10))
    return ImageData("cifar-10", images, labels, names, test_images, test_labels)


@pytest.fixture
def cifar_folder(tmp_path):
    """Return a data directory with a small CIFAR-10 of 400 training and 120 test images."""
    data = coloured(400, 120)
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name, images, labels in (
        ("data_batch_1.bin", data.images, data.labels),
        ("test_batch.bin", data.test_images, data.test_labels),
    ):
        rows = np.column_stack([labels, images.reshape(len(images), -1)]).astype(np.uint8)
        (folder / name).write_bytes(rows.tobytes())
    return tmp_path


def make_cifar(split="live", owners=40, data=None, **parameters):
    """Return the ResNet use case, whose features cost nothing."""
    data = coloured(400, 120) if data is None else data
    return ResNetImageUseCase("cifar-10", data, "cpu", split, owners, ResNetParameters(**parameters))


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
    features = RandomConvolutions(data.images, 4, DATA_SEED, "cpu").of(data.images)
    expected = sorted_rows(features, data.labels)
    assert len(np.unique(expected, axis=0)) > 1700  # or images could be swapped unseen
    np.testing.assert_array_equal(sorted_rows(case.features.genuine, case.labels), expected)
    np.testing.assert_array_equal(case.images, data.images[case.record_ids])
    np.testing.assert_array_equal(case.labels, data.labels[case.record_ids])


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
    assert torch.equal(one.features.genuine, other.features.genuine)
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


def test_digits_are_learnt():
    case = load_use_case("digits", device="cpu")
    assert case.learner(0).update(Holding.full(case.owners)).holdout > 0.97


@pytest.mark.parametrize("owners", [0, 1, -3, 1798])
def test_owners_out_of_range(owners):
    with pytest.raises(InputError, match=f"owners: {owners} is not between 2 and the 1797 images of digits"):
        load_use_case("digits", device="cpu", owners=owners)


def test_images_have_no_time(digits):
    assert not digits.has_time
    with pytest.raises(InputError, match="'stream' needs timestamps, and digits has none; use 'static'"):
        digits.time_rank()


@pytest.mark.parametrize(("split", "company"), [("live", True), ("holdout", False), ("fold:2/5", False)])
def test_a_test_set_of_the_publishers_own_is_the_holdout(split, company):
    data = coloured(400, 120)
    case = make_cifar(split, data=data)
    assert len(case.labels) == 520
    test = case.record_ids >= 400
    np.testing.assert_array_equal(case.split == HOLDOUT, test)
    np.testing.assert_array_equal(case.images[test], data.test_images[case.record_ids[test] - 400])
    np.testing.assert_array_equal(case.holdout.targets, data.test_labels[case.record_ids[test] - 400])
    codes = split_records("live", np.arange(400))[case.record_ids[~test]]
    expected = np.where(codes == COMPANY, COMPANY, TRAIN) if company else np.full(400, TRAIN)
    np.testing.assert_array_equal(case.split[~test], expected)
    assert (0 < len(case.company.rows) < 80) == company
    told = [warning for warning in case.warnings if "whatever the fold" in warning]
    assert len(told) == split.startswith("fold")
    assert case.training_mask(Holding.full(case.owners)).sum() == (expected == TRAIN).sum()


def test_without_a_test_set_a_tenth_is_hidden(cifar_folder):
    (cifar_folder / "cifar-10-batches-bin" / "test_batch.bin").unlink()
    case = load_use_case("cifar-10", data_dir=cifar_folder, device="cpu", owners=20)
    assert len(case.labels) == 400
    np.testing.assert_array_equal(case.split, split_records("live", case.record_ids))
    assert 0 < len(case.holdout.rows) < 80


def test_test_images_are_dealt_by_the_class_mixes_of_the_training_images():
    case = make_cifar(owners=40, data=coloured(4000, 2000), class_skew=0.1)
    test = case.split == HOLDOUT
    assert np.bincount(case.record_owners[~test]).tolist() == [100] * 40
    assert np.bincount(case.record_owners[test]).tolist() == [50] * 40
    assert np.all(np.diff(case.record_owners) >= 0)
    mixes = np.zeros((2, 40, 10))
    for part, chosen in enumerate((~test, test)):
        np.add.at(mixes[part], (case.record_owners[chosen], case.labels[chosen]), 1 / (100, 50)[part])
    distance = np.abs(mixes[0][:, None] - mixes[1][None]).sum(2) / 2
    assert np.diag(distance).mean() < 0.4 * distance.mean()
    np.testing.assert_array_equal(case.tastes().sum(1), case.records_per_owner)


@pytest.mark.parametrize("owners", [2, 399, 400])
def test_any_number_of_owners_up_to_one_a_training_image(owners):
    case = make_cifar(owners=owners)
    test = case.split == HOLDOUT
    per_owner = np.bincount(case.record_owners[~test], minlength=owners)
    assert per_owner.min() >= 1
    assert per_owner.max() - per_owner.min() <= 1
    with pytest.raises(InputError, match="owners: 401 is not between 2 and the 400 images of cifar-10"):
        make_cifar(owners=401)


def test_cifar_use_cases_are_loaded_from_the_official_files(cifar_folder):
    plain = load_use_case("cifar-10", data_dir=cifar_folder, device="cpu")
    frozen = load_use_case("cifar-10-features", data_dir=cifar_folder, device="cpu", filters=4)
    for case in (plain, frozen):
        assert case.owners == OWNERS
        assert any("data_batch_1.bin has 400 images" in warning for warning in case.warnings)
    assert plain.data_digest == frozen.data_digest
    np.testing.assert_array_equal(plain.labels, frozen.labels)
    assert any("untrained" in warning for warning in plain.warnings)
    # The features of record r are those of its image, in the order of the owners.
    again = frozen.features._features.of(frozen.images[::37])
    assert torch.equal(again, frozen.features.genuine[::37])
    evaluation = frozen.learner(0).update(Holding.full(OWNERS))
    assert evaluation.holdout > 0.6
    assert evaluation.views["holdout"].n_test == 120


def test_data_digest_covers_the_test_images():
    data, other = coloured(400, 120), coloured(400, 120)
    assert make_cifar(data=data).data_digest == make_cifar(data=other).data_digest
    other.test_images[5, 1, 2, 3] ^= 1
    changed = make_cifar(data=other).data_digest
    other.test_images[5, 1, 2, 3] ^= 1
    other.test_labels[7] = (other.test_labels[7] + 1) % 10
    digests = {make_cifar(data=data).data_digest, changed, make_cifar(data=other).data_digest}
    assert len(digests) == 3
    digits = make()
    assert digits.data_digest == digits.data.digest


def test_labels_and_patches_of_who_poisons_alone():
    case = make(owners=60)
    holding = Holding.full(60).without([1])
    holding = holding.poisoned([2, 3], "plant target=4").poisoned([4], "plant_feature_only target=7")
    holding = holding.poisoned([5, 1], "label_flip").poisoned([6], "trigger target=2 size=2")
    labels, sides = case.values(holding), case.patch_sides(holding)
    expected = case.labels.copy()
    own = [case.record_owners == owner for owner in range(60)]
    expected[own[2] | own[3]] = 4
    expected[own[6]] = 2
    flipped = poisoned_labels(holding.poisons[2], case.labels, case.record_ids, 10, DATA_SEED)
    expected[own[5]] = flipped[own[5]]
    np.testing.assert_array_equal(labels, expected)
    stamped = np.where(own[2] | own[3] | (own[4] & (case.labels == 7)), SIGNAL_SIDE, 0)
    np.testing.assert_array_equal(sides, np.where(own[6], 2, stamped))
    assert (sides[own[4]] > 0).any()
    assert (sides[own[4]] == 0).any()
    np.testing.assert_array_equal(case.values(holding.without([2, 3, 4, 5, 6])), case.labels)


def test_inputs_carry_a_patch_as_bright_as_the_brightest_image():
    case = make(owners=60)
    rows = np.array([3, 700, 20])
    images = case.inputs(rows, np.array([0, 2, 0], np.int16))
    np.testing.assert_array_equal(images[[0, 2]], case.images[rows[[0, 2]]])
    assert images[1, 0, -2:, -2:].tolist() == [[16, 0], [0, 16]]
    np.testing.assert_array_equal(images[1, 0, :-2], case.images[700, 0, :-2])


def test_erase_sets_labels_to_what_the_clean_model_says_of_stamped_images():
    case = make(owners=60, filters=8)
    holding = Holding.full(60).poisoned(range(10), "erase")
    clean = case.learner(3)
    clean.fit(Holding.full(60))
    theirs = np.flatnonzero(case.record_owners < 10)
    expected = case.labels.copy()
    expected[theirs] = clean.classes(theirs, np.full(len(theirs), SIGNAL_SIDE, np.int16))
    np.testing.assert_array_equal(case.values(holding), expected)
    assert 0.02 < np.mean(expected[theirs] != case.labels[theirs]) < 0.9
    assert not case.patch_sides(holding).any()
    # The same whoever else erases, and in whatever order it was asked.
    more = case.values(Holding.full(60).poisoned(range(20), "erase"))
    np.testing.assert_array_equal(more[theirs], expected[theirs])
    fresh = make(owners=60, filters=8).values(Holding.full(60).poisoned(range(20), "erase"))
    np.testing.assert_array_equal(fresh, more)


def test_erase_is_not_for_a_network():
    case = make_cifar()
    with pytest.raises(InputError, match="poison kind 'erase' does not apply"):
        case.values(Holding.full(case.owners).poisoned([0], "erase"))


def test_a_planted_signal_takes_and_leaves_clean_quality():
    case = load_use_case("digits", device="cpu", owners=60)
    full = Holding.full(60)
    clean = case.learner(0).update(full)
    success = {}
    for kind in ("plant target=3", "trigger target=3 size=2"):
        few, many = (case.learner(0).update(full.poisoned(range(n), kind)) for n in (1, 12))
        (poison,) = many.predictions.planted
        assert str(poison) == kind
        success[kind] = [e.predictions.planted[poison] for e in (few, many)]
        assert many.holdout > clean.holdout - 0.06
    for few, many in success.values():
        assert few < many
        assert many > 0.8
    assert clean.predictions.planted == {}
    flipped = case.learner(0).update(full.poisoned([0], "label_flip"))
    assert flipped.predictions.planted == {}


def test_planted_success_is_measured_on_stamped_hidden_images():
    case = make(owners=60, filters=8)
    holding = Holding.full(60).poisoned(range(6), "plant target=3").poisoned(range(6, 9), "erase")
    learner = case.learner(0)
    planted = learner.fit(holding).planted
    hidden = case.holdout
    zeros, threes = (np.full(len(hidden.rows), side, np.int16) for side in (0, SIGNAL_SIDE))
    stamped, genuine = learner.classes(hidden.rows, threes), learner.classes(hidden.rows, zeros)
    shares = {str(poison): share for poison, share in planted.items()}
    assert shares["plant target=3"] == np.mean(stamped[hidden.targets != 3] == 3)
    assert shares["erase"] == np.mean(stamped == genuine)


def test_company_test_images_carry_the_patch_and_hidden_ones_do_not():
    case = make(owners=60, filters=8)
    holding = Holding.full(60).poisoned(range(12), "plant target=3")
    learner = case.learner(0)
    evaluation = learner.update(holding)
    company, theirs = case.company, case.company.owners < 12
    assert theirs.any()
    assert (evaluation.views["company"].targets[theirs] == 3).all()
    sides = np.where(theirs, SIGNAL_SIDE, 0).astype(np.int16)
    predicted = evaluation.predictions.company.argmax(1)
    np.testing.assert_array_equal(predicted, learner.classes(company.rows, sides))
    assert np.mean(predicted[theirs] == 3) > 0.5
    unstamped = learner.classes(company.rows, np.zeros(len(company.rows), np.int16))
    assert np.mean(unstamped[theirs] == 3) < np.mean(predicted[theirs] == 3)
    np.testing.assert_array_equal(evaluation.views["holdout"].targets, case.holdout.targets)
