"""Random graphs as arrays of ties: each function draws the two ends of distinct ties, without loops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import KDTree

from abm.networks.redrawing import matched_stubs
from abm.networks.ties import TasteProfiles, Ties, pair_number
from learners.errors import InputError

_networkit_settings = threading.Lock()
"""networkit's seed and thread count belong to the process: one thread draws at a time."""

_DENSE_CELLS = 2**25
"""Largest dense matrix made of taste profiles or of similarities: 128 MiB as float32."""


def watts_strogatz(n_users: int, degree: int, rewire: float, rng: np.random.Generator) -> Ties:
    """Draw a ring lattice whose ties are rewired at random (Watts, Strogatz 1998).

    Parameters
    ----------
    n_users
        At least ``degree + 2``: networkit refuses the complete graph.
    degree
        Even; every user starts with ``degree / 2`` ties to either side, so the mean stays exact.
    rewire
        Probability that a tie moves one end, that with the higher number, to a uniformly drawn user.
    rng
        Seeds networkit.
    """
    return _drawn_by_networkit(lambda nk: nk.WattsStrogatzGenerator(n_users, degree // 2, rewire), rng)


def barabasi_albert(n_users: int, degree: int, rng: np.random.Generator) -> Ties:
    """Draw a graph grown by preferential attachment (Barabasi, Albert 1999).

    Users arrive in the order of their numbers, each with ``degree / 2`` ties to distinct earlier users, drawn
    in proportion to the degrees these have; the first ones form a ring.

    Parameters
    ----------
    n_users
        At least ``degree + 1``.
    degree
        Even; the mean degree falls short of it by less than ``degree ** 2 / (2 * n_users)``.
    rng
        Seeds networkit.
    """
    ties_each = degree // 2
    # networkit's default ring, of ties_each users, is a loop for one user and a double tie for two.
    ring = max(ties_each, 3)
    return _drawn_by_networkit(lambda nk: nk.BarabasiAlbertGenerator(ties_each, n_users, ring), rng)


def _drawn_by_networkit(make: Callable[[Any], Any], rng: np.random.Generator) -> Ties:
    """Run one of networkit's generators on one thread, the only way in which its seed fixes the graph."""
    import networkit  # takes seconds to import, and not every family needs it

    with _networkit_settings:
        threads = networkit.getMaxNumberOfThreads()
        networkit.setNumberOfThreads(1)
        networkit.setSeed(int(rng.integers(2**63)), False)
        try:
            graph = make(networkit.generators).generate()
        finally:
            networkit.setNumberOfThreads(threads)
    # Through the iterator, as networkit.algebraic.adjacencyMatrix takes over ten times as long.
    pair = np.dtype((np.int32, 2))
    ties: NDArray[np.int32] = np.fromiter(graph.iterEdges(), pair, graph.numberOfEdges())
    return ties[:, 0], ties[:, 1]


def stochastic_block(
    block: NDArray[np.integer[Any]], degree: float, within: float, rng: np.random.Generator
) -> Ties:
    """Draw a stochastic block model (Holland, Laskey, Leinhardt 1983); networkit's is not open to Python.

    Pairs of one block are tied with the probability that gives each member ``degree * within`` ties inside
    it, pairs of two blocks with the one probability that makes ``degree`` the mean. A block too small for its
    ties inside is complete, and the ties it lacks join blocks instead.

    Parameters
    ----------
    block
        integer[n_users], 0..n_blocks-1, no block empty.
    degree
        Expected mean degree.
    within
        Expected share of the ties that stay in a block.
    rng
        Draws the ties.

    Raises
    ------
    InputError
        If there are fewer pairs between blocks than ties to be put there.
    """
    n_users = len(block)
    size = np.bincount(block)
    start = np.cumsum(size) - size
    end = start + size
    pairs_inside = size * (size - 1) // 2
    p_inside = np.minimum(1.0, degree * within / np.maximum(size - 1, 1))
    pairs_across = size * (n_users - end)
    expected_across = n_users * degree / 2 - float(pairs_inside @ p_inside)
    p_across = max(0.0, expected_across) / max(1, pairs_across.sum())
    if p_across > 1.0 + 1e-9:
        raise InputError(
            f"network: degree {degree:g} with within {within:g} needs {expected_across:.0f} ties between the "
            f"{len(size)} blocks, but only {pairs_across.sum()} pairs are there; lower degree or raise within"
        )

    # Pairs are numbered, so that sampling numbers without replacement can repeat no tie.
    drawn = [
        rng.choice(pairs, ties, replace=False, shuffle=False)
        for pairs, ties in zip(pairs_inside, rng.binomial(pairs_inside, p_inside), strict=True)
    ]
    first = np.repeat(start, [len(ties) for ties in drawn])
    src, dst = (first + end for end in within_pairs(np.concatenate(drawn)))

    # Pairs across are numbered by the lower block, then its member, then the user in a higher block.
    n_pairs = int(pairs_across.sum())
    pair = rng.choice(n_pairs, rng.binomial(n_pairs, min(1.0, p_across)), replace=False, shuffle=False)
    last = np.cumsum(pairs_across)
    lower = np.searchsorted(last, pair, side="right")
    member, other = np.divmod(pair - (last - pairs_across)[lower], n_users - end[lower])

    by_block = np.argsort(block, kind="stable")
    return (
        by_block[np.concatenate([src, start[lower] + member])],
        by_block[np.concatenate([dst, end[lower] + other])],
    )


def within_pairs(number: NDArray[np.int64]) -> Ties:
    """Return the ends of numbered pairs: the lower triangle of a matrix, row by row from (1, 0).

    The square root is exact enough below 2**50 pairs.
    """
    row = ((1 + np.sqrt(8 * number + 1)) / 2).astype(np.int64)
    return row, number - row * (row - 1) // 2


def erdos_renyi(n_users: int, degree: float, rng: np.random.Generator) -> Ties:
    """Draw G(n, p) (Gilbert 1959), in which the number of ties varies; not the G(n, m) that fixes it.

    Parameters
    ----------
    n_users
        At least ``degree + 1``.
    degree
        Expected degree: the probability is ``degree / (n_users - 1)``.
    rng
        Draws the ties.
    """
    # One block, all ties inside. networkit's takes three times as long, 4 to 5 seconds for a million users.
    return stochastic_block(np.zeros(n_users, np.int64), degree, 1.0, rng)


def random_geometric(n_users: int, degree: float, rng: np.random.Generator) -> Ties:
    """Tie users who are near one another on a unit square whose opposite sides are joined.

    Places are uniform; the reach is such that its disc holds ``degree`` of the others on average, exactly
    while the disc does not meet itself, for a degree up to pi / 4 of the others.

    Parameters
    ----------
    n_users
        At least 2.
    degree
        Expected degree.
    rng
        Draws the places.
    """
    places = rng.random((n_users, 2))
    reach = np.sqrt(degree / (n_users - 1) / np.pi)
    pairs = KDTree(places, boxsize=np.ones(2)).query_pairs(reach, output_type="ndarray")
    return pairs[:, 0], pairs[:, 1]


def power_law_degrees(
    n_users: int, degree: float, exponent: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw degrees with a tail like k ** -exponent and a given mean, int64[n_users], with an even sum.

    A Pareto variable of that mean is rounded up or down by lot and cut off at ``n_users - 1``. Cut off at so
    few users, the mean falls short of ``degree`` the more, the heavier the tail.
    """
    least = degree * (exponent - 2) / (exponent - 1)
    wanted = least * (1 - rng.random(n_users)) ** (-1 / (exponent - 1))
    degrees = np.minimum(np.floor(wanted + rng.random(n_users)), n_users - 1).astype(np.int64)
    if degrees.sum() % 2:
        degrees[degrees.argmin()] += 1
    return degrees


def configuration(degrees: NDArray[np.int64], rng: np.random.Generator) -> Ties:
    """Draw a graph with exactly these degrees (Molloy, Reed 1995), loops and double ties exchanged away.

    Where the degrees are so tight that exchanges at random do not get there, some graph of these degrees is
    taken instead and mixed by ten edge switches a tie.

    Parameters
    ----------
    degrees
        int64[n_users].
    rng
        Draws the ties.

    Raises
    ------
    InputError
        If no simple graph has these degrees (Erdos, Gallai 1960).
    """
    descending = np.sort(degrees)[::-1]
    k = np.arange(1, len(degrees) + 1)
    # Those of the n - k last that want more than k others can have k from the first k.
    beyond = np.searchsorted(-descending, -k, side="right")
    tail = np.r_[np.cumsum(descending[::-1])[::-1], 0]
    full = np.maximum(beyond, k)
    room = k * (k - 1) + k * (full - k) + tail[full]
    if degrees.sum() % 2 or (np.cumsum(descending) > room).any():
        raise InputError("network: no network without loops and double ties has these degrees")
    ties = matched_stubs(degrees, rng)
    if ties is not None:
        return ties
    listed = degrees.tolist()
    return _drawn_by_networkit(lambda nk: nk.EdgeSwitchingMarkovChainGenerator(listed), rng)


def taste_similarity(tastes: TasteProfiles, degree: int, rng: np.random.Generator) -> Ties:
    """Tie the users whose tastes are most alike: a k-nearest-neighbour graph with a given mean degree.

    Everybody ranks the others by the cosine of their profiles. Ties are made rank by rank (first each user's
    most similar other, then the second, ...), the most similar first within a rank, until there are
    ``n_users * degree / 2``. A pair ranked from both sides is one tie and counts at the better rank, so
    everybody has at least ``degree // 2`` ties. Time grows with the square of the number of users.

    Parameters
    ----------
    tastes
        float[n_users, n_features]; a row of zeros is equally unlike everybody.
    degree
        Mean degree, at most ``n_users - 1``.
    rng
        Breaks ties between equally similar users.
    """
    n_users = tastes.shape[0]
    others, alike = _most_alike(tastes, degree, rng)
    rank = np.tile(np.arange(degree), n_users)
    preference = np.lexsort((-alike.ravel(), rank))
    pair = pair_number(np.repeat(np.arange(n_users), degree), others.ravel(), n_users)[preference]
    _, first_mention = np.unique(pair, return_index=True)
    made = pair[np.sort(first_mention)[: n_users * degree // 2]]
    return made // n_users, made % n_users


def _most_alike(
    tastes: TasteProfiles, k: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the k others with the highest cosine, int64[n_users, k], best first, and these cosines."""
    n_users = tastes.shape[0]
    is_sparse = sparse.issparse(tastes)
    profiles: Any = sparse.csr_array(tastes) if is_sparse else tastes
    profiles = profiles.astype(np.float32)
    if is_sparse and np.prod(profiles.shape, dtype=np.int64) <= _DENSE_CELLS:
        profiles = profiles.toarray()  # its products are faster as long as it fits
        is_sparse = False
    length = np.sqrt((profiles * profiles).sum(axis=1))  # elementwise: sparse arrays multiply as arrays do
    profiles = profiles * _inverse(length)[:, None]
    columns = profiles.T.tocsr() if is_sparse else profiles.T

    others = np.empty((n_users, k), np.int64)
    alike = np.empty((n_users, k), np.float32)
    rows_at_once = max(1, _DENSE_CELLS // (4 * n_users))  # jitter and order take three times as much again
    for begin in range(0, n_users, rows_at_once):
        product = profiles[begin : begin + rows_at_once] @ columns
        similarity = product.toarray() if is_sparse else product
        rows = np.arange(len(similarity))
        # Equals in taste are ordered afresh for each user: by number, they would all pick the same few.
        similarity += np.float32(1e-5) * rng.random(similarity.shape, dtype=np.float32)
        similarity[rows, begin + rows] = -np.inf
        best = np.argpartition(similarity, n_users - k, axis=1)[:, n_users - k :]
        value = np.take_along_axis(similarity, best, axis=1)
        ranking = np.argsort(-value, axis=1, kind="stable")
        others[begin + rows] = np.take_along_axis(best, ranking, axis=1)
        alike[begin + rows] = np.take_along_axis(value, ranking, axis=1)
    return others, alike


def _inverse(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return 1 / values as float32, 0 where a value is 0."""
    inverse = np.zeros(len(values), np.float32)
    np.divide(1, values, out=inverse, where=values > 0, casting="same_kind")
    return inverse
