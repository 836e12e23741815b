from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

from learners.result_cache import CACHE_VARIABLE, cache_directory, cached


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


class Counted:
    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return {"a": np.arange(5, dtype=np.int8), "b": np.array([[0.5, -1.0]])}


def test_a_result_is_computed_once_and_comes_back_bit_for_bit(folder):
    compute = Counted()
    first = cached("kind", {"seed": 1}, compute)
    second = cached("kind", {"seed": 1}, compute)
    assert compute.calls == 1
    for name in first:
        assert second[name].dtype == first[name].dtype
        np.testing.assert_array_equal(second[name], first[name])
    assert [path.suffix for path in folder.iterdir()] == [".npz"]


def test_whatever_differs_in_kind_or_dependence_is_another_entry():
    compute = Counted()
    for kind, depends_on in (
        ("x", {"seed": 1}),
        ("x", {"seed": 2}),
        ("x", {"seed": "1"}),
        ("y", {"seed": 1}),
    ):
        cached(kind, depends_on, compute)
    assert compute.calls == 4
    cached("x", {"seed": 2, "other": None}, compute)
    assert compute.calls == 5


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_entry_is_computed_afresh_and_mended(folder, damage):
    compute = Counted()
    cached("kind", {}, compute)
    (entry,) = folder.iterdir()
    content = bytearray(entry.read_bytes())
    if damage == "flip":
        content[-20] ^= 1
    entry.write_bytes({"flip": content, "cut": content[: len(content) // 2], "empty": b""}[damage])
    np.testing.assert_array_equal(cached("kind", {}, compute)["a"], np.arange(5))
    assert compute.calls == 2
    cached("kind", {}, compute)
    assert compute.calls == 2


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    compute = Counted()
    for _ in range(2):
        np.testing.assert_array_equal(cached("kind", {}, compute)["a"], np.arange(5))
    assert compute.calls == 2


def test_arrays_of_objects_are_refused():
    with pytest.raises(ValueError, match=r"[Oo]bject"):
        cached("kind", {}, lambda: {"a": np.array([{}], dtype=object)})


def test_the_default_folder_is_the_platforms(monkeypatch):
    monkeypatch.delenv(CACHE_VARIABLE)
    assert cache_directory().name == "data-leverage"


def write_often(worker):
    for k in range(20):
        values = cached("shared", {"k": k % 4}, lambda k=k: {"a": np.full(50_000, k % 4)})["a"]
        if not np.all(values == k % 4):
            return False
    return worker >= 0


def test_several_processes_share_a_folder(folder):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert all(pool.map(write_often, range(4)))
    assert sorted(path.suffix for path in folder.iterdir()) == [".npz"] * 4
