"""Two drivers that do not think: keep the lane behind whoever is ahead, and floor it."""

from __future__ import annotations

import numpy as np

from envs.action import ActionConfig
from envs.compiled import njit
from envs.drivers.control import following_speed, track_line, track_numbers
from envs.scene import FloatArray, RoadRow, SceneBatch


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
        track_line(
            ego, b, road[RoadRow.LANE_OFFSET, b], road[RoadRow.HEADING_ERROR, b], road[RoadRow.CURVATURE, b],
            following_speed(ego, actors, road, b), wheelbase, wheel_angle, tangent_factor, actions, b,
        )  # fmt: skip
        if floor_it:
            actions[b, 0] = 1.0
