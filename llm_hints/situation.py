"""The discrete side of a scene: the bucket that the cache compares within, and what counts as an event.

A cosine is blind to what is few numbers and much meaning: a light that turns red moves one feature of 40. So hints
are shared only within a bucket of (road category, line ahead, density), and a world's hint counts as overtaken when
one of these changes after it: the line ahead, the bucket of the time to contact, somebody in a sector that was empty.

======== =====================================================================================================
bucket   ((category x 6) + line) x 3 + density: 0 to 53
line     what is at the line ahead, a ``Line``
contact  visible actors' earliest time to contact (0.6 m margin): 0 below 1.5 s, 1 below 3 s, 2 below 5 s, else 3
sectors  bit d: somebody visible within 50 m in ``Direction`` d
======== =====================================================================================================
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from envs.compiled import njit
from envs.scene import (
    ActorKind,
    ActorRow,
    BoolArray,
    EgoRow,
    FloatArray,
    IntArray,
    RoadCategory,
    RoadRow,
    SceneBatch,
    SignalState,
    StopLine,
)
from llm_hints.features import CONTACT_MARGIN_M, RANGE_M
from llm_hints.geometry import NEVER_S, contact_time, octant, relative
from llm_hints.stop_lines import must_stop

MEDIUM_FROM, HIGH_FROM = 3, 6
"""Visible road users within 50 m from which the density is medium, high: the expert's thresholds."""

CONTACT_EDGES_S = (1.5, 3.0, 5.0)
"""Edges of the buckets of the time to contact: the expert's risk of contact is full at 1.5 s and gone at 5 s."""

_STATIC = int(ActorKind.STATIC)
_GREEN, _YELLOW, _RED = int(SignalState.GREEN), int(SignalState.YELLOW), int(SignalState.RED)
_NO_LINE, _YIELD_SIGN = int(StopLine.NONE), int(StopLine.YIELD_SIGN)


class Line(IntEnum):
    """What is at the line ahead of the ego."""

    NONE = 0
    FREE = 1
    YIELD = 2
    YELLOW = 3
    RED = 4
    STOP = 5


# A kernel knows numbers only.
LINE_NONE, LINE_FREE, LINE_YIELD, LINE_YELLOW, LINE_RED, LINE_STOP = (int(line) for line in Line)


class Part(IntEnum):
    """Columns of a situation."""

    BUCKET = 0
    LINE = 1
    CONTACT = 2
    SECTORS = 3


LINES, DENSITIES = len(Line), 3
BUCKETS = len(RoadCategory) * LINES * DENSITIES


@njit
def line_ahead(road: FloatArray, b: int) -> int:
    """Return the ``Line`` of world ``b``."""
    signal = int(road[RoadRow.SIGNAL, b])
    if signal == _RED:
        return LINE_RED
    if signal == _YELLOW:
        return LINE_YELLOW
    if must_stop(road, b):
        return LINE_STOP
    line = int(road[RoadRow.STOP_LINE, b])
    if line == _YIELD_SIGN:
        return LINE_YIELD
    free = signal == _GREEN or line != _NO_LINE
    return LINE_FREE if free else LINE_NONE


@njit
def contact_bucket(time_s: float) -> int:
    """Return the bucket of a time to contact (s)."""
    bucket = 0
    for edge in CONTACT_EDGES_S:
        bucket += 1 if time_s >= edge else 0
    return bucket


@njit
def traffic(ego: FloatArray, actors: FloatArray, b: int) -> tuple[int, float, int]:
    """Return of the visible actors: road users in range, the earliest time to contact (s), the occupied sectors."""
    cos_yaw, sin_yaw = math.cos(ego[EgoRow.YAW, b]), math.sin(ego[EgoRow.YAW, b])
    count, sectors, earliest = 0, 0, NEVER_S
    for a in range(actors.shape[2]):
        if actors[ActorRow.VALID, b, a] < 0.5 or actors[ActorRow.VISIBLE, b, a] < 0.5:
            continue
        forward, left, rate_x, rate_y, half_x, half_y, _ = relative(ego, actors, b, a, cos_yaw, sin_yaw)
        earliest = min(earliest, contact_time(forward, left, rate_x, rate_y, half_x, half_y + CONTACT_MARGIN_M))
        if math.sqrt(forward * forward + left * left) <= RANGE_M:
            count += 1 if int(actors[ActorRow.KIND, b, a]) < _STATIC else 0
            sectors |= 1 << octant(forward, left)
    return count, earliest, sectors


@njit
def write_situations(ego: FloatArray, actors: FloatArray, road: FloatArray, rows: IntArray, out: IntArray) -> None:
    """Write the situations ``(n, 4)`` of the worlds ``rows`` (n)."""
    for i in range(len(rows)):
        b = rows[i]
        count, earliest, sectors = traffic(ego, actors, b)
        line = line_ahead(road, b)
        density = (1 if count >= MEDIUM_FROM else 0) + (1 if count >= HIGH_FROM else 0)
        out[i, Part.BUCKET] = (int(road[RoadRow.CATEGORY, b]) * LINES + line) * DENSITIES + density
        out[i, Part.LINE] = line
        out[i, Part.CONTACT] = contact_bucket(earliest)
        out[i, Part.SECTORS] = sectors


def situations(scene: SceneBatch, rows: IntArray) -> IntArray:
    """Return the situations ``(n, 4)`` (columns: ``Part``) of the worlds ``rows`` (n)."""
    found = np.empty((len(rows), len(Part)), dtype=np.int64)
    write_situations(scene.ego.block, scene.actors.block, scene.road.block, rows, found)
    return found


def bucket_of(found: IntArray) -> IntArray:
    """Return the buckets ``(n,)`` of situations ``(n, 4)``."""
    buckets: IntArray = found[:, int(Part.BUCKET)].copy()
    return buckets


def overtaken(before: IntArray, now: IntArray) -> BoolArray:
    """Return which of n worlds had an event between their situations ``before`` and ``now``, each ``(n, 4)``."""
    line, contact, sectors = (int(part) for part in (Part.LINE, Part.CONTACT, Part.SECTORS))
    changed: BoolArray = (before[:, line] != now[:, line]) | (before[:, contact] != now[:, contact])
    changed |= (now[:, sectors] & ~before[:, sectors]) != 0
    return changed
