"""Car-following criticality along the lane: who leads, time to collision, time headway, DRAC.

The measures take plain arrays that broadcast: ``gap`` from the ego's front to the leader's rear along the lane (m),
speeds along the lane (m/s). ``leader`` finds them in a scene. Definitions are as in the catalogue of criticality
metrics by Westhofen et al. (2022), whose pages on TTC, THW and required longitudinal acceleration were read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.risk import TTC_HORIZON_S, time_to_collision
from envs.scene import ActorStates, FloatArray, IntArray, SceneBatch


@dataclass(frozen=True, slots=True)
class Leader:
    """The next road user ahead in the ego's lane; every attribute is ``(B,)``.

    ``slot`` in ``ActorStates`` (-1: none); ``gap`` from front to rear along the lane (m, infinity where there is none,
    negative where bodies overlap); ``ego_speed`` and ``speed`` of the leader along the lane (m/s, 0 where none).
    """

    slot: IntArray
    gap: FloatArray
    ego_speed: FloatArray
    speed: FloatArray


def leader(scene: SceneBatch) -> Leader:
    """Return the nearest road user ahead whose centre is in the ego's lane.

    The lane ahead is taken as an arc of the lane's curvature at the ego, which is exact on straights and circles.
    """
    road, ego, actors = scene.road, scene.ego, scene.actors
    direction = (ego.yaw - road.heading_error)[:, None]
    dx, dy = actors.x - ego.x[:, None], actors.y - ego.y[:, None]
    along = np.cos(direction) * dx + np.sin(direction) * dy
    left = np.cos(direction) * dy - np.sin(direction) * dx + road.lane_offset[:, None]
    s, d, turn = arc_coordinates(along, left, road.curvature[:, None])
    ahead = actors.valid & (s > 0.0) & (np.abs(d) <= 0.5 * road.lane_width[:, None])
    slot = np.where(ahead, s, np.inf).argmin(axis=1)
    rows = np.arange(scene.batch_size)
    found = ahead[rows, slot]
    gap = s[rows, slot] - 0.5 * (ego.length + actors.length[rows, slot])
    heading = (direction + turn)[rows, slot]
    speed = np.cos(heading) * actors.vx[rows, slot] + np.sin(heading) * actors.vy[rows, slot]
    own = np.cos(road.heading_error) * ego.speed - np.sin(road.heading_error) * ego.lateral_speed
    return Leader(np.where(found, slot, -1), np.where(found, gap, np.inf), own, np.where(found, speed, 0.0))


def arc_coordinates(x: FloatArray, y: FloatArray, curvature: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (s, d, turn) of points in the frame of an arc's start: metres along, metres left, radians turned.

    ``x`` ahead and ``y`` left of the start (m), ``curvature`` of the arc (1/m, positive left; 0: a straight line).
    """
    straight = np.abs(curvature) < 1e-9
    safe = np.where(straight, 1.0, curvature)
    angle = np.arctan2(safe * x, 1.0 - safe * y)
    # The plain (1 - r) / curvature loses its digits on nearly straight arcs; this is the same number.
    radius = np.hypot(safe * x, 1.0 - safe * y)
    d = (2.0 * y - safe * (x * x + y * y)) / (1.0 + radius)
    return np.where(straight, x, angle / safe), np.where(straight, y, d), np.where(straight, 0.0, angle)


def lane_time_to_collision(gap: FloatArray, ego_speed: FloatArray, leader_speed: FloatArray) -> FloatArray:
    """Return ``gap`` / closing speed (s): 0 where bodies overlap, infinity where the gap does not close.

    Constant speeds. Hayward (1972), "Near-miss determination through use of a scale of danger".
    """
    return _time_to_close(np.asarray(gap), np.asarray(ego_speed) - leader_speed)


def time_headway(gap: FloatArray, ego_speed: FloatArray) -> FloatArray:
    """Return the seconds until the ego's front is where the leader's rear is now; infinity for a standing ego.

    Front to rear, which some call the time gap. 0 where bodies overlap. Jansson (2005), "Collision avoidance theory".
    """
    return _time_to_close(np.asarray(gap), np.asarray(ego_speed))


def deceleration_to_avoid_crash(gap: FloatArray, ego_speed: FloatArray, leader_speed: FloatArray) -> FloatArray:
    """Return DRAC (m/s2, positive): the constant braking that just brings the closing speed to 0 at contact.

    (closing speed)^2 / (2 gap); 0 where the gap does not close, infinity where bodies overlap while closing. The leader
    keeps its speed. Archer (2005) by this name; Jansson (2005) as the required longitudinal acceleration.
    """
    closing = np.maximum(np.asarray(ego_speed) - leader_speed, 0.0)
    room = np.maximum(np.asarray(gap), 0.0)
    impossible = np.where(closing > 0.0, np.inf, np.zeros(np.broadcast(room, closing).shape))
    with np.errstate(over="ignore"):  # a gap of next to nothing needs infinite braking
        return np.asarray(np.divide(closing**2, 2.0 * room, out=impossible, where=room > 0.0))


def actor_time_to_collision(scene: SceneBatch, horizon_s: float = TTC_HORIZON_S) -> FloatArray:
    """Return the seconds ``(B, A)`` until the ego first touches each road user; ``horizon_s`` where it does not.

    Oriented boxes at constant velocity in the plane, by ``envs.risk``.
    """
    times = np.full((scene.batch_size, scene.actor_slots), horizon_s)
    for slot in range(scene.actor_slots):
        times[:, slot] = time_to_collision(_with_one_actor(scene, slot), horizon_s)
    return times


def _time_to_close(gap: FloatArray, speed: FloatArray) -> FloatArray:
    never = np.full(np.broadcast(gap, speed).shape, np.inf)
    with np.errstate(over="ignore"):  # next to no speed takes for ever
        time_s = np.divide(gap, speed, out=never, where=speed > 0.0)
    return np.where(gap <= 0.0, 0.0, time_s)


def _with_one_actor(scene: SceneBatch, slot: int) -> SceneBatch:
    actors = ActorStates(scene.actors.block[:, :, slot : slot + 1])
    return SceneBatch(
        scene.time_s, scene.step, scene.cell, scene.seed, scene.ego, actors, scene.road, scene.route, scene.events
    )
