"""The observation: blocks chosen by configuration, one float32 vector a world.

``ego``, ``road`` and ``navigation`` are always there; perception is ``scan``, ``agents``, or ``none`` for a planner
that sees the others through cameras alone. Perception reads only ``actors.visible``: nothing that is occluded reaches
the state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np

from envs.cameras import CameraConfig
from envs.errors import choose, require
from envs.observations.agents import AgentsBlock
from envs.observations.block import Float32Array, ObservationBlock
from envs.observations.ego import EgoBlock
from envs.observations.navigation import NavigationBlock
from envs.observations.own import own_block
from envs.observations.road import RoadBlock
from envs.observations.scan import ScanBlock
from envs.observations.scan_noise import ScanNoise
from envs.own_code import check_named
from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch

PERCEPTIONS = ("scan", "agents", "none")
"""Valid values of ``ObservationConfig.perception``."""

BLOCKS = ("ego", "road", "navigation", "agents", "scan")
"""Names of the blocks that there are."""


@dataclass(frozen=True, slots=True)
class ObservationConfig:
    """What the planner sees."""

    perception: str = "scan"
    """How other road users are seen: "scan" (rays), "agents" (the nearest, as vectors), or "none"."""
    range_m: float = 60.0
    """Road users farther than this are not perceived (m)."""
    rays: int = 72
    """Rays of the scan around the ego."""
    frames: int = 2
    """Scan frames J that are stacked."""
    frame_stride: int = 3
    """Decisions between stacked frames: over 0.1 s a pedestrian moves less than a ray's width."""
    noise: ScanNoise = field(default_factory=ScanNoise)
    """How badly the rays of the scan measure; without it they measure exactly."""
    agents_per_place: int = 2
    """Road users in each of the nine places of the ``agents`` perception, so K is nine times this."""
    extra_blocks: dict[str, str] = field(default_factory=dict)
    """Blocks of numbers of your own, by name: their classes as FILE.py:Name or package.module:Name
    (``envs.observations.block``); they stand behind the others."""
    cameras: CameraConfig = field(default_factory=CameraConfig)
    """Pictures beside the vector; the simulator must have cameras (CARLA, or our own server)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be observed."""
        choose("observation.perception", self.perception, PERCEPTIONS)
        require(self.range_m > 0.0, f"observation.range_m must be more than 0, got {self.range_m}")
        require(self.rays >= 8, f"observation.rays must be at least 8, got {self.rays}")
        require(
            self.perception == "scan" or not self.noise.is_on,
            f"observation.noise is of the scan's rays, got perception={self.perception}: leave one of them out",
        )
        for name in ("frames", "frame_stride", "agents_per_place"):
            require(getattr(self, name) >= 1, f"observation.{name} must be at least 1, got {getattr(self, name)}")
        for name, code in self.extra_blocks.items():
            check_named(code, f"observation.extra_blocks.{name}")
            free = name.isidentifier() and name not in BLOCKS
            require(free, f"observation.extra_blocks: {name!r} is no name, or one of {', '.join(BLOCKS)}")


@dataclass(frozen=True, slots=True)
class ObservationLayout:
    """Where each block lies in the vector: what a network must know, and what a checkpoint is bound to."""

    blocks: tuple[tuple[str, tuple[int, ...]], ...]
    """(name, shape) of each block, in order."""
    features: tuple[str, ...]
    """One name per number of the vector, with its scale."""
    settings: tuple[tuple[str, float], ...] = ()
    """Settings that change the meaning of the numbers but not their names."""

    @property
    def size(self) -> int:
        """Length of the vector."""
        return len(self.features)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name of each block -> shape, as ``{"scan": (frames, rays, 2), ...}``."""
        return dict(self.blocks)

    @property
    def slices(self) -> dict[str, slice]:
        """Name of each block -> slice of the vector."""
        slices, start = {}, 0
        for name, shape in self.blocks:
            stop = start + int(np.prod(shape))
            slices[name] = slice(start, stop)
            start = stop
        return slices

    def as_dict(self) -> dict[str, Any]:
        """Return the layout as JSON-ready values."""
        return {
            "blocks": [[name, list(shape)] for name, shape in self.blocks],
            "features": list(self.features),
            "settings": [list(setting) for setting in self.settings],
        }

    def fingerprint(self) -> str:
        """Return a short hash: two observations with the same one mean the same."""
        text = json.dumps(self.as_dict(), separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Observer:
    """Encodes scenes of ``batch_size`` worlds; remembers the scan frames that are stacked."""

    def __init__(self, config: ObservationConfig, batch_size: int) -> None:
        self.config, self.batch_size = config, batch_size
        self.blocks: tuple[ObservationBlock, ...] = (
            EgoBlock(),
            RoadBlock(),
            NavigationBlock(),
            *_perception_blocks(config, batch_size),
            *(own_block(name, code, batch_size) for name, code in config.extra_blocks.items()),
        )
        self.layout = _layout(self.blocks, config)
        self.space = gym.spaces.Box(-1.0, 1.0, (self.layout.size,), np.float32)
        self._all_rows = np.arange(batch_size)
        self._parts = tuple((block, self.layout.slices[block.name].start) for block in self.blocks)

    def encode(self, scene: SceneBatch, command: FloatArray) -> Float32Array:
        """Return the observations ``(B, n)`` after a step of all worlds, made by ``command`` ``(B, 2)``."""
        out = np.empty((self.batch_size, self.layout.size), np.float32)
        for block, start in self._parts:
            block.write(scene, command, self._all_rows, out, start, False)
        return out

    def restart(
        self,
        scene: SceneBatch,
        command: FloatArray,
        mask: BoolArray,
        out: Float32Array,
        seeds: IntArray | None = None,
    ) -> None:
        """Forget the past of the worlds in ``mask`` ``(B,)``; write their first observations to ``out`` ``(B, n)``.

        ``seeds`` ``(B,)`` of the episodes decide what is mismeasured in them; None: as in those of seed 0.
        """
        rows = np.flatnonzero(mask)
        for block, start in self._parts:
            block.begin(rows, np.zeros(len(rows), np.int64) if seeds is None else seeds[rows])
            block.write(scene, command, rows, out, start, True)

    def state(self) -> dict[str, Any]:
        """Return what the next observations depend on beside the scene, as arrays by block."""
        return {block.name: block.state() for block in self.blocks}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned."""
        for block in self.blocks:
            block.set_state(state.get(block.name, {}))


def _perception_blocks(config: ObservationConfig, batch_size: int) -> tuple[ObservationBlock, ...]:
    if config.perception == "agents":
        return (AgentsBlock(config.agents_per_place, config.range_m),)
    if config.perception == "scan":
        return (ScanBlock(config.rays, config.range_m, config.frames, config.frame_stride, batch_size, config.noise),)
    return ()


def _layout(blocks: tuple[ObservationBlock, ...], config: ObservationConfig) -> ObservationLayout:
    settings = [("range_m", config.range_m)]
    if config.perception == "scan":
        settings.append(("frame_stride", float(config.frame_stride)))
    settings += config.cameras.settings
    return ObservationLayout(
        blocks=tuple((block.name, block.shape) for block in blocks),
        features=tuple(name for block in blocks for name in block.names),
        settings=tuple(settings),
    )
