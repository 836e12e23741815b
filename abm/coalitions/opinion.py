"""What people think of an action that others organise for them."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from abm.actions import CONTRIBUTE, DELETE, LEAVE, POISON, WITHHOLD, Stances
from abm.decisions.rule import DecisionRule
from abm.decisions.view import DecisionView
from abm.population import Population


def worth(
    rule: DecisionRule,
    view: DecisionView,
    rows: NDArray[np.int64],
    stance: int,
    bloc: float,
    relief: float = 0.0,
) -> NDArray[np.floating]:
    """Return by how much a stance beats the best other one for some users, float[n], in utility.

    Parameters
    ----------
    rule
        How users decide.
    view
        What they know.
    rows
        int64[n].
    stance
        What is asked of them.
    bloc
        Share of the data that moves with each.
    relief
        Share of the costs of the stance that somebody takes over for them.
    """
    if not len(rows):
        return np.empty(0)
    if relief > 0:
        population = copy.copy(view.population)
        population.relief = relieved(population, rows, view.stances.bits[stance], relief)
        view = replace(view, population=population)
    return rule.advantage(view, rows, stance, bloc)


def relieved(
    population: Population, rows: NDArray[np.int64], bits: NDArray[np.bool_], share: float
) -> NDArray[np.float32]:
    """Return what is taken over of each user's costs, float32[N, 5], once that is a share for some.

    Where more is taken over already, that holds.
    """
    before = population.relief
    relief = np.zeros((population.n_users, len(bits)), np.float32) if before is None else before.copy()
    relief[rows] = np.maximum(relief[rows], np.float32(share) * bits)
    return relief


def levers(stances: Stances, stance: int) -> tuple[str, ...]:
    """Return the levers of a stance, of :data:`abm.beliefs.LEVERS`."""
    bits = stances.bits[stance]
    used = {
        "contribute": bits[CONTRIBUTE],
        "remove": bits[[WITHHOLD, DELETE, POISON]].any(),
        "leave": bits[LEAVE],
    }
    return tuple(lever for lever, is_used in used.items() if is_used)


def hoped(view: DecisionView, rows: NDArray[np.int64], stance: int, bloc: float) -> NDArray[np.float64]:
    """Return the effect of a stance that some users believe in once a bloc has joined, float64[n].

    The mean over its levers, as a share of each lever's full effect.
    """
    shares = {"contribute": view.small_share, "remove": view.removed_share, "leave": view.left_share}
    family = view.population.family[rows]
    effects = [
        view.beliefs.effect(lever, min(shares[lever] + bloc, 1.0))[family]
        for lever in levers(view.stances, stance)
    ]
    return np.mean(effects, axis=0)
