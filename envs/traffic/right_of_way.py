"""Right of way: who may drive through a junction, and why the others wait.

A driver near a junction asks for a *grant* of its way through it and stops at the line until it has one. A grant holds
until the vehicle's tail has left the way, and nobody gets one whose way meets a granted way before its holder is past
the place. So no two ever meet inside, whatever the rules say about who goes first; the rules decide the order:
signals (``lights``), signs, who comes from the right, left turns last (``envs.roads.conflicts``, ``priority``), then
whoever has waited longest. Nobody enters without room behind the junction (``keep_clear``).
"""

from __future__ import annotations

from envs.compiled import njit
from envs.roads.controls import GateKind
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow, WaitCause
from envs.traffic.asking import forget_claim, make_claim, sort_claims
from envs.traffic.claims import ClaimRow
from envs.traffic.ego_priority import ego_objection
from envs.traffic.grants import GRANTS, free_slots, give, release, take_back
from envs.traffic.keep_clear import exit_objection, way_end_at
from envs.traffic.lights import must_stop
from envs.traffic.network import RoadArrays
from envs.traffic.oncoming import overtaker_on
from envs.traffic.paths import PATH_LANES, follow_path, forget_path, on_path
from envs.traffic.priority import STANDING, ahead_of_gate, conflict_objection
from envs.traffic.scratch import TrafficArrays

AT_LINE_M = 4.0
"""Distance to its line within which a standing driver waits there (m, ours)."""

REROUTE_S = 8.0
"""After so long before a full exit a driver takes another turn (s, ours); ``REROUTE_EVERY_S`` until it does again."""

REROUTE_EVERY_S = 3.0

_NONE, _LEADER, _SIGNAL, _SIGN = (int(WaitCause[name]) for name in ("NONE", "LEADER", "SIGNAL", "SIGN"))
_EXIT = int(WaitCause.EXIT)


@njit
def claim_junctions(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, time_s: float, seed: int, b: int, period: float
) -> None:
    """Settle who of world ``b`` may enter which junction; ``traffic.claims`` then says where each other one stops."""
    claims = traffic.claims
    for i in range(agents.shape[2]):
        forget_claim(agents, claims, b, i)
        if int(agents[AgentRow.MODE, b, i]) != AgentMode.VEHICLE:
            continue
        agents[AgentRow.CAUSE, b, i], agents[AgentRow.CAUSED_BY, b, i] = 0.0, -1.0
        if roads.conflict_lane.shape[0] == 0:
            continue
        release(traffic.grants, agents, roads, traffic.objects[ObjectRow.HALF_LENGTH, b, i], b, i)
        follow_path(traffic.paths, agents, roads, b, i)
        _take_back(agents, traffic, roads, time_s, seed, b, i)
        make_claim(agents, traffic, roads, time_s, seed, b, i)
    # On roads where no two ways meet there is nothing to settle.
    if roads.conflict_lane.shape[0] == 0:
        return
    sort_claims(agents, claims, b)
    for n in range(agents.shape[2]):
        i = int(claims[ClaimRow.ORDER, n])
        if claims[ClaimRow.LANE, i] >= 0.0 and claims[ClaimRow.ASKS, i] > 0.5:
            _decide_claim(agents, traffic, roads, b, i, period)


@njit
def _take_back(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, time_s: float, seed: int, b: int, i: int
) -> None:
    """Take back the ways that have not been entered, if the path has changed or the signal has, in time to stop."""
    for k in range(GRANTS):
        lane = int(traffic.grants[b, i, k, 0])
        if lane < 0:
            return
        to_entry = traffic.grants[b, i, k, 1] - agents[AgentRow.ODOMETER, b, i]
        to_entry -= traffic.objects[ObjectRow.HALF_LENGTH, b, i]
        if to_entry <= 0.0:
            continue
        to_line = to_entry - roads.stop_gap[lane]
        stops = must_stop(roads, lane, time_s, seed, agents[AgentRow.SPEED, b, i], to_line)
        stops = stops and agents[AgentRow.HEEDLESS, b, i] < 0.5
        if stops or not on_path(traffic.paths, b, i, lane):
            take_back(traffic.grants, b, i, k)
            return


@njit
def _decide_claim(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, period: float
) -> None:
    """Grant the claim of agent ``i``, or note why not."""
    claims = traffic.claims
    lane, first = int(claims[ClaimRow.LANE, i]), int(claims[ClaimRow.AT, i])
    last = way_end_at(traffic.paths[b, i], roads, first, 2.0 * traffic.objects[ObjectRow.HALF_LENGTH, b, i])
    cause, by = _NONE, -1
    if agents[AgentRow.HEEDLESS, b, i] < 0.5:
        cause, by = _objection(agents, traffic, roads, b, i, first, last)
    if cause == _NONE:
        _grant_way(agents, traffic, roads, b, i, first, last)
        claims[ClaimRow.LANE, i], claims[ClaimRow.ASKS, i] = -1.0, 0.0
        return
    agents[AgentRow.CAUSE, b, i], agents[AgentRow.CAUSED_BY, b, i] = float(cause), by
    if agents[AgentRow.SPEED, b, i] < STANDING and claims[ClaimRow.DISTANCE, i] < AT_LINE_M:
        _wait(agents, traffic, b, i, lane, first, cause, period)


@njit
def _wait(
    agents: FloatArray, traffic: TrafficArrays, b: int, i: int, lane: int, first: int, cause: int, period: float
) -> None:
    """Let agent ``i`` wait at its line for a ``period`` (s); who waits for room behind the junction turns elsewhere."""
    agents[AgentRow.STOOD_AT, b, i] = lane + 1.0
    if cause == _SIGNAL:
        return
    agents[AgentRow.WAITED, b, i] += period
    waited = agents[AgentRow.WAITED, b, i]
    if cause == _EXIT and waited > REROUTE_S and waited % REROUTE_EVERY_S < period:
        forget_path(traffic.paths, b, i, first)


@njit
def _grant_way(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, first: int, last: int
) -> None:
    """Grant the lanes at the places ``first`` to ``last`` of the path."""
    start = agents[AgentRow.ODOMETER, b, i] + traffic.claims[ClaimRow.PATH_START, i]
    for k in range(first, last + 1):
        lane = int(traffic.paths[b, i, k])
        give(traffic.grants, b, i, lane, start)
        start += roads.length[lane]
    agents[AgentRow.WAITED, b, i] = 0.0


@njit
def _objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, first: int, last: int
) -> tuple[int, int]:
    """Return the ``WaitCause`` against agent ``i`` entering at place ``first`` of its path, and whose (slot or -1)."""
    lane = int(traffic.paths[b, i, first])
    if traffic.claims[ClaimRow.MAY_GO, i] < 0.5:
        return _SIGNAL, -1
    if roads.gate[lane] == GateKind.STOP and agents[AgentRow.STOOD_AT, b, i] != lane + 1.0:
        return _SIGN, -1
    ahead = ahead_of_gate(agents, traffic.claims, roads, b, i, lane)
    if ahead >= 0:
        return _LEADER, ahead
    # No room behind the junction is said first: whoever waits for it would not go if all others let it.
    if last + 1 - first > free_slots(traffic.grants, b, i):
        return _EXIT, -1
    if last + 1 < PATH_LANES and traffic.paths[b, i, last + 1] >= 0:
        overtaker = overtaker_on(agents, traffic, roads, b, int(traffic.paths[b, i, last + 1]))
        if overtaker >= 0:
            return _EXIT, overtaker
    cause, by = exit_objection(agents, traffic, roads, b, i, first, last)
    way = 0.0
    for k in range(first, last + 1):
        if cause != _NONE:
            break
        inner = int(traffic.paths[b, i, k])
        cause, by = conflict_objection(agents, traffic, roads, b, i, inner, way)
        way += roads.length[inner]
    if cause == _NONE:
        cause = ego_objection(agents, traffic, roads, b, i, first, last)
        by = agents.shape[2] if cause != _NONE else -1
    return cause, by
