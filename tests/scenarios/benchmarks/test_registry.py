import json

import numpy as np
import pytest

from scenarios.benchmarks import registry as benchmarks
from scenarios.benchmarks import scale as scale_benchmark
from scenarios.benchmarks import study_speed as study_benchmark
from scenarios.run_directory import json_text


@pytest.fixture(scope="module")
def result():
    return benchmarks.population(users=2000, ticks=2)


def test_population_says_what_was_measured_against_what(result):
    assert set(result) == {
        "benchmark",
        "measured",
        "peer",
        "tick_seconds",
        "peer_seconds",
        "ratio",
        "ratio_allowed",
        "construction_seconds",
        "construction_seconds_allowed",
        "participation",
    }
    assert result["benchmark"] == "population"
    assert "2,000 users" in result["measured"]
    for key in ("tick_seconds", "peer_seconds", "construction_seconds"):
        assert isinstance(result[key], float)
        assert 0 < result[key] < np.inf
    assert result["ratio"] == result["tick_seconds"] / result["peer_seconds"]


def test_people_moved_while_the_ticks_were_timed(result):
    assert result["participation"] == pytest.approx(2 * 2 * 0.01)


def test_result_can_be_printed_as_json(result):
    assert json.loads(json_text(result)) == result


def test_bench_runs_the_named_benchmark_and_prints_one_object(inside, monkeypatch, result, tmp_path):
    asked = []
    known = {"population": lambda data_dir: asked.append(data_dir) or result, "other": lambda _: {"other": 1}}
    monkeypatch.setattr(benchmarks, "BENCHMARKS", known)
    done = inside("bench", "population", "--json", "--data-dir", tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout) == result
    assert asked == [tmp_path]
    plain = [line.split() for line in inside("bench").stdout.splitlines()]
    assert f"ratio_allowed {result['ratio_allowed']:.4g}".split() in plain
    assert ["other", "1"] in plain


def test_rows_are_for_programs_and_text_is_for_people(inside, monkeypatch):
    result = {"benchmark": "b", "rows": [{"seconds": 1.5}], "text": ["one [b] line", "another"]}
    monkeypatch.setattr(benchmarks, "BENCHMARKS", {"b": lambda _: result})
    assert json.loads(inside("bench", "b", "--json").stdout) == {"benchmark": "b", "rows": [{"seconds": 1.5}]}
    assert inside("bench", "b").stdout.splitlines()[1:] == ["one [b] line", "another"]


def test_unknown_benchmark_is_refused_and_the_known_ones_named(inside):
    done = inside("bench", "nonsense")
    assert done.returncode == 2
    assert "there is no benchmark 'nonsense'; there are population, learners, scale" in done.stderr


@pytest.mark.slow
def test_scale_measures_every_size_in_a_fresh_process():
    result = scale_benchmark.scale(600, 400, 30_000, shares=(0.5, 1.0))
    assert [(row["owners"], row["ratings"]) for row in result["rows"]] == [(300, 15_000), (600, 30_000)]
    for row in result["rows"]:
        assert row["items"] == 400
        assert 0.05 < row["peak_gibibytes"] < 3
        assert row["data_seconds"] > 0
        assert row["update_seconds"] > 0
        assert row["floor_seconds"] > 0
        assert 0.5 < row["rmse"] < 1.1
    assert result["sweep_seconds"] == result["rows"][-1]["sweep_seconds"]
    assert "600 raters, 400 items, 30,000 ratings" in result["text"][1]


def test_peak_of_memory_is_in_gibibytes():
    before = scale_benchmark.peak_gibibytes()
    held = np.ones(2**28, np.uint8)
    assert scale_benchmark.peak_gibibytes() >= before
    assert scale_benchmark.peak_gibibytes() > 0.25
    assert len(held) == 2**28


@pytest.mark.slow
def test_studies_are_timed_with_one_worker_with_two_and_against_mesa():
    result = study_benchmark.study_speed(runs=5, ticks=1)
    assert "8 runs of 1 ticks" in result["measured"]
    assert result["speedup"] == result["seconds_one_worker"] / result["seconds_two_workers"]
    assert result["ratio"] == result["peer_seconds"] / result["seconds_two_workers"]
    assert 0 < result["share_of_ideal"] < 1
    json_text(result)
