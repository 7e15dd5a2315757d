"""Pedestrians on the pavement keep off the bodies that sweep it: in turns a long vehicle's ends swing over the kerb.

Whoever crosses looks after itself (``crosswalks``); nobody expects the ego to come.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.projection import pose_at
from envs.scene import ActorRow, FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow
from envs.traffic.crowd import pedestrian_height
from envs.traffic.levels import lane_height, on_other_level
from envs.traffic.network import RoadArrays
from envs.traffic.paths import PATH_LANES
from envs.traffic.scratch import TrafficArrays
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow

ASIDE_MPS = 1.5
"""Speed of a step aside (m/s, ours)."""

LOOKS, LOOK_S = 7, 0.2
"""A pedestrian sees where a passing vehicle is and will be, so many times so far apart (s, ours)."""

KEEP_OFF_M = 0.6
"""Distance that a pedestrian on the pavement keeps between its centre and a vehicle's body (m, ours)."""

_CROSSES, _UNUSED = int(PedestrianPhase.CROSSES), int(PedestrianPhase.UNUSED)
_JAYWALKS = int(PedestrianPhase.JAYWALKS)


@njit
def step_aside(
    traffic: TrafficArrays, agents: FloatArray, actors: FloatArray, roads: RoadArrays, b: int, period: float
) -> None:
    """Let those of world ``b`` who are not crossing give way to the vehicles that come too near."""
    people = traffic.crowd.people
    for i in range(agents.shape[2]):
        if int(agents[AgentRow.MODE, b, i]) != AgentMode.VEHICLE:
            continue
        ahead = (LOOKS - 1) * LOOK_S * agents[AgentRow.SPEED, b, i]
        reach = traffic.objects[ObjectRow.HALF_LENGTH, b, i] + KEEP_OFF_M + ahead
        x, y = actors[ActorRow.X, b, i], actors[ActorRow.Y, b, i]
        level = lane_height(roads, int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i])
        for p in range(people.shape[2]):
            away_x, away_y = abs(people[PedestrianRow.X, b, p] - x), abs(people[PedestrianRow.Y, b, p] - y)
            if (away_x > reach) | (away_y > reach):
                continue
            phase = int(people[PedestrianRow.PHASE, b, p])
            above = on_other_level(level, pedestrian_height(traffic.crowd, b, p))
            if phase != _UNUSED and phase != _CROSSES and phase != _JAYWALKS and not above:
                _keep_off(traffic, agents, roads, b, i, p, period)


@njit
def _keep_off(
    traffic: TrafficArrays, agents: FloatArray, roads: RoadArrays, b: int, i: int, p: int, period: float
) -> None:
    """Move pedestrian ``p`` away from the side of vehicle ``i`` where that is, or will be, most in its way."""
    people, worst, step_x, step_y = traffic.crowd.people, 0.0, 0.0, 0.0
    # Who steps aside takes back the step that it has just walked.
    limit = (ASIDE_MPS + people[PedestrianRow.SPEED, b, p]) * period
    for look in range(LOOKS):
        ahead = look * LOOK_S * agents[AgentRow.SPEED, b, i]
        x, y, heading = _pose_ahead(traffic, agents, roads, b, i, ahead)
        cosine, sine = math.cos(heading), math.sin(heading)
        dx, dy = people[PedestrianRow.X, b, p] - x, people[PedestrianRow.Y, b, p] - y
        along, across = dx * cosine + dy * sine, dy * cosine - dx * sine
        lacks = traffic.objects[ObjectRow.HALF_WIDTH, b, i] + KEEP_OFF_M - abs(across)
        if lacks > worst and abs(along) <= traffic.objects[ObjectRow.HALF_LENGTH, b, i] + KEEP_OFF_M:
            worst, step = lacks, math.copysign(min(lacks, limit), across)
            step_x, step_y = -step * sine, step * cosine
    people[PedestrianRow.X, b, p] += step_x
    people[PedestrianRow.Y, b, p] += step_y


@njit
def _pose_ahead(
    traffic: TrafficArrays, agents: FloatArray, roads: RoadArrays, b: int, i: int, ahead: float
) -> tuple[float, float, float]:
    """Return (x, y, heading) of agent ``i`` when it has gone ``ahead`` (m) on along its path."""
    s, lane = agents[AgentRow.S, b, i] + ahead, int(agents[AgentRow.LANE, b, i])
    for k in range(1, PATH_LANES):
        following = int(traffic.paths[b, i, k])
        if s <= roads.length[lane] or following < 0:
            break
        s -= roads.length[lane]
        lane = following
    return pose_at(roads.samples, roads.start, roads.step, lane, s, agents[AgentRow.D, b, i])
