"""Changing ties that exist: ends redrawn within a group, or exchanged between two ties."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from abm.networks.ties import Ties, pair_number

_ATTEMPTS = 1000
"""Draws in a row that no tie can take, after which the ties that are left stay as they are."""


def far_ends_redrawn(
    ties: Ties, chosen: NDArray[np.bool_], group: NDArray[np.integer[Any]], rng: np.random.Generator
) -> Ties:
    """Let each chosen tie keep one end, by coin, and redraw the other uniformly in the kept end's group.

    No loop and no duplicate arises; a tie whose kept end is tied to its whole group already stays as it is.

    Parameters
    ----------
    ties
        The ties to change; left untouched.
    chosen
        bool[n_ties], which ties to redraw.
    group
        integer[n_users], 0..n_groups-1; all 0 to redraw among everybody.
    rng
        Draws coins and ends.
    """
    n_users = len(group)
    size = np.bincount(group)
    start = np.cumsum(size) - size
    members = np.argsort(group, kind="stable")
    pending = np.flatnonzero(chosen)
    kept_dst = np.zeros(len(chosen), np.bool_)
    kept_dst[pending] = rng.random(pending.size) < 0.5
    near = np.where(kept_dst, ties[1], ties[0]).astype(np.int64)
    far = np.where(kept_dst, ties[0], ties[1]).astype(np.int64)

    while pending.size:
        inside = group[near] == group[far]
        held = np.bincount(near[inside], minlength=n_users) + np.bincount(far[inside], minlength=n_users)
        pending = pending[held[near[pending]] < size[group[near[pending]]] - 1]
        keeper = near[pending]
        drawn = members[start[group[keeper]] + rng.integers(0, size[group[keeper]])]
        pair = pair_number(keeper, drawn, n_users)
        present = np.sort(pair_number(near, far, n_users))
        found = np.minimum(np.searchsorted(present, pair), present.size - 1)
        accepted = (drawn != keeper) & (present[found] != pair)
        _, first = np.unique(pair, return_index=True)
        accepted &= np.isin(np.arange(pending.size), first, assume_unique=True)
        far[pending[accepted]] = drawn[accepted]
        pending = pending[~accepted]
    return near, far


def degree_preserving_rewiring(ties: Ties, probability: float, rng: np.random.Generator) -> Ties:
    """Let the ties picked with a probability exchange ends in pairs: a-b and c-d become a-d and c-b.

    Every degree stays as it is (Maslov, Sneppen 2002), so that nothing but the range of ties changes
    (Centola, Macy 2007). No loop and no duplicate arises; a pair that would make one is dissolved and its
    ties paired anew. A picked tie left over exchanges ends with any other tie, or stays where none can take
    it.

    Parameters
    ----------
    ties
        The ties to change; left untouched.
    probability
        With which each tie is picked.
    rng
        Draws the picks, the pairs and which ends they exchange.
    """
    exchange = _Exchange(ties[0].astype(np.int64), ties[1].astype(np.int64), rng)
    exchange.all_of(np.flatnonzero(rng.random(len(ties[0])) < probability), among_themselves=True)
    return exchange.src, exchange.dst


def matched_stubs(degrees: NDArray[np.int64], rng: np.random.Generator) -> Ties | None:
    """Match the ends that users hold out at random, then exchange ends until no loop or double tie is left.

    Parameters
    ----------
    degrees
        int64[n_users], of an even sum.
    rng
        Draws the matching and the exchanges.

    Returns
    -------
    Ties or None
        ``None`` where exchanges at random did not get rid of every loop and double tie.
    """
    stubs = rng.permutation(np.repeat(np.arange(len(degrees)), degrees))
    exchange = _Exchange(stubs[::2].copy(), stubs[1::2].copy(), rng)
    _, first = np.unique(pair_number(exchange.src, exchange.dst, len(degrees)), return_index=True)
    sound = np.zeros(len(exchange.src), np.bool_)
    sound[first] = True
    sound &= exchange.src != exchange.dst
    left = exchange.all_of(np.flatnonzero(~sound), among_themselves=False)
    return None if left.size else (exchange.src, exchange.dst)


class _Exchange:
    """Ties in pairs exchange ends: a-b and c-d become a-d and c-b.

    Attributes
    ----------
    src, dst
        int64[n_ties], changed in place.
    """

    def __init__(self, src: NDArray[np.int64], dst: NDArray[np.int64], rng: np.random.Generator) -> None:
        self.src, self.dst, self._rng = src, dst, rng
        self._n_users = int(max(src.max(initial=0), dst.max(initial=0))) + 1
        self._present = np.sort(pair_number(src, dst, self._n_users))

    def all_of(self, pending: NDArray[np.int64], *, among_themselves: bool) -> NDArray[np.int64]:
        """Let ties exchange ends once, with each other or with any other tie; return those that could not."""
        failures = 0
        while pending.size and failures < _ATTEMPTS:
            done = self._round(*self._pairs(pending, among_themselves and failures % 2 == 0))
            failures = 0 if done.size else failures + 1
            pending = np.setdiff1d(pending, done, assume_unique=True)
        return pending

    def _pairs(
        self, pending: NDArray[np.int64], among_themselves: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return two sets of ties to pair off; where only one is left it is paired with any other."""
        drawn = self._rng.permutation(pending)
        if among_themselves and pending.size > 1:
            half = pending.size // 2
            return drawn[:half], drawn[half : 2 * half]
        one = drawn[:1] if among_themselves else drawn
        other, first = np.unique(self._rng.integers(0, len(self.src), len(one)), return_index=True)
        free = ~np.isin(other, one)
        return one[first[free]], other[free]

    def _round(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        """Exchange ends between paired ties where no loop or double tie arises; return which did."""
        src, dst, n = self.src, self.dst, self._n_users
        turned = self._rng.random(len(one)) < 0.5  # c-d is as much d-c
        a, b = src[one], dst[one]
        c, d = np.where(turned, dst[other], src[other]), np.where(turned, src[other], dst[other])
        made = np.concatenate([pair_number(a, d, n), pair_number(c, b, n)])
        _, number, times = np.unique(made, return_inverse=True, return_counts=True)
        place = np.minimum(np.searchsorted(self._present, made), max(len(self._present) - 1, 0))
        new = (times[number] == 1) & (self._present[place] != made)
        accepted = new[: len(one)] & new[len(one) :] & (a != d) & (c != b)
        one, other = one[accepted], other[accepted]
        done = np.concatenate([one, other])
        gone = np.searchsorted(self._present, pair_number(src[done], dst[done], n))
        dst[one], src[other], dst[other] = d[accepted], c[accepted], b[accepted]
        rest = np.delete(self._present, gone)
        made = np.sort(pair_number(src[done], dst[done], n))
        self._present = np.insert(rest, np.searchsorted(rest, made), made)
        return done
