"""Line of sight: a buffer of rays from the ego that tells which bodies it can see at all."""

from __future__ import annotations

import math

import numpy as np

from envs.compiled import njit
from envs.roads.lane_graph import BRIDGE_M
from envs.scene import ActorRow, EgoRow, FloatArray

BINS = 720
"""Rays around the ego: one each half degree, so that a pedestrian 40 m away still spans more than one."""

RANGE_M = 120.0
"""How far the ego sees (m, ours)."""

STEEPEST = 0.12
"""Slope of the steepest road (m/m, ours; CARLA's Town04: 0.109)."""


DIRECTIONS = np.array([(math.cos(2.0 * math.pi * k / BINS), math.sin(2.0 * math.pi * k / BINS)) for k in range(BINS)])
"""Unit vectors ``(BINS, 2)`` of the rays, counter-clockwise from east."""

NO_DISTANCE = 1e9
"""1 / distance of what the eye is inside of (1/m)."""

_WIDTH = 2.0 * math.pi / BINS


@njit
def look_around(
    actors: FloatArray, ego: FloatArray, levels: FloatArray, level: float, nearness: FloatArray, nearest: FloatArray,
    b: int,
) -> None:  # fmt: skip
    """Mark the actors of world ``b`` that the ego sees; ``nearness``, ``nearest`` ``(BINS,)`` are scratch.

    ``levels`` ``(A,)`` heights of the actors, ``level`` of the ego (m): those on a bridge over it, or below the one
    that it is on, are neither seen nor do they hide anybody. What is only up or down the same road is seen.

    The buffer holds 1 / distance: along one side of a box that is linear in the ray's direction, so a ray costs no
    division.
    """
    nearness[:] = 1.0 / RANGE_M
    nearest[:] = -1.0
    for i in range(actors.shape[2]):
        actors[ActorRow.VISIBLE, b, i] = 0.0
        if actors[ActorRow.VALID, b, i] > 0.5 and not _is_over_or_under(actors, ego, levels[i] - level, b, i):
            _draw(actors, ego, nearness, nearest, b, i)
    for k in range(BINS):
        if nearest[k] >= 0.0:
            actors[ActorRow.VISIBLE, b, int(nearest[k])] = 1.0


@njit
def _is_over_or_under(actors: FloatArray, ego: FloatArray, climb: float, b: int, i: int) -> bool:
    """Return whether actor ``i``, ``climb`` (m) above the ego, is higher or lower than a road leads to where it is."""
    if abs(climb) < BRIDGE_M:
        return False
    away = math.hypot(actors[ActorRow.X, b, i] - ego[EgoRow.X, b], actors[ActorRow.Y, b, i] - ego[EgoRow.Y, b])
    return abs(climb) >= BRIDGE_M + STEEPEST * away


@njit
def _draw(actors: FloatArray, ego: FloatArray, nearness: FloatArray, nearest: FloatArray, b: int, i: int) -> None:
    """Draw actor ``i`` into the buffer, over the rays that its corners span."""
    dx = actors[ActorRow.X, b, i] - ego[EgoRow.X, b]
    dy = actors[ActorRow.Y, b, i] - ego[EgoRow.Y, b]
    half_length, half_width = 0.5 * actors[ActorRow.LENGTH, b, i], 0.5 * actors[ActorRow.WIDTH, b, i]
    reach = RANGE_M + half_length + half_width
    if dx * dx + dy * dy > reach * reach:
        return
    cosine, sine = math.cos(actors[ActorRow.YAW, b, i]), math.sin(actors[ActorRow.YAW, b, i])
    ax, ay, bx, by = side_planes(dx, dy, cosine, sine, half_length, half_width)
    if ax == 0.0 and ay == 0.0:
        # The eye is inside.
        nearness[:] = NO_DISTANCE
        nearest[:] = i
        return
    right, left = _angles(dx, dy, cosine, sine, half_length, half_width)
    first, last = math.ceil(right / _WIDTH), math.floor(left / _WIDTH)
    if first > last:
        # Between two rays: a far, small body is given the one nearest to its centre.
        index = int(math.floor(math.atan2(dy, dx) / _WIDTH + 0.5)) % BINS
        if 1.0 > nearness[index] * math.hypot(dx, dy):
            nearness[index] = 1.0 / math.hypot(dx, dy)
            nearest[index] = i
        return
    for k in range(first, last + 1):
        index = k + BINS if k < 0 else (k - BINS if k >= BINS else k)
        east, north = DIRECTIONS[index, 0], DIRECTIONS[index, 1]
        near = min(east * ax + north * ay, east * bx + north * by)
        if near > nearness[index]:
            nearness[index] = near
            nearest[index] = i


@njit
def side_planes(
    dx: float, dy: float, cosine: float, sine: float, half_length: float, half_width: float
) -> tuple[float, float, float, float]:
    """Return (ax, ay, bx, by): a ray along (u, v) that meets the box does so at 1 / min(u ax + v ay, u bx + v by) m.

    ``dx, dy`` from the eye to the box's centre (m), ``cosine, sine`` of its yaw. The eye sees one or two sides of the
    box, and the ray enters through that which it reaches last; where it sees one, both pairs are that side's, and from
    inside all four are 0.
    """
    x, y = -dx * cosine - dy * sine, dx * sine - dy * cosine
    to_end, to_flank = abs(x) - half_length, abs(y) - half_width
    if to_end <= 0.0 and to_flank <= 0.0:
        return 0.0, 0.0, 0.0, 0.0
    along, across = -math.copysign(1.0, x), -math.copysign(1.0, y)
    if to_end <= 0.0:
        ax, ay = -across * sine / to_flank, across * cosine / to_flank
        return ax, ay, ax, ay
    bx, by = along * cosine / to_end, along * sine / to_end
    if to_flank <= 0.0:
        return bx, by, bx, by
    return -across * sine / to_flank, across * cosine / to_flank, bx, by


@njit
def _angles(
    dx: float, dy: float, cosine: float, sine: float, half_length: float, half_width: float
) -> tuple[float, float]:
    """Return the angles (rad) of the right and left corner of a box as seen from an eye outside it; left >= right.

    ``dx, dy`` from the eye to the box's centre (m), ``cosine, sine`` of its yaw.
    """
    right_x, right_y = dx + half_length * cosine - half_width * sine, dy + half_length * sine + half_width * cosine
    left_x, left_y = right_x, right_y
    for corner in range(1, 4):
        along = half_length if corner == 3 else -half_length
        across = half_width if corner == 1 else -half_width
        x, y = dx + along * cosine - across * sine, dy + along * sine + across * cosine
        # A box seen from outside spans less than pi, so the sign of the cross product orders its corners.
        if right_x * y - right_y * x < 0.0:
            right_x, right_y = x, y
        if left_x * y - left_y * x > 0.0:
            left_x, left_y = x, y
    right = math.atan2(right_y, right_x)
    return right, right + math.atan2(right_x * left_y - right_y * left_x, right_x * left_x + right_y * left_y)
