import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from matplotlib.figure import Figure

from learners.errors import OutputError
from scenarios.run_directory import FORMAT, RunDirectory, check_writable, json_text


def write_run(out: Path, seed: int) -> None:
    with RunDirectory(out) as run:
        run.write_text("summary.md", f"seed {seed}\n")
        run.write_manifest({"seed": seed})


def seed_of(out: Path) -> int:
    return json.loads((out / "run.json").read_text())["seed"]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_run_appears_whole_when_the_block_ends(tmp_path):
    out = tmp_path / "results" / "a"
    with RunDirectory(out) as run:
        run.write_text("summary.md", "für\n")
        run.write_manifest({"seed": 1})
        assert not out.exists()
    assert names(tmp_path / "results") == {"a"}
    assert (out / "summary.md").read_text(encoding="utf-8") == "für\n"
    assert json.loads((out / "run.json").read_text()) == {"format": FORMAT, "seed": 1}


def test_earlier_run_moves_aside_and_replaces_an_older_one(tmp_path):
    for seed in (1, 2, 3):
        write_run(tmp_path / "a", seed)
    assert names(tmp_path) == {"a", "a.previous"}
    assert (seed_of(tmp_path / "a"), seed_of(tmp_path / "a.previous")) == (3, 2)


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_exception_leaves_the_place_as_it_was(tmp_path, error):
    write_run(tmp_path / "a", 1)

    def fail():
        with RunDirectory(tmp_path / "a") as run:
            run.write_manifest({"seed": 2})
            raise error

    with pytest.raises(type(error)):
        fail()
    assert names(tmp_path) == {"a"}
    assert seed_of(tmp_path / "a") == 1


def test_exception_removes_the_folders_made_on_the_way(tmp_path):
    (tmp_path / "kept").mkdir()

    def fail():
        with RunDirectory(tmp_path / "kept" / "made" / "too" / "a"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == {"kept"}
    assert names(tmp_path / "kept") == set()


def test_failed_run_removes_the_folders_it_made_unless_others_use_them(tmp_path):
    def fail(out: Path, *files: str) -> None:
        run = RunDirectory(out).__enter__()
        for file in files:
            (tmp_path / file).touch()
        run.__exit__(ValueError, ValueError("x"), None)

    fail(tmp_path / "results" / "deep" / "a")
    assert names(tmp_path) == set()
    fail(tmp_path / "results" / "deep" / "a", "results/notes.txt")
    assert names(tmp_path / "results") == {"notes.txt"}
    (tmp_path / "empty").mkdir()
    fail(tmp_path / "empty" / "a")
    assert names(tmp_path) == {"results", "empty"}


def test_empty_folder_is_taken(tmp_path):
    (tmp_path / "a").mkdir()
    write_run(tmp_path / "a", 1)
    assert names(tmp_path) == {"a"}


@pytest.mark.parametrize("place", ["a", "a.previous"])
@pytest.mark.parametrize("manifest", [None, "{}", "not json", '{"format": "another"}', "[" * 100_000])
def test_folder_of_others_is_refused_before_anything_is_written(tmp_path, place, manifest):
    (tmp_path / place).mkdir()
    (tmp_path / place / "thesis.tex").write_text("years of work")
    if manifest is not None:
        (tmp_path / place / "run.json").write_text(manifest)
    with pytest.raises(OutputError, match=rf"{place} is not empty and holds no run of ours"):
        RunDirectory(tmp_path / "a")
    assert (tmp_path / place / "thesis.tex").read_text() == "years of work"


def test_folder_filled_by_others_during_the_run_is_not_replaced(tmp_path):
    run = RunDirectory(tmp_path / "a").__enter__()
    run.write_manifest({"seed": 1})
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.tex").touch()
    with pytest.raises(OutputError, match="holds no run of ours"):
        run.__exit__(None, None, None)
    assert names(tmp_path) == {"a"}
    assert names(tmp_path / "a") == {"thesis.tex"}


def test_linked_manifest_does_not_make_a_folder_ours(tmp_path):
    write_run(tmp_path / "a", 1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run.json").symlink_to(tmp_path / "a" / "run.json")
    with pytest.raises(OutputError, match="holds no run of ours"):
        RunDirectory(tmp_path / "b")


def test_places_that_cannot_be_a_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    for out, message in [
        (Path("file"), "is no folder for results: Not a directory"),
        (Path("file/a"), "is a file, not a folder"),
        (Path(), "is the current or the top folder"),
        (Path("/"), "is the current or the top folder"),
        (Path("a\0b"), "is not a usable path"),
    ]:
        with pytest.raises(OutputError, match=message) as caught:
            RunDirectory(out)
        assert "\n" not in str(caught.value)
    assert names(tmp_path) == {"file"}


def test_folder_that_cannot_be_written_is_found_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match=f"^{tmp_path} cannot be written$"):
        RunDirectory(tmp_path / "results" / "a")
    with pytest.raises(OutputError, match="cannot be written"):
        check_writable(tmp_path / "none")


def test_read_only_disk_is_one_line(tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    run = RunDirectory(tmp_path / "a")
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError, match=f"^cannot write {tmp_path / 'a'}: Read-only file system$"):
        run.__enter__()


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    write_run(tmp_path / "a", 1)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(OutputError, match=f"^cannot write {tmp_path}/a/summary.md: No space left on device$"),
        RunDirectory(tmp_path / "a") as run,
    ):
        run.write_text("summary.md", "x")
    assert names(tmp_path) == {"a"}
    assert seed_of(tmp_path / "a") == 1


@pytest.mark.parametrize("failing_move", [1, 2, 3])
def test_failure_of_any_move_puts_everything_back(tmp_path, monkeypatch, failing_move):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "a", 2)
    rename, moves = Path.rename, []

    def move(self, target):
        moves.append(target)
        if len(moves) == failing_move:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    run = RunDirectory(tmp_path / "a").__enter__()
    run.write_manifest({"seed": 3})
    monkeypatch.setattr(Path, "rename", move)
    with pytest.raises(OutputError, match="Input/output error"):
        run.__exit__(None, None, None)
    assert names(tmp_path) == {"a", "a.previous"}
    assert (seed_of(tmp_path / "a"), seed_of(tmp_path / "a.previous")) == (2, 1)


def test_run_without_a_manifest_is_a_fault_of_ours(tmp_path):
    with pytest.raises(RuntimeError, match="manifest"), RunDirectory(tmp_path / "a") as run:
        run.write_text("summary.md", "x")
    assert names(tmp_path) == set()


def test_killed_run_leaves_only_a_hidden_folder_that_the_next_run_removes(tmp_path):
    write_run(tmp_path / "a", 1)
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom scenarios.run_directory import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1])) as run:\n"
        "    run.write_manifest({'seed': 2})\n"
        "    print('written', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "a")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        part = f".a.{process.pid}.part"
        assert names(tmp_path) == {"a", part}
        write_run(tmp_path / "a", 3)  # a live run's folder is left alone
        assert names(tmp_path) == {"a", "a.previous", part}
        process.send_signal(signal.SIGKILL)
    assert names(tmp_path) == {"a", "a.previous", part}
    assert seed_of(tmp_path / "a") == 3
    write_run(tmp_path / "b", 1)
    assert part in names(tmp_path)  # another place's affair
    write_run(tmp_path / "a", 4)
    assert names(tmp_path) == {"a", "a.previous", "b"}
    assert seed_of(tmp_path / "a") == 4


def test_hidden_folder_of_a_dead_run_with_our_process_id_is_removed(tmp_path):
    (tmp_path / f".a.{os.getpid()}.part").mkdir()  # containers give every run the same process id
    (tmp_path / f".a.{os.getpid()}.outdated.part").mkdir()
    write_run(tmp_path / "a", 1)
    assert names(tmp_path) == {"a"}


def test_run_killed_between_the_two_renames_is_put_in_place(tmp_path):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "a", 2)
    # The state after the old run moved aside and before the new one moved in.
    (tmp_path / "a").rename(tmp_path / f".a.{os.getpid()}.part")
    write_run(tmp_path / "a", 3)
    assert names(tmp_path) == {"a", "a.previous"}
    assert (seed_of(tmp_path / "a"), seed_of(tmp_path / "a.previous")) == (3, 2)


def test_two_runs_of_one_process_do_not_share_a_folder(tmp_path):
    with RunDirectory(tmp_path / "a") as run:
        with pytest.raises(OutputError, match="being written by another run"):
            RunDirectory(tmp_path / "a").__enter__()
        run.write_manifest({"seed": 1})
    assert seed_of(tmp_path / "a") == 1


def test_table_has_checksums_and_metadata(tmp_path):
    quality = np.random.default_rng(1).random(1000)
    quality[0] = np.nan
    table = pd.DataFrame({"quality": quality, "mode": "live"}, index=np.arange(1000) + 7)
    with RunDirectory(tmp_path / "a") as run:
        run.write_parquet("ticks.parquet", table, {"scenario": "a"})
        run.write_manifest({})
    path = tmp_path / "a" / "ticks.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(path), table.reset_index(drop=True))
    assert pq.read_schema(path).metadata[b"scenario"] == b"a"
    damaged = bytearray(path.read_bytes())
    damaged[pq.read_metadata(path).row_group(0).column(0).total_compressed_size // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.read_table(path, page_checksum_verification=True)


def test_figures_are_the_same_bytes_each_time(tmp_path):
    def figure() -> Figure:
        figure = Figure()
        figure.add_subplot().plot([0, 1], [0, 1], marker="o")
        return figure

    for name in ("a", "b"):
        with RunDirectory(tmp_path / name) as run:
            run.write_figure(figure(), "figures/revenue")
            run.write_manifest({})
    for suffix in ("png", "svg"):
        first, second = (tmp_path / name / "figures" / f"revenue.{suffix}" for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


def test_json_is_strict(tmp_path):
    record = {
        "nan": float("nan"),
        "inf": [np.inf, -np.inf],
        "float32": np.float32(0.5),
        "int": np.int64(3),
        "flag": np.bool_(True),
        "array": np.array([1.0, np.nan]),
        "path": Path("a/b"),
        "pair": (1, None),
        3: "ü",
    }
    assert json.loads(json_text(record), parse_constant=pytest.fail) == {
        "nan": None,
        "inf": [None, None],
        "float32": 0.5,
        "int": 3,
        "flag": True,
        "array": [1.0, None],
        "path": "a/b",
        "pair": [1, None],
        "3": "ü",
    }
    with pytest.raises(TypeError):
        json_text({"x": object()})
