"""What a worse sensor does to the range scan: rays that miss, ranges and speeds that are not quite right.

Every number is drawn by a hash of the episode's seed, the decision step and the ray: no generator is carried along, so
that an episode is mismeasured alike however many worlds are stepped beside it, on resume, and whenever a drive is
simulated again from its seed and its actions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from envs.compiled import njit
from envs.errors import require
from envs.observations.block import Float32Array
from envs.scene import FloatArray
from envs.traffic.chance import uniform

SALT = np.int64(0x5CA70153)
"""Sets the draws apart from those of the traffic, which has the episode's seed as well."""

DRAWS = 5
"""Numbers that a ray needs in a step: one for a miss, two for each of two normal ones."""


@dataclass(frozen=True, slots=True)
class ScanNoise:
    """How badly the rays measure. Of every ray that meets something; nobody is seen where nobody is."""

    range_m: float = 0.0
    """Standard deviation of the measured range (m)."""
    closing_mps: float = 0.0
    """Standard deviation of the measured closing speed (m/s)."""
    missed: float = 0.0
    """Share of the measurements that are lost: the ray shows nothing in this step."""

    def __post_init__(self) -> None:
        """Refuse what is no deviation and no share."""
        for name in ("range_m", "closing_mps"):
            value = getattr(self, name)
            require(0.0 <= value < math.inf, f"observation.noise.{name} must be at least 0, got {value}")
        require(0.0 <= self.missed <= 1.0, f"observation.noise.missed must be 0 to 1, got {self.missed}")

    @property
    def is_on(self) -> bool:
        """Whether anything is mismeasured."""
        return self != ScanNoise()

    def array(self) -> FloatArray:
        """Return the three numbers ``(3,)`` in the order of the fields."""
        return np.array([self.range_m, self.closing_mps, self.missed])


@njit
def spoil(frame: Float32Array, seed: int, step: int, noise: FloatArray, range_m: float, closing_scale: float) -> None:
    """Mismeasure a ``frame`` ``(rays, 2)`` of nearness and closing speed; ``noise`` as ``ScanNoise.array``."""
    for ray in range(frame.shape[0]):
        if frame[ray, 0] <= 0.0:
            continue
        first = DRAWS * ray
        near = frame[ray, 0] + noise[0] * _normal(seed, first + 1, step) / range_m
        if uniform(seed ^ SALT, first, step) < noise[2] or near <= 0.0:
            frame[ray, 0], frame[ray, 1] = 0.0, 0.0
            continue
        closing = frame[ray, 1] + noise[1] * _normal(seed, first + 3, step) / closing_scale
        frame[ray, 0], frame[ray, 1] = min(1.0, near), min(1.0, max(-1.0, closing))


@njit
def _normal(seed: int, who: int, counter: int) -> float:
    """Return a standard normal number (Box and Muller 1958) of the draws ``who`` and ``who + 1``."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(seed ^ SALT, who, counter)))
    return radius * math.cos(2.0 * math.pi * uniform(seed ^ SALT, who + 1, counter))
