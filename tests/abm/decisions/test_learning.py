"""Macy (1990), Learning Theory and the Logic of Critical Mass, American Sociological Review 55."""

import dataclasses

import numpy as np
import pytest

STEP = {"kind": "step", "at": 0.6}


def rule(**settings):
    return {"rule": "learning", **settings}


def test_one_lesson_by_hand(people, decides):
    """Bush and Mosteller's rule as in Macy and Flache (2002), equations 1 and 2, for all four cases."""
    settings = {"cost": 0.5, "learning_rate": 0.4, "aspiration": 0.3, "habituation": 0.25, "propensity": 0.2}
    model = decides(people(4, interest=np.array([2.0, 0.5, 2.0, 0.2])), rule(**settings))
    view = model._information()
    model.rule.choose(view)  # before the first lesson
    model.population.stance = np.array([1, 1, 0, 0], np.int8) * model.stances.code("strike")
    model.rule.choose(dataclasses.replace(view, tick=2))
    payoff = np.array([2.0, 0.5, 2.0, 0.2]) * 0.5 - np.array([0.5, 0.5, 0, 0])
    hoped = 0.3 * np.array([2.0, 0.5, 2.0, 0.2])
    np.testing.assert_allclose(payoff, [0.5, -0.25, 1.0, 0.1])
    # Acted and got less than hoped for, twice; stayed and got more, twice.
    expected = [
        0.2 + 0.2 * 0.4 * (-0.1 / 2.5),
        0.2 + 0.2 * 0.4 * (-0.4 / 1.0),
        1 - (0.8 + 0.2 * 0.4 * (0.4 / 2.5)),
        1 - (0.8 + 0.2 * 0.4 * (0.04 / 0.7)),
    ]
    np.testing.assert_allclose(model.rule.propensity, expected, rtol=1e-6)
    np.testing.assert_allclose(model.rule.aspiration, hoped + 0.25 * (payoff - hoped), rtol=1e-6)


def late_share(people, users, seed, production, ticks=150):
    settings = {"production": production, "cost": 0.2, "propensity": 0.2, "aspiration": 0.3}
    model = people(users, rule(**settings), interest=np.ones(users), rng=seed)
    view, acting = model._information(), []
    for tick in range(1, ticks + 1):
        model.population.stance = model.rule.choose(dataclasses.replace(view, tick=tick))
        acting.append(np.mean(model.population.stance != 0))
    return np.mean(acting[-50:])


def test_small_groups_stumble_on_cooperation_and_large_ones_do_not(people):
    """By chance enough try at once for a reward, which few do of many; then habit holds."""
    small, large = (
        np.mean([late_share(people, users, seed, STEP) > 0.6 for seed in range(12)]) for users in (5, 200)
    )
    assert small >= 0.25
    assert large == 0


@pytest.mark.parametrize(("propensity", "acts"), [(0.0, False), (1.0, True)])
def test_propensities_are_probabilities(people, propensity, acts):
    model = people(30, rule(propensity=propensity))
    assert ((model.rule.choose(model._information()) != 0) == acts).all()
