"""A driver that obeys the rules: the baseline on routes. It sees the scene alone, as a planner does.

It follows the route's line at an advised speed, keeps its distance by IDM, stops for red, yellow and stop signs, and
lets crossing traffic and pedestrians pass whose way it would meet. It foresees the others on straight lines, knows no
priority (it yields to whoever comes) and overtakes nobody.
"""

from __future__ import annotations

import math

import numpy as np

from envs.action import ActionConfig
from envs.compiled import njit
from envs.drivers.control import track_line, track_numbers
from envs.drivers.route_path import (
    BESIDE_M,
    PATH_STEP_M,
    bend_speed,
    crossing_ahead,
    lane_is_taken,
    lay_path,
    leader_on_path,
    route_shift,
)
from envs.scene import (
    ROUTE_POINT_SPACING_M,
    ROUTE_POINTS,
    EgoRow,
    FloatArray,
    RoadRow,
    RouteRow,
    SceneBatch,
    SignalState,
    StopLine,
)
from envs.simulator import DECISION_PERIOD_S
from envs.traffic.following import idm

LATERAL_ACCELERATION = 2.0
"""Lateral acceleration in bends (m/s2, ours: comfortable)."""

BRAKE = 2.0
"""Deceleration before lines, bends and whoever crosses (m/s2, ours: comfortable)."""

YELLOW_BRAKE = 3.0
"""Deceleration up to which it stops for yellow (m/s2, ours)."""

BEFORE_LINE_M = 1.0
"""How far before a stop line the front stands (m, ours)."""

BEFORE_CROSSING_M = 3.0
"""How far before the way of whoever crosses the front stands (m, ours)."""

APART_S, LEAST_APART_S = 1.5, 0.4
"""Time between the ego and whoever crosses: at first, and after ``PATIENCE_S`` (s, ours)."""

LEAST_BESIDE_M = 0.1
"""Clearance beside the own body after ``PATIENCE_S`` (m, ours): who waits at the kerb for the ego is passed then."""

PATIENCE_S = 6.0
"""Standing so long it takes smaller gaps (s, ours)."""

NO_LINE_M = 150.0
"""A stop line farther than this is none."""

CHANGING_M = 0.3
"""Distance of the route's line from the lane's centre that tells a lane change (m)."""

STANDING = 0.3
"""Speed that counts as standing (m/s)."""

_STOP_SIGN = int(StopLine.STOP_SIGN)


class LawAbidingDriver:
    """Follows its route by the rules.

    Args:
        batch_size: number of worlds B; it remembers for each how long it has stood.
        action: limits between action and command; must be the environment's.
    """

    name = "law_abiding"

    def __init__(self, batch_size: int, action: ActionConfig | None = None) -> None:
        self._numbers = track_numbers(action or ActionConfig())
        self._stood_s = np.zeros(batch_size)
        self._path = np.zeros((round(ROUTE_POINTS * ROUTE_POINT_SPACING_M / PATH_STEP_M) + 1, 3))

    def act(self, scene: SceneBatch) -> FloatArray:
        """Return the actions ``(B, 2)``."""
        actions = np.zeros((scene.batch_size, 2))
        self._stood_s[scene.step == 0] = 0.0
        _drive(scene.ego.block, scene.actors.block, scene.road.block, scene.route.block, scene.route.points,
               self._stood_s, self._path, *self._numbers, actions)  # fmt: skip
        return actions


@njit
def _drive(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    route: FloatArray,
    points: FloatArray,
    stood_s: FloatArray,
    path: FloatArray,
    wheelbase: float,
    wheel_angle: float,
    tangent_factor: float,
    actions: FloatArray,
) -> None:
    for b in range(actions.shape[0]):
        stood_s[b] = stood_s[b] + DECISION_PERIOD_S if ego[EgoRow.SPEED, b] < STANDING else 0.0
        lay_path(ego, points, b, ROUTE_POINT_SPACING_M, path)
        wish = _speed_wish(ego, actors, road, points, stood_s[b] < PATIENCE_S, path, b)
        offset, error = route[RouteRow.LATERAL_OFFSET, b], route[RouteRow.HEADING_ERROR, b]
        turn = points[b, 0, 2] - ego[EgoRow.YAW, b] + error
        ahead = (turn - 2.0 * math.pi * math.floor((turn + math.pi) / (2.0 * math.pi))) / ROUTE_POINT_SPACING_M
        curvature = 0.5 * (ahead + road[RoadRow.CURVATURE, b])
        if _must_keep_lane(ego, actors, road, route, b):
            offset, error = road[RoadRow.LANE_OFFSET, b], road[RoadRow.HEADING_ERROR, b]
            curvature = road[RoadRow.CURVATURE, b]
            wish = min(wish, 0.8 * road[RoadRow.SPEED_LIMIT, b], _stop_speed(road[RoadRow.DISTANCE_TO_LANE_END, b]))
        track_line(ego, b, offset, error, curvature, wish, wheelbase, wheel_angle, tangent_factor, actions, b)


@njit
def _speed_wish(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    points: FloatArray,
    patient: bool,
    path: FloatArray,
    b: int,
) -> float:
    speed, limit = ego[EgoRow.SPEED, b], road[RoadRow.SPEED_LIMIT, b]
    free = min(limit, bend_speed(ego, points, b, ROUTE_POINT_SPACING_M, road[RoadRow.CURVATURE, b],
                                 LATERAL_ACCELERATION, BRAKE))  # fmt: skip
    gap, leader = leader_on_path(ego, actors, b, path, BESIDE_M if patient else LEAST_BESIDE_M)
    wish = min(free, speed + idm(speed, limit, 1.2, 2.0, 2.0, 3.0, gap, leader))
    wish = min(wish, _line_speed(ego, road, b))
    apart = APART_S if patient else LEAST_APART_S
    crossing = crossing_ahead(ego, actors, b, path, free, apart)
    # Who yields waits before the junction, not in it, where there still is a line to wait at.
    line = road[RoadRow.DISTANCE_TO_STOP_LINE, b]
    stop = crossing - BEFORE_CROSSING_M
    if crossing < NO_LINE_M and 0.3 < line < crossing:
        stop = line - BEFORE_LINE_M
    return float(max(min(wish, _stop_speed(stop)), 0.0))


@njit
def _line_speed(ego: FloatArray, road: FloatArray, b: int) -> float:
    """Return the speed (m/s) that the stop line ahead allows: its light, or its stop sign until one has stood there."""
    line, signal, speed = road[RoadRow.DISTANCE_TO_STOP_LINE, b], int(road[RoadRow.SIGNAL, b]), ego[EgoRow.SPEED, b]
    if line > NO_LINE_M or line < 0.3:
        return 1e3
    if signal == SignalState.GREEN:
        return 1e3
    if signal == SignalState.YELLOW and speed * speed > 2.0 * YELLOW_BRAKE * line:
        return 1e3
    if signal == SignalState.NONE and (int(road[RoadRow.STOP_LINE, b]) != _STOP_SIGN or road[RoadRow.STOOD, b] > 0.5):
        return 1e3
    return _stop_speed(line - BEFORE_LINE_M)


@njit
def _stop_speed(distance: float) -> float:
    """Return the speed (m/s) from which the ego stands after ``distance`` (m)."""
    return math.sqrt(2.0 * BRAKE * max(distance, 0.0)) if distance > 0.3 else 0.0


@njit
def _must_keep_lane(ego: FloatArray, actors: FloatArray, road: FloatArray, route: FloatArray, b: int) -> bool:
    """Whether the route's line leads into the next lane, and somebody is there."""
    if road[RoadRow.IN_JUNCTION, b] > 0.5 or road[RoadRow.DISTANCE_TO_JUNCTION, b] < 5.0:
        return False
    shift = route_shift(road[RoadRow.LANE_OFFSET, b], route, b)
    if abs(shift) < CHANGING_M or abs(shift) > 5.0:
        return False
    return bool(lane_is_taken(ego, actors, b, 1.0 if shift > 0.0 else -1.0))
