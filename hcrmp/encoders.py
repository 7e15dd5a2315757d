"""From the planner's observation to the features of its networks, with a GRU over the range scan as an option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

STATE_KEY = "state"
HINT_KEY = "hint"
WEIGHTS_KEY = "critic_weights"


@dataclass(frozen=True)
class GruConfig:
    """Sizes of the GRU over the frames of the range scan (ours: the paper gives none)."""

    embedding: int = 64
    """Features of one frame before the GRU."""
    hidden: int = 64
    """Features of the GRU, which replace the scan."""


@dataclass(frozen=True)
class ScanPlace:
    """Where the stacked range scan lies in the state: ``frames x rays x channels`` numbers, oldest frame first."""

    start: int
    """Index of its first number in ``state``."""
    frames: int
    """Stacked frames J."""
    rays: int
    """Rays of one frame."""
    channels: int = 2
    """Numbers of one ray: range and closing speed."""

    @property
    def frame_size(self) -> int:
        """Numbers of one frame."""
        return self.rays * self.channels

    @property
    def size(self) -> int:
        """Numbers of the whole scan."""
        return self.frames * self.frame_size


class InputLayout:
    """Which parts of the observation the networks read, and where each lies in one flat row ``(D,)``.

    A Box observation counts as ``state`` alone. The row is what the rollout buffer stores: one contiguous matrix
    instead of a dictionary of arrays makes copies, minibatches and transfers one operation each.
    """

    def __init__(self, observation_space: spaces.Space[object], keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self.is_dict = isinstance(observation_space, spaces.Dict)
        self.slices: dict[str, slice] = {}
        self.size = 0
        for key in self.keys:
            width = _flat_width(_part(observation_space, key), key)
            self.slices[key] = slice(self.size, self.size + width)
            self.size += width

    def write(self, observation: Mapping[str, np.ndarray] | np.ndarray, rows: np.ndarray) -> None:
        """Copy ``observation`` (each part ``(B, ...)``) into ``rows`` ``(B, D)``."""
        for key, columns in self.slices.items():
            part = observation[key] if isinstance(observation, Mapping) else observation
            rows[:, columns] = np.reshape(part, (len(rows), -1))

    def gather(self, observation: Mapping[str, th.Tensor] | th.Tensor) -> th.Tensor:
        """Return the rows ``(B, D)`` of an observation of tensors, each part ``(B, ...)``."""
        if isinstance(observation, th.Tensor):
            return observation.flatten(1)
        return th.cat([observation[key].flatten(1) for key in self.keys], dim=1)


def _part(space: spaces.Space[object], key: str) -> spaces.Space[object]:
    if not isinstance(space, spaces.Dict):
        if key == STATE_KEY:
            return space
        raise ValueError(f"the observation is a plain {space} without {key!r}; give a Dict or switch off what reads it")
    if key not in space.spaces:
        raise ValueError(f"the observation has {sorted(space.spaces)}, no {key!r}; add it or switch off what reads it")
    part: spaces.Space[object] = space.spaces[key]
    return part


def _flat_width(space: spaces.Space[object], key: str) -> int:
    if not isinstance(space, spaces.Box):
        raise ValueError(f"observation {key!r} is {space}, expected a Box of numbers")
    return int(np.prod(space.shape))


class PlannerExtractor(BaseFeaturesExtractor):
    """Flat rows ``(B, D)`` or observations of tensors to features ``(B, F)``.

    Without a GRU the features are the row itself. With one, the scan's columns become the last hidden state of
    the GRU over its frames (the paper's decision process), and the other columns stay as they are.
    """

    def __init__(
        self,
        observation_space: spaces.Space[object],
        layout: InputLayout,
        gru: GruConfig | None = None,
        scan: ScanPlace | None = None,
    ) -> None:
        super().__init__(observation_space, features_dim=_features_dim(layout, gru, scan))
        self.layout = layout
        self.scan = scan if gru else None
        if gru is not None and scan is not None:
            self.embed = nn.Sequential(nn.Linear(scan.frame_size, gru.embedding), nn.Tanh())
            self.gru = nn.GRU(gru.embedding, gru.hidden, batch_first=True)

    def forward(self, observations: Mapping[str, th.Tensor] | th.Tensor) -> th.Tensor:
        """Return the features of an observation; what SB3's own prediction calls."""
        return self.encode(self.layout.gather(observations))

    def encode(self, rows: th.Tensor) -> th.Tensor:
        """Return the features ``(B, F)`` of flat rows ``(B, D)``."""
        if self.scan is None:
            return rows
        start = self.layout.slices[STATE_KEY].start + self.scan.start
        stop = start + self.scan.size
        frames = rows[:, start:stop].reshape(len(rows), self.scan.frames, self.scan.frame_size)
        _, hidden = self.gru(self.embed(frames))
        return th.cat([rows[:, :start], hidden[-1], rows[:, stop:]], dim=1)


def _features_dim(layout: InputLayout, gru: GruConfig | None, scan: ScanPlace | None) -> int:
    if gru is None:
        return layout.size
    if scan is None:
        raise ValueError("encoder=gru came without a scan; give the place of the scan in the state, or encoder=none")
    state = layout.slices[STATE_KEY]
    if scan.start + scan.size > state.stop - state.start:
        raise ValueError(
            f"the GRU reads {scan.frames} frames x {scan.rays} rays x {scan.channels} numbers from index {scan.start}, "
            f"but the state has {state.stop - state.start} numbers; give the place of the scan in this state"
        )
    return layout.size - scan.size + gru.hidden
