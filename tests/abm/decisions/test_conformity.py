"""Brock and Durlauf (2001), Discrete Choice with Social Interactions, Review of Economic Studies 68.

Two choices, coded -1 and 1, with a private payoff h and social weight J: in equilibrium the mean choice is
m = tanh(beta (h + J m)). In the logit rule utilities differ from staying: its J is 2 J here, its payoff 2 h.
"""

import dataclasses
import math

import numpy as np
import pytest
from scipy.optimize import brentq

from abm.networks.complete import CompleteNetwork

USERS = 4000


@pytest.fixture(scope="module")
def mean_choice(people, decides):
    """Return a function: m over the last ticks of several stretches, each with an h of its own."""
    free = ("barrier_withhold", "barrier_delete", "legal_delete", "exposure_withhold", "exposure_delete")
    dear = {"barrier_contribute": 10.0, "barrier_leave": 10.0, "skill_discount": 0.0, "cost_horizon": 1.0}
    population = {"interest": {"median": 0.0}, "costs": dict.fromkeys(free, 0.0) | dear}
    model = people(USERS, population=population, companies={"consumption": {"full_service": 0.0}})
    model.population.grievance = np.ones(USERS, np.float32)

    def play(social, payoffs, share=0.02, ticks=60):
        decision = {
            "social_form": "conformity",
            "social_weight": 2.0 * social,
            "precision": 1.0,
            "warm_glow": 0.0,
            "inertia": 0.0,
            "cost_scale": 100.0,
            "revision_probability": 1.0,
            "shock_renewal": 1.0,
        }
        decides(model, decision, CompleteNetwork(USERS))
        strike = model.stances.code("strike")
        model.population.stance[: round(share * USERS)] = strike
        view, tick, means = model._information(), 0, []
        for payoff in payoffs:
            model.rule.parameters = model.rule.parameters.model_copy(update={"warm_glow": 2.0 * payoff})
            late = []
            for _ in range(ticks):
                tick += 1
                model.population.stance = model.rule.choose(dataclasses.replace(view, tick=tick))
                late.append(2 * np.mean(model.population.stance == strike) - 1)
            means.append(float(np.mean(late[ticks // 2 :])))
        return means

    return play


@pytest.mark.parametrize(("beta_j", "m"), [(1.5, 0.8586), (2.0, 0.9575)])
def test_roots_without_a_payoff(mean_choice, beta_j, m):
    assert brentq(lambda x: math.tanh(beta_j * x) - x, 0.1, 1) == pytest.approx(m, abs=1e-4)
    assert mean_choice(beta_j, [0.0], share=0.9) == pytest.approx([m], abs=0.01)
    assert mean_choice(beta_j, [0.0], share=0.1) == pytest.approx([-m], abs=0.01)


@pytest.mark.parametrize("beta_j", [0.5, 0.9])
def test_no_root_but_nothing_where_conformity_is_weak(mean_choice, beta_j):
    assert mean_choice(beta_j, [0.0], share=0.95) == pytest.approx([0.0], abs=0.06)


@pytest.mark.parametrize(("social", "tangent"), [(1.5, 0.2075), (2.0, 0.5328)])
def test_a_payoff_must_pass_the_tangent_and_then_is_not_needed(mean_choice, social, tangent):
    """Little changes until |h| passes the tangent; back at 0 the new majority holds: hysteresis."""
    m = math.sqrt(1 - 1 / social)
    assert social * m - math.atanh(m) == pytest.approx(tangent, abs=1e-4)
    below, above, after = mean_choice(social, [0.7 * tangent, 1.25 * tangent, 0.0])
    assert below < -0.5
    assert above > 0.9
    assert after == pytest.approx(brentq(lambda x: math.tanh(social * x) - x, 0.1, 1), abs=0.01)
