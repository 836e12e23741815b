import numpy as np
import pytest

from abm.networks.lattices import ring
from abm.networks.network import Network
from abm.networks.redrawing import degree_preserving_rewiring, matched_stubs
from abm.networks.ties import pair_number


def rewired(ties, probability, seed=1):
    return degree_preserving_rewiring(ties, probability, np.random.default_rng(seed))


@pytest.mark.parametrize("probability", [0.0, 0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("degree", [2, 4, 10])
def test_every_degree_stays_and_ties_move_with_the_probability(degree, probability):
    n_users = 1000
    ties = ring(n_users, degree)
    after = rewired(ties, probability)
    network = Network.from_edges(*after, n_users)  # refuses loops and double ties
    np.testing.assert_array_equal(network.degree, degree)
    moved = ~np.isin(pair_number(*after, n_users), pair_number(*ties, n_users))
    sd = np.sqrt(probability * (1 - probability) / len(moved))
    # A tie left without a partner takes an unpicked one with it; few exchanges rebuild a tie of the ring.
    assert moved.mean() == pytest.approx(probability, abs=4 * sd + 0.012)


def test_the_ties_given_stay_as_they_are():
    ties = ring(50, 4)
    before = [end.copy() for end in ties]
    rewired(ties, 1.0)
    np.testing.assert_array_equal(ties, before)


def test_unequal_degrees_stay():
    rng = np.random.default_rng(0)
    hubs = np.repeat([0, 1, 2], 60)
    ties = np.r_[hubs, np.arange(3, 180)], np.r_[np.tile(np.arange(3, 63), 3), np.arange(4, 181)]
    after = degree_preserving_rewiring(ties, 1.0, rng)
    np.testing.assert_array_equal(np.bincount(np.r_[ties]), np.bincount(np.r_[after]))
    Network.from_edges(*after, 181)


@pytest.mark.parametrize("n_users", [3, 4, 5])
def test_a_complete_network_has_nothing_to_exchange(n_users):
    ties = np.triu_indices(n_users, 1)
    np.testing.assert_array_equal(rewired(ties, 1.0), ties)


def test_no_ties():
    src, dst = rewired((np.empty(0, int), np.empty(0, int)), 1.0)
    assert len(src) == len(dst) == 0


def spread(network, threshold, rng):
    """Share reached from a user and the user's neighbours, and the ticks it took."""
    active = np.zeros(network.n_users, bool)
    user = rng.integers(network.n_users)
    active[[user, *network.neighbours(user)]] = True
    ticks = 0
    while ((after := active | (network.neighbour_counts(active) >= threshold)) != active).any():
        active, ticks = after, ticks + 1
    return active.mean(), ticks


def mean_spread(degree, threshold, probability, runs=20):
    found = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        ties = degree_preserving_rewiring(ring(1000, degree), probability, rng)
        found.append(spread(Network.from_edges(*ties, 1000), threshold, rng))
    return np.mean(found, axis=0)


def test_rewiring_speeds_simple_contagion_and_stops_complex_contagion():
    """Centola, Macy (2007): long ties are strong for what one contact passes on, weak where it takes two."""
    local, rewired_a_tenth = mean_spread(4, 1, 0.0), mean_spread(4, 1, 0.1)
    assert local.tolist() == [1, 249]
    assert rewired_a_tenth[0] == 1
    assert rewired_a_tenth[1] < 30
    assert mean_spread(4, 2, 0.0)[0] == 1
    assert mean_spread(4, 2, 0.01)[0] == pytest.approx(0.09, abs=0.04)
    assert mean_spread(4, 2, 0.1)[0] < 0.02
    # Wide bridges survive some rewiring, and then spread faster.
    assert mean_spread(8, 2, 0.3)[0] == 1
    assert mean_spread(8, 2, 0.3)[1] < 30 < mean_spread(8, 2, 0.0)[1]


def test_stubs_are_matched_to_the_degrees():
    degrees = np.array([9, 5, 5, 4, 3, 3, 3, 2, 1, 1])
    ties = matched_stubs(degrees, np.random.default_rng(3))
    np.testing.assert_array_equal(np.bincount(np.r_[ties]), degrees)
    Network.from_edges(*ties, len(degrees))


def test_stubs_that_fit_no_network_are_given_up():
    assert matched_stubs(np.array([2, 2]), np.random.default_rng(3)) is None
