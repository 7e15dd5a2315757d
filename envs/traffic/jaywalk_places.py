"""Where a pedestrian can cross a street away from crosswalks: from the middle of a sidewalk's edge straight over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from envs.roads.crossings import Crossings, cross_lanes, tail_and_reach
from envs.roads.lane_graph import LaneGraph
from envs.roads.walk_graph import WalkGraph
from envs.scene import BoolArray, FloatArray, IntArray
from envs.traffic.walk_state import SLOWEST_WALK

START_S = 3.0
"""Start-up and end clearance of a pedestrian's critical gap (s): Highway Capacity Manual 2010, chapter 19.

That is its chapter of two-way stop-controlled intersections (20 in the 6th and 7th editions); the number itself could
not be read again.
"""

WIDEST_STREET_M = 18.0
"""Distance between two opposite sidewalks up to which one crosses between them (m, ours): four lanes."""

FROM_CROSSWALK_M = 15.0
"""Distance from a crosswalk within which nobody crosses beside it (m, ours)."""

KERB_M = 0.6
"""Distance from the lanes at which a pedestrian waits for a gap (m, ours): the body, and as much again."""

REACH_M = 200.0
"""How far a pedestrian looks along the lanes (m): where vehicles are too fast for that, nobody crosses."""

FASTER = 1.1
"""What drivers make of a speed limit at most (``RouteScenario.speed_factor``)."""

_BREADTH_M = 2.0
_APART_M = 2.0


class JaywalkPlaces(NamedTuple):
    """J places on a walk graph of E2 directed edges; the strips of lanes as in ``WalkGraph``, with J for K.

    ``edge_place`` ``(E2,)`` the place in the middle of an edge, or -1; ``ends`` ``(J, 2, 2)`` the kerb where one waits,
    and the one to which it crosses (m); ``landing`` ``(J, 2)`` the nodes of the edge of the sidewalk there.
    """

    edge_place: IntArray
    ends: FloatArray
    landing: IntArray
    crossing_start: IntArray
    crossing_from: FloatArray
    crossing_to: FloatArray
    crossing_near: FloatArray
    crossing_far: FloatArray
    approach_start: IntArray
    approach_lane: IntArray
    approach_begin: FloatArray


def no_places() -> JaywalkPlaces:
    """Return the places of a map on which nobody crosses away from crosswalks."""
    return _Places().arrays(np.zeros(0, dtype=np.int64))


def find_places(walk: WalkGraph, graph: LaneGraph) -> JaywalkPlaces:
    """Return the places of ``walk``, at most one for each edge of a sidewalk, over the lanes of ``graph``."""
    edges, places = _edges(walk), _Places()
    edge_place = np.full(len(walk.neighbours), -1, dtype=np.int64)
    for k in range(len(edges.tails)):
        for side in (1.0, -1.0):
            if places.add(walk, graph, edges, k, side):
                a, b = int(edges.tails[k]), int(edges.heads[k])
                edge_place[[_edge_index(walk, a, b), _edge_index(walk, b, a)]] = len(places.ends) - 1
                break
    return places.arrays(edge_place)


def join_places(parts: Sequence[JaywalkPlaces], nodes: IntArray, lanes: IntArray) -> JaywalkPlaces:
    """Return the places of an atlas of maps; ``nodes``, ``lanes`` ``(M + 1,)`` where theirs begin in it."""
    columns: dict[str, object] = {}
    first = _offsets([len(part.ends) for part in parts])
    shift = {"edge_place": first, "landing": nodes, "approach_lane": lanes}
    for name in JaywalkPlaces._fields:
        arrays = [getattr(part, name) for part in parts]
        if name in shift:
            arrays = [np.where(part >= 0, part + by, -1) for part, by in zip(arrays, shift[name], strict=False)]
        if name.endswith("start"):
            columns[name] = _offsets([int(count) for part in arrays for count in np.diff(part)])
        else:
            columns[name] = np.concatenate(arrays)
    return JaywalkPlaces(**columns)  # type: ignore[arg-type]


class _Edges(NamedTuple):
    """The edges of sidewalks, each once: nodes ``(n,)``, tail ``(n, 2)`` and vector to the head ``(n, 2)`` (m)."""

    tails: IntArray
    heads: IntArray
    begins: FloatArray
    vectors: FloatArray


def _edges(walk: WalkGraph) -> _Edges:
    tails, heads = np.repeat(np.arange(walk.node_count), np.diff(walk.start)), walk.neighbours
    plain: BoolArray = (walk.edge_crosswalk < 0) & (tails < heads)
    plain &= (walk.node_crosswalk[tails] < 0) & (walk.node_crosswalk[heads] < 0)
    plain &= np.hypot(*(walk.nodes[heads] - walk.nodes[tails]).T) > 1e-6
    tails, heads = tails[plain], heads[plain]
    return _Edges(tails, heads, walk.nodes[tails], walk.nodes[heads] - walk.nodes[tails])


def _edge_index(walk: WalkGraph, a: int, b: int) -> int:
    around = range(int(walk.start[a]), int(walk.start[a + 1]))
    return next(e for e in around if walk.neighbours[e] == b and walk.edge_crosswalk[e] < 0)


class _Places:
    """The places found so far."""

    def __init__(self) -> None:
        self.ends: list[FloatArray] = []
        self.landing: list[tuple[int, int]] = []
        self.strips: list[Crossings] = []
        self.approaches: list[list[tuple[int, float]]] = []

    def add(self, walk: WalkGraph, graph: LaneGraph, edges: _Edges, k: int, side: float) -> bool:
        """Add the place from the middle of edge ``k`` to its left (``side`` 1) or right (-1), if there is one."""
        middle = edges.begins[k] + 0.5 * edges.vectors[k]
        ahead = edges.vectors[k] / np.hypot(*edges.vectors[k])
        across = side * np.array([-ahead[1], ahead[0]])
        far, opposite = _opposite(edges, middle, across)
        if opposite < 0 or _near_a_crosswalk(walk, middle + 0.5 * far * across):
            return False
        ends = np.stack([middle, middle + far * across])
        breadth = 0.5 * _BREADTH_M * ahead
        outline = np.stack([ends[0] - breadth, ends[0] + breadth, ends[1] + breadth, ends[1] - breadth])
        strips = cross_lanes(outline, ends, _BREADTH_M, graph)
        if not len(strips.lane):
            return False
        begin, end = max(float(strips.near.min()) - KERB_M, 0.0), min(float(strips.far.max()) + KERB_M, far)
        if not _may_be_crossed(graph, strips.lane, end - begin):
            return False
        self.ends.append(np.stack([middle + begin * across, middle + end * across]))
        self.landing.append((int(edges.tails[opposite]), int(edges.heads[opposite])))
        self.strips.append(Crossings(strips.lane, strips.begin, strips.end, strips.near - begin, strips.far - begin))
        for lane, first, last in zip(strips.lane.tolist(), strips.begin.tolist(), strips.end.tolist(), strict=True):
            self.approaches.append(tail_and_reach(graph, lane, first, last, REACH_M))
        return True

    def arrays(self, edge_place: IntArray) -> JaywalkPlaces:
        """Return all of it as flat arrays."""
        strips, flat = Crossings.joined(self.strips), [item for approach in self.approaches for item in approach]
        return JaywalkPlaces(
            edge_place=edge_place,
            ends=np.array(self.ends, dtype=np.float64).reshape(-1, 2, 2),
            landing=np.array(self.landing, dtype=np.int64).reshape(-1, 2),
            crossing_start=_offsets([len(part.lane) for part in self.strips]),
            crossing_from=strips.begin,
            crossing_to=strips.end,
            crossing_near=strips.near,
            crossing_far=strips.far,
            approach_start=_offsets([len(approach) for approach in self.approaches]),
            approach_lane=np.array([lane for lane, _ in flat], dtype=np.int64),
            approach_begin=np.array([begin for _, begin in flat], dtype=np.float64),
        )


def _opposite(edges: _Edges, middle: FloatArray, across: FloatArray) -> tuple[float, int]:
    """Return how far ``across`` from ``middle`` the nearest sidewalk is met (m), and its edge; (inf, -1) if none."""
    offset, vectors = edges.begins - middle, edges.vectors
    slant = across[0] * vectors[:, 1] - across[1] * vectors[:, 0]
    slant = np.where(np.abs(slant) > 1e-9, slant, np.inf)
    far = (offset[:, 0] * vectors[:, 1] - offset[:, 1] * vectors[:, 0]) / slant
    fraction = (offset[:, 0] * across[1] - offset[:, 1] * across[0]) / slant
    met = (fraction >= 0.0) & (fraction <= 1.0) & (far > _APART_M) & (far <= WIDEST_STREET_M) & np.isfinite(slant)
    if not met.any():
        return math.inf, -1
    nearest = int(np.argmin(np.where(met, far, np.inf)))
    return float(far[nearest]), nearest


def _near_a_crosswalk(walk: WalkGraph, point: FloatArray) -> bool:
    begins, along = walk.crosswalk_ends[:, 0], walk.crosswalk_ends[:, 1] - walk.crosswalk_ends[:, 0]
    fraction = ((point - begins) * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), 1e-12)
    away = point - begins - np.clip(fraction, 0.0, 1.0)[:, None] * along
    return bool((np.hypot(away[:, 0], away[:, 1]) < FROM_CROSSWALK_M).any())


def _may_be_crossed(graph: LaneGraph, lanes: IntArray, length: float) -> bool:
    """Return whether no lane is in a junction, and the slowest sees all who come within the critical gap."""
    seen_s = length / SLOWEST_WALK + START_S
    fastest = FASTER * float(graph.speed_limit[lanes].max())
    return bool((graph.junction[lanes] < 0).all()) and fastest * seen_s <= REACH_M


def _offsets(counts: Sequence[int]) -> IntArray:
    offsets: IntArray = np.concatenate([[0], np.cumsum(np.array(counts, dtype=np.int64))]).astype(np.int64)
    return offsets
