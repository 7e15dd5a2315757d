"""Plans of routes: the way from a lane to every other in one search, and where on it lanes are changed.

A *plan* is a row of lanes. From each to the next leads a successor, or a lane change within a section, to ``left`` or
``right``: such a lane is then left before its end, at a place that its *span* names.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from envs.roads.lane_graph import LANE_CHANGE_COST_M, LaneGraph
from envs.roads.swept_width import longest_body_m
from envs.scene import BoolArray, FloatArray, IntArray

CHANGE_ROOM_M = 40.0
"""Length of road that a lane change is planned on at least (m, ours: 3 s at 50 km/h)."""


@dataclass(frozen=True, slots=True, eq=False)
class RouteTree:
    """The cheapest ways from ``root`` to all L lanes; ``lanes_to`` spells one out.

    ``distance`` ``(L,)`` from the begin of the root to the begin of each lane (m, infinity: no way); ``came_from``
    ``(L,)`` the lane before on the way, -1 at the root and where there is no way.
    """

    root: int
    distance: FloatArray
    came_from: IntArray

    def lanes_to(self, lane: int) -> list[int]:
        """Return the lanes of the way to ``lane``, both ends included."""
        path = [lane]
        while path[-1] != self.root:
            path.append(int(self.came_from[path[-1]]))
        return path[::-1]


def route_tree(graph: LaneGraph, root: int) -> RouteTree:
    """Search the ways from ``root`` to all lanes over successors and lane changes that the road marks allow.

    A lane change costs ``LANE_CHANGE_COST_M``; there is none in a junction and none on less than ``CHANGE_ROOM_M``.
    """
    cost, distance = np.full(graph.lane_count, np.inf), np.full(graph.lane_count, np.inf)
    came_from = np.full(graph.lane_count, -1, dtype=np.int64)
    cost[root] = distance[root] = 0.0
    queue = [(0.0, root)]
    while queue:
        spent, lane = heapq.heappop(queue)
        if spent > cost[lane]:
            continue
        for following, price, driven in _moves(graph, lane):
            if spent + price < cost[following]:
                cost[following], distance[following] = spent + price, distance[lane] + driven
                came_from[following] = lane
                heapq.heappush(queue, (spent + price, following))
    return RouteTree(root, distance, came_from)


def _moves(graph: LaneGraph, lane: int) -> Iterator[tuple[int, float, float]]:
    """Yield (next lane, price, metres driven) of each way on from ``lane``."""
    length = float(graph.length[lane])
    for following in graph.successors[lane].tolist():
        if following >= 0:
            yield following, length, length
    if graph.junction[lane] >= 0 or length < CHANGE_ROOM_M:
        return
    for beside, allowed in ((graph.left, graph.left_change), (graph.right, graph.right_change)):
        if beside[lane] >= 0 and allowed[lane]:
            yield int(beside[lane]), LANE_CHANGE_COST_M, 0.0


def is_change(graph: LaneGraph, lane: int, following: int) -> bool:
    """Whether a plan changes lanes from ``lane`` to ``following``."""
    return following in (graph.left[lane], graph.right[lane])


def plan_spans(graph: LaneGraph, lanes: Sequence[int], start_s: float, goal_s: float) -> FloatArray | None:
    """Return the span ``(n, 2)`` of each lane of a plan that is driven, from and to (m along it).

    The changes of a section are spread evenly over the part of it that is driven, ``start_s`` and ``goal_s`` being the
    places on the first and the last lane. None where that leaves a change less than ``CHANGE_ROOM_M``.
    """
    length = graph.length[lanes]
    spans = np.stack([np.zeros(len(lanes)), length], axis=1)
    for first, last in _sections(graph, lanes):
        begin = start_s / length[first] if first == 0 else 0.0
        end = goal_s / length[last] if last == len(lanes) - 1 else 1.0
        changes = last - first
        if changes and (end - begin) * length[first : last + 1].min() < changes * CHANGE_ROOM_M:
            return None
        places = begin + (end - begin) * np.arange(1, changes + 1) / (changes + 1)
        spans[first:last, 1] = places * length[first:last]
        spans[first + 1 : last + 1, 0] = places * length[first + 1 : last + 1]
    return spans


def _sections(graph: LaneGraph, lanes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last place in ``lanes`` of each row of neighbours."""
    first = 0
    for k in range(len(lanes)):
        if k + 1 == len(lanes) or not is_change(graph, lanes[k], lanes[k + 1]):
            yield first, k
            first = k + 1


class RouteFinder:
    """Draws routes on one map; what it has searched it keeps, so that a draw costs some table look-ups.

    Routes begin and end on lanes that are no part of a junction, go on, and are 15 m long at least. ``longest_body_m``
    how long vehicles may be here so as to pass each other in every curve.
    """

    def __init__(self, graph: LaneGraph) -> None:
        self.graph = graph
        self.open_lanes: BoolArray = (graph.junction < 0) & (graph.successors[:, 0] >= 0) & (graph.length > 15.0)
        self.longest_body_m = longest_body_m(graph)
        self._sums = np.cumsum(np.where(self.open_lanes, graph.length, 0.0))
        self._trees: dict[int, RouteTree] = {}

    @property
    def open_length_m(self) -> float:
        """Length of all lanes on which routes may begin (m)."""
        return float(self._sums[-1]) if len(self._sums) else 0.0

    def tree(self, root: int) -> RouteTree:
        """Return the ways from a lane."""
        if root not in self._trees:
            self._trees[root] = route_tree(self.graph, root)
        return self._trees[root]

    def draw_places(self, count: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
        """Return lanes and arc lengths ``(count,)`` of places, evenly by length, 4 m from begins and 8 m from ends."""
        lanes = np.searchsorted(self._sums, rng.random(count) * self._sums[-1], side="right").astype(np.int64)
        return lanes, 4.0 + (self.graph.length[lanes] - 12.0) * rng.random(count)

    def draw_goal(
        self, root: int, start_s: float, shortest: float, longest: float, rng: np.random.Generator
    ) -> tuple[int, float] | None:
        """Return lane and arc length of a goal ``shortest`` to ``longest`` metres ahead, evenly by length, or None."""
        distance = self.tree(root).distance - start_s
        low = np.maximum(shortest - distance, 4.0)
        room = np.where(self.open_lanes, np.minimum(longest - distance, self.graph.length - 8.0) - low, 0.0)
        sums = np.cumsum(np.maximum(room, 0.0))
        drawn = rng.random() * sums[-1]
        if not sums[-1] > 0.0:
            return None
        lane = int(np.searchsorted(sums, drawn, side="right"))
        return lane, float(low[lane] + rng.random() * room[lane])
