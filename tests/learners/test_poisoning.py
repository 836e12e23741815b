from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from learners.errors import InputError
from learners.holdings import Holding
from learners.poisoning import (
    Poison,
    extreme_vandal,
    label_flip,
    poisoned_labels,
    poisoned_ratings,
    random_vandal,
)

SCALE = (1.0, 2.0, 3.0, 4.0, 5.0)
HALVES = tuple(np.arange(1, 11) / 2)
N = 20_000


def records(n=N):
    """Skewed ratings of n records with ids that are not 0..n-1."""
    number = np.arange(n)
    ratings = np.array([5, 5, 4, 4, 4, 3, 3, 2, 1, 1], np.float32)[number % 10]
    return ratings, number // 100 * 7 + 3, number % 100 * 11 + 1


@pytest.mark.parametrize("scale", [SCALE, HALVES])
def test_random_vandal_is_uniform_on_the_scale_whatever_the_rating_was(scale):
    ratings, owners, items = records()
    drawn = random_vandal(ratings, owners, items, scale, 0)
    assert drawn.dtype == np.float32
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == list(scale)
    assert chisquare(counts).pvalue > 1e-3
    table = [[np.sum((ratings == r) & (drawn == d)) for d in scale] for r in SCALE]
    assert chi2_contingency(table).pvalue > 1e-3


def test_extreme_vandal_turns_disliked_to_highest_and_the_others_to_lowest():
    ratings = np.array([0.5, 1, 2, 2.5, 3, 3.5, 4, 5], np.float32)
    drawn = extreme_vandal(ratings, np.arange(8), np.arange(8), HALVES, 0)
    assert drawn.tolist() == [5, 5, 5, 5, 0.5, 0.5, 0.5, 0.5]
    assert drawn.dtype == np.float32
    assert extreme_vandal(ratings, np.arange(8), np.arange(8), SCALE, 0).tolist() == [5] * 4 + [1] * 4


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_label_flip_never_keeps_a_label_and_hits_the_others_alike(n_classes):
    labels = np.arange(N) % n_classes
    flipped = label_flip(labels, np.arange(N) * 5 + 2, n_classes, 0)
    assert not np.any(flipped == labels)
    assert np.unique(flipped).tolist() == list(range(n_classes))
    if n_classes > 2:
        shifts = np.bincount((flipped - labels) % n_classes, minlength=n_classes)[1:]
        assert chisquare(shifts).pvalue > 1e-3


def test_label_flip_at_a_rate():
    labels, ids = np.arange(N) % 10, np.arange(N)
    np.testing.assert_array_equal(label_flip(labels, ids, 10, 0, rate=0.0), labels)
    some = label_flip(labels, ids, 10, 0, rate=0.3) != labels
    assert abs(some.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / N)
    more = label_flip(labels, ids, 10, 0, rate=0.6) != labels
    assert np.all(more[some])  # who flips at a low rate flips at a higher one


def test_a_poison_is_a_pure_function_of_each_record():
    ratings, owners, items = records()
    some = np.flatnonzero(owners % 3 == 0)[::-1]
    whole = random_vandal(ratings, owners, items, SCALE, 0)
    np.testing.assert_array_equal(random_vandal(ratings, owners, items, SCALE, 0), whole)
    np.testing.assert_array_equal(
        random_vandal(ratings[some], owners[some], items[some], SCALE, 0), whole[some]
    )
    assert not np.array_equal(random_vandal(ratings, owners, items, SCALE, 1), whole)
    labels, ids = np.arange(N) % 10, np.arange(N) + 4
    flipped = label_flip(labels, ids, 10, 0, 0.5)
    np.testing.assert_array_equal(label_flip(labels[some], ids[some], 10, 0, 0.5), flipped[some])


PROGRAM = """
import hashlib, numpy as np
from learners.poisoning import label_flip, random_vandal
n = np.arange(5000)
ratings = random_vandal((n % 5 + 1).astype(np.float32), n // 9, n * 3, (1.0, 2.0, 3.0, 4.0, 5.0), 0)
print(hashlib.sha256(ratings.tobytes() + label_flip(n % 10, n, 10, 0, 0.5).tobytes()).hexdigest())
"""


def test_a_poison_is_the_same_in_another_process():
    n = np.arange(5000)
    ratings = random_vandal((n % 5 + 1).astype(np.float32), n // 9, n * 3, SCALE, 0)
    here = hashlib.sha256(ratings.tobytes() + label_flip(n % 10, n, 10, 0, 0.5).tobytes()).hexdigest()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "4242"}
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment
    )
    assert there.stdout.strip() == here


def test_unknown_kinds_and_parameters_are_input_errors_that_name_the_known():
    ratings, owners, items = records(10)
    for poison in (Poison("label_flip"), Poison("nonsense"), Poison("random_vandal", (("rate", 0.5),))):
        with pytest.raises(InputError, match="known kinds: random_vandal; extreme_vandal") as error:
            poisoned_ratings(poison, ratings, owners, items, SCALE, 0)
        assert poison.name in str(error.value)
    labels = np.arange(10)
    for poison in (
        Poison("random_vandal"),
        Poison("label_flip", (("share", 0.5),)),
        Poison("label_flip", (("rate", 1.5),)),
        Poison("label_flip", (("rate", -0.1),)),
    ):
        with pytest.raises(InputError, match=r"known kinds: label_flip rate=0\.\.1"):
            poisoned_labels(poison, labels, labels, 10, 0)


def test_use_case_refuses_a_kind_that_is_not_its_own(either):
    with pytest.raises(InputError, match="known kinds"):
        either.values(Holding.full(either.owners).poisoned([0], "nonsense"))


def test_values_change_for_poisoners_alone_and_are_the_same_at_both_companies(either):
    kind = either.poison_kinds[0]
    poisoners = np.arange(0, either.owners, 4)
    theirs = np.isin(either.record_owners, poisoners)
    large = either.values(Holding.full(either.owners).poisoned(poisoners, kind))
    np.testing.assert_array_equal(large[~theirs], either.genuine_values[~theirs])
    assert np.mean(large[theirs] != either.genuine_values[theirs]) > 0.5
    mask = np.zeros(either.owners, bool)
    mask[poisoners[:3]] = True
    small = either.values(Holding.of(mask).poisoned(poisoners, kind))
    held = mask[either.record_owners]
    np.testing.assert_array_equal(small[held], large[held])


def test_kinds_of_several_owners_do_not_mix(ratings):
    holding = (
        Holding.full(ratings.owners).poisoned([0, 1], "random_vandal").poisoned([1, 2], "extreme_vandal")
    )
    values = ratings.values(holding)
    for owner, kind in ((0, "random_vandal"), (1, "extreme_vandal"), (2, "extreme_vandal")):
        own = ratings.record_owners == owner
        alone = ratings.values(Holding.full(ratings.owners).poisoned([owner], kind))
        np.testing.assert_array_equal(values[own], alone[own])


def test_label_flip_at_a_rate_through_a_holding(digits):
    flip = Poison("label_flip", (("rate", 0.25),))
    values = digits.values(Holding.full(digits.owners).poisoned(range(digits.owners), flip))
    assert np.mean(values != digits.genuine_values) == pytest.approx(0.25, abs=0.05)


def test_a_rater_poisons_alike_in_a_smaller_sample(rating_data, rating_case):
    data = rating_data()
    chosen = np.arange(0, data.n_owners, 3)
    whole, part = rating_case(data), rating_case(data.restricted(chosen))
    everybody = Holding.full(whole.owners).poisoned(range(whole.owners), "random_vandal")
    sample = Holding.full(part.owners).poisoned(range(part.owners), "random_vandal")
    kept = np.isin(data.owners, chosen)
    np.testing.assert_array_equal(part.values(sample), whole.values(everybody)[kept])


def test_company_test_records_carry_the_poison_and_the_holdout_stays_genuine(either):
    kind = either.poison_kinds[0]
    poisoners = np.arange(0, either.owners, 3)
    holding = Holding.full(either.owners).poisoned(poisoners, kind)
    evaluation = either.learner(0).update(holding)
    np.testing.assert_array_equal(
        evaluation.views["holdout"].targets, either.genuine_values[either.holdout.rows]
    )
    expected = either.values(holding)[either.company.rows]
    assert np.any(expected != either.company.targets)
    np.testing.assert_array_equal(evaluation.views["company"].targets, expected)
    predicted = evaluation.predictions.company
    assert evaluation.company == either.metric.of(predicted, expected)
    # The model was trained on falsified values: with the genuine ones as targets it would look otherwise.
    assert evaluation.company != either.metric.of(predicted, either.company.targets)


@pytest.mark.parametrize(
    ("text", "poison"),
    [
        ("erase", Poison("erase")),
        ("plant target=3", Poison("plant", (("target", 3.0),))),
        ("label_flip rate=0.5 from_class=1", Poison("label_flip", (("rate", 0.5), ("from_class", 1.0)))),
    ],
)
def test_a_poison_is_written_as_a_name_and_settings(text, poison):
    assert Poison.of(text) == poison
    assert str(poison) == text


@pytest.mark.parametrize("text", ["plant target", "plant target=x", "plant target=1=2"])
def test_a_poison_that_cannot_be_read_is_named(text):
    with pytest.raises(InputError, match=f"poison kind '{text}' is not a name, then settings"):
        Poison.of(text)


def test_settings_are_filled_in_and_kept_within_bounds():
    kinds = ("label_flip", "trigger")
    assert Poison.of("trigger size=4").settings(kinds) == {"target": 0, "size": 4}
    for text in ("trigger size=0", "trigger colour=1", "plant", "label_flip rate=1.5"):
        with pytest.raises(InputError, match=f"poison kind '{text}' does not apply") as error:
            Poison.of(text).settings(kinds)
        assert "label_flip rate=0..1" in str(error.value)
        assert "\n" not in str(error.value)


def test_labels_flip_from_one_class_to_another_only():
    labels = np.arange(N) % 4
    flipped = poisoned_labels(
        Poison.of("label_flip from_class=1 to_class=3"), labels, np.arange(N), n_classes=4, data_seed=0
    )
    np.testing.assert_array_equal(flipped, np.where(labels == 1, 3, labels))


def test_planted_labels():
    labels = np.arange(12) % 4
    for text, expected in (
        ("trigger target=2", np.full(12, 2)),
        ("plant target=1", np.full(12, 1)),
        ("plant_feature_only target=1", labels),
    ):
        np.testing.assert_array_equal(poisoned_labels(Poison.of(text), labels, labels, 4, 0), expected)
