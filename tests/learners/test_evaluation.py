from __future__ import annotations

import numpy as np
import pytest

from learners.evaluation import PERSPECTIVES
from learners.holdings import Holding
from learners.usecase import Reference


@pytest.fixture(scope="module")
def references(ratings, digits):
    return {"synthetic": Reference(ratings, seed=0), "digits": Reference(digits, seed=0)}


@pytest.fixture
def reference(references, either):
    return references[either.name]


def mask(owners, *ids):
    chosen = np.zeros(owners, bool)
    chosen[list(ids)] = True
    return chosen


def test_company_view_is_measured_on_the_test_records_of_the_owners_held(either):
    leavers = np.arange(0, either.owners, 2)
    evaluation = either.learner(0).update(Holding.full(either.owners).without(leavers))
    view = evaluation.views["company"]
    np.testing.assert_array_equal(view.chosen, ~np.isin(either.company.owners, leavers))
    assert 0 < view.n_test == view.chosen.sum() < len(either.company.rows)
    expected = either.metric.of(
        evaluation.predictions.company[view.chosen], either.company.targets[view.chosen]
    )
    assert evaluation.company == expected


def test_holdout_view_is_measured_on_everybody(either):
    evaluation = either.learner(0).update(Holding.full(either.owners).without(range(5)))
    assert evaluation.views["holdout"].n_test == len(either.holdout.rows)
    assert evaluation.holdout == either.metric.of(evaluation.predictions.holdout, either.holdout.targets)


def test_company_test_records_that_have_not_arrived_do_not_count(either):
    arrived = np.random.default_rng(0).random(len(either.record_owners)) < 0.6
    evaluation = either.learner(0).update(Holding.full(either.owners, arrived))
    np.testing.assert_array_equal(evaluation.views["company"].chosen, arrived[either.company.rows])


def test_no_test_set_overlaps_training(either):
    training = either.training_mask(Holding.full(either.owners))
    assert not training[either.holdout.rows].any()
    assert not training[either.company.rows].any()
    assert training.sum() + len(either.holdout.rows) + len(either.company.rows) == len(either.record_owners)


def test_served_view_is_measured_on_the_holdout_records_of_those_who_consume(either):
    evaluation = either.learner(0).update(Holding.full(either.owners).without([3, 4]))
    consuming = mask(either.owners, 1, 2, 3)
    served = evaluation.serving(consuming)
    view = served.views["served"]
    np.testing.assert_array_equal(view.chosen, consuming[either.holdout.owners])
    assert served.served == either.metric.of(
        evaluation.predictions.holdout[view.chosen], either.holdout.targets[view.chosen]
    )
    # Nothing else is different, and the evaluation asked is as it was.
    assert served.holdout == evaluation.holdout
    assert served.company == evaluation.company
    assert evaluation.views["served"].n_test != view.n_test


def test_with_no_consumers_those_whose_data_are_held_count_as_served(either):
    held = mask(either.owners, 0, 1, 5)
    evaluation = either.learner(0).update(Holding.of(held))
    expected = held[either.holdout.owners]
    np.testing.assert_array_equal(evaluation.views["served"].chosen, expected)
    nobody = np.zeros(either.owners, bool)
    served = evaluation.serving(~held).serving(nobody)
    np.testing.assert_array_equal(served.views["served"].chosen, expected)


def test_with_neither_consumers_nor_data_everybody_counts_as_served(either, reference):
    evaluation = either.learner(0).update(Holding.of(np.zeros(either.owners, bool)))
    assert evaluation.views["served"].chosen.all()
    assert evaluation.views["company"].n_test == 0
    assert np.isnan(evaluation.company)
    for perspective in ("holdout", "served"):
        scale = reference.scale(perspective, evaluation)
        assert evaluation.views[perspective].quality == scale.baseline
        assert scale.cdc(evaluation.views[perspective].quality) == 0


def test_consumers_of_a_company_without_data_get_the_baseline(either, reference):
    evaluation = either.learner(0).update(Holding.of(np.zeros(either.owners, bool)))
    served = evaluation.serving(mask(either.owners, 1, 2, 8))
    scale = reference.scale("served", served)
    assert served.views["served"].n_test < len(either.holdout.rows)
    assert served.served == scale.baseline != reference.scale("holdout", served).best
    assert scale.cdc(served.served) == 0


@pytest.mark.parametrize("perspective", PERSPECTIVES)
def test_reference_on_its_own_scale(either, reference, perspective):
    scale = reference.scale(perspective, reference.evaluation)
    quality = reference.evaluation.views[perspective].quality
    assert scale.strike(quality) == 0
    assert scale.normalised(quality) == 1
    assert scale.cdc_delete(quality, quality) == 1


@pytest.mark.parametrize("perspective", PERSPECTIVES)
def test_scale_is_paired_with_the_records_of_the_view(either, reference, perspective):
    holding = Holding.full(either.owners).without(range(0, either.owners, 3))
    holding = holding.poisoned(range(1, either.owners, 3), either.poison_kinds[0])
    evaluation = either.learner(0).update(holding).serving(mask(either.owners, *range(2, either.owners, 5)))
    view = evaluation.views[perspective]
    scale = reference.scale(perspective, evaluation)
    test = "company" if perspective == "company" else "holdout"
    for end, model in (
        (scale.baseline, reference.uninformed),
        (scale.best, reference.evaluation.predictions),
    ):
        assert end == either.metric.of(getattr(model, test)[view.chosen], view.targets[view.chosen])
    if perspective != "holdout":
        assert view.n_test < len(reference.evaluation.views[perspective].chosen)
        assert scale.best != reference.scale(perspective, reference.evaluation).best


def test_better_model_is_worth_more_whatever_the_direction_of_the_metric(either, reference):
    some = either.learner(0).update(Holding.of(np.arange(either.owners) % 4 == 0))
    scale = reference.scale("holdout", some)
    assert 0 < scale.cdc(some.holdout) < 1
    assert 0 < scale.strike(some.holdout) < 1
    assert (reference.evaluation.holdout > some.holdout) == either.higher_is_better


def test_loss_of_the_served(either, reference):
    everybody = np.ones(either.owners, bool)
    best, worst = reference.evaluation.predictions.holdout, reference.uninformed.holdout
    few = mask(either.owners, 2, 3, 7)
    for served in (everybody, few, ~everybody):
        assert reference.loss(best, served) == 0
        assert reference.loss(worst, served) == 1
    some = either.learner(0).update(Holding.of(np.arange(either.owners) % 4 == 0))
    assert reference.loss(some.predictions.holdout, everybody) == pytest.approx(
        float(reference.scale("holdout", some).strike(some.holdout))
    )
    assert reference.loss(some.predictions.holdout, few) == pytest.approx(
        float(reference.scale("served", some.serving(few)).strike(some.serving(few).served))
    )


def test_utility_is_the_share_of_relevant_records_found(ratings):
    evaluation = ratings.learner(0).update(Holding.full(ratings.owners).without([0, 1, 2, 3]))
    has = evaluation.relevant > 0
    np.testing.assert_array_equal(
        evaluation.utility[has], (evaluation.hits / np.where(has, evaluation.relevant, 1))[has]
    )
    fallback_hits, _ = ratings.hits(evaluation.predictions.fallback)
    np.testing.assert_array_equal(
        evaluation.fallback_utility[has], (fallback_hits / np.where(has, evaluation.relevant, 1))[has]
    )
    assert evaluation.utility.min() >= 0
    assert evaluation.utility.max() <= 1


def test_owners_without_a_relevant_record_take_the_pooled_utility_of_their_group(rating_data, rating_case):
    data = rating_data()
    # The first ten owners never like anything.
    data.ratings[data.owners < 10] = np.minimum(data.ratings[data.owners < 10], 3)
    case = rating_case(data)
    evaluation = case.learner(0).update(Holding.full(case.owners).without([*range(5), 20, 21, 22, 23]))
    known = evaluation.holding.present
    assert not evaluation.relevant[:10].any()
    pooled = {
        group: evaluation.hits[g].sum() / evaluation.relevant[g].sum()
        for group, g in ((True, known), (False, ~known))
    }
    assert pooled[True] != pooled[False]
    np.testing.assert_array_equal(evaluation.utility[:5], pooled[False])
    np.testing.assert_array_equal(evaluation.utility[5:10], pooled[True])
    # Where a group has no relevant record at all, everybody's value stands in.
    evaluation = case.learner(0).update(Holding.full(case.owners).without(range(5)))
    np.testing.assert_array_equal(evaluation.utility[:5], evaluation.hits.sum() / evaluation.relevant.sum())


def test_personal_service_is_better_for_the_known_and_equal_for_departed_and_impersonal(ratings, digits):
    leavers = np.arange(0, ratings.owners, 3)
    evaluation = ratings.learner(0).update(Holding.full(ratings.owners).without(leavers))
    np.testing.assert_array_equal(evaluation.utility[leavers], evaluation.fallback_utility[leavers])
    known, weights = evaluation.holding.present, evaluation.relevant
    assert (evaluation.utility * weights)[known].sum() > (evaluation.fallback_utility * weights)[known].sum()
    evaluation = digits.learner(0).update(Holding.full(digits.owners).without([0, 1]))
    np.testing.assert_array_equal(evaluation.utility, evaluation.fallback_utility)


@pytest.mark.parametrize("still_poisoned", [False, True])
def test_dropping_detected_poisoners_equals_their_strike_record_for_record(either, still_poisoned):
    kind = either.poison_kinds[:2][-1]  # of ratings extreme_vandal, which falsifies values
    detected = np.arange(0, either.owners, 4)
    start = Holding.full(either.owners)
    if still_poisoned:  # others falsify, too, and are not found out
        start = start.poisoned(range(1, either.owners, 7), either.poison_kinds[0])
    struck = start.without(detected)
    dropped = start.poisoned(detected, kind).without(detected)
    training = either.training_mask(dropped)
    np.testing.assert_array_equal(training, either.training_mask(struck))
    np.testing.assert_array_equal(either.values(dropped)[training], either.values(struck)[training])
    one, other = (either.learner(0).update(holding) for holding in (dropped, struck))
    for name in ("holdout", "company", "fallback"):
        np.testing.assert_array_equal(getattr(one.predictions, name), getattr(other.predictions, name))
    for name in ("hits", "relevant", "utility", "fallback_utility"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for perspective in PERSPECTIVES:
        assert one.views[perspective].quality == other.views[perspective].quality
        np.testing.assert_array_equal(one.views[perspective].chosen, other.views[perspective].chosen)
    # It is no tautology: the poison would have reached the fit.
    falsified = start.poisoned(detected, kind)
    theirs = either.training_mask(falsified) & np.isin(either.record_owners, detected)
    assert np.mean(either.values(falsified)[theirs] != either.values(start)[theirs]) > 0.2


def test_same_holding_again_is_not_trained_again(either):
    learner = either.learner(0)
    holding = Holding.full(either.owners).without([1])
    first = learner.update(holding)
    assert learner.update(Holding.full(either.owners).without([1])) is first
    assert learner.update(Holding.full(either.owners)) is not first


def test_stream_reference_is_fitted_on_what_has_arrived(either):
    arrived = np.random.default_rng(1).random(len(either.record_owners)) < 0.5
    reference = Reference(either, 0, arrived)
    expected = either.learner(0).update(Holding.full(either.owners, arrived))
    np.testing.assert_array_equal(reference.evaluation.predictions.holdout, expected.predictions.holdout)
    np.testing.assert_array_equal(reference.uninformed.holdout, either.uninformed(arrived).holdout)
    before = reference.evaluation
    reference.refit(None)
    assert (reference.evaluation.holdout > before.holdout) == either.higher_is_better
    np.testing.assert_array_equal(reference.uninformed.holdout, either.uninformed().holdout)
