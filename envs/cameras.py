"""Pictures as a planner sees them: which cameras the ego has, and the last frames of each.

The paper's state holds the last J frames of several RGB views of 90 x 120 pixels; their number J, directions and fields
of view are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from envs.errors import choose, require
from envs.scene import IntArray

Images = npt.NDArray[np.uint8]

VIEWS_YAW_DEG = {"front": 0.0, "left": 60.0, "right": -60.0, "rear": 180.0}
"""Directions that a camera can look in (degrees from the ego's heading, positive left)."""


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """The ego's RGB cameras."""

    views: tuple[str, ...] = ()
    """Directions: front, left, right, rear; none of them: no cameras."""
    width: int = 120
    """Columns of a picture (pixels)."""
    height: int = 90
    """Rows of a picture (pixels)."""
    fov_deg: float = 70.0
    """Horizontal field of view (degrees): the left, front and right view overlap a little."""
    ahead_m: float = 1.5
    """Where the cameras are, before the middle of the ego (m)."""
    above_m: float = 2.0
    """Height of the cameras above the ground (m)."""
    frames: int = 4
    """Frames J that a planner sees at once."""
    frame_stride: int = 1
    """Decisions between two of these frames."""

    def __post_init__(self) -> None:
        """Refuse views that there are not, and pictures of nothing."""
        for view in self.views:
            choose("observation.cameras.views", view, tuple(VIEWS_YAW_DEG))
        require(len(set(self.views)) == len(self.views), f"observation.cameras.views repeats one: {list(self.views)}")
        for name, least in (("width", 8), ("height", 8), ("frames", 1), ("frame_stride", 1)):
            value = getattr(self, name)
            require(value >= least, f"observation.cameras.{name} must be at least {least}, got {value}")
        require(10.0 <= self.fov_deg <= 150.0, f"observation.cameras.fov_deg must be 10 to 150, got {self.fov_deg}")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(V, height, width, 3)`` of one frame of all views."""
        return (len(self.views), self.height, self.width, 3)

    @property
    def settings(self) -> list[tuple[str, float]]:
        """What changes the meaning of the pictures, by name, for a checkpoint to be bound to."""
        if not self.views:
            return []
        names = ("fov_deg", "ahead_m", "above_m", "frame_stride")
        looks = [(f"camera_{view}_deg", VIEWS_YAW_DEG[view]) for view in self.views]
        return [*looks, *((f"camera_{name}", float(getattr(self, name))) for name in names)]


@runtime_checkable
class Cameraman(Protocol):
    """A simulator with cameras: ``images`` ``(B, V, height, width, 3)`` belong to its present scene."""

    @property
    def images(self) -> Images:
        """The pictures."""
        ...


class PictureStack:
    """The last frames of B worlds; a world that has just been started has seen its first one all the time."""

    def __init__(self, config: CameraConfig, source: Cameraman) -> None:
        self._source = source
        self._frames, self._stride = config.frames, config.frame_stride
        shown = source.images
        self._history = np.zeros((self._kept, *shown.shape), np.uint8)
        self._head = 0

    def push(self) -> None:
        """Remember the present pictures of every world."""
        self._head = (self._head + 1) % self._kept
        self._history[self._head] = self._source.images

    def restart(self, rows: IntArray) -> None:
        """Forget the past of the worlds ``rows`` (M,)."""
        self._history[:, rows] = self._source.images[rows]

    def stacked(self) -> Images:
        """Return ``(B, J, V, height, width, 3)``, the oldest frame first, in an array of its own."""
        places = [(self._head - j * self._stride) % self._kept for j in reversed(range(self._frames))]
        return np.ascontiguousarray(self._history[places].swapaxes(0, 1))

    def state(self) -> dict[str, Any]:
        """Return the remembered frames."""
        return {"history": self._history.copy(), "head": np.array(self._head)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore the remembered frames."""
        self._history[:] = state["history"]
        self._head = int(state["head"])

    @property
    def _kept(self) -> int:
        return (self._frames - 1) * self._stride + 1
