import inspect
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import networkx
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import sparse

from abm.networks.build import NetworkParameters, build_network
from abm.networks.family import Homophily
from abm.networks.given_families import Communities, Configuration
from abm.networks.network import Network
from abm.networks.random_families import (
    BarabasiAlbert,
    ErdosRenyi,
    StochasticBlock,
    TasteSimilarity,
    WattsStrogatz,
)
from abm.networks.regular_families import Centralised
from learners.errors import InputError

N_USERS = 600
FAMILIES = [
    WattsStrogatz(rewire=0.3),
    BarabasiAlbert(),
    ErdosRenyi(),
    StochasticBlock(),
    StochasticBlock(group="gender"),
    TasteSimilarity(),
    WattsStrogatz(rewire=0.3, rewiring="degree_preserving"),
    Configuration(exponent=6.0),
    Centralised(),
    Communities(),
]


def users(n_users=N_USERS):
    rng = np.random.default_rng(99)
    return {
        "groups": {
            "gender": rng.choice(["F", "M"], n_users, p=[0.28, 0.72]),
            "age": rng.integers(0, 7, n_users),
        },
        "tastes": rng.normal(size=(n_users, 20)),
    }


def build(parameters, seed=1, n_users=N_USERS, **given):
    return build_network(parameters, n_users, np.random.default_rng(seed), **(given or users(n_users)))


def with_homophily(parameters, group, strength):
    return parameters.model_copy(update={"homophily": Homophily(group=group, strength=strength)})


def same(one, other):
    return np.array_equal(one.indptr, other.indptr) and np.array_equal(one.indices, other.indices)


def assert_simple(network):
    dense = network.adjacency.toarray()
    assert set(np.unique(dense)) <= {0, 1}
    np.testing.assert_array_equal(dense, dense.T)
    assert not dense.diagonal().any()
    assert network.indptr.dtype == network.indices.dtype == np.int32
    assert network.adjacency.dtype == np.float32
    np.testing.assert_array_equal(network.degree, dense.sum(axis=1))


def complete(n_users):
    return Network.from_edges(*np.triu_indices(n_users, 1), n_users)


# The parameters


@pytest.mark.parametrize("parameters", FAMILIES, ids=repr)
def test_parameters_round_trip(parameters):
    union = TypeAdapter(NetworkParameters)
    assert union.validate_python(parameters.model_dump()) == parameters


@pytest.mark.parametrize(
    "wrong",
    [
        {"family": "hypercube"},
        {"family": "watts_strogatz", "degree": 5},
        {"family": "watts_strogatz", "rewire": 1.5},
        {"family": "barabasi_albert", "degree": 0},
        {"family": "barabasi_albert", "rewire": 0.1},
        {"family": "erdos_renyi", "homophily": {"group": "age", "strength": -0.1}},
        {"family": "stochastic_block", "blocks": 1},
    ],
    ids=repr,
)
def test_parameters_out_of_bounds(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(NetworkParameters).validate_python(wrong)


@pytest.mark.parametrize(
    "kind", list(dict.fromkeys(type(family) for family in FAMILIES)), ids=lambda kind: kind.__name__
)
def test_every_parameter_has_unit_and_source(kind):
    for field in kind.model_fields.values():
        assert field.description
        assert field.json_schema_extra.keys() == {"unit", "source"}


# What holds for every family


@pytest.mark.parametrize("strength", [None, 0.7])
@pytest.mark.parametrize("parameters", FAMILIES, ids=repr)
def test_simple_graph_of_the_degree_asked_for(parameters, strength):
    if strength is not None:
        parameters = with_homophily(parameters, "age", strength)
    network = build(parameters)
    assert network.n_users == N_USERS
    assert_simple(network)
    # 3,000 ties: five standard deviations of a random number of ties are a degree of 0.9.
    assert network.mean_degree == pytest.approx(10, abs=0.9)


@pytest.mark.parametrize("parameters", FAMILIES, ids=repr)
def test_seeds(parameters):
    parameters = with_homophily(parameters, "gender", 0.5)
    assert same(build(parameters, seed=1), build(parameters, seed=1))
    assert not same(build(parameters, seed=1), build(parameters, seed=2))


def digest():
    """Stand on its own feet, as another process runs this source."""
    import hashlib

    import numpy as np

    from abm.networks.build import build_network
    from abm.networks.random_families import BarabasiAlbert, ErdosRenyi, StochasticBlock, WattsStrogatz

    sha = hashlib.sha256()
    for kind in (WattsStrogatz, BarabasiAlbert, ErdosRenyi, StochasticBlock):
        sha.update(build_network(kind(), 500, np.random.default_rng(5)).indices.tobytes())
    return sha.hexdigest()


def test_same_graphs_in_another_process_and_another_thread():
    script = inspect.getsource(digest) + "print(digest())"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    with ThreadPoolExecutor(1) as pool:
        assert digest() == process.stdout.strip() == pool.submit(digest).result()


def test_networkit_keeps_its_thread_count():
    import networkit

    before = networkit.getMaxNumberOfThreads()
    try:
        networkit.setNumberOfThreads(2)
        build(WattsStrogatz())
        assert networkit.getMaxNumberOfThreads() == 2
    finally:
        networkit.setNumberOfThreads(before)


@pytest.mark.parametrize("n_users", [1, 2, 10])
@pytest.mark.parametrize("parameters", FAMILIES, ids=repr)
def test_too_few_users(parameters, n_users):
    most = n_users - (2 if parameters.family == "watts_strogatz" else 1)
    message = rf"network\.degree is 10; with {n_users} user\(s\) it can be at most {max(most, 0)}$"
    with pytest.raises(InputError, match=message):
        build(parameters, n_users=n_users)


@pytest.mark.parametrize(
    ("parameters", "n_users", "n_ties"),
    [
        (WattsStrogatz(degree=2), 4, 4),
        (BarabasiAlbert(degree=2), 3, 3),
        (BarabasiAlbert(degree=4), 5, 7),
        (ErdosRenyi(degree=1), 2, 1),
        (StochasticBlock(degree=3, within=0.4, blocks=2), 4, 6),
        (TasteSimilarity(degree=2, rewire=1.0), 3, 3),
    ],
    ids=repr,
)
def test_smallest_populations(parameters, n_users, n_ties):
    network = build(parameters, n_users=n_users)
    assert_simple(network)
    assert len(network.edges()[0]) == n_ties


def test_errors_name_what_is_known():
    with pytest.raises(InputError, match=r"network\.homophily\.group is 'genre'; .*: age, gender$"):
        build(with_homophily(ErdosRenyi(), "genre", 0.5))
    with pytest.raises(InputError, match=r"network\.group is 'genre'; .*: none$"):
        build(StochasticBlock(group="genre"), groups={})
    with pytest.raises(InputError, match="needs users with tastes"):
        build(TasteSimilarity(), tastes=None)
    with pytest.raises(InputError, match="age has 3 rows, but there are 600 users"):
        build(ErdosRenyi(), groups={"age": np.zeros(3, int)})


# Each family


def test_watts_strogatz_without_rewiring_is_the_ring_lattice():
    network = build(WattsStrogatz(degree=4, rewire=0.0), n_users=50)
    for user in range(50):
        expected = {(user + step) % 50 for step in (-2, -1, 1, 2)}
        assert set(network.indices[network.indptr[user] : network.indptr[user + 1]]) == expected


@pytest.mark.parametrize("rewire", [0.05, 0.3, 1.0])
def test_watts_strogatz_rewires_each_tie_with_the_probability_given(rewire):
    n_users = 4000
    network = build(WattsStrogatz(rewire=rewire), n_users=n_users)
    assert network.mean_degree == 10
    src, dst = network.edges()
    distance = np.minimum(dst - src, n_users - (dst - src))
    sd = np.sqrt(rewire * (1 - rewire) / len(src))
    # A rewired tie may land among the near neighbours again, which at most 10 in 4,000 do.
    assert (distance > 5).mean() == pytest.approx(rewire, abs=4 * sd + 0.005)


def test_barabasi_albert_degrees():
    n_users, ties_each = 4000, 5
    networks = [build(BarabasiAlbert(), seed=seed, n_users=n_users) for seed in range(4)]
    degree = np.concatenate([network.degree for network in networks])
    assert all(network.indices.size == 2 * (5 + 5 * (n_users - 5)) for network in networks)
    assert degree.min() == ties_each
    # Exact limit: P(k) = 2 m (m + 1) / (k (k + 1) (k + 2)), so P(degree >= k) = m (m + 1) / (k (k + 1)).
    for k in (6, 10, 20, 40):
        expected = ties_each * (ties_each + 1) / (k * (k + 1))
        assert (degree >= k).mean() == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("degree", [2, 4, 6])
def test_barabasi_albert_of_low_degree_starts_from_a_ring_of_three(degree):
    network = build(BarabasiAlbert(degree=degree), n_users=200)
    assert_simple(network)
    assert len(network.edges()[0]) == 3 + degree // 2 * 197


def test_erdos_renyi_degrees_are_binomial():
    degree = build(ErdosRenyi(degree=6.5), n_users=20_000).degree
    assert degree.mean() == pytest.approx(6.5, abs=0.1)
    assert degree.var() == pytest.approx(6.5, rel=0.05)
    assert same(build(ErdosRenyi(degree=39), n_users=40), complete(40))


@pytest.mark.parametrize("within", [0.125, 0.8, 1.0])
def test_stochastic_block_with_artificial_blocks(within):
    n_users = 8000
    network = build(StochasticBlock(within=within), n_users=n_users)
    assert network.mean_degree == pytest.approx(10, abs=0.25)
    block = np.arange(n_users) * 8 // n_users
    assert network.within_group_share(block) == pytest.approx(within, abs=0.01)


def test_stochastic_block_gives_every_member_the_same_degree_inside():
    n_users = 8000
    gender = users(n_users)["groups"]["gender"]
    network = build(StochasticBlock(group="gender", within=0.6), n_users=n_users)
    src, dst = network.edges()
    for label in ("F", "M"):
        inside = ((gender[src] == label) & (gender[dst] == label)).sum()
        assert 2 * inside / (gender == label).sum() == pytest.approx(6, abs=0.3)
    assert network.within_group_share(gender) == pytest.approx(0.6, abs=0.01)


def test_stochastic_block_pairs_are_equally_likely():
    block = np.repeat([0, 1, 2], [3, 5, 4])
    dense = sum(
        build(
            StochasticBlock(group="b", degree=4, within=0.4), seed=seed, n_users=12, groups={"b": block}
        ).adjacency
        for seed in range(2000)
    ).toarray()
    alike = block[:, None] == block
    # Inside, 1.6 / (size - 1); across, the other 24 - 9.6 ties over 47 pairs; 5 standard errors.
    expected = np.where(alike, 1.6 / (np.bincount(block)[block] - 1)[:, None], 14.4 / 47)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(dense / 2000, expected, atol=5 * np.sqrt(0.25 / 2000))


def test_stochastic_block_moves_the_ties_that_small_blocks_lack():
    block = np.r_[np.arange(100) // 2, np.full(300, 50)]
    network = build(StochasticBlock(group="b"), n_users=400, groups={"b": block})
    assert_simple(network)
    assert network.mean_degree == pytest.approx(10, abs=1)
    pairs = network.adjacency.toarray()[np.arange(0, 100, 2), np.arange(1, 100, 2)]
    assert pairs.all()


def test_stochastic_block_refuses_what_cannot_be_drawn():
    with pytest.raises(InputError, match="only 0 pairs"):
        build(StochasticBlock(group="one"), groups={"one": np.zeros(N_USERS, int)})
    with pytest.raises(InputError, match=r"network\.blocks is 8; 4 user"):
        build(StochasticBlock(degree=2), n_users=4)


@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_taste_similarity_links_look_alikes(layout, monkeypatch):
    monkeypatch.setattr(
        "abm.networks.random_graphs._DENSE_CELLS", 20_000
    )  # several chunks, and sparse products
    rng = np.random.default_rng(0)
    cluster = np.arange(400) % 8
    tastes = np.where(rng.random((400, 80)) < 0.3, rng.normal(size=(8, 80))[cluster], 0)
    network = build(TasteSimilarity(rewire=0.0), n_users=400, tastes=layout(tastes))
    assert network.mean_degree == 10
    assert network.degree.min() >= 5
    assert network.within_group_share(cluster) > 0.8
    half = build(TasteSimilarity(rewire=0.5), n_users=400, tastes=layout(tastes))
    assert half.mean_degree == 10
    kept = network.adjacency.multiply(half.adjacency).sum() / network.adjacency.sum()
    assert kept == pytest.approx(0.5, abs=0.06)


def test_taste_similarity_ties_nearest_neighbours_first():
    tastes = np.random.default_rng(3).normal(size=(60, 5))
    unit = tastes / np.linalg.norm(tastes, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -2)
    nearest = np.argsort(-cosine, axis=1)
    network = build(TasteSimilarity(degree=6, rewire=0.0), n_users=60, tastes=tastes)
    dense = network.adjacency.toarray()
    assert all(dense[user, nearest[user, :3]].all() for user in range(60))
    for user, other in zip(*network.edges(), strict=True):
        assert other in nearest[user, :6] or user in nearest[other, :6]


def test_taste_similarity_spreads_ties_among_equals():
    network = build(TasteSimilarity(rewire=0.0), n_users=300, tastes=np.zeros((300, 4)))
    assert network.degree.max() < 40


# Homophily


@pytest.mark.parametrize("parameters", FAMILIES, ids=repr)
def test_no_homophily_changes_nothing(parameters):
    assert same(build(parameters), build(with_homophily(parameters, "gender", 0.0)))


@pytest.mark.parametrize("strength", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("group", ["gender", "age"])
@pytest.mark.parametrize("kind", [WattsStrogatz, BarabasiAlbert, ErdosRenyi])
def test_homophily_draws_ties_within_the_group(kind, group, strength):
    n_users = 4000
    labels = users(n_users)["groups"][group]
    before = build(kind(), n_users=n_users)
    after = build(with_homophily(kind(), group, strength), n_users=n_users)
    base = before.within_group_share(labels)
    assert after.mean_degree == before.mean_degree
    assert after.within_group_share(labels) == pytest.approx(base + (1 - base) * strength, abs=0.015)


def test_homophily_keeps_ties_that_small_groups_cannot_hold():
    pairs = np.arange(100) // 2
    network = build(with_homophily(ErdosRenyi(), "pair", 1.0), n_users=100, groups={"pair": pairs})
    assert_simple(network)
    assert network.mean_degree == build(ErdosRenyi(), n_users=100).mean_degree
    assert len(network.edges()[0]) * network.within_group_share(pairs) == pytest.approx(50)


# Counting neighbours


def naive_shares(network, codes, n_codes):
    shares = np.zeros((network.n_users, n_codes))
    for user in range(network.n_users):
        for other in network.indices[network.indptr[user] : network.indptr[user + 1]]:
            shares[user, codes[other]] += 1
    return shares / np.maximum(network.degree, 1)[:, None]


@pytest.mark.parametrize("n_codes", [1, 2, 4, 5, 9, 13])
def test_neighbour_shares_are_exact_with_hubs(n_codes):
    network = build(BarabasiAlbert(), n_users=3000)
    assert network.degree.max() > 127  # counts in int8 would overflow
    codes = np.random.default_rng(0).integers(0, n_codes, 3000).astype(np.int8)
    shares = network.neighbour_shares(codes, n_codes)
    assert shares.dtype == np.float32
    assert shares.flags.c_contiguous
    np.testing.assert_allclose(shares, naive_shares(network, codes, n_codes), rtol=3e-7)
    for code in range(n_codes):
        counts = network.neighbour_counts(codes == code)
        assert counts.dtype == np.float32
        np.testing.assert_array_equal(np.rint(shares[:, code] * network.degree), counts)


@pytest.mark.parametrize("n_others", [65_535, 65_536, 70_000])
def test_neighbour_shares_of_a_hub_beyond_16_bits(n_others):
    others = np.arange(1, n_others + 1)
    star = Network.from_edges(np.zeros(n_others, int), others, n_others + 1)
    codes = np.ones(n_others + 1, np.int8)
    codes[:3] = [0, 2, 4]
    shares = star.neighbour_shares(codes, 5)
    np.testing.assert_allclose(shares[0] * n_others, [0, n_others - 2, 1, 0, 1], rtol=1e-6)
    np.testing.assert_array_equal(shares[1:], np.tile([1, 0, 0, 0, 0], (n_others, 1)))


def test_isolated_users_have_no_shares():
    network = Network.from_edges(np.array([0]), np.array([2]), 4)
    np.testing.assert_array_equal(network.degree, [1, 0, 1, 0])
    shares = network.neighbour_shares(np.array([0, 1, 1, 0], np.int8), 2)
    np.testing.assert_array_equal(shares, [[0, 1], [0, 0], [1, 0], [0, 0]])
    np.testing.assert_array_equal(network.neighbour_counts(np.ones(4, bool)), [1, 0, 1, 0])


def test_network_without_ties():
    network = Network.from_edges(np.empty(0, int), np.empty(0, int), 3)
    assert network.mean_degree == 0
    assert np.isnan(network.within_group_share(np.zeros(3)))
    np.testing.assert_array_equal(network.neighbour_shares(np.zeros(3, np.int8), 2), np.zeros((3, 2)))


# Import and export


def test_edges_and_from_edges_are_inverse():
    network = build(BarabasiAlbert())
    src, dst = network.edges()
    assert (src < dst).all()
    assert len(src) == network.mean_degree * N_USERS / 2
    shuffled = np.random.default_rng(0).permutation(len(src))
    assert same(network, Network.from_edges(dst[shuffled], src[shuffled], N_USERS))


@pytest.mark.parametrize(
    ("src", "dst"), [([0], [0]), ([0, 1], [1, 0]), ([0, 0], [1, 1]), ([0], [3]), ([-1], [0])], ids=repr
)
def test_from_edges_refuses_what_is_no_simple_graph(src, dst):
    with pytest.raises(InputError, match="network: "):
        Network.from_edges(np.array(src), np.array(dst), 3)


def test_networkx_round_trip():
    network = build(ErdosRenyi(degree=2))
    graph = network.to_networkx()
    assert list(graph) == list(range(N_USERS))
    assert dict(graph.degree) == dict(enumerate(network.degree))
    src, dst = np.array(graph.edges).T
    assert same(network, Network.from_edges(src, dst, N_USERS))
    assert networkx.is_isomorphic(complete(5).to_networkx(), networkx.complete_graph(5))
