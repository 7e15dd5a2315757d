"""The walk graph while it is built: sidewalk lines joined to a net, and crosswalks linked into it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from envs.roads.cross_section import SectionFrame
from envs.roads.drawing import simplified
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import BoolArray, FloatArray, IntArray

TOLERANCE_M = 0.2
"""How far a simplified sidewalk may lie from its lane's centre (m)."""

LONGEST_EDGE_M = 10.0
"""Longest edge of a sidewalk (m)."""

SAME_PLACE_M = 0.3
"""Ends this near are one node (m)."""

CORNER_M = 3.0
"""Dead ends this near are joined by an edge (m)."""

SIDEWALK, LINK = -1, -2

_NARROWEST_M = 0.3
_KERB_STEP_M = 0.25
_KERB_STEPS = 12
_WORN_M = 0.2


class WalkNet:
    """Nodes and undirected edges; ``edges`` maps (lower, higher) node to SIDEWALK, LINK or a crosswalk's index."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []
        self.kerb_of: list[int] = []
        self.edges: dict[tuple[int, int], int] = {}
        self._line_ends: list[int] = []

    def add_line(self, line: FloatArray) -> None:
        """Add a sidewalk's nodes ``(n, 2)``; an end that lies where another line ends is that node."""
        first, last = self._end_node(line[0]), self._end_node(line[-1])
        path = [first, *(self._add_node(point) for point in line[1:-1]), last]
        for a, b in zip(path[:-1], path[1:], strict=True):
            self._add_edge(a, b, SIDEWALK)

    def join_dead_ends(self) -> None:
        """Join the dead ends that lie within ``CORNER_M`` of each other, nearest first."""
        degree = np.bincount(np.array(list(self.edges), dtype=np.int64).ravel(), minlength=len(self.points))
        dead = [node for node in self._line_ends if degree[node] == 1]
        pairs = sorted((self._distance(a, b), a, b) for i, a in enumerate(dead) for b in dead[i + 1 :])
        for distance, a, b in pairs:
            if distance <= CORNER_M:
                self._add_edge(a, b, SIDEWALK)

    def add_crosswalk(self, ends: FloatArray, index: int) -> tuple[int, int]:
        """Add the kerb nodes at ``ends`` ``(2, 2)`` and the edge of crosswalk ``index``; return the nodes."""
        first, second = self._add_node(ends[0], index), self._add_node(ends[1], index)
        self._add_edge(first, second, index)
        return first, second

    def link_to_sidewalk(self, kerb: int, graph: LaneGraph, reach_m: float) -> bool:
        """Link a kerb with the nearest sidewalk within reach to which no driving lane bars the way."""
        edges = np.array([edge for edge, kind in self.edges.items() if kind == SIDEWALK], dtype=np.int64).reshape(-1, 2)
        points = np.array(self.points)
        here = points[kerb]
        feet, fractions = _feet(points[edges[:, 0]], points[edges[:, 1]], here)
        distances = np.hypot(feet[:, 0] - here[0], feet[:, 1] - here[1])
        for index in np.argsort(distances, kind="stable").tolist():
            if distances[index] > reach_m:
                return False
            if not _on_lanes(_between(here, feet[index]), graph).any():
                node = self._node_on(int(edges[index, 0]), int(edges[index, 1]), feet[index], float(fractions[index]))
                self._add_edge(kerb, node, LINK)
                return True
        return False

    def adjacency(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return ``start`` ``(N + 1,)``, ``neighbours`` and ``edge_crosswalk`` ``(E2,)`` of ``WalkGraph``."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.points]
        for (a, b), kind in self.edges.items():
            found[a].append((b, max(kind, -1)))
            found[b].append((a, max(kind, -1)))
        flat = [item for items in found for item in sorted(items)]
        start = np.concatenate([[0], np.cumsum([len(items) for items in found])]).astype(np.int64)
        neighbours, crosswalks = np.array(flat, dtype=np.int64).reshape(-1, 2).T
        return start, neighbours.copy(), crosswalks.copy()

    def _end_node(self, point: FloatArray) -> int:
        for node in self._line_ends:
            if math.dist(self.points[node], point) <= SAME_PLACE_M:
                return node
        self._line_ends.append(self._add_node(point))
        return self._line_ends[-1]

    def _node_on(self, a: int, b: int, point: FloatArray, fraction: float) -> int:
        """Return a node at ``point`` on the edge a-b, which it divides; an end that is as good serves."""
        length = self._distance(a, b)
        if fraction * length <= SAME_PLACE_M:
            return a
        if (1.0 - fraction) * length <= SAME_PLACE_M:
            return b
        kind = self.edges.pop((a, b))
        node = self._add_node(point)
        self._add_edge(a, node, kind)
        self._add_edge(node, b, kind)
        return node

    def _add_node(self, point: FloatArray, kerb_of: int = -1) -> int:
        self.points.append((float(point[0]), float(point[1])))
        self.kerb_of.append(kerb_of)
        return len(self.points) - 1

    def _add_edge(self, a: int, b: int, kind: int) -> None:
        if a != b:
            self.edges.setdefault((min(a, b), max(a, b)), kind)

    def _distance(self, a: int, b: int) -> float:
        return math.dist(self.points[a], self.points[b])


def sidewalk_lines(frames: Sequence[SectionFrame]) -> Iterator[FloatArray]:
    """Yield the centre lines ``(n, 2)`` of all sidewalk lanes, simplified, at most ``LONGEST_EDGE_M`` between nodes."""
    for frame in frames:
        for lane_id in sorted(frame.section.lanes):
            lane = frame.section.lanes[lane_id]
            if lane_id and lane.kind == "sidewalk" and float(np.max(frame.width(lane_id))) >= _NARROWEST_M:
                yield walking_line(frame.points(frame.centre(lane_id)[0]))


def walking_line(points: FloatArray) -> FloatArray:
    """Return a strip's middle ``(n, 2)``, simplified, at most ``LONGEST_EDGE_M`` between nodes."""
    return _divided(simplified(points, TOLERANCE_M))


def clear_of_lanes(ends: FloatArray, graph: LaneGraph) -> FloatArray:
    """Return the kerb points ``(2, 2)``, moved outwards along their axis until they stand on no driving lane."""
    cleared: FloatArray = ends.copy()
    for end in (0, 1):
        outward = (ends[end] - ends[1 - end]) / max(math.dist(ends[0], ends[1]), 1e-9)
        for _ in range(_KERB_STEPS):
            if not _on_lanes(cleared[end : end + 1], graph)[0]:
                break
            cleared[end] += _KERB_STEP_M * outward
    return cleared


def _divided(line: FloatArray) -> FloatArray:
    pieces = [line[:1]]
    for a, b in zip(line[:-1], line[1:], strict=True):
        count = max(1, math.ceil(math.dist(a, b) / LONGEST_EDGE_M - 1e-9))
        pieces.append(a + np.arange(1, count + 1)[:, None] / count * (b - a))
    divided: FloatArray = np.concatenate(pieces)
    return divided


def _between(a: FloatArray, b: FloatArray) -> FloatArray:
    count = max(2, math.ceil(math.dist(a, b) / _KERB_STEP_M))
    points: FloatArray = a + np.linspace(0.0, 1.0, count)[:, None] * (b - a)
    return points


def _feet(a: FloatArray, b: FloatArray, point: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the nearest points ``(n, 2)`` of n edges to ``point``, and where on the edge they lie, in [0, 1]."""
    along = b - a
    fraction = np.sum((point - a) * along, axis=1) / np.maximum(np.sum(along * along, axis=1), 1e-12)
    fraction = np.clip(fraction, 0.0, 1.0)
    feet: FloatArray = a + fraction[:, None] * along
    return feet, fraction


def _on_lanes(points: FloatArray, graph: LaneGraph) -> BoolArray:
    """Return which of the points ``(n, 2)`` stand on a driving lane (by more than ``_WORN_M`` from its edge)."""
    centre = points.mean(axis=0)
    near = np.abs(graph.samples[:, :2] - centre).max(axis=1) < 20.0
    samples = graph.samples[near]
    offset = points[:, None, :] - samples[None, :, :2]
    cosine, sine = np.cos(samples[:, SampleColumn.HEADING]), np.sin(samples[:, SampleColumn.HEADING])
    along = offset[..., 0] * cosine + offset[..., 1] * sine
    across = offset[..., 1] * cosine - offset[..., 0] * sine
    inside = (np.abs(along) <= 0.75) & (np.abs(across) < 0.5 * samples[:, SampleColumn.WIDTH] - _WORN_M)
    on_lane: BoolArray = inside.any(axis=1)
    return on_lane
