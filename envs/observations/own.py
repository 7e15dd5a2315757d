"""Observation blocks of the user's own, chosen by configuration."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from envs.observations.block import Float32Array, ObservationBlock
from envs.own_code import OwnCodeError, load_code
from envs.scene import FloatArray, IntArray, SceneBatch


def own_block(name: str, reference: str, batch_size: int) -> ObservationBlock:
    """Return the block ``name``, an object of the class that ``reference`` names, for ``batch_size`` worlds.

    Raises:
        OwnCodeError: there is no such class, or it is no ``ObservationBlock`` that takes the number of worlds.
    """
    key = f"observation.extra_blocks.{name}"
    cls = load_code(reference, key)
    if not (isinstance(cls, type) and issubclass(cls, ObservationBlock)):
        raise OwnCodeError(f"{key}: {reference} is no class made from envs.observations.block.ObservationBlock")
    try:
        made: Any = cls(batch_size)  # type: ignore[call-arg]
        return _Checked(name, made, key)
    except (TypeError, AttributeError) as error:
        raise OwnCodeError(
            f"{key}: {reference} is made with the number of worlds and needs names and a shape ({error})"
        ) from error


class _Checked(ObservationBlock):
    """A block whose numbers are clipped to [-1, 1], and refused where they are none."""

    def __init__(self, name: str, block: ObservationBlock, key: str) -> None:
        self.name, self._block, self._key = name, block, key
        self.names = tuple(f"{name}.{feature}" for feature in block.names)
        self.shape = tuple(getattr(block, "shape", (len(self.names),)))
        self.state, self.set_state = block.state, block.set_state  # type: ignore[method-assign]
        if prod(self.shape) != self.size:
            raise OwnCodeError(f"{key} has {self.size} names and the shape {self.shape}: one name a number is needed")

    def write(
        self, scene: SceneBatch, command: FloatArray, rows: IntArray, out: Float32Array, start: int, fresh: bool
    ) -> None:
        """Write the block; see ``ObservationBlock.write``."""
        self._block.write(scene, command, rows, out, start, fresh)
        written = out[rows, start : start + self.size]
        if not np.isfinite(written).all():
            raise OwnCodeError(f"{self._key} wrote {written[~np.isfinite(written)][0]}: every number must be finite")
        out[rows, start : start + self.size] = np.clip(written, -1.0, 1.0)
