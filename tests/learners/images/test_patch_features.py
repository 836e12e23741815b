from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.datasets.cifar import ROW_BYTES
from learners.holdings import Holding
from learners.images import patch_features as module
from learners.images.frozen_features import BLOCK, LEVELS
from learners.images.patch_features import (
    CONTRAST_FLOOR,
    EIGENVALUE_FLOOR,
    PATCH,
    THRESHOLD,
    PatchFeatures,
    learnt_patches,
    patch_features,
)
from learners.usecase import load_use_case


def textured(n, side=16, channels=3, seed=0):
    """Return images of smooth random textures, as photographs have, uint8[n, channels, side, side]."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n, channels, side + 4, side + 4)).cumsum(2).cumsum(3)
    noise = noise[:, :, 4:, 4:] - noise[:, :, :-4, :-4]
    low, high = noise.min((1, 2, 3), keepdims=True), noise.max((1, 2, 3), keepdims=True)
    return (255 * (noise - low) / (high - low)).astype(np.uint8)


IMAGES = textured(300)
LEARNT = learnt_patches(IMAGES, 12, "cpu")


def by_definition(image, learnt):
    """Return the pooled responses of one image, patch by patch in float64."""
    whitening, dictionary = learnt["whitening"].astype(float), learnt["dictionary"].astype(float)
    side = image.shape[1] - PATCH + 1
    above = np.zeros((2, 2, dictionary.shape[1]))
    below, count = above.copy(), np.zeros((2, 2, 1))
    for y in range(side):
        for x in range(side):
            patch = image[:, y : y + PATCH, x : x + PATCH].astype(float)
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + CONTRAST_FLOOR)
            components = np.tensordot(whitening, patch, 3)
            response = components @ dictionary + learnt["offset"]
            quarter = int(y >= side // 2), int(x >= side // 2)
            above[quarter] += np.maximum(response - THRESHOLD, 0)
            below[quarter] += np.maximum(-response - THRESHOLD, 0)
            count[quarter] += 1
    pooled = np.concatenate([2 * above / count, 2 * below / count], 2)
    return pooled.reshape(-1)


def test_features_are_the_thresholded_responses_pooled_over_quarters():
    features = PatchFeatures(LEARNT, "cpu")
    for row in (0, 17):
        expected = by_definition(IMAGES[row], LEARNT)
        measured = features._responses(IMAGES[row : row + 1])[0].numpy()
        np.testing.assert_allclose(measured, expected, rtol=1e-3, atol=1e-4)
        levels = np.minimum(np.round(expected / LEARNT["largest"] * LEVELS), LEVELS)
        found = features.of(IMAGES[row : row + 1])[0].numpy().astype(int)
        assert np.abs(found[:-1] - levels).max() <= 1
        assert found[-1] == LEVELS


def test_features_are_whole_numbers_that_use_the_range():
    features = PatchFeatures(LEARNT, "cpu").of(IMAGES)
    assert features.dtype == torch.uint8
    assert features.shape == (300, 8 * 12 + 1)
    assert (features.amax(0) == LEVELS).all()
    assert (features.float().mean(0) > 5).all()


def test_features_depend_on_each_image_alone():
    features = PatchFeatures(LEARNT, "cpu")
    whole = features.of(IMAGES)
    order = np.random.default_rng(1).permutation(300)[: 3 * BLOCK + 5]
    assert torch.equal(features.of(IMAGES[order]), whole[order])
    assert torch.equal(features.of(IMAGES[9:10])[0], whole[9])


def test_whitened_patches_have_unit_variance_where_patches_vary_and_directions_are_of_length_one():
    rng = np.random.default_rng(5)
    rows, y, x = (rng.integers(0, high, 20_000) for high in (300, 11, 11))
    offset = np.arange(PATCH)
    patches = IMAGES[
        rows[:, None, None, None],
        np.arange(3)[:, None, None],
        (y[:, None] + offset)[:, None, :, None],
        (x[:, None] + offset)[:, None, None, :],
    ].reshape(20_000, -1)
    patches = patches - patches.mean(1, keepdims=True)
    patches /= np.sqrt((patches**2).mean(1, keepdims=True) + CONTRAST_FLOOR)
    components = patches @ LEARNT["whitening"].reshape(-1, 108).T
    covariance = np.cov(components.T)
    variances = np.sort(np.linalg.eigvalsh(np.cov(patches.T)))[-len(covariance) :]
    np.testing.assert_allclose(
        np.sort(np.diag(covariance)), np.sort(variances / (variances + EIGENVALUE_FLOOR)), atol=0.08
    )
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.06
    np.testing.assert_allclose(np.linalg.norm(LEARNT["dictionary"], axis=0), 1, rtol=1e-5)


def test_learning_is_the_same_every_time_and_disturbs_nobodys_random_numbers():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again = learnt_patches(IMAGES, 12, "cpu")
    assert torch.equal(torch.rand(3), expected)
    for name, array in LEARNT.items():
        np.testing.assert_array_equal(again[name], array)
    assert not np.array_equal(
        learnt_patches(textured(300, seed=1), 12, "cpu")["whitening"], LEARNT["whitening"]
    )


def test_test_images_are_not_learnt_from_and_features_come_from_disk_the_second_time(monkeypatch):
    test = textured(30, seed=3)
    first, table = patch_features(IMAGES, test, "digest", 12, "cpu")
    assert table.shape == (330, 97)
    assert torch.equal(table[:300], PatchFeatures(LEARNT, "cpu").of(IMAGES))
    assert torch.equal(table[300:], first.of(test))

    def refuse(*arguments):
        raise AssertionError("computed again")

    monkeypatch.setattr(module, "learnt_patches", refuse)
    second, again = patch_features(IMAGES, test, "digest", 12, "cpu")
    assert torch.equal(again, table)
    assert torch.equal(second.of(test), table[300:])
    for digest, filters in (("other", 12), ("digest", 13)):
        with pytest.raises(AssertionError, match="computed again"):
            patch_features(IMAGES, test, digest, filters, "cpu")


def test_features_mix_no_devices_and_never_wait_for_a_number():
    """On the meta device whatever would do either on a GPU is an error."""
    features = PatchFeatures(LEARNT, "meta").of(IMAGES[:20])
    assert features.is_meta
    assert features.shape == (20, 97)


def test_other_shapes_of_images():
    grey = textured(50, side=9, channels=1)
    learnt = learnt_patches(grey, 6, "cpu")
    assert learnt["whitening"].shape == (36, 1, PATCH, PATCH)
    assert PatchFeatures(learnt, "cpu").of(grey).shape == (50, 49)


@pytest.mark.slow
def test_a_tenth_of_cifar_10_is_learnt(prepared, tmp_path):
    official = prepared("cifar-10") / "cifar-10-batches-bin"
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name, images in (("data_batch_1.bin", 5000), ("test_batch.bin", 1000)):
        (folder / name).write_bytes((official / name).read_bytes()[: images * ROW_BYTES])
    case = load_use_case("cifar-10-features", data_dir=tmp_path, device="cpu", owners=1000)
    assert len(case.holdout.rows) == 1000
    learner = case.learner(0)
    everything = learner.update(Holding.full(1000))
    assert everything.holdout > 0.57
    tenth = learner.update(Holding.of(np.arange(1000) < 100))
    assert 0.35 < tenth.holdout < everything.holdout - 0.1
    assert tenth.holdout == case.learner(0).update(Holding.of(np.arange(1000) < 100)).holdout


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu_to_one_level():
    images = textured(64, side=32)
    cpu, cuda = (PatchFeatures(learnt_patches(images, 32, device), device) for device in ("cpu", "cuda"))
    assert torch.equal(cuda._dictionary.cpu(), cpu._dictionary)
    one, other = cpu.of(images).int(), cuda.of(images).cpu().int()
    assert (one - other).abs().max() <= 1
    assert (one != other).float().mean() < 0.01
    assert torch.equal(cuda.of(images), cuda.of(images))
