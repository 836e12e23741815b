from __future__ import annotations

import numpy as np
import pytest

from learners.composition import composition_gap, contribution_effect, strike_effect
from learners.usecase import Reference, load_use_case


def random_world(seed, n=200):
    """Return an additive effect of n owners of unequal worth with as many records each, and a random half."""
    rng = np.random.default_rng(seed)
    worth = rng.lognormal(0, 1, n)
    participants = np.zeros(n, bool)
    participants[rng.permutation(n)[: n // 2]] = True

    def effect(sets):
        return np.array([worth[chosen].sum() for chosen in sets])

    return effect, participants, np.full(n, 20.0), rng


@pytest.mark.parametrize("shadows", [5, 20])
def test_interval_of_a_random_set_contains_zero_in_95_of_100_cases(shadows):
    gaps = [composition_gap(*random_world(seed), shadows=shadows) for seed in range(400)]
    covered = np.mean([gap.low <= 0 <= gap.high for gap in gaps])
    assert 0.915 < covered < 0.985  # 95 % and more than three standard errors either way
    assert abs(np.mean([gap.gap for gap in gaps])) < 0.2 * np.std([gap.gap for gap in gaps])
    assert all(gap.low < gap.gap < gap.high for gap in gaps)


def test_a_planted_group_is_told_from_random_sets():
    outside = []
    for seed in range(50):
        effect, participants, records, rng = random_world(seed)
        with_bonus = lambda sets, effect=effect, group=participants: (
            effect(sets) + np.array([3 * np.sum(chosen & group) for chosen in sets])
        )
        gap = composition_gap(with_bonus, participants, records, rng)
        assert gap.gap > 0
        outside.append(gap.low > 0)
    assert np.mean(outside) > 0.95


@pytest.mark.parametrize("participants", [np.zeros(10, bool), np.ones(10, bool)])
def test_no_gap_for_nobody_and_for_everybody(participants):
    def effect(sets):
        raise AssertionError("nothing is to be trained")

    gap = composition_gap(effect, participants, np.ones(10), np.random.default_rng(0))
    assert np.isnan([gap.gap, gap.low, gap.high]).all()


def test_random_sets_have_as_many_records_not_as_many_owners():
    records = np.concatenate([np.full(100, 1.0), np.full(100, 9.0)])
    participants = np.arange(200) >= 150  # fifty of the busy
    seen = []

    def effect(sets):
        seen.extend(chosen.copy() for chosen in sets)
        return np.zeros(len(sets))

    composition_gap(effect, participants, records, np.random.default_rng(0), shadows=30)
    own, *random = seen
    np.testing.assert_array_equal(own, participants)
    assert len(random) == 30
    totals = [records[chosen].sum() for chosen in random]
    np.testing.assert_allclose(totals, 450, atol=4.5)  # to half a busy owner's records
    assert np.mean([chosen.sum() for chosen in random]) == pytest.approx(90, abs=5)
    assert len({chosen.tobytes() for chosen in random}) == 30


def test_gap_is_the_difference_to_the_mean_of_the_random_sets():
    effects = np.array([10.0, 1.0, 2.0, 3.0])  # the participants, then three shadows
    participants = np.arange(10) < 4
    gap = composition_gap(
        lambda sets: effects, participants, np.ones(10), np.random.default_rng(0), shadows=3
    )
    assert gap.gap == 8
    half = 4.302652729696142 * 1.0 * np.sqrt(4 / 3)  # Student's t, two degrees of freedom
    assert (gap.low, gap.high) == pytest.approx((8 - half, 8 + half))


def test_random_sets_of_a_pool_are_drawn_from_it():
    pool = np.arange(200) < 120
    participants = (np.arange(200) >= 100) & (np.arange(200) < 150)
    seen = []

    def effect(sets):
        seen.extend(sets)
        return np.zeros(len(sets))

    def gap(pool):
        return composition_gap(effect, participants, np.ones(200), np.random.default_rng(0), among=pool)

    assert gap(pool).gap == 0
    own, *random = seen
    np.testing.assert_array_equal(own, participants)
    for chosen in random:
        assert chosen.sum() == 50
        assert not (chosen & ~pool).any()
    assert np.isnan(gap(np.arange(200) < 40).gap)  # fewer records than the participants'


@pytest.fixture(scope="module")
def one_sided():
    """Digits whose owners have nearly one class each: their reference and each owner's class mix."""
    case = load_use_case("digits", device="cpu", owners=100, filters=8, class_skew=0.02)
    return Reference(case, seed=0), case.tastes() / case.tastes().sum(1, keepdims=True)


def test_strike_of_all_who_hold_a_class_is_worth_more_than_of_a_random_set(one_sided):
    reference, mix = one_sided
    fives = mix[:, 5] > 0.05
    assert 5 <= fives.sum() <= 30
    records = reference.use_case.records_per_owner.astype(float)
    gap = composition_gap(strike_effect(reference), fives, records, np.random.default_rng(0))
    assert gap.low > 0
    assert gap.gap > 0.05


def test_contribution_of_half_of_the_classes_is_worth_less_than_of_a_random_set(one_sided):
    reference, mix = one_sided
    low_digits = mix[:, :5].sum(1) > 0.5
    assert 30 <= low_digits.sum() <= 70
    records = reference.use_case.records_per_owner.astype(float)
    gap = composition_gap(contribution_effect(reference, 0), low_digits, records, np.random.default_rng(0))
    assert gap.high < 0
    assert gap.gap < -0.2


def test_strikes_of_random_sets_of_digits_show_no_gap(one_sided):
    reference, _ = one_sided
    owners = reference.use_case.owners
    records = reference.use_case.records_per_owner.astype(float)
    effect = strike_effect(reference)
    covered = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        participants = np.zeros(owners, bool)
        participants[rng.permutation(owners)[:40]] = True
        gap = composition_gap(effect, participants, records, rng)
        covered.append(gap.low <= 0 <= gap.high)
    assert np.mean(covered) >= 0.8  # 95 % expected; below 80 % of 30 has odds of 1 in 1,000


def test_effects_are_leverage_on_the_holdout_and_leave_the_reference_alone(one_sided, ratings):
    for reference in (one_sided[0], Reference(ratings, seed=0)):
        case = reference.use_case
        strikers = np.arange(case.owners) % 3 == 0
        before = reference.evaluation.holdout
        strike, contribute = strike_effect(reference), contribution_effect(reference, seed=0)
        scale = reference.scale("holdout", reference.evaluation)
        left = case.learner(0).update(reference.evaluation.holding.without(strikers))
        assert strike([strikers])[0] == pytest.approx(float(scale.strike(left.holdout)), abs=0.01)
        given = case.learner(0).update(reference.evaluation.holding.without(~strikers))
        assert contribute([strikers])[0] == scale.cdc(given.holdout)
        assert strike([strikers])[0] == strike([strikers])[0]
        assert strike([np.zeros(case.owners, bool)])[0] == 0
        assert contribute([np.ones(case.owners, bool)])[0] == 1
        assert strike([np.ones(case.owners, bool)])[0] == 1
        assert contribute([np.zeros(case.owners, bool)])[0] == 0
        assert reference.learner.update(reference.evaluation.holding).holdout == before


def test_strike_effect_on_some_owners_is_the_loss_on_their_hidden_records(ratings):
    reference = Reference(ratings, seed=0)
    strikers = np.arange(ratings.owners) % 3 == 0
    on = np.arange(ratings.owners) % 3 == 1
    left = reference.learner.fork(effort="shadow").update(reference.evaluation.holding.without(strikers))
    chosen = on[ratings.holdout.owners]

    def rmse(predictions):
        return np.sqrt(np.mean((predictions.holdout - ratings.holdout.targets)[chosen] ** 2))

    best, worst = rmse(reference.evaluation.predictions), rmse(reference.uninformed)
    expected = (rmse(left.predictions) - best) / (worst - best)
    assert strike_effect(reference, on)([strikers])[0] == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(strike_effect(reference)([strikers])[0], rel=1e-3)
