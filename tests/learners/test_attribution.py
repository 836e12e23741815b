import numpy as np
import pytest

from learners.attribution import shapley_shares


def test_published_shares_of_a_concave_game():
    """The value is the root of the total size: unequal players, decreasing returns."""
    size = {"a": 0.5, "b": 0.3, "c": 0.2}
    shares = shapley_shares(lambda players: {"v": np.sqrt(sum(size[p] for p in players))}, list(size))
    assert shares["v"] == pytest.approx({"a": 0.4560, "b": 0.3116, "c": 0.2324}, abs=5e-5)


def test_shares_sum_to_the_total_and_idlers_get_nothing():
    rng = np.random.default_rng(0)
    worth = {}

    def value(players):
        key = players - {"idle"}
        return {"x": worth.setdefault(key, rng.normal()), "y": 2.0 * ("b" in players)}

    shares = shapley_shares(value, ["a", "b", "c", "idle"])
    total = worth[frozenset("abc")] - worth[frozenset()]
    assert sum(shares["x"].values()) == pytest.approx(total)
    assert shares["x"]["idle"] == pytest.approx(0, abs=1e-12)
    assert shares["y"] == pytest.approx({"a": 0, "b": 2, "c": 0, "idle": 0})


def test_every_set_is_asked_once_and_nobody_gets_nothing():
    asked = []
    shapley_shares(lambda players: asked.append(players) or {"v": 0.0}, list("abcd"))
    assert len(asked) == len(set(asked)) == 16
    assert shapley_shares(lambda players: {"v": 1.0}, []) == {"v": {}}
