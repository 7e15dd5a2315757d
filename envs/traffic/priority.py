"""Who goes first where ways through a junction meet: what others have against a driver's entering."""

from __future__ import annotations

from envs.compiled import njit
from envs.roads.conflicts import ConflictKind
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow, WaitCause
from envs.traffic.claims import ClaimRow
from envs.traffic.grants import driven_on, give_back, holds
from envs.traffic.network import RoadArrays
from envs.traffic.scratch import TrafficArrays

CROSSING_SPEED = 8.0
"""Speed that a driver is credited on its way through a junction, if it wants to be as fast (m/s, ours)."""

PRIORITY_MARGIN_S = 1.0
"""Time between leaving a meeting place and the arrival there of who goes first (s, ours)."""

PATIENCE_S = 10.0
"""After so long at the line a driver no longer lets those go first who stand as well: no circle waits for ever (s)."""

STANDING = 0.5
"""Speed below which a vehicle counts as standing (m/s)."""

GIVES_BACK = 0.1
"""Speed below which a vehicle stands for certain: it will not enter before it has been asked again (m/s)."""

COURTESY_S = 20.0
"""After so long at the line a driver is let in by those who go first and can still stop (s, ours)."""

_NONE, _CONFLICT, _PRIORITY = int(WaitCause.NONE), int(WaitCause.CONFLICT), int(WaitCause.PRIORITY)
_EXIT, _LEADER, _EGO = int(WaitCause.EXIT), int(WaitCause.LEADER), int(WaitCause.EGO)


@njit
def conflict_objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, lane: int, way: float
) -> tuple[int, int]:
    """Return cause and slot of who objects to ``lane`` from a way that meets it, ``way`` (m) behind the entry."""
    for z in range(roads.conflict_start[lane], roads.conflict_start[lane + 1]):
        if roads.conflict_kind[z] == ConflictKind.DIVERGING:
            continue
        holder = _holder(agents, traffic, roads, b, i, z)
        if holder >= 0:
            return _CONFLICT, holder
        let_in = _let_in(agents, traffic.claims, roads, b, i, z)
        if let_in >= 0:
            return _PRIORITY, let_in
        first = _first_to_go(agents, traffic, roads, b, i, z, way)
        if first >= 0:
            return _PRIORITY, first
    return _NONE, -1


@njit
def ahead_of_gate(agents: FloatArray, claims: FloatArray, roads: RoadArrays, b: int, i: int, lane: int) -> int:
    """Return a vehicle that is to enter before agent ``i`` from the same lane and has no grant yet, or -1."""
    own_lane, s = agents[AgentRow.LANE, b, i], agents[AgentRow.S, b, i]
    for j in range(agents.shape[2]):
        if j == i or claims[ClaimRow.LANE, j] < 0.0 or int(agents[AgentRow.MODE, b, j]) != AgentMode.VEHICLE:
            continue
        if agents[AgentRow.LANE, b, j] == own_lane and agents[AgentRow.S, b, j] > s:
            return j
        same_entry = roads.predecessors[int(claims[ClaimRow.LANE, j]), 0] == roads.predecessors[lane, 0]
        if same_entry and claims[ClaimRow.DISTANCE, j] < claims[ClaimRow.DISTANCE, i]:
            return j
    return -1


@njit
def _holder(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, z: int) -> int:
    """Return who holds the other way of conflict ``z`` and has not left the meeting place, or -1."""
    other, until = int(roads.conflict_lane[z]), roads.conflict_other[z, 1]
    for j in range(agents.shape[2]):
        if j == i or not holds(traffic.grants, b, j, other):
            continue
        tail = driven_on(traffic.grants, agents, b, j, other) - traffic.objects[ObjectRow.HALF_LENGTH, b, j]
        if tail < until and not _gives_back(agents, traffic, b, j, other):
            return j
    return -1


@njit
def _gives_back(agents: FloatArray, traffic: TrafficArrays, b: int, j: int, lane: int) -> bool:
    """Let agent ``j`` give back ``lane`` to who asks for it, if it stands behind somebody and has not entered it."""
    held_by = int(traffic.claims[ClaimRow.HELD_BY, j])
    if (held_by != _LEADER and held_by != _EGO) or agents[AgentRow.SPEED, b, j] > GIVES_BACK:
        return False
    front = driven_on(traffic.grants, agents, b, j, lane) + traffic.objects[ObjectRow.HALF_LENGTH, b, j]
    if front >= 0.0:
        return False
    give_back(traffic.grants, b, j, lane)
    return True


@njit
def _let_in(agents: FloatArray, claims: FloatArray, roads: RoadArrays, b: int, i: int, z: int) -> int:
    """Return who has long waited to enter the other way of conflict ``z``, and longer than agent ``i``, or -1.

    It is let in, and the room behind the junction for which it waits is left to it.
    """
    for j in range(agents.shape[2]):
        if j == i or claims[ClaimRow.LANE, j] != roads.conflict_lane[z]:
            continue
        cause = int(agents[AgentRow.CAUSE, b, j])
        longer = agents[AgentRow.WAITED, b, j] > max(COURTESY_S, agents[AgentRow.WAITED, b, i])
        same_exit = cause == _EXIT and roads.conflict_kind[z] == ConflictKind.MERGING
        if longer and (cause == _CONFLICT or cause == _PRIORITY or same_exit):
            return j
    return -1


@njit
def _first_to_go(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, z: int, behind: float
) -> int:
    """Return who comes on the other way of conflict ``z``, goes first and would be there too soon, or -1."""
    if roads.conflict_priority[z] >= 0 or agents[AgentRow.WAITED, b, i] > COURTESY_S:
        return -1
    claims, other = traffic.claims, roads.conflict_lane[z]
    mine = clears_in(agents, traffic, roads, b, i, z, behind)
    for j in range(agents.shape[2]):
        if j == i or claims[ClaimRow.LANE, j] != other or claims[ClaimRow.MAY_GO, j] < 0.5:
            continue
        stands = agents[AgentRow.SPEED, b, j] < STANDING
        if stands and (agents[AgentRow.WAITED, b, i] > PATIENCE_S or int(claims[ClaimRow.HELD_BY, j]) == _EXIT):
            continue
        theirs = (claims[ClaimRow.DISTANCE, j] + roads.conflict_other[z, 0]) / max(agents[AgentRow.SPEED, b, j], 3.0)
        if theirs < mine + PRIORITY_MARGIN_S:
            return j
    return -1


@njit
def clears_in(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, z: int, behind: float
) -> float:
    """Return the time until agent ``i`` has left the meeting place of conflict ``z`` if it goes now (s).

    ``behind`` how far its way into the junction is before the lane of the conflict (m).
    """
    way = traffic.claims[ClaimRow.DISTANCE, i] + behind + roads.conflict_own[z, 1]
    way += 2.0 * traffic.objects[ObjectRow.HALF_LENGTH, b, i]
    through = min(CROSSING_SPEED, agents[AgentRow.DESIRED_SPEED, b, i])
    return float(way / (0.5 * (agents[AgentRow.SPEED, b, i] + through)))
