import csv
import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from learners.curves.curve_files import read_measurements
from learners.curves.measuring import CurvePoint, measured_points, planned_points
from learners.datasets.records import RatingData
from learners.errors import InputError, OutputError
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase
from learners.usecase import load_use_case
from scenarios.curves import measured_curve

PLAN = {"rates": [0.2, 0.5], "repeats": 2}


@pytest.fixture(scope="module")
def digits():
    return load_use_case("digits", device="cpu", owners=40, filters=4)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results" / "curve"


def shown(rows):
    """Return rows to compare: NaN is equal to itself, and wall seconds do not count."""
    return [repr(row._replace(seconds=0.0)) for row in rows]


def expected(use_case, seed=1, **plan):
    points = planned_points(use_case, **{**PLAN, **plan})
    return [row for _, rows in measured_points(use_case, points, seed) for row in rows]


def stored(folder):
    return read_measurements((folder / "curve.csv").read_bytes(), "curve.csv")


def test_a_folder_holds_every_row_and_says_what_they_are_of(digits, folder):
    rows = measured_curve(digits, folder, **PLAN)
    assert shown(rows) == shown(stored(folder)) == shown(expected(digits))
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "curve.json"]
    record = json.loads((folder / "curve.json").read_text())
    assert (record["use_case"], record["seed"], record["owners"]) == ("digits", 1, 40)
    assert (record["metric"], record["personalised"]) == ("accuracy", False)
    assert record["data"] == digits.data_digest
    assert {"numpy", "scipy", "torch", "scikit-learn", "data-leverage"} <= set(record["versions"])
    with (folder / "curve.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(rows) == 2 * 4 * 3


def test_what_is_there_is_not_measured_again(digits, folder, monkeypatch):
    measured_curve(digits, folder, **PLAN)
    before = (folder / "curve.csv").read_bytes()
    monkeypatch.setattr("scenarios.curves.measured_points", lambda _, points, seed: iter(_none(points)))
    measured_curve(digits, folder, **PLAN)
    measured_curve(digits, folder, rates=[0.2], repeats=1)
    assert (folder / "curve.csv").read_bytes() == before


def _none(points):
    assert list(points) == []
    return []


def test_more_rates_repeats_and_poison_are_added_to_what_is_there(digits, folder):
    measured_curve(digits, folder, rates=[0.5], repeats=1)
    first = (folder / "curve.csv").read_bytes()
    more = {"rates": [0.2, 0.5], "repeats": 2, "poisons": ["label_flip"]}
    rows = measured_curve(digits, folder, **more)
    assert (folder / "curve.csv").read_bytes().startswith(first)
    assert sorted(shown(rows)) == sorted(shown(expected(digits, **more)))


def test_wherever_a_run_is_cut_off_the_next_completes_it(digits, folder):
    measured_curve(digits, folder, **PLAN)
    whole = (folder / "curve.csv").read_bytes()
    for length in [0, 3, *range(100, len(whole), len(whole) // 12), len(whole) - 1]:
        (folder / "curve.csv").write_bytes(whole[:length])
        measured_curve(digits, folder, **PLAN)
        assert shown(stored(folder)) == shown(expected(digits)), length


def test_progress_counts_what_is_there_already(digits, folder):
    calls = []
    measured_curve(digits, folder, rates=[0.5], repeats=1)
    measured_curve(digits, folder, **PLAN, progress=lambda *call: calls.append(call))
    assert calls[0] == (2, 8, None)
    assert [call[:2] for call in calls[1:]] == [(done, 8) for done in range(3, 9)]
    assert calls[1][2] == CurvePoint(0, 0.2)


def test_other_settings_need_another_folder(digits, folder):
    measured_curve(digits, folder, rates=[0.5], repeats=1)
    before = (folder / "curve.csv").read_bytes()
    with pytest.raises(InputError, match=r"curve\.json: measured with seed = 1, not 2; name another folder"):
        measured_curve(digits, folder, rates=[0.5], repeats=1, seed=2)
    fewer = load_use_case("digits", device="cpu", owners=30, filters=4)
    with pytest.raises(InputError, match=r"measured with owners = 40, not 30"):
        measured_curve(fewer, folder, rates=[0.5], repeats=1)
    assert (folder / "curve.csv").read_bytes() == before


def test_learner_parameters_are_part_of_what_a_curve_is_of(ratings_like, folder):
    measured_curve(ratings_like(dimensions=2), folder, rates=[0.5], repeats=1)
    assert json.loads((folder / "curve.json").read_text())["learner"]["parameters"]["dimensions"] == 2
    with pytest.raises(InputError, match=r"measured with learner = [^\n]*not [^\n]*; name another folder"):
        measured_curve(ratings_like(dimensions=3), folder, rates=[0.5], repeats=1)


@pytest.fixture
def ratings_like():
    rng = np.random.default_rng(3)
    owners, items = np.nonzero(rng.random((60, 40)) < 0.4)
    data = RatingData(
        name="synthetic",
        owners=owners.astype(np.int32),
        items=items.astype(np.int32),
        ratings=rng.integers(1, 6, len(owners)).astype(np.float32),
        timestamps=np.arange(len(owners), dtype=np.int64),
        scale=(1.0, 2.0, 3.0, 4.0, 5.0),
        owner_ids=np.arange(60, dtype=np.int64),
        item_ids=np.arange(40, dtype=np.int64),
    )
    return lambda **parameters: RatingUseCase(
        "synthetic", data, "cpu", "live", FactorisationParameters(**parameters)
    )


def test_a_folder_of_something_else_is_left_alone(digits, folder):
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("precious")
    with pytest.raises(OutputError, match=r"is not empty and holds no curve\.json; name another folder$"):
        measured_curve(digits, folder, **PLAN)
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    file = folder / "thesis.tex"
    with pytest.raises(OutputError, match=r"^cannot write \S*thesis\.tex: "):
        measured_curve(digits, file, **PLAN)


def test_bad_input_makes_no_folder(digits, folder):
    with pytest.raises(InputError):
        measured_curve(digits, folder, rates=[2.0], repeats=1)
    assert not folder.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")
def test_two_runs_do_not_write_one_folder(digits, folder):
    def again(done, total, point):
        if done == 1:
            with pytest.raises(OutputError, match="is being written by another process"):
                measured_curve(digits, folder, **PLAN)

    measured_curve(digits, folder, **PLAN, progress=again)
    assert shown(stored(folder)) == shown(expected(digits))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_command_goes_on_where_it_was(executable, environment, tmp_path):
    arguments = [executable, "curve", "digits", "--rates", ".3,.5", "--device", "cpu", "--out", "curve"]
    process = subprocess.Popen(
        [*arguments, "--repeats", "500"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    rows = tmp_path / "curve" / "curve.csv"
    try:
        until = time.monotonic() + 120
        while not rows.exists() or rows.stat().st_size < 5_000:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    left = rows.read_bytes()
    done = read_measurements(left, "curve.csv")
    repeats = done[-1].repeat + 2
    assert 2 < repeats < 500
    finished = subprocess.run(
        [*arguments, "--repeats", str(repeats)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert finished.returncode == 0, finished.stderr
    points = planned_points(load_use_case("digits", device="cpu"), [0.3, 0.5], repeats)
    assert [row.perspective for row in stored(tmp_path / "curve")].count("holdout") == len(points)
    assert f"{len(done) // 3} of {len(points)}: measured already" in finished.stderr
    assert shown(stored(tmp_path / "curve"))[: len(done)] == shown(done)
    last = points[-3:]
    again = [
        row for _, group in measured_points(load_use_case("digits", device="cpu"), last, 1) for row in group
    ]
    assert shown(stored(tmp_path / "curve"))[-len(again) :] == shown(again)
