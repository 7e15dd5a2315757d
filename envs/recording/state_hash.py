"""Trace hash: whether two drives are the same, bit for bit, and where they first differ."""

from __future__ import annotations

import hashlib

import numpy as np

from envs.recording.schema import HashArray
from envs.scene import SceneBatch


def state_hash(scenes: SceneBatch) -> HashArray:
    """Return the hashes ``(B,)`` of the rows of ``scenes``.

    Each is the first 8 bytes of the SHA-256 of the row's numbers (time, then the blocks of ego, actors, road, route,
    route points and events, row after row), as little-endian float64. Two drives diverge at the first tick whose
    hashes differ.
    """
    batch = scenes.batch_size
    parts = (
        scenes.time_s[:, None],
        scenes.ego.block.T,
        scenes.actors.block.swapaxes(0, 1).reshape(batch, -1),
        scenes.road.block.T,
        scenes.route.block.T,
        scenes.route.points.reshape(batch, -1),
        scenes.events.block.T,
    )
    with np.errstate(invalid="ignore"):
        # Adding 0 makes one zero of the two.
        rows = np.concatenate(parts, axis=1).astype("<f8") + 0.0
    return np.frombuffer(b"".join(hashlib.sha256(row).digest()[:8] for row in rows), "<u8").astype(np.uint64)


def trace_hash(hashes: HashArray) -> str:
    """Return the SHA-256 (hex) of a whole drive, from the hashes ``(T,)`` of its ticks."""
    return hashlib.sha256(hashes.astype("<u8").tobytes()).hexdigest()
