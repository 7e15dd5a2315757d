"""Small scenes and a stand-in simulator, for tests whose numbers are worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from envs.scene import (
    ROUTE_POINT_SPACING_M,
    ROUTE_POINTS,
    ActorKind,
    ActorRow,
    EgoRow,
    EventRow,
    RoadCategory,
    RoadRow,
    RouteRow,
    SceneBatch,
)


def make_actor(
    x: float,
    y: float,
    *,
    yaw: float = 0.0,
    speed: float = 0.0,
    kind: ActorKind = ActorKind.CAR,
    length: float = 4.0,
    width: float = 2.0,
    visible: bool = True,
    actor_id: int = 1,
) -> dict[ActorRow, float]:
    """Return the numbers of one road user that moves along its yaw."""
    return {
        ActorRow.VALID: 1.0,
        ActorRow.VISIBLE: float(visible),
        ActorRow.KIND: float(int(kind)),
        ActorRow.ID: float(actor_id),
        ActorRow.X: x,
        ActorRow.Y: y,
        ActorRow.YAW: yaw,
        ActorRow.SPEED: speed,
        ActorRow.VX: speed * math.cos(yaw),
        ActorRow.VY: speed * math.sin(yaw),
        ActorRow.LENGTH: length,
        ActorRow.WIDTH: width,
    }


def make_scene(
    batch: int = 1,
    actors: Sequence[Mapping[ActorRow, float]] = (),
    *,
    slots: int | None = None,
    ego: Mapping[EgoRow, float] | None = None,
    road: Mapping[RoadRow, float] | None = None,
    route: Mapping[RouteRow, float] | None = None,
    time_s: float = 0.0,
) -> SceneBatch:
    """Return ``batch`` equal worlds: ego (4 x 2 m) at the origin heading east on a straight urban lane, 100 m to go."""
    scene = SceneBatch.empty(batch, max(len(actors), 1) if slots is None else slots)
    scene.time_s[:] = time_s
    _fill(scene.ego.block, {EgoRow.LENGTH: 4.0, EgoRow.WIDTH: 2.0, **(ego or {})})
    _fill(scene.road.block, {**_ROAD, **(road or {})})
    _fill(scene.route.block, {RouteRow.LENGTH: 100.0, RouteRow.TIME_LIMIT: 20.0, **(route or {})})
    for a, numbers in enumerate(actors):
        for row, value in numbers.items():
            scene.actors.block[row, :, a] = value
    x, y = scene.ego.x[:, None], scene.ego.y[:, None]
    scene.route.points[..., 0] = x + ROUTE_POINT_SPACING_M * np.arange(1, ROUTE_POINTS + 1)
    scene.route.points[..., 1] = y
    return scene


_ROAD = {
    RoadRow.CATEGORY: float(int(RoadCategory.URBAN)),
    RoadRow.LANE_WIDTH: 3.5,
    RoadRow.SPEED_LIMIT: 15.0,
    RoadRow.DISTANCE_TO_LANE_END: 200.0,
    RoadRow.EDGE_LEFT: 1.75,
    RoadRow.EDGE_RIGHT: 1.75,
    RoadRow.DISTANCE_TO_JUNCTION: 200.0,
    RoadRow.DISTANCE_TO_STOP_LINE: 200.0,
}


def _fill(block: np.ndarray, numbers: Mapping[Any, float]) -> None:
    for row, value in numbers.items():
        block[row] = value


class LaneSource:
    """Stands in for a scenario set: the case is (cell, seed) itself, with the ego's speed drawn from the seed."""

    def sample(self, cell: int, seed: int) -> Any:
        return SimpleNamespace(
            cell=cell, seed=seed, ego_speed=5.0 + seed % 7, name="straight", density="low", map_name="m"
        )


class StraightSimulator:
    """Stands in for a simulator: the ego runs east at its own speed plus what it was told, one parked car 60 m ahead.

    Throttle and brake change the speed by 1 m/s a step, steering moves the ego sideways by 0.5 m x steer. Leaving
    |y| <= 3 m is off road, 100 m is the goal, touching the car a collision.
    """

    def __init__(self, batch_size: int, time_limit_s: float = 20.0) -> None:
        car = make_actor(60.0, 0.0)
        self._scene = make_scene(batch_size, [car], route={RouteRow.TIME_LIMIT: time_limit_s})
        self.controls: list[np.ndarray] = []
        self.closed = False

    @property
    def batch_size(self) -> int:
        return self._scene.batch_size

    def reset(self, scenarios: Sequence[Any], mask: Any = None) -> SceneBatch:
        rows = np.arange(self.batch_size) if mask is None else np.flatnonzero(mask)
        assert len(rows) == len(scenarios)
        scene = self._scene
        for b, case in zip(rows, scenarios, strict=True):
            scene.cell[b], scene.seed[b], scene.step[b], scene.time_s[b] = case.cell, case.seed, 0, 0.0
            scene.ego.x[b], scene.ego.y[b], scene.ego.speed[b] = 0.0, 0.0, case.ego_speed
            scene.route.progress_m[b] = 0.0
            scene.events.block[:, b] = 0.0
        return scene

    def step(self, control: np.ndarray) -> SceneBatch:
        self.controls.append(control.copy())
        scene = self._scene
        scene.ego.speed[:] = np.maximum(scene.ego.speed + control[:, 0] - control[:, 1], 0.0)
        scene.ego.x[:] += 0.1 * scene.ego.speed
        scene.ego.y[:] += 0.5 * control[:, 2]
        scene.step[:] += 1
        scene.time_s[:] += 0.1
        scene.route.progress_m[:] = scene.ego.x
        touching = (np.abs(scene.ego.x - 60.0) < 4.0) & (np.abs(scene.ego.y) < 2.0)
        scene.events.block[EventRow.COLLISION] = touching
        scene.events.block[EventRow.OFF_ROAD] = np.abs(scene.ego.y) > 3.0
        scene.events.block[EventRow.GOAL_REACHED] = scene.ego.x >= 100.0
        return scene

    def state(self) -> dict[str, Any]:
        return {"scene": self._scene.copy()}

    def set_state(self, state: dict[str, Any]) -> SceneBatch:
        self._scene = state["scene"].copy()
        return self._scene

    def close(self) -> None:
        self.closed = True
