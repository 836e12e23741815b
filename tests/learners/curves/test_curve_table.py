import numpy as np
import pytest

from learners.curves.curve_table import Curve, CurveValue, Points, PoisonEffect
from learners.metrics import ACCURACY, HIT_RATE, RMSE

SHARES = np.array([0.1, 0.5, 1.0])


def points(quality, baseline=0.2, best=0.8, utility=None):
    """Return points of constant ends; utility is quality unless given."""
    quality = np.asarray(quality, float)
    utility = quality if utility is None else np.asarray(utility, float)
    ends = np.broadcast_to([baseline, best], (len(quality), 2))
    return Points(SHARES, np.column_stack([quality, ends, utility, ends]))


def curve(mode="grid", metric=HIT_RATE, personalised=True, poison=None, **perspectives):
    perspectives = {
        "company": points([0.4, 0.7, 0.8]),
        "holdout": points([0.25, 0.5, 0.8]),
        "served": points([0.41, 0.71, 0.8]),
        "known": points([0.42, 0.72, 0.8]),
        "stranger": points([0.18, 0.2, 0.2]),
    } | perspectives
    return Curve(
        "synthetic", "somewhere", "0" * 64, mode, metric, personalised, perspectives, poison, "1" * 64
    )


PERSPECTIVES = ("company", "holdout", "served", "known", "stranger")


@pytest.mark.parametrize("perspective", PERSPECTIVES)
def test_a_grid_is_exact_at_its_points_and_straight_between_them(perspective):
    measured = curve()
    values = [measured.at(perspective, share).quality for share in SHARES]
    between = measured.at(perspective, 0.3).quality
    assert between == pytest.approx((values[0] + values[1]) / 2)
    assert measured.at(perspective, 0.05).quality == pytest.approx((0.2 + values[0]) / 2)


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
def test_a_curve_begins_at_the_baseline_and_ends_at_the_best(mode):
    measured = curve(mode)
    for perspective in PERSPECTIVES:
        nothing = measured.at(perspective, 0.0)
        assert nothing.quality == nothing.baseline == 0.2
        assert nothing.utility == nothing.utility_baseline
        assert nothing.loss == 1
        if perspective != "stranger":
            assert measured.at(perspective, 1.0).loss == pytest.approx(0)
    assert measured.ends == pytest.approx(CurveValue(0.8, 0.2, 0.8, 0.8, 0.2, 0.8))


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
@pytest.mark.parametrize("metric", [HIT_RATE, RMSE])
def test_a_rising_curve_is_read_rising(mode, metric):
    measured = curve(mode, metric, stranger=points([0.2, 0.2, 0.2]))
    for perspective in ("company", "holdout", "known"):
        path = [measured.at(perspective, share).quality for share in np.linspace(0, 1, 300)]
        assert np.all(np.diff(path) >= -1e-12)


def test_a_surrogate_is_exact_where_the_company_was_measured_and_curved_between():
    smooth, straight = curve("surrogate"), curve("grid")
    for share, quality in zip(SHARES, (0.4, 0.7, 0.8), strict=True):
        assert smooth.at("company", share).quality == pytest.approx(quality, abs=1e-12)
        assert smooth.at("known", share).quality == pytest.approx(quality, abs=1e-12)
    assert smooth.at("company", 0.3).quality > straight.at("company", 0.3).quality


def test_known_people_of_a_surrogate_find_what_was_counted_of_them():
    smooth = curve("surrogate", known=points([0.42, 0.72, 0.8], utility=[0.5, 0.6, 0.9]))
    assert smooth.at("known", 0.5).utility == pytest.approx(0.6)
    company = points([0.4, 0.7, 0.8], utility=[np.nan] * 3)
    assert curve("surrogate", company=company).at("known", 0.5).utility == pytest.approx(0.72)
    assert np.isnan(curve("surrogate", company=company).at("company", 0.5).utility)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 1.0])
def test_the_holdout_of_a_surrogate_is_known_people_and_strangers(share):
    smooth = curve("surrogate")
    known, stranger = (smooth.at(group, share).quality for group in ("known", "stranger"))
    assert smooth.at("holdout", share).quality == pytest.approx(share * known + (1 - share) * stranger)
    squares = curve("surrogate", RMSE)
    known, stranger = (squares.at(group, share).quality for group in ("known", "stranger"))
    mixed = np.sqrt(share * known**2 + (1 - share) * stranger**2)
    assert squares.at("holdout", share).quality == pytest.approx(mixed)


def test_hits_mix_as_they_are_whatever_the_measure():
    first, second = CurveValue(1.0, 2.0, 0.5, 0.4, 0.2, 0.8), CurveValue(3.0, 4.0, 0.7, 0.8, 0.4, 0.6)
    mixed = curve(metric=RMSE).mixed(first, second, 0.25)
    assert mixed.quality == pytest.approx(np.sqrt(0.25 * 1 + 0.75 * 9))
    assert mixed.utility == pytest.approx(0.25 * 0.4 + 0.75 * 0.8)
    assert curve().mixed(first, second, 0.25).quality == pytest.approx(0.25 * 1 + 0.75 * 3)
    assert curve().mixed(first, second, 1.0) == pytest.approx(first)


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
def test_without_people_the_holdout_is_what_was_measured_or_the_companys(mode):
    pooled = curve(mode, ACCURACY, personalised=False)
    assert pooled.at("holdout", 0.5).quality == pytest.approx(0.5)
    only = Curve(
        "synthetic", "", "", mode, ACCURACY, False, {"company": points([0.4, 0.7, 0.8])}, None, "1" * 64
    )
    for perspective in ("holdout", "served", "known", "stranger"):
        assert only.at(perspective, 0.5).quality == pytest.approx(0.7)


def effect(added):
    """Return an effect on quality alone, float64[n_held, n_fractions] on held 0.5, 1 and fractions 0.2, 1."""
    grid = np.zeros((3, 3, 6))
    grid[1:, 1:, 0] = added
    return PoisonEffect(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.2, 1.0]), grid)


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
def test_poison_adds_what_was_measured_and_less_of_it_less(mode):
    poison = {"p": {"company": effect([[-0.1, -0.3], [-0.2, -0.5]])}}
    measured = curve(mode, poison=poison)
    clean = {held: measured.at("company", held).quality for held in (0.5, 1.0, 0.75)}

    def added(held, fraction):
        return measured.at("company", held, {"p": fraction}).quality - clean[held]

    assert added(0.5, 0.2) == pytest.approx(-0.1)
    assert added(1.0, 1.0) == pytest.approx(-0.5)
    assert added(1.0, 0.0) == 0
    assert added(1.0, 0.1) == pytest.approx(-0.1)
    assert added(0.75, 0.2) == pytest.approx(-0.15)
    assert added(1.0, 0.6) == pytest.approx(-0.35)
    assert measured.at("known", 1.0, {"p": 0.2}).quality == measured.at("known", 1.0).quality
    assert measured.poison_kinds == ("p",)


def test_kinds_of_poison_do_in_proportion_what_each_would_do_at_their_total():
    poison = {
        "p": {"company": effect([[-0.1, -0.3], [-0.2, -0.5]])},
        "q": {"company": effect([[0.0, 0.0], [0.0, -0.1]])},
    }
    measured = curve(poison=poison)
    both = measured.at("company", 1.0, {"p": 0.15, "q": 0.05, "r": 0.0}).quality
    assert both == pytest.approx(0.8 + 0.75 * -0.2 + 0.25 * 0.0)
    one = measured.at("company", 1.0, {"p": 0.2}).quality
    assert measured.at("company", 1.0, {"p": 0.2, "q": 0.0}).quality == one


def test_poisoned_people_are_part_of_a_surrogates_mixture():
    served = effect([[-0.1, -0.3], [-0.2, -0.5]])
    smooth = curve("surrogate", poison={"p": {"served": served}})
    clean = smooth.at("holdout", 0.5).quality
    assert smooth.at("holdout", 0.5, {"p": 0.2}).quality == pytest.approx(clean + 0.5 * -0.1)


def test_normalised_curve_is_the_holdouts_and_keeps_the_shape_of_its_argument():
    measured = curve()
    assert measured.normalised(0.5) == pytest.approx((0.5 - 0.2) / 0.6)
    assert measured.normalised(0.5).shape == ()
    np.testing.assert_allclose(measured.normalised([[-1, 0], [1, 2]]), [[0, 0], [1, 1]], atol=1e-12)


def test_errors_are_losses_too():
    errors = curve(metric=RMSE, company=points([1.0, 0.9, 0.8], baseline=1.1, best=0.8))
    assert errors.at("company", 0.1).loss == pytest.approx(0.2 / 0.3)
