import networkx
import numpy as np
import pytest
from pydantic import ValidationError

from abm.networks.complete import CompleteNetwork
from abm.networks.network import Network
from abm.networks.statistics import network_statistics
from learners.errors import InputError


def same_graph(network, expected):
    return set(map(frozenset, network.to_networkx().edges)) == set(map(frozenset, expected.edges))


def test_ring_is_a_circulant_graph(draw):
    expected = networkx.circulant_graph(101, [1, 2, 3])
    assert same_graph(draw("ring", 101, degree=6), expected)
    assert same_graph(draw("ring", 7, degree=6), networkx.complete_graph(7))


def test_rewiring_no_tie_leaves_the_ring(draw):
    network = draw("watts_strogatz", 80, degree=4, rewire=0.0, rewiring="degree_preserving")
    assert same_graph(network, networkx.circulant_graph(80, [1, 2]))


def test_degree_preserving_small_world(draw):
    network = draw("watts_strogatz", 1000, rewire=0.5, rewiring="degree_preserving")
    np.testing.assert_array_equal(network.degree, 10)
    assert not same_graph(network, networkx.circulant_graph(1000, [1, 2, 3, 4, 5]))


@pytest.mark.parametrize("sides", [(3, 3), (4, 7), (10, 10)])
def test_lattice_is_a_torus(draw, sides):
    rows, columns = sides
    n_users = rows * columns
    torus = networkx.convert_node_labels_to_integers(
        networkx.grid_2d_graph(rows, columns, periodic=True), ordering="sorted"
    )
    assert same_graph(draw("lattice", n_users, degree=4), torus)
    moore = networkx.convert_node_labels_to_integers(
        networkx.strong_product(networkx.cycle_graph(rows), networkx.cycle_graph(columns)), ordering="sorted"
    )
    assert same_graph(draw("lattice", n_users, degree=8), moore)


@pytest.mark.parametrize("n_users", [1, 8, 22, 97])
def test_users_who_fill_no_lattice(draw, n_users):
    with pytest.raises(InputError, match=f"which {n_users} users do not fill"):
        draw("lattice", n_users)


def test_star(draw):
    assert same_graph(draw("star", 40), networkx.star_graph(39))
    with_hubs = networkx.complete_multipartite_graph(1, 1, 1, 37)
    assert same_graph(draw("star", 40, hubs=3), with_hubs)
    with pytest.raises(InputError, match=r"network\.hubs is 3; with 3 user\(s\) it can be at most 2"):
        draw("star", 3, hubs=3)


@pytest.mark.parametrize("centralisation", [0.0, 0.3, 1.0])
def test_centralised(draw, centralisation):
    network = draw("centralised", 1000, degree=6.0, hubs=4, centralisation=centralisation)
    src, dst = network.edges()
    assert len(src) == 3000
    assert (src < 4).sum() == round(centralisation * 3000)
    assert not ((src < 4) & (dst < 4)).any()
    if centralisation == 1:
        assert (network.degree[4:] <= 4).all()
        assert network.degree[:4].min() > 700


def test_centralised_that_does_not_fit(draw):
    with pytest.raises(InputError, match="needs 5000 ties of hubs with others, but only 999 pairs"):
        draw("centralised", 1000, hubs=1, centralisation=1.0)


# Complete


def written_down(n_users):
    return Network.from_edges(*np.triu_indices(n_users, 1), n_users)


@pytest.mark.parametrize("n_users", [1, 2, 3, 60])
def test_complete_network_is_what_its_ties_would_be(draw, n_users):
    network, expected = draw("complete", n_users), written_down(n_users)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 7, n_users).astype(np.int8)
    np.testing.assert_allclose(
        network.neighbour_shares(codes, 9), expected.neighbour_shares(codes, 9), rtol=1e-6
    )
    active = rng.random(n_users) < 0.4
    np.testing.assert_array_equal(network.neighbour_counts(active), expected.neighbour_counts(active))
    np.testing.assert_array_equal(network.degree, expected.degree)
    np.testing.assert_array_equal(network.neighbours(0), expected.neighbours(0))
    assert network.mean_degree == expected.mean_degree
    np.testing.assert_array_equal(network.indptr, expected.indptr)
    np.testing.assert_array_equal(network.indices, expected.indices)
    assert network.neighbour_shares(codes, 9).dtype == np.float32
    if n_users > 1:
        assert network.within_group_share(codes) == pytest.approx(expected.within_group_share(codes))


def test_complete_network_of_many_users_writes_no_ties_down(draw):
    network = draw("complete", 1_000_000)
    codes = (np.arange(1_000_000) % 4).astype(np.int8)
    shares = network.neighbour_shares(codes, 5)
    np.testing.assert_allclose(shares[0], [249_999 / 999_999, *[250_000 / 999_999] * 3, 0], rtol=1e-6)
    assert network_statistics(network, np.random.default_rng(0))["ties"] == 499_999_500_000
    with pytest.raises(InputError, match="of 1000000 users are not written down"):
        network.edges()


def test_complete_network_takes_no_homophily(draw):
    with pytest.raises(ValidationError, match="no tie that could be drawn elsewhere"):
        draw("complete", homophily={"group": "age", "strength": 0.5})


def test_complete_statistics_are_those_of_its_ties():
    rng = np.random.default_rng(0)
    groups = {"third": np.arange(30) % 3}
    closed = network_statistics(CompleteNetwork(30), rng, groups)
    measured = network_statistics(written_down(30), rng, groups)
    assert closed.keys() == measured.keys()
    for name, value in measured.items():
        if name != "homophily":
            np.testing.assert_equal(closed[name], value)
    assert closed["homophily"]["third"] == pytest.approx(measured["homophily"]["third"])
