"""Random but plausible scenes for invariants of hints: three lanes, flowing traffic, walkers at the side."""

from __future__ import annotations

import numpy as np

from envs.scene import ActorKind, ActorRow, EgoRow, RoadCategory, RoadRow, SceneBatch

_SIZES = ((4.6, 1.9), (9.0, 2.5), (12.0, 2.6), (2.2, 0.8), (0.5, 0.5), (1.8, 0.6), (1.0, 1.0))
_KIND_SHARES = (0.55, 0.1, 0.05, 0.06, 0.12, 0.08, 0.04)
_LIMITS_MPS = {RoadCategory.URBAN: 13.9, RoadCategory.RURAL: 22.2, RoadCategory.HIGHWAY: 27.8}


def random_scene(batch: int, actors: int, rng: np.random.Generator) -> SceneBatch:
    """Return ``batch`` different worlds of up to ``actors`` road users each, every ego at the origin heading east."""
    scene = SceneBatch.empty(batch, actors)
    scene.seed[:] = rng.integers(0, 2**31, batch)
    ego, road = scene.ego.block, scene.road.block
    category = rng.integers(0, 3, batch)
    limit = np.array([_LIMITS_MPS[RoadCategory(code)] for code in category])
    ego[EgoRow.SPEED] = limit * rng.uniform(0.2, 1.05, batch)
    ego[EgoRow.LENGTH], ego[EgoRow.WIDTH] = 4.7, 1.9
    road[RoadRow.CATEGORY], road[RoadRow.SPEED_LIMIT], road[RoadRow.LANE_WIDTH] = category, limit, 3.5
    road[RoadRow.LANES_LEFT] = 1
    road[RoadRow.LANES_RIGHT] = rng.integers(0, 2, batch)
    road[RoadRow.EDGE_LEFT], road[RoadRow.EDGE_RIGHT] = 5.25, 1.75 + 3.5 * road[RoadRow.LANES_RIGHT]
    road[RoadRow.LEFT_IS_ONCOMING] = (rng.random(batch) < 0.4) & (category != RoadCategory.HIGHWAY)
    ends = rng.random(batch) < 0.2
    road[RoadRow.DISTANCE_TO_LANE_END] = np.where(ends, rng.uniform(10, 150, batch), 200.0)
    road[RoadRow.DISTANCE_TO_STOP_LINE] = road[RoadRow.DISTANCE_TO_JUNCTION] = 200.0
    for b in range(batch):
        for a in range(rng.integers(0, actors + 1)):
            scene.actors.block[:, b, a] = _actor(rng, limit[b], bool(road[RoadRow.LEFT_IS_ONCOMING, b]), a)
    return scene


def _actor(rng: np.random.Generator, limit: float, left_is_oncoming: bool, a: int) -> np.ndarray:
    kind = ActorKind(int(rng.choice(7, p=_KIND_SHARES)))
    lane = int(rng.integers(-1, 2))
    x, y = rng.uniform(-60, 100), 3.5 * lane + rng.normal(0, 0.3)
    yaw, speed = (np.pi if lane == 1 and left_is_oncoming else 0.0), limit * rng.uniform(0.2, 1.0)
    if kind == ActorKind.PEDESTRIAN:
        y, yaw = rng.choice([-1, 1]) * rng.uniform(2, 8), rng.choice([-0.5, 0.0, 0.5, 1.0]) * np.pi
        speed = rng.choice([0.0, 1.4])
    elif kind in (ActorKind.CAR, ActorKind.TRUCK) and rng.random() < 0.25:
        y, speed = -3.0, 0.0
    length, width = _SIZES[kind]
    if abs(x) < 0.5 * length + 3 and abs(y) < 2.2:
        x += 20
    numbers = np.zeros(len(ActorRow))
    numbers[ActorRow.VALID], numbers[ActorRow.VISIBLE] = 1, rng.random() < 0.85
    numbers[ActorRow.KIND], numbers[ActorRow.ID] = kind, a + 1
    numbers[ActorRow.X], numbers[ActorRow.Y], numbers[ActorRow.YAW], numbers[ActorRow.SPEED] = x, y, yaw, speed
    numbers[ActorRow.VX], numbers[ActorRow.VY] = speed * np.cos(yaw), speed * np.sin(yaw)
    numbers[ActorRow.LENGTH], numbers[ActorRow.WIDTH] = length, width
    return numbers


def rotated(scene: SceneBatch, angle: float, shift: tuple[float, float] = (0.0, 0.0)) -> SceneBatch:
    """Return the same worlds in a frame turned by ``angle`` (rad) and moved by ``shift`` (m)."""
    turned = scene.copy()
    cos, sin = np.cos(angle), np.sin(angle)
    ego, actors = turned.ego.block, turned.actors.block
    for block, x, y in (
        (ego, EgoRow.X, EgoRow.Y),
        (actors, ActorRow.X, ActorRow.Y),
        (actors, ActorRow.VX, ActorRow.VY),
    ):
        block[x], block[y] = cos * block[x] - sin * block[y], sin * block[x] + cos * block[y]
    for block, x, y in ((ego, EgoRow.X, EgoRow.Y), (actors, ActorRow.X, ActorRow.Y)):
        block[x] += shift[0]
        block[y] += shift[1]
    ego[EgoRow.YAW] += angle
    actors[ActorRow.YAW] += angle
    return turned


def mirrored(scene: SceneBatch) -> SceneBatch:
    """Return the same worlds with left and right exchanged."""
    other = scene.copy()
    other.actors.block[[ActorRow.Y, ActorRow.VY, ActorRow.YAW]] *= -1
    other.ego.block[[EgoRow.Y, EgoRow.LATERAL_SPEED, EgoRow.YAW]] *= -1
    road, before = other.road.block, scene.road.block
    for left, right in ((RoadRow.EDGE_LEFT, RoadRow.EDGE_RIGHT), (RoadRow.LANES_LEFT, RoadRow.LANES_RIGHT)):
        road[left], road[right] = before[right], before[left]
    return other
