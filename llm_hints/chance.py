"""Random numbers that belong to a world and a moment, not to a call.

A generator that is drawn from in turn gives a world other numbers when other worlds share its batch. Here the
number is a hash of (key, episode seed, decision step, channel), so a drive recorded among 64 replays alone, bit
for bit, and resuming needs no state but the key.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from envs.scene import FloatArray, IntArray, SceneBatch


def draw_key(rng: np.random.Generator) -> int:
    """Return a key for ``uniforms`` from ``rng``."""
    return int(rng.integers(0, 2**63 - 1))


def uniforms(key: int, scene: SceneBatch, rows: IntArray, channels: int) -> FloatArray:
    """Return ``(n, channels)`` uniform numbers in [0, 1) for the worlds ``rows`` (n) at this moment."""
    seeds, steps = scene.seed[rows].astype(np.uint64), scene.step[rows].astype(np.uint64)
    world = _mix(_mix(seeds) ^ np.uint64(key))
    moment = _mix(world + steps)
    channel: npt.NDArray[np.uint64] = np.arange(1, channels + 1).astype(np.uint64)
    mixed = _mix(moment[:, None] + channel)
    numbers: FloatArray = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return numbers


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the splitmix64 finaliser of ``x`` (Steele, Lea and Flood 2014), wrapping at 64 bits."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
