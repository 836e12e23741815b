import numpy as np
import pytest

from abm import welfare as module
from abm.actions import ACTIONS, STAY
from abm.model import DataLeverageModel
from learners.curves.published_curves import published_curve


def model(decision=None, users=400, **given):
    curve = published_curve("ml-10m", "surrogate")
    return DataLeverageModel(
        "ml-10m", curve=curve, population={"users": users}, decision=decision, rng=5, **given
    )


def played(ticks, **given):
    run = model(**given)
    for _ in range(ticks):
        run.step()
    return run


def test_before_anybody_acts_welfare_is_full_service():
    run = model()
    assert run.ticks[0]["welfare_all"] == pytest.approx(0.5)
    assert run.ticks[0]["welfare_non_participants"] == run.ticks[0]["welfare_all"]
    assert np.isnan(run.ticks[0]["welfare_participants"])
    assert np.isnan(run.ticks[0]["welfare_strike"])


def test_welfare_of_contributors_term_by_term():
    """One-off costs count in equal parts over the cost horizon, exposure as long as the copy is held."""
    script = {"rule": "scripted", "steps": [{"tick": 1, "shares": {"cdc": 1.0}}]}
    run = played(12, decision=script)
    people, costs = run.population, run.population.parameters.costs
    once = (
        costs.barrier_contribute
        * (1 - costs.skill_discount * people.skill)
        * (1 - run.policy.contribution_tool)
        + costs.legal_contribute * people.risk
    ) / costs.cost_horizon
    exposure = costs.exposure_copy * people.privacy
    for tick, expected in ((1, 0.5 - once - exposure), (10, 0.5 - once - exposure), (11, 0.5 - exposure)):
        assert run.ticks[tick]["welfare_cdc"] == pytest.approx(float(expected.mean()), abs=1e-5)
        assert run.ticks[tick]["welfare_participants"] == run.ticks[tick]["welfare_cdc"]


def test_who_leaves_for_nothing_pays_and_consumes_nothing():
    script = {"rule": "scripted", "steps": [{"tick": 1, "shares": {"boycott_leave": 0.5}}]}
    run = played(1, decision=script)
    people, costs = run.population, run.population.parameters.costs
    gone = ~run.uses_large
    skill = 1 - costs.skill_discount * people.skill
    withhold = costs.barrier_withhold * skill + costs.exposure_withhold * people.privacy
    paid = withhold + costs.barrier_leave * skill
    assert run.ticks[1]["welfare_boycott_leave"] == pytest.approx(-float(paid[gone].mean()), abs=1e-5)
    assert run.ticks[1]["welfare_non_participants"] == pytest.approx(0.5)


def test_the_logit_rule_adds_its_warm_glow_and_scales_costs():
    plain = played(6)
    utility = plain.welfare.utilities(plain)
    acting = plain.population.stance != STAY
    assert acting.any()
    parameters = plain.rule.parameters
    plain.rule.parameters = parameters.model_copy(update={"warm_glow": parameters.warm_glow + 1})
    more = plain.welfare.utilities(plain) - utility
    np.testing.assert_allclose(more, np.where(acting, plain.population.grievance, 0), atol=1e-6)
    plain.rule.parameters = parameters.model_copy(update={"warm_glow": 0.0, "cost_scale": 0.0})
    free = plain.welfare.utilities(plain)
    plain.rule.parameters = parameters.model_copy(update={"warm_glow": 0.0, "cost_scale": 2.0})
    twice = plain.welfare.utilities(plain)
    plain.rule.parameters = parameters.model_copy(update={"warm_glow": 0.0, "cost_scale": 1.0})
    np.testing.assert_allclose(free - twice, 2 * (free - plain.welfare.utilities(plain)), atol=1e-5)


def test_groups_average_to_all():
    run = played(20)
    row = run.ticks[-1]
    by_action = sum(row[f"share_{a}"] * row[f"welfare_{a}"] for a in ACTIONS if row[f"share_{a}"] > 0)
    assert row["welfare_all"] == pytest.approx(by_action)
    by_part = (
        row["participation"] * row["welfare_participants"]
        + (1 - row["participation"]) * row["welfare_non_participants"]
    )
    assert row["welfare_all"] == pytest.approx(by_part)
    assert row["welfare_strike"] < row["welfare_cdc"] < row["welfare_stay"]


def test_a_sample_stands_for_many(monkeypatch):
    everybody = played(5, users=4000)
    monkeypatch.setattr(module, "MOST_USERS", 1000)
    sampled = played(5, users=4000)
    assert len(np.unique(sampled.welfare.rows)) == 1000
    exact, estimate = everybody.ticks[-1]["welfare_all"], sampled.ticks[-1]["welfare_all"]
    spread = everybody.welfare.utilities(everybody).std() / np.sqrt(1000)
    assert exact != estimate
    assert estimate == pytest.approx(exact, abs=4 * spread)
    assert {k: v for k, v in sampled.ticks[-1].items() if k.startswith("share_")} == {
        k: v for k, v in everybody.ticks[-1].items() if k.startswith("share_")
    }
