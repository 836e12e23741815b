"""Runs that move from files of their own into parts."""

import json
import os
import shutil
import signal
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from learners.errors import OutputError
from scenarios.batch import parts
from scenarios.batch.parts import compact
from scenarios.batch.plan import hashed
from scenarios.batch.run_files import DamagedRunError, RunFiles, single_path, write_run

COLUMNS = {"tick": np.arange(5), "share": np.array([0.1, np.nan, 0.3, -0.0, 0.5])}


def store(folder, number, **columns):
    """Store a run of four ticks and return its name."""
    text = json.dumps({"seed": number, "scenario": {"ticks": 4}, "files": {}})
    values = COLUMNS | {"number": np.full(5, number), "name": ["a", "b", "", "ä", "e"]} | columns
    said = {"study": "s", "code": f"code {number % 2}"}
    write_run(folder, text, pa.table(values), 0.1 + number, said)
    return hashed(text)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "runs").mkdir()
    return tmp_path


def held(folder, run_ids):
    """Return all that a folder has of some runs."""
    files = RunFiles(folder)
    found = {}
    for run_id in run_ids:
        stored = files.read(run_id)
        ticks = {name: stored.ticks[name].to_numpy().tobytes() for name in ("tick", "share", "number")}
        types = list(map(str, stored.ticks.schema.types))
        found[run_id] = (ticks, stored.ticks["name"].to_pylist(), types, dict(stored.said), stored.seconds)
    return found


def test_parts_hold_what_the_runs_own_files_held(folder):
    ids = [store(folder, number) for number in range(7)]
    before = held(folder, ids)
    assert [entry[-1] for entry in before.values()] == [number + 0.1 for number in range(7)]
    assert compact(folder, ids[:6]) == 6
    after = held(folder, ids)
    for entry in (*before.values(), *after.values()):  # the schema's own record is no part of a run
        entry[3].pop("ARROW:schema", None)
    assert after == before
    files = RunFiles(folder)
    assert (files.singles(), files.names()) == ({ids[6]}, set(ids))
    (part,) = (folder / "parts").iterdir()
    table = pq.read_table(part)
    assert table.num_rows == 6 * 5
    assert table["run_id"].to_pylist() == [run_id for run_id in ids[:6] for _ in range(5)]
    assert table.group_by("run_code").aggregate([("tick", "count")])["tick_count"].to_pylist() == [15, 15]
    assert files.columns(ids[2], ["tick", "number"]).to_pydict() == {"tick": [*range(5)], "number": [2] * 5}
    assert files.columns(ids[6], ["number"]).to_pydict() == {"number": [6] * 5}
    assert files.columns(ids[2], ["nothing"]) is None
    assert (files.read("0" * 20), files.columns("0" * 20, ["tick"])) == (None, None)


def test_runs_with_other_columns_and_too_much_for_one_part_get_parts_of_their_own(folder, monkeypatch):
    ids = [store(folder, number) for number in range(3)]
    others = [store(folder, number, pledged=np.zeros(5)) for number in range(3, 5)]
    assert compact(folder, [*ids, *others]) == 5
    assert len(list((folder / "parts").iterdir())) == 2
    more = [store(folder, number) for number in range(5, 9)]
    size = RunFiles(folder).read(ids[0]).ticks.nbytes
    monkeypatch.setattr(parts, "PART_BYTES", 2 * size)
    compact(folder, more)
    assert len(list((folder / "parts").iterdir())) == 4
    assert held(folder, [*ids, *others, *more]).keys() == {*ids, *others, *more}
    assert RunFiles(folder).read(others[0]).ticks.column_names[-1] == "pledged"
    assert "pledged" not in RunFiles(folder).read(ids[0]).ticks.column_names


def test_reader_that_was_there_before_finds_the_runs(folder):
    ids = [store(folder, number) for number in range(4)]
    files = RunFiles(folder)
    assert files.read(ids[0]).seconds == 0.1
    compact(folder, ids[:2])
    assert [files.read(run_id).seconds for run_id in ids] == [0.1, 1.1, 2.1, 3.1]
    compact(folder, ids[2:])
    assert [files.read(run_id).seconds for run_id in reversed(ids)] == [3.1, 2.1, 1.1, 0.1]


def killed_at(step, folder, run_ids):
    """Compact in a process that dies before its n-th step; return whether it got through."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    try:
        left = [step]

        def dying(call):
            def stepped(*arguments, **fields):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **fields)

            return stepped

        os.fsync, os.unlink, os.replace = map(dying, (os.fsync, os.unlink, os.replace))
        compact(folder, run_ids)
    except BaseException:
        os._exit(1)
    os._exit(0)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_compaction_killed_before_any_of_its_steps_loses_nothing(tmp_path):
    whole = tmp_path / "whole"
    (whole / "runs").mkdir(parents=True)
    ids = [store(whole, number) for number in range(4)]
    expected = held(whole, ids)
    for entry in expected.values():
        entry[3].pop("ARROW:schema", None)
    states = set()
    for step in range(1, 30):
        folder = tmp_path / f"step-{step}"
        shutil.copytree(whole, folder)
        through = killed_at(step, folder, ids)
        files = RunFiles(folder)
        states.add((len(files.singles()), len(list((folder / "parts").glob("part-*.parquet")))))
        for again in (False, True):
            found = held(folder, ids)
            for entry in found.values():
                entry[3].pop("ARROW:schema", None)
            assert found == expected
            if not again:
                compact(folder, ids)
        assert RunFiles(folder).singles() == set()
        assert len(list((folder / "parts").glob("part-*.parquet"))) == 1
        if through:
            break
    assert through
    # Died with no part, with a part beside all runs, some runs, and none.
    assert states == {(4, 0), (4, 1), (3, 1), (2, 1), (1, 1), (0, 1)}


def test_part_that_is_not_as_written_is_not_trusted_with_the_only_copy(folder, monkeypatch):
    ids = [store(folder, number) for number in range(3)]
    replace = parts.replace_file

    def failing_disk(path, data):
        damaged = bytearray(data)
        damaged[len(data) // 3] ^= 4
        replace(path, bytes(damaged))

    monkeypatch.setattr(parts, "replace_file", failing_disk)
    with pytest.raises(OutputError, match="is not as it was written"):
        compact(folder, ids)
    assert RunFiles(folder).singles() == set(ids)
    assert list((folder / "parts").iterdir()) == []
    held(folder, ids)


def test_damaged_run_stays_where_it_is(folder):
    ids = [store(folder, number) for number in range(3)]
    path = single_path(folder, ids[1])
    path.write_bytes(path.read_bytes()[:-50])
    assert compact(folder, ids) == 2
    assert RunFiles(folder).singles() == {ids[1]}
    with pytest.raises(DamagedRunError) as damaged:
        RunFiles(folder).read(ids[1])
    assert damaged.value.path == path


def test_own_file_that_is_damaged_does_not_matter_if_a_part_has_the_run(folder):
    ids = [store(folder, number) for number in range(2)]
    own = single_path(folder, ids[0]).read_bytes()
    compact(folder, ids)
    single_path(folder, ids[0]).write_bytes(own[:-10])
    assert RunFiles(folder).read(ids[0]).seconds == 0.1


@pytest.mark.parametrize("damage", ["flip", "cut", "link"])
def test_damaged_part_is_seen(folder, tmp_path_factory, damage):
    ids = [store(folder, number) for number in range(3)]
    compact(folder, ids)
    (part,) = (folder / "parts").iterdir()
    content = bytearray(part.read_bytes())
    if damage == "flip":
        content[200] ^= 8
    if damage == "cut":
        content = content[:-20]
    if damage == "link":
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "part"
        elsewhere.write_bytes(content)
        part.unlink()
        part.symlink_to(elsewhere)
    else:
        part.write_bytes(bytes(content))
    files = RunFiles(folder)
    if damage == "flip":
        with pytest.raises(DamagedRunError) as seen:
            list(map(files.read, ids))
        assert seen.value.path == part
    else:  # it does not even say what it holds
        assert files.unreadable_parts() == [part]
        assert files.names() == set()


def test_names_that_are_no_names_are_not_looked_up(folder):
    for run_id in ("../secret", "", "a/b", ".", "x\0y"):
        assert RunFiles(folder).read(run_id) is None
