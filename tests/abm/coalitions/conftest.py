"""Societies of people whose opinion of an organised action is given."""

from __future__ import annotations

import numpy as np
import pytest

from abm.decisions import DecisionRule
from abm.model import DataLeverageModel
from learners.curves.published_curves import published_curve


class Opinionated(DecisionRule):
    """Everybody keeps their stance; what an organised action is worth to each is given, float[N]."""

    requests_portability = False

    def __init__(self, worth):
        self.worth = np.asarray(worth, float)
        self.blocs = []

    def choose(self, view):
        return view.population.stance

    def advantage(self, view, rows, stance, bloc):
        self.blocs.append(bloc)
        return self.worth[rows]


@pytest.fixture(scope="session")
def opinionated():
    return Opinionated


@pytest.fixture(scope="session")
def town():
    """Return a function: organisations and what they are worth to 200 people -> the run before tick 1."""

    def build(*interventions, worth=None, n=200, rng=1, use_case="cifar-10", **groups):
        groups.setdefault("decision", Opinionated(np.zeros(n) if worth is None else worth))
        population = {"users": n, "goals": {"pay": 1.0, "privacy": 0.0, "stop_practice": 0.0}}
        population["goals"] |= {"environment": 0.0, "health": 0.0}
        population |= groups.pop("population", {})
        return DataLeverageModel(
            use_case,
            curve=published_curve(use_case, "surrogate"),
            population=population,
            interventions=interventions,
            rng=rng,
            **groups,
        )

    return build


@pytest.fixture(scope="session")
def striking():
    """Return a function: a model -> the users who strike, as a set."""

    def who(model):
        return set(np.flatnonzero(model.population.stance == model.stances.code("strike")).tolist())

    return who
