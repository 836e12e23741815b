import numpy as np
import pandas as pd
import pytest

from analysis.thresholds import first_crossing, thresholds

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)


def sweep(replicates=20, noise=0.02, arms=(("base", 0.0), ("law", 0.1))):
    """Return runs whose output is the share itself, plus what the arm adds and each replicate's luck."""
    rng = np.random.default_rng(6)
    rows = []
    for replicate in range(replicates):
        luck = noise * rng.normal()
        rows += [
            {
                "arm": arm,
                "replicate": replicate,
                "status": "finished",
                "share": share,
                "y": share + more + luck,
            }
            for share in SHARES
            for arm, more in arms
        ]
    return pd.DataFrame(rows).sample(frac=1, random_state=1)


def test_crossing_is_interpolated():
    at = np.array([0.0, 1.0, 2.0, 4.0])
    curves = np.array([[0, 0, 1, 3], [3, 1, 0, 0], [0, 0.5, 0, 9], [0, 0.1, 0.2, 0.3], [0.5, 9, 9, 9]], float)
    assert first_crossing(at, curves, 0.5).tolist() == [1.5, 0.0, 1.0, np.inf, 0.0]
    assert first_crossing(at, curves[:1], 2.0).tolist() == [3.0]  # steps of different widths


def test_threshold_and_its_interval():
    found = thresholds(sweep(), "y", "share", 0.35).set_index("arm")
    runs = sweep().groupby(["arm", "share"])["y"].mean()
    for arm, more in (("base", 0.0), ("law", 0.1)):
        luck = runs[arm, 0.1] - 0.1 - more
        row = found.loc[arm]
        assert row["threshold"] == pytest.approx(0.35 - more - luck)
        assert row["threshold"] - 0.02 < row["low"] < row["threshold"] < row["high"] < row["threshold"] + 0.02
        assert (row["n"], row["share_reached"], row["missing"]) == (20, 1.0, 0)
        assert (row["lowest"], row["highest"], row["level"]) == (0.1, 0.5, 0.35)


def test_what_is_never_reached_is_infinite_and_not_the_end_of_the_sweep():
    found = thresholds(sweep(), "y", "share", 0.9)
    assert np.isinf(found[["threshold", "low", "high"]]).all(axis=None)
    assert (found["share_reached"] == 0).all()
    half = thresholds(sweep(noise=0.1), "y", "share", 0.5).set_index("arm").loc["base"]
    assert 0 < half["share_reached"] < 1
    assert np.isfinite(half["low"])
    assert np.isinf(half["high"])


def test_level_may_be_reached_from_above():
    runs = sweep(noise=0.0)
    runs["y"] = 1 - runs["y"]
    found = thresholds(runs, "y", "share", 0.65, below=True).set_index("arm")["threshold"]
    assert found["base"] == pytest.approx(0.35)
    assert found["law"] == pytest.approx(0.25)
    assert (thresholds(runs, "y", "share", 0.65)["threshold"] == 0.1).all()  # above it from the beginning


def test_replicates_with_a_missing_run_are_left_out_and_counted():
    runs = sweep(noise=0.0)
    lost = (runs["arm"] == "law") & (runs["replicate"] < 3) & (runs["share"] == 0.3)
    runs.loc[lost, ["status", "y"]] = ["failed", 0.0]
    found = thresholds(runs, "y", "share", 0.35).set_index("arm")
    assert (found.loc["law", "n"], found.loc["law", "missing"]) == (17, 3)
    assert found.loc["law", "threshold"] == pytest.approx(0.25)
    runs["status"] = "missing"
    nothing = thresholds(runs, "y", "share", 0.35).iloc[0]
    assert (nothing["n"], nothing["missing"]) == (0, 20)
    assert np.isnan(nothing["threshold"])


def test_other_parameters_have_thresholds_of_their_own():
    runs = pd.concat([sweep(noise=0.0).assign(size=1), sweep(noise=0.0).assign(size=2)])
    runs.loc[runs["size"] == 2, "y"] -= 0.05
    found = thresholds(runs, "y", "share", 0.3, others=["size"]).set_index(["size", "arm"])["threshold"]
    assert found[1, "base"] == pytest.approx(0.3)
    assert found[2, "base"] == pytest.approx(0.35)
    assert found[2, "law"] == pytest.approx(0.25)
