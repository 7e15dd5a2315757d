"""Scripted behaviour: triggers that watch the ego and the clock, and the actions that they start."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import ActorRow, EgoRow, FloatArray
from envs.traffic.agents import ActionKind, AgentMode, AgentRow, ScriptRow, TriggerKind
from envs.traffic.lane_change import enter_lane
from envs.traffic.network import RoadArrays

SLOWEST_APPROACH = 0.5
"""Speed (m/s) that a standing ego is credited when its time of arrival is asked for."""


@njit
def run_scripts(
    scripts: FloatArray,
    agents: FloatArray,
    actors: FloatArray,
    ego: FloatArray,
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
            if _holds(int(script[ScriptRow.TRIGGER]), script[ScriptRow.VALUE], actors, ego, time_s, b, i):
                script[ScriptRow.FIRED] = 1.0
                _act(script, agents, roads, b, i)


@njit
def _holds(kind: int, value: float, actors: FloatArray, ego: FloatArray, time_s: float, b: int, i: int) -> bool:
    if kind == TriggerKind.TIME:
        return time_s >= value - 1e-9
    dx = actors[ActorRow.X, b, i] - ego[EgoRow.X, b]
    dy = actors[ActorRow.Y, b, i] - ego[EgoRow.Y, b]
    if kind == TriggerKind.EGO_DISTANCE:
        return bool(math.hypot(dx, dy) <= value)
    ahead = dx * math.cos(ego[EgoRow.YAW, b]) + dy * math.sin(ego[EgoRow.YAW, b])
    to_front = ahead - 0.5 * ego[EgoRow.LENGTH, b]
    return bool(ahead > 0.0 and to_front <= value * max(ego[EgoRow.SPEED, b], SLOWEST_APPROACH))


@njit
def _act(script: FloatArray, agents: FloatArray, roads: RoadArrays, b: int, i: int) -> None:
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
