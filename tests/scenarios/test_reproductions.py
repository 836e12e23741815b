import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from analysis.reproduction import COLUMNS
from learners.errors import InputError
from scenarios.reproductions import fractions

DIGITS = ("reproduce", "cdc", "--use-case", "digits", "--device", "cpu")


def keys(content):
    """Return what tells the runs in a log apart."""
    lines = [json.loads(line) for line in content.splitlines()]
    return [json.dumps(line["run"], sort_keys=True) for line in lines if "run" in line]


def children_of(pid):
    """Return the process ids of its children, none where the system does not tell."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return listed.read_text().split() if listed.exists() else []


def is_running(pid):
    """Return whether there is such a process, other than a dead one that nobody has asked after."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_published_study_on_the_digits(inside, tmp_path):
    done = inside(*DIGITS, "--rates", ".5,.05", "--repeats", "2")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "results" / "reproduction" / "cdc"
    assert sorted(path.name for path in out.iterdir()) == [
        "figures", "report.md", "reproduction.csv", "runs.jsonl", "thresholds.csv",
    ]  # fmt: skip
    assert sorted(path.name for path in (out / "figures").iterdir()) == ["digits.png", "digits.svg"]
    table = pd.read_csv(out / "reproduction.csv")
    assert tuple(table.columns)[: len(COLUMNS)] == COLUMNS
    assert set(table["rate"]) == {0.05, 0.5}
    assert table["within"].isna().all()
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("digits company cdc 5 %")]
    assert line.endswith("for orientation: cifar-10 (other data and another model)")
    assert line in (out / "report.md").read_text()
    assert "digits: the classifier is not personalised" in (out / "report.md").read_text()
    assert f"Written to {os.path.relpath(out)}" in done.stdout
    assert "11 of 11: digits: large 0.5 #2" in done.stderr

    again = inside(*DIGITS, "--rates", ".5,.05", "--repeats", "2")
    assert again.stdout == done.stdout
    assert "11 of 11 runs are in the log" in again.stderr


def test_use_cases_and_rates_add_up_in_one_folder(inside, tmp_path):
    inside(*DIGITS, "--rates", ".05", "--repeats", "1", "--out", "out")
    inside(*DIGITS, "--rates", ".2", "--repeats", "1", "--out", "out", "--no-large")
    table = pd.read_csv(tmp_path / "out" / "reproduction.csv")
    assert set(table["rate"]) == {0.05, 0.2}
    assert set(table.loc[table["rate"] == 0.2, "lever"]) == {"cdc"}


def test_strikes_of_a_small_data_set(inside, prepared, tmp_path):
    data = prepared("ml-100k")
    done = inside(
        "reproduce", "strikes", "--use-case", "ml-100k", "--folds", "2", "--sizes", ".3", "--samples", "1",
        "--data-dir", data, "--out", "out", "--device", "cpu",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out" / "reproduction.csv")
    assert tuple(table.columns)[: len(COLUMNS)] == COLUMNS
    assert set(table["lever"]) == {"none", "strike", "boycott", "traditional_boycott"}
    loss = table[(table["quantity"] == "normalised_loss")].set_index("who")["ours"]
    assert 0 < loss["non_participants"] < loss["all"] < loss["participants"]
    assert "ml-100k: another data set" in (tmp_path / "out" / "report.md").read_text()
    refused = inside(
        "reproduce", "strikes", "--use-case", "ml-100k", "--folds", "3", "--data-dir", data, "--out", "out"
    )
    assert refused.returncode == 2
    assert "begun with folds = 2, not 3" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("cdc", "--use-case", "mnist"), 2, "'mnist' is not one of"),
        (("cdc", "--use-case", "ml-1m"), 2, "ml-1m is not in"),
        (("cdc",), 2, "toxic is left out: its data are not in"),
        (("cdc", "--rates", "0,.5"), 2, "rates: '0,.5' is not a list of numbers between 0 and 1"),
        (("strikes", "--sizes", "all"), 2, "sizes: 'all' is not a list of numbers"),
        (("strikes", "--learner", "theirs"), 2, "learner: 'theirs' is not one of ours, surprise"),
        (("strikes", "--use-case", "digits"), 2, "'digits' has no ratings"),
        (("strikes", "--out", "."), 4, "is not empty and holds no runs.jsonl"),
    ],
)
def test_bad_input_is_one_line(inside, tmp_path, arguments, code, said):
    (tmp_path / "thesis.tex").write_text("mine")
    done = inside("reproduce", *arguments)
    assert done.returncode == code
    assert done.stdout == ""
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_log_of_another_seed_is_refused(inside):
    assert inside(*DIGITS, "--rates", ".5", "--repeats", "1", "--out", "out").returncode == 0
    done = inside(*DIGITS, "--rates", ".5", "--repeats", "1", "--out", "out", "--seed", "1")
    assert done.returncode == 2
    assert "the study was begun with seed = 0, not 1" in done.stderr


def test_lists_of_shares():
    assert fractions(".2, .05,.2", "rates") == (0.05, 0.2)
    for bad in ("", "x", "1", "0", "-.1", "nan", ".1,,.2", "1e400"):
        with pytest.raises(InputError, match="rates"):
            fractions(bad, "rates")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
@pytest.mark.parametrize("workers", [1, 2])
def test_kill_loses_no_more_than_the_runs_in_flight(executable, environment, inside, tmp_path, workers):
    arguments = [*DIGITS, "--rates", ".05,.2,.5", "--repeats", "25"]
    log = tmp_path / "out" / "runs.jsonl"
    process = subprocess.Popen(
        [executable, *arguments, "--workers", str(workers), "--out", "out"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while (not log.exists() or log.read_bytes().count(b"\n") < 30) and time.monotonic() < deadline:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        children = children_of(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_running, children))
    survived = log.read_bytes()
    whole = survived[: survived.rfind(b"\n") + 1]
    finished = len(keys(whole))
    assert 20 < finished < 176

    done = inside(*arguments, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert f"digits: {finished} of 176 runs are in the log" in done.stderr
    content = log.read_bytes()
    assert content.startswith(whole)
    assert len(keys(content)) == len(set(keys(content))) == 176  # none is missing, none is there twice
    if workers == 1:
        assert inside(*arguments, "--out", "undisturbed").returncode == 0
        for name in ("reproduction.csv", "report.md", "thresholds.csv"):
            assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
