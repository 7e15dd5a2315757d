"""What an observation block is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.scene import FloatArray, IntArray, SceneBatch

Float32Array = npt.NDArray[np.float32]


class ObservationBlock:
    """A named run of features, every one scaled by hand to about [-1, 1] and clipped there.

    ``name`` of the block; ``names`` one per feature, in order; ``shape`` of the features, whose product is
    ``size`` (blocks that a network may want to read as a grid give more than one axis).
    """

    name: str
    names: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of features."""
        return len(self.names)

    def write(
        self, scene: SceneBatch, command: FloatArray, rows: IntArray, out: Float32Array, start: int, fresh: bool
    ) -> None:
        """Write the features of the worlds ``rows`` ``(M,)`` to ``out`` ``(B, n)`` from column ``start`` on.

        ``command`` ``(B, 2)`` is the last longitudinal and steer command, as ``envs.action.to_control`` returned it.
        ``fresh`` says that these worlds have just been started, so that nothing older may be remembered.
        """
        raise NotImplementedError

    def begin(self, rows: IntArray, seeds: IntArray) -> None:
        """Note that the episodes of ``seeds`` ``(M,)`` begin in the worlds ``rows`` ``(M,)``."""

    def state(self) -> dict[str, Any]:
        """Return what later observations depend on beside the scene, as arrays."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned."""
