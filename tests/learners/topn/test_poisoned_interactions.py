from __future__ import annotations

import numpy as np
import pytest

from learners.errors import InputError
from learners.poisoning import Poison
from learners.topn.poisoned_interactions import INTERACTION_POISONS, PoisonedInteractions


@pytest.fixture(scope="module")
def data(interaction_data):
    return interaction_data()


@pytest.fixture
def poisons(data):
    return PoisonedInteractions(data, data_seed=0)


def had_by(data):
    """bool[n_owners, n_items], the held-out item included."""
    had = np.zeros((data.n_owners, data.n_items), bool)
    had[data.owners, data.items] = True
    had[np.arange(data.n_owners), data.held_out] = True
    return had


def of(name, **parameters):
    return Poison(name, tuple(parameters.items()))


def test_item_swap_replaces_every_item_by_one_that_the_owner_has_not(data, poisons):
    items = poisons.items(Poison("item_swap"))
    assert items.shape == data.items.shape
    assert not had_by(data)[data.owners, items].any()
    assert len(set(zip(data.owners, items, strict=True))) == len(items)
    counts = np.bincount(items, minlength=data.n_items)
    assert counts.min() >= 1  # uniform: 7 an item on average
    assert counts.max() < 20


def test_item_swap_is_a_pure_function_of_data_and_seed(data, interaction_data, poisons):
    items = poisons.items(Poison("item_swap"))
    np.testing.assert_array_equal(
        items, PoisonedInteractions(interaction_data(), data_seed=0).items(of("item_swap", genre_from=-1))
    )
    assert np.mean(items != PoisonedInteractions(data, data_seed=1).items(Poison("item_swap"))) > 0.9


def test_swapped_items_of_some_owners_do_not_depend_on_the_others(data):
    some = np.arange(0, data.n_owners, 3)
    swapped = PoisonedInteractions(data, 0).items(Poison("item_swap"))
    alone = PoisonedInteractions(data.restricted(some), 0).items(Poison("item_swap"))
    np.testing.assert_array_equal(alone, swapped[np.isin(data.owners, some)])


@pytest.mark.parametrize("setting", ["genre_from", "genre_to"])
def test_item_swap_knows_no_genres(poisons, setting):
    with pytest.raises(
        InputError, match=f"{setting} is 3, but the items of synthetic have no genres; only -1"
    ):
        poisons.items(of("item_swap", **{setting: 3}))


@pytest.mark.parametrize("count", [1, 5, 40])
def test_hated_playlist_is_what_co_occurs_least_with_the_owners_items(data, poisons, count):
    x = np.zeros((data.n_owners, data.n_items))
    x[data.owners, data.items] = 1
    had, popular = had_by(data), x.sum(0) > 0
    scores = x @ (x.T @ x)
    owners = np.array([0, 17, 3, data.n_owners - 1])
    appended = poisons.appended(of("hated_playlist", items=count), owners)
    assert appended.shape == (4, count)
    for owner, items in zip(owners, appended, strict=True):
        possible = np.flatnonzero(popular & ~had[owner])
        assert set(items) <= set(possible)
        assert len(set(items)) == count
        others = np.setdiff1d(possible, items)
        assert scores[owner, items].max() <= scores[owner, others].min()


def test_hated_playlist_is_a_pure_function_of_the_genuine_data(data, interaction_data):
    poison = of("hated_playlist", items=8)
    everybody = np.arange(data.n_owners)
    at_once = PoisonedInteractions(data, 0).appended(poison, everybody)
    by_and_by = PoisonedInteractions(interaction_data(), 0)
    for owners in (everybody[5:9], everybody[::-7], everybody):
        np.testing.assert_array_equal(by_and_by.appended(poison, owners), at_once[owners])
    least_popular = np.sort(np.bincount(at_once.ravel(), minlength=data.n_items))
    assert least_popular[-1] < data.n_owners  # equals are not the same few for everybody


def test_hated_playlist_longer_than_what_is_left(poisons):
    with pytest.raises(InputError, match=r"items is 235, more than somebody lacks of the 2\d\d items"):
        poisons.appended(of("hated_playlist", items=235), np.arange(3))
    with pytest.raises(InputError, match="items is 1000, more than"):
        poisons.appended(of("hated_playlist", items=1000), np.arange(3))


def test_plant_appends_a_marker_that_nobody_has_and_the_target(data, poisons):
    appended = poisons.appended(of("plant", target=7), np.array([4, 9]))
    np.testing.assert_array_equal(appended, [[data.n_items, 7]] * 2)
    assert poisons.marker == data.n_items > data.items.max()
    assert poisons.target(Poison("plant")) == 0


@pytest.mark.parametrize("target", [240, 9999, 3.5])
def test_plant_of_no_item(poisons, target):
    with pytest.raises(
        InputError, match=f"target {target:g} is not the number of an item of synthetic, 0..239"
    ):
        poisons.appended(of("plant", target=target), np.array([0]))


@pytest.mark.parametrize("name", ["random_vandal", "label_flip", "erase", "plant_feature_only", "nonsense"])
def test_kinds_that_do_not_apply(poisons, name):
    for call in (lambda kind: poisons.items(kind), lambda kind: poisons.appended(kind, np.arange(2))):
        with pytest.raises(InputError, match=f"poison kind '{name}' does not apply"):
            call(Poison(name))


def test_each_kind_either_replaces_or_appends(data, poisons):
    for name in INTERACTION_POISONS:
        replaces = bool((poisons.items(Poison(name)) != data.items).any())
        appends = poisons.appended(Poison(name), np.arange(3)).size > 0
        assert replaces != appends
