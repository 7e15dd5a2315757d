"""Drivers that do not think: keep the lane behind whoever is ahead, floor it, or cruise along the route."""

from __future__ import annotations

import math

import numpy as np

from envs.action import ActionConfig
from envs.compiled import njit
from envs.drivers.control import (
    BEND_ACCELERATION,
    bend_speed,
    following_speed,
    route_curvature,
    track_line,
    track_numbers,
)
from envs.scene import FloatArray, RoadRow, RouteRow, SceneBatch


class KeepLaneDriver:
    """Keeps its lane at the speed limit and follows visible vehicles ahead by IDM; never changes lane."""

    name = "keep_lane"

    def __init__(self, action: ActionConfig | None = None) -> None:
        self._numbers = track_numbers(action or ActionConfig())

    def act(self, scene: SceneBatch) -> FloatArray:
        """Return the actions ``(B, 2)``."""
        actions = np.zeros((scene.batch_size, 2))
        _keep_lane(scene.ego.block, scene.actors.block, scene.road.block, *self._numbers, False, actions)
        return actions


class FullThrottleDriver:
    """Keeps its lane with the throttle down, whatever is ahead."""

    name = "full_throttle"

    def __init__(self, action: ActionConfig | None = None) -> None:
        self._numbers = track_numbers(action or ActionConfig())

    def act(self, scene: SceneBatch) -> FloatArray:
        """Return the actions ``(B, 2)``."""
        actions = np.zeros((scene.batch_size, 2))
        _keep_lane(scene.ego.block, scene.actors.block, scene.road.block, *self._numbers, True, actions)
        return actions


class CruiseDriver:
    """Follows its route at the speed limit, slower in bends, and looks at nobody; it obeys no signal and no sign."""

    name = "cruise"

    def __init__(self, action: ActionConfig | None = None) -> None:
        self._numbers = track_numbers(action or ActionConfig())

    def act(self, scene: SceneBatch) -> FloatArray:
        """Return the actions ``(B, 2)``."""
        actions = np.zeros((scene.batch_size, 2))
        _cruise(scene.ego.block, scene.road.block, scene.route.block, scene.route.points, *self._numbers, actions)
        return actions


@njit
def _cruise(
    ego: FloatArray,
    road: FloatArray,
    route: FloatArray,
    points: FloatArray,
    wheelbase: float,
    wheel_angle: float,
    tangent_factor: float,
    actions: FloatArray,
) -> None:
    for b in range(actions.shape[0]):
        curvature = route_curvature(ego, route, points, b)
        here = math.sqrt(BEND_ACCELERATION / max(abs(curvature), 1e-6))
        limit = min(road[RoadRow.SPEED_LIMIT, b], here, bend_speed(points, b))
        track_line(
            ego, b, route[RouteRow.LATERAL_OFFSET, b], route[RouteRow.HEADING_ERROR, b], curvature, limit,
            wheelbase, wheel_angle, tangent_factor, actions, b,
        )  # fmt: skip


@njit
def _keep_lane(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    wheelbase: float,
    wheel_angle: float,
    tangent_factor: float,
    floor_it: bool,
    actions: FloatArray,
) -> None:
    for b in range(actions.shape[0]):
        track_line(
            ego, b, road[RoadRow.LANE_OFFSET, b], road[RoadRow.HEADING_ERROR, b], road[RoadRow.CURVATURE, b],
            following_speed(ego, actors, road, b), wheelbase, wheel_angle, tangent_factor, actions, b,
        )  # fmt: skip
        if floor_it:
            actions[b, 0] = 1.0
