"""Two drivers that do not think: keep the lane behind whoever is ahead, and floor it."""

from __future__ import annotations

import math

import numpy as np

from envs.action import ActionConfig
from envs.compiled import njit
from envs.drivers.control import track_line, track_numbers
from envs.scene import ActorRow, EgoRow, FloatArray, RoadRow, SceneBatch
from envs.traffic.following import FREE_GAP, idm

CORRIDOR_M = 0.3
"""Clearance beside the own body within which an actor is in the way (m)."""


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
        limit = road[RoadRow.SPEED_LIMIT, b]
        gap, leader = _visible_leader(ego, actors, b)
        to_end = road[RoadRow.DISTANCE_TO_LANE_END, b] - 0.5 * ego[EgoRow.LENGTH, b]
        if to_end < min(gap, 150.0):
            gap, leader = to_end, 0.0
        speed = ego[EgoRow.SPEED, b]
        wish = speed + idm(speed, limit, 1.2, 2.0, 2.0, 3.0, gap, leader)
        track_line(
            ego, b, road[RoadRow.LANE_OFFSET, b], road[RoadRow.HEADING_ERROR, b], road[RoadRow.CURVATURE, b],
            max(wish, 0.0), wheelbase, wheel_angle, tangent_factor, actions, b,
        )  # fmt: skip
        if floor_it:
            actions[b, 0] = 1.0


@njit
def _visible_leader(ego: FloatArray, actors: FloatArray, b: int) -> tuple[float, float]:
    """Return (gap m, speed m/s) of the nearest visible actor in the straight corridor ahead."""
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
        if ahead > 0.0 and abs(aside) < half_width + 0.5 * ego[EgoRow.WIDTH, b] + CORRIDOR_M and gap < nearest:
            nearest = gap
            speed = actors[ActorRow.VX, b, i] * cosine + actors[ActorRow.VY, b, i] * sine
    return nearest, speed
