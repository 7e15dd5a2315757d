"""Where a road user is and how it moves, seen from the ego: shared by the perception blocks."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import ActorRow, EgoRow, FloatArray


@njit
def seen(actors: FloatArray, b: int, a: int) -> bool:
    """Return whether slot ``a`` of world ``b`` holds a road user that the ego sees: nothing else may be observed."""
    return bool(actors[ActorRow.VALID, b, a] > 0.5 and actors[ActorRow.VISIBLE, b, a] > 0.5)


@njit
def relative_position(
    ego: FloatArray, actors: FloatArray, b: int, a: int, cos_yaw: float, sin_yaw: float
) -> tuple[float, float]:
    """Return the actor's centre in the ego's frame (m): x ahead, y to the left."""
    dx, dy = actors[ActorRow.X, b, a] - ego[EgoRow.X, b], actors[ActorRow.Y, b, a] - ego[EgoRow.Y, b]
    return cos_yaw * dx + sin_yaw * dy, cos_yaw * dy - sin_yaw * dx


@njit
def relative_velocity(
    ego: FloatArray, actors: FloatArray, b: int, a: int, cos_yaw: float, sin_yaw: float
) -> tuple[float, float]:
    """Return the actor's velocity against the ego's, on the ego's axes (m/s); the frame's own turning is left out."""
    vx, vy = actors[ActorRow.VX, b, a], actors[ActorRow.VY, b, a]
    return (
        cos_yaw * vx + sin_yaw * vy - ego[EgoRow.SPEED, b],
        cos_yaw * vy - sin_yaw * vx - ego[EgoRow.LATERAL_SPEED, b],
    )


@njit
def box_distance(x: float, y: float, cos_heading: float, sin_heading: float, length: float, width: float) -> float:
    """Return the distance (m) from the origin to a box of centre ``x, y``; 0 inside it."""
    along = abs(cos_heading * x + sin_heading * y) - 0.5 * length
    across = abs(cos_heading * y - sin_heading * x) - 0.5 * width
    along, across = max(along, 0.0), max(across, 0.0)
    return math.sqrt(along * along + across * across)
