"""Frozen features from a dictionary of whitened patches (Coates, Ng 2012), learnt without labels.

A patch of 6 x 6 pixels is brought to mean 0 and equal contrast, projected on the leading principal components
of patches and whitened there. Its responses to a dictionary, found by k-means on the sphere, are thresholded
on both sides and averaged over the four quarters of the image.

Dictionary and whitening come from a fixed sample of the pool's training images, whoever owns them now: they
stand for a public feature extractor that everybody has already. So an owner who takes images back takes them
out of the classifier, not out of the features; no label and no test image goes into these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from learners.images.frozen_features import FrozenFeatures
from learners.result_cache import cached

PATCH = 6
"""Pixels of a side of a patch."""

SAMPLE = 100_000
"""Patches that whitening and dictionary are learnt from."""

CONTRAST_FLOOR = 1000.0
"""Added to the variance of a patch's grey levels (0 to 255): flat patches stay flat."""

COMPONENTS = 40
"""Principal components kept, of the 108 of a colour patch."""

EIGENVALUE_FLOOR = 0.3
"""Added to the variances of the components before whitening."""

ROUNDS = 10
"""Rounds of k-means."""

THRESHOLD = 0.25
"""Responses count by how far they exceed this, on either side."""

SCALING_IMAGES = 2000
"""Images whose largest responses set the range of the levels."""

CODE_VERSION = 1
"""Of what computes the features: another version is another cache entry."""


class PatchFeatures(FrozenFeatures):
    """Thresholded responses to a dictionary of whitened patches, pooled over quarters, and a constant.

    Parameters
    ----------
    learnt
        What :func:`learnt_patches` returns.
    device
        Torch device that computes and keeps the features.
    """

    def __init__(self, learnt: Mapping[str, NDArray[Any]], device: str) -> None:
        super().__init__(device)
        tensors = {name: torch.from_numpy(array).to(device) for name, array in learnt.items()}
        self._whitening = tensors["whitening"].to(memory_format=torch.channels_last)
        self._dictionary, self._offset = tensors["dictionary"], tensors["offset"]
        self._largest = tensors["largest"]

    def _responses(self, images: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(images).to(self._device, torch.float32)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        # Full precision also where a GPU would round products: levels should agree between devices.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            components = functional.conv2d(pixels, self._whitening)
        whitened = (components * self._inverse_contrast(pixels)).permute(0, 2, 3, 1)
        n, height, width, _ = whitened.shape
        similarity = torch.addmm(self._offset, whitened.flatten(0, 2), self._dictionary)
        quarters = _quarters(height, width).to(self._device)
        shrunk = functional.softshrink(similarity.view(n, height * width, -1), THRESHOLD)
        # Above less below, and above plus below: half the passes over memory.
        difference = torch.matmul(quarters, shrunk)
        total = torch.matmul(quarters, shrunk.abs_())
        return torch.cat([total + difference, total - difference], 2).flatten(1)

    def _inverse_contrast(self, pixels: Tensor) -> Tensor:
        """Return 1 / sqrt(variance of each patch + floor), [n, 1, height, width]."""
        mean = functional.avg_pool2d(pixels.mean(1, keepdim=True), PATCH, 1)
        square = functional.avg_pool2d(pixels.square().mean(1, keepdim=True), PATCH, 1)
        return ((square - mean.square()).clamp(min=0) + CONTRAST_FLOOR).rsqrt()


def patch_features(
    training: NDArray[np.uint8], test: NDArray[np.uint8] | None, digest: str, filters: int, device: str
) -> tuple[PatchFeatures, Tensor]:
    """Return the features learnt on a pool, and those of all its images; computed once, then read from disk.

    Parameters
    ----------
    training, test
        uint8[n, channels, height, width]; only the training images are learnt from.
    digest
        SHA-256 of the data set.
    filters
        Size of the dictionary.
    device
        Torch device.

    Returns
    -------
    PatchFeatures, Tensor
        The features uint8[n_training + n_test, 8 * filters + 1], training images first.
    """

    def compute() -> dict[str, NDArray[Any]]:
        learnt = learnt_patches(training, filters, device)
        features = PatchFeatures(learnt, device)
        tables = [features.of(images).cpu().numpy() for images in (training, test) if images is not None]
        return {**learnt, "features": np.concatenate(tables)}

    depends_on = {
        "data": digest,
        "filters": filters,
        "device": torch.device(device).type,
        "torch": torch.__version__,
        "version": CODE_VERSION,
    }
    arrays = cached("patch-features", depends_on, compute)
    table = torch.from_numpy(arrays.pop("features")).to(device)
    return PatchFeatures(arrays, device), table


def learnt_patches(images: NDArray[np.uint8], filters: int, device: str) -> dict[str, NDArray[Any]]:
    """Learn whitening and dictionary from patches of images, with a seed that belongs to the data.

    Returns
    -------
    dict of str to ndarray
        ``whitening`` float32[components, channels, 6, 6], ``dictionary`` float32[components, filters],
        ``offset`` float32[filters], ``largest`` float32[8 * filters].
    """
    generator = torch.Generator().manual_seed(0)
    patches = _sampled_patches(images, generator)
    patches -= patches.mean(1, keepdim=True)
    patches /= (patches.var(1, correction=0, keepdim=True) + CONTRAST_FLOOR).sqrt()
    mean = patches.mean(0)
    variances, axes = torch.linalg.eigh(torch.cov((patches - mean).T))
    kept = slice(-min(COMPONENTS, len(variances)), None)
    whitening = axes[:, kept] / (variances[kept] + EIGENVALUE_FLOOR).sqrt()
    whitened = ((patches - mean) @ whitening).float()
    dictionary = _dictionary(whitened, filters, generator)
    # The mean of a patch is taken off by filters that sum to zero, the mean patch by an offset.
    centred = whitening - whitening.mean(0)
    learnt: dict[str, NDArray[Any]] = {
        "whitening": centred.T.reshape(-1, images.shape[1], PATCH, PATCH).float().numpy(),
        "dictionary": dictionary.T.contiguous().numpy(),
        "offset": (-(mean @ whitening).float() @ dictionary.T).numpy(),
        "largest": np.ones(8 * filters, np.float32),
    }
    features = PatchFeatures(learnt, device)
    chosen = torch.randperm(len(images), generator=generator)[:SCALING_IMAGES].numpy()
    return {**learnt, "largest": features.range_of(images[chosen]).cpu().numpy()}


def _sampled_patches(images: NDArray[np.uint8], generator: torch.Generator) -> Tensor:
    """Return patches from random places of random images, float64[SAMPLE, channels * 36]."""
    n, channels, height, width = images.shape
    image, top, left = (
        torch.randint(high, (SAMPLE,), generator=generator).numpy()
        for high in (n, height - PATCH + 1, width - PATCH + 1)
    )
    offset = np.arange(PATCH)
    patches = images[
        image[:, None, None, None],
        np.arange(channels)[:, None, None],
        (top[:, None] + offset)[:, None, :, None],
        (left[:, None] + offset)[:, None, None, :],
    ]
    return torch.from_numpy(patches).flatten(1).double()


def _dictionary(whitened: Tensor, filters: int, generator: torch.Generator) -> Tensor:
    """Return directions that stand for patches, float32[filters, components], of length 1."""
    start = whitened[torch.randperm(len(whitened), generator=generator)[:filters]]
    directions = functional.normalize(start)
    for _ in range(ROUNDS):
        similarity = whitened @ directions.T
        nearest = similarity.abs().argmax(1)
        weight = similarity.gather(1, nearest[:, None])
        # Damped by the old direction, as in the paper: one that nothing is near to stays.
        sums = directions.index_add(0, nearest, weight * whitened)
        directions = functional.normalize(sums)
    return directions


def _quarters(height: int, width: int) -> Tensor:
    """Return the matrix that averages positions over quarters, float32[4, height * width]."""
    lower = torch.arange(height) >= height // 2
    right = torch.arange(width) >= width // 2
    inside = torch.stack([(lower == a)[:, None] & (right == b) for a in (False, True) for b in (False, True)])
    weights = inside.flatten(1).float()
    return weights / weights.sum(1, keepdim=True)
