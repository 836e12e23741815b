import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from abm.streams import Streams
from analysis import contribution_study
from analysis.contribution_study import (
    RATES,
    Loading,
    Plan,
    Run,
    default_plan,
    default_use_cases,
    published_rows,
    run_contributions,
)
from analysis.run_log import RunLog
from learners.errors import InputError
from learners.holdings import Holding
from learners.usecase import Reference, load_use_case

SMALL = Plan("digits", (0.05, 0.5), 2)


def measured(out, plan=SMALL, **options):
    with RunLog(out, {"seed": options.get("seed", 0)}) as log:
        run_contributions(log, plan, **{"seed": 0, "device": "cpu"} | options)
    return log


def timeless(log):
    """Return results by key, without how long they took."""
    return {
        tuple(run[name] for name in ("company", "basis", "rate", "repeat")): {
            name: value for name, value in run.items() if name != "cpu_seconds"
        }
        for run in log.runs
    }


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("digits") / "out")


def test_every_model_of_the_plan_is_one_run(log):
    counts = Counter((run["company"], run["rate"]) for run in log.runs)
    assert counts == {
        ("nobody", 0.0): 1,
        ("full", 1.0): 2,
        ("small", 0.05): 2,
        ("large", 0.05): 2,
        ("small", 0.5): 2,
        ("large", 0.5): 2,
    }
    assert set(log.cases) == {"digits"}
    assert log.cases["digits"]["owners"] == 1797  # single images, not shards
    assert log.cases["digits"]["metric"] == "accuracy"


def test_small_has_what_large_has_not(log):
    runs = timeless(log)
    everything = runs["full", "share", 1.0, 0]["train_records"]
    assert everything == log.cases["digits"]["training_records"]
    for rate, owners in ((0.05, 90), (0.5, 898)):
        for repeat in range(2):
            small, large = (runs[company, "share", rate, repeat] for company in ("small", "large"))
            assert (small["owners"], large["owners"]) == (owners, 1797 - owners)
            assert small["train_records"] + large["train_records"] == everything
            assert (
                small["company_records"] + large["company_records"]
                == runs["full", "share", 1.0, 0]["company_records"]
            )


def test_results_are_those_of_training_on_what_is_left(log):
    use_case = load_use_case("digits", device="cpu", owners=1797)
    streams = Streams(0)
    order = streams.generator("contributors/digits/share/0.05", 1).permutation(1797)
    contributors = np.zeros(1797, bool)
    contributors[order[:90]] = True
    seed = int(streams.generator("learner", 1).integers(2**31))
    runs = timeless(log)
    for company, holding in (("small", Holding.of(contributors)), ("large", Holding.of(~contributors))):
        expected = use_case.learner(seed).update(holding)
        run = runs[company, "share", 0.05, 1]
        assert run["company_quality"] == expected.company
        assert run["holdout_quality"] == expected.holdout
    reference = Reference(use_case, seed)
    assert runs["full", "share", 1.0, 1]["holdout_quality"] == reference.evaluation.holdout
    assert runs["nobody", "share", 0.0, 0]["holdout_quality"] == pytest.approx(0.1)


def test_repeats_and_rates_draw_other_people(log):
    runs = timeless(log)
    qualities = [runs["small", "share", 0.05, repeat]["holdout_quality"] for repeat in range(2)]
    assert qualities[0] != qualities[1]


def test_order_and_number_of_processes_do_not_matter(log, tmp_path):
    # In another order: first the second rate alone, then all of it, with two processes.
    measured(tmp_path / "out", replace(SMALL, rates=(0.5,)))
    both = measured(tmp_path / "out", workers=2)
    assert timeless(both) == timeless(log)


def test_finished_runs_are_not_measured_again(log, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    lines = log.path.read_bytes().splitlines(keepends=True)
    (tmp_path / "out" / log.path.name).write_bytes(b"".join(lines[:7]))
    learners = []
    build = type(load_use_case("digits", device="cpu", owners=60)).learner
    monkeypatch.setattr(
        type(load_use_case("digits", device="cpu", owners=60)),
        "learner",
        lambda self, *arguments, **options: learners.append(1) or build(self, *arguments, **options),
    )
    steps = []
    again = measured(tmp_path / "out", progress=lambda *step: steps.append(step))
    assert again.path.read_bytes().startswith(b"".join(lines[:7]))
    assert timeless(again) == timeless(log)
    assert steps[0] == ("digits: 5 of 11 runs are in the log", 5, 11)
    assert [done for _, done, _ in steps[1:]] == [6, 7, 8, 9, 10, 11]
    assert len(learners) == 4  # one Small Co. more, the second repeat's two and its model of everything
    learners.clear()
    measured(tmp_path / "out")
    assert learners == []


def test_log_of_other_data_is_refused(log, tmp_path):
    (tmp_path / "out").mkdir()
    lines = log.path.read_text().splitlines()
    case = json.loads(lines[1])
    case["settings"]["owners"] = 300
    (tmp_path / "out" / log.path.name).write_text("\n".join([lines[0], json.dumps(case)]) + "\n")
    with pytest.raises(InputError, match="digits was begun with owners = 300, not 1797"):
        measured(tmp_path / "out")


def test_small_company_alone(tmp_path):
    runs = measured(tmp_path / "out", replace(SMALL, large=False)).runs
    assert {run["company"] for run in runs} == {"nobody", "small"}


def test_contributors_have_the_published_number_of_training_records(tmp_path, monkeypatch):
    monkeypatch.setattr(
        contribution_study, "published_rows", lambda name: {0.05: 70, 0.5: 700, 0.1: 140, 0.9: 1433}
    )
    runs = timeless(measured(tmp_path / "out", replace(SMALL, rates=(0.05, 0.5, 0.9), repeats=1)))
    rows = {key: run for key, run in runs.items() if key[1] == "rows"}
    assert {key[2] for key in rows} == {0.05, 0.5}  # .1 was not asked for, and of .9 there are too few
    assert len(rows) == 20  # more repeats than asked for: test splits are tiny
    for (company, _, rate, _), run in rows.items():
        assert company == "small"
        assert run["train_records"] == {0.05: 70, 0.5: 700}[rate]


def test_published_numbers_of_training_records():
    rows = published_rows("toxic")
    assert list(rows) == list(RATES)
    assert [rows[rate] for rate in (0.01, 0.05, 0.1)] == [1284, 6488, 13049]
    assert published_rows("cifar-10") == {}
    assert published_rows("pinterest-20") == {}
    assert published_rows("digits") == {}


def test_recommender_owners_are_people(prepared, tmp_path):
    data = prepared("ml-100k")
    log = measured(tmp_path / "out", Plan("ml-100k", (0.05,), 1), data_dir=data)
    assert log.cases["ml-100k"]["owners"] == 943
    runs = timeless(log)
    small, large = (runs[company, "share", 0.05, 0] for company in ("small", "large"))
    assert (small["owners"], large["owners"]) == (47, 896)
    assert large["holdout_quality"] < small["holdout_quality"]  # RMSE
    assert small["company_records"] < large["company_records"]


def test_default_use_cases_are_those_whose_data_are_here(tmp_path):
    found, notes = default_use_cases(tmp_path)
    assert found == []
    assert len(notes) == 5
    for folder in ("ml-1m", "cifar-10-batches-bin"):
        (tmp_path / folder).mkdir()
    found, notes = default_use_cases(tmp_path)
    assert found == ["ml-1m", "cifar-10", "cifar-10-features"]
    assert sum("is left out" in note for note in notes) == 2
    assert notes[-1].startswith("ml-1m stands in for ml-10m")
    (tmp_path / "ml-10M100K").mkdir()
    found, notes = default_use_cases(tmp_path)
    assert found[0] == "ml-10m"
    assert not any("stands in" in note for note in notes)


def test_default_plan_is_the_published_one_but_for_large_networks_on_a_cpu():
    assert default_plan("toxic", "cpu") == (Plan("toxic", RATES, 5), "")
    plan, note = default_plan("cifar-10", "cpu")
    assert plan == Plan("cifar-10", (0.01,), 5, large=False)
    assert "--large" in note
    with pytest.raises(InputError, match="'mnist' is not one of"):
        default_plan("mnist", "cpu")


def test_unknown_use_case_is_bad_input():
    with pytest.raises(InputError, match="'mnist' is not one of"):
        Loading("mnist", None, "cpu")()


def test_key_holds_all_that_tells_runs_apart():
    run = Run("digits", "small", "share", 0.05, 3)
    assert run.key == {
        "use_case": "digits", "company": "small", "basis": "share", "rate": 0.05, "repeat": 3,
    }  # fmt: skip
