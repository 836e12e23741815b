"""What an organised action is worth to people, as their decision rules have it."""

import numpy as np
import pytest

from abm.coalitions.opinion import hoped, levers, relieved, worth
from abm.decisions import LogitParameters, LogitRule

ROWS = np.arange(200)


@pytest.fixture(scope="module")
def lively(town):
    model = town(decision={"revision_probability": 0.5}, policy={"portability_success": 0.5})
    for _ in range(5):
        model.step()
    return model


@pytest.fixture
def view(lively):
    return lively._information()


@pytest.mark.parametrize("stance", ["strike", "cdc", "cdc_delete"])
def test_alone_the_worth_is_that_of_the_rules_own_choice(lively, view, stance):
    """Whoever it is worth to would choose it now, and nobody else."""
    code = lively.stances.code(stance)
    taken = view.taken(ROWS, code)
    choice = lively.rule._best(view, ROWS, lively.rule._renewed_shocks(view))
    wanted = worth(lively.rule, view, ROWS, code, 0.0) > 0
    assert 0 < wanted.sum() < 200
    np.testing.assert_array_equal(wanted, choice == taken)


def test_the_worth_of_the_others_moving_along_is_that_of_a_wider_horizon(lively, view):
    code = lively.stances.code("strike")
    wide = lively.rule.parameters.model_copy(update={"horizon": 0.4})
    narrow, lively.rule.parameters = lively.rule.parameters, wide
    try:
        together = lively.rule.utilities(view, ROWS)[ROWS, view.taken(ROWS, code)]
    finally:
        lively.rule.parameters = narrow
    alone = lively.rule.utilities(view, ROWS)[ROWS, view.taken(ROWS, code)]
    gained = worth(lively.rule, view, ROWS, code, 0.4) - worth(lively.rule, view, ROWS, code, 0.0)
    permitted = view.permitted(ROWS)[ROWS, view.taken(ROWS, code)]
    np.testing.assert_allclose(gained[permitted], (together - alone)[permitted], atol=1e-6)
    assert gained[permitted].mean() > 0.05


def test_what_the_law_forbids_is_worth_nothing_to_anybody(town):
    model = town(decision={}, policy={"deletion_right": False})
    view = model._information()
    assert (worth(model.rule, view, ROWS, model.stances.code("strike"), 0.5) == -np.inf).all()
    assert (worth(model.rule, view, ROWS, model.stances.code("strike_withhold"), 0.5) > -np.inf).all()


class Weighing(LogitRule):
    """People who have been asked for their opinion before they choose."""

    def choose(self, view):
        assert np.isfinite(worth(self, view, ROWS, 2, 0.3, relief=0.5)).any()
        return super().choose(view)


def test_weighing_leaves_choices_as_they_are(town, ticks_of):
    """Opinions are asked without a trace: what people choose then is bit for bit the same."""
    asked, plain = (town(decision=rule(LogitParameters())) for rule in (Weighing, LogitRule))
    assert ticks_of(asked, 5).equals(ticks_of(plain, 5))


@pytest.mark.parametrize("inside", [False, True])
def test_under_critical_mass_it_is_what_the_bloc_brings_less_the_own_cost(town, inside):
    rule = {"rule": "critical_mass", "production": {"kind": "accelerating", "exponent": 2.0}, "cost": 0.5}
    rule["seeds"] = {"kind": "given", "users": list(range(20))}
    model = town(decision=rule)
    model.step()
    view, strike = model._information(), model.stances.code("strike")
    rows = np.flatnonzero((model.population.stance == strike) == inside)
    now = float((model.population.stance == strike).mean())
    assert 0.1 <= now < 1
    then = max(now - 0.25, 0.0) if inside else min(now + 0.25, 1.0)
    expected = model.population.interest[rows].astype(float) * abs(then**2 - now**2) - 0.5 / 200
    np.testing.assert_allclose(worth(model.rule, view, rows, strike, 0.25), expected, rtol=1e-6)
    freed = worth(model.rule, view, rows, strike, 0.25, relief=0.4)
    np.testing.assert_allclose(freed - expected, 0.4 * 0.5 / 200, rtol=1e-6)
    # Nobody thinks of less than their own.
    own = abs((now + (-1 if inside else 1) / 200) ** 2 - now**2)
    alone = model.population.interest[rows].astype(float) * own - 0.5 / 200
    np.testing.assert_allclose(worth(model.rule, view, rows, strike, 0.0), alone, atol=1e-12)
    assert (worth(model.rule, view, rows, model.stances.code("cdc"), 0.25) == -np.inf).all()


def test_people_whose_rule_cannot_weigh_are_indifferent(town):
    model = town(decision={"rule": "watts"})
    assert (worth(model.rule, model._information(), ROWS, 2, 0.5) == 0).all()


def test_hopes_are_the_believed_effects_of_what_there_is_and_the_bloc(lively, view):
    stances, family = lively.stances, lively.population.family
    remove = view.beliefs.effect("remove", view.removed_share + 0.2)[family]
    give = view.beliefs.effect("contribute", view.small_share + 0.2)[family]
    np.testing.assert_allclose(hoped(view, ROWS, stances.code("strike"), 0.2), remove)
    np.testing.assert_allclose(hoped(view, ROWS, stances.code("cdc_delete"), 0.2), (remove + give) / 2)
    everything = hoped(view, ROWS, stances.code("strike"), 5.0)
    np.testing.assert_allclose(everything, 1.0)


def test_levers_of_stances(lively):
    found = {name: levers(lively.stances, lively.stances.code(name)) for name in lively.stances.names}
    assert found["strike"] == found["strike_withhold"] == ("remove",)
    assert found["cdc"] == ("contribute",)
    assert found["move"] == ("contribute", "remove", "leave")
    assert found["stay"] == ()


def test_of_two_who_take_over_costs_the_larger_share_holds(lively):
    population = lively.population
    strike, cdc = lively.stances.bits[2], lively.stances.bits[3]
    try:
        population.relief = relieved(population, np.arange(5), strike, 0.5)
        relief = relieved(population, np.arange(3), strike, 0.2)
        relief_too = relieved(population, np.arange(3), cdc, 1.0)
    finally:
        population.relief = None
    np.testing.assert_array_equal(relief[:5], np.tile(0.5 * strike, (5, 1)))
    assert not relief[5:].any()
    np.testing.assert_array_equal(relief_too[:3], np.tile(0.5 * strike + cdc, (3, 1)))


def test_gains_of_privacy_are_nobodys_cost_to_take_over(town):
    free = dict.fromkeys(("barrier_withhold", "barrier_delete", "legal_delete"), 0.0)
    model = town(decision={}, population={"costs": free})
    view, strike = model._information(), model.stances.code("strike")
    alone = worth(model.rule, view, ROWS, strike, 0.2)
    np.testing.assert_array_equal(worth(model.rule, view, ROWS, strike, 0.2, relief=1.0), alone)
    dear = town(decision={})
    helped = worth(dear.rule, dear._information(), ROWS, strike, 0.2, relief=1.0)
    assert (helped - worth(dear.rule, dear._information(), ROWS, strike, 0.2)).mean() > 0.05
