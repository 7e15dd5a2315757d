"""From the planner's observation to the features of its networks: a GRU may read the range scan, and CNNs pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from hcrmp.camera_encoder import CameraEncoder, CameraEncoderConfig

STATE_KEY = "state"
HINT_KEY = "hint"
WEIGHTS_KEY = "critic_weights"
IMAGES_KEY = "images"


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
    instead of a dictionary of arrays makes copies, minibatches and transfers one operation each. Parts of bytes
    (pictures) lie at its end, four bytes in the place of a number: those are moved about and never computed with.
    """

    def __init__(self, observation_space: spaces.Space[object], keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self.is_dict = isinstance(observation_space, spaces.Dict)
        parts = {key: _box(_part(observation_space, key), key) for key in self.keys}
        self.bytes_of = {key: part.shape for key, part in parts.items() if part.dtype == np.uint8}
        self.slices: dict[str, slice] = {}
        self.size = 0
        for key in sorted(parts, key=lambda key: key in self.bytes_of):
            count = int(np.prod(parts[key].shape))
            width = -(-count // 4) if key in self.bytes_of else count
            self.slices[key] = slice(self.size, self.size + width)
            self.size += width

    @property
    def numbers(self) -> int:
        """Columns that hold numbers; those behind them hold bytes."""
        return min((self.slices[key].start for key in self.bytes_of), default=self.size)

    def write(self, observation: Mapping[str, np.ndarray] | np.ndarray, rows: np.ndarray) -> None:
        """Copy ``observation`` (each part ``(B, ...)``) into ``rows`` ``(B, D)``."""
        for key, columns in self.slices.items():
            part = observation[key] if isinstance(observation, Mapping) else observation
            flat = np.reshape(part, (len(rows), -1))
            rows[:, columns] = _packed(flat) if key in self.bytes_of else flat

    def gather(self, observation: Mapping[str, th.Tensor] | th.Tensor) -> th.Tensor:
        """Return the rows ``(B, D)`` of an observation of tensors, each part ``(B, ...)``."""
        if isinstance(observation, th.Tensor):
            return observation.flatten(1)
        return th.cat([self._columns(key, observation[key].flatten(1)) for key in self.slices], dim=1)

    def pictures(self, rows: th.Tensor, key: str) -> th.Tensor:
        """Return the bytes ``(B, ...)`` that the rows ``(B, D)`` hold of part ``key``."""
        shape = self.bytes_of[key]
        flat = rows[:, self.slices[key]].contiguous().view(th.uint8)
        return flat[:, : int(np.prod(shape))].reshape(len(rows), *shape)

    def _columns(self, key: str, part: th.Tensor) -> th.Tensor:
        if key not in self.bytes_of:
            return part
        # Stable-Baselines3 hands bytes over as numbers.
        return nn.functional.pad(part.to(th.uint8), (0, -part.shape[1] % 4)).view(th.float32)


def _packed(flat: np.ndarray) -> np.ndarray:
    """Return bytes ``(B, n)`` four to a 32-bit place ``(B, ceil(n / 4))``."""
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4)))
    return padded.view(np.float32)


def _part(space: spaces.Space[object], key: str) -> spaces.Space[object]:
    if not isinstance(space, spaces.Dict):
        if key == STATE_KEY:
            return space
        raise ValueError(f"the observation is a plain {space} without {key!r}; give a Dict or switch off what reads it")
    if key not in space.spaces:
        raise ValueError(f"the observation has {sorted(space.spaces)}, no {key!r}; add it or switch off what reads it")
    part: spaces.Space[object] = space.spaces[key]
    return part


def _box(space: spaces.Space[object], key: str) -> spaces.Box:
    if not isinstance(space, spaces.Box):
        raise ValueError(f"observation {key!r} is {space}, expected a Box of numbers")
    return space


def image_keys(observation_space: spaces.Space[object]) -> tuple[str, ...]:
    """Return the key of the pictures, where the observation has any."""
    return (
        (IMAGES_KEY,) if isinstance(observation_space, spaces.Dict) and IMAGES_KEY in observation_space.spaces else ()
    )


class PlannerExtractor(BaseFeaturesExtractor):
    """Flat rows ``(B, D)`` or observations of tensors to features ``(B, F)``.

    Without a GRU the features are the row itself. With one, the scan's columns become the last hidden state of
    the GRU over its frames (the paper's decision process), and the other columns stay as they are. Pictures become
    the features of a ``CameraEncoder``, behind the others.
    """

    def __init__(
        self,
        observation_space: spaces.Space[object],
        layout: InputLayout,
        gru: GruConfig | None = None,
        scan: ScanPlace | None = None,
        camera: CameraEncoderConfig | None = None,
    ) -> None:
        sees = camera is not None and IMAGES_KEY in layout.bytes_of
        width = _features_dim(layout, gru, scan) + (camera.hidden if sees and camera else 0)
        super().__init__(observation_space, features_dim=width)
        self.layout = layout
        self.scan = scan if gru else None
        if gru is not None and scan is not None:
            self.embed = nn.Sequential(nn.Linear(scan.frame_size, gru.embedding), nn.Tanh())
            self.gru = nn.GRU(gru.embedding, gru.hidden, batch_first=True)
        self.camera = CameraEncoder(camera, layout.bytes_of[IMAGES_KEY][1]) if sees and camera else None

    def initialise(self) -> None:
        """Give the networks of the pictures the weights that they begin with."""
        if self.camera is not None:
            self.camera.initialise()

    def forward(self, observations: Mapping[str, th.Tensor] | th.Tensor) -> th.Tensor:
        """Return the features of an observation; what SB3's own prediction calls."""
        return self.encode(self.layout.gather(observations))

    def encode(self, rows: th.Tensor) -> th.Tensor:
        """Return the features ``(B, F)`` of flat rows ``(B, D)``."""
        numbers = self.encode_numbers(rows[:, : self.layout.numbers])
        if self.camera is None:
            return numbers
        return th.cat([numbers, self.camera(self.layout.pictures(rows, IMAGES_KEY))], dim=1)

    def encode_numbers(self, rows: th.Tensor) -> th.Tensor:
        """Return the features of the columns ``(B, n)`` that hold numbers."""
        if self.scan is None:
            return rows
        start = self.layout.slices[STATE_KEY].start + self.scan.start
        stop = start + self.scan.size
        frames = rows[:, start:stop].reshape(-1, self.scan.frames, self.scan.frame_size)
        _, hidden = self.gru(self.embed(frames))
        return th.cat([rows[:, :start], hidden[-1], rows[:, stop:]], dim=1)


def _features_dim(layout: InputLayout, gru: GruConfig | None, scan: ScanPlace | None) -> int:
    if gru is None:
        return layout.numbers
    if scan is None:
        raise ValueError("encoder=gru came without a scan; give the place of the scan in the state, or encoder=none")
    state = layout.slices[STATE_KEY]
    if scan.start + scan.size > state.stop - state.start:
        raise ValueError(
            f"the GRU reads {scan.frames} frames x {scan.rays} rays x {scan.channels} numbers from index {scan.start}, "
            f"but the state has {state.stop - state.start} numbers; give the place of the scan in this state"
        )
    return layout.numbers - scan.size + gru.hidden
