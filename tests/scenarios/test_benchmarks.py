import json

import numpy as np
import pytest

from scenarios import benchmarks
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


def test_bench_runs_the_named_benchmark_and_prints_one_object(inside, monkeypatch, result):
    monkeypatch.setitem(benchmarks.BENCHMARKS, "population", lambda: result)
    done = inside("bench", "population", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == result
    plain = inside("bench")
    assert f"ratio_allowed {result['ratio_allowed']:.4g}".split() in map(str.split, plain.stdout.splitlines())
