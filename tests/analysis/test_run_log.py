import json
import os
import sys

import pytest

from analysis.run_log import RunLog
from learners.errors import InputError, OutputError

SETTINGS = {"study": "cdc", "seed": 3}
KEYS = [{"rate": 0.1, "repeat": repeat} for repeat in range(3)]


@pytest.fixture
def path(tmp_path):
    """A log of three runs, closed."""
    with RunLog(tmp_path / "out", SETTINGS) as log:
        log.claim("digits", {"data": "abc", "warnings": ("few",)})
        for key in KEYS:
            log.append(key, {"quality": key["repeat"] / 3})
    return log.path


def reopened(path, settings=SETTINGS):
    with RunLog(path.parent, settings) as log:
        return log


def test_log_is_read_back_as_it_was_written(path):
    log = reopened(path)
    assert log.runs == [key | {"quality": key["repeat"] / 3} for key in KEYS]
    assert log.cases == {"digits": {"data": "abc", "warnings": ["few"]}}
    assert all(key in log for key in KEYS)
    assert {"repeat": 0, "rate": 0.1} in log  # in any order
    assert {"rate": 0.1, "repeat": 3} not in log


def test_finished_run_is_on_the_disk_at_once(tmp_path):
    with RunLog(tmp_path / "out", SETTINGS) as log:
        log.append(KEYS[0], {"quality": 1.0})
        assert json.loads(log.path.read_text().splitlines()[-1])["run"] == KEYS[0]


def test_undefined_results_are_strict_json(tmp_path):
    with RunLog(tmp_path / "out", SETTINGS) as log:
        log.append(KEYS[0], {"quality": float("nan"), "inner": {"list": [float("inf"), 1.5]}})
    assert reopened(log.path).runs == [KEYS[0] | {"quality": None, "inner": {"list": [None, 1.5]}}]
    assert "NaN" not in log.path.read_text()


@pytest.mark.parametrize("kept", range(1, 80, 13))
def test_line_cut_off_anywhere_costs_that_run_alone(path, kept):
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    path.write_bytes(whole[: len(whole) - len(last) + min(kept, len(last) - 1)])
    log = reopened(path)
    assert [KEYS[0] in log, KEYS[1] in log, KEYS[2] in log] == [True, True, False]
    with RunLog(path.parent, SETTINGS) as log:
        log.append(KEYS[2], {"quality": 2 / 3})
    assert path.read_bytes() == whole


def test_log_killed_before_its_first_line_was_whole_begins_anew(path):
    path.write_bytes(path.read_bytes()[:10])
    assert reopened(path).runs == []
    assert reopened(path).runs == []


def test_other_settings_are_refused_by_name(path):
    with pytest.raises(InputError, match=r"runs\.jsonl: the study was begun with seed = 3, not 4"):
        reopened(path, {"study": "cdc", "seed": 4})
    with pytest.raises(InputError, match="device = null, not"):
        reopened(path, {**SETTINGS, "device": "cpu"})
    with (
        RunLog(path.parent, SETTINGS) as log,
        pytest.raises(InputError, match='digits was begun with data = "abc", not "abd"'),
    ):
        log.claim("digits", {"data": "abd", "warnings": ("few",)})
    assert len(reopened(path).runs) == 3


def test_same_case_may_be_claimed_again(path):
    before = path.read_bytes()
    with RunLog(path.parent, SETTINGS) as log:
        log.claim("digits", {"data": "abc", "warnings": ("few",)})
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", [b"{", b'{"run": {}}', b"[]", b'"x"', b"\xff\xfe", b'{"case": "x"}'])
def test_damage_before_the_last_line_is_named(path, damage):
    lines = path.read_bytes().splitlines()
    lines[2] = damage
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(InputError, match=r"runs\.jsonl, line 3: "):
        reopened(path)


def test_file_of_another_kind_is_no_log(path):
    path.write_text('{"log": "something else", "settings": {}}\n')
    with pytest.raises(InputError, match="line 1"):
        reopened(path)


def test_folder_of_others_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match=r"is not empty and holds no runs\.jsonl"):
        RunLog(tmp_path, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_place_that_is_a_file_cannot_be_written(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        RunLog(tmp_path / "out" / "deeper", SETTINGS)


@pytest.mark.skipif(sys.platform == "win32", reason="no such lock there")
def test_two_studies_cannot_write_one_log(path):
    with (
        RunLog(path.parent, SETTINGS),
        pytest.raises(OutputError, match="is being written by another process"),
    ):
        RunLog(path.parent, SETTINGS)
    assert len(reopened(path).runs) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_full_disk_is_one_line(tmp_path, monkeypatch):
    with RunLog(tmp_path / "out", SETTINGS) as log:
        descriptor = os.open("/dev/full", os.O_WRONLY)
        with os.fdopen(descriptor, "wb", buffering=0) as full:
            monkeypatch.setattr(log._lines, "_file", full)
            with pytest.raises(OutputError, match="No space left"):
                log.append(KEYS[0], {})
        monkeypatch.undo()
        assert KEYS[0] not in log
