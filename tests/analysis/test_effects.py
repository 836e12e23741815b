import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from analysis.effects import bootstrap_interval, effects


def table(differences, arms=("base", "law"), points=1, noise=10.0):
    """Return runs whose arms differ by ``differences`` and share a much larger luck."""
    rng = np.random.default_rng(3)
    rows = []
    for point in range(points):
        for replicate, difference in enumerate(differences):
            luck = noise * rng.normal()
            for number, arm in enumerate(arms):
                rows.append(
                    {
                        "arm": arm,
                        "point": point,
                        "replicate": replicate,
                        "status": "finished",
                        "size": 0.1 * point,
                        "y": luck + number * (difference + point),
                    }
                )
    return pd.DataFrame(rows)


def test_pairing_takes_luck_away():
    differences = np.random.default_rng(1).normal(0.5, 0.1, 40)
    (row,) = effects(table(differences), ["y"], "base").to_dict("records")
    assert (row["output"], row["arm"], row["reference"], row["n"]) == ("y", "law", "base", 40)
    assert row["effect"] == pytest.approx(differences.mean())
    assert row["mean"] - row["mean_reference"] == pytest.approx(row["effect"])
    assert 0.45 < row["low"] < row["effect"] < row["high"] < 0.55  # luck alone would be ±3
    assert row["share_positive"] == 1.0


def test_order_of_the_rows_is_of_no_account():
    runs = table(np.linspace(0, 1, 12))
    shuffled = runs.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(effects(runs, ["y"], "base"), effects(shuffled, ["y"], "base"))


def test_missing_failed_and_undefined_runs_are_counted_and_not_taken_for_zero():
    differences = np.array([1.0, 1.0, 1.0, 1.0, 5.0, 5.0, 5.0])
    runs = table(differences)
    law = runs["arm"] == "law"
    runs.loc[law & (runs["replicate"] == 4), ["status", "y"]] = ["failed", np.nan]
    runs.loc[~law & (runs["replicate"] == 5), ["status", "y"]] = ["missing", np.nan]
    runs.loc[law & (runs["replicate"] == 6), "y"] = np.nan
    (row,) = effects(runs, ["y"], "base").to_dict("records")
    assert (row["n"], row["missing"], row["undefined"]) == (4, 2, 1)
    assert row["effect"] == pytest.approx(1.0)
    assert row["low"] == pytest.approx(1.0)


def test_a_value_of_a_run_that_failed_is_not_used():
    runs = table(np.ones(5))
    runs.loc[(runs["arm"] == "law") & (runs["replicate"] == 0), ["status", "y"]] = ["failed", 1000.0]
    (row,) = effects(runs, ["y"], "base").to_dict("records")
    assert (row["n"], row["missing"]) == (4, 1)
    assert row["effect"] == pytest.approx(1.0)


def test_absent_rows_are_missing_pairs():
    runs = table(np.ones(5))
    runs = runs[~((runs["arm"] == "law") & (runs["replicate"] == 2))]
    (row,) = effects(runs, ["y"], "base").to_dict("records")
    assert (row["n"], row["missing"]) == (4, 1)


def test_each_point_and_each_arm_has_a_row():
    found = effects(
        table(np.ones(4), arms=("base", "law", "more"), points=3), ["y"], "base", parameters=["size"]
    )
    assert list(found.columns[:2]) == ["point", "size"]
    assert len(found) == 6
    by = found.set_index(["point", "arm"])["effect"]
    assert by[2, "law"] == pytest.approx(3.0)
    assert by[2, "more"] == pytest.approx(6.0)
    assert set(found["size"].round(3)) == {0.0, 0.1, 0.2}


def test_over_points_each_point_counts_once():
    runs = table(np.zeros(3), points=10)
    few = runs[~((runs["point"] > 4) & (runs["replicate"] > 0))]  # replicates differ in number
    (row,) = effects(few, ["y"], "base", by_point=False).to_dict("records")
    assert (row["n"], row["effect"]) == (10, pytest.approx(4.5))  # points 0 to 9 have effects 0 to 9
    assert row["share_positive"] == pytest.approx(0.9)
    assert row["low"] < 3.5 < 5.5 < row["high"]


def test_too_few_pairs_have_no_interval():
    (row,) = effects(table(np.ones(1)), ["y"], "base").to_dict("records")
    assert (row["n"], row["effect"]) == (1, pytest.approx(1.0))
    assert np.isnan([row["low"], row["high"]]).all()
    runs = table(np.ones(2))
    runs["status"] = "missing"
    (none,) = effects(runs, ["y"], "base").to_dict("records")
    assert (none["n"], none["missing"]) == (0, 2)
    assert np.isnan([none["effect"], none["mean"], none["low"]]).all()


def test_one_arm_has_no_effects():
    assert effects(table(np.ones(3), arms=("base",)), ["y"], "base").empty


def test_interval_is_that_of_scipy():
    values = np.random.default_rng(5).lognormal(size=25)
    ours = bootstrap_interval(values, np.random.default_rng(1), resamples=40_000)
    theirs = bootstrap((values,), np.mean, method="BCa", n_resamples=40_000, rng=2).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), rel=0.02)


@pytest.mark.slow
def test_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(400):
        low, high = bootstrap_interval(rng.normal(1.0, 2.0, 30), rng, resamples=1000)
        covered += low <= 1.0 <= high
    assert 0.90 <= covered / 400 <= 0.975


def test_intervals_repeat_and_do_not_depend_on_the_other_outputs():
    runs = table(np.random.default_rng(2).lognormal(size=9))
    alone = effects(runs, ["y"], "base", seed=4)
    both = effects(runs.assign(z=runs["y"] * 2), ["z", "y"], "base", seed=4)
    pd.testing.assert_frame_equal(alone, both[both["output"] == "y"].reset_index(drop=True))
    other = effects(runs, ["y"], "base", seed=5)
    assert other["low"][0] != alone["low"][0]


def test_values_that_are_all_the_same_have_no_width():
    assert bootstrap_interval(np.full(7, 2.5), np.random.default_rng(0)) == (2.5, 2.5)


def test_an_arm_is_compared_with_others_besides_only_where_that_is_asked():
    differences = np.random.default_rng(1).normal(0.5, 0.1, 12)
    runs = table(differences, arms=("base", "law", "repealed"))
    found = effects(runs, ["y"], "base", against={"repealed": ["law", "base", "absent"]})
    assert list(zip(found["arm"], found["reference"], strict=True)) == [
        *(("law", "base"), ("repealed", "base")),
        ("repealed", "law"),
    ]
    besides = found.iloc[2]
    assert besides["effect"] == pytest.approx(differences.mean())
    assert besides["mean_reference"] == pytest.approx(found.iloc[0]["mean"])
    pd.testing.assert_frame_equal(found.iloc[:2], effects(runs, ["y"], "base"))
