"""Who decides when within a tick: all at once, or one after the other, seeing what was done before."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abm.actions import CONTRIBUTE, DELETE, LEAVE, POISON
from abm.decisions.view import DecisionView
from learners.parameters import Parameters, parameter

_FEW = 0.1
"""Ties, by user of the whole, up to which those of some users are counted one user after the other."""

Regime = Literal["synchronous", "random_sequential", "interest_ascending", "interest_descending", "single"]


class RegimeParameters(Parameters):
    """What the rules share in which users decide for themselves."""

    regime: Regime = parameter(
        "synchronous",
        "synchronous: all at once; random_sequential, interest_ascending, interest_descending: one after the "
        "other in that order, seeing what was done before; single: one user a tick, drawn by lot",
        unit="-",
        source="Oliver, Marwell, Teixeira 1985",
    )


def turns(regime: Regime, view: DecisionView, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return users in the order in which they decide, one after the other.

    Parameters
    ----------
    regime
        Any but ``synchronous``, which knows no order. ``single`` draws one of all users, whoever would
        reconsider now.
    view
        The tick and the users.
    rows
        int64[n]: who reconsiders.
    """
    rng = view.streams.generator("order of decisions", view.tick)
    n_users = view.population.n_users
    if regime == "single":
        return rng.integers(n_users, size=1)
    by_lot = rng.permutation(n_users)
    if regime == "random_sequential":
        reconsiders = np.zeros(n_users, np.bool_)
        reconsiders[rows] = True
        return by_lot[reconsiders[by_lot]]
    direction = 1 if regime == "interest_ascending" else -1
    return rows[np.lexsort((by_lot[rows], direction * view.population.interest[rows]))]


class UnfoldingTick:
    """A tick in which users take stances one after the other, as those who come later see it.

    Neighbours' stances and the shares of the data that belief curves are read at move with every change, as
    if all requests were granted and nothing were delayed. A user's share of the data is that of the records
    owned, also where some of them have not arrived.

    Attributes
    ----------
    view
        What users know who decide now.
    """

    def __init__(self, view: DecisionView) -> None:
        population = copy.copy(view.population)
        population.stance = population.stance.copy()
        self.view = replace(view, population=population)
        may_revoke = np.broadcast_to(view.policy.revocation_right, population.n_users)
        # At Small Co. whatever they do now: the copy of who cannot take it back, and what it started with.
        self._kept = np.where(population.has_copy, ~may_revoke, view.known_to_small)
        self._lost = view.deleted & ~view.returns_restore

    def take(self, user: np.int64, stance: np.integer[Any]) -> None:
        """Let a user take a stance."""
        view, population = self.view, self.view.population
        before = population.stance[user]
        if stance == before:
            return
        population.stance[user] = stance
        weight = float(population.weight[user])
        was, now = (self._effects(user, view.stances.bits[code]) for code in (before, stance))
        small, removed, left = (weight * (b - a) for a, b in zip(was, now, strict=True))
        entrants = view.entrants and view.entrants.with_more(user, small)
        self.view = replace(
            view,
            entrants=entrants,
            small_share=entrants.leading if entrants else _share(view.small_share + small),
            removed_share=_share(view.removed_share + removed),
            left_share=_share(view.left_share + left),
        )

    def _effects(self, user: np.int64, bits: NDArray[np.bool_]) -> tuple[bool, bool, bool]:
        """Return whether Small Co. has a user's data, whether Large Co. lacks them, whether the user left."""
        return (
            bool(bits[CONTRIBUTE] or self._kept[user]),
            bool(bits[DELETE] or bits[POISON] or self._lost[user]),
            bool(bits[LEAVE]),
        )


def stances_near(view: DecisionView, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the share of each user's neighbours in each stance, float32[n, K]."""
    n_codes = len(view.stances)
    degree = view.network.degree[rows]
    if len(rows) > 1 and degree.sum() > view.population.n_users * _FEW:
        return view.network.neighbour_shares(view.population.stance, n_codes)[rows]
    # Of a few users, as in a tick that unfolds, without counting for all others.
    near = [view.population.stance[view.network.neighbours(int(row))] for row in rows]
    place = np.repeat(np.arange(len(rows)) * n_codes, degree)
    counts = np.bincount(place + np.concatenate([np.empty(0, np.int8), *near]), minlength=len(rows) * n_codes)
    inverse = (1 / np.maximum(degree, 1)).astype(np.float32)
    return np.multiply(counts.reshape(-1, n_codes), inverse[:, None], dtype=np.float32)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
