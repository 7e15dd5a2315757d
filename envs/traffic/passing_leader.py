"""Whom an overtaker follows while it is out of its place in the lane, and the oncoming for whom it brakes."""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow, ObjectRow
from envs.traffic.following import CORRIDOR_MARGIN, FREE_GAP, crosses_corridor
from envs.traffic.network import RoadArrays
from envs.traffic.passing_room import body_ahead, look_for
from envs.traffic.path_view import ViewRow
from envs.traffic.scratch import TrafficArrays

BACK_GAP_M = 2.5
"""Distance between the tail and whom it has passed at which a driver begins to return (m, ours)."""


@njit
def time_back(agents: FloatArray, b: int, i: int) -> float:
    """Return how long agent ``i`` needs to be out of the oncoming's way (s, ours: half of its offset at 1.2 m/s)."""
    return float(0.5 + abs(agents[AgentRow.D, b, i] - agents[AgentRow.KEEP_D, b, i]) / 2.4)


@njit
def leader_while_out(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, i: int, s: float
) -> tuple[float, float, int]:
    """Return (gap m, its speed m/s, slot) of who is in the way of agent ``i`` as it passes, or where it returns."""
    view, objects = traffic.seen, traffic.objects
    last = look_for(view, count, int(agents[AgentRow.PASS_LAST, b, i]))
    k = int(view[ViewRow.INDEX, last])
    gains = view[ViewRow.ALONG, last] + objects[ObjectRow.HALF_LENGTH, b, k] - s
    gains += objects[ObjectRow.HALF_LENGTH, b, i] + BACK_GAP_M
    speed = max(agents[AgentRow.SPEED, b, i], 2.0)
    needed = gains / max(speed - view[ViewRow.SPEED, last], 1.0) + 1.5
    gap, leader, ahead = nearest_in_way(agents, traffic, count, b, i, s, needed)
    before = body_ahead(view, count, i, last)
    if before >= 0:
        j = int(view[ViewRow.INDEX, before])
        room = view[ViewRow.ALONG, before] - s - objects[ObjectRow.HALF_LENGTH, b, i]
        room -= objects[ObjectRow.HALF_LENGTH, b, j]
        if room < gap:
            return room, view[ViewRow.SPEED, before], j
    return gap, leader, ahead


@njit
def nearest_in_way(
    agents: FloatArray, traffic: TrafficArrays, count: int, b: int, i: int, s: float, needed: float
) -> tuple[float, float, int]:
    """Return (gap m, its speed m/s, slot) of the nearest body in the way; who comes counts if there in ``needed`` (s).

    The following model would brake for an oncoming body long before, and so make the pass last longer.
    """
    view, objects = traffic.seen, traffic.objects
    nearest, leader, ahead, d = FREE_GAP, 0.0, -1, agents[AgentRow.D, b, i]
    half, corridor = objects[ObjectRow.HALF_LENGTH, b, i], objects[ObjectRow.HALF_WIDTH, b, i] + CORRIDOR_MARGIN
    for n in range(count):
        j, distance = int(view[ViewRow.INDEX, n]), view[ViewRow.ALONG, n] - s
        reach = corridor + objects[ObjectRow.HALF_WIDTH, b, j] + objects[ObjectRow.CLEARANCE, b, j]
        in_way = crosses_corridor(view[ViewRow.ACROSS, n] - d, view[ViewRow.DRIFT, n], reach)
        gap = distance - half - objects[ObjectRow.HALF_LENGTH, b, j]
        if j == i or distance <= 0.0 or not in_way or gap >= nearest:
            continue
        speed = view[ViewRow.SPEED, n]
        if speed < -0.5 and gap > needed * (agents[AgentRow.SPEED, b, i] - speed):
            continue
        nearest, leader, ahead = gap, speed, j
    return nearest, leader, ahead
