"""The brain of the other road users: what each agent of one world does in the next decision period.

It reads bodies in lane coordinates and writes accelerations and lanes; a body (the embedded simulator, or a server's
vehicle) carries them out. It holds no random numbers: drivers differ by their parameters, sampled with the scenario.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.projection import pose_at
from envs.scene import ActorRow, FloatArray, IntArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow
from envs.traffic.following import HARDEST_BRAKE, agent_idm, find_leader, make_room
from envs.traffic.lane_change import choose_lane, enter_lane, yield_acceleration
from envs.traffic.lane_view import view_of
from envs.traffic.network import RoadArrays
from envs.traffic.walkers import move_walker

LATERAL_GAIN = 1.2
"""Rate (1/s) at which a lane change closes the rest of its way; ``LATERAL_LIMIT`` its speed (m/s)."""

LATERAL_LIMIT = 1.6
LATERAL_ACCELERATION = 2.0
"""Change of lateral speed (m/s2) in a lane change."""


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
        if mode == AgentMode.VEHICLE:
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
    agents: FloatArray,
    objects: FloatArray,
    views: FloatArray,
    viewed: IntArray,
    roads: RoadArrays,
    b: int,
    period: float,
) -> None:
    """Choose lane and acceleration of the vehicles of world ``b`` for ``period`` (s), from one common moment.

    ``views`` and ``viewed`` are the scratch of ``lane_view.make_views``.
    """
    viewed[0] = -1
    for i in range(agents.shape[2]):
        if int(agents[AgentRow.MODE, b, i]) != AgentMode.VEHICLE:
            continue
        view = view_of(views, viewed, objects, roads, b, int(agents[AgentRow.LANE, b, i]))
        agents[AgentRow.ACCELERATION, b, i] = _acceleration(agents, objects, views, view, roads, b, i)
        agents[AgentRow.ASIDE, b, i] = make_room(objects, views, view, b, i, agents[AgentRow.S, b, i])
    for i in range(agents.shape[2]):
        if int(agents[AgentRow.MODE, b, i]) != AgentMode.VEHICLE or agents[AgentRow.MAY_CHANGE, b, i] < 0.5:
            continue
        agents[AgentRow.COOLDOWN, b, i] -= period
        if agents[AgentRow.COOLDOWN, b, i] > 0.0:
            continue
        # Half a second between two looks at the other lanes: a driver's rhythm, and a fifth of the work.
        agents[AgentRow.COOLDOWN, b, i] = 0.5
        target = choose_lane(agents, objects, views, viewed, roads, b, i)
        if target != int(agents[AgentRow.LANE, b, i]):
            enter_lane(agents, roads, b, i, target)


@njit
def _acceleration(
    agents: FloatArray, objects: FloatArray, views: FloatArray, view: int, roads: RoadArrays, b: int, i: int
) -> float:
    lane, s, d = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i], agents[AgentRow.D, b, i]
    gap, leader, _ = find_leader(objects, views, view, b, i, s, d)
    acceleration = agent_idm(agents, b, i, gap, leader)
    if roads.ends[lane]:
        to_end = roads.length[lane] - s - objects[ObjectRow.HALF_LENGTH, b, i]
        acceleration = min(acceleration, agent_idm(agents, b, i, to_end, 0.0))
    if agents[AgentRow.YIELDS, b, i] > 0.5:
        acceleration = min(acceleration, yield_acceleration(agents, objects, roads, b, i))
    acceleration = max(acceleration, -agents[AgentRow.HARDEST_BRAKE, b, i])
    forced = agents[AgentRow.FORCED_BRAKE, b, i]
    if forced > 0.0:
        if agents[AgentRow.SPEED, b, i] > agents[AgentRow.DESIRED_SPEED, b, i] + 0.1:
            acceleration = min(acceleration, -forced)
        else:
            agents[AgentRow.FORCED_BRAKE, b, i] = 0.0
    return float(max(acceleration, -HARDEST_BRAKE))


@njit
def move_agents(agents: FloatArray, actors: FloatArray, roads: RoadArrays, b: int, period: float) -> None:
    """Carry out the decisions of world ``b`` for ``period`` seconds and write the actors' poses and velocities."""
    for i in range(agents.shape[2]):
        mode = int(agents[AgentRow.MODE, b, i])
        if mode == AgentMode.VEHICLE:
            _move_vehicle(agents, actors, roads, b, i, period)
        elif mode == AgentMode.WALKER:
            move_walker(agents, actors, roads, b, i, period)


@njit
def _move_vehicle(agents: FloatArray, actors: FloatArray, roads: RoadArrays, b: int, i: int, period: float) -> None:
    speed, acceleration = agents[AgentRow.SPEED, b, i], agents[AgentRow.ACCELERATION, b, i]
    speed_end = max(speed + acceleration * period, 0.0)
    if speed_end == 0.0 and acceleration < 0.0:
        travelled = min(speed * speed / (-2.0 * acceleration), speed * period)
    else:
        travelled = 0.5 * (speed + speed_end) * period
    lateral_speed = _lateral_speed(agents, b, i, speed_end, period)
    agents[AgentRow.SPEED, b, i] = speed_end
    agents[AgentRow.LATERAL_SPEED, b, i] = lateral_speed
    agents[AgentRow.S, b, i] += travelled
    agents[AgentRow.D, b, i] += lateral_speed * period
    lane = int(agents[AgentRow.LANE, b, i])
    while agents[AgentRow.S, b, i] > roads.length[lane] and roads.successors[lane, 0] >= 0:
        agents[AgentRow.S, b, i] -= roads.length[lane]
        lane = roads.successors[lane, 0]
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
def _lateral_speed(agents: FloatArray, b: int, i: int, speed: float, period: float) -> float:
    """Return the bounded lateral speed (m/s) towards the wanted offset; none at standstill."""
    wish = LATERAL_GAIN * (agents[AgentRow.ASIDE, b, i] - agents[AgentRow.D, b, i])
    limit = min(LATERAL_LIMIT, 0.3 * speed)
    wish = min(max(wish, -limit), limit)
    now, change = agents[AgentRow.LATERAL_SPEED, b, i], LATERAL_ACCELERATION * period
    return float(min(max(wish, now - change), now + change))
