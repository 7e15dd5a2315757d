"""The oracle of ``route_plan.route_tree``: the cheapest way from one lane to another, searched on its own."""

from __future__ import annotations

import heapq

import numpy as np

from envs.roads.lane_graph import LANE_CHANGE_COST_M, LaneGraph


class NoRouteError(LookupError):
    """There is no way from one lane to another."""


def global_route(graph: LaneGraph, lane_from: int, lane_to: int, lane_changes: bool = True) -> list[int]:
    """Return the cheapest sequence of lanes over successors and allowed lane changes, both ends included.

    Costs are metres; a lane change costs ``LANE_CHANGE_COST_M``, and is left out without ``lane_changes``. Raises
    ``NoRouteError``.
    """
    for lane in (lane_from, lane_to):
        if not 0 <= lane < graph.lane_count:
            raise IndexError(f"lane {lane} is not in map {graph.name}: it has lanes 0 to {graph.lane_count - 1}")
    cost = {lane_from: 0.0}
    came_from: dict[int, int] = {}
    queue = [(0.0, lane_from)]
    while queue:
        spent, lane = heapq.heappop(queue)
        if lane == lane_to:
            return _path(came_from, lane_to)
        if spent > cost[lane]:
            continue
        for following, price in _moves(graph, lane, lane_changes):
            total = spent + price
            if total < cost.get(following, np.inf):
                cost[following] = total
                came_from[following] = lane
                heapq.heappush(queue, (total, following))
    raise NoRouteError(f"no route from {graph.describe(lane_from)} to {graph.describe(lane_to)}")


def _moves(graph: LaneGraph, lane: int, lane_changes: bool) -> list[tuple[int, float]]:
    moves = [(int(lane_to), float(graph.length[lane])) for lane_to in graph.successors[lane] if lane_to >= 0]
    if not lane_changes:
        return moves
    if graph.left[lane] >= 0 and graph.left_change[lane]:
        moves.append((int(graph.left[lane]), LANE_CHANGE_COST_M))
    if graph.right[lane] >= 0 and graph.right_change[lane]:
        moves.append((int(graph.right[lane]), LANE_CHANGE_COST_M))
    return moves


def _path(came_from: dict[int, int], lane: int) -> list[int]:
    path = [lane]
    while lane in came_from:
        lane = came_from[lane]
        path.append(lane)
    return path[::-1]
