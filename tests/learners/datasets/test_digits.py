from __future__ import annotations

import numpy as np

from learners.datasets import catalogue
from learners.datasets.digits import load_digits
from learners.datasets.records import ImageData


def test_shapes_types_and_grey_levels():
    digits = load_digits()
    assert digits.images.shape == (1797, 1, 8, 8)
    assert digits.images.dtype == np.uint8
    assert (digits.images.min(), digits.images.max()) == (0, 16)
    assert digits.labels.dtype == np.int64
    assert digits.class_names == tuple("0123456789")
    assert set(digits.labels.tolist()) == set(range(digits.n_classes))
    assert digits.test_images is None
    assert digits.warnings == ()


def test_first_image_is_the_published_zero():
    digits = load_digits()
    assert digits.labels[0] == 0
    assert digits.images[0, 0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_the_catalogue_needs_no_data_directory(tmp_path):
    digits = catalogue.load("digits", tmp_path / "nowhere")
    assert isinstance(digits, ImageData)
    assert digits.digest == load_digits().digest
    assert not (tmp_path / "nowhere").exists()
