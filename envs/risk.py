"""Time to collision: one definition for the reward, the rules and the metrics.

Both bodies are oriented boxes that keep their present velocity and heading. Their first contact then has
a closed form: on each of the four edge normals the projections overlap during one interval of time, and the
bodies touch in the intersection of the four intervals (the separating-axis theorem, swept).
"""

from __future__ import annotations

import math

import numpy as np

from envs.compiled import njit
from envs.scene import ActorRow, EgoRow, FloatArray, SceneBatch

TTC_HORIZON_S = 10.0
"""Time to collision is looked for up to here, and is this number where there is none (s)."""


def time_to_collision(
    scene: SceneBatch, horizon_s: float = TTC_HORIZON_S, visible_only: bool = False, out: FloatArray | None = None
) -> FloatArray:
    """Return the seconds ``(B,)`` until the ego first touches a road user; ``horizon_s`` where it does not.

    Constant velocity and heading for all; 0 where bodies overlap already. ``visible_only`` leaves out what the
    ego cannot see. ``out`` ``(B,)`` receives the result where given.
    """
    result = np.empty(scene.batch_size) if out is None else out
    _all_worlds(scene.ego.block, scene.actors.block, horizon_s, visible_only, result)
    return result


@njit
def _all_worlds(ego: FloatArray, actors: FloatArray, horizon_s: float, visible_only: bool, out: FloatArray) -> None:
    for b in range(out.shape[0]):
        out[b] = world_time_to_collision(ego, actors, b, horizon_s, visible_only)


@njit
def world_time_to_collision(ego: FloatArray, actors: FloatArray, b: int, horizon_s: float, visible_only: bool) -> float:
    """Return the time to collision of world ``b`` (s); blocks as in ``EgoState`` and ``ActorStates``."""
    yaw = ego[EgoRow.YAW, b]
    cos_ego, sin_ego = math.cos(yaw), math.sin(yaw)
    ego_vx = cos_ego * ego[EgoRow.SPEED, b] - sin_ego * ego[EgoRow.LATERAL_SPEED, b]
    ego_vy = sin_ego * ego[EgoRow.SPEED, b] + cos_ego * ego[EgoRow.LATERAL_SPEED, b]
    ego_length, ego_width = 0.5 * ego[EgoRow.LENGTH, b], 0.5 * ego[EgoRow.WIDTH, b]
    soonest = horizon_s
    for a in range(actors.shape[2]):
        if actors[ActorRow.VALID, b, a] < 0.5 or (visible_only and actors[ActorRow.VISIBLE, b, a] < 0.5):
            continue
        dx, dy = actors[ActorRow.X, b, a] - ego[EgoRow.X, b], actors[ActorRow.Y, b, a] - ego[EgoRow.Y, b]
        vx, vy = actors[ActorRow.VX, b, a] - ego_vx, actors[ActorRow.VY, b, a] - ego_vy
        length, width = 0.5 * actors[ActorRow.LENGTH, b, a], 0.5 * actors[ActorRow.WIDTH, b, a]
        reach = ego_length + ego_width + length + width
        if not may_meet(dx, dy, vx, vy, reach, soonest):
            continue
        heading = actors[ActorRow.YAW, b, a] - yaw
        # In the ego's frame two of the four normals are the axes themselves.
        contact = first_contact(
            cos_ego * dx + sin_ego * dy,
            cos_ego * dy - sin_ego * dx,
            cos_ego * vx + sin_ego * vy,
            cos_ego * vy - sin_ego * vx,
            math.cos(heading),
            math.sin(heading),
            ego_length,
            ego_width,
            length,
            width,
        )
        soonest = min(soonest, contact)
    return soonest


@njit
def may_meet(dx: float, dy: float, vx: float, vy: float, reach: float, horizon_s: float) -> bool:
    """Return whether two discs of summed radius ``reach`` (m) meet within ``horizon_s``: a cheap sieve."""
    separation = dx * dx + dy * dy - reach * reach
    if separation <= 0.0:
        return True
    closing = -(dx * vx + dy * vy)
    if closing <= 0.0:
        return False
    speed_squared = vx * vx + vy * vy
    discriminant = closing * closing - speed_squared * separation
    if discriminant < 0.0:
        return False
    return closing - math.sqrt(discriminant) <= speed_squared * horizon_s


@njit
def first_contact(
    x: float,
    y: float,
    vx: float,
    vy: float,
    cos_heading: float,
    sin_heading: float,
    half_length: float,
    half_width: float,
    other_half_length: float,
    other_half_width: float,
) -> float:
    """Return when two boxes first touch (s), infinity where never.

    ``x, y`` centre and ``vx, vy`` velocity of the other in the frame of the first (m, m/s), heading of the other
    against the first by its cosine and sine, half sizes (m).
    """
    c, s = abs(cos_heading), abs(sin_heading)
    enter, leave = _overlap(x, vx, half_length + other_half_length * c + other_half_width * s, 0.0, math.inf)
    enter, leave = _overlap(y, vy, half_width + other_half_length * s + other_half_width * c, enter, leave)
    along, along_speed = cos_heading * x + sin_heading * y, cos_heading * vx + sin_heading * vy
    enter, leave = _overlap(along, along_speed, other_half_length + half_length * c + half_width * s, enter, leave)
    across, across_speed = cos_heading * y - sin_heading * x, cos_heading * vy - sin_heading * vx
    enter, leave = _overlap(across, across_speed, other_half_width + half_length * s + half_width * c, enter, leave)
    return enter if enter <= leave else math.inf


@njit
def _overlap(position: float, speed: float, reach: float, enter: float, leave: float) -> tuple[float, float]:
    """Narrow [enter, leave] to the times at which ``|position + speed t| <= reach``; empty as (inf, -inf)."""
    if speed == 0.0:
        if abs(position) > reach:
            return math.inf, -math.inf
        return enter, leave
    first, last = (-reach - position) / speed, (reach - position) / speed
    if first > last:
        first, last = last, first
    return max(enter, first), min(leave, last)
