"""CIFAR-10: the loader of the binary version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learners.datasets.records import ImageData
from learners.datasets.tables import shown
from learners.errors import InputError

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""The published names, in the order of the labels."""

TRAINING_BATCHES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_BATCH = "test_batch.bin"
NAMES_FILE = "batches.meta.txt"

SIDE = 32
"""Pixels of a side."""

ROW_BYTES = 1 + 3 * SIDE * SIDE
"""A label, then the red, the green and the blue pixels, each row by row."""

PUBLISHED_ROWS = 10_000
"""Images of each batch."""

PUBLISHED_SUMS = (6_415_714_204, 6_295_060_180, 5_829_907_619)
"""Sums of all red, green and blue training pixels; their means are 125.3069, 122.9504 and 113.8654."""


def load_cifar_10(folder: Path) -> ImageData:
    """Load the training and the test images of the binary version.

    Parameters
    ----------
    folder
        Where ``data_batch_1.bin`` to ``data_batch_5.bin``, ``test_batch.bin`` and ``batches.meta.txt`` lie.

    Returns
    -------
    ImageData
        ``images`` is uint8[n, 3, 32, 32], red, green, blue, in the order of the files. A copy that lacks a
        file or images loads with a line in ``warnings`` for each; without test images ``test_images`` is
        ``None``. Other pixels than the published ones, as after compression with loss, are a warning, too.

    Raises
    ------
    InputError
        When there is no training image, a file cannot be read, is no whole number of rows or longer than
        published, a label is not 0 to 9 or the names are not ten; the message names file and row.
    """
    warnings: list[str] = []
    training = [_batch(folder / name, warnings) for name in TRAINING_BATCHES]
    rows = np.concatenate(training)
    if not len(rows):
        raise InputError(f"{folder}: there are no images in {TRAINING_BATCHES[0]} to {TRAINING_BATCHES[-1]}")
    images, labels = _images(rows)
    whole = len(images) == PUBLISHED_ROWS * len(TRAINING_BATCHES)
    if whole and tuple(images.sum((0, 2, 3), dtype=np.int64)) != PUBLISHED_SUMS:
        warnings.append("cifar-10: pixels differ from the published ones, as after a compression with loss")
    test = _batch(folder / TEST_BATCH, warnings)
    test_images, test_labels = _images(test) if len(test) else (None, None)
    return ImageData(
        name="cifar-10",
        images=images,
        labels=labels,
        class_names=_class_names(folder / NAMES_FILE, warnings),
        test_images=test_images,
        test_labels=test_labels,
        warnings=tuple(warnings),
    )


def _batch(path: Path, warnings: list[str]) -> NDArray[np.uint8]:
    """Return the rows of a file, uint8[n, ROW_BYTES]; none where it is missing."""
    try:
        size = path.stat().st_size
        if size > PUBLISHED_ROWS * ROW_BYTES:
            raise InputError(f"{path}: {size:,} bytes; {PUBLISHED_ROWS:,} rows of {ROW_BYTES} are the most")
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except FileNotFoundError:
        warnings.append(f"cifar-10: {path.name} is missing")
        return np.empty((0, ROW_BYTES), np.uint8)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    whole, rest = divmod(len(content), ROW_BYTES)
    if rest:
        raise InputError(f"{path}, row {whole + 1}: {rest} bytes; each row has {ROW_BYTES}")
    rows = content.reshape(whole, ROW_BYTES)
    wrong = np.flatnonzero(rows[:, 0] >= len(CLASS_NAMES))
    if len(wrong):
        label = rows[wrong[0], 0]
        raise InputError(f"{path}, row {wrong[0] + 1}: label {label} is not 0 to {len(CLASS_NAMES) - 1}")
    if whole < PUBLISHED_ROWS:
        warnings.append(f"cifar-10: {path.name} has {whole:,} images, the published one {PUBLISHED_ROWS:,}")
    return rows


def _images(rows: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images, uint8[n, 3, 32, 32], and labels, int64[n]."""
    return np.ascontiguousarray(rows[:, 1:]).reshape(-1, 3, SIDE, SIDE), rows[:, 0].astype(np.int64)


def _class_names(path: Path, warnings: list[str]) -> tuple[str, ...]:
    try:
        lines = path.read_bytes().decode("latin-1").split()
    except FileNotFoundError:
        warnings.append(f"cifar-10: {path.name} is missing; the published names are used")
        return CLASS_NAMES
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if len(lines) != len(CLASS_NAMES):
        raise InputError(
            f"{path}: {shown(' '.join(lines))} is not {len(CLASS_NAMES)} class names, one a line"
        )
    return tuple(lines)
