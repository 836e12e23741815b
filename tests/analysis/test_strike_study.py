from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from analysis import strike_study
from analysis.run_log import RunLog
from analysis.strike_results import strike_results
from analysis.strike_study import FoldLoading, StrikePlan, run_strikes
from learners.datasets.records import RatingData
from learners.errors import InputError
from learners.holdings import Holding
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase

PLAN = StrikePlan("ml-small", (0.1, 0.3, 0.8), 2, 3)


def ratings(people=150, items=60, seed=5):
    """Return ratings of people with tastes in two dimensions."""
    rng = np.random.default_rng(seed)
    owners, rated = np.nonzero(rng.random((people, items)) < 0.4)
    p, q = rng.normal(0, 0.9, (people, 2)), rng.normal(0, 0.9, (items, 2))
    score = 3.4 + rng.normal(0, 0.4, people)[owners] + rng.normal(0, 0.4, items)[rated]
    score += (p[owners] * q[rated]).sum(1) + rng.normal(0, 0.3, len(owners))
    return RatingData(
        name="ml-small",
        owners=owners.astype(np.int32),
        items=rated.astype(np.int32),
        ratings=np.clip(np.round(score), 1, 5).astype(np.float32),
        timestamps=np.zeros(len(owners), np.int64),
        scale=(1.0, 2.0, 3.0, 4.0, 5.0),
        owner_ids=np.arange(people),
        item_ids=np.arange(items),
        groups={"gender": np.where(np.arange(people) % 3, "F", "M")},
        warnings=("ml-small: made up",),
    )


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    """Let ``ml-small`` be a data set."""
    data = ratings()

    def load(name, data_dir, device, split):
        assert name == "ml-small"
        return RatingUseCase(name, data, "cpu", split, FactorisationParameters(dimensions=3))

    monkeypatch.setattr(strike_study, "load_use_case", load)
    strike_study._loaded.cache_clear()
    yield load
    strike_study._loaded.cache_clear()


def measured(out, plan=PLAN, seed=0, **options):
    with RunLog(out, {"seed": seed}) as log:
        run_strikes(log, plan, seed=seed, device="cpu", **options)
    return log


def of(log, **wanted):
    """Return the runs whose key has these values."""
    return [run for run in log.runs if all(run[name] == value for name, value in wanted.items())]


def test_every_model_of_the_plan_is_one_run(tmp_path):
    log = measured(tmp_path / "out", replace(PLAN, groups=True))
    assert Counter((run["kind"], run["label"], run["size"]) for run in log.runs) == {
        ("none", "", 0.0): 3,
        **{("random", "", size): 6 for size in (0.1, 0.3, 0.8)},
        ("gender", "F", 0.5): 6,
        ("gender", "M", 0.5): 6,
        ("power users", "top tenth", 0.5): 6,
    }
    case = log.cases["ml-small"]
    data = ratings()
    assert (case["people"], case["ratings"], case["folds"]) == (150, len(data.ratings), 3)
    assert case["hits_per_fold"] == (data.ratings >= 4).sum() / 3


def test_everybody_is_tested_and_nobody_twice(tmp_path):
    log = measured(tmp_path / "out", replace(PLAN, groups=True))
    total = len(ratings().ratings)
    assert sum(run["who"]["all"]["records"] for run in of(log, kind="none")) == total
    for run in of(log, kind="random") + of(log, kind="gender"):
        who = run["who"]
        for name in ("records", "hits_before", "hits_after", "hits_item_mean", "squares_after"):
            parts = who["participants"][name] + who["non_participants"][name]
            assert parts == pytest.approx(who["all"][name])
            if run["kind"] == "gender":
                assert who["similar"][name] + who["others"][name] == pytest.approx(
                    who["non_participants"][name]
                )


def test_strikers_of_a_sample_are_the_same_in_every_fold(tmp_path):
    log = measured(tmp_path / "out")
    shares = {run["missing"] for run in of(log, kind="random", size=0.3, sample=0)}
    assert len(shares) == 1
    assert shares != {run["missing"] for run in of(log, kind="random", size=0.3, sample=1)}
    participants = sum(
        run["who"]["participants"]["records"] for run in of(log, kind="random", size=0.3, sample=0)
    )
    assert participants == pytest.approx(shares.pop() * len(ratings().ratings))


def test_model_after_a_strike_is_one_that_never_saw_the_strikers(tmp_path, small_data):
    log = measured(tmp_path / "out")
    for size, tolerance in ((0.8, 0.0), (0.3, 0.02)):  # trained afresh, and from the model of everything
        run = of(log, kind="random", size=size, sample=0, fold=2)[0]
        use_case = small_data("ml-small", None, "cpu", "fold:2/3")
        order = strike_study.Streams(0).generator(f"strikers/{size!r}", 0).permutation(150)
        holding = Holding.full(150).without(order[: round(size * 150)])
        alone = use_case.learner(0, "reference").update(holding)
        sums = run["who"]["all"]
        rmse = (sums["squares_after"] / sums["records"]) ** 0.5
        assert rmse == pytest.approx(alone.holdout, abs=max(tolerance, 1e-6))
        assert sums["hits_after"] == pytest.approx(alone.hits.sum(), abs=max(tolerance * 1000, 1e-9))


def test_strikers_get_the_fallback(tmp_path):
    log = measured(tmp_path / "out")
    before = after = item_mean = 0.0
    for run in of(log, kind="random", size=0.3):
        sums = run["who"]["participants"]
        before += sums["squares_before"]
        after += sums["squares_after"]
        item_mean += sums["squares_item_mean"]
    assert before < 0.8 * after
    assert after == pytest.approx(item_mean, rel=0.1)


def test_finished_runs_are_kept_and_a_larger_plan_adds_to_them(tmp_path):
    first = measured(tmp_path / "out", replace(PLAN, sizes=(0.1,)))
    content = first.path.read_bytes()
    steps = []
    more = measured(tmp_path / "out", progress=lambda *step: steps.append(step))
    assert more.path.read_bytes().startswith(content)
    assert steps[0] == ("ml-small: 9 of 21 runs are in the log", 9, 21)
    fresh = measured(tmp_path / "fresh")
    pd_first, pd_more = (strike_results(log.cases, log.runs) for log in (fresh, more))
    assert pd_first.equals(pd_more)


def test_only_ratings_can_strike():
    with pytest.raises(InputError, match=r"'digits' has no ratings; strikes are measured on ml-100k, ml-1m"):
        FoldLoading("digits", None, "cpu", 1, 5)()


def test_surprise_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "surprise", None)
    with pytest.raises(InputError, match=r"needs scikit-surprise.*data-leverage\[bench\]"):
        measured(tmp_path / "out", replace(PLAN, learner="surprise"))


def test_surprise_goes_through_the_same_harness(tmp_path):
    pytest.importorskip("surprise")
    log = measured(tmp_path / "out", replace(PLAN, learner="surprise", sizes=(0.3,)))
    ours = measured(tmp_path / "ours", replace(PLAN, sizes=(0.3,)))
    for theirs, run in zip(log.runs, ours.runs, strict=True):
        assert theirs["learner"] == "surprise"
        assert theirs["missing"] == run["missing"]
        for who, sums in theirs["who"].items():
            assert sums["records"] == run["who"][who]["records"]
            assert sums["hits_item_mean"] == run["who"][who]["hits_item_mean"]
