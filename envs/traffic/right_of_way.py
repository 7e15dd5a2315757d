"""Right of way: who may drive through a junction, and why the others wait.

A driver near a junction asks for a *grant* of its way through it and stops at the line until it has one. A grant holds
until the vehicle's tail has left the way, and nobody gets one whose way meets a granted way before its holder is past
the place. So no two ever meet inside, whatever the rules say about who goes first; the rules decide the order:
signals, signs, who comes from the right, left turns last (``envs.roads.conflicts``), then whoever has waited longest.
Nobody enters without room behind the junction (keep clear).
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.conflicts import ConflictKind
from envs.roads.controls import GateKind, clock_offset, signal_state
from envs.scene import FloatArray, IntArray, SignalState
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow, WaitCause
from envs.traffic.claims import ClaimRow
from envs.traffic.grants import GRANTS, driven_on, free_slots, give, holds, on_path, release, take_back
from envs.traffic.network import RoadArrays
from envs.traffic.path_view import ViewRow, view_ahead
from envs.traffic.paths import PATH_LANES, follow_path
from envs.traffic.scratch import TrafficArrays

LINE_MARGIN_M = 0.5
"""How far before the stop line drivers stop (m, ours)."""

COMFORTABLE_BRAKE = 2.5
"""Deceleration up to which a driver stops for a signal that turns yellow (m/s2)."""

FIRM_BRAKE = 6.0
"""Deceleration up to which a grant is taken back because the signal has turned red (m/s2)."""

ASK_MARGIN_M = 8.0
"""A driver asks for its grant this much before it would have to brake (m, ours)."""

CROSSING_SPEED = 8.0
"""Speed that a driver is credited on its way through a junction (m/s, ours)."""

PRIORITY_MARGIN_S = 1.0
"""Time between leaving a meeting place and the arrival there of who goes first (s, ours)."""

PATIENCE_S = 10.0
"""After so long at the line a driver no longer lets those go first who stand as well: no circle waits for ever (s)."""

APPROACH_M = 70.0
"""Distance to a stop line from which a driver counts as approaching, for those who must let it go first (m, ours)."""

FAR_M = 1e6
"""Distance to a stop line that is not there (m)."""

REROUTE_S = 15.0
"""After so long before a full exit a driver takes another turn (s, ours)."""

FORCE_S = 40.0
"""After so long it enters although the exit is full: where a circle of full streets waits, somebody must (s, ours)."""

SHORT_LINK_M = 9.0
"""A lane between two junctions that is shorter has no room to wait on (m, ours)."""

STANDING = 0.5
"""Speed below which a vehicle counts as standing (m/s)."""


_NONE, _LEADER, _SIGNAL, _SIGN = (int(WaitCause[name]) for name in ("NONE", "LEADER", "SIGNAL", "SIGN"))
_CONFLICT, _PRIORITY, _EXIT = (int(WaitCause[name]) for name in ("CONFLICT", "PRIORITY", "EXIT"))
_DARK = int(SignalState.NONE)


@njit
def claim_junctions(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, time_s: float, seed: int, b: int, period: float
) -> None:
    """Settle who of world ``b`` may enter which junction; ``traffic.claims`` then says where each other one stops."""
    claims = traffic.claims
    for i in range(agents.shape[2]):
        claims[ClaimRow.LANE, i], claims[ClaimRow.DISTANCE, i] = -1.0, FAR_M
        if int(agents[AgentRow.MODE, b, i]) != AgentMode.VEHICLE:
            continue
        agents[AgentRow.CAUSE, b, i], agents[AgentRow.CAUSED_BY, b, i] = 0.0, -1.0
        release(traffic.grants, agents, roads, objects_half(traffic, b, i), b, i)
        follow_path(traffic.paths, agents, roads, b, i)
        _take_back(agents, traffic, roads, time_s, seed, b, i)
        _make_claim(agents, traffic, roads, time_s, seed, b, i)
    _sort_claims(agents, claims, b)
    for n in range(agents.shape[2]):
        i = int(claims[ClaimRow.ORDER, n])
        if claims[ClaimRow.LANE, i] >= 0.0 and claims[ClaimRow.ASKS, i] > 0.5:
            _decide_claim(agents, traffic, roads, b, i, period)


@njit
def plan_offset(roads: RoadArrays, group: int, seed: int) -> float:
    """Return by how much the clock of a group's plan is ahead in the world of ``seed`` (s)."""
    return float(clock_offset(seed, int(roads.plan[group]), roads.programs[group, 0]))


@njit
def light(roads: RoadArrays, lane: int, time_s: float, seed: int) -> int:
    """Return the ``SignalState`` at the entry of ``lane``."""
    group = int(roads.group[lane])
    if group < 0:
        return _DARK
    return int(signal_state(roads.programs, group, time_s, plan_offset(roads, group, seed)))


@njit
def _take_back(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, time_s: float, seed: int, b: int, i: int
) -> None:
    """Take back the ways that have not been entered, if the path has changed or the signal has, in time to stop."""
    speed = agents[AgentRow.SPEED, b, i]
    for k in range(GRANTS):
        lane = int(traffic.grants[b, i, k, 0])
        if lane < 0:
            return
        to_front = traffic.grants[b, i, k, 1] - agents[AgentRow.ODOMETER, b, i] - objects_half(traffic, b, i)
        if to_front <= 0.0:
            continue
        state = light(roads, lane, time_s, seed)
        needed = speed * speed / (2.0 * max(to_front - roads.stop_gap[lane] - LINE_MARGIN_M, 0.1))
        stops = (state == SignalState.RED and needed < FIRM_BRAKE) or (
            state == SignalState.YELLOW and needed < COMFORTABLE_BRAKE
        )
        if stops or not on_path(traffic.paths, b, i, lane):
            take_back(traffic.grants, b, i, k)
            return


@njit
def objects_half(traffic: TrafficArrays, b: int, i: int) -> float:
    """Return half the length of an agent's body (m)."""
    half: float = traffic.objects[ObjectRow.HALF_LENGTH, b, i]
    return half


@njit
def _make_claim(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, time_s: float, seed: int, b: int, i: int
) -> None:
    """Write the next way through a junction for which agent ``i`` has no grant, if it is near enough to ask."""
    claims, speed = traffic.claims, agents[AgentRow.SPEED, b, i]
    begin = -agents[AgentRow.S, b, i]
    for k in range(PATH_LANES):
        lane = traffic.paths[b, i, k]
        if lane < 0:
            return
        if k > 0 and roads.junction[lane] >= 0 and not holds(traffic.grants, b, i, lane):
            distance = begin - roads.stop_gap[lane] - objects_half(traffic, b, i)
            if distance > APPROACH_M:
                return
            asks = distance < speed * speed / (2.0 * COMFORTABLE_BRAKE) + ASK_MARGIN_M
            claims[ClaimRow.ASKS, i] = 1.0 if asks else 0.0
            claims[ClaimRow.LANE, i], claims[ClaimRow.DISTANCE, i] = lane, distance
            claims[ClaimRow.PATH_START, i] = begin
            state = light(roads, lane, time_s, seed)
            needed = speed * speed / (2.0 * max(distance - LINE_MARGIN_M, 0.1))
            too_late = state == SignalState.YELLOW and needed > COMFORTABLE_BRAKE
            goes = state == SignalState.NONE or state == SignalState.GREEN or too_late
            claims[ClaimRow.MAY_GO, i] = 1.0 if goes else 0.0
            return
        begin += roads.length[lane]


@njit
def _sort_claims(agents: FloatArray, claims: FloatArray, b: int) -> None:
    """Write the order of deciding: who has waited longest, then who is nearest to the line, then by slot."""
    count = agents.shape[2]
    for n in range(count):
        claims[ClaimRow.ORDER, n] = n
    for n in range(1, count):
        i, k = int(claims[ClaimRow.ORDER, n]), n
        while k > 0 and _before(agents, claims, b, i, int(claims[ClaimRow.ORDER, k - 1])):
            claims[ClaimRow.ORDER, k] = claims[ClaimRow.ORDER, k - 1]
            k -= 1
        claims[ClaimRow.ORDER, k] = i


@njit
def _before(agents: FloatArray, claims: FloatArray, b: int, i: int, j: int) -> bool:
    mine, theirs = agents[AgentRow.WAITED, b, i], agents[AgentRow.WAITED, b, j]
    if mine != theirs:
        return bool(mine > theirs)
    return bool(claims[ClaimRow.DISTANCE, i] < claims[ClaimRow.DISTANCE, j])


@njit
def _decide_claim(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, period: float
) -> None:
    """Grant the claim of agent ``i``, or note why not."""
    claims = traffic.claims
    lane = int(claims[ClaimRow.LANE, i])
    cause, by = _objection(agents, traffic, roads, b, i, lane)
    if cause == _NONE:
        _grant_way(agents, traffic, roads, b, i, lane)
        claims[ClaimRow.LANE, i], claims[ClaimRow.DISTANCE, i] = -1.0, FAR_M
        return
    agents[AgentRow.CAUSE, b, i], agents[AgentRow.CAUSED_BY, b, i] = float(cause), by
    waited = agents[AgentRow.WAITED, b, i]
    if cause == _EXIT and waited > REROUTE_S and waited % 5.0 < period:
        traffic.paths[b, i, 1] = -1
    if agents[AgentRow.SPEED, b, i] < STANDING and claims[ClaimRow.DISTANCE, i] < 4.0:
        agents[AgentRow.WAITED, b, i] += period
        agents[AgentRow.STOOD_AT, b, i] = lane + 1.0


@njit
def _belongs_to_way(roads: RoadArrays, lane: int) -> bool:
    """Return whether ``lane`` is part of a way through a junction, or too short to wait on between two junctions."""
    return bool(roads.junction[lane] >= 0 or roads.length[lane] < SHORT_LINK_M)


@njit
def _way_begins(paths: IntArray, b: int, i: int, lane: int) -> int:
    """Return the place of ``lane`` on the path of agent ``i``."""
    k = 0
    while k + 1 < PATH_LANES and paths[b, i, k] != lane:
        k += 1
    return k


@njit
def _grant_way(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, lane: int) -> None:
    """Grant the lanes of the way through the junction that begins with ``lane``."""
    start = agents[AgentRow.ODOMETER, b, i] + traffic.claims[ClaimRow.PATH_START, i]
    for k in range(_way_begins(traffic.paths, b, i, lane), PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0 or not _belongs_to_way(roads, lane):
            break
        give(traffic.grants, b, i, lane, start)
        start += roads.length[lane]
    agents[AgentRow.WAITED, b, i] = 0.0


@njit
def _objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, lane: int
) -> tuple[int, int]:
    """Return the ``WaitCause`` that stands against agent ``i`` entering ``lane``, and whose (slot or -1)."""
    if traffic.claims[ClaimRow.MAY_GO, i] < 0.5:
        return _SIGNAL, -1
    if roads.gate[lane] == GateKind.STOP and agents[AgentRow.STOOD_AT, b, i] != lane + 1.0:
        return _SIGN, -1
    ahead = _ahead_of_gate(agents, traffic, roads, b, i, lane)
    if ahead >= 0:
        return _LEADER, ahead
    way, last, lanes = 0.0, lane, 0
    for k in range(_way_begins(traffic.paths, b, i, lane), PATH_LANES):
        inner = int(traffic.paths[b, i, k])
        if inner < 0 or not _belongs_to_way(roads, inner):
            break
        cause, by = _conflict_objection(agents, traffic, roads, b, i, inner, way)
        if cause != _NONE:
            return cause, by
        way += roads.length[inner]
        last, lanes = inner, lanes + 1
    if lanes > free_slots(traffic.grants, b, i):
        return _EXIT, -1
    if agents[AgentRow.WAITED, b, i] > FORCE_S:
        return _NONE, -1
    return _exit_objection(agents, traffic, roads, b, i, last, way)


@njit
def _conflict_objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, lane: int, way: float
) -> tuple[int, int]:
    """Return what others on ways that meet ``lane`` have against it; it begins ``way`` metres behind the entry."""
    for z in range(roads.conflict_start[lane], roads.conflict_start[lane + 1]):
        if roads.conflict_kind[z] == ConflictKind.DIVERGING:
            continue
        holder = _holder(agents, traffic, roads, b, i, z)
        if holder >= 0:
            return _CONFLICT, holder
        first = _first_to_go(agents, traffic, roads, b, i, z, way)
        if first >= 0:
            return _PRIORITY, first
    return _NONE, -1


@njit
def _ahead_of_gate(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, lane: int
) -> int:
    """Return a vehicle that is to enter before agent ``i`` from the same lane and has no grant yet, or -1."""
    claims = traffic.claims
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
        if driven_on(traffic.grants, agents, b, j, other) - objects_half(traffic, b, j) < until:
            return j
    return -1


@njit
def _first_to_go(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, z: int, behind: float
) -> int:
    """Return who comes on the other way of conflict ``z``, goes first and would be there too soon, or -1."""
    if roads.conflict_priority[z] >= 0:
        return -1
    claims, other = traffic.claims, roads.conflict_lane[z]
    way = claims[ClaimRow.DISTANCE, i] + behind + roads.conflict_own[z, 1] + 2.0 * objects_half(traffic, b, i)
    mine = way / (0.5 * (agents[AgentRow.SPEED, b, i] + CROSSING_SPEED))
    for j in range(agents.shape[2]):
        if j == i or claims[ClaimRow.LANE, j] != other or claims[ClaimRow.MAY_GO, j] < 0.5:
            continue
        stands = agents[AgentRow.SPEED, b, j] < STANDING
        if stands and (agents[AgentRow.WAITED, b, i] > PATIENCE_S or agents[AgentRow.CAUSE, b, j] == _EXIT):
            continue
        theirs = (claims[ClaimRow.DISTANCE, j] + roads.conflict_other[z, 0]) / max(agents[AgentRow.SPEED, b, j], 3.0)
        if theirs < mine + PRIORITY_MARGIN_S:
            return j
    return -1


@njit
def _exit_objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, last: int, way: float
) -> tuple[int, int]:
    """Return ``EXIT`` and who stands there, where there is no room behind ``last``, the end of the ``way`` (m)."""
    view, objects = traffic.seen, traffic.objects
    s = agents[AgentRow.S, b, i]
    count = view_ahead(view, objects, traffic.heads, traffic.links, traffic.paths[b, i], roads, s, b)
    leaves = s + traffic.claims[ClaimRow.PATH_START, i] + way
    length = 2.0 * objects_half(traffic, b, i)
    room, blocker = FAR_M, -1
    for n in range(count):
        j = int(view[ViewRow.INDEX, n])
        lateral = abs(view[ViewRow.ACROSS, n]) < objects[ObjectRow.HALF_WIDTH, b, j] + 0.6
        tail = view[ViewRow.ALONG, n] - objects[ObjectRow.HALF_LENGTH, b, j] - leaves
        if j == i or not lateral or view[ViewRow.ALONG, n] < leaves or view[ViewRow.SIGN, n] < 0.0:
            continue
        tail += 2.0 * max(view[ViewRow.SPEED, n], 0.0)
        if tail < room:
            room, blocker = tail, j
    for j in range(agents.shape[2]):
        if j != i and _heads_for_exit(agents, traffic, roads, b, j, last):
            room -= 2.0 * objects_half(traffic, b, j) + agents[AgentRow.MIN_GAP, b, j]
            blocker = j if blocker < 0 else blocker
    if room < length + 1.0:
        return _EXIT, blocker
    return _NONE, -1


@njit
def _heads_for_exit(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, j: int, last: int) -> bool:
    """Return whether agent ``j`` holds a way that leads to where ``last`` leads, and is not there yet."""
    for k in range(GRANTS):
        held = int(traffic.grants[b, j, k, 0])
        if held >= 0 and roads.successors[held, 0] == roads.successors[last, 0]:
            if agents[AgentRow.ODOMETER, b, j] - traffic.grants[b, j, k, 1] < roads.length[held]:
                return True
    return False


@njit
def stop_line_gap(claims: FloatArray, min_gap: float, i: int) -> float:
    """Return the gap (m) that makes the driver model of agent ``i`` stop at its line; FAR where it need not."""
    if claims[ClaimRow.LANE, i] < 0.0 or claims[ClaimRow.ASKS, i] < 0.5:
        return FAR_M
    return float(max(claims[ClaimRow.DISTANCE, i] - LINE_MARGIN_M, 0.0) + min_gap)


@njit
def keep_speed(agents: FloatArray, paths: IntArray, roads: RoadArrays, b: int, i: int) -> float:
    """Return the acceleration (m/s2) that keeps agent ``i`` to what the lanes of its path advise, or a large number."""
    factor = agents[AgentRow.SPEED_FACTOR, b, i]
    if factor <= 0.0:
        return FAR_M
    brake, speed = agents[AgentRow.COMFORT_BRAKE, b, i], agents[AgentRow.SPEED, b, i]
    allowed, ahead = FAR_M, -agents[AgentRow.S, b, i]
    for k in range(PATH_LANES):
        lane = paths[b, i, k]
        if lane < 0 or ahead > 80.0:
            break
        advised = factor * roads.advised[lane]
        allowed = min(allowed, math.sqrt(advised * advised + 1.2 * brake * max(ahead, 0.0)))
        ahead += roads.length[lane]
    if speed > allowed:
        return float(max(-brake, (allowed - speed) / 0.5))
    return float(agents[AgentRow.MAX_ACCELERATION, b, i] * (1.0 - (speed / max(allowed, 0.1)) ** 4))
