"""Keep clear: nobody enters a junction without room for the whole vehicle behind it.

The room is counted as if everybody stopped: it ends at the stop line of the next junction or at the first standing
vehicle, and those who drive there, or are on their way there, take theirs of it. So a junction holds nobody who waits
for another junction, and the only circles that can form are of full streets; a driver at the head of one that waits
for room turns elsewhere.
"""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import AgentRow, ObjectRow, WaitCause
from envs.traffic.claims import ClaimRow
from envs.traffic.grants import GRANTS
from envs.traffic.network import RoadArrays
from envs.traffic.path_view import ViewRow, view_ahead
from envs.traffic.paths import PATH_LANES
from envs.traffic.scratch import TrafficArrays

ROOM_MARGIN_M = 3.0
"""Room behind a junction beyond a vehicle's own length: the gap that it keeps to whoever stands ahead (m, ours)."""

QUEUE_GAP_M = 2.5
"""Gap between standing vehicles where it is not an agent's own (m, ours)."""

CREEPING = 1.0
"""Speed below which a vehicle ahead is taken to stay where it is (m/s, ours)."""

FAR_M = 1e6

_NONE, _EXIT = int(WaitCause.NONE), int(WaitCause.EXIT)


@njit
def way_end_at(path: IntArray, roads: RoadArrays, first: int, length: float) -> int:
    """Return the place on ``path`` of the last lane of the way through junctions that begins at ``first``.

    A street between two junctions that has no room for a vehicle of ``length`` (m) belongs to the way.
    """
    k = first
    while True:
        while k + 1 < PATH_LANES and path[k + 1] >= 0 and roads.junction[path[k + 1]] >= 0:
            k += 1
        street, n = 0.0, k + 1
        while n < PATH_LANES and path[n] >= 0 and roads.junction[path[n]] < 0:
            street += roads.length[path[n]]
            n += 1
        if n >= PATH_LANES or path[n] < 0:
            return k
        if street - roads.stop_gap[path[n]] - tail_room(roads, path[k]) >= length + ROOM_MARGIN_M:
            return k
        k = n


@njit
def tail_room(roads: RoadArrays, lane: int) -> float:
    """Return how far behind the end of ``lane`` a tail is still in somebody's way (m)."""
    return float(roads.way_end[lane] - roads.length[lane])


@njit
def exit_objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, first: int, last: int
) -> tuple[int, int]:
    """Return ``EXIT`` and who takes the room, where it is too little behind the way of places ``first`` to ``last``."""
    view, objects, path = traffic.seen, traffic.objects, traffic.paths[b, i]
    s = agents[AgentRow.S, b, i]
    count = view_ahead(view, objects, traffic.heads, traffic.links, path, roads, s, b)
    leaves = s + traffic.claims[ClaimRow.PATH_START, i]
    for k in range(first, last + 1):
        leaves += roads.length[path[k]]
    limit, blocker = leaves + _street_behind(path, roads, last), -1
    for n in range(count):
        if _is_behind_way(agents, view, objects, n, leaves, i, b) and view[ViewRow.SPEED, n] < CREEPING:
            tail = view[ViewRow.ALONG, n] - objects[ObjectRow.HALF_LENGTH, b, int(view[ViewRow.INDEX, n])]
            if tail < limit:
                limit, blocker = tail, int(view[ViewRow.INDEX, n])
    room = limit - leaves - tail_room(roads, path[last])
    for n in range(count):
        j = int(view[ViewRow.INDEX, n])
        moving = view[ViewRow.SPEED, n] >= CREEPING and view[ViewRow.ALONG, n] < limit
        if moving and _is_behind_way(agents, view, objects, n, leaves, i, b):
            room -= 2.0 * objects[ObjectRow.HALF_LENGTH, b, j] + QUEUE_GAP_M
            blocker = j if blocker < 0 else blocker
    for j in range(agents.shape[2]):
        if j != i and _heads_for_exit(agents, traffic, roads, b, j, int(path[last])):
            room -= 2.0 * objects[ObjectRow.HALF_LENGTH, b, j] + agents[AgentRow.MIN_GAP, b, j]
            blocker = j if blocker < 0 else blocker
    if room < 2.0 * objects[ObjectRow.HALF_LENGTH, b, i] + ROOM_MARGIN_M:
        return _EXIT, blocker
    return _NONE, -1


@njit
def _street_behind(path: IntArray, roads: RoadArrays, last: int) -> float:
    """Return how long the street behind place ``last`` of ``path`` is, up to the next stop line (m)."""
    street = 0.0
    for k in range(last + 1, PATH_LANES):
        if path[k] < 0:
            return FAR_M
        if roads.junction[path[k]] >= 0:
            return float(street - roads.stop_gap[path[k]])
        street += roads.length[path[k]]
    return FAR_M


@njit
def _is_behind_way(
    agents: FloatArray, view: FloatArray, objects: FloatArray, n: int, leaves: float, i: int, b: int
) -> bool:
    """Return whether body ``n`` of the view is on the street behind the way that ends at ``leaves`` (m).

    Who overtakes there may have to return to it.
    """
    j = int(view[ViewRow.INDEX, n])
    on_path = abs(view[ViewRow.ACROSS, n]) < objects[ObjectRow.HALF_WIDTH, b, j] + 0.6
    on_path |= j < agents.shape[2] and agents[AgentRow.PASSING, b, min(j, agents.shape[2] - 1)] != 0.0
    return bool(j != i and on_path and view[ViewRow.ALONG, n] >= leaves and view[ViewRow.SIGN, n] > 0.0)


@njit
def _heads_for_exit(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, j: int, last: int) -> bool:
    """Return whether agent ``j`` holds a way that leads to where ``last`` leads, and is not there yet."""
    for k in range(GRANTS):
        held = int(traffic.grants[b, j, k, 0])
        if held >= 0 and roads.successors[held, 0] == roads.successors[last, 0]:
            if agents[AgentRow.ODOMETER, b, j] - traffic.grants[b, j, k, 1] < roads.length[held]:
                return True
    return False
