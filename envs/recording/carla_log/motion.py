"""From places over time to velocities and accelerations: differences over the neighbouring frames.

The derivative at a frame is that of the parabola through it and its two neighbours (second order, for frames of any
spacing); at the ends of a stretch it is the slope to the one neighbour. Nothing is smoothed: what noise a recording has
is in the result. A stretch ends where the body is away, and where it jumps: faster than ``MOST_MPS`` it was put there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from envs.scene import FloatArray, IntArray

MOST_MPS = 100.0
"""No body drives faster (m/s, ours)."""


def derivative(values: FloatArray, time_s: FloatArray, stretches: list[slice]) -> FloatArray:
    """Return the derivative of ``values`` ``(n, ...)`` by time within each stretch; 0 in a stretch of one frame."""
    result = np.zeros_like(values)
    for stretch in stretches:
        if stretch.stop - stretch.start > 1:
            result[stretch] = np.gradient(values[stretch], time_s[stretch], axis=0)
    return result


def stretches_of(ticks: IntArray, time_s: FloatArray, places: FloatArray) -> list[slice]:
    """Return the unbroken stretches of a body's frames ``ticks`` ``(n,)``, at ``time_s``, ``places`` (m)."""
    way = np.hypot(*np.diff(places, axis=0).T)
    broken = (np.diff(ticks) > 1) | (way > MOST_MPS * np.diff(time_s))
    return list(_slices(np.flatnonzero(broken) + 1, len(ticks)))


def _slices(starts: IntArray, count: int) -> Iterator[slice]:
    bounds = [0, *starts.tolist(), count]
    for first, end in zip(bounds, bounds[1:], strict=False):
        yield slice(first, end)


def in_body_frame(vectors: FloatArray, yaw: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the parts along and to the left of headings ``(n,)`` of vectors ``(n, 2)``."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return vectors[:, 0] * cosine + vectors[:, 1] * sine, vectors[:, 1] * cosine - vectors[:, 0] * sine
