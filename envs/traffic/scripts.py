"""Scripted behaviour: triggers that watch the ego and the clock, and the actions that they start."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import ActorRow, EgoRow, FloatArray, RouteRow
from envs.traffic.agents import ActionKind, AgentMode, AgentRow, ScriptRow, TriggerKind
from envs.traffic.lane_change import enter_lane
from envs.traffic.network import RoadArrays

SLOWEST_APPROACH = 0.5
"""Speed (m/s) that a standing ego is credited when its time of arrival is asked for."""

COMMITTED_S = 0.8
"""Time before the meeting from which who is to meet the ego no longer adapts its speed (s, ours)."""

MEET_SLOWEST, MEET_FASTEST = 0.4, 1.7
"""Shares of the base speed between which it adapts (ours): who waits long enough is passed by."""


@njit
def run_scripts(
    scripts: FloatArray,
    agents: FloatArray,
    actors: FloatArray,
    ego: FloatArray,
    route: FloatArray,
    roads: RoadArrays,
    time_s: float,
    b: int,
) -> None:
    """Fire every waiting script of world ``b`` whose trigger holds now, in the order of the actors' slots."""
    for i in range(scripts.shape[1]):
        for k in range(scripts.shape[2]):
            script = scripts[b, i, k]
            if int(script[ScriptRow.TRIGGER]) == TriggerKind.NONE or script[ScriptRow.FIRED] > 0.5:
                continue
            if _holds(script, actors, ego, route, time_s, b, i):
                script[ScriptRow.FIRED] = 1.0
                _act(script, agents, ego, route, roads, b, i)


@njit
def _holds(
    script: FloatArray, actors: FloatArray, ego: FloatArray, route: FloatArray, time_s: float, b: int, i: int
) -> bool:
    kind, value = int(script[ScriptRow.TRIGGER]), script[ScriptRow.VALUE]
    if kind == TriggerKind.TIME:
        return bool(time_s >= value - 1e-9)
    if kind == TriggerKind.ROUTE_ARRIVAL:
        left = _left_to_go(script, ego, route, b)
        return bool(left <= value * max(ego[EgoRow.SPEED, b], SLOWEST_APPROACH))
    dx = actors[ActorRow.X, b, i] - ego[EgoRow.X, b]
    dy = actors[ActorRow.Y, b, i] - ego[EgoRow.Y, b]
    if kind == TriggerKind.EGO_DISTANCE:
        return bool(math.hypot(dx, dy) <= value)
    ahead = dx * math.cos(ego[EgoRow.YAW, b]) + dy * math.sin(ego[EgoRow.YAW, b])
    to_front = ahead - 0.5 * ego[EgoRow.LENGTH, b]
    return bool(ahead > 0.0 and to_front <= value * max(ego[EgoRow.SPEED, b], SLOWEST_APPROACH))


@njit
def _left_to_go(script: FloatArray, ego: FloatArray, route: FloatArray, b: int) -> float:
    """Return how far the ego's front is from the script's place on its route (m, negative: beyond)."""
    return float(script[ScriptRow.EGO_AT] - route[RouteRow.PROGRESS, b] - 0.5 * ego[EgoRow.LENGTH, b])


@njit
def _time_to_drive(distance: float, speed: float, acceleration: float) -> float:
    """Return the time (s) to a place ``distance`` ahead (m) if who speeds up goes on doing so."""
    if distance <= 0.0:
        return 0.0
    if acceleration <= 0.0:
        return distance / max(speed, SLOWEST_APPROACH)
    return (math.sqrt(speed * speed + 2.0 * acceleration * distance) - speed) / acceleration


@njit
def _act(
    script: FloatArray, agents: FloatArray, ego: FloatArray, route: FloatArray, roads: RoadArrays, b: int, i: int
) -> None:
    action, first, second = int(script[ScriptRow.ACTION]), script[ScriptRow.FIRST], script[ScriptRow.SECOND]
    if action == ActionKind.SPEED:
        if first < agents[AgentRow.SPEED, b, i]:
            agents[AgentRow.FORCED_BRAKE, b, i] = second
        else:
            agents[AgentRow.MAX_ACCELERATION, b, i] = second
        agents[AgentRow.DESIRED_SPEED, b, i] = first
    elif action == ActionKind.WALK:
        if int(agents[AgentRow.MODE, b, i]) == AgentMode.WALKER:
            agents[AgentRow.SPEED, b, i] = first
            agents[AgentRow.WALK_LEFT, b, i] = second
    elif action == ActionKind.CHANGE_LANE:
        lane = int(agents[AgentRow.LANE, b, i])
        target = roads.left[lane] if first > 0.0 else roads.right[lane]
        if target >= 0:
            enter_lane(agents, roads, b, i, target)
    elif action == ActionKind.MEET:
        _meet(script, agents, ego, route, b, i)


@njit
def _meet(script: FloatArray, agents: FloatArray, ego: FloatArray, route: FloatArray, b: int, i: int) -> None:
    """Adapt the speed of agent ``i`` so as to meet the ego; from ``COMMITTED_S`` before it keeps what it has."""
    base = script[ScriptRow.SECOND]
    own = script[ScriptRow.OWN_AT] - agents[AgentRow.ODOMETER, b, i]
    if own < COMMITTED_S * max(agents[AgentRow.SPEED, b, i], SLOWEST_APPROACH):
        return
    script[ScriptRow.FIRED] = 0.0
    arrival = _time_to_drive(_left_to_go(script, ego, route, b), ego[EgoRow.SPEED, b], ego[EgoRow.ACCELERATION, b])
    wish = own / max(arrival + script[ScriptRow.FIRST], COMMITTED_S)
    agents[AgentRow.DESIRED_SPEED, b, i] = min(max(wish, MEET_SLOWEST * base), MEET_FASTEST * base)
