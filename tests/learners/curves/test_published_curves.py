import numpy as np
import pytest

from learners.curves.published_curves import published_curve
from learners.errors import InputError
from learners.leverage import PUBLISHED_SCALES, published_scale
from learners.published import contribution_rows, contribution_table, strike_table

MODES = ("grid", "surrogate")


@pytest.mark.parametrize("use_case", PUBLISHED_SCALES)
@pytest.mark.parametrize("mode", MODES)
def test_published_leverage_comes_back_exactly(use_case, mode):
    curve = published_curve(use_case, mode)
    for row in contribution_table(use_case).itertuples():
        small, large = curve.at("company", row.rate), curve.at("company", 1 - row.rate)
        assert small.quality == pytest.approx(row.quality_small, abs=1e-12)
        assert 1 - small.loss == pytest.approx(row.cdc, abs=1e-9)
        assert large.loss == pytest.approx(row.strike, abs=1e-9)
        if row.rate <= 0.5:
            assert (1 - small.loss) / (1 - large.loss) == pytest.approx(row.cdc_delete, abs=1e-9)


@pytest.mark.parametrize("use_case", PUBLISHED_SCALES)
@pytest.mark.parametrize("mode", MODES)
def test_ends_are_the_published_constants_on_every_view(use_case, mode):
    curve, scale = published_curve(use_case, mode), published_scale(use_case)
    for view in ("company", "holdout", "known"):
        for share in (0.0, 0.003, 0.4, 1.0):
            value = curve.at(view, share)
            assert (value.baseline, value.best) == pytest.approx((scale.baseline, scale.best), abs=1e-12)
        assert curve.at(view, 0.0).quality == pytest.approx(scale.baseline, abs=1e-12)
        assert curve.at(view, 1.0).quality == pytest.approx(scale.best, abs=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_holdout_of_pinterest_is_the_published_mixture(mode):
    curve = published_curve("pinterest-20", mode)
    assert curve.at("holdout", 0.2).quality == pytest.approx(0.264896, abs=5e-7)
    assert curve.at("holdout", 0.8).quality == pytest.approx(0.589776, abs=5e-7)
    assert curve.at("stranger", 0.2).quality == pytest.approx(0.1668)


@pytest.mark.parametrize("use_case", ["ml-10m", "cifar-10", "toxic"])
def test_hidden_columns_are_the_holdout(use_case):
    rows = contribution_rows(use_case)
    small = rows[rows["company"] == "small"].groupby("rate")["quality_holdout"].mean()
    large = rows[rows["company"] == "large"].groupby("rate")["quality_holdout"].mean()
    curve = published_curve(use_case, "grid")
    for rate in small.index[small.index < 0.5]:
        assert curve.at("holdout", rate).quality == pytest.approx(small[rate], abs=1e-12)
        assert curve.at("holdout", 1 - rate).quality == pytest.approx(large[rate], abs=1e-12)
    half = (small[0.5] + large[0.5]) / 2
    assert curve.at("holdout", 0.5).quality == pytest.approx(half, abs=1e-12)


def test_known_raters_and_strangers_make_up_the_published_hidden_error():
    measured, mixed = published_curve("ml-10m", "grid"), published_curve("ml-10m", "surrogate")
    for rate in contribution_table("ml-10m")["rate"]:
        error = measured.at("holdout", rate).quality
        exact = rate <= 0.5  # beyond, too few strangers are left to tell their error
        assert mixed.at("holdout", rate).quality == pytest.approx(error, abs=1e-12 if exact else 2e-3)
    strangers = [mixed.at("stranger", share).quality for share in (0.1, 0.3, 0.5, 0.9)]
    assert np.ptp(strangers) < 0.01


@pytest.mark.parametrize("use_case", PUBLISHED_SCALES)
def test_hits_follow_quality(use_case):
    curve, scale = published_curve(use_case, "grid"), published_scale(use_case)
    value = curve.at("known", 0.3)
    gained = (value.utility - value.utility_baseline) / (value.utility_best - value.utility_baseline)
    assert gained == pytest.approx(1 - value.loss)
    ends = (value.utility_baseline, value.utility_best)
    if use_case == "ml-10m":
        hits = strike_table().query("quantity == 'surfaced_hits'").set_index("who")["value"]
        assert ends == (hits["item_mean"], hits["svd"])
    else:
        assert ends == (scale.baseline, scale.best)


def test_published_curves_are_of_no_data_at_hand_and_poison_nobody():
    curve = published_curve("toxic", "grid")
    assert (curve.measured, curve.data_digest, curve.poison_kinds) == (False, None, ())
    assert (curve.source, curve.metric.name) == ("published", "AUC")
    assert len(curve.digest) == 64


def test_nothing_else_is_published():
    with pytest.raises(
        InputError, match=r"^curve: 'published' exists for pinterest-20, [^\n]*not for 'digits'$"
    ):
        published_curve("digits", "grid")
