"""The durable loop, with an engine that works in this process and fails on demand."""

import errno
import json
import os
import signal
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from abm.model import DataLeverageModel
from analysis import durable_files
from learners.errors import InputError, OutputError
from scenarios.batch import jobs as study_jobs
from scenarios.batch.engines import Ended
from scenarios.batch.jobs import PlayJob
from scenarios.batch.loop import play_study
from scenarios.batch.plan import scenario_of
from scenarios.batch.run_files import RunFiles
from scenarios.batch.store import StudyStore, read_table
from scenarios.scenario import load_scenario
from scenarios.study import load_study

STUDY = """\
name: town-law
question: Does it help?
base: published-curves
settings: {population.users: 60, interventions: [{kind: portability_law, start: 2}]}
ticks: 4
replicates: 2
arms:
  none: {interventions: []}
  law:
parameters:
  design: grid
  axes:
    use_case: [toxic, pinterest-20]
outputs:
  - participation
  - {take: mean, column: dlp_cdc, start: 3}
"""


class Inline:
    """Does jobs in this process, the last one first; loses or refuses some if asked to."""

    def __init__(self, deaths=(), before=None):
        self.workers = 2
        self.deaths = Counter(deaths)
        self.before = before
        self.waiting = []
        self.done = []
        self.beside = {}
        self.closed = False

    def submit(self, job):
        self.waiting.append(job)

    def next(self, timeout):
        if not self.waiting:
            return None
        beside = len(self.waiting) - 1
        job = self.waiting.pop()
        if self.before is not None:
            self.before(self, job)
        if isinstance(job, PlayJob):
            self.done.append(job.run_id)
            self.beside[job.run_id] = beside
            if self.deaths[job.run_id] > 0:
                self.deaths[job.run_id] -= 1
                return Ended(job, None, "killed by SIGKILL")
        return Ended(job, job.perform())

    def close(self):
        self.closed = True


@pytest.fixture
def study(tmp_path):
    """Return a function that loads the study, changed or not."""

    def load(*settings, text=STUDY):
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return load_study(path, settings)

    return load


@pytest.fixture
def play(study, tmp_path):
    """Return a function that plays it in the folder ``out``, with the engine it used."""

    def run(*settings, engine=None, out="out", text=STUDY):
        used = engine or Inline()
        return play_study(study(*settings, text=text), tmp_path / out, lambda: used), used

    return run


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The table of the study played without any trouble."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "study.yaml").write_text(STUDY)
    return play_study(load_study(folder / "study.yaml"), folder / "out", Inline).runs


def same(runs, whole):
    """Bit for bit, but for how long it took."""
    pd.testing.assert_frame_equal(
        runs.drop(columns="seconds"), whole.drop(columns="seconds"), check_exact=True
    )
    return True


def events(out):
    return [json.loads(line)["event"] for line in (out / "journal.jsonl").read_text().splitlines()[1:]]


def test_study_leaves_its_plan_runs_table_effects_and_journal(play, tmp_path):
    result, engine = play()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("effects.csv", "failures", "figures", "journal.jsonl", "runs", "runs.parquet", "study.yaml"),
    ]
    assert (len(engine.done), engine.closed) == (8, True)
    assert (result.runs["status"] == "finished").all()
    assert (result.runs["seconds"] > 0).all()
    assert result.runs[["participation", "dlp_cdc_mean"]].notna().all(axis=None)
    assert (result.played, result.failures, result.interrupted) == (8, {}, False)
    stored = read_table(tmp_path / "out")
    pd.testing.assert_frame_equal(stored, result.runs, check_dtype=False)
    assert len(list((tmp_path / "out" / "runs").glob("*.parquet"))) == 8
    assert events(tmp_path / "out") == ["planned", "started", *["finished"] * 8, "ended"]
    columns = {"participation", "dlp_cdc"}
    drawn = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert drawn == {f"{column}.{suffix}" for column in columns for suffix in ("png", "svg")}
    effects = pd.read_csv(tmp_path / "out" / "effects.csv")
    assert len(effects) == 2 * 2
    assert set(effects["arm"]) == {"law"}
    assert (effects["n"] == 2).all()


def test_runs_are_what_the_scenario_gives(play, tmp_path):
    result, _ = play()
    row = result.runs[(result.runs["arm"] == "law") & (result.runs["use_case"] == "toxic")].iloc[1]
    model = load_scenario(
        "published-curves",
        use_case="toxic",
        ticks=4,
        seed=int(row["seed"]),
        interventions=[{"kind": "portability_law", "start": 2}],
        **{"population.users": 60},
    ).build()
    for _ in range(4):
        model.step()
    ticks = pd.DataFrame(model.ticks)
    assert row["participation"] == ticks["participation"].iloc[-1]
    assert row["dlp_cdc_mean"] == ticks["dlp_cdc"].iloc[3:].mean()
    stored = RunFiles(tmp_path / "out").read(row["run_id"]).ticks.to_pandas()
    ours = [name for name in ticks if not name.startswith("seconds_")]
    pd.testing.assert_frame_equal(stored[ours], ticks[ours], check_exact=True, check_dtype=False)
    effect = result.effects[(result.effects["use_case"] == "toxic")].set_index("output").loc["participation"]
    by_arm = result.runs[result.runs["use_case"] == "toxic"].pivot(
        index="replicate", columns="arm", values="participation"
    )
    assert effect["effect"] == pytest.approx((by_arm["law"] - by_arm["none"]).mean())


def test_run_says_what_it_is_in_its_file(play, tmp_path):
    result, _ = play()
    run_id = result.runs["run_id"][0]
    metadata = pq.read_schema(tmp_path / "out" / "runs" / f"{run_id}.parquet").metadata
    assert metadata[b"run_id"].decode() == run_id
    scenario = scenario_of(metadata[b"run"].decode(), "x")
    assert (scenario.seed, scenario.use_case) == (result.runs["seed"][0], "toxic")
    assert len(metadata[b"code"]) == 64
    column = pq.ParquetFile(tmp_path / "out" / "runs" / f"{run_id}.parquet").metadata.row_group(0).column(0)
    assert column.num_values == 5


def test_finished_study_starts_no_engine(play, tmp_path, study, whole):
    play()

    def none():
        raise AssertionError("nothing is left to play")

    again = play_study(study(), tmp_path / "out", none)
    assert again.played == 0
    assert same(again.runs, whole)


@pytest.mark.parametrize("stopped_after", [0, 1, 5])
def test_study_that_was_stopped_goes_on(play, tmp_path, whole, stopped_after):
    def stop(engine, job):
        if len(engine.done) == stopped_after and isinstance(job, PlayJob):
            raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError, match="the power is gone"):
        play(engine=Inline(before=stop))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").iterdir()}
    assert len(before) == stopped_after
    counts = read_table(tmp_path / "out")["status"].value_counts()
    assert counts["missing"] == 8 - stopped_after
    result, engine = play()
    assert len(engine.done) == 8 - stopped_after
    assert same(result.runs, whole)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())  # not played again


def test_interrupt_keeps_what_is_finished(play, tmp_path, whole):
    def interrupt(engine, job):
        if len(engine.done) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    result, engine = play(engine=Inline(before=interrupt))
    assert result.interrupted
    assert engine.closed
    assert events(tmp_path / "out")[-1] == "interrupted"
    finished = int((result.runs["status"] == "finished").sum())
    assert 4 <= finished <= 7  # what was under way was waited for, no more was begun
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    again, _ = play()
    assert again.played == 8 - finished
    assert same(again.runs, whole)


def test_second_interrupt_waits_for_nothing(play):
    def interrupt(engine, job):
        if len(engine.done) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    result, engine = play(engine=Inline(before=interrupt))
    assert result.interrupted
    assert len(engine.done) == 4
    assert engine.waiting


def test_run_that_raises_is_named_and_the_others_go_on(play, tmp_path, whole, monkeypatch):
    bad = whole["seed"][0]
    step = DataLeverageModel.step

    def fail(model):
        if model.streams.seed == bad and model.tick == 2:
            raise ValueError("no more data")
        step(model)

    with monkeypatch.context() as patch:
        patch.setattr(DataLeverageModel, "step", fail)
        result, _ = play()
    failed = result.runs["seed"] == bad
    assert failed.sum() == 4
    assert (result.runs["status"] == np.where(failed, "failed", "finished")).all()
    assert result.runs.loc[failed, ["participation", "seconds"]].isna().all(axis=None)
    assert set(result.failures) == set(result.runs.loc[failed, "run_id"])
    assert set(result.failures.values()) == {"ValueError: no more data"}
    for run_id in result.failures:
        text = (tmp_path / "out" / "failures" / f"{run_id}.txt").read_text()
        assert text.startswith("arm ")
        assert "in fail" in text
    assert (result.effects["n"] == 1).all()
    assert (result.effects["missing"] == 1).all()
    mended, engine = play()  # what failed is tried again
    assert sorted(engine.done) == sorted(result.failures)
    assert same(mended.runs, whole)
    assert mended.failures == {}
    assert list((tmp_path / "out" / "failures").iterdir()) == []


def test_death_of_a_worker_is_looked_into_with_nothing_beside(play, tmp_path, whole):
    ids = whole["run_id"]
    result, engine = play(engine=Inline(deaths={ids[0]: 2, ids[3]: 3}))
    assert engine.done.count(ids[0]) == engine.done.count(ids[3]) == 3
    assert (engine.beside[ids[0]], engine.beside[ids[3]]) == (0, 0)
    assert set(engine.done[-2:]) == {ids[0], ids[3]}
    assert (result.runs["status"] == np.where(ids == ids[3], "failed", "finished")).all()
    assert result.failures == {
        ids[3]: "the worker process was killed by SIGKILL, 3 times, at last with no other run beside it"
    }
    assert events(tmp_path / "out").count("worker died") == 5
    again, engine = play()
    assert engine.done == [ids[3]]
    assert same(again.runs, whole)


def test_run_that_was_stored_before_its_worker_died_is_not_played_again(play, tmp_path, whole, monkeypatch):
    lost = whole["run_id"][2]
    played = Counter()
    ticks = PlayJob._ticks

    def counted(job):
        played[job.run_id] += 1
        return ticks(job)

    monkeypatch.setattr(PlayJob, "_ticks", counted)

    def store_first(engine, job):
        if isinstance(job, PlayJob) and engine.deaths[job.run_id]:
            job.perform()

    result, _ = play(engine=Inline(deaths=[lost], before=store_first))
    assert same(result.runs, whole)
    assert played == Counter(whole["run_id"].tolist())


def truncate(path, other):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path, other):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 16
    path.write_bytes(bytes(content))


def empty(path, other):
    path.write_bytes(b"")


def exchange(path, other):
    path.write_bytes(other.read_bytes())


def link(path, other):
    content = path.read_bytes()
    path.unlink()
    (path.parent.parent.parent / "elsewhere").write_bytes(content)
    path.symlink_to(path.parent.parent.parent / "elsewhere")


@pytest.mark.parametrize("damage", [truncate, flip, empty, exchange, link])
def test_damaged_run_is_set_aside_and_played_again(play, tmp_path, whole, damage):
    play()
    ids = whole["run_id"]
    folder = tmp_path / "out" / "runs"
    damage(folder / f"{ids[1]}.parquet", folder / f"{ids[0]}.parquet")
    result, engine = play()
    assert engine.done == [ids[1]]
    assert (folder / f"{ids[1]}.corrupt").exists()
    assert not (folder / f"{ids[1]}.parquet").is_symlink()
    assert "corrupt" in events(tmp_path / "out")
    assert same(result.runs, whole)


def test_every_flipped_bit_of_the_values_is_found(play, tmp_path, whole):
    play()
    run_id = whole["run_id"][0]
    path = tmp_path / "out" / "runs" / f"{run_id}.parquet"
    content, before = path.read_bytes(), RunFiles(tmp_path / "out").read(run_id)
    found = 0
    for place in np.random.default_rng(1).integers(4, len(content) - 8, 300):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(place) % 8
        path.write_bytes(bytes(damaged))
        try:
            after = RunFiles(tmp_path / "out").read(run_id)
        except ValueError:
            found += 1
        else:  # a bit that says nothing
            pd.testing.assert_frame_equal(after.ticks.to_pandas(), before.ticks.to_pandas(), check_exact=True)
            assert (after.seconds, after.code) == (before.seconds, before.code)
    assert found > 100


def test_torn_journal_and_left_over_files_do_not_matter(play, tmp_path, whole):
    play("replicates=1")
    out = tmp_path / "out"
    with (out / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"event": "finis')
    (out / "runs" / ".abc.parquet.99.tmp").write_bytes(b"half")
    (out / "runs" / "stranger.txt").write_text("a note")
    (out / "evil.pkl").write_bytes(b"cos\nsystem\n(S'touch marker'\ntR.")
    (out / "runs.parquet").write_bytes(b"PAR1")
    result, _ = play()
    assert same(result.runs, whole)
    assert not (out / "runs" / ".abc.parquet.99.tmp").exists()
    assert all("event" in json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()[1:])


def test_study_may_grow(play, tmp_path, whole):
    small, _ = play("replicates=1", "arms={law: null}")
    grown, engine = play()
    assert len(small.runs) == 2
    assert len(engine.done) == 6
    assert same(grown.runs, whole)


def test_study_may_ask_for_other_outputs_of_the_same_runs(play, tmp_path):
    play()
    result, engine = play("outputs=[revenue_large]")
    assert engine.done == []
    assert result.runs["revenue_large"].between(0.1, 2).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["seed=2"], "seed was not there, is 2"),
        (["replicates=1"], "replicates was 2, is 1"),
        (["ticks=5"], "ticks was 4, is 5"),
        (["arms={law: null}"], "arms.none.interventions was"),
    ],
)
def test_another_study_in_the_same_folder_is_refused(play, tmp_path, settings, said):
    play()
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="holds another study") as refused:
        play(*settings)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_second_driver_is_refused(play, tmp_path):
    with StudyStore(tmp_path / "out"), pytest.raises(OutputError, match="is being run by another process"):
        play()


def test_folder_of_others_is_left_alone(play, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="is not empty and holds no journal"):
        play()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_output_that_no_run_records_is_refused_before_any_run(play, tmp_path):
    with pytest.raises(
        InputError, match=r"study.yaml:15: outputs.0: no run records a number 'participatio'; did"
    ):
        play(text=STUDY.replace("- participation", "- participatio"), out="deep/out")
    with pytest.raises(InputError, match="no run records a number 'mode'"):
        play(text=STUDY.replace("- participation", "- mode"))
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_data_that_are_missing_are_refused_before_any_run(play, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="ml-100k is not in"):
        play(text="name: s\nbase: {use_case: ml-100k, ticks: 2}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_full_disk_stops_the_study_and_loses_nothing(play, tmp_path, whole, monkeypatch):
    writes = Counter()
    fsync = os.fsync

    def full(descriptor):
        writes["all"] += 1
        if writes["all"] > 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(durable_files.os, "fsync", full)
        with pytest.raises(OutputError, match="No space left on device"):
            play()
    stored = sorted(path.name for path in (tmp_path / "out" / "runs").iterdir())
    assert 1 <= len(stored) < 8
    assert all(name.endswith(".parquet") for name in stored)  # no half file
    result, engine = play()
    assert len(engine.done) == 8 - len(stored)
    assert same(result.runs, whole)


def test_worker_keeps_its_use_case_and_the_runs_are_as_if_it_did_not(tmp_path, monkeypatch):
    text = "name: s\nbase: {use_case: digits, ticks: 3, learner: {filters: 8}, population: {users: 60}, "
    text += "network: {family: watts_strogatz, degree: 6}, record: {composition: 2}}\n"
    (tmp_path / "study.yaml").write_text(
        text + "replicates: 3\narms: {a: {}, b: {decision.precision: 9.0}}\n"
    )
    study = load_study(tmp_path / "study.yaml")
    loads = Counter()
    load = study_jobs.Scenario.build

    def counted(scenario, *arguments, use_case=None, **fields):
        loads["kept" if use_case is not None else "loaded"] += 1
        return load(scenario, *arguments, use_case=use_case, **fields)

    monkeypatch.setattr(study_jobs.Scenario, "build", counted)
    study_jobs._kept.clear()
    kept = play_study(study, tmp_path / "kept", Inline).runs
    assert loads == {"loaded": 1, "kept": 7}  # two probes, six runs

    fresh = play_study(
        study, tmp_path / "fresh", lambda: Inline(before=lambda engine, job: study_jobs._kept.clear())
    ).runs
    assert same(kept, fresh)


def test_arms_that_come_to_the_same_are_played_once(play, tmp_path):
    result, engine = play(text=STUDY.replace("  law:", "  again: {interventions: []}\n  law:"))
    assert len(engine.done) == 8
    assert len(result.runs) == 12
    again = result.effects[result.effects["arm"] == "again"]
    assert (again[["effect", "low", "high"]] == 0).all(axis=None)
