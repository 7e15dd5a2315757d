"""Car following: the Intelligent Driver Model and the search for the body that a vehicle follows."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow, ObjectRow
from envs.traffic.network import RoadArrays
from envs.traffic.relations import REACH_M

HARDEST_BRAKE = 8.0
"""Deceleration that no driver model exceeds (m/s2): a dry road."""

FREE_GAP = 1e6
"""Gap that stands for "nobody ahead" (m)."""

NOWHERE_M = 1e9
"""Arc length at which a body stands that is on no related lane (m)."""

CORRIDOR_MARGIN = 0.25
"""Clearance to each side within which a body counts as being in the way (m, ours)."""

PASSING_CLEARANCE = 0.6
"""Clearance that a driver seeks beside a standing or oncoming body (m, ours)."""

PASSING_HORIZON = 40.0
"""Distance ahead at which a driver begins to move aside (m, ours)."""

MOST_ASIDE = 0.7
"""Furthest that a driver moves from the lane's centre to pass a body (m, ours)."""

WALKER_FORESIGHT = 1.5
"""Seconds ahead for which a driver extrapolates a walker's way across (ours)."""

VEHICLE_FORESIGHT = 0.6
"""Seconds ahead for which a driver extrapolates a vehicle's sideways motion (ours)."""


@njit
def idm(
    speed: float,
    desired: float,
    headway: float,
    min_gap: float,
    accelerate: float,
    brake: float,
    gap: float,
    leader: float,
) -> float:
    """Return the acceleration (m/s2) of the Intelligent Driver Model (Treiber, Hennecke, Helbing 2000, eq. 3 and 4).

    ``gap`` bumper to bumper (m), ``leader`` its speed (m/s). Above the desired speed the driver brakes comfortably, not
    with the model's fourth power, and who wants no speed comes to rest; the result is kept above ``-HARDEST_BRAKE``.
    """
    free = 1.0 - (speed / max(desired, 0.1)) ** 4
    if free < -1.0 or desired < 0.1:
        free = -1.0
    wish = min_gap + max(0.0, speed * headway + speed * (speed - leader) / (2.0 * math.sqrt(accelerate * brake)))
    interaction = (wish / max(gap, 0.1)) ** 2
    return max(accelerate * (free - interaction), -HARDEST_BRAKE)


@njit
def crosses_corridor(lateral: float, lateral_speed: float, reach: float, walks: bool) -> bool:
    """Tell whether a body at ``lateral`` (m from the path) is, or will shortly be, within ``reach`` (m) of the path."""
    if abs(lateral) < reach:
        return True
    foresight = WALKER_FORESIGHT if walks else VEHICLE_FORESIGHT
    ahead = lateral + lateral_speed * foresight
    return lateral * lateral_speed < 0.0 and (abs(ahead) < reach or ahead * lateral < 0.0)


@njit
def find_leader(
    objects: FloatArray, roads: RoadArrays, b: int, own: int, lane: int, s: float, d: float
) -> tuple[float, float, int]:
    """Return (gap m, its speed m/s, index) of the nearest body ahead of object ``own``, put at (lane, s, d)."""
    nearest, leader_speed, leader = FREE_GAP, 0.0, -1
    lanes, along, across = objects[ObjectRow.LANE, b], objects[ObjectRow.S, b], objects[ObjectRow.D, b]
    half_lengths, half_widths = objects[ObjectRow.HALF_LENGTH, b], objects[ObjectRow.HALF_WIDTH, b]
    slot, table, limit = roads.slot, roads.table, REACH_M
    for j in range(lanes.shape[0]):
        other = int(lanes[j])
        if other < 0 or j == own:
            continue
        begin, ratio, shift, sign = _relation(slot, table, lane, other)
        distance = begin + ratio * along[j] - s
        if not 0.0 < distance < limit:
            continue
        lateral = shift + sign * across[j] - d
        reach = half_widths[own] + half_widths[j] + CORRIDOR_MARGIN
        sideways = sign * objects[ObjectRow.LATERAL_SPEED, b, j]
        if not crosses_corridor(lateral, sideways, reach, objects[ObjectRow.WALKS, b, j] > 0.5):
            continue
        gap = distance - half_lengths[own] - half_lengths[j]
        if gap < nearest:
            nearest, leader, leader_speed = gap, j, sign * objects[ObjectRow.SPEED, b, j]
            # Bodies differ in length: one whose centre is further on may still be nearer.
            limit = min(limit, distance + 20.0)
    return nearest, leader_speed, leader


@njit
def find_follower(objects: FloatArray, roads: RoadArrays, b: int, own: int, lane: int, s: float) -> tuple[float, int]:
    """Return (gap m, index) of the nearest body behind or beside ``own``, put in the middle of ``lane`` at ``s``."""
    nearest, follower = FREE_GAP, -1
    lanes, along, across = objects[ObjectRow.LANE, b], objects[ObjectRow.S, b], objects[ObjectRow.D, b]
    half_lengths, half_widths = objects[ObjectRow.HALF_LENGTH, b], objects[ObjectRow.HALF_WIDTH, b]
    slot, table, limit = roads.slot, roads.table, REACH_M
    for j in range(lanes.shape[0]):
        other = int(lanes[j])
        if other < 0 or j == own:
            continue
        begin, ratio, shift, sign = _relation(slot, table, lane, other)
        distance = s - begin - ratio * along[j]
        if not 0.0 <= distance < limit or sign < 0.0:
            continue
        lateral = shift + sign * across[j]
        if abs(lateral) > half_widths[own] + half_widths[j] + CORRIDOR_MARGIN:
            continue
        gap = distance - half_lengths[own] - half_lengths[j]
        if gap < nearest:
            nearest, follower = gap, j
            limit = min(limit, distance + 20.0)
    return nearest, follower


@njit
def _relation(
    slot: npt.NDArray[np.int32], table: FloatArray, lane: int, other: int
) -> tuple[float, float, float, float]:
    """Return how lane ``other`` reads in ``lane`` (``LaneRelations``); out of every reach where it does not."""
    if other == lane:
        return 0.0, 1.0, 0.0, 1.0
    row = slot[lane, other]
    if row < 0:
        return NOWHERE_M, 0.0, 0.0, -1.0
    return table[row, 0], table[row, 1], table[row, 2], table[row, 3]


@njit
def make_room(objects: FloatArray, roads: RoadArrays, b: int, own: int, lane: int, s: float) -> float:
    """Return the offset (m) from the lane's centre at which object ``own`` passes what stands or comes towards it.

    A driver keeps ``PASSING_CLEARANCE`` to it and moves by ``MOST_ASIDE`` at most, so as to stay in the lane.
    """
    aside = 0.0
    lanes, along, across = objects[ObjectRow.LANE, b], objects[ObjectRow.S, b], objects[ObjectRow.D, b]
    speeds, half_widths = objects[ObjectRow.SPEED, b], objects[ObjectRow.HALF_WIDTH, b]
    slot, table = roads.slot, roads.table
    for j in range(lanes.shape[0]):
        other = int(lanes[j])
        if other < 0 or j == own:
            continue
        begin, ratio, shift, sign = _relation(slot, table, lane, other)
        distance = begin + ratio * along[j] - s
        if not -6.0 <= distance <= PASSING_HORIZON or sign * speeds[j] > 0.5 or objects[ObjectRow.WALKS, b, j] > 0.5:
            continue
        lateral = shift + sign * across[j]
        reach = half_widths[own] + half_widths[j] + PASSING_CLEARANCE
        need = min(max(reach - abs(lateral), 0.0), MOST_ASIDE)
        if need > abs(aside):
            aside = -need if lateral > 0.0 else need
    return aside


@njit
def agent_idm(agents: FloatArray, b: int, i: int, gap: float, leader: float) -> float:
    """Return the IDM acceleration (m/s2) of agent ``i`` with its own parameters."""
    return idm(
        agents[AgentRow.SPEED, b, i],
        agents[AgentRow.DESIRED_SPEED, b, i],
        agents[AgentRow.HEADWAY, b, i],
        agents[AgentRow.MIN_GAP, b, i],
        agents[AgentRow.MAX_ACCELERATION, b, i],
        agents[AgentRow.COMFORT_BRAKE, b, i],
        gap,
        leader,
    )
