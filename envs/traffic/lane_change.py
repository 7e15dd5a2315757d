"""Lane changes: MOBIL with a safety criterion, mandatory where a lane ends, and room for those who must merge."""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import AgentRow, ObjectRow
from envs.traffic.following import FREE_GAP, agent_idm, find_follower, find_leader, idm
from envs.traffic.lane_view import view_of
from envs.traffic.network import RoadArrays

SAFE_BRAKE = 3.0
"""Deceleration that a lane change may ask of the new follower (m/s2; Kesting, Treiber, Helbing 2007: 4)."""

LEAST_GAP = 1.5
"""Gap to both neighbours without which nobody changes lane (m, ours)."""

COOLDOWN = 4.0
"""Time between two lane changes of one driver (s, ours)."""

MERGE_HORIZON = 120.0
"""Distance before the end of a lane at which the urge to leave it begins (m, ours)."""

MERGE_URGE = 3.0
"""Incentive that the end of the lane adds at its very end (m/s2, ours)."""

YIELD_BRAKE = 2.0
"""Deceleration that a yielding driver accepts to open a gap (m/s2, ours)."""


@njit
def follower_brake(agents: FloatArray, objects: FloatArray, b: int, j: int, gap: float, leader: float) -> float:
    """Return the acceleration (m/s2) that body ``j`` needs behind a leader; the ego is credited an average driver's."""
    if j < agents.shape[2]:
        return agent_idm(agents, b, j, gap, leader)
    speed = objects[ObjectRow.SPEED, b, j]
    return idm(speed, max(speed, 1.0), 1.0, 2.0, 2.0, 2.5, gap, leader)


@njit
def change_incentive(
    agents: FloatArray,
    objects: FloatArray,
    views: FloatArray,
    viewed: IntArray,
    roads: RoadArrays,
    b: int,
    i: int,
    target: int,
    current_acceleration: float,
) -> float:
    """Return the MOBIL incentive (m/s2) of agent ``i`` for lane ``target``; -1e9 where the change is not safe.

    Kesting, Treiber, Helbing, "General lane-changing model MOBIL", 2007, eq. 1 (safety) and 2 (incentive); the old
    follower's gain is left out (ours: it is small where lanes are long, and costs a third search).
    """
    lane, s = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i]
    if roads.slot[target, lane] < 0:
        return -1e9
    relation = roads.table[roads.slot[target, lane]]
    s_target = relation[0] + relation[1] * s
    speed = agents[AgentRow.SPEED, b, i]
    view = view_of(views, viewed, objects, roads, b, target)
    gap, leader_speed, _ = find_leader(objects, views, view, b, i, s_target, 0.0)
    back_gap, follower = find_follower(objects, views, view, b, i, s_target)
    if gap < LEAST_GAP or back_gap < LEAST_GAP:
        return -1e9
    new_acceleration = agent_idm(agents, b, i, gap, leader_speed)
    if new_acceleration < -SAFE_BRAKE:
        return -1e9
    loss = 0.0
    if follower >= 0:
        after = follower_brake(agents, objects, b, follower, back_gap, speed)
        if after < -SAFE_BRAKE:
            return -1e9
        before = follower_brake(agents, objects, b, follower, FREE_GAP, speed)
        loss = before - after
    return float(new_acceleration - current_acceleration - agents[AgentRow.POLITENESS, b, i] * loss)


@njit
def choose_lane(
    agents: FloatArray, objects: FloatArray, views: FloatArray, viewed: IntArray, roads: RoadArrays, b: int, i: int
) -> int:
    """Return the lane that agent ``i`` wants now: its own, or a neighbour that is safe and pays."""
    lane, s = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i]
    view = view_of(views, viewed, objects, roads, b, lane)
    gap, leader_speed, _ = find_leader(objects, views, view, b, i, s, agents[AgentRow.D, b, i])
    current = agent_idm(agents, b, i, gap, leader_speed)
    urge = 0.0
    if roads.ends[lane]:
        urge = MERGE_URGE * max(0.0, 1.0 - (roads.length[lane] - s) / MERGE_HORIZON)
    best, best_lane = agents[AgentRow.CHANGE_THRESHOLD, b, i] - urge, lane
    for side in range(2):
        target = roads.left[lane] if side == 0 else roads.right[lane]
        if target < 0 or roads.ends[target]:
            continue
        incentive = change_incentive(agents, objects, views, viewed, roads, b, i, target, current)
        if incentive > best:
            best, best_lane = incentive, target
    return best_lane


@njit
def enter_lane(agents: FloatArray, roads: RoadArrays, b: int, i: int, target: int) -> None:
    """Put agent ``i`` into lane ``target`` where it stands: its offset shows how far it still has to go sideways."""
    relation = roads.table[roads.slot[target, int(agents[AgentRow.LANE, b, i])]]
    agents[AgentRow.S, b, i] = relation[0] + relation[1] * agents[AgentRow.S, b, i]
    agents[AgentRow.D, b, i] = relation[2] + relation[3] * agents[AgentRow.D, b, i]
    agents[AgentRow.LANE, b, i] = target
    agents[AgentRow.COOLDOWN, b, i] = COOLDOWN


@njit
def yield_acceleration(agents: FloatArray, objects: FloatArray, roads: RoadArrays, b: int, i: int) -> float:
    """Return the acceleration (m/s2) that lets in a body whose lane beside agent ``i`` ends, or a large number."""
    wish = 1e3
    lane, s = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i]
    half = objects[ObjectRow.HALF_LENGTH, b, i]
    for j in range(objects.shape[2]):
        other = int(objects[ObjectRow.LANE, b, j])
        if j == i or other < 0 or not roads.ends[other] or roads.slot[lane, other] < 0:
            continue
        relation = roads.table[roads.slot[lane, other]]
        if abs(relation[2]) > 5.0 or roads.length[other] - objects[ObjectRow.S, b, j] > MERGE_HORIZON:
            continue
        gap = relation[0] + relation[1] * objects[ObjectRow.S, b, j] - s - half - objects[ObjectRow.HALF_LENGTH, b, j]
        if gap < -half or gap > 40.0:
            continue
        wish = min(wish, max(agent_idm(agents, b, i, max(gap, 1.0), objects[ObjectRow.SPEED, b, j]), -YIELD_BRAKE))
    return wish
