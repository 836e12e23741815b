import numpy as np
import pytest

from learners.holdings import Holding
from learners.sharded_ensemble import ShardedEnsemble
from learners.usecase import load_use_case

SHARDS = 4


@pytest.fixture(scope="module")
def digits():
    return load_use_case("digits", device="cpu", owners=40, filters=4)


@pytest.fixture
def ensemble(digits):
    trained = ShardedEnsemble(digits, 3, SHARDS)
    trained.update(Holding.full(40))
    return trained


def test_owners_are_dealt_out_evenly_and_by_seed(digits):
    shard_of = ShardedEnsemble(digits, 3, SHARDS).shard_of
    assert np.bincount(shard_of).tolist() == [10] * SHARDS
    np.testing.assert_array_equal(shard_of, ShardedEnsemble(digits, 3, SHARDS).shard_of)
    assert (shard_of != ShardedEnsemble(digits, 4, SHARDS).shard_of).any()


def test_what_is_said_is_the_mean_of_models_that_each_saw_one_shard(digits, ensemble):
    said = ensemble.evaluation.predictions
    parts = [
        digits.learner(3).update(Holding.of(ensemble.shard_of == shard)).predictions
        for shard in range(SHARDS)
    ]
    np.testing.assert_allclose(said.holdout, np.mean([part.holdout for part in parts], axis=0))
    np.testing.assert_allclose(said.company, np.mean([part.company for part in parts], axis=0))


def test_forgetting_retrains_the_touched_shards_and_no_others(ensemble):
    assert ensemble.retrained == tuple(range(SHARDS))
    (first, *others) = np.flatnonzero(ensemble.shard_of == 2)
    ensemble.update(Holding.full(40).without([first]))
    assert ensemble.retrained == (2,)
    ensemble.update(Holding.full(40).without([first, others[0], np.flatnonzero(ensemble.shard_of == 0)[0]]))
    assert ensemble.retrained == (0, 2)


def test_forgetting_is_exact(digits, ensemble):
    """Of who is forgotten nothing is left: the ensemble is that of somebody who never had them."""
    left = Holding.full(40).without(np.arange(7))
    forgot = ensemble.update(left)
    never = ShardedEnsemble(digits, 3, SHARDS).update(left)
    np.testing.assert_allclose(forgot.predictions.holdout, never.predictions.holdout, atol=1e-9)
    assert forgot.holdout == never.holdout


def test_a_fork_goes_its_own_way(ensemble):
    before = ensemble.evaluation.holdout
    twin = ensemble.fork()
    twin.update(Holding.full(40).without(np.arange(30)))
    assert ensemble.update(Holding.full(40)).holdout == before
    assert len(twin.retrained) == SHARDS


def test_a_shard_without_owners_is_left_out(digits, ensemble):
    gone = np.flatnonzero(ensemble.shard_of == 1)
    said = ensemble.update(Holding.full(40).without(gone)).predictions.holdout
    parts = [
        digits.learner(3).update(Holding.of(ensemble.shard_of == shard)).predictions.holdout
        for shard in (0, 2, 3)
    ]
    np.testing.assert_allclose(said, np.mean(parts, axis=0))


def test_people_are_served_by_the_model_that_knows_them(prepared):
    case = load_use_case("ml-100k", prepared("ml-100k"), "cpu", owners=60)
    ensemble = ShardedEnsemble(case, 3, SHARDS)
    held = Holding.full(60).without([7])
    said = ensemble.update(held).predictions
    parts = [
        case.learner(3).update(held.without(ensemble.shard_of != shard)).predictions
        for shard in range(SHARDS)
    ]
    own = ensemble.shard_of[case.holdout.owners]
    everybody = np.array([part.holdout for part in parts])
    known = case.holdout.owners != 7
    rows = np.arange(len(own))
    np.testing.assert_allclose(said.holdout[known], everybody[own, rows][known], atol=1e-5)
    np.testing.assert_allclose(said.holdout[~known], everybody.mean(axis=0)[~known], atol=1e-5)
    np.testing.assert_allclose(said.fallback, np.mean([part.fallback for part in parts], axis=0), atol=1e-5)
