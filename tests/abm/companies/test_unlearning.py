"""Forgetting by models of shards (SISA), in the tick: what it keeps, what it costs."""

import numpy as np
import pytest

from learners.holdings import Holding
from learners.sharded_ensemble import ShardedEnsemble
from scenarios.regulation import WeightDeletionOrder

SHARDS = 5


def play(society, use_case, prescribed, moves, forgetting, ticks=2, **more):
    model = society(
        use_case,
        decision=prescribed(moves),
        companies={"large": {"forgetting": forgetting, "shards": SHARDS, "cold_retrain_ticks": 1}},
        **more,
    )
    for _ in range(ticks):
        model.step()
    return model


def test_what_is_served_is_the_ensemble_on_exactly_what_is_left(quick_use_case, society, prescribed):
    who = np.arange(3)
    model = play(society, quick_use_case, prescribed, {1: {"strike": who}}, "unlearn")
    ensemble = ShardedEnsemble(quick_use_case, model.training.seed, SHARDS, effort="reference")
    everything = Holding.full(quick_use_case.owners)
    for tick, held in ((0, everything), (1, everything.without(who)), (2, everything.without(who))):
        served = ensemble.update(held)
        assert model.ticks[tick]["quality_large_holdout"] == pytest.approx(served.holdout, rel=1e-6)
        assert model.ticks[tick]["quality_large_company"] == pytest.approx(served.company, rel=1e-6)
    # It is measured against one whole model on everything.
    assert model.ticks[0]["best_holdout"] == model.training.reference.evaluation.holdout
    assert model.ticks[0]["quality_large_holdout"] != model.ticks[0]["best_holdout"]
    known = np.flatnonzero(~model.large.knows)
    assert known.tolist() == who.tolist()


def test_what_forgetting_costs(few_digits, society, prescribed):
    """Laundering costs nothing, unlearning the touched shards, and retraining everything that is left."""
    who = np.arange(2)
    cost, runs = {}, {}
    for forgetting in ("launder", "unlearn", "retrain"):
        runs[forgetting] = play(society, few_digits, prescribed, {1: {"strike": who}}, forgetting)
        cost[forgetting] = [row["retrained_large"] for row in runs[forgetting].ticks]
    records = runs["unlearn"].population.records
    left = records.copy()
    left[who] = 0
    shard = runs["unlearn"].training.learners["large"].shard_of
    touched = np.isin(shard, shard[who])
    assert cost["launder"] == [records.sum(), 0, 0]
    assert cost["unlearn"] == [records.sum(), left[touched].sum(), 0]
    assert cost["retrain"] == [records.sum(), left.sum(), 0]
    assert 0 < cost["unlearn"][1] < cost["retrain"][1]
    retrained = {np.flatnonzero(shard == s).tolist()[0] for s in np.unique(shard[who])}
    assert len(retrained) == len(runs["unlearn"].training.learners["large"].retrained)


def test_levers_are_told_apart_with_models_of_shards(few_digits, society, prescribed):
    moves = {1: {"strike": np.arange(15), "poison:label_flip": np.arange(15, 30)}}
    model = play(society, few_digits, prescribed, moves, "unlearn", 1, record={"attribution": 1})
    row, start = model.ticks[1], model.ticks[0]
    done = row["attribution_dlp_strike_remove"] + row["attribution_dlp_strike_poison"]
    assert done == pytest.approx(row["dlp_strike"] - start["dlp_strike"], abs=1e-12)
    assert start["dlp_strike"] != 0  # models of shards are not one whole model
    assert row["attribution_dlp_strike_poison"] != 0


def test_who_unlearns_has_nothing_to_void(few_digits, society, prescribed, ticks_of):
    moves = {1: {"strike": np.arange(15)}}
    law = [WeightDeletionOrder(start=2)]
    ordered, free = (
        play(society, few_digits, prescribed, moves, "unlearn", 3, interventions=laws) for laws in (law, [])
    )
    assert ticks_of(ordered).equals(ticks_of(free))
