from __future__ import annotations

import itertools

import numpy as np
import pytest

from learners.errors import InputError
from learners.holdings import ABSENT, Holding
from learners.poisoning import Poison
from learners.splits import HOLDOUT, TRAIN
from learners.topn.candidate_lists import CandidateLists
from learners.topn.use_case import UNTESTED, _sampled, ranking_report
from learners.usecase import load_use_case

SWAP, HATED, PLANT = Poison("item_swap"), Poison("hated_playlist", (("items", 3),)), Poison("plant")


def genuine(data):
    """Return the training items of each owner as sets."""
    return [set(data.items[data.owners == owner].tolist()) for owner in range(data.n_owners)]


def as_sets(profiles):
    return [set(profiles.indices[a:b].tolist()) for a, b in itertools.pairwise(profiles.indptr)]


def test_records_are_the_training_pairs_and_last_the_held_out_one(interactions):
    data, case = interactions.data, interactions
    assert np.all(np.diff(case.record_owners) >= 0)
    np.testing.assert_array_equal(case.records_per_owner, np.bincount(data.owners) + 1)
    for owner in (0, 31, case.owners - 1):
        own = case.record_owners == owner
        np.testing.assert_array_equal(case.genuine_values[own][:-1], data.items[data.owners == owner])
        assert case.genuine_values[own][-1] == data.held_out[owner]
        assert case.split[own].tolist() == [TRAIN] * (own.sum() - 1) + [HOLDOUT]
    assert not case.training_mask(Holding.full(case.owners))[case.holdout.rows].any()


def test_holdout_and_company_test_are_one_set_of_all_owners(interactions):
    assert interactions.company is interactions.holdout
    np.testing.assert_array_equal(interactions.holdout.owners, np.arange(interactions.owners))
    np.testing.assert_array_equal(interactions.holdout.targets, interactions.data.held_out)
    np.testing.assert_array_equal(interactions.lists.items[:, 0], interactions.data.held_out)
    np.testing.assert_array_equal(interactions.lists.items[:, 1:], interactions.data.negatives)


def test_live_and_holdout_are_one_split_and_there_are_no_folds(interaction_case):
    np.testing.assert_array_equal(interaction_case().split, interaction_case(split="holdout").split)
    for split in ("fold:1/5", "dead"):
        with pytest.raises(InputError, match=f"split: '{split}' is not one of 'live', 'holdout'"):
            interaction_case(split=split)


def test_places_count_what_ranks_before():
    lots = np.array([[0.5, 0.1, 0.9, 0.3], [0.5, 0.1, 0.9, 0.3], [0.05, 0.1, 0.9, 0.3]])
    lists = CandidateLists(np.arange(3), np.zeros((3, 4), np.int32), lots)
    scores = np.array([[2, 3, 1, 2.5], [2, 2, 2, 2], [2, 2, 2, 2]])
    assert lists.places(scores).tolist() == [2, 2, 0]


def test_uninformed_ranks_by_popularity(interactions):
    data, lists = interactions.data, interactions.lists
    counts = np.bincount(data.items, minlength=data.n_items)
    predictions = interactions.uninformed()
    for row in (0, 40, 99):
        order = sorted(range(100), key=lambda k: (-counts[lists.items[row, k]], lists.lots[row, k]))
        assert predictions.holdout[row] == order.index(0)
    np.testing.assert_array_equal(predictions.company, predictions.holdout)
    np.testing.assert_array_equal(predictions.fallback, predictions.holdout)


def test_uninformed_knows_only_what_has_arrived(interactions):
    data = interactions.data
    arrived = interactions.record_owners < 40
    counts = np.bincount(data.items[data.owners < 40], minlength=data.n_items)
    expected = interactions.lists.places(counts[interactions.lists.items])
    np.testing.assert_array_equal(interactions.uninformed(arrived).holdout, expected)
    assert np.any(expected != interactions.uninformed().holdout)
    # Nothing is known: places are a lottery, which 5 in 100 win.
    lottery = interactions.uninformed(np.zeros(len(arrived), bool)).holdout
    assert np.mean(lottery) == pytest.approx(49.5, abs=4 * 29 / np.sqrt(len(lottery)))


def test_hits_are_places_among_the_first_five(interactions):
    ranks = np.arange(interactions.owners) % 9
    hits, relevant = interactions.hits(ranks)
    np.testing.assert_array_equal(hits, ranks < 5)
    assert relevant.tolist() == [1] * interactions.owners


def test_sample_of_tested_owners_is_fixed_nested_and_told(interaction_case):
    few, more, everybody = (interaction_case(test_owners=n) for n in (30, 60, "all"))
    assert set(few.holdout.owners) < set(more.holdout.owners) < set(everybody.holdout.owners)
    assert np.all(np.diff(few.holdout.owners) > 0)
    assert len(few.holdout.rows) == 30
    assert (
        "synthetic: HR@5 is measured on a fixed sample of 30 of 120 people, standard error at most .091"
        in (few.warnings)
    )
    assert everybody.warnings == interaction_case(test_owners=1000).warnings == ()
    held_out = np.setdiff1d(everybody.holdout.rows, few.holdout.rows)
    assert set(few.split[held_out]) == {UNTESTED}
    np.testing.assert_array_equal(few.records_per_owner, everybody.records_per_owner)
    full = Holding.full(few.owners)
    np.testing.assert_array_equal(few.training_mask(full), everybody.training_mask(full))
    sampled, whole = few.learner(0).update(full), everybody.learner(0).update(full)
    np.testing.assert_array_equal(sampled.predictions.holdout, whole.predictions.holdout[few.holdout.owners])
    untested = np.setdiff1d(np.arange(few.owners), few.holdout.owners)
    assert not sampled.relevant[untested].any()
    np.testing.assert_allclose(sampled.utility[untested], sampled.holdout)


def test_profiles_are_what_is_held_of_each_owner(interactions):
    data, owners = interactions.data, np.array([3, 50, 7])
    items = genuine(data)
    full = Holding.full(interactions.owners)
    assert as_sets(interactions.profiles(full, owners)) == [items[owner] for owner in owners]
    assert as_sets(interactions.profiles(full.without([50]), owners)) == [items[3], set(), items[7]]
    assert interactions.profiles(full, owners[:0]).shape == (0, data.n_items + 1)
    arrived = np.arange(len(interactions.record_owners)) % 3 > 0
    held = interactions.profiles(Holding.full(interactions.owners, arrived), owners)
    for owner, found in zip(owners, as_sets(held), strict=True):
        mine = (interactions.record_owners == owner) & arrived & (interactions.split == TRAIN)
        assert found == set(interactions.genuine_values[mine].tolist())


def test_profiles_of_poisoners(interactions):
    data = interactions.data
    items = genuine(data)
    holding = Holding.full(interactions.owners).poisoned([1], SWAP).poisoned([2], HATED).poisoned([3], PLANT)
    swapped, hated, planted, clean = as_sets(interactions.profiles(holding, np.arange(1, 5)))
    assert len(swapped) == len(items[1])
    assert not swapped & items[1]
    assert items[2] < hated
    assert len(hated) == len(items[2]) + 3
    assert planted == items[3] | {data.n_items, 0}
    assert clean == items[4]
    profiles = interactions.profiles(holding, np.arange(interactions.owners))
    assert set(profiles.data.tolist()) == {1}
    # The held-out pair stays genuine, and is in nobody's profile.
    np.testing.assert_array_equal(interactions.values(holding)[interactions.holdout.rows], data.held_out)
    assert not profiles.toarray()[np.arange(4, interactions.owners), data.held_out[4:]].any()


def test_who_has_the_target_plants_it_once(interactions):
    target = int(interactions.data.items[interactions.data.owners == 9][0])
    plant = Poison("plant", (("target", target),))
    holding = Holding.full(interactions.owners).poisoned([9], plant)
    profile = interactions.profiles(holding, np.array([9])).toarray()[0]
    assert profile.max() == 1
    assert profile.sum() == len(genuine(interactions.data)[9]) + 1


def test_values_are_swapped_where_the_holding_says_so(interactions):
    holding = Holding.full(interactions.owners).poisoned([1, 2], SWAP).poisoned([5], HATED)
    values = interactions.values(holding)
    swapped = np.isin(interactions.record_owners, [1, 2]) & (interactions.split == TRAIN)
    np.testing.assert_array_equal(values != interactions.genuine_values, swapped)
    np.testing.assert_array_equal(
        interactions.values(Holding.full(interactions.owners)), interactions.genuine_values
    )


def test_appended_items_come_and_go_with_the_records(interactions):
    nothing = Holding.full(interactions.owners, np.zeros(len(interactions.record_owners), bool))
    assert interactions.profiles(nothing.poisoned([4], PLANT), np.array([4])).nnz == 0


def test_changed_owners_are_those_in_another_state(interactions):
    full = Holding.full(interactions.owners)
    one = full.poisoned([1, 2], SWAP).poisoned([3], HATED)
    other = full.poisoned([3], HATED).poisoned([2], SWAP)  # the same kinds under other codes
    assert interactions.changed(one, other).tolist() == [1]
    assert interactions.changed(full, full.without([8, 4])).tolist() == [4, 8]
    assert interactions.changed(one, full.poisoned([1], PLANT)).tolist() == [1, 2, 3]
    assert interactions.changed(one, one).tolist() == []
    arrived = interactions.record_owners != 6
    assert interactions.changed(full, Holding.full(interactions.owners, arrived)).tolist() == [6]
    assert interactions.changed(Holding.full(interactions.owners, arrived), full).tolist() == [6]
    both = Holding.full(interactions.owners, arrived).without([6])
    assert both.codes[6] == ABSENT


def test_planted_lists_are_aimed_at_those_without_the_target(interactions):
    data, target = interactions.data, 12
    lists, profiles = interactions.planted_lists(Poison("plant", (("target", target),)))
    items = genuine(data)
    expected = [
        owner
        for owner in range(interactions.owners)
        if target not in items[owner] | {data.held_out[owner]} and target not in data.negatives[owner]
    ]
    assert lists.owners.tolist() == expected
    assert set(lists.items[:, 0]) == {target}
    np.testing.assert_array_equal(lists.items[:, 1:], data.negatives[expected])
    assert as_sets(profiles) == [items[owner] | {data.n_items} for owner in expected]


def test_report_gives_hit_rates_and_gains_of_both_lengths():
    ranks = np.array([0, 1, 4, 5, 9, 10, 50, 99.0])
    report = ranking_report(ranks)
    assert report["HR@5"] == 3 / 8
    assert report["HR@10"] == 5 / 8
    assert report["HR@5 standard error"] == pytest.approx(np.sqrt(3 / 8 * 5 / 8 / 8))
    gains = [1 / np.log2(place + 2) for place in (0, 1, 4, 5, 9)]
    assert report["NDCG@5"] == pytest.approx(sum(gains[:3]) / 8)
    assert report["NDCG@10"] == pytest.approx(sum(gains) / 8)


def test_tastes_are_the_training_pairs(interactions):
    data = interactions.data
    tastes = interactions.tastes().toarray()
    assert tastes.shape == (interactions.owners, data.n_items)
    assert [set(np.flatnonzero(row)) for row in tastes] == genuine(data)


def test_pins_have_no_time(interactions):
    assert not interactions.has_time
    with pytest.raises(InputError, match="'stream' needs timestamps, and synthetic has none; use 'static'"):
        interactions.time_rank()


def test_sample_of_people_is_nested_and_keeps_their_pins(interaction_data):
    data = interaction_data()
    few, more = _sampled(data, 30), _sampled(data, 60)
    assert set(few.owner_ids) < set(more.owner_ids) < set(data.owner_ids)
    kept = np.searchsorted(data.owner_ids, few.owner_ids)
    assert genuine(few) == [genuine(data)[owner] for owner in kept]
    np.testing.assert_array_equal(few.held_out, data.held_out[kept])
    for owners in (0, 1, 121):
        with pytest.raises(InputError, match=f"owners: {owners} is not between 2 and the 120 people"):
            _sampled(data, owners)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, interaction_data):
    """A data directory with the synthetic data in the publisher's layout."""
    path = tmp_path_factory.mktemp("data")
    data, place = interaction_data(), path / "pinterest-20"
    place.mkdir()
    train = [f"{u}\t{i}\t1\t0\n" for u, i in zip(data.owners, data.items, strict=True)]
    test = [f"{u}\t{i}\t1\t0\n" for u, i in enumerate(data.held_out)]
    (place / "pinterest-20.train.rating").write_text("".join(train))
    (place / "pinterest-20.test.rating").write_text("".join(test))
    return path


def test_use_case_loads_by_name(folder):
    case = load_use_case("pinterest-20", folder, device="cpu", owners=50, neighbours=20, test_owners=40)
    assert case.owners == 50
    assert len(case.holdout.rows) == 40
    assert case.learner(3).parameters.neighbours == 20
    assert case.poison_kinds == ("item_swap", "hated_playlist", "plant")
    assert any("the published set has 55,187" in warning for warning in case.warnings)
    assert len(case.data_digest) == 64
    assert load_use_case("pinterest-20", folder, device="cpu", neighbours="all").parameters.shrink == 1000


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"neighbours": 0}, "learner parameter neighbours"),
        ({"neighbours": "some"}, "learner parameter neighbours"),
        ({"neighbours": 2.5}, "learner parameter neighbours"),
        ({"shrink": -1.0}, "learner parameter shrink: .* greater than or equal to 0"),
        ({"weighting": "tfidf"}, "learner parameter weighting: .*'bm25' or 'none'"),
        ({"test_owners": 0}, "learner parameter test_owners"),
        ({"depth": 3}, "'depth' is not one of neighbours, shrink, weighting, test_owners"),
    ],
)
def test_parameters_out_of_bounds(folder, parameters, message):
    with pytest.raises(InputError, match=message) as error:
        load_use_case("pinterest-20", folder, device="cpu", **parameters)
    assert "\n" not in str(error.value)
