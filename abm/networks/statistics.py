"""What a network is like: degrees, clustering, assortativity, components, distances and homophily."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, connected_components

from abm.networks.complete import CompleteNetwork
from abm.networks.network import Network

_WALKS = 2**23
"""Most two-step walks that are counted one by one; in networks with more, pairs of neighbours are drawn."""

_PAIRS = 200_000
"""Pairs of neighbours that are drawn: the standard error of clustering is about .001 then."""

_SOURCES = 64
"""Users from whom distances are measured: drawn, or everybody where there are no more."""

_STEPS = 2**25
"""Bounds sources times ends of ties: large networks are measured from fewer users, at least 4."""


def network_statistics(
    network: Network, rng: np.random.Generator, groups: Mapping[str, NDArray[Any]] | None = None
) -> dict[str, Any]:
    """Describe a network in numbers.

    Parameters
    ----------
    network
        Whose ties.
    rng
        Draws from whom distances are measured and, in large networks, pairs of neighbours for clustering.
    groups
        Group name to labels, [n_users], for homophily.

    Returns
    -------
    dict
        ``users``, ``ties``, ``mean_degree``, ``largest_degree``, ``isolated`` (share of users);
        ``clustering`` (Watts, Strogatz 1998: mean share of a user's pairs of neighbours that are tied, 0 with
        fewer than two neighbours); ``degree_assortativity`` (Newman 2002, NaN where all degrees are equal);
        ``components``, ``largest_component`` (share of users); ``mean_path_length`` (over pairs that are
        connected, from at most 64 users); ``communities``; ``homophily``, for each group the share of ties
        ``within`` it, the share expected ``by_chance`` (ends of ties paired at random) and Newman's
        ``assortativity`` (within - by chance) / (1 - by chance) (2003).
    """
    described: dict[str, Any] = {
        "users": network.n_users,
        "ties": int(network.degree.sum(dtype=np.int64)) // 2,
        "mean_degree": network.mean_degree,
        "largest_degree": int(network.degree.max(initial=0)),
        "isolated": float((network.degree == 0).mean()),
    }
    described |= _closed_form(network) if isinstance(network, CompleteNetwork) else _measured(network, rng)
    joined = network.communities
    described["communities"] = None if joined is None else int(joined.shape[1])
    described["homophily"] = {name: homophily(network, labels) for name, labels in (groups or {}).items()}
    return described


def _measured(network: Network, rng: np.random.Generator) -> dict[str, float | int]:
    n_components, component = connected_components(network.adjacency, directed=False)
    return {
        "clustering": clustering(network, rng),
        "degree_assortativity": degree_assortativity(network),
        "components": int(n_components),
        "largest_component": float(np.bincount(component).max() / network.n_users),
        "mean_path_length": mean_path_length(network, rng),
    }


def _closed_form(network: CompleteNetwork) -> dict[str, float | int]:
    n = network.n_users
    return {
        "clustering": float(n > 2),
        "degree_assortativity": np.nan,
        "components": 1,
        "largest_component": 1.0,
        "mean_path_length": 1.0 if n > 1 else np.nan,
    }


def clustering(network: Network, rng: np.random.Generator) -> float:
    """Return the mean over users of the share of their pairs of neighbours that are tied; 0 for no pair."""
    degree = network.degree.astype(np.int64)
    if (degree * degree).sum() > _WALKS:
        return _sampled_clustering(network, rng)
    # Two-step walks from a user that end at a neighbour: each tied pair of neighbours is walked twice.
    closed = (network.adjacency @ network.adjacency).multiply(network.adjacency).sum(axis=1)
    pairs = degree * (degree - 1)
    return float(np.divide(closed, pairs, out=np.zeros(network.n_users), where=pairs > 0).mean())


def _sampled_clustering(network: Network, rng: np.random.Generator) -> float:
    """Return the share of users, drawn with replacement, of whom a drawn pair of neighbours is tied."""
    n = np.int64(network.n_users)
    users = rng.integers(0, n, _PAIRS)
    degree = network.degree[users].astype(np.int64)
    users, degree = users[degree > 1], degree[degree > 1]
    one = rng.integers(0, degree)
    other = (one + rng.integers(1, degree)) % degree
    first, second = (network.indices[network.indptr[users] + place] for place in (one, other))
    present = np.repeat(np.arange(n), network.degree) * n + network.indices  # ascending
    wanted = first.astype(np.int64) * n + second
    place = np.minimum(np.searchsorted(present, wanted), len(present) - 1)
    return np.count_nonzero(present[place] == wanted) / _PAIRS


def degree_assortativity(network: Network) -> float:
    """Return the correlation of the degrees at the two ends of a tie; NaN where they do not vary."""
    degree = network.degree.astype(np.float64)
    if not network.indices.size:
        return float("nan")
    # Sums over both directions of every tie: a user's degree counts as often as there are ties.
    total = degree.sum()
    mean = (degree * degree).sum() / total
    variance = (degree**3).sum() / total - mean**2
    neighbours = network.adjacency.astype(np.float64) @ degree
    covariance = (degree * neighbours).sum() / total - mean**2
    return float(covariance / variance) if variance > 1e-12 * mean**2 else float("nan")


def mean_path_length(network: Network, rng: np.random.Generator) -> float:
    """Return the mean distance over connected pairs, from a sample of users; NaN where no pair is."""
    n = network.n_users
    most = max(4, min(_SOURCES, _STEPS // max(len(network.indices), 1)))
    sources = np.arange(n) if n <= most else rng.choice(n, most, replace=False)
    length = pairs = 0
    for source in sources.tolist():
        order, reached_from = breadth_first_order(network.adjacency, source)
        parent = np.arange(n)
        parent[order[1:]] = reached_from[order[1:]]
        distance = (parent != np.arange(n)).astype(np.int64)
        # Jumps of doubled length towards the source, until all are there: its steps are then added up.
        while (parent[order] != source).any():
            distance += distance[parent]
            parent = parent[parent]
        length += int(distance.sum())
        pairs += len(order) - 1
    return length / pairs if pairs else float("nan")


def homophily(network: Network, labels: NDArray[Any]) -> dict[str, float]:
    """Return how much more ties stay within a group than ends of ties paired at random would.

    Parameters
    ----------
    network
        Whose ties.
    labels
        Any dtype, [n_users].
    """
    within = network.within_group_share(labels)
    ends = np.bincount(np.unique(labels, return_inverse=True)[1], network.degree)
    total = ends.sum()
    chance = float(((ends / total) ** 2).sum()) if total else np.nan
    return {
        "within": within,
        "by_chance": chance,
        "assortativity": (within - chance) / (1 - chance) if chance < 1 else np.nan,
    }
