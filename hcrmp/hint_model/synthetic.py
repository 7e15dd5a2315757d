"""Scenes that no simulator made: random, but with the ways in which road users stand to each other.

They are the breadth of the training data: every batch is fresh, and what no family of scenarios shows is there too.
"""

from __future__ import annotations

import numpy as np

from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, IntArray, RoadRow, SceneBatch, SignalState, StopLine

SLOTS = 12
SIZES = np.array([(4.6, 1.9), (9.0, 2.5), (12.0, 2.6), (2.2, 0.8), (0.5, 0.5), (1.8, 0.6), (1.0, 1.0)])
"""Length and width by kind (m)."""

_LIMITS = ((22.0, 36.0), (14.0, 28.0), (8.0, 17.0))
"""Speed limits by road category (m/s)."""

_LANE_M = 3.5
_VEHICLES = (ActorKind.CAR, ActorKind.TRUCK, ActorKind.BUS, ActorKind.MOTORCYCLE)
_WALKERS = (ActorKind.PEDESTRIAN, ActorKind.CYCLIST)


def synthetic_scenes(count: int, rng: np.random.Generator) -> SceneBatch:
    """Return ``count`` random scenes; every ego is at the origin and heads east."""
    scene = SceneBatch.empty(count, SLOTS)
    _write_road(scene, rng)
    _write_ego(scene, rng)
    there = np.arange(SLOTS) < ((SLOTS + 1) * rng.random(count) ** 1.6).astype(np.int64)[:, None]
    worlds, slots = np.nonzero(there)
    scene.actors.block[:, worlds, slots] = _actors(scene, worlds, rng)
    _close_lanes(scene, rng)
    scene.actors.block[ActorRow.ID] = np.where(scene.actors.valid, np.arange(1, SLOTS + 1), 0)
    return scene


def _close_lanes(scene: SceneBatch, rng: np.random.Generator) -> None:
    """Put a row of obstacles on the road ahead of every eighth ego, as before works or a closed lane."""
    worlds = np.flatnonzero(rng.random(scene.batch_size) < 0.125)
    m = len(worlds)
    count, spacing = rng.integers(2, 6, m), rng.uniform(1.5, 6.0, m)
    x, y = rng.uniform(3, 70, m), rng.uniform(-1.5 * _LANE_M, 1.5 * _LANE_M, m)
    slope = rng.uniform(-0.3, 0.3, m) * (rng.random(m) < 0.6)
    for place in range(5):
        there = place < count
        numbers = np.zeros((len(ActorRow), m))
        numbers[ActorRow.VALID] = numbers[ActorRow.VISIBLE] = 1.0
        numbers[ActorRow.KIND] = float(ActorKind.STATIC)
        numbers[ActorRow.X], numbers[ActorRow.Y] = x + place * spacing, y + place * spacing * slope
        numbers[ActorRow.LENGTH] = numbers[ActorRow.WIDTH] = rng.uniform(0.4, 2.0, m)
        near = (numbers[ActorRow.X] < 5.0) & (np.abs(numbers[ActorRow.Y]) < 2.2)
        scene.actors.block[:, worlds[there & ~near], place] = numbers[:, there & ~near]


def _pick(rng: np.random.Generator, count: int, values: tuple[float, ...], shares: tuple[float, ...]) -> FloatArray:
    return np.asarray(rng.choice(np.array(values, dtype=np.float64), count, p=shares))


def _write_road(scene: SceneBatch, rng: np.random.Generator) -> None:
    n, road = scene.batch_size, scene.road.block
    category = rng.integers(0, 3, n)
    limits = np.array(_LIMITS)[category]
    road[RoadRow.CATEGORY] = category
    road[RoadRow.SPEED_LIMIT] = rng.uniform(limits[:, 0], limits[:, 1])
    road[RoadRow.LANES_LEFT] = _pick(rng, n, (0, 1, 2), (0.35, 0.45, 0.2))
    road[RoadRow.LANES_RIGHT] = _pick(rng, n, (0, 1, 2), (0.55, 0.35, 0.1))
    road[RoadRow.LEFT_IS_ONCOMING] = (rng.random(n) < 0.5) & (road[RoadRow.LANES_LEFT] > 0) & (category > 0)
    road[RoadRow.LANE_WIDTH] = _LANE_M
    road[RoadRow.DISTANCE_TO_LANE_END] = np.where(rng.random(n) < 0.25, rng.uniform(0, 160, n), 200.0)
    road[RoadRow.CURVATURE] = np.where(rng.random(n) < 0.3, rng.normal(0, 0.02, n), 0.0)
    offset = rng.normal(0, 0.3, n)
    astray = rng.random(n) < 0.15
    half = 0.5 * _LANE_M
    left = half + _LANE_M * road[RoadRow.LANES_LEFT] - offset
    right = half + _LANE_M * road[RoadRow.LANES_RIGHT] + offset
    road[RoadRow.EDGE_LEFT] = left
    road[RoadRow.EDGE_RIGHT] = np.where(astray, rng.uniform(0.2, 2.0, n), right)
    _write_control(scene, rng)


def _write_control(scene: SceneBatch, rng: np.random.Generator) -> None:
    n, road = scene.batch_size, scene.road.block
    what = rng.choice(7, n, p=(0.5, 0.12, 0.08, 0.12, 0.07, 0.04, 0.07))
    signal = np.array([0, SignalState.GREEN, SignalState.YELLOW, SignalState.RED, 0, 0, 0])
    line = np.array([0, StopLine.SIGNAL, StopLine.SIGNAL, StopLine.SIGNAL, StopLine.STOP_SIGN, StopLine.STOP_SIGN,
                     StopLine.YIELD_SIGN])  # fmt: skip
    road[RoadRow.SIGNAL], road[RoadRow.STOP_LINE] = signal[what], line[what]
    road[RoadRow.STOOD] = what == 5
    distance = rng.uniform(0, 1, n) ** 1.5 * 120.0
    road[RoadRow.DISTANCE_TO_STOP_LINE] = np.where(what > 0, distance, 200.0)
    inside = (rng.random(n) < 0.1) & (what == 0)
    alone = np.where(rng.random(n) < 0.2, rng.uniform(0, 120, n), 200.0)
    road[RoadRow.IN_JUNCTION] = inside
    road[RoadRow.DISTANCE_TO_JUNCTION] = np.where(inside, 0.0, np.where(what > 0, distance + 2.0, alone))


def _write_ego(scene: SceneBatch, rng: np.random.Generator) -> None:
    n, ego = scene.batch_size, scene.ego.block
    share = np.where(rng.random(n) < 0.15, rng.uniform(0, 0.1, n), rng.uniform(0.1, 1.5, n))
    share = np.where(rng.random(n) < 0.7, np.minimum(share, 1.1), share)
    ego[EgoRow.SPEED] = scene.road.block[RoadRow.SPEED_LIMIT] * share
    ego[EgoRow.ACCELERATION] = rng.normal(0, 1.2, n)
    ego[EgoRow.LENGTH], ego[EgoRow.WIDTH] = 4.7, 1.9


def _actors(scene: SceneBatch, worlds: IntArray, rng: np.random.Generator) -> FloatArray:
    """Return the columns ``(ActorRow, m)`` of one actor in each of ``worlds`` (m)."""
    m = len(worlds)
    limit, own = scene.road.block[RoadRow.SPEED_LIMIT, worlds], scene.ego.block[EgoRow.SPEED, worlds]
    role = rng.choice(len(_ROLES), m, p=[share for share, _ in _ROLES])
    numbers = np.zeros((len(ActorRow), m))
    for place, (_, write) in enumerate(_ROLES):
        chosen = np.flatnonzero(role == place)
        numbers[:, chosen] = write(limit[chosen], own[chosen], rng)
    yaw = numbers[ActorRow.YAW]
    numbers[ActorRow.VX] = numbers[ActorRow.SPEED] * np.cos(yaw)
    numbers[ActorRow.VY] = numbers[ActorRow.SPEED] * np.sin(yaw)
    numbers[ActorRow.LENGTH], numbers[ActorRow.WIDTH] = SIZES[numbers[ActorRow.KIND].astype(np.int64)].T
    numbers[ActorRow.LENGTH] *= rng.uniform(0.85, 1.2, m)
    numbers[ActorRow.VALID] = numbers[ActorRow.VISIBLE] = 1.0
    _keep_apart(numbers)
    return numbers


def _keep_apart(numbers: FloatArray) -> None:
    """Move bodies out of the ego's."""
    reach = 2.6 + 0.5 * numbers[ActorRow.LENGTH]
    inside = (np.abs(numbers[ActorRow.X]) < reach) & (np.abs(numbers[ActorRow.Y]) < 2.0)
    numbers[ActorRow.X, inside] += np.where(numbers[ActorRow.X, inside] < 0, -1.0, 1.0) * reach[inside]


def _base(
    kind: FloatArray, x: FloatArray, y: FloatArray, yaw: FloatArray, speed: FloatArray, acceleration: FloatArray
) -> FloatArray:
    numbers = np.zeros((len(ActorRow), len(x)))
    numbers[ActorRow.KIND], numbers[ActorRow.X], numbers[ActorRow.Y] = kind, x, y
    numbers[ActorRow.YAW], numbers[ActorRow.SPEED], numbers[ActorRow.ACCELERATION] = yaw, speed, acceleration
    return numbers


def _along(m: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.where(rng.random(m) < 0.6, rng.uniform(-15, 35, m), rng.uniform(-60, 110, m)))


def _braking(m: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.where(rng.random(m) < 0.15, rng.uniform(-6, 0, m), rng.normal(0, 0.5, m)))


def _vehicle(m: int, rng: np.random.Generator) -> FloatArray:
    return _pick(rng, m, tuple(float(kind) for kind in _VEHICLES), (0.65, 0.13, 0.1, 0.12))


def _same_way(limit: FloatArray, own: FloatArray, rng: np.random.Generator) -> FloatArray:
    m = len(limit)
    lane = rng.integers(-1, 2, m)
    x = np.where((lane == 0) & (rng.random(m) < 0.7), rng.uniform(6, 80, m), _along(m, rng))
    speed = np.where(rng.random(m) < 0.1, 0.0, np.clip(own + rng.normal(0, 3, m), 0, 1.3 * limit))
    y = _LANE_M * lane + rng.normal(0, 0.4, m)
    return _base(_vehicle(m, rng), x, y, rng.normal(0, 0.06, m), speed, _braking(m, rng))


def _oncoming(limit: FloatArray, own: FloatArray, rng: np.random.Generator) -> FloatArray:
    m = len(limit)
    y = _LANE_M * _pick(rng, m, (0.0, 1.0, 2.0), (0.12, 0.75, 0.13)) + rng.normal(0, 0.3, m)
    speed = np.where(rng.random(m) < 0.1, 0.0, limit * rng.uniform(0.3, 1.1, m))
    x, yaw = rng.uniform(-30, 130, m), np.pi + rng.normal(0, 0.06, m)
    return _base(_vehicle(m, rng), x, y, yaw, speed, _braking(m, rng))


def _crossing(limit: FloatArray, own: FloatArray, rng: np.random.Generator) -> FloatArray:
    m = len(limit)
    side = _pick(rng, m, (-1.0, 1.0), (0.5, 0.5))
    y, x = side * rng.uniform(2.5, 45, m), np.where(rng.random(m) < 0.8, rng.uniform(3, 50, m), _along(m, rng))
    yaw = -side * np.pi / 2 + np.where(rng.random(m) < 0.4, rng.normal(0, 0.7, m), 0.0)
    speed = np.where(rng.random(m) < 0.25, 0.0, rng.uniform(0.5, 13, m))
    return _base(_vehicle(m, rng), x, y, yaw, speed, _braking(m, rng))


def _walker(limit: FloatArray, own: FloatArray, rng: np.random.Generator) -> FloatArray:
    m = len(limit)
    kind = _pick(rng, m, tuple(float(kind) for kind in _WALKERS), (0.7, 0.3))
    side = _pick(rng, m, (-1.0, 1.0), (0.6, 0.4))
    across = rng.random(m) < 0.55
    towards = -side * np.pi / 2 * _pick(rng, m, (1.0, -1.0), (0.8, 0.2))
    yaw = np.where(across, towards, _pick(rng, m, (0.0, np.pi), (0.6, 0.4)))
    fast = np.where(kind == ActorKind.CYCLIST, rng.uniform(1, 7, m), rng.uniform(0.4, 3, m))
    speed = np.where(rng.random(m) < 0.25, 0.0, fast)
    x, y = np.where(rng.random(m) < 0.8, rng.uniform(2, 60, m), _along(m, rng)), side * rng.uniform(0, 10, m)
    return _base(kind, x, y, yaw + rng.normal(0, 0.15, m), speed, np.zeros(m))


def _standing(limit: FloatArray, own: FloatArray, rng: np.random.Generator) -> FloatArray:
    m = len(limit)
    obstacle = rng.random(m) < 0.3
    kind = np.where(obstacle, float(ActorKind.STATIC), _vehicle(m, rng))
    side = _pick(rng, m, (-1.0, 1.0), (0.7, 0.3))
    in_lane = rng.random(m) < 0.08
    y = np.where(in_lane, rng.normal(0, 0.8, m), side * rng.uniform(1.9, 4.5, m))
    yaw = np.where(rng.random(m) < 0.8, rng.normal(0, 0.05, m), rng.uniform(-np.pi, np.pi, m))
    return _base(kind, rng.uniform(-10, 70, m), y, yaw, np.zeros(m), np.zeros(m))


_ROLES = ((0.38, _same_way), (0.16, _oncoming), (0.14, _crossing), (0.18, _walker), (0.14, _standing))
"""How often each role, and what writes its columns from limit and own speed."""
