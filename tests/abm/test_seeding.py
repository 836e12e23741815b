"""Who acts from the start."""

import numpy as np
import pytest

from abm.networks.lattices import ring, star
from abm.networks.network import Network
from abm.seeding import SeedParameters, seed_users
from learners.errors import InputError


@pytest.fixture
def wheel():
    """Twenty users around a ring."""
    return Network.from_edges(*ring(20, 4), 20)


def drawn(kind, network, seed=1, **settings):
    return seed_users(kind, network, np.random.default_rng(seed), **settings)


def test_nobody_by_default(wheel):
    assert SeedParameters().drawn(wheel, np.random.default_rng(1)).size == 0


@pytest.mark.parametrize(
    ("settings", "number"), [({"number": 7}, 7), ({"share": 0.25}, 5), ({"share": 0.25, "number": 7}, 5)]
)
def test_by_lot(wheel, settings, number):
    rows = [drawn("random", wheel, seed, **settings) for seed in (1, 1, 2)]
    assert all(len(set(row.tolist())) == number for row in rows)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])
    assert (np.diff(rows[0]) > 0).all()


def test_a_user_and_all_neighbours(wheel):
    for seed in range(5):
        rows = drawn("neighbourhood", wheel, seed)
        assert any(set(rows.tolist()) == {(u + d) % 20 for d in range(-2, 3)} for u in range(20))


def test_those_with_most_ties():
    network = Network.from_edges(*star(30, 3), 30)
    np.testing.assert_array_equal(drawn("highest_degree", network, number=3), [0, 1, 2])
    fourth = {drawn("highest_degree", network, seed, number=4)[-1] for seed in range(30)}
    assert len(fourth) > 10  # equals by lot


def test_those_listed(wheel):
    np.testing.assert_array_equal(drawn("given", wheel, users=[7, 3, 7]), [3, 7])


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("given", {"users": [20]}, r"^seeds\.users: must be user numbers in 0\.\.19$"),
        ("given", {"users": [-1]}, r"^seeds\.users: must be user numbers in 0\.\.19$"),
        ("random", {"number": 21}, r"^seeds\.number: 21 users are wanted, but there are 20$"),
    ],
)
def test_users_who_are_not_there(wheel, kind, settings, message):
    with pytest.raises(InputError, match=message):
        drawn(kind, wheel, **settings)
