import csv
import io
import json

import pytest

from abm.model import DataLeverageModel
from scenarios.batch import engines
from scenarios.batch.engines import Ended

STUDY = """\
name: town-law
question: Does it help?
base: published-curves
settings: {population.users: 60, interventions: [{kind: portability_law, start: 2}]}
ticks: 4
replicates: 3
arms:
  none: {interventions: []}
  law:
outputs: [participation, dlp_cdc]
"""


class Inline:
    """Does jobs in this process."""

    def __init__(self, workers):
        self.workers = workers or 1
        self.waiting = []

    def submit(self, job):
        self.waiting.append(job)

    def next(self, timeout):
        job = self.waiting.pop(0)
        return Ended(job, job.perform())

    def close(self):
        pass


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Write the study, let commands work in this process, and return the engines they asked for."""
    (tmp_path / "law.yaml").write_text(STUDY)
    asked = []

    def opened(name, workers, address):
        asked.append((name, workers, address))
        return Inline(workers)

    monkeypatch.setattr(engines, "open_engine", opened)
    return asked


def one_line(process, code):
    assert process.returncode == code, process.stderr
    assert process.stdout == ""
    assert len(process.stderr.splitlines()) == 1, process.stderr
    return process.stderr.rstrip("\n")


def test_study_prints_its_effects_and_where_they_are(inside, asked, tmp_path):
    done = inside("study", "law.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["Does it help?", "6 finished"]
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("dlp_cdc")]
    assert row.split()[1] == "law"
    assert row.split()[-1] == "3"
    assert done.stdout.rstrip().endswith("Written to results/town-law")
    assert (tmp_path / "results" / "town-law" / "effects.csv").is_file()
    assert "6 of 6" in done.stderr
    again = inside("study", "law.yaml", "--json", "--workers", "3")
    record = json.loads(again.stdout)
    assert (record["finished"], record["played"], record["failed"]) == (6, 0, 0)
    assert [effect["output"] for effect in record["effects"]] == ["participation", "dlp_cdc"]
    assert asked == [("local", None, None)]  # the second time, nothing was left to play


def test_settings_and_engine_are_passed_on(inside, asked):
    options = ("--set", "replicates=2", "--engine", "dask", "--workers", "3", "--address", "tcp://x:1")
    done = inside("study", "law.yaml", *options, "--out", "there", "--json")
    assert json.loads(done.stdout)["runs"] == 4
    assert asked == [("dask", 3, "tcp://x:1")]


def test_dry_run_says_what_and_how_long_and_writes_nothing(inside, asked, tmp_path):
    done = inside("study", "law.yaml", "--dry-run", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "town-law: 2 arms (none, law) x 1 points x 3 replicates = 6 runs" in done.stdout
    assert "on 2 workers" in done.stdout
    record = json.loads(inside("study", "law.yaml", "--dry-run", "--workers", "2", "--json").stdout)
    assert (record["rows"], record["runs"], record["workers"]) == (6, 6, 2)
    expected = record["seconds_to_load"] + 3 * record["seconds_per_run"]
    assert record["seconds_estimated"] == pytest.approx(expected, abs=0.1)
    assert record["seconds_per_run"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["law.yaml"]


def test_schema_is_printed_without_a_study(inside):
    done = inside("study", "--schema")
    assert json.loads(done.stdout)["properties"]["replicates"]["minimum"] == 1


@pytest.mark.parametrize("name", ["law.yaml", "results/town-law/study.yaml"])
def test_study_of_a_results_folder_is_the_study(inside, asked, name):
    assert inside("study", "law.yaml").returncode == 0
    done = inside("study", name, "--json")
    assert json.loads(done.stdout)["played"] == 0


def test_thresholds_are_printed_and_written(inside, asked, tmp_path):
    text = STUDY[: STUDY.index("arms:")] + (
        "outputs: [participation]\n"
        "parameters: {design: grid, axes: {decision.steps.0.shares.strike: [0.1, 0.2, 0.4]}}\n"
        "thresholds: [{output: participation, along: decision.steps.0.shares.strike, level: 0.3}]\n"
    )
    script = "decision: {rule: scripted, steps: [{tick: 1, shares: {}}]}"
    scripted = f"{{population.users: 60, interventions: [], {script}}}"
    lines = [f"settings: {scripted}" if line.startswith("settings") else line for line in text.splitlines()]
    (tmp_path / "law.yaml").write_text("\n".join(lines))
    done = inside("study", "law.yaml", "--out", "out")
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("participation")]
    assert row.split() == [
        *("participation", "0.3", "decision.steps.0.shares.strike", "base", "0.3", "0.3", "0.3", "3", "100%")
    ]
    (record,) = list(csv.DictReader((tmp_path / "out" / "thresholds.csv").open()))
    assert float(record["threshold"]) == pytest.approx(0.3)


def test_failed_runs_are_exit_3(inside, asked, tmp_path, monkeypatch):
    step = DataLeverageModel.step

    def fail(model):
        if model.policy.portability_success == 1.0:
            raise ValueError("the law is void")
        step(model)

    with monkeypatch.context() as patch:
        patch.setattr(DataLeverageModel, "step", fail)
        done = inside("study", "law.yaml", "--out", "out")
    assert done.returncode == 3
    assert "3 finished, 3 failed" in done.stdout
    assert done.stdout.count("ValueError: the law is void (failures/") == 3
    assert "3 missing" in done.stdout  # pairs
    status = inside("status", "out")
    assert "3 finished, 3 failed, 0 missing of 6 runs" in status.stdout
    assert status.stdout.count("ValueError: the law is void") == 3


def test_status_of_a_study_that_is_half_done(inside, asked, tmp_path):
    inside("study", "law.yaml", "--set", "replicates=2", "--out", "out")
    runs = sorted((tmp_path / "out" / "runs").iterdir())
    runs[0].unlink()
    runs[1].write_bytes(runs[1].read_bytes()[:500])
    before = sorted(str(path) for path in (tmp_path / "out").rglob("*"))
    done = inside("status", "out", "--csv", "table.csv")
    assert "town-law: 2 finished, 0 failed, 2 missing of 4 runs" in done.stdout
    assert f"damaged, to be played again: {runs[1].stem}" in done.stdout
    assert sorted(str(path) for path in (tmp_path / "out").rglob("*")) == before  # looking changes nothing
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert sorted(row["status"] for row in rows) == ["finished", "finished", "missing", "missing"]
    assert all((row["participation"] == "") == (row["status"] == "missing") for row in rows)
    record = json.loads(inside("status", "out", "--json").stdout)
    assert (record["finished"], record["missing"], record["running"]) == (2, 2, False)


def test_bad_input_is_one_line_and_exit_2_and_leaves_nothing(inside, asked, tmp_path):
    (tmp_path / "bad.yaml").write_text(STUDY.replace("replicates", "replicats"))
    said = one_line(inside("study", "bad.yaml"), 2)
    assert said == "bad.yaml:6: replicats: unknown key, did you mean 'replicates'?"
    assert one_line(inside("study"), 2).startswith("study: name one of cold-start, ")
    assert one_line(inside("study", "no.yaml"), 2) == "no.yaml: no such file"
    assert one_line(inside("study", "law.yaml", "--set", "ticks"), 2) == "--set ticks: write --set KEY=VALUE"
    said = one_line(inside("study", "law.yaml", "--set", "outputs=[dlp_cd]"), 2)
    assert said == (
        "--set outputs=[dlp_cd]: outputs.0: no run records a number 'dlp_cd'; did you mean 'dlp_cdc'?"
    )
    assert "holds no study" in one_line(inside("status", "."), 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.yaml", "law.yaml"]


def test_engines_that_are_not_there_are_refused(inside, tmp_path):
    (tmp_path / "law.yaml").write_text(STUDY)
    said = one_line(inside("study", "law.yaml", "--engine", "abacus"), 2)
    assert said == "engine: 'abacus' is not one of local, dask, ray"
    said = one_line(inside("study", "law.yaml", "--address", "tcp://x:1"), 2)
    assert said == "address: 'tcp://x:1' is for the engines dask and ray, not for local"
    assert [path.name for path in tmp_path.iterdir()] == ["law.yaml"]


def test_folder_of_others_is_exit_4(inside, asked, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    assert "is not empty and holds no journal.jsonl" in one_line(
        inside("study", "law.yaml", "--out", "thesis"), 4
    )


def test_cells_that_a_spreadsheet_would_run_are_texts(inside, asked, tmp_path):
    text = STUDY + "parameters: {design: grid, axes: {question: ['=cmd|calc', why]}}\n"
    (tmp_path / "law.yaml").write_text(text)
    assert inside("study", "law.yaml", "--out", "out").returncode == 0
    assert inside("status", "out", "--csv", "table.csv").returncode == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert {row["question"] for row in rows} == {"'=cmd|calc", "why"}
