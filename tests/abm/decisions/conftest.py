"""Societies in which only decisions are played, as in the literature: nothing is retrained or earned."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from abm.actions import STAY
from abm.decisions import DecisionParameters, Start, decision_rule
from abm.networks.network import Network
from abm.production import MeasuredCurves
from abm.streams import Streams
from learners.curves.published_curves import published_curve
from learners.parameters import parsed


@cache
def curve_of(use_case):
    return published_curve(use_case, "grid")


@pytest.fixture(scope="session")
def people(society):
    """Return a function that builds a society on a published curve; ``interest``, ``resources`` and
    ``thresholds`` replace those traits."""

    def build(
        users, decision=None, *, interest=None, resources=None, thresholds=None, use_case="ml-10m", **groups
    ):
        groups = {"network": {"degree": 2}, **groups}
        population = {"users": users, **groups.pop("population", {})}
        model = society(
            use_case, curve=curve_of(use_case), population=population, decision=decision, **groups
        )
        if interest is not None:
            model.population.interest = np.asarray(interest)
        if resources is not None:
            model.population.weight = np.asarray(resources) / np.sum(resources)
        if thresholds is not None:
            model.population.threshold = np.asarray(thresholds, float)
        return model

    return build


@pytest.fixture(scope="session")
def decides():
    """Return a function that starts a society anew, with another rule and possibly other ties and seed."""

    def give(model, decision, ties=None, seed=1):
        n_users = model.population.n_users
        if ties is not None:
            model.network = ties if isinstance(ties, Network) else Network.from_edges(*ties, n_users)
        model.streams = Streams(seed)
        model.population.stance = np.full(n_users, STAY, np.int8)
        model.rule = decision_rule(parsed(DecisionParameters, decision, "decision"))
        curves = MeasuredCurves(model.training.curve_points, 0.0)
        model.rule.begin(
            Start(model.stances, model.network, model.streams, curves, model.policy_schedule.base)
        )
        return model

    return give


@pytest.fixture(scope="session")
def shares_acting():
    """Return a function that lets users decide until nothing has changed for some ticks.

    It returns the share of users who act, tick by tick, that before the first tick first.
    """

    def play(model, ticks=3000, still=1):
        population = model.population
        acting = [float(np.mean(population.stance != STAY))]
        view, quiet = model._information(), 0
        for tick in range(1, ticks + 1):
            wanted = model.rule.choose(dataclasses.replace(view, tick=tick))
            quiet = quiet + 1 if np.array_equal(wanted, population.stance) else 0
            population.stance = wanted
            acting.append(float(np.mean(wanted != STAY)))
            if quiet >= still or acting[-1] == 1:
                break
        return np.array(acting)

    return play
