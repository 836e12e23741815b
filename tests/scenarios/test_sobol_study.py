"""The shipped study of what results depend on, and SALib's view of it."""

import copy

import numpy as np
import pytest
from SALib.analyze import sobol as analysis
from SALib.sample import sobol as sampling

from scenarios.assumptions import assumptions
from scenarios.batch.plan import scenario_of
from scenarios.scenario import load_scenario
from scenarios.study import load_study


@pytest.fixture(scope="module")
def study():
    return load_study("sobol-published-curves")


def test_plan_has_a_run_for_every_row_of_saltellis_design(study):
    plan = study.plan()
    assert len(plan) == 1024 * (8 + 2) == 10_240
    assert len({run.run_id for run in plan}) == 10_240
    assert {run.seed for run in plan} == {study.file.replicate_seed(0)}
    for run in list(plan)[:: 2 * 1024]:
        scenario = scenario_of(run.text, study.name)
        assert (scenario.mode, scenario.ticks, scenario.population.users) == ("surrogate", 40, 2000)
        assert scenario.decision.precision == run.cell.values["decision.precision"]


def test_parameters_are_ours_and_vary_around_their_defaults(study):
    ours = {entry.key: entry for entry in assumptions(load_scenario("published-curves")) if entry.ours}
    for key, axis in study.file.parameters.axes.items():
        assert axis.low < float(ours[key].value) < axis.high


def test_salib_takes_the_problem_as_it_is(study):
    design = study.file.parameters
    problem = design.problem
    given = copy.deepcopy(problem)
    rows = sampling.sample(problem, design.n, calc_second_order=False, seed=study.file.seed)
    assert {key: problem[key] for key in given} == given
    points = design.points(study.file.seed)
    for column, (key, axis) in enumerate(design.axes.items()):
        assert [point[key] for point in points[:50]] == [axis.at(share) for share in rows[:50, column]]
    y = np.array([2 * point["decision.inertia"] + 0.1 * point["decision.cost_scale"] for point in points])
    found = analysis.analyze(problem, y, calc_second_order=False, seed=1)
    width = {"decision.inertia": 2 * 0.35, "decision.cost_scale": 0.1 * 0.8}
    whole = sum(w**2 for w in width.values())
    expected = [width.get(key, 0.0) ** 2 / whole for key in design.axes]
    assert found["S1"] == pytest.approx(expected, abs=0.02)
    assert found["ST"] == pytest.approx(expected, abs=0.02)
