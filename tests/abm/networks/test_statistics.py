import networkx
import numpy as np
import pytest

from abm.networks import statistics
from abm.networks.network import Network

CASES = [
    ("watts_strogatz", {}),
    ("watts_strogatz", {"rewire": 0.3, "rewiring": "degree_preserving"}),
    ("barabasi_albert", {}),
    ("erdos_renyi", {"degree": 2.0}),
    ("stochastic_block", {}),
    ("random_geometric", {}),
    ("complete", {}),
    ("ring", {"degree": 2}),
    ("lattice", {}),
    ("star", {"hubs": 2}),
    ("centralised", {}),
    ("configuration", {}),
    ("communities", {"degree": 4.0}),
]


def described(network, groups=None):
    return statistics.network_statistics(network, np.random.default_rng(0), groups)


@pytest.mark.parametrize(("family", "fields"), CASES, ids=str)
def test_statistics_agree_with_networkx(draw, family, fields, monkeypatch):
    monkeypatch.setattr(statistics, "_SOURCES", 2000)  # distances from everybody
    labels = np.random.default_rng(3).integers(0, 3, 200)
    network = draw(family, 200, **fields)
    found = described(network, {"age": labels})
    graph = network.to_networkx()
    assert found["users"] == 200
    assert found["ties"] == graph.number_of_edges()
    assert found["mean_degree"] == pytest.approx(2 * graph.number_of_edges() / 200)
    assert found["largest_degree"] == max(dict(graph.degree).values())
    assert found["isolated"] == networkx.number_of_isolates(graph) / 200
    assert found["clustering"] == pytest.approx(networkx.average_clustering(graph))
    components = list(networkx.connected_components(graph))
    assert found["components"] == len(components)
    assert found["largest_component"] == max(map(len, components)) / 200
    lengths = [
        length
        for _, reached in networkx.all_pairs_shortest_path_length(graph)
        for length in reached.values()
        if length
    ]
    assert found["mean_path_length"] == pytest.approx(np.mean(lengths))
    if network.degree.min() == network.degree.max():
        assert np.isnan(found["degree_assortativity"])
    else:
        expected = networkx.degree_assortativity_coefficient(graph)
        assert found["degree_assortativity"] == pytest.approx(expected)
    networkx.set_node_attributes(graph, dict(enumerate(labels.tolist())), "age")
    homophily = found["homophily"]["age"]
    assert homophily["assortativity"] == pytest.approx(
        networkx.attribute_assortativity_coefficient(graph, "age")
    )
    assert homophily["within"] == network.within_group_share(labels)


def test_homophily_in_numbers(draw):
    labels = np.random.default_rng(5).choice(["F", "M"], 2000, p=[0.3, 0.7])
    groups = {"gender": labels}
    without = described(draw("erdos_renyi", 2000), groups)["homophily"]["gender"]
    drawn = draw("erdos_renyi", 2000, groups=groups, homophily={"group": "gender", "strength": 0.6})
    assert without["by_chance"] == pytest.approx(0.58, abs=0.02)
    assert without["assortativity"] == pytest.approx(0, abs=0.04)
    assert described(drawn, groups)["homophily"]["gender"]["assortativity"] == pytest.approx(0.6, abs=0.04)


def test_one_group_has_no_assortativity(draw):
    found = described(draw("ring", 30), {"all": np.zeros(30)})["homophily"]["all"]
    assert found["within"] == found["by_chance"] == 1
    assert np.isnan(found["assortativity"])


def test_a_network_without_ties():
    network = Network.from_edges(np.empty(0, int), np.empty(0, int), 3)
    found = described(network, {"age": np.arange(3)})
    assert (found["ties"], found["clustering"], found["components"], found["isolated"]) == (0, 0, 3, 1)
    for name in ("degree_assortativity", "mean_path_length"):
        assert np.isnan(found[name])
    assert np.isnan(found["homophily"]["age"]["within"])


def test_sampled_statistics_are_close(draw, monkeypatch):
    network = draw("watts_strogatz", 3000)
    exact = networkx.average_clustering(network.to_networkx())
    monkeypatch.setattr(statistics, "_WALKS", 0)
    sampled = described(network)
    assert sampled["clustering"] != exact
    assert sampled["clustering"] == pytest.approx(exact, abs=0.005)  # over four standard errors
    everybody = networkx.average_shortest_path_length(network.to_networkx())
    assert sampled["mean_path_length"] == pytest.approx(everybody, rel=0.05)


@pytest.mark.parametrize(
    ("family", "fields"),
    [("star", {}), ("star", {"hubs": 3}), ("ring", {"degree": 2}), ("ring", {"degree": 4})],
)
def test_sampled_clustering_of_unlike_users(draw, family, fields, monkeypatch):
    network = draw(family, 100, **fields)
    exact = networkx.average_clustering(network.to_networkx())
    monkeypatch.setattr(statistics, "_WALKS", 0)
    assert described(network)["clustering"] == pytest.approx(exact, abs=0.005)
