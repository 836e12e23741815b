"""Communities that users belong to, several each, and the ties that arise inside them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from abm.networks.random_graphs import within_pairs
from abm.networks.ties import Ties, pair_number


def joined_communities(
    n_users: int, n_communities: int, each: int, exponent: float, rng: np.random.Generator
) -> sparse.csr_array:
    """Let every user join ``each`` communities in turn, one of rank r in proportion to r ** -exponent.

    Parameters
    ----------
    n_users, n_communities
        Of both at least one.
    each
        Communities of a user, at most all there are.
    exponent
        0: all are alike; 1: Zipf's law.
    rng
        Draws who joins what.

    Returns
    -------
    bool csr_array[n_users, n_communities]
    """
    weight = np.arange(1, n_communities + 1) ** -exponent
    edges = np.cumsum(weight / weight.sum())[:-1]
    joined = np.searchsorted(edges, rng.random((n_users, each)), side="right")
    for place in range(1, each):
        # Who drew a community joined before draws again: one after the other, in proportion among the rest.
        again = np.flatnonzero((joined[:, :place] == joined[:, [place]]).any(axis=1))
        while again.size:
            joined[again, place] = np.searchsorted(edges, rng.random(again.size), side="right")
            again = again[(joined[again, :place] == joined[again, place, None]).any(axis=1)]
    indptr = np.arange(0, n_users * each + 1, each)
    ones = np.ones(n_users * each, np.bool_)
    return sparse.csr_array((ones, np.sort(joined, axis=1).ravel(), indptr), shape=(n_users, n_communities))


def ties_inside(communities: sparse.csr_array, degree: float, rng: np.random.Generator) -> Ties:
    """Tie members of one community at random (Gilbert 1959), each membership bringing as many ties.

    A membership brings ``degree`` / (memberships of a user) ties on average, or all other members where
    these are fewer; what two users share twice is one tie. So ``degree`` is what large communities that
    overlap little come to, and the most.

    Parameters
    ----------
    communities
        bool csr_array[n_users, n_communities], as many in each row.
    degree
        Expected degree.
    rng
        Draws the ties.
    """
    n_users = communities.shape[0]
    members = communities.T.tocsr()
    brought = degree * n_users / communities.nnz
    ties = [np.empty(0, np.int64)]
    for begin, end in zip(members.indptr[:-1], members.indptr[1:], strict=True):
        size = int(end - begin)
        pairs = size * (size - 1) // 2
        if not pairs:
            continue
        n_ties = rng.binomial(pairs, min(1.0, brought / (size - 1)))
        one, other = within_pairs(rng.choice(pairs, n_ties, replace=False, shuffle=False))
        inside = members.indices[begin:end]
        ties.append(pair_number(inside[one], inside[other], n_users))
    pair = np.unique(np.concatenate(ties))
    return pair // n_users, pair % n_users
