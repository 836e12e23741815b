from __future__ import annotations

import numpy as np
import torch

from learners.datasets import catalogue
from learners.images.frozen_features import BLOCK, LEVELS, FeatureTable, RandomConvolutions

IMAGES = catalogue.load("digits").images


def test_features_are_whole_numbers_that_use_the_whole_range():
    features = RandomConvolutions(IMAGES, 8, 0, "cpu").of(IMAGES)
    assert features.dtype == torch.uint8
    assert features.shape == (1797, 33)
    assert features.min() == 0
    assert torch.equal(features.amax(0), torch.full((33,), LEVELS))
    assert torch.equal(features[:, -1], torch.full((1797,), LEVELS))
    assert torch.equal(features, RandomConvolutions(IMAGES, 8, 0, "cpu").of(IMAGES))
    assert not torch.equal(features, RandomConvolutions(IMAGES, 8, 1, "cpu").of(IMAGES))


def test_features_are_the_pooled_responses_to_the_filters():
    convolutions = RandomConvolutions(IMAGES, 5, 0, "cpu")
    kernels = convolutions._kernels.numpy()[:, 0]
    np.testing.assert_allclose(kernels.sum((1, 2)), 0, atol=1e-6)
    padded = np.pad(IMAGES[:, 0] / 16, ((0, 0), (1, 1), (1, 1)))
    response = np.zeros((1797, 5, 8, 8))
    for y in range(3):
        for x in range(3):
            response += padded[:, None, y : y + 8, x : x + 8] * kernels[:, y, x, None, None]
    pooled = np.maximum(response, 0).reshape(1797, 5, 2, 4, 2, 4).mean((3, 5)).reshape(1797, 20)
    expected = np.round(pooled / pooled.max(0) * LEVELS)
    difference = np.abs(convolutions.of(IMAGES)[:, :-1].numpy() - expected)
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.001  # halves that fall to the other side


def test_features_depend_on_each_image_alone():
    convolutions = RandomConvolutions(IMAGES, 8, 0, "cpu")
    whole = convolutions.of(IMAGES)
    order = np.random.default_rng(0).permutation(1797)[: 5 * BLOCK + 3]
    assert torch.equal(convolutions.of(IMAGES[order]), whole[order])
    for row in (0, 7, 1796):
        assert torch.equal(convolutions.of(IMAGES[row : row + 1])[0], whole[row])


def test_the_table_computes_each_patched_image_once():
    convolutions = RandomConvolutions(IMAGES, 4, 0, "cpu")
    asked = []

    def inputs(rows, sides):
        asked.append((sides[:1].tolist(), sorted(rows.tolist())))
        images = IMAGES[rows].copy()
        for image, side in zip(images, sides, strict=True):
            image[:, -side:, -side:] = 16
        return images

    table = FeatureTable(convolutions, convolutions.of(IMAGES), inputs)
    rows, sides = np.array([5, 6, 9, 5]), np.array([0, 2, 3, 2], np.int16)
    features = table.of(rows, sides)
    assert features.dtype == torch.float64
    assert asked == [([2], [5, 6]), ([3], [9])]
    assert torch.equal(features[0], table.genuine[5].double())
    for place, (row, side) in enumerate(zip(rows, sides, strict=True)):
        image = inputs(np.array([row]), np.array([max(side, 1)])) if side else IMAGES[row : row + 1]
        assert torch.equal(features[place], convolutions.of(image)[0].double())
    assert not torch.equal(features[3], features[0])
    asked.clear()
    table.of(np.array([6, 7]), np.array([2, 2], np.int16))
    assert asked == [([2], [7])]
    before = table.genuine.clone()
    table.of(np.arange(20), np.full(20, 4, np.int16))
    assert torch.equal(table.genuine, before)
