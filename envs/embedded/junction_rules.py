"""The ego before a junction on its route: how far, what holds it there, and whether it ran that."""

from __future__ import annotations

from envs.compiled import njit
from envs.embedded.world import FAR_M
from envs.embedded.world_rows import WorldRow
from envs.roads.controls import GateKind
from envs.scene import EgoRow, EventRow, FloatArray, IntArray, RoadRow, SignalState, StopLine
from envs.traffic.lights import light
from envs.traffic.network import RoadArrays

STOOD_SPEED = 0.3
"""Speed below which the ego counts as having stood at a stop sign (m/s, ours)."""

STOOD_WITHIN_M = 4.0
"""How far before the stop line that must be (m, ours)."""

_STOP_LINE_OF = {
    GateKind.OPEN: StopLine.NONE,
    GateKind.SIGNAL: StopLine.SIGNAL,
    GateKind.STOP: StopLine.STOP_SIGN,
    GateKind.YIELD: StopLine.YIELD_SIGN,
}
_STOP_LINES = tuple(float(_STOP_LINE_OF[kind]) for kind in GateKind)


@njit
def watch_junction(
    worlds: FloatArray,
    ego: FloatArray,
    road: FloatArray,
    events: FloatArray,
    routes: IntArray,
    spans: FloatArray,
    roads: RoadArrays,
    seed: int,
    b: int,
) -> None:
    """Write the next junction, its signal and stop line of world ``b``'s route, and what the ego has run.

    A line is run where the front passes it while the signal is red, or at a stop sign without having stood.
    """
    events[EventRow.RED_LIGHT, b], events[EventRow.STOP_SIGN, b] = 0.0, 0.0
    gate, entry = _next_gate(worlds, ego, routes, spans, roads, b)
    line = entry - roads.stop_gap[routes[b, gate]] if gate >= 0 else FAR_M
    time_s = worlds[WorldRow.TIME, b]
    passed = worlds[WorldRow.GATE, b] - 1.0
    if passed >= 0.0 and (gate != passed or line < 0.0) and worlds[WorldRow.LINE_DISTANCE, b] >= 0.0:
        _pass_line(worlds, events, int(routes[b, int(passed)]), roads, time_s, seed, b)
    if gate != passed:
        worlds[WorldRow.STOOD, b] = 0.0
    if gate >= 0 and line < STOOD_WITHIN_M and ego[EgoRow.SPEED, b] < STOOD_SPEED:
        worlds[WorldRow.STOOD, b] = 1.0
    worlds[WorldRow.GATE, b], worlds[WorldRow.LINE_DISTANCE, b] = gate + 1.0, line
    road[RoadRow.DISTANCE_TO_JUNCTION, b] = min(max(entry, 0.0), FAR_M)
    road[RoadRow.DISTANCE_TO_STOP_LINE, b], road[RoadRow.SIGNAL, b] = FAR_M, 0.0
    road[RoadRow.STOP_LINE, b], road[RoadRow.STOOD, b] = 0.0, 0.0
    if gate >= 0 and line < FAR_M and roads.gate[routes[b, gate]] != GateKind.OPEN:
        road[RoadRow.DISTANCE_TO_STOP_LINE, b] = max(line, 0.0)
        road[RoadRow.SIGNAL, b] = light(roads, int(routes[b, gate]), time_s, seed)
        road[RoadRow.STOP_LINE, b] = _STOP_LINES[roads.gate[routes[b, gate]]]
        road[RoadRow.STOOD, b] = worlds[WorldRow.STOOD, b]


@njit
def _next_gate(
    worlds: FloatArray, ego: FloatArray, routes: IntArray, spans: FloatArray, roads: RoadArrays, b: int
) -> tuple[int, float]:
    """Return the place on the route of the next way into a junction (-1: none) and its distance to the front (m)."""
    index, count = int(worlds[WorldRow.ROUTE_INDEX, b]), int(worlds[WorldRow.ROUTE_COUNT, b])
    begin = spans[b, index, 0] - worlds[WorldRow.ROUTE_S, b] - 0.5 * ego[EgoRow.LENGTH, b]
    for k in range(index, count):
        lane = routes[b, k]
        enters = roads.junction[lane] >= 0 and (k == 0 or roads.junction[routes[b, k - 1]] < 0)
        if enters and begin >= -roads.stop_gap[lane] - 0.5 * ego[EgoRow.LENGTH, b] and k > index:
            return k, begin
        begin += spans[b, k, 1] - spans[b, k, 0]
        if begin > FAR_M:
            break
    return -1, FAR_M


@njit
def _pass_line(
    worlds: FloatArray, events: FloatArray, lane: int, roads: RoadArrays, time_s: float, seed: int, b: int
) -> None:
    if light(roads, lane, time_s, seed) == SignalState.RED:
        events[EventRow.RED_LIGHT, b] = 1.0
    if roads.gate[lane] == GateKind.STOP and worlds[WorldRow.STOOD, b] < 0.5:
        events[EventRow.STOP_SIGN, b] = 1.0
