import math
from itertools import pairwise

import numpy as np
import pytest

from analysis.valuation import (
    OUTCOMES,
    Groups,
    RetrainedWorth,
    exact_shares,
    gray_code,
    sampled_shares,
)
from learners.errors import InputError
from learners.holdings import Holding
from learners.usecase import Reference, load_use_case

SIZES = {"a": 0.5, "b": 0.3, "c": 0.2}


def root(present):
    return {"worth": math.sqrt(sum(SIZES[name] for name in present))}


@pytest.fixture(scope="module")
def reference():
    return Reference(load_use_case("digits", device="cpu"), seed=0)


def thirds(use_case):
    return Groups.of_labels(np.array(["x", "y", "z", ""])[np.arange(use_case.owners) % 4])


def test_neighbours_in_the_sequence_differ_by_one_group():
    sets = gray_code("abcde")
    assert len(set(sets)) == 32
    assert sets[0] == set("abcde")
    assert all(len(before ^ after) == 1 for before, after in pairwise(sets))


def test_shares_of_a_root_of_sizes():
    worth = {chosen: root(chosen) for chosen in gray_code("abc")}
    table = exact_shares(worth, "abc").set_index("group")
    np.testing.assert_allclose(table["shapley"], [0.4560, 0.3116, 0.2324], atol=5e-5)
    assert table["shapley"].sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(table["strike"], [1 - math.sqrt(1 - size) for size in SIZES.values()])
    # Banzhaf of a: over the sets of b and c.
    added = [math.sqrt(x + 0.5) - math.sqrt(x) for x in (0, 0.3, 0.2, 0.5)]
    assert table["banzhaf"]["a"] == pytest.approx(np.mean(added))


def test_drawn_orders_and_sets_come_to_the_exact_shares():
    rng = np.random.default_rng(0)
    table = sampled_shares(root, "abc", rng, permutations=400, sets=4000).set_index("group")
    exact = exact_shares({chosen: root(chosen) for chosen in gray_code("abc")}, "abc").set_index("group")
    for kind in ("shapley", "banzhaf"):
        assert (np.abs(table[kind] - exact[kind]) < 4 * table[f"{kind}_se"]).all()
        assert (table[f"{kind}_se"] < 0.02).all()
    # Every order in full adds up to what all achieve.
    assert table["shapley"].sum() == pytest.approx(1)
    np.testing.assert_allclose(table["strike"], exact["strike"])


def test_orders_are_broken_off_when_nothing_is_left_to_add():
    asked = []

    def satiated(present):
        asked.append(present)
        return {"worth": float(len(present) > 0)}

    names = [str(k) for k in range(10)]
    table = sampled_shares(satiated, names, np.random.default_rng(1), permutations=50, sets=4, tolerance=1e-9)
    assert table["shapley"].sum() == pytest.approx(1)
    # Besides everybody, nobody, ten strikes and four sets: one set an order, not ten.
    assert len(asked) == 2 + 10 + 4 + 50


def test_worth_is_that_of_a_model_trained_on_these_data(reference):
    use_case = reference.use_case
    groups = thirds(use_case)
    scale = reference.scale("holdout", reference.evaluation)
    for background in ("present", "absent"):
        worth = RetrainedWorth(reference, groups, background)
        for present in (frozenset("xyz"), frozenset("x"), frozenset("xz"), frozenset()):
            labels = np.array(["x", "y", "z", ""])[np.arange(use_case.owners) % 4]
            chosen = np.isin(labels, [*present]) | ((labels == "") & (background == "present"))
            # The learner of digits is exact: the way there leaves no trace.
            alone = use_case.learner(0).update(Holding.of(chosen), reference.uninformed)
            found = worth(present)
            assert found["quality"] == pytest.approx(scale.cdc(alone.holdout))
            assert found["revenue"] == pytest.approx(alone.hits.sum() / reference.evaluation.hits.sum())
            assert set(found) == set(OUTCOMES)
    assert worth(frozenset())["quality"] == pytest.approx(0)


def test_shares_of_retrained_models_add_up(reference):
    groups = thirds(reference.use_case)
    worth = RetrainedWorth(reference, groups)
    sets = {chosen: worth(chosen) for chosen in gray_code(groups.names)}
    table = exact_shares(sets, groups.names)
    for outcome, shares in table.groupby("outcome"):
        total = sets[frozenset(groups.names)][outcome] - sets[frozenset()][outcome]
        assert abs(shares["shapley"].sum() - total) < 1e-9
        assert (shares["shapley"] > 0).all()


def test_groups():
    groups = Groups.of_labels(["m", None, "f", "m", float("nan"), ""])
    assert groups.names == ("f", "m")
    assert groups.codes.tolist() == [1, -1, 0, 1, -1, -1]
    assert groups.members(frozenset("m")).tolist() == [True, False, False, True, False, False]
    assert groups.sizes().tolist() == [1, 2]
    assert groups.sizes(np.arange(6.0)).tolist() == [2, 3]
    assert Groups.of_labels([3, 3, 4]).names == ("3", "4")


def test_bad_input():
    with pytest.raises(InputError, match="at least 2"):
        Groups.of_labels(["m", "m"])
    with pytest.raises(InputError, match="nobody is in b"):
        Groups(("a", "b"), np.zeros(3, np.int16))
    with pytest.raises(InputError, match=r"2 orders and 4 sets .* \(got 1 and 4\)"):
        sampled_shares(root, "abc", np.random.default_rng(0), permutations=1, sets=4)
