"""Features of images that never change, and the table in which a use case keeps them.

Features are whole numbers 0..:data:`LEVELS`, one byte each. Sums of products of n images are then whole
numbers below n * LEVELS^2, exact in float64 in any order up to 10^11 images: what is added can be taken out
again and leaves no trace.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

LEVELS = 255
"""Features are rounded to whole numbers 0..LEVELS."""

BLOCK = 8
"""Images whose features are computed at once, always so many: rounding may depend on the shape of a block."""


class FrozenFeatures(ABC):
    """A function from images to features that no company's training changes."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._largest = torch.empty(0)

    @property
    def n_features(self) -> int:
        """Number of features: the responses and, last, a constant."""
        return len(self._largest) + 1

    @abstractmethod
    def _responses(self, images: NDArray[np.uint8]) -> Tensor:
        """Return what is to be rounded to levels, float32[n, n_features - 1], 0 or more."""

    def of(self, images: NDArray[np.uint8]) -> Tensor:
        """Return the features of images [n, channels, height, width] as uint8[n, n_features] on the device.

        They depend on each image alone; responses above those of the images that set the range are cut.
        """
        scale = LEVELS / self._largest
        result = torch.full((len(images), self.n_features), LEVELS, dtype=torch.uint8, device=self._device)
        for start, responses in self._in_blocks(images):
            levels = (responses * scale).round().clamp(max=LEVELS)
            result[start : start + BLOCK, :-1] = levels.to(torch.uint8)
        return result

    def range_of(self, images: NDArray[np.uint8]) -> Tensor:
        """Return the largest response of each kind to these images, float32[n_features - 1]."""
        largest = [responses.amax(0) for _, responses in self._in_blocks(images)]
        return torch.stack(largest).amax(0).clamp(min=1e-6)

    def _in_blocks(self, images: NDArray[np.uint8]) -> Iterator[tuple[int, Tensor]]:
        for start in range(0, len(images), BLOCK):
            block = images[start : start + BLOCK]
            whole = block[np.resize(np.arange(len(block)), BLOCK)]
            yield start, self._responses(whole)[: len(block)]


class RandomConvolutions(FrozenFeatures):
    """Random 3x3 filters, rectified and averaged over quarters.

    Parameters
    ----------
    images
        uint8[n, channels, height, width]: the pool whose brightest pixel and largest responses set the range.
    filters
        Number of filters.
    seed
        Of the filters.
    device
        Torch device of the features.
    """

    def __init__(self, images: NDArray[np.uint8], filters: int, seed: int, device: str) -> None:
        super().__init__(device)
        generator = torch.Generator().manual_seed(seed)
        kernels = torch.randn(filters, images.shape[1], 3, 3, generator=generator)
        self._kernels = kernels - kernels.mean(dim=(1, 2, 3), keepdim=True)
        self._brightest = float(images.max())
        self._largest = self.range_of(images)

    def _responses(self, images: NDArray[np.uint8]) -> Tensor:
        # Channels last, and always on the CPU, so that every copy and device agrees to the last bit.
        pixels = torch.empty(images.shape, dtype=torch.float32, memory_format=torch.channels_last)
        pixels.copy_(torch.from_numpy(images))
        pixels /= self._brightest
        rectified = functional.relu(functional.conv2d(pixels, self._kernels, padding=1))
        return functional.adaptive_avg_pool2d(rectified, 2).flatten(1)


class FeatureTable:
    """The features of a use case's images, with any patch stamped on, each computed at most once.

    Parameters
    ----------
    features
        What computes them.
    genuine
        uint8[n_records, n_features]: of the images as they are.
    inputs
        Row numbers int64[n] and sides of patches int16[n] to images with the patches on.
    """

    def __init__(
        self,
        features: FrozenFeatures,
        genuine: Tensor,
        inputs: Callable[[NDArray[np.int64], NDArray[np.int16]], NDArray[np.uint8]],
    ) -> None:
        self.genuine = genuine
        self.n_features = features.n_features
        self._features = features
        self._inputs = inputs
        self._stamped: dict[int, Tensor] = {}
        self._known: dict[int, NDArray[np.bool_]] = {}

    def of(self, rows: NDArray[np.int64], sides: NDArray[np.int16]) -> Tensor:
        """Return the features of records, each with a patch of its side, float64[n, n_features]."""
        chosen = self.genuine[rows]
        for side in np.unique(sides[sides > 0]):
            at = np.flatnonzero(sides == side)
            chosen[at] = self._with_patch(int(side), rows[at])
        return chosen.to(torch.float64)

    def _with_patch(self, side: int, rows: NDArray[np.int64]) -> Tensor:
        if side not in self._stamped:
            self._stamped[side] = torch.zeros_like(self.genuine)
            self._known[side] = np.zeros(len(self.genuine), np.bool_)
        missing = rows[~self._known[side][rows]]
        images = self._inputs(missing, np.full(len(missing), side, np.int16))
        self._stamped[side][missing] = self._features.of(images)
        self._known[side][missing] = True
        return self._stamped[side][rows]
