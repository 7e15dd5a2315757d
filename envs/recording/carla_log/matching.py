"""The lanes that a recorded ego was on, frame by frame, and the route that they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.embedded.world import track_lane
from envs.embedded.world_rows import WorldRow
from envs.roads.lane_graph import LaneGraph, locate
from envs.roads.projection import project
from envs.roads.route_plan import is_change, route_tree
from envs.scene import FloatArray, IntArray, SceneBatch
from envs.traffic.network import RoadArrays

JUMP_M = 10.0
"""Between two frames nobody drives farther (m, ours): the ego was put there."""

AWAY_M = 12.0
"""An ego that is farther than this from the lane that it was followed to is looked for anew (m, ours)."""

SHORT_VISIT_S = 3.0
"""Who is back in its lane within this has not changed lanes (s, ours)."""

DETOUR_M = 300.0
"""Between two lanes that the ego was on lies no longer way than this (m, ours)."""

AHEAD_M = 250.0
"""Length of the lanes behind the last frame (m): more than anything looks ahead."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the ego was at T frames: ``lane`` ``(T,)``, ``s`` along and ``d`` left of it (m), ``angle`` to it (rad)."""

    lane: IntArray
    s: FloatArray
    d: FloatArray
    angle: FloatArray


@dataclass(frozen=True, slots=True)
class Route:
    """A route of n lanes: ``lanes`` ``(1, n)`` and their ``spans`` ``(1, n, 2)`` (m); ``start_s`` on the first (m)."""

    lanes: IntArray
    spans: FloatArray
    start_s: float


def find_places(scenes: SceneBatch, graph: LaneGraph, roads: RoadArrays) -> Places:
    """Follow the ego of ``scenes`` (batch axis: time) from lane to lane."""
    count, ego = scenes.batch_size, scenes.ego
    lane, (s, d, angle) = np.zeros(count, np.int64), np.zeros((3, count))
    worlds, block = np.zeros((len(WorldRow), 1)), np.zeros((len(ego.block), 1))
    way = np.hypot(np.diff(ego.x, prepend=ego.x[0]), np.diff(ego.y, prepend=ego.y[0]))
    for tick in range(count):
        block[:, 0] = ego.block[:, tick]
        if tick > 0 and way[tick] <= JUMP_M:
            track_lane(worlds, block, roads, 0)
        if tick == 0 or way[tick] > JUMP_M or abs(worlds[WorldRow.D, 0]) > AWAY_M:
            _look_for(worlds, graph, block)
            track_lane(worlds, block, roads, 0)
        lane[tick], s[tick] = worlds[[WorldRow.LANE, WorldRow.S], 0]
        d[tick], angle[tick] = worlds[[WorldRow.D, WorldRow.ANGLE], 0]
    return Places(lane, s, d, angle)


def _look_for(worlds: FloatArray, graph: LaneGraph, ego: FloatArray) -> None:
    x, y, yaw = ego[:3, 0].tolist()
    worlds[WorldRow.LANE, 0], worlds[WorldRow.S, 0], _ = locate(graph, x, y, yaw)


def driven_route(scenes: SceneBatch, graph: LaneGraph, places: Places) -> Route | None:
    """Return the way along which the ego's lanes follow one another, and on from there; None where they do not."""
    visits = _visits(places, scenes.time_s)
    lanes: list[int] = []
    entered: list[int] = []
    for lane, tick in visits:
        # Ways through a junction begin together: which of them it was showed later.
        while len(lanes) > 1 and not _leads(graph, lanes[-1], lane) and _leads(graph, lanes[-2], lane):
            lanes.pop()
            entered.pop()
        between = _between(graph, lanes[-1], lane) if lanes else []
        if between is None:
            return None
        lanes += [*between, lane]
        entered += [tick] * (len(between) + 1)
    if not lanes:
        return None
    spans = _spans(graph, lanes, entered, places)
    ahead = _straight_on(graph, lanes[-1])
    lanes += ahead
    spans = np.concatenate([spans, np.stack([np.zeros(len(ahead)), graph.length[ahead]], axis=1)])
    x, y = float(scenes.ego.x[0]), float(scenes.ego.y[0])
    start_s = project(graph.samples, graph.start, graph.step, lanes[0], float(places.s[0]), x, y)[0]
    spans[0, 0] = 0.0
    return Route(np.array(lanes, np.int64)[None], spans[None], float(start_s))


def _visits(places: Places, time_s: FloatArray) -> list[tuple[int, int]]:
    """Return (lane, frame of entering it) of the lanes that the ego was on with their traffic, but for short visits."""
    visits: list[tuple[int, int]] = []
    for tick in np.flatnonzero(np.cos(places.angle) > 0.0).tolist():
        lane = int(places.lane[tick])
        if visits and lane == visits[-1][0]:
            continue
        if len(visits) > 1 and lane == visits[-2][0] and time_s[tick] - time_s[visits[-1][1]] < SHORT_VISIT_S:
            visits.pop()
            continue
        visits.append((lane, tick))
    return visits


def _leads(graph: LaneGraph, lane: int, following: int) -> bool:
    return following in graph.successors[lane] or is_change(graph, lane, following)


def _between(graph: LaneGraph, lane: int, following: int) -> list[int] | None:
    """Return the lanes on the way from ``lane`` to ``following``, without both; None where there is no short one."""
    if _leads(graph, lane, following):
        return []
    tree = route_tree(graph, lane)
    if lane == following or not tree.distance[following] <= graph.length[lane] + DETOUR_M:
        return None
    return tree.lanes_to(following)[1:-1]


def _spans(graph: LaneGraph, lanes: list[int], entered: list[int], places: Places) -> FloatArray:
    """Return from and to where each lane is driven ``(n, 2)``: lanes are changed where the ego came over."""
    spans = np.stack([np.zeros(len(lanes)), graph.length[lanes]], axis=1)
    for k in range(1, len(lanes)):
        if is_change(graph, lanes[k - 1], lanes[k]):
            tick = entered[k]
            there = places.s[tick] / graph.length[lanes[k]] if places.lane[tick] == lanes[k] else 0.5
            share = float(np.clip(there, 0.0, 1.0))
            spans[k - 1, 1] = max(share * graph.length[lanes[k - 1]], spans[k - 1, 0])
            spans[k, 0] = share * graph.length[lanes[k]]
    return spans


def _straight_on(graph: LaneGraph, lane: int) -> list[int]:
    """Return the first lanes that follow, ``AHEAD_M`` of them."""
    ahead: list[int] = []
    left = AHEAD_M
    while left > 0.0 and graph.successors[lane, 0] >= 0:
        lane = int(graph.successors[lane, 0])
        ahead.append(lane)
        left -= float(graph.length[lane])
    return ahead
