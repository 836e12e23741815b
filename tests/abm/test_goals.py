"""One goal a user, from a menu."""

import numpy as np
import pytest

from abm.goals import GOALS, GoalParameters
from abm.population import Population, PopulationParameters
from abm.streams import Streams
from learners.errors import InputError
from learners.parameters import parsed


def people(n=5000, seed=1, **shares):
    parameters = parsed(PopulationParameters, {"goals": shares}, "population")
    return Population(parameters, np.ones(n), Streams(seed))


def test_goals_have_their_shares():
    shares = {"pay": 0.05, "privacy": 0.5, "environment": 0.0, "health": 0.15, "stop_practice": 0.3}
    goal = people(**shares).goal
    assert goal.dtype == np.int8
    for code, name in enumerate(GOALS):
        assert (goal == code).mean() == pytest.approx(shares[name], abs=0.02)


@pytest.mark.parametrize("name", GOALS)
def test_everybody_can_have_one_goal(name):
    shares = {goal: float(goal == name) for goal in GOALS}
    assert set(people(**shares).goal.tolist()) == {GOALS.index(name)}


def test_goals_are_drawn_apart_from_the_other_traits():
    users, others = people(), people(pay=0.0, privacy=0.6)
    assert (users.goal != others.goal).any()
    for trait in ("interest", "grievance", "privacy", "skill", "risk", "threshold", "family"):
        np.testing.assert_array_equal(getattr(users, trait), getattr(others, trait))
    assert abs(np.corrcoef(users.goal, users.grievance)[0, 1]) < 0.05


def test_shares_that_do_not_add_up_are_refused():
    with pytest.raises(InputError, match=r"population\.goals: .* add up to 1\.3, not to 1"):
        people(pay=0.5)
    with pytest.raises(ValueError, match="less than or equal to 1"):
        GoalParameters(pay=1.5)
