"""ResNet-9 and its training, after D. Page, "How to Train Your ResNet" (2018), as Vincent and Hecht used it.

Nine layers, 6.6 million weights at full width, 24 epochs of Nesterov SGD whose learning rate rises and falls
along straight lines; random crops, flips and cut-outs. The protocol is the published one where it shows:

- what fills no batch is left out of an epoch. A company with fewer images than a batch has an untrained
  network: so it was in the published runs, whose logs at 1 % (450 images, batches of 512) hold no training
  step at all. A smaller ``batch_size`` trains on few images, too;
- epochs are 24 whatever the number of images;
- labels are not smoothed (published training losses fall below .1), inputs are not whitened, convolutions
  start from random weights. Later recipes (airbench, hlb-CIFAR10) do otherwise and get to 94 % sooner,
  but they are other models of little data.

What later recipes do for speed alone is done here, too: all images are on the device as bytes, and a batch is
cropped, flipped and cut there in one go; channels last; half precision.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from learners.parameters import Parameters, parameter

PAGE = "Page 2018"

PUBLISHED_BATCH = 512
"""Batch that the peak learning rate is stated for."""

MOMENTUM = 0.9

WARM_UP = 5 / 24
"""Share of the epochs in which the learning rate rises."""

SIDE = 32
"""Pixels of a side of an image."""

SHIFT = 4
"""Pixels by which a crop moves at most, beyond the edge mirrored."""

CUT = 8
"""Pixels of a side of the square that is cut out."""

LOGIT_SCALE = 0.125
"""Factor of the network's outputs."""

PREDICTED_AT_ONCE = 500
"""Images of a batch in which nothing is learnt."""

CODE_VERSION = 1
"""Of what trains and predicts: another version is another cache entry."""

_MEAN = (125.31, 122.95, 113.87)
_DEVIATION = (62.99, 62.09, 66.70)
_INITIAL_WEIGHTS, _AUGMENTATION = range(2)


class ResNetParameters(Parameters):
    """How owners are dealt their images and how the network is trained."""

    class_skew: float = parameter(
        0.5,
        "Dirichlet concentration of the classes within a shard; small values give one-sided owners",
        unit="-",
        gt=0,
        le=1000,
    )
    width: int = parameter(
        64,
        "Channels of the first layer; later ones have up to eight times as many",
        unit="-",
        source=PAGE,
        ge=1,
        le=512,
    )
    epochs: int = parameter(24, "Times that each image is seen", unit="epochs", source=PAGE, ge=1, le=1000)
    batch_size: int = parameter(
        PUBLISHED_BATCH,
        "Images of a step; fewer images in all than this train nothing",
        unit="images",
        source=PAGE,
        ge=2,
        le=50_000,
    )
    learning_rate: float = parameter(
        0.4,
        "Peak learning rate for batches of 512; proportional to the batch for others",
        unit="-",
        source=PAGE,
        gt=0,
        le=100,
    )
    weight_decay: float = parameter(5e-4, "Weight decay per image", unit="-", source=PAGE, ge=0, le=1)
    label_smoothing: float = parameter(
        0.0,
        "Share of a label spread over all classes",
        unit="-",
        source="Vincent, Hecht 2021 (logs)",
        ge=0,
        lt=1,
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = parameter(
        "auto",
        "Of convolutions; auto: half where a GPU supports it, else single (bfloat16 on a CPU may be faster)",
        unit="-",
    )


def half_precision(precision: str, device: str) -> torch.dtype | None:
    """Return the type that convolutions are rounded to, ``None`` for single precision.

    On CPUs instruction sets do not tell which is faster (bfloat16 took .44 of the time of float32 on one with
    AVX512-BF16 and 1.2 to 1.35 times as long on another), so there only the user chooses it.
    """
    if precision == "auto":
        if torch.device(device).type != "cuda":
            return None
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    dtype: torch.dtype = getattr(torch, precision)
    return None if dtype == torch.float32 else dtype


class _Residual(nn.Module):
    def __init__(self, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *_convolution(channels, channels, generator), *_convolution(channels, channels, generator)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def resnet9(width: int, n_classes: int, generator: torch.Generator) -> nn.Sequential:
    """Return the untrained network, logits [n, n_classes] of images float[n, 3, 32, 32]."""
    last = nn.Linear(8 * width, n_classes, bias=False, device="meta")
    last.weight = _initial_weights((n_classes, 8 * width), generator)
    return nn.Sequential(
        *_convolution(3, width, generator),
        *_convolution(width, 2 * width, generator),
        nn.MaxPool2d(2),
        _Residual(2 * width, generator),
        *_convolution(2 * width, 4 * width, generator),
        nn.MaxPool2d(2),
        *_convolution(4 * width, 8 * width, generator),
        nn.MaxPool2d(2),
        _Residual(8 * width, generator),
        nn.MaxPool2d(4),
        nn.Flatten(),
        last,
    )


def _convolution(inputs: int, outputs: int, generator: torch.Generator) -> tuple[nn.Module, ...]:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False, device="meta")
    layer.weight = _initial_weights((outputs, inputs, 3, 3), generator)
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    return layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


def _initial_weights(shape: tuple[int, ...], generator: torch.Generator) -> nn.Parameter:
    """Return weights drawn as torch does by default, but from a generator of our own."""
    weights = torch.empty(shape)
    nn.init.kaiming_uniform_(weights, a=5**0.5, generator=generator)
    return nn.Parameter(weights)


class Classifier:
    """A ResNet-9 trained on labelled images.

    Parameters
    ----------
    parameters, seed, device
        How it is trained; everything random comes from the seed.
    n_classes
        Number of classes.
    """

    def __init__(self, parameters: ResNetParameters, n_classes: int, seed: int, device: str) -> None:
        self.parameters = parameters
        self._device = torch.device(device)
        self._half = half_precision(parameters.precision, device)
        self._mean, self._deviation = (torch.tensor(x, device=device) for x in (_MEAN, _DEVIATION))
        self._augmentation = _generator(seed, _AUGMENTATION)
        network = resnet9(parameters.width, n_classes, _generator(seed, _INITIAL_WEIGHTS))
        self.network = network.to(self._device)

    def train(self, images: Tensor, labels: Tensor) -> None:
        """Train on images uint8[n, 3, 32, 32] with labels int64[n]; on fewer than a batch do nothing."""
        chosen = self.parameters
        n_steps = len(images) // chosen.batch_size
        if not n_steps:
            return
        pixels = images.to(self._device).permute(0, 2, 3, 1).contiguous()
        labels = labels.to(self._device)
        optimiser = torch.optim.SGD(
            self.network.parameters(),
            lr=0.0,
            momentum=MOMENTUM,
            nesterov=True,
            weight_decay=chosen.weight_decay * chosen.batch_size,
        )
        self.network.train()
        with self._reproducible():
            for epoch in range(chosen.epochs):
                order, places, flips = self._draws(len(images))
                for step in range(n_steps):
                    batch = slice(step * chosen.batch_size, (step + 1) * chosen.batch_size)
                    time = epoch + (step + 1) / n_steps
                    optimiser.param_groups[0]["lr"] = self._learning_rate(time)
                    inputs = self._augmented(pixels, order[batch], places[:, batch], flips[batch])
                    self._step(optimiser, inputs, labels[order[batch]])

    def _learning_rate(self, time: float) -> float:
        """Return the rate for the summed loss at a time in epochs."""
        # Loss and weight decay are summed over the batch, so the rate of a mean loss at batch 512, scaled in
        # proportion to the batch, is the same number for every batch.
        chosen = self.parameters
        knots = [0, WARM_UP * chosen.epochs, chosen.epochs]
        return float(np.interp(time, knots, [0, chosen.learning_rate, 0])) / PUBLISHED_BATCH

    def _draws(self, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return an epoch's order [n], crops and cuts [4, n] and flips [n], the same on any device."""
        draws = self._augmentation
        order = torch.randperm(n, generator=draws)
        crops = torch.randint(2 * SHIFT + 1, (2, n), generator=draws)
        cuts = torch.randint(SIDE - CUT + 1, (2, n), generator=draws)
        flips = torch.randint(2, (n,), generator=draws)
        places = torch.cat([crops, cuts])
        return order.to(self._device), places.to(self._device), flips.bool().to(self._device)

    def _augmented(self, pixels: Tensor, rows: Tensor, places: Tensor, flips: Tensor) -> Tensor:
        """Return cropped, flipped, normalised and cut images, float32[n, 3, 32, 32]."""
        line = torch.arange(SIDE, device=self._device)
        top, left, cut_top, cut_left = places.unsqueeze(2)
        across = torch.where(flips[:, None], line.flip(0), line)
        y, x = _mirrored(top - SHIFT + line), _mirrored(left - SHIFT + across)
        inputs = self._normalised(pixels[rows[:, None, None], y[:, :, None], x[:, None, :]])
        cut_y, cut_x = ((line >= start) & (line < start + CUT) for start in (cut_top, cut_left))
        inputs.masked_fill_((cut_y[:, :, None] & cut_x[:, None, :]).unsqueeze(3), 0)
        return inputs.permute(0, 3, 1, 2)

    def _normalised(self, pixels: Tensor) -> Tensor:
        return (pixels.float() - self._mean) / self._deviation

    def _step(self, optimiser: torch.optim.Optimizer, inputs: Tensor, labels: Tensor) -> None:
        optimiser.zero_grad()
        # The summed loss keeps gradients in the range of half precision.
        loss = functional.cross_entropy(
            self._logits(inputs), labels, reduction="sum", label_smoothing=self.parameters.label_smoothing
        )
        torch.autograd.backward(loss)
        optimiser.step()

    def _logits(self, inputs: Tensor) -> Tensor:
        with torch.autocast(self._device.type, dtype=self._half, enabled=self._half is not None):
            logits: Tensor = self.network(inputs)
        return LOGIT_SCALE * logits.float()

    @torch.no_grad()
    def classes(self, images: Tensor) -> Tensor:
        """Return the class of each image, int64[n] on the CPU."""
        self.network.eval()
        found = [torch.empty(0, dtype=torch.int64)]
        with self._reproducible():
            for block in torch.split(images, PREDICTED_AT_ONCE):
                inputs = self._normalised(block.to(self._device).permute(0, 2, 3, 1))
                found.append(self._logits(inputs.permute(0, 3, 1, 2)).argmax(1).cpu())
        return torch.cat(found)

    def _reproducible(self) -> Any:
        return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)


def _mirrored(position: Tensor) -> Tensor:
    """Return positions beyond an edge mirrored at it."""
    inside = position.abs()
    return torch.where(inside >= SIDE, 2 * (SIDE - 1) - inside, inside)


def _generator(seed: int, purpose: int) -> torch.Generator:
    state = np.random.SeedSequence(seed, spawn_key=(purpose,)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))
