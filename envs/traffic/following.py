"""Car following: the Intelligent Driver Model and the search for the body that a vehicle follows."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow, PassPhase
from envs.traffic.path_view import ViewRow
from envs.traffic.paths import on_path
from envs.traffic.relations import REACH_M

HARDEST_BRAKE = 8.0
"""Deceleration that no driver model exceeds (m/s2): a dry road."""

FREE_GAP = 1e6
"""Gap that stands for "nobody ahead" (m)."""

CORRIDOR_MARGIN = 0.25
"""Clearance to each side within which a body counts as being in the way (m, ours)."""

PASSING_CLEARANCE = 0.6
"""Clearance that a driver seeks beside a standing or oncoming body (m, ours)."""

PASSING_HORIZON = 40.0
"""Distance ahead at which a driver begins to move aside (m, ours)."""

MOST_ASIDE = 0.7
"""Furthest that a driver moves from the lane's centre to pass a body (m, ours)."""


ASKEW = 0.8
"""Offset from where it keeps in its lane beyond which a vehicle is on its way from lane to lane (m, ours)."""


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
def crosses_corridor(lateral: float, drift: float, reach: float) -> bool:
    """Tell whether a body at ``lateral`` (m from the path), or on its ``drift`` (m), is within ``reach`` (m) of it."""
    # Not short-circuited: whether it is depends on the body, and a processor guesses that wrong half of the time.
    ahead = lateral + drift
    return (abs(lateral) < reach) | ((lateral * drift < 0.0) & ((abs(ahead) < reach) | (ahead * lateral < 0.0)))


@njit
def find_leader(
    objects: FloatArray, view: FloatArray, count: int, b: int, own: int, s: float, d: float
) -> tuple[float, float, int]:
    """Return (gap m, its speed m/s, index) of the nearest body ahead of object ``own``, put at (s, d) of the path."""
    nearest, leader_speed, leader, limit = FREE_GAP, 0.0, -1, REACH_M
    half_length, corridor = objects[ObjectRow.HALF_LENGTH, b, own], objects[ObjectRow.HALF_WIDTH, b, own]
    corridor += CORRIDOR_MARGIN
    for n in range(count):
        j = int(view[ViewRow.INDEX, n])
        distance = view[ViewRow.ALONG, n] - s
        reach = corridor + objects[ObjectRow.HALF_WIDTH, b, j] + objects[ObjectRow.CLEARANCE, b, j]
        in_way = crosses_corridor(view[ViewRow.ACROSS, n] - d, view[ViewRow.DRIFT, n], reach)
        if not (in_way & (distance > 0.0) & (distance < limit) & (j != own)):
            continue
        gap = distance - half_length - objects[ObjectRow.HALF_LENGTH, b, j]
        if gap < nearest:
            nearest, leader, leader_speed = gap, j, view[ViewRow.SPEED, n]
            # Bodies differ in length: one whose centre is further on may still be nearer.
            limit = min(limit, distance + 20.0)
    return nearest, leader_speed, leader


@njit
def find_lane_leader(
    agents: FloatArray, objects: FloatArray, view: FloatArray, count: int, paths: IntArray, b: int, own: int, s: float
) -> tuple[float, float, int]:
    """Return (gap m, its speed m/s, index) of the nearest vehicle ahead in the lanes of the path, wherever across.

    It tells the order of two of which one is still on its way into the lane: there they do not see each other ahead.
    """
    nearest, leader_speed, leader = FREE_GAP, 0.0, -1
    sideways = abs(agents[AgentRow.D, b, own] - agents[AgentRow.KEEP_D, b, own]) > ASKEW
    for n in range(count):
        j, distance = int(view[ViewRow.INDEX, n]), view[ViewRow.ALONG, n] - s
        if j == own or distance <= 0.0 or j >= agents.shape[2] or view[ViewRow.SIGN, n] < 0.0:
            continue
        if not (sideways or abs(view[ViewRow.ACROSS, n] - agents[AgentRow.KEEP_D, b, j]) > ASKEW):
            continue
        # Who passes is not ahead of those whom it passes before it returns.
        if int(agents[AgentRow.PASSING, b, j]) == PassPhase.OUT and _is_passed(agents, b, own, j):
            continue
        gap = distance - objects[ObjectRow.HALF_LENGTH, b, own] - objects[ObjectRow.HALF_LENGTH, b, j]
        if gap >= nearest or int(agents[AgentRow.MODE, b, j]) != AgentMode.VEHICLE:
            continue
        if on_path(paths, b, own, int(view[ViewRow.LANE, n])):
            nearest, leader_speed, leader = gap, view[ViewRow.SPEED, n], j
    return nearest, leader_speed, leader


@njit
def _is_passed(agents: FloatArray, b: int, own: int, j: int) -> bool:
    """Return whether agent ``j`` is overtaking ``own``."""
    return bool(agents[AgentRow.PASS_FIRST, b, j] == own or agents[AgentRow.PASS_LAST, b, j] == own)


@njit
def find_follower(objects: FloatArray, view: FloatArray, count: int, b: int, own: int, s: float) -> tuple[float, int]:
    """Return (gap m, index) of the nearest body behind or beside ``own``, put in the middle of the path at ``s``."""
    nearest, follower, limit = FREE_GAP, -1, REACH_M
    half_length, corridor = objects[ObjectRow.HALF_LENGTH, b, own], objects[ObjectRow.HALF_WIDTH, b, own]
    corridor += CORRIDOR_MARGIN
    for n in range(count):
        j = int(view[ViewRow.INDEX, n])
        distance = s - view[ViewRow.ALONG, n]
        in_way = abs(view[ViewRow.ACROSS, n]) <= corridor + objects[ObjectRow.HALF_WIDTH, b, j]
        same_way = view[ViewRow.SIGN, n] > 0.0
        if not (in_way & same_way & (distance >= 0.0) & (distance < limit) & (j != own)):
            continue
        gap = distance - half_length - objects[ObjectRow.HALF_LENGTH, b, j]
        if gap < nearest:
            nearest, follower = gap, j
            limit = min(limit, distance + 20.0)
    return nearest, follower


@njit
def make_room(
    objects: FloatArray, view: FloatArray, count: int, b: int, own: int, s: float, queue: float
) -> float:
    """Return the offset (m) from the lane's centre at which object ``own`` passes what stands or comes towards it.

    A driver keeps ``PASSING_CLEARANCE`` to it and moves by ``MOST_ASIDE`` at most, so as to stay in the lane. Those
    that are less than ``queue`` (m) from the path's centre are not passed.
    """
    aside = 0.0
    for n in range(count):
        j = int(view[ViewRow.INDEX, n])
        distance = view[ViewRow.ALONG, n] - s
        passes = (distance >= -6.0) & (distance <= PASSING_HORIZON) & (view[ViewRow.SPEED, n] <= 0.5)
        reach = objects[ObjectRow.HALF_LENGTH, b, own] + objects[ObjectRow.HALF_LENGTH, b, j] + 1.0
        passes = passes | ((queue > 0.0) & (abs(distance) < reach))
        if not (passes & (j != own)) or objects[ObjectRow.WALKS, b, j] > 0.5:
            continue
        lateral = view[ViewRow.ACROSS, n]
        if abs(lateral) < queue:
            continue
        reach = objects[ObjectRow.HALF_WIDTH, b, own] + objects[ObjectRow.HALF_WIDTH, b, j] + PASSING_CLEARANCE
        if queue > 0.0:
            # The tail of a body that turns out of the lane swings to the other side.
            drift = abs(objects[ObjectRow.LATERAL_SPEED, b, j]) / max(objects[ObjectRow.SPEED, b, j], 2.0)
            reach += objects[ObjectRow.HALF_LENGTH, b, j] * drift
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
