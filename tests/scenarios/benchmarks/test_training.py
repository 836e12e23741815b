"""The benchmarks of learners: what they compare on small data, and what they say where a peer is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from learners.datasets.records import InteractionData, TextData
from learners.datasets.synthetic import synthetic_ratings
from learners.holdings import Holding
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase
from learners.text.use_case import TextParameters, TextUseCase
from learners.topn.item_knn import ItemKNNParameters
from learners.topn.use_case import TopNUseCase
from scenarios.benchmarks import peer_learners
from scenarios.benchmarks import training as benchmarks
from scenarios.benchmarks.comparisons import HOW_TO_INSTALL, Comparison
from scenarios.benchmarks.machine_speed import MachineSpeed, Work
from scenarios.benchmarks.peer_learners import Timed, timed
from scenarios.run_directory import json_text

SPEED = MachineSpeed(1e9, 1e8)


@pytest.fixture(scope="module")
def ratings():
    data = synthetic_ratings(400, 300, 16_000)
    return RatingUseCase("ratings", data, "cpu", "holdout", FactorisationParameters(dimensions=4))


@pytest.fixture(scope="module")
def pins():
    """Pins of people with one of six tastes each."""
    rng = np.random.default_rng(1)
    n_owners, n_items, own = 300, 240, []
    for owner in range(n_owners):
        chance = np.where(np.arange(n_items) % 6 == owner % 6, 30.0, 1.0)
        own.append(rng.choice(n_items, 16, replace=False, p=chance / chance.sum()))
    negatives = [rng.choice(np.setdiff1d(np.arange(n_items), pinned), 99, replace=False) for pinned in own]
    data = InteractionData(
        name="pins",
        owners=np.repeat(np.arange(n_owners, dtype=np.int32), 15),
        items=np.concatenate([np.sort(pinned[1:]) for pinned in own]).astype(np.int32),
        held_out=np.array([pinned[0] for pinned in own], np.int32),
        negatives=np.array(negatives, np.int32),
        owner_ids=np.arange(n_owners, dtype=np.int64),
        item_ids=np.arange(n_items, dtype=np.int64),
    )
    return TopNUseCase("pins", data, "cpu", "holdout", ItemKNNParameters(neighbours=20, shrink=1.0))


@pytest.fixture(scope="module")
def comments():
    rng = np.random.default_rng(2)
    words = np.array(["".join(rng.choice(list("aeinorst"), 6)) for _ in range(80)])
    labels = (rng.random(600) < 0.4).astype(np.int64)
    texts = [
        " ".join([*rng.choice(words, 8), *(["grubble"] * int(rng.random() < 0.1 + 0.7 * y))]) for y in labels
    ]
    data = TextData("comments", tuple(texts), labels, ("clean", "toxic"))
    parameters = TextParameters(characters=800, words=50, inverse_penalty=5.0)
    return TextUseCase("comments", data, "cpu", "holdout", 60, parameters)


# Rows


def test_a_ratio_is_judged_only_where_it_is_known_and_something_is_required():
    assert Comparison("m", "p", 2.0, 30.0, 15).ratio == 15
    assert Comparison("m", "p", 2.0, 30.0, 15).reached is True
    assert Comparison("m", "p", 2.0, 29.0, 15).reached is False
    assert Comparison("m", "p", 2.0, 30.0).reached is None
    assert Comparison("m", "p", 2.0, ratio_required=15).reached is None


def test_a_row_says_everything_in_words():
    row = Comparison("fit", "peer", 2.0, 29.0, 15, "RMSE", 0.84, 0.86, 0.5, "see there")
    assert row.row()["times_floor"] == 4
    assert row.row()["ratio"] == 14.5
    assert row.lines() == [
        "fit",
        "  ours   2 CPU-s, RMSE 0.8400; floor 0.5 s, 4 times it",
        "  peer   29 CPU-s, RMSE 0.8600: peer",
        "  ratio  14.5 (required: 15, NOT reached)",
        "  note   see there",
    ]
    assert Comparison("fit", "peer", 1.0, 29.0, 15).lines()[-1] == "  ratio  29 (required: 15, reached)"
    assert Comparison("fit", f"peer: {HOW_TO_INSTALL}", 1.0).lines() == [
        "fit",
        "  ours   1 CPU-s",
        f"  peer   peer: {HOW_TO_INSTALL}",
    ]


def test_floor_is_what_takes_longer():
    assert SPEED.floor(Work(3e9, 1e8)) == 3
    assert SPEED.floor(Work(3e9, 1e8) + Work(0, 3e8)) == 4
    assert SPEED.floor(Work(1e9, 0) * 2.5) == 2.5
    measured = MachineSpeed.measured()
    assert 1e8 < measured.flops_per_second < 1e13
    assert 1e7 < measured.bytes_per_second < 1e12


def test_timed_is_the_time_of_the_call():
    def work():
        return sum(range(2_000_000))

    measured = timed(work)
    assert measured.result == work()
    assert 0 < measured.seconds < 60


def test_what_cannot_be_imported_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken_peer.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "sound_peer.py").write_text("import warnings\nwarnings.warn('old')\n")
    assert not peer_learners.is_installed("broken_peer")
    assert not peer_learners.is_installed("nothing_of_this_name")
    assert peer_learners.is_installed("sound_peer")


# Ratings


def test_a_cold_fit_is_stopped_once_it_is_as_good(ratings):
    learner, fitted = benchmarks.cold(ratings, 4, 3)
    assert learner.sweeps == 3
    rmse = ratings.metric.of(fitted.result.holdout, ratings.holdout.targets)
    stopped, as_good = benchmarks.until_as_good(ratings, 4, rmse)
    assert stopped.sweeps == 3
    np.testing.assert_array_equal(as_good.result.holdout, fitted.result.holdout)
    assert benchmarks.until_as_good(ratings, 4, float("inf"))[0].sweeps == 1


def test_work_of_a_sweep_grows_with_ratings_and_with_the_square_of_the_dimensions(ratings):
    n = int((ratings.split == 0).sum())
    one = benchmarks.sweep_work(ratings, 1)
    assert one.bytes == 2 * n * 16
    assert one.flops == pytest.approx(2 * n * 6 + (400 + 300) * 8 / 3)
    assert benchmarks.sweep_work(ratings, 19).flops > 50 * one.flops


def test_updates_are_of_one_percent_more_each_time(ratings):
    learner, held = ratings.learner(0), []
    fit = learner.fit
    learner.fit = lambda holding: held.append(holding) or fit(holding)
    measured = benchmarks.update_timings(learner)
    assert [int(holding.present.sum()) for holding in held] == [400, 396, 392, 388, 384, 380]
    assert measured.seconds > 0
    again = ratings.learner(0)
    again.fit(held[0])
    np.testing.assert_array_equal(measured.result.holdout, again.fit(held[1]).holdout)


def test_rating_rows_put_ours_beside_each_peer(ratings, monkeypatch):
    bad, good = np.full(len(ratings.holdout.rows), 3.5), ratings.holdout.targets.astype(float)
    monkeypatch.setattr(benchmarks, "is_installed", lambda package: True)
    monkeypatch.setattr(benchmarks, "myfm_regression", lambda case, holding: Timed(50.0, good))
    monkeypatch.setattr(benchmarks, "surprise_svd", lambda case, holding: Timed(4.0, bad))
    rows = benchmarks.rating_rows(ratings, SPEED)
    assert {row.peer for row in rows} == {benchmarks.MYFM, benchmarks.SVD}
    assert [row.ratio_required for row in rows if row.ratio_required > 0] == [15, 30, 100, 100]
    for row in rows:
        assert row.ratio == row.peer_seconds / row.seconds
        assert row.peer_seconds == (50 if row.peer == benchmarks.MYFM else 4)
        assert row.peer_quality == pytest.approx(
            0 if row.peer == benchmarks.MYFM else ratings.metric.of(bad, good)
        )
        assert 0.6 < row.quality < 1.1
        assert row.floor_seconds > 0
    stopped = {row.peer: row for row in rows if "as good" in row.measured}
    assert "stopped once as good, 5 dimensions, 1 sweeps" in stopped[benchmarks.SVD].measured
    assert f"does not become as good, 4 dimensions, {benchmarks.LADDER[-1]} sweeps" in (
        stopped[benchmarks.MYFM].measured
    )
    assert stopped[benchmarks.MYFM].reached is None


def test_rows_without_their_peer_say_how_to_get_it(ratings, pins, monkeypatch):
    monkeypatch.setattr(benchmarks, "is_installed", lambda package: False)
    rows = [*benchmarks.rating_rows(ratings, SPEED), *benchmarks.interaction_rows(pins, SPEED)[1:]]
    assert len(rows) == 6
    for row in rows:
        assert row.peer.endswith(HOW_TO_INSTALL)
        assert row.seconds > 0
        assert row.reached is None
        assert json.loads(json_text(row.row()))["peer_seconds"] is None


@pytest.mark.parametrize(("package", "fit"), [("surprise", "surprise_svd"), ("myfm", "myfm_regression")])
def test_peers_learn_the_same_ratings(ratings, package, fit):
    pytest.importorskip(package, exc_type=ImportError)
    fitted = getattr(peer_learners, fit)(ratings, Holding.full(ratings.owners))
    rmse = ratings.metric.of(fitted.result, ratings.holdout.targets)
    assert fitted.seconds > 0
    assert fitted.result.shape == ratings.holdout.targets.shape
    assert rmse < ratings.metric.of(ratings.uninformed().holdout, ratings.holdout.targets) - 0.03
    assert rmse == pytest.approx(ratings.learner(0).update(Holding.full(ratings.owners)).holdout, abs=0.1)


# Interactions and comments


def test_interaction_rows(pins, monkeypatch):
    monkeypatch.setattr(benchmarks, "is_installed", lambda package: True)
    places = np.zeros(len(pins.holdout.rows))
    monkeypatch.setattr(benchmarks, "implicit_cosine", lambda case, holding: Timed(7.0, places))
    sums, whole = benchmarks.interaction_rows(pins, SPEED)
    assert (sums.ratio_required, whole.ratio_required) == (50, 1)
    assert 0 < sums.seconds < whole.seconds
    assert sums.peer_seconds > 0
    assert whole.peer_quality == 1
    assert whole.quality == pins.learner(0).update(Holding.full(pins.owners)).holdout > 0.3


def test_implicit_learns_the_same_pins(pins):
    pytest.importorskip("implicit", exc_type=ImportError)
    full = Holding.full(pins.owners)
    fitted = peer_learners.implicit_cosine(pins, full)
    plain = ItemKNNParameters(neighbours="all", shrink=0.0, weighting="none")
    ours = TopNUseCase("pins", pins.data, "cpu", "holdout", plain).learner(0).update(full).predictions.holdout
    assert fitted.seconds > 0
    # Of 240 items every one is a neighbour: it is the same model.
    assert np.mean(fitted.result == ours) > 0.98


def test_text_rows(comments):
    (row,) = benchmarks.text_rows(comments, SPEED)
    assert row.ratio_required == 100
    assert row.peer_seconds > 0
    assert row.quality > 0.75
    assert row.quality == pytest.approx(row.peer_quality, abs=0.02)
    assert row.floor_seconds > 0
    assert "terms are counted once" in row.note


def test_where_data_are_missing_the_rows_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(MachineSpeed, "measured", lambda: SPEED)
    result = benchmarks.learners(tmp_path)
    assert [row["measured"] for row in result["rows"]] == ["ml-1m", "pinterest-20", "toxic"]
    for row, name in zip(result["rows"], ("ml-1m", "pinterest-20", "jigsaw-toxic"), strict=True):
        assert f"{name} is not in {tmp_path}" in row["note"]
        assert row["reached"] is None
    assert len(result["text"]) == 6
    assert json.loads(json_text(result))["benchmark"] == "learners"


def test_every_section_that_is_there_is_compared(monkeypatch, ratings, pins, comments):
    cases = {"ml-1m": ratings, "pinterest-20": pins, "toxic": comments}
    asked = []

    def load(name, data_dir, device, split, **parameters):
        asked.append((name, device, split))
        return cases[name]

    monkeypatch.setattr(MachineSpeed, "measured", lambda: SPEED)
    monkeypatch.setattr(benchmarks, "load_use_case", load)
    monkeypatch.setattr(benchmarks, "is_installed", lambda package: False)
    rows = benchmarks.learners(None)["rows"]
    assert asked == [(name, "cpu", "holdout") for name in cases]
    assert [row["measured"].partition(":")[0] for row in rows] == ["ratings"] * 5 + ["pins"] * 2 + [
        "comments"
    ]
