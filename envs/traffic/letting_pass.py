"""Oncoming drivers let pass who has long waited behind a body that stands for good: else a stream never leaves a gap.

The oncoming driver stops before the room that the other needs to return, if it can do so comfortably; the other pulls
out when it stands there, and is let pass until it returns.
"""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow, ObjectRow, PassPhase
from envs.traffic.following import FREE_GAP
from envs.traffic.network import RoadArrays, column_beside
from envs.traffic.passing_room import look_for, pull_out_room
from envs.traffic.passing_wait import STANDS_MPS, asks_to_pass
from envs.traffic.path_view import ViewRow
from envs.traffic.paths import PATH_LANES
from envs.traffic.scratch import TrafficArrays

FAR_M = 1e6

LETS_BRAKE = 2.0
"""Deceleration with which an oncoming driver would stop to let somebody pass (m/s2, ours)."""

GOES_ON_BRAKE = 4.0
"""Deceleration beyond which one who has begun to stop for it goes on after all (m/s2, ours)."""

LETS_ROOM_M = 14.0
"""Room that it leaves beyond what a return to the lane takes at least (m, ours)."""

KEEPS_M = 3.0
"""How far beyond its line one who has stopped still lets the other pass (m, ours)."""

BEHIND_M = 5.0
"""Room that it leaves behind its tail for the crosswalk at the street's begin (m, ours)."""

USUAL_OFFSET_M = 3.0
"""Offset at which somebody who still waits is taken to pass (m, ours)."""

_NONE, _OUT = int(PassPhase.NONE), int(PassPhase.OUT)


@njit
def let_pass(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, j: int, s: float, gap: float,
    leader: float, ahead: int,
) -> tuple[float, float, int]:  # fmt: skip
    """Return (gap m, its speed m/s, slot) of whom driver ``j`` follows or stops for, to let it pass.

    ``gap``, ``leader``, ``ahead``: whom it would follow else.
    """
    view, before = traffic.seen, int(agents[AgentRow.LETS_PASS, b, j]) - 1
    nearest, lets = FREE_GAP, -1
    agents[AgentRow.LETS_PASS, b, j] = 0.0
    if int(agents[AgentRow.PASSING, b, j]) != _NONE or roads.junction[int(agents[AgentRow.LANE, b, j])] >= 0:
        return gap, leader, ahead
    for n in range(count):
        i = int(view[ViewRow.INDEX, n])
        if i >= agents.shape[2] or view[ViewRow.SIGN, n] > 0.0:
            continue
        goes = before == i and int(agents[AgentRow.PASSING, b, i]) == _OUT
        asks = int(agents[AgentRow.PASSING, b, i]) == _NONE and asks_to_pass(agents, b, i)
        if not (goes or asks):
            continue
        room = _room_before(agents, traffic, roads, count, b, j, i, s)
        speed, brake = agents[AgentRow.SPEED, b, j], GOES_ON_BRAKE if before == i else LETS_BRAKE
        # Who has stopped for it stays, although it stands a little beyond its line.
        stands = before == i and speed < STANDS_MPS and room > -KEEPS_M
        if room < nearest and (stands or (room > 0.0 and speed * speed <= 2.0 * brake * room)):
            nearest, lets = room, i
    if lets < 0:
        return gap, leader, ahead
    agents[AgentRow.LETS_PASS, b, j] = lets + 1.0
    line = max(nearest, 0.1)
    return (line, 0.0, lets) if line < gap else (gap, leader, ahead)


@njit
def _room_before(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, j: int, i: int, s: float
) -> float:
    """Return how far the front of driver ``j`` is before the room that ``i`` needs to return (m), or -FAR.

    -FAR where ``j`` would stand with its tail in the junction or on the crosswalk behind it, and for another street.
    """
    view, objects = traffic.seen, traffic.objects
    last = look_for(view, count, int(agents[AgentRow.PASS_LAST, b, i]))
    if last < 0 or not _on_street(traffic, roads, b, j, int(agents[AgentRow.LANE, b, i])):
        return -FAR_M
    half = objects[ObjectRow.HALF_LENGTH, b, j]
    line = view[ViewRow.ALONG, last] - objects[ObjectRow.HALF_LENGTH, b, int(view[ViewRow.INDEX, last])]
    line -= pull_out_room(objects, b, i, USUAL_OFFSET_M) + 2.0 * objects[ObjectRow.HALF_LENGTH, b, i] + LETS_ROOM_M
    return float(line - s - half) if line >= 2.0 * half + BEHIND_M else -FAR_M


@njit
def _on_street(traffic: TrafficArrays, roads: RoadArrays, b: int, j: int, lane: int) -> bool:
    """Return whether ``lane`` runs against the way of driver ``j`` before the next junction."""
    for k in range(PATH_LANES):
        own = int(traffic.paths[b, j, k])
        if own < 0 or roads.junction[own] >= 0:
            return False
        if roads.opposite[own] == lane:
            return True
    return False


@njit
def let_pass_until(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, front: float
) -> float:
    """Return where on the path of agent ``i`` (m) the first stands who lets it pass, or FAR."""
    objects, begin, until = traffic.objects, 0.0, FAR_M
    for k in range(PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0 or roads.junction[lane] >= 0 or roads.opposite[lane] < 0:
            break
        other = int(roads.opposite[lane])
        column = column_beside(roads, lane, other)
        j = int(traffic.heads[other])
        while j >= 0:
            lets = j < agents.shape[2] and int(agents[AgentRow.LETS_PASS, b, min(j, agents.shape[2] - 1)]) == i + 1
            if lets and abs(objects[ObjectRow.SPEED, b, j]) < STANDS_MPS:
                along = begin + roads.affine[lane, column, 0]
                along += roads.affine[lane, column, 1] * objects[ObjectRow.S, b, j]
                along -= objects[ObjectRow.HALF_LENGTH, b, j]
                until = min(until, along) if along > front else until
            j = int(traffic.links[j])
        begin += roads.length[lane]
    return float(until)
