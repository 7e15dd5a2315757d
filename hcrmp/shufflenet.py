"""ShuffleNetV2 (Ma et al. 2018, "Practical Guidelines for Efficient CNN Architecture Design"), width 0.5.

What the paper encodes camera pictures with. Modules and parameters are named as in torchvision's model, so that its
ImageNet weights load from their file. Its batch norms then keep the statistics of that training: a rollout of PPO must
mean the same when it is collected and when it is learnt from. Without such weights, group norms (Wu & He 2018) stand in
their places, which need no statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import torch as th
from torch import nn

CHANNELS, REPEATS = (24, 48, 96, 192, 1024), (4, 8, 4)
"""Channels after each stage, and units of the three in the middle (table 5 of the paper, 0.5x)."""

FEATURES = CHANNELS[-1]
GROUPS = 8
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Norm = Callable[[int], nn.Module]


class ShuffleNetV2(nn.Module):
    """Pictures ``(M, height, width, 3)`` uint8 RGB to features ``(M, 1024)``.

    Args:
        frozen_batch_norm: batch norms with fixed statistics, as ImageNet weights need them; else group norms.
    """

    mean: th.Tensor
    std: th.Tensor

    def __init__(self, frozen_batch_norm: bool = False) -> None:
        super().__init__()
        norm: Norm = FrozenBatchNorm if frozen_batch_norm else _group_norm
        stem, *stages, last = CHANNELS
        self.conv1 = nn.Sequential(nn.Conv2d(3, stem, 3, 2, 1, bias=False), norm(stem), nn.ReLU())
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for number, (before, after, units) in enumerate(
            zip([stem, *stages[:-1]], stages, REPEATS, strict=True), start=2
        ):
            first, rest = Unit(before, after, 2, norm), [Unit(after, after, 1, norm) for _ in range(units - 1)]
            self.add_module(f"stage{number}", nn.Sequential(first, *rest))
        self.conv5 = nn.Sequential(nn.Conv2d(stages[-1], last, 1, bias=False), norm(last), nn.ReLU())
        self.register_buffer("mean", th.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", th.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def initialise(self) -> None:
        """Draw weights that keep the size of what flows through (He et al. 2015)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")

    def load(self, path: Path) -> None:
        """Take the weights of a file: a state dict of torchvision's ``shufflenet_v2_x0_5``.

        Raises:
            ValueError: the file does not hold such weights.
        """
        try:
            state = th.load(path, map_location="cpu", weights_only=True)
            self.load_state_dict({name: value for name, value in state.items() if not name.startswith("fc.")})
        except (OSError, RuntimeError, AttributeError, ValueError, EOFError, UnpicklingError) as error:
            raise ValueError(
                f"{path} does not hold the weights of ShuffleNetV2 x0.5 ({str(error).splitlines()[0]}): give a state "
                "dict of torchvision's shufflenet_v2_x0_5, or leave algo.policy.camera.weights empty"
            ) from error

    def forward(self, pictures: th.Tensor) -> th.Tensor:
        """Return the features."""
        # Channels stay last in memory, as pictures have them: convolutions are faster so.
        x = (pictures.permute(0, 3, 1, 2).float() / 255.0 - self.mean) / self.std
        x = self.maxpool(self.conv1(x))
        for number in range(2, 2 + len(REPEATS)):
            x = self.get_submodule(f"stage{number}")(x)
        features: th.Tensor = self.conv5(x).mean((2, 3))
        return features


class Unit(nn.Module):
    """A unit of ShuffleNetV2 (fig. 3): half of the channels pass, or are halved in size, beside a small branch."""

    def __init__(self, before: int, after: int, stride: int, norm: Norm) -> None:
        super().__init__()
        half = after // 2
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(
                *_depthwise(before, stride, norm), nn.Conv2d(before, half, 1, bias=False), norm(half), nn.ReLU()
            )
        self.branch2 = nn.Sequential(
            nn.Conv2d(before if stride > 1 else half, half, 1, bias=False), norm(half), nn.ReLU(),
            *_depthwise(half, stride, norm), nn.Conv2d(half, half, 1, bias=False), norm(half), nn.ReLU(),
        )  # fmt: skip
        self.stride = stride

    def forward(self, x: th.Tensor) -> th.Tensor:
        """Return both halves, their channels shuffled."""
        half = int(x.shape[1]) // 2
        passing, worked = (x, x) if self.stride > 1 else (x[:, :half], x[:, half:])
        return _shuffled(th.cat([self.branch1(passing), self.branch2(worked)], dim=1))


class FrozenBatchNorm(nn.BatchNorm2d):
    """A batch norm that keeps the statistics of its pretraining and learns its scale and shift alone."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.training = False

    def train(self, mode: bool = True) -> FrozenBatchNorm:
        """Stay as in evaluation."""
        return super().train(False)


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(GROUPS, channels)


def _depthwise(channels: int, stride: int, norm: Norm) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False), norm(channels)]


def _shuffled(x: th.Tensor) -> th.Tensor:
    """Interleave the two halves of the channels."""
    # Plain numbers: an exporter would otherwise compute them anew for every picture.
    channels, height, width = (int(side) for side in x.shape[1:])
    return x.view(-1, 2, channels // 2, height, width).transpose(1, 2).reshape(-1, channels, height, width)
