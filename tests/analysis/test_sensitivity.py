import numpy as np
import pandas as pd
import pytest
from SALib.sample import sobol
from SALib.test_functions import Ishigami, Sobol_G

from analysis.sensitivity import RefusedError, seed_share, sobol_indices, sobol_lines, sobol_table

ISHIGAMI = {"first": (0.3139, 0.4424, 0.0), "total": (0.5576, 0.4424, 0.2437)}
"""Analytic indices for a = 7, b = 0.1 (Saltelli et al. 2000)."""


def sample(k, n, second_order=False):
    problem = {"num_vars": k, "names": list(map(str, range(k))), "bounds": [[0.0, 1.0]] * k}
    return sobol.sample(problem, n, calc_second_order=second_order, seed=5)


def ishigami(shares):
    return Ishigami.evaluate(np.pi * (2 * shares - 1))


def study(values, arms=("base",), replicates=3, luck=0.0):
    """Return runs whose output is values[arm][point] and luck that a replicate has at this point."""
    rng = np.random.default_rng(11)
    return pd.DataFrame(
        {
            "run_id": f"{arm}{point}r{replicate}",
            "arm": arm,
            "point": point,
            "replicate": replicate,
            "status": "finished",
            "y": value + luck * rng.normal(),
        }
        for replicate in range(replicates)
        for point in range(len(values[0]))
        for arm, value in zip(arms, (of_arm[point] for of_arm in values), strict=True)
    )


def found(table, **where):
    for key, value in where.items():
        table = table[table[key] == value]
    return table.set_index("parameter")["value"]


@pytest.mark.parametrize("order", ["first", "total"])
def test_indices_of_a_known_function(order):
    runs = study([ishigami(sample(3, 1024))], luck=0.2)
    table = sobol_table(runs, ["y"], ["a", "b", "c"], "base", seed=1)
    rows = table[table["index"] == order].set_index("parameter")
    assert list(rows["value"]) == pytest.approx(ISHIGAMI[order], abs=0.04)
    known = np.array(ISHIGAMI[order])
    assert ((rows["low"] <= known) & (rows["high"] >= known)).all()
    assert (rows["high"] - rows["low"]).between(0.005, 0.3).all()
    assert (rows["n"] == 1024).all()
    assert (rows["replicates"] == 3).all()


def test_indices_of_a_function_of_eight():
    a = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])
    values = Sobol_G.evaluate(sample(8, 1024), a)
    table = sobol_table(study([values], replicates=1), ["y"], list("abcdefgh"), "base")
    first, total = (found(table, index=order).to_numpy() for order in ("first", "total"))
    assert first == pytest.approx(Sobol_G.sensitivity_index(a), abs=0.05)
    assert total == pytest.approx(Sobol_G.total_sensitivity_index(a), abs=0.05)


def test_pairs_are_separated_where_the_design_does():
    values = ishigami(sample(3, 1024, second_order=True))
    table = sobol_table(study([values], replicates=1), ["y"], ["a", "b", "c"], "base", second_order=True)
    second = table[table["index"] == "second"].set_index(["parameter", "other"])["value"]
    assert second["a", "c"] == pytest.approx(0.2437, abs=0.05)
    assert second["a", "b"] == pytest.approx(0.0, abs=0.05)


def test_what_a_law_changes_has_indices_of_its_own():
    shares = sample(2, 256)
    base, law = 10 * shares[:, 0], 10 * shares[:, 0] + shares[:, 1]
    table = sobol_table(study([base, law], arms=("base", "law")), ["y"], ["a", "b"], "base")
    assert set(zip(table["arm"], table["reference"], strict=True)) == {
        ("base", ""),
        ("law", ""),
        ("law", "base"),
    }
    of_arm, of_law = (found(table, arm="law", reference=name, index="total") for name in ("", "base"))
    assert of_arm["a"] > 0.95
    assert list(of_law) == pytest.approx([0, 1], abs=0.02)


def test_same_seed_same_intervals():
    runs = study([ishigami(sample(3, 64))])
    tables = [sobol_table(runs, ["y"], ["a", "b", "c"], "base", seed=seed) for seed in (0, 0, 1)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert (tables[0]["value"] == tables[2]["value"]).all()
    assert (tables[0]["low"] != tables[2]["low"]).any()
    shuffled = sobol_table(runs.sample(frac=1, random_state=2), ["y"], ["a", "b", "c"], "base", seed=0)
    pd.testing.assert_frame_equal(tables[0], shuffled)


@pytest.mark.parametrize(
    ("status", "value", "told"),
    [
        ("failed", 1.0, "has failed"),
        ("missing", 1.0, "is missing"),
        ("finished", np.nan, "has y = nan"),
        ("finished", np.inf, "has y = inf"),
    ],
)
def test_one_bad_run_is_refused_by_name_and_never_zero(status, value, told):
    shares = sample(3, 16)
    runs = study([ishigami(shares), ishigami(shares)], arms=("base", "law"))
    bad = (runs["run_id"] == "law7r1").to_numpy()
    runs.loc[bad, ["status"]] = status
    runs.loc[bad, ["y"]] = value
    table = sobol_table(runs, ["y"], ["a", "b", "c"], "base")
    refused = table[table["arm"] == "law"]
    assert list(refused["reference"]) == ["", "base"]
    assert refused["value"].isna().all()
    assert refused["refused"].str.fullmatch(r"run law7r1 \(arm law, point 7, replicate 1\) " + told).all()
    whole = table[table["arm"] == "base"]
    assert len(whole) == 6
    assert whole["value"].notna().all()
    lines = sobol_lines(table)
    assert lines[1].startswith("y, arm law: no indices, since run law7r1")
    assert lines[0].startswith("y, arm base: ")


def test_many_bad_runs_are_counted():
    runs = study([ishigami(sample(3, 16))]).assign(status="missing")
    (row,) = sobol_table(runs, ["y"], ["a", "b", "c"], "base").to_dict("records")
    assert row["refused"].count("run base") == 5
    assert row["refused"].endswith("; and 235 more")


@pytest.mark.parametrize("lost", ["base3r2", "base79r0"])
def test_table_without_a_row_is_refused(lost):
    runs = study([ishigami(sample(3, 16))])
    (row,) = sobol_table(runs[runs["run_id"] != lost], ["y"], ["a", "b", "c"], "base").to_dict("records")
    assert "not every replicate" in row["refused"]
    assert np.isnan(row["value"])


def test_output_without_variance_and_other_designs_are_refused():
    with pytest.raises(RefusedError, match=r"0\.5 at all points"):
        sobol_indices(np.full((20, 2), 0.5), ["a", "b", "c"])
    with pytest.raises(RefusedError, match="19 points are no whole number of base samples of 5"):
        sobol_indices(np.random.default_rng(1).random((19, 1)), ["a", "b", "c"])
    with pytest.raises(RefusedError, match="1 of 20 values"):
        sobol_indices(np.r_[[np.nan], np.arange(19.0)][:, None], ["a", "b", "c"])


def test_share_of_luck():
    rng = np.random.default_rng(4)
    points = rng.normal(0, 2, (4000, 1))
    assert seed_share(points + rng.normal(0, 1, (4000, 5))) == pytest.approx(1 / 5, abs=0.02)
    assert seed_share(rng.normal(0, 1, (4000, 5))) == pytest.approx(1, abs=0.02)
    assert seed_share(np.repeat(points, 3, axis=1)) == pytest.approx(0, abs=1e-12)
    assert np.isnan(seed_share(points))


def test_words_name_the_most_influential_first():
    table = sobol_table(study([ishigami(sample(3, 256))], luck=1.0), ["y"], ["a", "b", "c"], "base")
    (line,) = sobol_lines(table)
    assert line.startswith("y, arm base: a 0.")
    assert line.index("a 0.") < line.index("b 0.") < line.index("c ")
    assert "luck in a single run's variance: " in line
    assert "unknown" not in line
