import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from SALib.analyze import sobol as sobol_analysis

from scenarios.batch.designs import Design, Listed, Range

DESIGN = TypeAdapter(Design)


def design(**fields):
    return DESIGN.validate_python(fields)


def column(points, key):
    return np.array([point[key] for point in points])


def test_grid_is_every_combination_with_the_last_key_fastest():
    grid = design(design="grid", axes={"a": [1, 2], "b": ["x", "y", "z"]})
    assert grid.keys == ("a", "b")
    points = grid.points(0)
    assert [(point["a"], point["b"]) for point in points] == [
        (1, "x"),
        (1, "y"),
        (1, "z"),
        (2, "x"),
        (2, "y"),
        (2, "z"),
    ]


def test_listed_points_are_taken_as_they_are():
    listed = design(design="points", points=[{"a": 1, "b": 2}, {"b": 5, "a": 3}])
    assert listed.keys == ("a", "b")
    assert listed.points(0) == [{"a": 1, "b": 2}, {"b": 5, "a": 3}]


def test_listed_points_can_have_names():
    named = Listed(points=[{"ticks": 3}, {"ticks": 5}], labels=["short", "long"])
    assert named.labels == ["short", "long"]
    with pytest.raises(ValueError, match="labels: 1 are given for 2 points"):
        Listed(points=[{"ticks": 3}, {"ticks": 5}], labels=["short"])


def test_latin_hypercube_has_one_point_in_each_slice_of_every_axis():
    axes = {"a": Range(low=-1, high=3), "b": Range(low=1, high=10_000, log=True), "c": ["x", "y"]}
    points = design(design="latin_hypercube", n=20, axes=axes).points(7)
    a, b = column(points, "a"), column(points, "b")
    assert sorted(np.floor((a + 1) / 4 * 20)) == list(range(20))
    assert sorted(np.floor(np.log10(b) / 4 * 20)) == list(range(20))
    assert (column(points, "c") == "x").sum() == 10
    assert abs(np.corrcoef(a, np.log(b))[0, 1]) < 0.9  # axes are shuffled apart


def test_latin_hypercube_follows_the_seed_and_an_axis_does_not_follow_the_others():
    one = {"a": Range(low=0, high=1)}
    two = {"z": Range(low=0, high=1), **one}
    alone = design(design="latin_hypercube", n=8, axes=one)
    beside = design(design="latin_hypercube", n=8, axes=two)
    assert alone.points(1) == alone.points(1) != alone.points(2)
    assert (column(alone.points(1), "a") == column(beside.points(1), "a")).all()
    assert (column(beside.points(1), "z") != column(beside.points(1), "a")).any()


def test_whole_numbers_are_whole_and_as_likely():
    axis = Range(low=2, high=5, integer=True)
    values = [axis.at(share) for share in np.linspace(0, 1, 400, endpoint=False)]
    assert all(isinstance(value, int) for value in values)
    assert [values.count(value) for value in (2, 3, 4, 5)] == [100] * 4
    assert axis.at(np.nextafter(1, 0)) == 5


def test_sobol_design_is_what_salib_analyses():
    axes = {"a": Range(low=0, high=1), "b": Range(low=0, high=2), "c": Range(low=0, high=1)}
    sobol = design(design="sobol", n=512, axes=axes)
    points = sobol.points(3)
    assert len(points) == 512 * (3 + 2)
    assert len(design(design="sobol", n=4, axes=axes, second_order=True).points(3)) == 4 * (2 * 3 + 2)
    y = column(points, "a") + column(points, "b")  # variances 1/12 and 4/12; c has no effect
    found = sobol_analysis.analyze(sobol.problem, y, calc_second_order=False, seed=1)
    assert found["S1"] == pytest.approx([0.2, 0.8, 0.0], abs=0.03)
    assert found["ST"] == pytest.approx([0.2, 0.8, 0.0], abs=0.03)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"design": "grid", "axes": {}}, "at least 1 item"),
        ({"design": "grid", "axes": {"a": []}}, "at least 1 item"),
        ({"design": "grid", "axes": {str(i): list(range(10)) for i in range(7)}}, "10000000 combinations"),
        ({"design": "points", "points": [{"a": 1}, {"b": 1}]}, "points.1 has not the keys of the first: a"),
        ({"design": "points", "points": [{}]}, "points.0 has not the keys"),
        ({"design": "sobol", "n": 100, "axes": {"a": {"low": 0, "high": 1}}}, "no power of two; take 128"),
        (
            {"design": "latin_hypercube", "n": 0, "axes": {"a": {"low": 0, "high": 1}}},
            "greater than or equal",
        ),
        (
            {"design": "latin_hypercube", "n": 2, "axes": {"a": {"low": 1, "high": 1}}},
            "low is 1, not below high",
        ),
        (
            {"design": "latin_hypercube", "n": 2, "axes": {"a": {"low": 0, "high": 1, "log": True}}},
            "with log it must be above 0",
        ),
        (
            {"design": "latin_hypercube", "n": 2, "axes": {"a": {"low": 0.5, "high": 2, "integer": True}}},
            "with integer, both are whole",
        ),
        ({"design": "random", "n": 2}, "does not match any of the expected tags"),
    ],
)
def test_impossible_designs_are_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        design(**fields)
