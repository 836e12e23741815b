from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.datasets import catalogue, cifar
from learners.datasets.cifar import CLASS_NAMES, PUBLISHED_ROWS, ROW_BYTES, load_cifar_10
from learners.errors import InputError

LOSSY = "cifar-10: pixels differ from the published ones, as after a compression with loss"
TRAINING = [f"data_batch_{number}.bin" for number in range(1, 6)]


def rows(n, seed=0):
    """Return n rows as they lie in a file: a label 0..9 and 3,072 pixels."""
    table = np.random.default_rng(seed).integers(0, 256, (n, ROW_BYTES), dtype=np.uint8)
    table[:, 0] %= 10
    return table


def written(folder, **files):
    """Write a small copy, with some files changed (``test_batch=b"..."``) or left out (``None``)."""
    contents = {f"data_batch_{k}": rows(3, k).tobytes() for k in range(1, 6)}
    contents |= {"test_batch": rows(2, 9).tobytes(), "names": "\n".join(CLASS_NAMES).encode() + b"\n\n"}
    for name, content in (contents | files).items():
        if content is not None:
            (folder / ("batches.meta.txt" if name == "names" else f"{name}.bin")).write_bytes(content)
    return folder


def test_other_pixels_than_the_published_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "PUBLISHED_ROWS", 3)
    folder = written(tmp_path, test_batch=rows(3, 9).tobytes())
    pixels = np.concatenate([rows(3, k)[:, 1:] for k in range(1, 6)]).reshape(15, 3, 1024)
    monkeypatch.setattr(cifar, "PUBLISHED_SUMS", tuple(pixels.sum((0, 2), dtype=np.int64).tolist()))
    assert load_cifar_10(folder).warnings == ()
    changed = rows(3, 4)
    changed[2, 3072] ^= 1
    written(folder, test_batch=rows(3, 9).tobytes(), data_batch_4=changed.tobytes())
    assert load_cifar_10(folder).warnings == (LOSSY,)


def refusal(folder):
    with pytest.raises(InputError) as error:
        load_cifar_10(folder)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(str(folder))
    return message.removeprefix(str(folder))


def test_layout(tmp_path):
    row = rows(1)
    row[0, 0] = 7
    row[0, 1:] = np.arange(3072) % 251
    data = load_cifar_10(written(tmp_path, data_batch_1=row.tobytes()))
    assert data.images.shape == (13, 3, 32, 32)
    assert data.images.dtype == np.uint8
    assert data.labels.dtype == np.int64
    assert data.labels[0] == 7
    for channel, y, x in ((0, 0, 0), (0, 0, 31), (0, 1, 0), (1, 0, 0), (2, 31, 31)):
        assert data.images[0, channel, y, x] == (channel * 1024 + y * 32 + x) % 251
    second = rows(3, 2)
    np.testing.assert_array_equal(data.images[1:4].reshape(3, -1), second[:, 1:])
    np.testing.assert_array_equal(data.labels[1:4], second[:, 0])
    np.testing.assert_array_equal(data.test_images.reshape(2, -1), rows(2, 9)[:, 1:])
    np.testing.assert_array_equal(data.test_labels, rows(2, 9)[:, 0])
    assert data.class_names == CLASS_NAMES
    assert data.class_names[7] == "horse"


def test_fewer_images_than_published_load_with_a_warning_for_each_file(tmp_path):
    warnings = load_cifar_10(written(tmp_path)).warnings
    assert warnings[0] == "cifar-10: data_batch_1.bin has 3 images, the published one 10,000"
    assert warnings[5] == "cifar-10: test_batch.bin has 2 images, the published one 10,000"
    assert len(warnings) == 6


def test_missing_files_load_with_a_warning(tmp_path):
    missing = {f"data_batch_{k}": None for k in (1, 2, 4, 5)}
    data = load_cifar_10(written(tmp_path, **missing, test_batch=None, names=None))
    assert len(data.images) == 3
    assert data.test_images is None
    assert data.test_labels is None
    assert data.class_names == CLASS_NAMES
    for name in ("data_batch_1.bin", "data_batch_5.bin", "test_batch.bin", "batches.meta.txt"):
        assert [f"cifar-10: {name} is missing" in warning for warning in data.warnings].count(True) == 1


def test_a_row_that_is_cut_short_is_named(tmp_path):
    written(tmp_path, data_batch_3=rows(4).tobytes()[:-100])
    assert refusal(tmp_path) == f"/data_batch_3.bin, row 4: {ROW_BYTES - 100} bytes; each row has {ROW_BYTES}"


@pytest.mark.parametrize("label", [10, 255])
def test_a_label_that_is_none_is_named(tmp_path, label):
    table = rows(5)
    table[[2, 4], 0] = label
    written(tmp_path, test_batch=table.tobytes())
    assert refusal(tmp_path) == f"/test_batch.bin, row 3: label {label} is not 0 to 9"


def test_a_file_longer_than_published_is_refused_unread(tmp_path):
    written(tmp_path)
    with (tmp_path / "data_batch_2.bin").open("wb") as file:
        file.truncate((PUBLISHED_ROWS + 1) * ROW_BYTES)
    assert "10,000 rows of 3073 are the most" in refusal(tmp_path)


def test_no_training_image(tmp_path):
    assert refusal(tmp_path) == ": there are no images in data_batch_1.bin to data_batch_5.bin"
    for name in TRAINING:
        (tmp_path / name).write_bytes(b"")
    assert "there are no images" in refusal(tmp_path)


@pytest.mark.parametrize("names", [b"", b"cat\ndog\n", b"\n".join([b"x"] * 11), b"\xff\xfe\x00"])
def test_class_names_that_are_not_ten(tmp_path, names):
    assert "is not 10 class names, one a line" in refusal(written(tmp_path, names=names))


@pytest.mark.parametrize("name", ["data_batch_1.bin", "batches.meta.txt"])
def test_a_folder_in_the_place_of_a_file(tmp_path, name):
    written(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert refusal(tmp_path).startswith(f"/{name}: ")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=40), st.integers(0, 2), st.integers(0, 3))
def test_any_bytes_load_or_are_refused_in_one_line(noise, whole_rows, where):
    with tempfile.TemporaryDirectory() as folder:
        content = rows(whole_rows).tobytes() + noise
        name = ("data_batch_1", "data_batch_5", "test_batch", "names")[where]
        written(Path(folder), **{name: content})
        try:
            data, refused = load_cifar_10(Path(folder)), ""
        except InputError as error:
            data, refused = None, str(error)
        assert "\n" not in refused
        assert (data is None) == bool(refused)
        assert data is None or data.labels.max() < len(data.class_names) == 10


def test_the_real_set(prepared):
    data = catalogue.load("cifar-10", prepared("cifar-10"))
    assert data.images.shape == (50_000, 3, 32, 32)
    assert data.test_images.shape == (10_000, 3, 32, 32)
    assert np.bincount(data.labels).tolist() == [5000] * 10
    assert np.bincount(data.test_labels).tolist() == [1000] * 10
    np.testing.assert_allclose(data.images.mean((0, 2, 3)) / 255, [0.4914, 0.4822, 0.4465], atol=3e-4)
    # Of a copy that was compressed with loss on its way the loader says so.
    assert data.warnings in ((), (LOSSY,))
