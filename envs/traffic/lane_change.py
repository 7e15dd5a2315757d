"""Lane changes: MOBIL with a safety criterion, mandatory where a lane ends, and room for those who must merge."""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow, ObjectRow
from envs.traffic.following import FREE_GAP, agent_idm, find_follower, find_leader, idm
from envs.traffic.lane_entry import somebody_enters
from envs.traffic.network import RoadArrays, column_beside
from envs.traffic.path_view import ViewRow, view_ahead, view_behind
from envs.traffic.paths import extend_straight
from envs.traffic.scratch import TrafficArrays

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

STANDS_MPS = 0.3
"""Speed below which two who merge stand (m/s, ours)."""

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
    traffic: TrafficArrays,
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
    objects, view = traffic.objects, traffic.seen
    column = column_beside(roads, target, int(agents[AgentRow.LANE, b, i]))
    if column < 0:
        return -1e9
    s = roads.affine[target, column, 0] + roads.affine[target, column, 1] * agents[AgentRow.S, b, i]
    speed = agents[AgentRow.SPEED, b, i]
    traffic.target_path[0] = target
    extend_straight(traffic.target_path, roads)
    count = view_ahead(view, objects, traffic.heads, traffic.links, traffic.target_path, roads, s, b)
    count = view_behind(view, count, objects, traffic.heads, traffic.links, roads, target, s, b)
    town = agents[AgentRow.SPEED_FACTOR, b, i] > 0.0
    if town and somebody_enters(agents, objects, view, count, target, b, i, s):
        return -1e9
    gap, leader_speed, _ = find_leader(objects, view, count, b, i, s, 0.0)
    back_gap, follower = find_follower(objects, view, count, b, i, s)
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
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, current_acceleration: float
) -> int:
    """Return the lane that agent ``i`` wants now: its own, or a neighbour that is safe and pays.

    ``current_acceleration`` (m/s2) is what following its present leader asks for.
    """
    lane = int(agents[AgentRow.LANE, b, i])
    urge = 0.0
    if roads.ends[lane]:
        urge = MERGE_URGE * max(0.0, 1.0 - (roads.length[lane] - agents[AgentRow.S, b, i]) / MERGE_HORIZON)
    best, best_lane = agents[AgentRow.CHANGE_THRESHOLD, b, i] - urge, lane
    for side in range(2):
        target = roads.left[lane] if side == 0 else roads.right[lane]
        if target < 0 or roads.ends[target]:
            continue
        incentive = change_incentive(agents, traffic, roads, b, i, target, current_acceleration)
        if incentive > best:
            best, best_lane = incentive, target
    return best_lane


@njit
def enter_lane(agents: FloatArray, roads: RoadArrays, b: int, i: int, target: int) -> None:
    """Put agent ``i`` into lane ``target`` where it stands: its offset shows how far it still has to go sideways."""
    relation = roads.affine[target, column_beside(roads, target, int(agents[AgentRow.LANE, b, i]))]
    agents[AgentRow.S, b, i] = relation[0] + relation[1] * agents[AgentRow.S, b, i]
    agents[AgentRow.D, b, i] = relation[2] + relation[3] * agents[AgentRow.D, b, i]
    agents[AgentRow.LANE, b, i] = target
    agents[AgentRow.COOLDOWN, b, i] = COOLDOWN


@njit
def yield_acceleration(
    agents: FloatArray, objects: FloatArray, view: FloatArray, count: int, roads: RoadArrays, b: int, i: int
) -> float:
    """Return the acceleration (m/s2) that lets in a body whose lane beside agent ``i`` ends, or a large number."""
    wish = 1e3
    lane, s = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i]
    half = objects[ObjectRow.HALF_LENGTH, b, i]
    for n in range(count):
        j, other = int(view[ViewRow.INDEX, n]), int(view[ViewRow.LANE, n])
        if j == i or other == lane or not roads.ends[other]:
            continue
        beside = abs(view[ViewRow.ACROSS, n] - view[ViewRow.SIGN, n] * objects[ObjectRow.D, b, j]) <= 5.0
        if not beside or roads.length[other] - objects[ObjectRow.S, b, j] > MERGE_HORIZON:
            continue
        gap = view[ViewRow.ALONG, n] - s - half - objects[ObjectRow.HALF_LENGTH, b, j]
        if gap < -half or gap > 40.0:
            continue
        # In streets: who stands too near to let the other in goes on, or both would stand for ever.
        stands = max(agents[AgentRow.SPEED, b, i], objects[ObjectRow.SPEED, b, j]) < STANDS_MPS
        if stands and gap < LEAST_GAP and agents[AgentRow.SPEED_FACTOR, b, i] > 0.0:
            continue
        wish = min(wish, max(agent_idm(agents, b, i, max(gap, 1.0), objects[ObjectRow.SPEED, b, j]), -YIELD_BRAKE))
    return wish
