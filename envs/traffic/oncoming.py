"""Who comes towards an overtaker: on the oncoming lane, out of the junction at its end, or standing in the way."""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow, PassPhase
from envs.traffic.following import CORRIDOR_MARGIN
from envs.traffic.grants import GRANTS
from envs.traffic.letting_pass import FAR_M
from envs.traffic.network import RoadArrays, column_beside
from envs.traffic.passing_wait import asks_to_pass
from envs.traffic.path_view import ViewRow
from envs.traffic.paths import PATH_LANES
from envs.traffic.scratch import TrafficArrays

EGO_ACCELERATION = 3.0
"""Acceleration that an overtaker reckons the ego with (m/s2, ours)."""

FASTEST = 60.0
"""Bound of a speed to which no lane's limit binds somebody (m/s)."""

BY_M = 1.0
"""Length of the own tail beside which somebody oncoming is already by (m, ours): one drives on before it swings out."""

_STATIC, _VEHICLE, _NONE = int(AgentMode.STATIC), int(AgentMode.VEHICLE), int(PassPhase.NONE)


@njit
def who_comes(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, front: float, seconds: float,
    way: float, until: float,
) -> int:  # fmt: skip
    """Return the slot of who comes on the oncoming lane and would meet agent ``i`` within ``way`` (m), or -1.

    Those who are ``until`` (m) or further on the path stand, or are behind one who does.
    """
    objects, begin = traffic.objects, 0.0
    rear = front - 2.0 * objects[ObjectRow.HALF_LENGTH, b, i] + BY_M
    for k in range(PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0 or roads.junction[lane] >= 0 or roads.opposite[lane] < 0:
            return -1
        other = int(roads.opposite[lane])
        column = column_beside(roads, lane, other)
        j = int(traffic.heads[other])
        while j >= 0:
            along = begin + roads.affine[lane, column, 0] + roads.affine[lane, column, 1] * objects[ObjectRow.S, b, j]
            half = objects[ObjectRow.HALF_LENGTH, b, j]
            stands = j < agents.shape[2] and int(agents[AgentRow.MODE, b, min(j, agents.shape[2] - 1)]) == _STATIC
            if j != i and not stands and along + half > rear and along - half < until:
                if along - half - front < way + comes_by(agents, objects, roads, b, j, other, seconds):
                    return j
            j = int(traffic.links[j])
        begin += roads.length[lane]
    return -1


@njit
def who_stands(
    objects: FloatArray, traffic: TrafficArrays, count: int, b: int, i: int, s: float, offset: float, end: float,
    until: float,
) -> int:  # fmt: skip
    """Return the slot of a body in the corridor in which agent ``i`` would pass until ``end`` (m), or -1.

    Those who are ``until`` (m) or further let it pass, or are behind one who does.
    """
    view = traffic.seen
    corridor = objects[ObjectRow.HALF_WIDTH, b, i] + CORRIDOR_MARGIN
    for n in range(count):
        j, along = int(view[ViewRow.INDEX, n]), view[ViewRow.ALONG, n]
        half = objects[ObjectRow.HALF_LENGTH, b, j]
        if j == i or along + half < s - objects[ObjectRow.HALF_LENGTH, b, i] or along - half > end:
            continue
        if along - half >= until:
            continue
        reach = corridor + objects[ObjectRow.HALF_WIDTH, b, j] + objects[ObjectRow.CLEARANCE, b, j]
        if abs(view[ViewRow.ACROSS, n] - offset) < reach and view[ViewRow.ACROSS, n] > 0.5 * offset:
            return j
    return -1


@njit
def comes_by(
    agents: FloatArray, objects: FloatArray, roads: RoadArrays, b: int, j: int, lane: int, seconds: float
) -> float:
    """Return how far body ``j`` on ``lane`` comes in so many ``seconds`` at most (m): it may accelerate to its pace.

    The ego is credited ``EGO_ACCELERATION`` and the advised speed.
    """
    speed, pace, rate = abs(objects[ObjectRow.SPEED, b, j]), roads.advised[lane], EGO_ACCELERATION
    if j < agents.shape[2]:
        factor = agents[AgentRow.SPEED_FACTOR, b, j]
        pace = min(agents[AgentRow.DESIRED_SPEED, b, j], factor * pace if factor > 0.0 else FASTEST)
        rate = agents[AgentRow.MAX_ACCELERATION, b, j]
    top = max(pace, speed)
    accelerating = (top - speed) / max(rate, 0.1)
    if accelerating >= seconds:
        return float((speed + 0.5 * rate * seconds) * seconds)
    return float(top * seconds - 0.5 * (top - speed) * accelerating)


@njit
def who_enters(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, front: float, seconds: float,
    way: float,
) -> int:  # fmt: skip
    """Return the slot of who is about to enter the street from the junction at its end, too soon; or -1."""
    along, entry = 0.0, -1
    for k in range(PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0:
            return -1
        if roads.junction[lane] >= 0:
            break
        along += roads.length[lane]
        entry = int(roads.opposite[lane])
    if entry < 0:
        return -1
    for j in range(agents.shape[2]):
        if j == i or int(agents[AgentRow.MODE, b, j]) != _VEHICLE:
            continue
        left = _until_on(agents, traffic, roads, b, j, entry)
        if along - front + left < way + comes_by(agents, traffic.objects, roads, b, j, entry, seconds):
            return j
    ego = agents.shape[2]
    needed = way - (along - front) + comes_by(agents, traffic.objects, roads, b, ego, entry, seconds)
    return _ego_enters(agents, traffic, roads, b, entry, needed)


@njit
def _until_on(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, j: int, entry: int) -> float:
    """Return how far agent ``j`` has to drive to the lane ``entry`` by the ways that it holds (m), or FAR."""
    for k in range(GRANTS):
        held = int(traffic.grants[b, j, k, 0])
        if held < 0:
            break
        left = traffic.grants[b, j, k, 1] + roads.length[held] - agents[AgentRow.ODOMETER, b, j]
        if roads.successors[held, 0] == entry and left > 0.0:
            return float(left)
    return FAR_M


@njit
def _ego_enters(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, entry: int, needed: float
) -> int:
    """Return the ego's slot if it could be on the lane ``entry`` before an overtaker has gone on, or -1."""
    ego = agents.shape[2]
    lane = int(traffic.objects[ObjectRow.LANE, b, ego])
    if lane < 0:
        return -1
    left = roads.length[lane] - traffic.objects[ObjectRow.S, b, ego]
    for k in range(roads.predecessors.shape[1]):
        through = int(roads.predecessors[entry, k])
        if through < 0:
            return -1
        if through == lane and left < needed:
            return int(ego)
        for n in range(roads.predecessors.shape[1]):
            if int(roads.predecessors[through, n]) == lane and left + roads.length[through] < needed:
                return int(ego)
    return -1


@njit
def overtaker_on(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, street: int) -> int:
    """Return who overtakes on the lane ``street``, or further along it, against its direction, or -1.

    So does, for a while, who has long waited to pass a standing body: traffic that never leaves a gap leaves it one.
    """
    for j in range(agents.shape[2]):
        if int(agents[AgentRow.PASSING, b, j]) == _NONE and not asks_to_pass(agents, b, j):
            continue
        for k in range(PATH_LANES):
            lane = int(traffic.paths[b, j, k])
            if lane < 0 or roads.junction[lane] >= 0:
                break
            if roads.opposite[lane] == street:
                return j
    return -1
