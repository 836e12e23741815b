"""The folder of results: what is ours is read, what is not is named, and nothing outside is opened."""

from __future__ import annotations

import dataclasses
import os
import shutil

import pandas as pd
import pytest

from learners.errors import InputError
from scenarios.dashboard import results_folder
from scenarios.dashboard.results_folder import band, entries, read_run_folder, read_study
from scenarios.run_directory import RunDirectory
from scenarios.runs import play
from scenarios.scenario import load_scenario
from scenarios.study import load_study

STUDY = """\
name: two-arms
question: Does it matter?
base: digits-default
settings: {interventions: []}
ticks: 3
arms:
  usual: {}
  sociable: {decision.social_weight: 2.0}
parameters: {design: grid, axes: {network.degree: [4, 10]}}
replicates: 2
decays: [{of: sociable, into: usual, column: participation}]
outputs: [participation, dlp_cdc]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with a run and a study, and the tables that were written."""
    folder = tmp_path_factory.mktemp("results")
    run = play(load_scenario("digits-default", ticks=3, interventions=[]))
    with RunDirectory(folder / "short") as directory:
        run.write(directory)
    file = folder / "two-arms.yaml"
    file.write_text(STUDY, encoding="utf-8")
    study = load_study(file).run(folder / "two-arms", workers=1)
    return folder, run, study


@pytest.fixture
def results(made, tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(made[0], folder)
    return folder


def entry(results, name):
    return next(found for found in entries(results) if found.name == name)


def test_a_run_and_a_study_are_found_and_read(made, results):
    _, run, study = made
    assert {(found.kind, found.name) for found in entries(results)} == {
        ("run", "short"),
        ("study", "two-arms"),
    }
    read = read_run_folder(entry(results, "short"), results)
    assert read.ticks["participation"].tolist() == run.ticks["participation"].tolist()
    assert read.manifest["scenario"]["name"] == "digits-default"
    tables = read_study(entry(results, "two-arms"), results)
    assert tables.question == "Does it matter?"
    assert tables.axes == ("network.degree",)
    assert tables.outputs == ("participation", "dlp_cdc")
    assert tables.left_out == 0
    assert len(tables.runs) == len(study.runs) == 8
    assert len(tables.ticks) == 8 * 4
    assert set(tables.effects["arm"]) == {"sociable"}
    pd.testing.assert_frame_equal(tables.decays, study.decays, check_dtype=False)


def test_bands_are_over_the_runs_of_an_arm(made, results):
    tables = read_study(entry(results, "two-arms"), results)
    found = band(tables.ticks, "participation").set_index(["arm", "tick"])
    last = tables.ticks[(tables.ticks["tick"] == 3) & (tables.ticks["arm"] == "usual")]["participation"]
    row = found.loc["usual", 3]
    assert row["n"] == 4
    assert row["mean"] == pytest.approx(last.mean())
    assert row["low"] == pytest.approx(last.quantile(0.05))
    assert row["low"] <= row["mean"] <= row["high"]


def test_an_empty_or_absent_folder_has_no_entries(tmp_path):
    assert entries(tmp_path) == []
    assert entries(tmp_path / "nothing") == []


def test_links_are_neither_listed_nor_followed(results, tmp_path):
    outside = tmp_path / "outside"
    shutil.copytree(results / "short", outside)
    (results / "link").symlink_to(outside)
    assert "link" not in {found.name for found in entries(results)}
    listed = entry(results, "short")
    with pytest.raises(InputError, match="not inside"):
        read_run_folder(dataclasses.replace(listed, path=results / "link"), results)
    with pytest.raises(InputError, match="not inside"):
        read_run_folder(dataclasses.replace(listed, path=results / ".." / "outside"), results)
    (results / "short" / "ticks.parquet").unlink()
    (results / "short" / "ticks.parquet").symlink_to(outside / "ticks.parquet")
    with pytest.raises(InputError, match=r"ticks\.parquet is not there, or is a link"):
        read_run_folder(listed, results)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("run.json", b"{", "run.json is not JSON"),
        ("run.json", b"[" * 100_000, "run.json is not JSON"),
        ("run.json", b'{"format": "other"}', "does not describe a run of ours"),
        ("ticks.parquet", b"PAR1 not", "ticks.parquet is not a readable table"),
    ],
)
def test_what_is_malformed_is_named(results, file, content, said):
    (results / "short" / file).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_run_folder(entry(results, "short"), results)


def test_a_table_of_something_else_is_named(results):
    pd.DataFrame({"a": [1]}).to_parquet(results / "short" / "ticks.parquet")
    with pytest.raises(InputError, match="does not hold the ticks"):
        read_run_folder(entry(results, "short"), results)


def test_decays_of_something_else_are_named(results):
    (results / "two-arms" / "decays.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"two-arms/decays\.csv does not hold how long advantages last"):
        read_study(entry(results, "two-arms"), results)


def test_a_flipped_bit_in_a_study_leaves_that_run_out(results):
    path = sorted((results / "two-arms" / "runs").glob("*.parquet"))[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(bytes(content))
    tables = read_study(entry(results, "two-arms"), results)
    assert tables.left_out == 1
    assert len(tables.ticks) == 7 * 4


def test_large_files_are_refused(results, monkeypatch):
    monkeypatch.setattr(results_folder, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="larger than"):
        read_run_folder(entry(results, "short"), results)


def test_nothing_pickled_is_ever_loaded(results):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(results / "sprung"),)

    import pickle

    for name in ("run.json", "ticks.parquet", "events.parquet"):
        (results / "short" / name).write_bytes(pickle.dumps(Trap()))
        with pytest.raises(InputError):
            read_run_folder(entry(results, "short"), results)
    assert not (results / "sprung").exists()
