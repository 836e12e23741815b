from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from learners.curves.measuring import (
    BELIEF_RATES,
    POISON_FRACTIONS,
    POISON_HELD,
    CurvePoint,
    learning_curve,
    measured_points,
    monotone_in_log,
    planned_points,
)
from learners.errors import InputError
from learners.holdings import FIRST_POISON, GENUINE
from learners.usecase import Learner, Reference


@pytest.fixture(scope="module")
def reference(digits):
    return Reference(digits, seed=0)


@pytest.fixture
def trained(monkeypatch):
    """Collect the evaluations of every retraining from here on."""
    collected = []
    update = Learner.update

    def spied(self, holding):
        collected.append(update(self, holding))
        return collected[-1]

    monkeypatch.setattr(Learner, "update", spied)
    return collected


def test_ends_of_the_curve(reference):
    g = learning_curve(reference, seed=0)
    assert g(0) == pytest.approx(0, abs=1e-12)
    assert g(1) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(g([-0.5, 0, 1, 1.5]), [0, 0, 1, 1], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_curve_passes_through_real_retrainings_on_nested_random_shares(reference, trained, seed):
    g = learning_curve(reference, seed)
    owners = reference.use_case.owners
    present = [evaluation.holding.present for evaluation in trained]
    assert [p.sum() for p in present] == [max(1, round(rate * owners)) for rate in BELIEF_RATES]
    for fewer, more in pairwise(present):
        assert np.all(more[fewer])
    scale = reference.scale("holdout", reference.evaluation)
    measured = [scale.normalised(evaluation.holdout) for evaluation in trained]
    np.testing.assert_allclose(g(BELIEF_RATES), measured, atol=1e-12)
    # Cold: what a fresh learner makes of the same share.
    fresh = reference.use_case.learner(seed).update(trained[1].holding)
    assert fresh.holdout == trained[1].holdout


def test_curve_of_digits_rises_and_flattens(reference):
    curves = np.array([learning_curve(reference, seed)([0, *BELIEF_RATES, 1]) for seed in range(8)])
    mean = curves.mean(0)
    assert np.all(np.diff(mean) > 0)
    assert mean[3] > 0.8  # a fifth of the data brings most of the quality
    slopes = np.diff(mean) / np.diff([0, *BELIEF_RATES, 1])
    assert slopes[0] > 10 * slopes[-1]
    # Single curves may go down between two points by the noise of the holdout, but not by more.
    assert np.diff(curves, axis=1).min() > -0.05


def test_between_points_the_curve_stays_between_them(reference):
    g = learning_curve(reference, seed=1)
    for low, high in zip((0.001, *BELIEF_RATES), (*BELIEF_RATES, 1), strict=True):
        inside = g(np.geomspace(low, high, 20))
        ends = sorted([float(g(low)), float(g(high))])
        assert inside.min() >= ends[0] - 1e-12
        assert inside.max() <= ends[1] + 1e-12


def test_curve_depends_on_the_seed_alone(reference):
    x = np.linspace(0, 1, 50)
    np.testing.assert_array_equal(learning_curve(reference, 3)(x), learning_curve(reference, 3)(x))
    assert not np.array_equal(learning_curve(reference, 3)(x), learning_curve(reference, 4)(x))


def test_curve_keeps_the_shape_of_its_argument(reference):
    g = learning_curve(reference, seed=0)
    assert g(0.3).shape == ()
    assert g(np.full((2, 3), 0.3)).shape == (2, 3)


def test_shares_are_planned_with_their_mirrors_after_everything(ratings):
    points = planned_points(ratings, [0.05, 0.2, 0.5], repeats=2)
    shares = [1.0, 0.05, 0.2, 0.5, 0.8, 0.95]
    assert points == [CurvePoint(repeat, share) for repeat in (0, 1) for share in shares]


def test_shares_of_as_many_owners_are_planned_once(rating_data, rating_case):
    few = rating_case(rating_data(n_owners=12))
    points = planned_points(few, [0.01, 0.05, 0.1, 0.5], repeats=1)
    assert [point.clean_share for point in points] == [1.0, 0.01, 0.5, 0.9]


def test_poison_is_planned_on_all_of_its_grid_and_with_what_it_is_compared_with(ratings):
    points = planned_points(ratings, [0.2], repeats=1, poisons=["random_vandal", "random_vandal"])
    clean = [point.clean_share for point in points if not point.poison]
    assert clean == [1.0, 0.2, 0.5, 0.8]
    poisoned = [point for point in points if point.poison]
    assert {point.poison for point in poisoned} == {"random_vandal"}
    grid = [(held, fraction) for held in POISON_HELD for fraction in POISON_FRACTIONS]
    assert [(point.held, round(point.poisoned_share / point.held, 6)) for point in poisoned] == grid


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rates": [0.2, 1.0]}, "rates: 1 is not between 0 and 1"),
        ({"rates": [0.0]}, "rates: 0 is not between 0 and 1"),
        ({"rates": [float("nan")]}, "rates: nan is not between 0 and 1"),
        ({"repeats": 0}, "repeats: 0 is not at least 1"),
        ({"poisons": ["label_flip"]}, "poison kind 'label_flip' does not apply"),
    ],
)
def test_bad_plans(ratings, options, message):
    with pytest.raises(InputError, match=f"^{message}"):
        planned_points(ratings, **{"rates": [0.5], "repeats": 1, **options})


def by_perspective(rows):
    return {row.perspective: row for row in rows}


def without_seconds(rows):
    return [repr(row._replace(seconds=0.0)) for row in rows]


@pytest.fixture(scope="module")
def measured(ratings):
    """A small curve of ratings: points to rows, and the holdings that were trained on."""
    holdings = []
    update = Learner.update

    def spied(self, holding, uninformed=None):
        holdings.append(holding)
        return update(self, holding, uninformed)

    points = planned_points(ratings, [0.2, 0.5], repeats=2, poisons=["random_vandal"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "update", spied)
        rows = dict(measured_points(ratings, points, seed=3))
    return points, rows, dict(zip(points, holdings, strict=True))


def test_every_point_is_one_retraining_on_the_share_it_says(measured, ratings):
    points, _, holdings = measured
    for point in points:
        codes = holdings[point].codes
        held = round(point.held * ratings.owners)
        assert (codes == GENUINE).sum() == held - round(point.poisoned_share * ratings.owners)
        assert (codes >= FIRST_POISON).sum() == round(point.poisoned_share * ratings.owners)


def test_shares_are_nested_within_a_repeat_and_differ_between_repeats(measured):
    points, _, holdings = measured
    for repeat in (0, 1):
        clean = sorted((p for p in points if p.repeat == repeat and not p.poison), key=lambda p: p.held)
        for fewer, more in pairwise(clean):
            assert np.all(holdings[more].present[holdings[fewer].present])
        for poisoned in (p for p in points if p.repeat == repeat and p.poison):
            same = next(p for p in clean if p.held == poisoned.held)
            assert np.array_equal(holdings[poisoned].present, holdings[same].present)
    halves = [holdings[CurvePoint(repeat, 0.5)].present for repeat in (0, 1)]
    assert not np.array_equal(*halves)


def test_rows_are_what_the_models_reach(measured, ratings):
    _, rows, holdings = measured
    point = CurvePoint(0, 0.2)
    row = by_perspective(rows[point])
    assert list(row) == ["company", "served", "known", "stranger", "holdout"]
    seed = int(np.random.SeedSequence(3, spawn_key=(2, 0)).generate_state(1)[0] >> 1)
    evaluation = ratings.learner(seed).update(holdings[point])
    reference = Reference(ratings, seed)
    for view in ("company", "served", "holdout"):
        scale = reference.scale(view, evaluation)
        assert row[view].quality == evaluation.views[view].quality
        assert row[view].n_test == evaluation.views[view].n_test
        assert (row[view].baseline, row[view].best) == (scale.baseline, scale.best)
    present = holdings[point].present
    assert row["known"][6:] == row["served"][6:]
    assert row["known"].utility == pytest.approx(
        evaluation.hits[present].sum() / evaluation.relevant[present].sum()
    )
    everything = np.ones(len(ratings.holdout.rows), bool)
    stranger = ratings.quality(evaluation.predictions.fallback, ratings.holdout.targets, everything)
    assert row["stranger"].quality == stranger
    assert (row["stranger"].baseline, row["stranger"].best) == (row["holdout"].baseline, row["holdout"].best)
    assert np.isnan(row["company"].utility)
    assert row["holdout"].train_records == ratings.training_mask(holdings[point]).sum()


def test_everything_is_the_best(measured):
    _, rows, _ = measured
    for row in rows[CurvePoint(1, 1.0)]:
        if row.perspective != "stranger":
            assert row.quality == row.best
            assert row.utility == row.utility_best or row.perspective == "company"


def test_strangers_are_what_known_people_are_not(measured):
    """The holdout is the mixture of both; its errors add up in squares."""
    _, rows, holdings = measured
    row = by_perspective(rows[CurvePoint(0, 0.5)])
    known, everybody = row["known"], row["holdout"]
    rest = everybody.quality**2 * everybody.n_test - known.quality**2 * known.n_test
    unknown = np.sqrt(rest / (everybody.n_test - known.n_test))
    assert unknown == pytest.approx(row["stranger"].quality, rel=0.1)
    assert holdings[CurvePoint(0, 0.5)].present.sum() == 60


def test_nobody_is_known_where_all_is_poisoned(measured):
    _, rows, _ = measured
    all_poisoned = CurvePoint(0, 0.0, "random_vandal", 1.0)
    assert "known" not in by_perspective(rows[all_poisoned])
    assert [row.perspective for row in rows[all_poisoned]][-1] == "holdout"
    half = by_perspective(rows[CurvePoint(0, 0.5, "random_vandal", 0.5)])
    assert half["known"].n_test < half["served"].n_test == half["holdout"].n_test


def test_a_point_does_not_depend_on_what_else_is_measured(measured, ratings):
    points, rows, _ = measured
    some = [point for point in points if point.repeat == 1][::-3]
    for point, again in measured_points(ratings, some, seed=3):
        assert without_seconds(again) == without_seconds(rows[point])


def test_seeds_make_other_curves(measured, ratings):
    _, rows, _ = measured
    point = CurvePoint(0, 0.2)
    ((_, other),) = measured_points(ratings, [point], seed=4)
    assert other[-1].quality != rows[point][-1].quality


def test_who_is_not_personalised_has_no_strangers(digits):
    ((_, rows),) = measured_points(digits, [CurvePoint(0, 0.5)], seed=0)
    assert [row.perspective for row in rows] == ["company", "served", "holdout"]


def test_a_planted_signal_is_a_row(digits, monkeypatch):
    kind = digits.poison_kinds[0]
    point = CurvePoint(0, 0.5, kind, 0.5)
    fit = type(digits.learner(0)).fit

    def planting(self, holding):
        predictions = fit(self, holding)
        present = {poison: 0.25 for _, poison in holding.poisons_present}
        return dataclasses.replace(predictions, planted=present)

    monkeypatch.setattr(type(digits.learner(0)), "fit", planting)
    ((_, rows),) = measured_points(digits, [point], seed=0)
    assert rows[-1].perspective == "holdout"
    assert (rows[-2].perspective, rows[-2].quality) == ("planted", 0.25)
    assert np.isnan(rows[-2].baseline)


def test_monotone_in_log_takes_values_of_any_shape_and_stays_between_neighbours():
    shares, values = [0.1, 0.4, 1.0], [[0.2, 9.0], [0.5, 5.0], [0.9, 4.0]]
    g = monotone_in_log(shares, values, [0.0, 10.0])
    np.testing.assert_allclose([g(share) for share in shares], values)
    np.testing.assert_allclose(g(0.0), [0.0, 10.0])
    path = np.array([g(share) for share in np.linspace(0, 1, 200)])
    assert np.all(np.diff(path[:, 0]) >= -1e-12)
    assert np.all(np.diff(path[:, 1]) <= 1e-12)
