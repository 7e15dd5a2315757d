"""Pedestrians: they walk straight where a script sends them, and not into the side of a vehicle that passes."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.projection import project
from envs.scene import ActorKind, ActorRow, FloatArray
from envs.traffic.agents import AgentRow
from envs.traffic.network import RoadArrays

LOOK_AHEAD_M = 0.9
"""How far before its centre a walker looks whether its way is free (m, ours)."""

PASSING_S = 0.5
"""A vehicle counts as in the way this long before its front arrives (s, ours)."""

CLEARANCE_M = 0.3
"""Distance that a walker keeps from a vehicle's side (m, ours)."""


@njit
def move_walker(agents: FloatArray, actors: FloatArray, roads: RoadArrays, b: int, i: int, period: float) -> None:
    """Walk on for ``period`` (s), or wait while another vehicle passes; the ego is who the script is about."""
    pace = agents[AgentRow.SPEED, b, i]
    if pace > 0.0 and not _way_is_free(actors, b, i):
        pace = 0.0
    travelled = min(pace * period, agents[AgentRow.WALK_LEFT, b, i])
    agents[AgentRow.WALK_LEFT, b, i] -= travelled
    if agents[AgentRow.WALK_LEFT, b, i] <= 0.0:
        agents[AgentRow.SPEED, b, i] = pace = 0.0
    yaw = actors[ActorRow.YAW, b, i]
    actors[ActorRow.X, b, i] += travelled * math.cos(yaw)
    actors[ActorRow.Y, b, i] += travelled * math.sin(yaw)
    actors[ActorRow.SPEED, b, i] = pace
    actors[ActorRow.VX, b, i] = pace * math.cos(yaw)
    actors[ActorRow.VY, b, i] = pace * math.sin(yaw)
    lane, x, y = int(agents[AgentRow.LANE, b, i]), actors[ActorRow.X, b, i], actors[ActorRow.Y, b, i]
    s, d, _, _, _ = project(roads.samples, roads.start, roads.step, lane, agents[AgentRow.S, b, i], x, y)
    agents[AgentRow.S, b, i] = s
    agents[AgentRow.D, b, i] = d


@njit
def _way_is_free(actors: FloatArray, b: int, i: int) -> bool:
    """Return whether no vehicle is, or soon will be, on the next metre; whoever stands before one walks on."""
    x, y, yaw = actors[ActorRow.X, b, i], actors[ActorRow.Y, b, i], actors[ActorRow.YAW, b, i]
    next_x, next_y = x + LOOK_AHEAD_M * math.cos(yaw), y + LOOK_AHEAD_M * math.sin(yaw)
    for j in range(actors.shape[2]):
        if j == i or actors[ActorRow.VALID, b, j] < 0.5 or int(actors[ActorRow.KIND, b, j]) == ActorKind.PEDESTRIAN:
            continue
        if _before_vehicle(actors, b, j, next_x, next_y) and not _before_vehicle(actors, b, j, x, y):
            return False
    return True


@njit
def _before_vehicle(actors: FloatArray, b: int, j: int, x: float, y: float) -> bool:
    """Return whether a point (m) lies where vehicle ``j`` is or will be within ``PASSING_S``."""
    dx, dy = x - actors[ActorRow.X, b, j], y - actors[ActorRow.Y, b, j]
    cosine, sine = math.cos(actors[ActorRow.YAW, b, j]), math.sin(actors[ActorRow.YAW, b, j])
    along, across = dx * cosine + dy * sine, dy * cosine - dx * sine
    half = 0.5 * actors[ActorRow.LENGTH, b, j] + CLEARANCE_M
    front = half + PASSING_S * max(actors[ActorRow.SPEED, b, j], 0.0)
    return bool(-half <= along <= front and abs(across) <= 0.5 * actors[ActorRow.WIDTH, b, j] + CLEARANCE_M)
