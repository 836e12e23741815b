import numpy as np
import pandas as pd
import pytest

from analysis.scenario_discovery import experiments_outcomes


@pytest.fixture
def runs():
    rng = np.random.default_rng(1)
    luck = rng.normal(size=(4, 3))
    return pd.DataFrame(
        {
            "arm": arm,
            "point": point,
            "replicate": replicate,
            "status": "finished",
            "size": point / 4,
            "kind": "ring" if point % 2 else "star",
            "y": luck[point, replicate] + gain * point,
        }
        for replicate in range(3)
        for point in range(4)
        for arm, gain in (("none", 0), ("law", 2))
    )


def test_one_experiment_for_each_arm_and_point(runs):
    experiments, outcomes = experiments_outcomes(runs.sample(frac=1, random_state=3), ["y"], ["size", "kind"])
    assert list(experiments.columns) == ["size", "kind", "policy", "scenario"]
    assert len(experiments) == len(outcomes["y"]) == 8
    means = runs.groupby(["arm", "point"])["y"].mean()
    for row, value in zip(experiments.to_dict("records"), outcomes["y"], strict=True):
        assert value == pytest.approx(means[row["policy"], row["scenario"]])
        assert (row["size"], row["kind"]) == (row["scenario"] / 4, "ring" if row["scenario"] % 2 else "star")


def test_paired_differences(runs):
    experiments, outcomes = experiments_outcomes(runs, ["y"], ["size"], reference="none")
    assert set(experiments["policy"]) == {"law"}
    assert outcomes["y"] == pytest.approx(2.0 * experiments["scenario"])


@pytest.mark.parametrize("lost", ["failed", "undefined"])
def test_points_that_lack_a_run_are_left_out(runs, lost):
    bad = (runs["arm"] == "none") & (runs["point"] == 2) & (runs["replicate"] == 1)
    runs.loc[bad, ["status"]] = "failed" if lost == "failed" else "finished"
    runs.loc[bad, ["y"]] = 1e9 if lost == "failed" else np.nan
    experiments, outcomes = experiments_outcomes(runs, ["y"], ["size"], reference="none")
    assert list(experiments["scenario"]) == [0, 1, 3]
    assert outcomes["y"] == pytest.approx([0, 2, 6])
    alone, _ = experiments_outcomes(runs, ["y"], ["size"])
    assert len(alone) == 7
