from dataclasses import replace

import numpy as np
import pytest

from analysis.valuation import Groups
from analysis.valuation_figures import dividend_figure, valuation_figure
from analysis.valuation_study import ValuationPlan, groups_of_owners, run_valuation
from learners.errors import InputError
from learners.usecase import load_use_case

PLAN = ValuationPlan("digits", "lot:3")


@pytest.fixture(scope="module")
def digits():
    return load_use_case("digits", device="cpu")


@pytest.fixture(scope="module")
def found():
    return run_valuation(PLAN, device="cpu")


def test_every_set_is_measured_and_shares_add_up(found, digits):
    assert len(found.sets) == 8
    assert found.residual < 1e-6
    outcomes = found.sets.set_index("groups")["quality"]
    everybody, nobody = outcomes["lot 1 + lot 2 + lot 3"], outcomes[""]
    assert everybody == pytest.approx(1)
    quality = found.shares[found.shares["outcome"] == "quality"].set_index("group")
    assert quality["shapley"].sum() == pytest.approx(everybody - nobody)
    assert quality["strike"]["lot 2"] == pytest.approx(everybody - outcomes["lot 1 + lot 3"])
    assert quality["people"].tolist() == [100] * 3
    groups = groups_of_owners(digits, "lot:3")
    assert quality["records"].tolist() == groups.sizes(digits.records_per_owner).tolist()


def test_two_processes_find_the_same(found):
    again = run_valuation(PLAN, device="cpu", workers=2)
    assert again.shares.equals(found.shares)


def test_chains_that_start_elsewhere_find_the_same_of_an_exact_learner(found, monkeypatch):
    monkeypatch.setattr("analysis.valuation_study.CHAIN", 3)
    assert run_valuation(PLAN, device="cpu").sets.equals(found.sets)


def test_seeds_give_a_spread(found):
    several = run_valuation(replace(PLAN, seeds=(0, 1)), device="cpu")
    assert len(several.sets) == 16
    assert several.sets[several.sets["seed"] == 0].equals(found.sets)
    assert several.shares["strike_sd"].notna().all()
    assert found.shares["strike_sd"].isna().all()


def test_many_groups_are_sampled():
    plan = ValuationPlan("digits", "lot:10", permutations=3, sets=8, tolerance=0.0)
    found = run_valuation(plan, device="cpu")
    assert len(found.shares) == 20
    assert found.sets.empty
    assert found.residual < 1e-6  # no order was broken off
    assert (found.shares["shapley_se"] >= 0).all()
    cut = run_valuation(replace(plan, tolerance=0.5), device="cpu")
    assert 0.01 < cut.residual <= 0.5


def test_figures_show_each_group(found):
    figure = valuation_figure(found.shares, "Town")
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert sorted(label.split(" (")[0] for label in labels) == ["lot 1", "lot 2", "lot 3"]
    strike = found.shares.query("outcome == 'revenue'").set_index("group")["strike"]
    drawn = figure.axes[1].lines[0].get_xdata()
    order = [label.split(" (")[0] for label in labels]
    np.testing.assert_allclose(np.asarray(drawn, float), strike[order].to_numpy())


def test_dividends_are_drawn_by_inequality():
    from analysis.dividends import dividend_table

    table = dividend_table({0: np.array([-1.0, 0, 1, 3])}, np.array([1.0, 2, 3, 4]))
    figure = dividend_figure(table, "Town")
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    points = [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert points == sorted(points)
    assert names[0] == "equal"


def test_groups_of_owners(digits):
    thirds = groups_of_owners(digits, "records:3")
    assert thirds.names == ("records 1", "records 2", "records 3")
    mean = [digits.records_per_owner[thirds.codes == k].mean() for k in range(3)]
    assert mean == sorted(mean)
    for bad in ("records", "records:1", "records:x", "lot:101", "gender", "age:3"):
        with pytest.raises(InputError, match=f"groups: '{bad}' is not one of records:K, lot:K"):
            groups_of_owners(digits, bad)
    with pytest.raises(InputError, match="groups: 2 people, but digits has 300"):
        run_valuation(PLAN, groups=Groups(("a", "b"), np.array([0, 1], np.int16)), device="cpu")
