"""Where an agent will drive: the next lanes of its path, drawn where the road forks.

Row ``paths[b, i]`` ``(PATH_LANES,)`` holds the agent's present lane and those that follow, padded with -1. At a fork
the turn is drawn by a hash of the agent's own number and its count of turns: a world is replayed from its seed.
"""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import AgentRow
from envs.traffic.chance import uniform
from envs.traffic.network import RoadArrays
from envs.traffic.relations import REACH_M

PATH_LANES = 12
"""Most lanes of a path: beyond braking distance even where junctions follow each other closely."""


@njit
def follow_path(paths: IntArray, agents: FloatArray, roads: RoadArrays, b: int, i: int) -> None:
    """Let the path of agent ``i`` begin with its present lane and reach ``REACH_M`` ahead."""
    lane = int(agents[AgentRow.LANE, b, i])
    if paths[b, i, 0] != lane:
        _drop_until(paths, b, i, lane)
    ahead, last = roads.length[lane] - agents[AgentRow.S, b, i], 0
    while last + 1 < PATH_LANES and paths[b, i, last + 1] >= 0:
        last += 1
        ahead += roads.length[paths[b, i, last]]
    while ahead < REACH_M and last + 1 < PATH_LANES:
        following = _draw_turn(agents, roads, paths[b, i, last], b, i)
        if following < 0:
            return
        last += 1
        paths[b, i, last] = following
        ahead += roads.length[following]


@njit
def _drop_until(paths: IntArray, b: int, i: int, lane: int) -> None:
    """Shift the path so that it begins with ``lane``; where that is not on it, the path is ``lane`` alone."""
    at = 1
    while at < PATH_LANES and paths[b, i, at] != lane:
        at += 1
    for k in range(PATH_LANES):
        paths[b, i, k] = paths[b, i, k + at] if k + at < PATH_LANES else -1
    paths[b, i, 0] = lane


@njit
def on_path(paths: IntArray, b: int, i: int, lane: int) -> bool:
    """Return whether ``lane`` is on the path of agent ``i``."""
    for k in range(PATH_LANES):
        if paths[b, i, k] == lane:
            return True
    return False


@njit
def forget_path(paths: IntArray, b: int, i: int, first: int) -> None:
    """Forget the path of agent ``i`` from place ``first`` on: its turns are drawn anew."""
    for k in range(first, PATH_LANES):
        paths[b, i, k] = -1


@njit
def _draw_turn(agents: FloatArray, roads: RoadArrays, lane: int, b: int, i: int) -> int:
    """Return one of the lanes that follow ``lane``, or -1 where none does."""
    count = 0
    while count < roads.successors.shape[1] and roads.successors[lane, count] >= 0:
        count += 1
    if count <= 1:
        return int(roads.successors[lane, 0])
    draw = uniform(int(agents[AgentRow.NUMBER, b, i]), 0, int(agents[AgentRow.TURNS, b, i]))
    agents[AgentRow.TURNS, b, i] += 1.0
    return int(roads.successors[lane, min(int(draw * count), count - 1)])


@njit
def extend_straight(path: IntArray, roads: RoadArrays) -> None:
    """Fill ``path`` ``(PATH_LANES,)`` behind its first lane with the first of the lanes that follow, within reach."""
    ahead, last = roads.length[path[0]], 0
    while last + 1 < PATH_LANES:
        following = int(roads.successors[path[last], 0]) if ahead < 2.0 * REACH_M else -1
        last += 1
        path[last] = following
        if following < 0:
            return
        ahead += roads.length[following]
