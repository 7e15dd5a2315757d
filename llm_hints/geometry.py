"""Relative geometry of the ego and one other body, as compiled functions that rules and features share.

Frame: the ego's body frame, ``forward`` along its heading, ``left`` to its left. SI units.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import ActorRow, EgoRow, FloatArray

NEVER_S = 1e9
"""A time to contact that stands for "not at all", seconds; finite, so that arithmetic with it stays so."""

_TANGENT = math.tan(math.pi / 8.0)


@njit
def relative(
    ego: FloatArray, actors: FloatArray, b: int, a: int, cos_yaw: float, sin_yaw: float
) -> tuple[float, float, float, float, float, float, float]:
    """Return where actor ``a`` of world ``b`` is and how it moves, seen from the ego.

    ``forward, left`` of its centre (m); ``rate_forward, rate_left`` of change of these by its motion relative to
    the ego's (m/s); ``half_length, half_width``: the two bodies overlap where both distances are below these (m,
    the other body's box projected on the ego's axes); ``same_way``: cosine between the headings.
    """
    dx = actors[ActorRow.X, b, a] - ego[EgoRow.X, b]
    dy = actors[ActorRow.Y, b, a] - ego[EgoRow.Y, b]
    vx = actors[ActorRow.VX, b, a]
    vy = actors[ActorRow.VY, b, a]
    turn = actors[ActorRow.YAW, b, a] - ego[EgoRow.YAW, b]
    same_way = math.cos(turn)
    along = abs(same_way)
    across = math.sqrt(max(0.0, 1.0 - along * along))
    length = actors[ActorRow.LENGTH, b, a]
    width = actors[ActorRow.WIDTH, b, a]
    return (
        cos_yaw * dx + sin_yaw * dy,
        cos_yaw * dy - sin_yaw * dx,
        cos_yaw * vx + sin_yaw * vy - ego[EgoRow.SPEED, b],
        cos_yaw * vy - sin_yaw * vx - ego[EgoRow.LATERAL_SPEED, b],
        0.5 * (ego[EgoRow.LENGTH, b] + length * along + width * across),
        0.5 * (ego[EgoRow.WIDTH, b] + length * across + width * along),
        same_way,
    )


@njit
def overlap_interval(position: float, rate: float, half: float) -> tuple[float, float]:
    """Return when ``abs(position + rate * t) <= half`` begins and ends (s); begins after it ends where never."""
    if abs(rate) < 1e-9:
        if abs(position) <= half:
            return -NEVER_S, NEVER_S
        return NEVER_S, -NEVER_S
    first = (-half - position) / rate
    second = (half - position) / rate
    return min(first, second), max(first, second)


@njit
def contact_time(
    forward: float, left: float, rate_forward: float, rate_left: float, half_length: float, half_width: float
) -> float:
    """Return the seconds until the two boxes meet at constant velocities; 0 if they do now, ``NEVER_S`` if never."""
    begin_x, end_x = overlap_interval(forward, rate_forward, half_length)
    begin_y, end_y = overlap_interval(left, rate_left, half_width)
    begin = max(begin_x, begin_y, 0.0)
    if begin > min(end_x, end_y):
        return NEVER_S
    return begin


@njit
def fade(value: float, full: float, none: float) -> float:
    """Return 1 where ``value`` is at or before ``full``, 0 at or beyond ``none``, linear between; either order."""
    share = (none - value) / (none - full)
    return min(1.0, max(0.0, share))


@njit
def octant(forward: float, left: float) -> int:
    """Return the ``Direction`` of a point: the nearest of eight, counter-clockwise from the front."""
    if abs(left) <= _TANGENT * abs(forward):
        return 0 if forward >= 0.0 else 4
    if abs(forward) <= _TANGENT * abs(left):
        return 2 if left > 0.0 else 6
    if forward > 0.0:
        return 1 if left > 0.0 else 7
    return 3 if left > 0.0 else 5
