"""The nearest road users that the ego sees, in slots by where they are.

A slot belongs to one of nine places around the ego: ahead, beside or behind it, to its left, in its path or to its
right (by the edges of the bodies, on the ego's axes). So a number always means the same, such as "the gap to whoever
is next in my path"; slots sorted by distance alone change their meaning from step to step, and no method learnt to
overtake with them. Everything fades with the distance, so that nobody appears or vanishes with a jump.
"""

from __future__ import annotations

import math

import numpy as np

from envs.compiled import njit
from envs.observations.block import Float32Array, ObservationBlock
from envs.observations.relative import relative_position, relative_velocity, seen
from envs.observations.scaling import clip_unit, nearness
from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, IntArray, SceneBatch

PLACES = (
    *("ahead_left", "ahead", "ahead_right"),
    *("left", "overlapping", "right"),
    *("behind_left", "behind", "behind_right"),
)
"""Where a slot's road user is, seen from the ego; ``overlapping`` bodies have collided or nearly so."""

AGENT_FEATURES = (
    "nearness",
    "gap_along_15m_faded",
    "gap_across_15m_faded",
    "gap_across_3m_faded",
    "vx/15mps_faded",
    "vy/15mps_faded",
    "sin_heading_faded",
    "vulnerable_faded",
)
"""``nearness`` is 1 where the bodies touch and 0 at the range; ``faded``: times that. Gaps lie between the edges of the
bodies along and across the ego's axes, and count as ``1 - gap / 15 m`` or ``/ 3 m``, at least 0."""

SLOT_SIZE = len(AGENT_FEATURES)


class AgentsBlock(ObservationBlock):
    """``PLACES x per_place`` slots of ``AGENT_FEATURES``, the nearest first in each place; an empty slot is zero."""

    name = "agents"

    def __init__(self, per_place: int, range_m: float) -> None:
        self.shape = (len(PLACES), per_place, SLOT_SIZE)
        self.names = tuple(
            f"{place}{k}_{feature}" for place in PLACES for k in range(per_place) for feature in AGENT_FEATURES
        )
        self._range_m = range_m
        self._nearest = np.empty((len(PLACES), per_place), np.int64)
        self._distances = np.empty((len(PLACES), per_place))

    def write(
        self, scene: SceneBatch, command: FloatArray, rows: IntArray, out: Float32Array, start: int, fresh: bool
    ) -> None:
        """Write the block; see ``ObservationBlock.write``."""
        _write(scene.ego.block, scene.actors.block, rows, self._range_m, self._nearest, self._distances, out, start)


@njit
def _write(
    ego: FloatArray,
    actors: FloatArray,
    rows: IntArray,
    range_m: float,
    nearest: IntArray,
    distances: FloatArray,
    out: Float32Array,
    start: int,
) -> None:
    for b in rows:
        cos_yaw, sin_yaw = math.cos(ego[EgoRow.YAW, b]), math.sin(ego[EgoRow.YAW, b])
        _find_nearest(ego, actors, b, cos_yaw, sin_yaw, range_m, nearest, distances)
        out[b, start : start + nearest.size * SLOT_SIZE] = 0.0
        column = start
        for a in nearest.flat:
            if a >= 0:
                _write_agent(ego, actors, b, a, cos_yaw, sin_yaw, range_m, out[b, column:])
            column += SLOT_SIZE


@njit
def _find_nearest(
    ego: FloatArray,
    actors: FloatArray,
    b: int,
    cos_yaw: float,
    sin_yaw: float,
    range_m: float,
    nearest: IntArray,
    distances: FloatArray,
) -> None:
    """Fill the slots ``(places, per_place)`` with the nearest visible actors of each place, -1 where there is none."""
    nearest[:] = -1
    distances[:] = range_m
    last = nearest.shape[1] - 1
    for a in range(actors.shape[2]):
        if not seen(actors, b, a):
            continue
        along, across = _gaps(ego, actors, b, a, cos_yaw, sin_yaw)
        distance = math.sqrt(along * along + across * across)
        place = _place(along, across)
        if distance >= distances[place, last]:
            continue
        slot = last
        while slot > 0 and distances[place, slot - 1] > distance:
            nearest[place, slot], distances[place, slot] = nearest[place, slot - 1], distances[place, slot - 1]
            slot -= 1
        nearest[place, slot], distances[place, slot] = a, distance


@njit
def _gaps(ego: FloatArray, actors: FloatArray, b: int, a: int, cos_yaw: float, sin_yaw: float) -> tuple[float, float]:
    """Return the gaps (m) between the bodies along and across the ego's axes: positive ahead and left, 0 abreast."""
    x, y = relative_position(ego, actors, b, a, cos_yaw, sin_yaw)
    heading = actors[ActorRow.YAW, b, a] - ego[EgoRow.YAW, b]
    cosine, sine = abs(math.cos(heading)), abs(math.sin(heading))
    length, width = actors[ActorRow.LENGTH, b, a], actors[ActorRow.WIDTH, b, a]
    along = abs(x) - 0.5 * (ego[EgoRow.LENGTH, b] + length * cosine + width * sine)
    across = abs(y) - 0.5 * (ego[EgoRow.WIDTH, b] + length * sine + width * cosine)
    return math.copysign(max(along, 0.0), x), math.copysign(max(across, 0.0), y)


@njit
def _place(along: float, across: float) -> int:
    """Return the index in ``PLACES``."""
    row = 0 if along > 0.0 else (2 if along < 0.0 else 1)
    column = 0 if across > 0.0 else (2 if across < 0.0 else 1)
    return 3 * row + column


@njit
def _write_agent(
    ego: FloatArray,
    actors: FloatArray,
    b: int,
    a: int,
    cos_yaw: float,
    sin_yaw: float,
    range_m: float,
    row: Float32Array,
) -> None:
    along, across = _gaps(ego, actors, b, a, cos_yaw, sin_yaw)
    vx, vy = relative_velocity(ego, actors, b, a, cos_yaw, sin_yaw)
    kind = int(actors[ActorRow.KIND, b, a])
    near = nearness(math.sqrt(along * along + across * across), range_m)
    row[0] = near
    row[1] = near * nearness(abs(along), 15.0)
    row[2] = near * nearness(abs(across), 15.0)
    row[3] = near * nearness(abs(across), 3.0)
    row[4] = near * clip_unit(vx / 15.0)
    row[5] = near * clip_unit(vy / 15.0)
    row[6] = near * math.sin(actors[ActorRow.YAW, b, a] - ego[EgoRow.YAW, b])
    row[7] = near if kind == ActorKind.PEDESTRIAN or kind == ActorKind.CYCLIST else 0.0
