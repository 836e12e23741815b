"""Studies of many runs: parts on the way, drivers that were killed, workers that are not like the driver."""

import json
from collections import Counter

import pandas as pd
import pyarrow.parquet as pq
import pytest

from learners.errors import InputError
from scenarios.batch import jobs, loop, parts
from scenarios.batch.engines import Ended
from scenarios.batch.jobs import CompactJob, PlayJob
from scenarios.batch.loop import play_study
from scenarios.batch.run_files import RunFiles
from scenarios.batch.status import study_status
from scenarios.batch.store import read_table
from scenarios.dashboard.results_folder import entries, read_study
from scenarios.report_folders import read_story
from scenarios.study import load_study

STUDY = """\
name: law
base: published-curves
settings: {population.users: 40, interventions: [{kind: portability_law, start: 2}]}
ticks: 3
replicates: 4
arms:
  none: {interventions: []}
  law:
outputs: [participation, dlp_cdc]
"""


class Inline:
    """Does jobs in this process; ``before`` is called before each."""

    def __init__(self, before=lambda job: None):
        self.workers = 2
        self.before = before
        self.waiting, self.done = [], []

    def submit(self, job):
        self.waiting.append(job)

    def next(self, timeout):
        job = self.waiting.pop(0)
        ended = self.before(job) or Ended(job, job.perform())
        self.done.append(job)
        return ended

    def close(self):
        pass


@pytest.fixture
def study(tmp_path):
    (tmp_path / "law.yaml").write_text(STUDY)
    return load_study(tmp_path / "law.yaml")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "results" / "law"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The table of the study, with all runs in files of their own."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "law.yaml").write_text(STUDY)
    return play_study(load_study(folder / "law.yaml"), folder / "out", Inline).runs


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(loop, "PART_RUNS", 3)
    monkeypatch.setattr(parts, "PART_RUNS", 3)


def same(runs, whole):
    pd.testing.assert_frame_equal(
        runs.drop(columns="seconds"), whole.drop(columns="seconds"), check_exact=True, check_dtype=False
    )
    return True


def events(out):
    lines = (out / "journal.jsonl").read_text().splitlines()[1:]
    return Counter(json.loads(line)["event"] for line in lines)


def test_every_reader_sees_runs_in_parts_as_it_sees_others(study, out, whole, small_parts):
    result = play_study(study, out, Inline)
    assert same(result.runs, whole)
    assert events(out)["compacted"] == 2
    assert len(RunFiles(out).singles()) == 2
    assert len(list((out / "parts").iterdir())) == 2
    status = study_status(out)
    assert same(status.runs, whole)
    assert (status.damaged, len(status.codes)) == ([], 1)
    pd.testing.assert_frame_equal(status.runs, read_table(out), check_exact=True)
    story = read_story(out)
    assert same(story.runs, whole)
    assert len(story.codes) == 1
    (entry,) = entries(out.parent)
    tables = read_study(entry, out.parent)
    assert (len(tables.ticks), tables.left_out) == (8 * 4, 0)
    assert (out / "figures" / "participation.svg").stat().st_size > 10_000

    def none():
        raise AssertionError("nothing is left to play")

    again = play_study(study, out, none)
    assert same(again.runs, whole)


def test_run_whose_part_is_damaged_is_played_again(study, out, whole, small_parts):
    play_study(study, out, Inline)
    part = min((out / "parts").iterdir())
    lost = set(json.loads(pq.read_schema(part).metadata[b"runs"]))
    assert len(lost) == 3
    part.write_bytes(part.read_bytes()[:-30])
    assert part.stem in study_status(out).damaged
    engine = Inline()
    result = play_study(study, out, lambda: engine)
    assert {job.run_id for job in engine.done if isinstance(job, PlayJob)} == lost
    assert part.with_suffix(".corrupt").exists()
    assert same(result.runs, whole)


def test_compaction_that_dies_stops_nothing_and_is_taken_up_again(study, out, whole, small_parts):
    def kill(job):
        return Ended(job, None, "killed by SIGKILL") if isinstance(job, CompactJob) else None

    result = play_study(study, out, lambda: Inline(kill))
    assert same(result.runs, whole)
    assert (events(out)["not compacted"], len(RunFiles(out).singles())) == (2, 8)
    (out / "runs" / f"{whole['run_id'][0]}.parquet").unlink()
    play_study(study, out, Inline)
    assert (events(out)["compacted"], len(RunFiles(out).singles())) == (2, 2)
    assert same(study_status(out).runs, whole)


class Killed(BaseException):
    """The driver is gone, with all that it would have written."""


def test_status_and_report_tell_what_a_killed_driver_did_not_write(study, out, whole, monkeypatch):
    def kill(job):
        if len(stopped.done) == 7:  # two probes, five runs
            raise Killed

    stopped = Inline(kill)
    write_table = loop.StudyStore.write_table
    writes = []

    def only_the_plan(store, table):
        writes.append(table)
        if len(writes) == 1:
            write_table(store, table)

    with monkeypatch.context() as patch:
        patch.setattr(loop.StudyStore, "write_table", only_the_plan)
        with pytest.raises(Killed):
            play_study(study, out, lambda: stopped)
    assert set(read_table(out)["status"]) == {"missing"}  # as it was written at the start
    played = {job.run_id for job in stopped.done if isinstance(job, PlayJob)}
    assert len(played) == 5
    for runs in (study_status(out).runs, read_story(out).runs):
        assert set(runs.loc[runs["status"] == "finished", "run_id"]) == played
        there = whole["run_id"].isin(played)
        assert same(runs[there], whole[there])
        assert runs.loc[~there, ["participation", "seconds"]].isna().all(axis=None)
    story = read_story(out)
    assert story.effects["n"].max() == story.effects["n"].min() == 2


def test_report_of_a_table_whose_runs_were_not_kept_is_as_the_table_says(study, out, whole):
    play_study(study, out, Inline)
    for path in (out / "runs").iterdir():
        path.unlink()
    assert same(read_story(out).runs, whole)
    assert set(study_status(out).runs["status"]) == {"missing"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"code": "0" * 64}, "runs another version of the code"),
        ({"software": "numpy"}, "numpy 1.0"),
    ],
)
def test_worker_that_is_not_like_the_driver_is_refused(study, out, whole, monkeypatch, changed, said):
    if "software" in changed:
        monkeypatch.setattr(jobs, "software", lambda: loop.software().replace("numpy ", "numpy 1.0 of "))
    else:
        monkeypatch.setattr(jobs, "loaded_code", lambda: changed["code"])
    with pytest.raises(InputError, match=said):
        play_study(study, out, Inline)
    assert RunFiles(out).names() == set()
    monkeypatch.undo()
    assert same(play_study(study, out, Inline).runs, whole)
