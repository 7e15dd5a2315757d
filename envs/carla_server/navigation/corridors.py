"""From a net of ways to convex polygons that share their edges: a corridor around every edge, a fan where ways meet.

At a node inside a way both corridors end in one segment (on the bisector of the bend). Where three or more ways meet,
or one bends sharply, each corridor ends before the node in a segment of its own, and triangles around the node fill
what is between: each stays within its half of the angle to its neighbours, so that they never overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, pi, sin, tan

import numpy as np

from envs.carla_server.navigation.ways import NavArea, WalkWays
from envs.scene import FloatArray

SHARP_RAD = 1.1
"""A bend sharper than this gets a fan."""

_NARROWEST_RAD = 0.02
_MOST_SHARE, _INSIDE = 0.4, 0.85
_NARROWER, _ROUNDS = 0.7, 12
_LEAST_AREA_M2 = 1e-4

Segment = tuple[int, int]
"""Vertices at the (right, left) of one who leaves a node."""


@dataclass(slots=True, eq=False)
class NavigationMesh:
    """Convex polygons: ``vertices`` (x, y, z; m, our frame), ``polygons`` of vertices counter-clockwise, ``areas``."""

    vertices: list[tuple[float, float, float]] = field(default_factory=list)
    polygons: list[tuple[int, ...]] = field(default_factory=list)
    areas: list[NavArea] = field(default_factory=list)

    def outline(self, polygon: int) -> FloatArray:
        """Return the corners ``(n, 3)`` of a polygon."""
        return np.array([self.vertices[vertex] for vertex in self.polygons[polygon]])


def corridors(ways: WalkWays) -> NavigationMesh:
    """Return the mesh of the ways; a way that is too winding for its width is narrowed where it is."""
    half = ways.half_width.copy()
    for _ in range(_ROUNDS):
        builder = _Builder(ways, half)
        if not builder.folded:
            break
        half[list(builder.folded)] *= _NARROWER
    return builder.mesh


class _Builder:
    """One attempt; ``folded`` are the nodes of corridors that are not convex."""

    def __init__(self, ways: WalkWays, half: FloatArray) -> None:
        self.ways, self.half, self.mesh = ways, half, NavigationMesh()
        self.folded: set[int] = set()
        around: dict[int, list[int]] = {}
        for a, b in ways.edges.tolist():
            around.setdefault(a, []).append(b)
            around.setdefault(b, []).append(a)
        self.ends: dict[tuple[int, int], Segment] = {}
        areas = {tuple(edge): NavArea(area) for edge, area in zip(ways.edges.tolist(), ways.area.tolist(), strict=True)}
        for node in sorted(around):
            self._end_corridors(node, around[node])
        for (a, b), area in areas.items():
            self._add_corridor(a, b, area)

    def _end_corridors(self, node: int, others: list[int]) -> None:
        directions = [self._direction(node, other) for other in others]
        if len(others) == 1:
            self.ends[node, others[0]] = self._segment(node, directions[0], 0.0, self.half[node])
        elif len(others) == 2 and abs(_turned(directions[1] - directions[0] - pi)) <= SHARP_RAD:
            turn = _turned(directions[1] - directions[0] - pi)
            ahead = directions[1] - 0.5 * turn
            first, second = self._segment(node, ahead, 0.0, self.half[node] / cos(0.5 * turn))
            self.ends[node, others[1]], self.ends[node, others[0]] = (first, second), (second, first)
        else:
            self._add_fan(node, sorted(zip(directions, others, strict=True)))

    def _add_fan(self, node: int, ways: list[tuple[float, int]]) -> None:
        gaps = [(after[0] - before[0]) % (2.0 * pi) for before, after in zip(ways, ways[1:] + ways[:1], strict=True)]
        centre = self._vertex(node, 0.0, 0.0, 0.0)
        for k, (direction, other) in enumerate(ways):
            narrow = max(min(0.5 * gaps[k], 0.5 * gaps[k - 1], 0.25 * pi), _NARROWEST_RAD)
            length = float(np.hypot(*(self.ways.points[other] - self.ways.points[node])))
            out = min(self.half[node] / tan(narrow), _MOST_SHARE * length)
            half = min(self.half[node], _INSIDE * out * tan(narrow))
            self.ends[node, other] = self._segment(node, direction, out, half)
            self._add((centre, *self.ends[node, other]), NavArea.SIDEWALK)
        for k, gap in enumerate(gaps):
            if gap < 0.98 * pi:
                left = self.ends[node, ways[k][1]][1]
                right = self.ends[node, ways[(k + 1) % len(ways)][1]][0]
                self._add((centre, left, right), NavArea.SIDEWALK)

    def _add_corridor(self, a: int, b: int, area: NavArea) -> None:
        (right_a, left_a), (left_b, right_b) = self.ends[a, b], self.ends[b, a]
        if not self._add((right_a, right_b, left_b, left_a), area):
            self.folded |= {a, b}

    def _add(self, polygon: tuple[int, ...], area: NavArea) -> bool:
        if not is_convex([self.mesh.vertices[vertex] for vertex in polygon]):
            return False
        self.mesh.polygons.append(polygon)
        self.mesh.areas.append(area)
        return True

    def _direction(self, node: int, other: int) -> float:
        dx, dy = self.ways.points[other] - self.ways.points[node]
        return float(np.arctan2(dy, dx))

    def _segment(self, node: int, direction: float, out: float, half: float) -> Segment:
        return self._vertex(node, direction, out, -half), self._vertex(node, direction, out, half)

    def _vertex(self, node: int, direction: float, ahead: float, left: float) -> int:
        x, y = self.ways.points[node]
        c, s = cos(direction), sin(direction)
        place = (float(x + c * ahead - s * left), float(y + s * ahead + c * left), float(self.ways.height[node]))
        self.mesh.vertices.append(place)
        return len(self.mesh.vertices) - 1


def is_convex(corners: Sequence[tuple[float, ...]]) -> bool:
    """Say whether an outline (x, y, ...) runs counter-clockwise around a convex area that is more than nothing."""
    x0, y0 = corners[0][:2]
    area = 0.0
    for k, (x, y, *_) in enumerate(corners):
        before, after = corners[k - 1], corners[(k + 1) % len(corners)]
        if (x - before[0]) * (after[1] - y) - (y - before[1]) * (after[0] - x) < -1e-9:
            return False
        area += 0.5 * ((x - x0) * (after[1] - y0) - (y - y0) * (after[0] - x0))
    return area >= _LEAST_AREA_M2


def _turned(angle: float) -> float:
    return float(np.arctan2(sin(angle), cos(angle)))
