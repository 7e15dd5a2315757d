"""Path and speed tracking that all scripted drivers share."""

from __future__ import annotations

import math

from envs.action import ActionConfig, steer_limit
from envs.compiled import njit
from envs.scene import ROUTE_POINT_SPACING_M, ActorRow, EgoRow, FloatArray, RoadRow, RouteRow, SignalState
from envs.traffic.following import FREE_GAP, idm

SPEED_GAIN = 0.5
"""Longitudinal command per m/s of speed error (ours)."""

HOLD_THROTTLE = 0.1
"""Longitudinal action that roughly holds a town speed against the resistances (ours)."""

APPROACH_TIME_S = 1.1
"""Time constant with which a lateral error is closed (s, ours)."""

HEADING_GAIN = 1.3
"""Wheel angle per heading error (rad/rad, ours)."""

CORRIDOR_M = 0.3
"""Clearance beside the own body within which an actor is in the way (m, ours)."""

FREE_LINE_M = 150.0
"""Distance from which a stop line does not matter yet (m, ours)."""

CUT_IN_S = 1.2
"""How far ahead an actor's movement across the own path is foreseen (s, ours)."""


@njit
def track_line(
    ego: FloatArray,
    b: int,
    offset_error: float,
    heading_error: float,
    curvature: float,
    speed_wish: float,
    wheelbase: float,
    wheel_angle: float,
    tangent_factor: float,
    action: FloatArray,
    row: int,
) -> None:
    """Write the action ``action[row]`` (2,) that leads ego ``b`` to a line and a speed.

    ``offset_error`` of the ego from the line (m, positive left), ``heading_error`` against it (rad), ``curvature``
    of it (1/m), ``speed_wish`` (m/s).
    """
    speed = ego[EgoRow.SPEED, b]
    heading_wish = -math.atan2(offset_error, max(APPROACH_TIME_S * speed, 4.0))
    angle = math.atan(wheelbase * curvature) + HEADING_GAIN * (heading_wish - heading_error)
    bound = steer_limit(speed, tangent_factor, wheel_angle)
    action[row, 1] = min(max(angle / (wheel_angle * bound), -1.0), 1.0)
    longitudinal = SPEED_GAIN * (speed_wish - speed) + (HOLD_THROTTLE if speed_wish > 0.5 else -0.6)
    action[row, 0] = min(max(longitudinal, -1.0), 1.0)


def track_numbers(config: ActionConfig) -> tuple[float, float, float]:
    """Return (wheelbase, wheel angle, tangent factor) of ``track_line`` for an action configuration."""
    factor = config.wheelbase_m * config.max_lateral_acceleration_mps2
    return config.wheelbase_m, config.max_wheel_angle_rad, factor


BEND_ACCELERATION = 2.5
"""Lateral acceleration at which bends are taken (m/s2, ours: as the traffic takes them)."""

STOPS_BEFORE_M = 1.0
"""How far before a stop line a driver stops (m, ours)."""

_GREEN = int(SignalState.GREEN)


@njit
def route_curvature(ego: FloatArray, route: FloatArray, points: FloatArray, b: int) -> float:
    """Return the mean curvature (1/m) of the route of world ``b`` from beside the ego to the first point ahead."""
    here = ego[EgoRow.YAW, b] - route[RouteRow.HEADING_ERROR, b]
    return _wrapped(points[b, 0, 2] - here) / ROUTE_POINT_SPACING_M


@njit
def bend_speed(points: FloatArray, b: int) -> float:
    """Return the speed (m/s) at which the bends of the next three route points can be taken or braked for."""
    speed = 60.0
    for k in range(3):
        turn = abs(_wrapped(points[b, k + 1, 2] - points[b, k, 2]))
        curvature = max(turn / ROUTE_POINT_SPACING_M, 1e-6)
        speed = min(speed, math.sqrt(BEND_ACCELERATION / curvature + 3.0 * k * ROUTE_POINT_SPACING_M))
    return speed


@njit
def _wrapped(angle: float) -> float:
    return float(angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi)))


@njit
def obeying_speed(ego: FloatArray, actors: FloatArray, road: FloatArray, b: int) -> float:
    """Return the speed wish (m/s) of ``following_speed`` that also stops at a stop line without a green light."""
    wish, speed = following_speed(ego, actors, road, b), ego[EgoRow.SPEED, b]
    line = road[RoadRow.DISTANCE_TO_STOP_LINE, b]
    if line >= FREE_LINE_M or int(road[RoadRow.SIGNAL, b]) == _GREEN:
        return wish
    gap = line - STOPS_BEFORE_M + 2.0
    return min(wish, float(max(speed + idm(speed, road[RoadRow.SPEED_LIMIT, b], 1.2, 2.0, 2.0, 3.0, gap, 0.0), 0.0)))


@njit
def following_speed(ego: FloatArray, actors: FloatArray, road: FloatArray, b: int) -> float:
    """Return the speed wish (m/s) at the limit, behind a visible actor ahead or the end of the lane, by IDM."""
    gap, leader = visible_leader(ego, actors, b)
    to_end = road[RoadRow.DISTANCE_TO_LANE_END, b] - 0.5 * ego[EgoRow.LENGTH, b]
    if to_end < min(gap, 150.0):
        gap, leader = to_end, 0.0
    speed = ego[EgoRow.SPEED, b]
    return float(max(speed + idm(speed, road[RoadRow.SPEED_LIMIT, b], 1.2, 2.0, 2.0, 3.0, gap, leader), 0.0))


@njit
def visible_leader(ego: FloatArray, actors: FloatArray, b: int) -> tuple[float, float]:
    """Return (gap m, speed m/s) of the nearest visible actor in the straight corridor ahead, or moving into it."""
    cosine, sine = math.cos(ego[EgoRow.YAW, b]), math.sin(ego[EgoRow.YAW, b])
    nearest, speed = FREE_GAP, 0.0
    for i in range(actors.shape[2]):
        if actors[ActorRow.VALID, b, i] < 0.5 or actors[ActorRow.VISIBLE, b, i] < 0.5:
            continue
        dx, dy = actors[ActorRow.X, b, i] - ego[EgoRow.X, b], actors[ActorRow.Y, b, i] - ego[EgoRow.Y, b]
        ahead, aside = dx * cosine + dy * sine, dy * cosine - dx * sine
        turn = actors[ActorRow.YAW, b, i] - ego[EgoRow.YAW, b]
        along, across = abs(math.cos(turn)), abs(math.sin(turn))
        half_width = 0.5 * (across * actors[ActorRow.LENGTH, b, i] + along * actors[ActorRow.WIDTH, b, i])
        half_length = 0.5 * (along * actors[ActorRow.LENGTH, b, i] + across * actors[ActorRow.WIDTH, b, i])
        gap = ahead - half_length - 0.5 * ego[EgoRow.LENGTH, b]
        drift = actors[ActorRow.VY, b, i] * cosine - actors[ActorRow.VX, b, i] * sine
        later = aside + CUT_IN_S * drift
        closest = 0.0 if aside * later < 0.0 else min(abs(aside), abs(later))
        if ahead > 0.0 and closest < half_width + 0.5 * ego[EgoRow.WIDTH, b] + CORRIDOR_M and gap < nearest:
            nearest = gap
            speed = actors[ActorRow.VX, b, i] * cosine + actors[ActorRow.VY, b, i] * sine
    return nearest, speed
