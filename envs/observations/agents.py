"""The K nearest road users that the ego sees, nearest first."""

from __future__ import annotations

import math

import numpy as np

from envs.compiled import njit
from envs.observations.block import Float32Array, ObservationBlock
from envs.observations.relative import box_distance, relative_position, relative_velocity, seen
from envs.observations.scaling import clip_unit, nearness
from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, IntArray, SceneBatch

AGENT_FEATURES = (
    "present",
    "x/range",
    "y/range",
    "near_x",
    "near_y",
    "nearness/30m",
    "cos_heading",
    "sin_heading",
    "vx/15mps",
    "vy/15mps",
    "closing/15mps",
    "length/12m",
    "width/3m",
    *(f"is_{kind.name.lower()}" for kind in ActorKind),
)
SLOT_SIZE = len(AGENT_FEATURES)
KIND_START = AGENT_FEATURES.index("is_car")


class AgentsBlock(ObservationBlock):
    """``count`` slots of ``AGENT_FEATURES``, nearest body first (from the ego's centre); an empty slot is zero.

    Positions come on two scales, the range and a few metres (``near_x = tanh(x / 10)``, ``near_y = tanh(y / 4)``),
    because one linear scale leaves a two-metre gap almost invisible.
    """

    name = "agents"

    def __init__(self, count: int, range_m: float) -> None:
        self.shape = (count, SLOT_SIZE)
        self.names = tuple(f"agent{k}_{feature}" for k in range(count) for feature in AGENT_FEATURES)
        self._count, self._range_m = count, range_m

    def write(
        self, scene: SceneBatch, command: FloatArray, rows: IntArray, out: Float32Array, start: int, fresh: bool
    ) -> None:
        """Write the block; see ``ObservationBlock.write``."""
        _write(scene.ego.block, scene.actors.block, rows, self._count, self._range_m, out, start)


@njit
def _write(
    ego: FloatArray,
    actors: FloatArray,
    rows: IntArray,
    count: int,
    range_m: float,
    out: Float32Array,
    start: int,
) -> None:
    nearest = np.empty(count, np.int64)
    distances = np.empty(count)
    for b in rows:
        yaw = ego[EgoRow.YAW, b]
        cos_yaw, sin_yaw = math.cos(yaw), math.sin(yaw)
        found = _nearest(ego, actors, b, cos_yaw, sin_yaw, range_m, nearest, distances)
        out[b, start : start + count * SLOT_SIZE] = 0.0
        for k in range(found):
            row = out[b, start + k * SLOT_SIZE :]
            _write_agent(ego, actors, b, nearest[k], distances[k], cos_yaw, sin_yaw, range_m, row)


@njit
def _nearest(
    ego: FloatArray,
    actors: FloatArray,
    b: int,
    cos_yaw: float,
    sin_yaw: float,
    range_m: float,
    nearest: IntArray,
    distances: FloatArray,
) -> int:
    """Fill the slots and distances of the nearest visible actors, sorted; return how many there are."""
    found = 0
    for a in range(actors.shape[2]):
        if not seen(actors, b, a):
            continue
        x, y = relative_position(ego, actors, b, a, cos_yaw, sin_yaw)
        heading = actors[ActorRow.YAW, b, a] - ego[EgoRow.YAW, b]
        length, width = actors[ActorRow.LENGTH, b, a], actors[ActorRow.WIDTH, b, a]
        distance = box_distance(x, y, math.cos(heading), math.sin(heading), length, width)
        if distance >= range_m or (found == len(nearest) and distance >= distances[found - 1]):
            continue
        found = min(found + 1, len(nearest))
        place = found - 1
        while place > 0 and distances[place - 1] > distance:
            nearest[place], distances[place] = nearest[place - 1], distances[place - 1]
            place -= 1
        nearest[place], distances[place] = a, distance
    return found


@njit
def _write_agent(
    ego: FloatArray,
    actors: FloatArray,
    b: int,
    a: int,
    distance: float,
    cos_yaw: float,
    sin_yaw: float,
    range_m: float,
    row: Float32Array,
) -> None:
    x, y = relative_position(ego, actors, b, a, cos_yaw, sin_yaw)
    vx, vy = relative_velocity(ego, actors, b, a, cos_yaw, sin_yaw)
    heading = actors[ActorRow.YAW, b, a] - ego[EgoRow.YAW, b]
    row[0] = 1.0
    row[1] = clip_unit(x / range_m)
    row[2] = clip_unit(y / range_m)
    row[3] = math.tanh(x / 10.0)
    row[4] = math.tanh(y / 4.0)
    row[5] = nearness(distance, 30.0)
    row[6] = math.cos(heading)
    row[7] = math.sin(heading)
    row[8] = clip_unit(vx / 15.0)
    row[9] = clip_unit(vy / 15.0)
    row[10] = clip_unit(-(x * vx + y * vy) / max(math.sqrt(x * x + y * y), 0.1) / 15.0)
    row[11] = clip_unit(actors[ActorRow.LENGTH, b, a] / 12.0)
    row[12] = clip_unit(actors[ActorRow.WIDTH, b, a] / 3.0)
    row[KIND_START + int(actors[ActorRow.KIND, b, a])] = 1.0
