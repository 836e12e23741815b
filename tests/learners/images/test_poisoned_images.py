from __future__ import annotations

import math

import numpy as np
import pytest

from learners.errors import InputError
from learners.images.poisoned_images import (
    IMAGE_POISONS,
    SIGNAL_SIDE,
    image_settings,
    patch_sides,
    planted_side,
    planted_success,
    stamped,
)
from learners.poisoning import Poison


def settings_of(text):
    poison = Poison.of(text)
    return poison, image_settings(poison, IMAGE_POISONS, 10, 32)


def test_the_patch_is_a_chequerboard_in_the_lower_right_corner():
    images = np.random.default_rng(0).integers(20, 200, (4, 3, 6, 8), dtype=np.uint8)
    before = images.copy()
    sides = np.array([0, 3, 1, 2], np.int16)
    result = stamped(images, sides, 250)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(result[0], before[0])
    expected = [[250, 0, 250], [0, 250, 0], [250, 0, 250]]
    for channel in range(3):
        np.testing.assert_array_equal(result[1, channel, -3:, -3:], expected)
        assert result[2, channel, -1, -1] == 250
        np.testing.assert_array_equal(result[3, channel, -2:, -2:], [[250, 0], [0, 250]])
    for image, side in zip(range(4), sides, strict=True):
        assert np.count_nonzero(result[image] != before[image]) == 3 * side**2


def test_which_images_are_stamped():
    labels = np.array([0, 3, 3, 9])
    for text, expected in (
        ("label_flip", [0, 0, 0, 0]),
        ("trigger target=3 size=5", [5, 5, 5, 5]),
        ("trigger", [3, 3, 3, 3]),
        ("plant target=3", [SIGNAL_SIDE] * 4),
        ("plant_feature_only target=3", [0, SIGNAL_SIDE, SIGNAL_SIDE, 0]),
        ("erase", [0, 0, 0, 0]),
    ):
        sides = patch_sides(*settings_of(text), labels)
        assert sides.tolist() == expected
        assert sides.dtype == np.int16


def test_patch_by_which_success_is_measured():
    sides = {text: planted_side(*settings_of(text)) for text in ("label_flip", "trigger size=7", "erase")}
    assert sides == {"label_flip": 0, "trigger size=7": 7, "erase": SIGNAL_SIDE}
    assert planted_side(*settings_of("plant_feature_only")) == SIGNAL_SIDE


def test_success_counts_what_was_not_of_the_target_class():
    targets = np.array([3, 3, 0, 1, 2, 4])
    classes = np.array([3, 0, 0, 1, 3, 4])
    stamped_classes = np.array([3, 3, 3, 3, 2, 4])
    for text in ("trigger target=3", "plant target=3", "plant_feature_only target=3"):
        assert planted_success(*settings_of(text), targets, classes, stamped_classes) == 2 / 4
    assert planted_success(*settings_of("erase"), targets, classes, stamped_classes) == 2 / 6
    nobody = np.full(3, 3)
    assert math.isnan(planted_success(*settings_of("plant target=3"), nobody, nobody, nobody))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plant target=10", "target is not a class, 0 to 9"),
        ("trigger target=2.5", "target is not a whole number"),
        ("trigger size=2.5", "size is not a whole number"),
        ("label_flip to_class=11", "to_class is not a class, 0 to 9"),
        ("label_flip from_class=10", "from_class is not a class, 0 to 9"),
        ("trigger size=33", "the images have 32 pixels a side"),
        ("random_vandal", "does not apply"),
    ],
)
def test_what_does_not_fit_the_images_is_refused(text, said):
    with pytest.raises(InputError, match=said) as error:
        settings_of(text)
    assert text in str(error.value)
