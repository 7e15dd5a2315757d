"""The brain of the other road users: what each agent of one world does in the next decision period.

It reads bodies in lane coordinates and writes accelerations and lanes; a body (the embedded simulator, or a server's
vehicle) carries them out. It holds no random numbers: drivers differ by their parameters, sampled with the scenario.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.projection import pose_at
from envs.scene import ActorKind, ActorRow, FloatArray, IntArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow, WaitCause
from envs.traffic.claims import ClaimRow
from envs.traffic.ego_in_way import ego_gap
from envs.traffic.following import FREE_GAP, HARDEST_BRAKE, agent_idm, find_leader, make_room
from envs.traffic.lane_change import choose_lane, enter_lane, yield_acceleration
from envs.traffic.letting_pass import let_pass
from envs.traffic.network import RoadArrays
from envs.traffic.overtaking import street_leader, wanted_offset
from envs.traffic.passing_room import somebody_stands
from envs.traffic.path_view import clear_lanes, sort_into_lanes, view_ahead
from envs.traffic.paths import PATH_LANES, follow_path
from envs.traffic.right_of_way import claim_junctions
from envs.traffic.scratch import TrafficArrays
from envs.traffic.speed_advice import brake_for_line, keep_speed, stop_line_gap
from envs.traffic.walkers import move_walker
from envs.traffic.yielding import give_way_gap

LATERAL_GAIN = 1.2
"""Rate (1/s) at which a lane change closes the rest of its way; ``LATERAL_LIMIT`` its speed (m/s)."""

CAR_M = 4.6
"""Length up to which a body changes lane as fast as a car (m)."""

LATERAL_LIMIT = 1.6
LATERAL_ACCELERATION = 2.0
"""Change of lateral speed (m/s2) in a lane change."""


QUEUE_M = 2.0
"""Offset from the lane's centre up to which whoever stands there is taken to queue (m, ours)."""


SLOWEST_CHANGE = 3.0
"""Speed below which a driver in streets changes no lane (m/s, ours): it would hardly move sideways."""


QUEUE_GAP_M = 10.0
"""Gap to whoever is ahead below which it is the reason for not driving faster (m, ours)."""

CYCLIST_CLEARANCE = 0.75
"""What drivers keep beside a cyclist beyond the usual corridor, so 1 m in all: the least at which it is passed (m)."""

_LEADER, _EGO = float(int(WaitCause.LEADER)), float(int(WaitCause.EGO))
_CYCLIST = int(ActorKind.CYCLIST)

CHANGE_TIME_S = 3.0
"""Time that a lane change takes: none is begun that would not be over before the lane ends, and may fork (s, ours)."""

CHANGE_ROOM_M = 30.0
"""Distance to the lane's end below which none is begun at any speed: who has to stop would stand askew (m, ours)."""


@njit
def sense_objects(objects: FloatArray, agents: FloatArray, actors: FloatArray, roads: RoadArrays, b: int) -> None:
    """Write every agent of world ``b`` in lane coordinates; the ego's row, the last, is its simulator's to write."""
    for i in range(agents.shape[2]):
        mode = int(agents[AgentRow.MODE, b, i])
        if mode == AgentMode.UNUSED:
            objects[ObjectRow.LANE, b, i] = -1.0
            continue
        objects[ObjectRow.LANE, b, i] = agents[AgentRow.LANE, b, i]
        objects[ObjectRow.S, b, i] = agents[AgentRow.S, b, i]
        objects[ObjectRow.D, b, i] = agents[AgentRow.D, b, i]
        objects[ObjectRow.WALKS, b, i] = 1.0 if mode == AgentMode.WALKER else 0.0
        half_length, half_width = 0.5 * actors[ActorRow.LENGTH, b, i], 0.5 * actors[ActorRow.WIDTH, b, i]
        objects[ObjectRow.CLEARANCE, b, i] = 0.0
        if mode == AgentMode.VEHICLE:
            if int(actors[ActorRow.KIND, b, i]) == _CYCLIST:
                objects[ObjectRow.CLEARANCE, b, i] = CYCLIST_CLEARANCE
            objects[ObjectRow.HALF_LENGTH, b, i] = half_length
            objects[ObjectRow.HALF_WIDTH, b, i] = half_width
            objects[ObjectRow.SPEED, b, i] = agents[AgentRow.SPEED, b, i]
            objects[ObjectRow.LATERAL_SPEED, b, i] = agents[AgentRow.LATERAL_SPEED, b, i]
            continue
        lane = int(agents[AgentRow.LANE, b, i])
        _, _, heading = pose_at(roads.samples, roads.start, roads.step, lane, agents[AgentRow.S, b, i], 0.0)
        angle = actors[ActorRow.YAW, b, i] - heading
        along, across = abs(math.cos(angle)), abs(math.sin(angle))
        objects[ObjectRow.HALF_LENGTH, b, i] = along * half_length + across * half_width
        objects[ObjectRow.HALF_WIDTH, b, i] = across * half_length + along * half_width
        # As seen: a walker who waits for somebody to pass keeps its pace in mind and stands.
        objects[ObjectRow.SPEED, b, i] = actors[ActorRow.SPEED, b, i] * math.cos(angle)
        objects[ObjectRow.LATERAL_SPEED, b, i] = actors[ActorRow.SPEED, b, i] * math.sin(angle)


@njit
def decide(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, time_s: float, seed: int, b: int, period: float
) -> None:
    """Choose lane and acceleration of the vehicles of world ``b`` for ``period`` (s), from one common moment.

    ``seed`` of the world's episode sets the clocks of its signals.
    """
    sort_into_lanes(traffic.objects, traffic.heads, traffic.links, b)
    claim_junctions(agents, traffic, roads, time_s, seed, b, period)
    _choose_accelerations(agents, traffic, roads, b, period)
    for i in range(agents.shape[2]):
        if int(agents[AgentRow.MODE, b, i]) != AgentMode.VEHICLE or not _may_change(agents, roads, b, i):
            continue
        agents[AgentRow.COOLDOWN, b, i] -= period
        if agents[AgentRow.COOLDOWN, b, i] > 0.0 or _keeps_lane(agents, traffic.claims, roads, b, i):
            continue
        # Half a second between two looks at the other lanes: a driver's rhythm, and a fifth of the work.
        agents[AgentRow.COOLDOWN, b, i] = 0.5
        target = choose_lane(agents, traffic, roads, b, i, agents[AgentRow.FOLLOWING, b, i])
        if target != int(agents[AgentRow.LANE, b, i]):
            clear_lanes(traffic.objects, traffic.heads, b)
            enter_lane(agents, roads, b, i, target)
            _show_in_lane(traffic.objects, agents, b, i)
            sort_into_lanes(traffic.objects, traffic.heads, traffic.links, b)
    clear_lanes(traffic.objects, traffic.heads, b)


@njit
def _may_change(agents: FloatArray, roads: RoadArrays, b: int, i: int) -> bool:
    """Return whether a driver changes lanes at all; a cyclist only where its lane ends, an overtaker not."""
    if agents[AgentRow.PASSING, b, i] != 0.0:
        return False
    rides_on = agents[AgentRow.KEEP_D, b, i] != 0.0 and roads.ends[int(agents[AgentRow.LANE, b, i])]
    return bool(rides_on or agents[AgentRow.MAY_CHANGE, b, i] >= 0.5)


@njit
def _keeps_lane(agents: FloatArray, claims: FloatArray, roads: RoadArrays, b: int, i: int) -> bool:
    """Return whether a driver in streets changes no lane now: near a junction or a fork, and while it hardly moves.

    Whoever is at the end of its lane has to leave it at any speed.
    """
    lane, speed = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.SPEED, b, i]
    if agents[AgentRow.SPEED_FACTOR, b, i] <= 0.0 or roads.ends[lane]:
        return False
    needed = max(CHANGE_TIME_S * speed, CHANGE_ROOM_M)
    near_end = roads.length[lane] - agents[AgentRow.S, b, i] < needed
    # Within a junction the lane beside is not the driver's to enter: others hold the ways that meet it.
    inside = roads.junction[lane] >= 0
    return bool(claims[ClaimRow.LANE, i] >= 0.0 or inside or near_end or speed < SLOWEST_CHANGE)


@njit
def _show_in_lane(objects: FloatArray, agents: FloatArray, b: int, i: int) -> None:
    """Let the others see at once that agent ``i`` has changed its lane: two may not enter the same place."""
    objects[ObjectRow.LANE, b, i] = agents[AgentRow.LANE, b, i]
    objects[ObjectRow.S, b, i] = agents[AgentRow.S, b, i]
    objects[ObjectRow.D, b, i] = agents[AgentRow.D, b, i]


@njit
def _choose_accelerations(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, period: float) -> None:
    """Write the vehicles' accelerations (m/s2), those of following alone, and how far they move aside (m)."""
    objects, view = traffic.objects, traffic.seen
    stands = somebody_stands(agents, b)
    # One call for all of them: each call copies the tuples, 57 arrays with their shapes and strides.
    for i in range(agents.shape[2]):
        if int(agents[AgentRow.MODE, b, i]) != AgentMode.VEHICLE:
            continue
        lane = int(agents[AgentRow.LANE, b, i])
        follow_path(traffic.paths, agents, roads, b, i)
        s = agents[AgentRow.S, b, i]
        count = view_ahead(view, objects, traffic.heads, traffic.links, traffic.paths[b, i], roads, s, b)
        gap, leader, ahead = find_leader(objects, view, count, b, i, s, agents[AgentRow.D, b, i])
        if agents[AgentRow.SPEED_FACTOR, b, i] > 0.0:
            gap, leader, ahead = street_leader(agents, traffic, roads, count, b, i, gap, leader, ahead, period, stands)
            if stands:
                gap, leader, ahead = let_pass(agents, traffic, roads, count, b, i, s, gap, leader, ahead)
            to_ego, ego_speed = ego_gap(agents, traffic, roads, b, i)
            if to_ego < gap:
                gap, leader, ahead = to_ego, ego_speed, agents.shape[2]
        line = stop_line_gap(traffic.claims, agents[AgentRow.MIN_GAP, b, i], i)
        if gap < min(QUEUE_GAP_M, line):
            agents[AgentRow.CAUSE, b, i] = _LEADER if ahead < agents.shape[2] else _EGO
            agents[AgentRow.CAUSED_BY, b, i] = ahead
        line = min(line, give_way_gap(agents, traffic, roads, b, i, min(gap, line)))
        acceleration = agent_idm(agents, b, i, gap, leader)
        agents[AgentRow.FOLLOWING, b, i] = acceleration
        if line < FREE_GAP:
            acceleration = min(acceleration, agent_idm(agents, b, i, line, 0.0))
            acceleration = min(acceleration, brake_for_line(traffic.claims, agents[AgentRow.SPEED, b, i], i))
        acceleration = min(acceleration, keep_speed(agents, traffic.paths, roads, b, i))
        if roads.ends[lane]:
            to_end = roads.length[lane] - s - objects[ObjectRow.HALF_LENGTH, b, i]
            acceleration = min(acceleration, agent_idm(agents, b, i, to_end, 0.0))
        if agents[AgentRow.YIELDS, b, i] > 0.5:
            acceleration = min(acceleration, yield_acceleration(agents, objects, view, count, roads, b, i))
        agents[AgentRow.ACCELERATION, b, i] = _within_ability(agents, b, i, acceleration)
        # In a street with junctions whoever stands in the own lane is queueing: it is waited for, and not passed.
        queue = QUEUE_M if agents[AgentRow.SPEED_FACTOR, b, i] > 0.0 else 0.0
        agents[AgentRow.ASIDE, b, i] = wanted_offset(agents, b, i, make_room(objects, view, count, b, i, s, queue))


@njit
def _within_ability(agents: FloatArray, b: int, i: int, acceleration: float) -> float:
    """Return the acceleration (m/s2) that the driver gets out of the vehicle, a scripted braking included."""
    acceleration = max(acceleration, -agents[AgentRow.HARDEST_BRAKE, b, i])
    forced = agents[AgentRow.FORCED_BRAKE, b, i]
    if forced > 0.0:
        if agents[AgentRow.SPEED, b, i] > agents[AgentRow.DESIRED_SPEED, b, i] + 0.1:
            acceleration = min(acceleration, -forced)
        else:
            agents[AgentRow.FORCED_BRAKE, b, i] = 0.0
    return float(max(acceleration, -HARDEST_BRAKE))


@njit
def move_agents(
    agents: FloatArray, actors: FloatArray, paths: IntArray, roads: RoadArrays, b: int, period: float
) -> None:
    """Carry out the decisions of world ``b`` for ``period`` seconds and write the actors' poses and velocities."""
    for i in range(agents.shape[2]):
        mode = int(agents[AgentRow.MODE, b, i])
        if mode == AgentMode.VEHICLE:
            _move_vehicle(agents, actors, paths, roads, b, i, period)
        elif mode == AgentMode.WALKER:
            move_walker(agents, actors, roads, b, i, period)


@njit
def _move_vehicle(
    agents: FloatArray, actors: FloatArray, paths: IntArray, roads: RoadArrays, b: int, i: int, period: float
) -> None:
    speed, acceleration = agents[AgentRow.SPEED, b, i], agents[AgentRow.ACCELERATION, b, i]
    speed_end = max(speed + acceleration * period, 0.0)
    if speed_end == 0.0 and acceleration < 0.0:
        travelled = min(speed * speed / (-2.0 * acceleration), speed * period)
    else:
        travelled = 0.5 * (speed + speed_end) * period
    lateral_speed = _lateral_speed(agents, b, i, speed_end, actors[ActorRow.LENGTH, b, i], period)
    agents[AgentRow.SPEED, b, i] = speed_end
    agents[AgentRow.LATERAL_SPEED, b, i] = lateral_speed
    agents[AgentRow.S, b, i] += travelled
    agents[AgentRow.ODOMETER, b, i] += travelled
    agents[AgentRow.D, b, i] += lateral_speed * period
    lane = int(agents[AgentRow.LANE, b, i])
    follow_path(paths, agents, roads, b, i)
    ahead = 1
    while agents[AgentRow.S, b, i] > roads.length[lane] and ahead < PATH_LANES and paths[b, i, ahead] >= 0:
        agents[AgentRow.S, b, i] -= roads.length[lane]
        lane = int(paths[b, i, ahead])
        ahead += 1
    agents[AgentRow.LANE, b, i] = lane
    x, y, heading = pose_at(
        roads.samples, roads.start, roads.step, lane, agents[AgentRow.S, b, i], agents[AgentRow.D, b, i]
    )
    yaw = heading + math.atan2(lateral_speed, max(speed_end, 2.0))
    actors[ActorRow.X, b, i] = x
    actors[ActorRow.Y, b, i] = y
    actors[ActorRow.YAW, b, i] = yaw
    actors[ActorRow.ACCELERATION, b, i] = (speed_end - speed) / period
    actors[ActorRow.SPEED, b, i] = speed_end
    actors[ActorRow.VX, b, i] = speed_end * math.cos(heading) - lateral_speed * math.sin(heading)
    actors[ActorRow.VY, b, i] = speed_end * math.sin(heading) + lateral_speed * math.cos(heading)


@njit
def _lateral_speed(agents: FloatArray, b: int, i: int, speed: float, length: float, period: float) -> float:
    """Return the bounded lateral speed (m/s) towards the wanted offset; none at standstill.

    In streets a long body turns less than a car does: its tail swings out to the other side.
    """
    wish = LATERAL_GAIN * (agents[AgentRow.ASIDE, b, i] - agents[AgentRow.D, b, i])
    share = min(CAR_M / length, 1.0) if agents[AgentRow.SPEED_FACTOR, b, i] > 0.0 else 1.0
    limit = min(LATERAL_LIMIT, 0.3 * share * (share if speed < SLOWEST_CHANGE else 1.0) * speed)
    wish = min(max(wish, -limit), limit)
    now, change = agents[AgentRow.LATERAL_SPEED, b, i], LATERAL_ACCELERATION * period
    return float(min(max(wish, now - change), now + change))
