"""Runs whose qualities are read off a learning curve."""

import numpy as np
import pandas as pd
import pytest

from abm.beliefs import FAMILIES
from abm.curve_training import CurveTraining
from abm.training import LARGE
from learners.curves.curve_files import load_curve
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from learners.evaluation import PERSPECTIVES
from learners.holdings import FIRST_POISON, GENUINE, Holding
from learners.leverage import published_scale
from learners.poisoning import Poison
from learners.usecase import Learner
from scenarios.curves import measured_curve

MODES = ("grid", "surrogate")


@pytest.fixture(scope="module")
def folder(ratings, tmp_path_factory):
    out = tmp_path_factory.mktemp("curve") / "ratings"
    measured_curve(ratings, out, rates=[0.1, 0.3, 0.5], repeats=2, poisons=["random_vandal"])
    return out


@pytest.fixture(scope="module")
def measured(folder):
    return {mode: load_curve(folder, "synthetic", mode) for mode in MODES}


@pytest.fixture
def untrained(monkeypatch):
    def refuse(self, holding, uninformed=None):
        raise AssertionError("a model was trained")

    monkeypatch.setattr(Learner, "update", refuse)


def training(curve, records=None, owners=None):
    records = np.ones(10) if records is None else np.asarray(records, float)
    return CurveTraining(curve, records, np.empty(0, np.int32) if owners is None else owners)


def served(source, holding, consuming=None, arrived=None):
    source.new_tick(0, arrived, refit=True)
    source.retrain(LARGE, holding)
    everybody = np.ones(len(holding.codes), np.bool_)
    return source.service(LARGE, everybody if consuming is None else consuming, seconds=0.0, stale=False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("use_case", ["pinterest-20", "ml-10m", "cifar-10", "toxic"])
def test_a_published_society_needs_nothing_at_all(
    society, ticks_of, monkeypatch, tmp_path, untrained, mode, use_case
):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(tmp_path))
    model = society(
        use_case,
        curve=published_curve(use_case, mode),
        decision={"revision_probability": 0.8, "cost_scale": 0.6},
        policy={"portability_success": 1.0},
    )
    assert model.population.n_users == 2000
    ticks = ticks_of(model, 3)
    assert (ticks["mode"] == mode).all()
    assert ticks["random_participation_assumed"].all()
    assert ticks["participation"].iloc[-1] > 0.1
    scale = published_scale(use_case)
    for view in PERSPECTIVES:
        assert ticks[f"quality_large_{view}"].iloc[0] == pytest.approx(scale.best)
        assert ticks[f"dlp_cdc_{view}"].iloc[0] == pytest.approx(0, abs=1e-12)
        assert ticks[f"dlp_cdc_{view}"].iloc[-1] > 0.1
    columns = [column for column in ticks if column.startswith(("quality", "dlp", "revenue", "surfaced"))]
    assert not [c for c in columns if ticks[c].isna().any() and not c.startswith("dlp_cdc_delete")]
    assert ticks["revenue_large"].iloc[0] == pytest.approx(1)
    assert (ticks["composition_gap"].isna() & ticks["poison_planted_large"].isna()).all()


def test_live_and_replayed_rows_assume_nothing(few_digits, society, ticks_of):
    live = ticks_of(society(few_digits), 1)
    assert not live["random_participation_assumed"].any()
    assert not ticks_of(society("digits", replay=live), 1)["random_participation_assumed"].any()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_published_leverage_at_a_published_share_is_the_published(share):
    curve = published_curve("ml-10m", "surrogate")
    holding = Holding.of(np.arange(1000) < round(share * 1000))
    service = served(training(curve, np.ones(1000)), holding)
    expected = curve.at("company", share)
    assert service.quality["company"] == pytest.approx(expected.quality, abs=1e-12)
    assert service.known_loss == pytest.approx(expected.loss, abs=1e-12)


def test_both_baselines_are_the_published_constants(society, ticks_of):
    curve = published_curve("cifar-10", "grid")
    script = {"rule": "scripted", "steps": [{"tick": 1, "shares": {"strike": 0.2, "cdc": 0.1}}]}
    principled, published = (
        ticks_of(society("cifar-10", curve=curve, decision=script, leverage={"baseline": baseline}), 1)
        for baseline in ("principled", "published")
    )
    pd.testing.assert_frame_equal(principled, published, rtol=1e-12)
    assert published["dlp_strike_company"].iloc[1] == pytest.approx(0.01242692, abs=1e-8)


def test_quality_follows_the_share_of_the_records_not_of_the_people(measured):
    records = [6, 1, 1, 1, 1]
    whole = served(training(measured["grid"], records), Holding.of([1, 0, 0, 0, 0]))
    assert whole.quality["holdout"] == measured["grid"].at("holdout", 0.6).quality
    rest = served(training(measured["grid"], records), Holding.of([0, 1, 1, 0, 0]))
    assert rest.quality["holdout"] == measured["grid"].at("holdout", 0.2).quality


@pytest.mark.parametrize("mode", MODES)
def test_who_is_served_is_a_mixture_of_known_people_and_strangers(measured, mode):
    curve = measured[mode]
    known, stranger = curve.at("served", 0.5), curve.at("stranger", 0.5)
    holding = Holding.of(np.arange(10) < 5)
    source = training(curve)
    consuming = np.arange(10) >= 4
    service = served(source, holding, consuming)
    expected = np.sqrt(known.quality**2 / 6 + 5 / 6 * stranger.quality**2)
    assert service.quality["served"] == pytest.approx(expected)
    nobody = served(source, holding, np.zeros(10, np.bool_))
    assert nobody.quality["served"] == pytest.approx(known.quality)
    assert (service.known_loss, service.unknown_loss) == (curve.at("known", 0.5).loss, stranger.loss)
    found = np.where(np.arange(10) < 5, curve.at("known", 0.5).utility, stranger.utility)
    np.testing.assert_allclose(service.hits, found)


@pytest.mark.parametrize("mode", MODES)
def test_a_company_without_data_serves_the_baseline(measured, mode):
    service = served(training(measured[mode]), Holding.of(np.zeros(10, np.bool_)))
    for view in PERSPECTIVES:
        assert service.quality[view] == pytest.approx(service.baseline[view])
    assert service.known_loss == service.unknown_loss == pytest.approx(1)
    np.testing.assert_allclose(service.hits, service.baseline_hits)


def test_a_company_with_everything_serves_the_best(measured):
    service = served(training(measured["grid"]), Holding.full(10))
    for view in PERSPECTIVES:
        assert service.quality[view] == pytest.approx(service.best[view])
    np.testing.assert_allclose(service.hits, service.best_hits)


def test_poison_is_read_from_its_rows(measured):
    curve = measured["grid"]
    codes = np.full(10, GENUINE, np.int8)
    codes[:2] = FIRST_POISON
    codes[9] = 0
    holding = Holding(codes, (Poison("random_vandal"),))
    service = served(training(curve), holding)
    poisoned = {"random_vandal": 2 / 9}
    for view in ("company", "holdout"):
        assert service.quality[view] == curve.at(view, 0.9, poisoned).quality
    assert service.quality["holdout"] > curve.at("holdout", 0.9).quality
    assert service.known_loss == curve.at("known", 0.9, poisoned).loss
    mixed = curve.mixed(curve.at("served", 0.9, poisoned), curve.at("stranger", 0.9, poisoned), 0.9)
    assert service.quality["served"] == pytest.approx(mixed.quality)


def test_poison_stances_are_those_measured(society, measured):
    model = society("synthetic", curve=measured["grid"], population={"users": 30})
    assert model.stances.names[-1] == "poison:random_vandal"
    script = {"rule": "scripted", "steps": [{"tick": 1, "shares": {"poison:random_vandal": 0.5}}]}
    model = society("synthetic", curve=measured["grid"], population={"users": 30}, decision=script)
    model.step()
    assert model.ticks[1]["poisoned_large"] == 15
    assert model.ticks[1]["dlp_strike"] > 0.1
    for chosen, poisons in ((["random_vandal"], 1), ([], 0)):
        population = {"users": 30, "poisons": chosen}
        stances = society("synthetic", curve=measured["grid"], population=population).stances
        assert sum(name.startswith("poison") for name in stances.names) == poisons


def test_poison_that_was_not_measured_cannot_be_asked_for(society, measured):
    script = {"rule": "scripted", "steps": [{"tick": 3, "shares": {"poison:random_vandal": 0.5}}]}
    with pytest.raises(InputError, match=r"^stance 'poison:random_vandal' is not one of stay, [^\n]*$"):
        society("toxic", curve=published_curve("toxic", "grid"), decision=script)
    population = {"users": 30, "poisons": ["extreme_vandal"]}
    with pytest.raises(
        InputError, match=r"^population\.poisons: 'extreme_vandal' is not measured [^\n]*has rand"
    ):
        society("synthetic", curve=measured["grid"], population=population)


@pytest.mark.parametrize("mode", MODES)
def test_owners_are_the_users_of_a_measured_curve(society, ticks_of, measured, ratings, untrained, mode):
    model = society(ratings, curve=measured[mode])
    assert model.use_case is ratings
    np.testing.assert_array_equal(model.population.records, ratings.records_per_owner)
    ticks = ticks_of(model, 2)
    assert ticks["records_large"].iloc[0] == len(ratings.record_owners)


def test_a_number_of_users_owns_nothing(society, measured, ratings, untrained):
    model = society(ratings, curve=measured["grid"], population={"users": 300})
    assert model.use_case is None
    assert model.population.records.tolist() == [1] * 300


def test_records_that_arrive_count_among_those_that_exist(society, measured, ratings, prescribed):
    model = society(
        ratings,
        curve=measured["grid"],
        clock={"kind": "stream", "slices": 4},
        decision=prescribed({1: {"strike": np.arange(20)}, 2: {"cdc": np.arange(20, 40)}}),
    )
    for tick in range(1, 5):
        model.step()
        share = model.large.records / model.clock.arrived.sum()
        expected = measured["grid"].at("holdout", share).quality
        assert model.large.service.quality["holdout"] == pytest.approx(expected), tick
    assert model.clock.arrived.all()
    assert 0.5 < share < 0.9
    copied = model.small.records / model.clock.arrived.sum()
    assert model.small.service.quality["company"] == measured["grid"].at("company", copied).quality


def test_stale_models_are_worth_what_they_held(society, measured, ratings, prescribed):
    model = society(
        ratings,
        curve=measured["grid"],
        companies={"large": {"retrain_every": 2}},
        decision=prescribed({1: {"strike": np.arange(30)}}),
    )
    model.step()
    assert model.ticks[1]["stale"]
    assert model.ticks[1]["quality_large_holdout"] == model.ticks[0]["quality_large_holdout"]
    model.step()
    assert model.ticks[2]["quality_large_holdout"] > model.ticks[1]["quality_large_holdout"]


def test_the_true_family_believes_the_curve(society):
    curve = published_curve("cifar-10", "surrogate")
    model = society("cifar-10", curve=curve, population={"beliefs": {"linear": 0.5, "true": 0.2}})
    known = FAMILIES.index("true")
    assert model.beliefs.effect("contribute", 0.2)[known] == pytest.approx(float(curve.normalised(0.2)))
    assert model.beliefs.effect("remove", 0.3)[known] == pytest.approx(1 - float(curve.normalised(0.7)))


def test_a_hundred_thousand_users(society):
    script = {"rule": "scripted", "steps": [{"tick": 1, "shares": {"strike": 0.2, "cdc": 0.1}}]}
    model = society(
        "pinterest-20",
        curve=published_curve("pinterest-20", "grid"),
        population={"users": 100_000},
        decision=script,
    )
    model.step()
    row = model.ticks[-1]
    assert row["owners_large"] == 80_000
    assert row["owners_small"] == 10_000
    assert row["quality_large_holdout"] == pytest.approx(0.589776, abs=5e-7)  # the published mixture
    assert row["dlp_cdc_company"] == pytest.approx(0.8376682, abs=1e-6)
    assert row["quality_small_served"] == row["quality_small_company"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"use_case": "toxic"}, r"^curve: published is of cifar-10, not of toxic$"),
        ({"clock": {"kind": "stream"}}, r"^clock\.kind: must be 'static' where users own no records [^\n]*$"),
        (
            {"network": {"family": "taste_similarity"}},
            r"^network\.family is 'taste_similarity', which needs ",
        ),
    ],
)
def test_what_a_published_curve_cannot_give(society, options, message):
    use_case = options.pop("use_case", "cifar-10")
    with pytest.raises(InputError, match=message):
        society(use_case, curve=published_curve("cifar-10", "grid"), **options)


def test_one_source_at_a_time(society, recorded_digits, measured, few_digits):
    with pytest.raises(InputError, match=r"^replay, curve: qualities come from one of them, not from both$"):
        society("synthetic", replay=recorded_digits, curve=measured["grid"])


def test_a_curve_of_other_data_is_refused(society, measured, rating_case):
    with pytest.raises(InputError, match=r"^curve: \S+ was measured on other data than synthetic here$"):
        society(rating_case(seed=9), curve=measured["grid"])


def test_a_run_can_be_replayed(society, ticks_of, measured, ratings):
    recorded = ticks_of(society(ratings, curve=measured["grid"]), 3)
    replayed = ticks_of(society("synthetic", replay=recorded), 3)
    columns = [c for c in recorded if c.startswith(("quality_", "baseline_", "best_", "loss_", "dlp_"))]
    pd.testing.assert_frame_equal(replayed[columns], recorded[columns], rtol=1e-12)
