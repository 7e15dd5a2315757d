"""Where a crosswalk's outline lies on the driving lanes, and which way one walks over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.roads.elements import OpenDriveError
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import BoolArray, FloatArray, IntArray

APPROACH_M = 120.0
"""How far before a strip the lanes that lead to it are listed (m): 8.6 s at 50 km/h."""

TAIL_M = 12.0
"""How far behind a strip a body's centre may be while its rear still covers it (m)."""

OUTLINE_SPACING_M = 0.05
"""Spacing of the points of an outline that are looked up on a lane (m), hence the error of an arc length."""

_INSIDE_SPACING_M = 0.25
_THINNEST_M, _LONGEST_M = 0.3, 200.0
_LANE_REACH_M = 5.0
_CORRIDOR_M = 0.75
_LEAST_LENGTH_M = 0.3
_LEAST_STEP_M = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """The strips of one crosswalk, each ``(C,)``: see ``WalkGraph.crossing_*``."""

    lane: IntArray
    begin: FloatArray
    end: FloatArray
    near: FloatArray
    far: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[Crossings]) -> Crossings:
        """Return the strips of all parts, one behind the other."""
        rows = [row for part in parts for row in zip(part.lane, part.begin, part.end, part.near, part.far, strict=True)]
        return cls.of_rows(rows)

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[float, ...]]) -> Crossings:
        """Return strips from rows (lane, begin, end, near, far)."""
        table = np.array(rows, dtype=np.float64).reshape(-1, 5)
        return cls(table[:, 0].astype(np.int64), *(table[:, column].copy() for column in range(1, 5)))


def walking_axis(outline: FloatArray, graph: LaneGraph) -> tuple[FloatArray, float]:
    """Return the ends ``(2, 2)`` of the walking axis (m) and the width across it (m).

    Of the two axes of the outline's smallest rectangle it is the one that the driving lanes on the crosswalk cross most
    squarely; without such lanes the longer one. Raises ``OpenDriveError`` where the rectangle is too thin or too large.
    """
    corners = _convex_hull(outline)
    centre, axes, extents = _smallest_rectangle(corners)
    if not (_THINNEST_M <= extents.min() and extents.max() <= _LONGEST_M):
        allowed = f"allowed is {_THINNEST_M:g} to {_LONGEST_M:g} m"
        raise OpenDriveError(f"its outline measures {extents[0]:g} by {extents[1]:g} m; {allowed}")
    on = _lane_samples_on(outline, graph)
    heading = graph.samples[on, SampleColumn.HEADING]
    direction = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    if len(direction):
        along = np.abs(direction @ axes.T).mean(axis=0)
        chosen = int(np.argmin(along))
    else:
        chosen = int(np.argmax(extents))
    half = 0.5 * extents[chosen] * axes[chosen]
    return np.stack([centre - half, centre + half]), float(extents[1 - chosen])


def cross_lanes(outline: FloatArray, ends: FloatArray, width: float, graph: LaneGraph) -> Crossings:
    """Return the strips in which a crosswalk lies on driving lanes, by their order along the walking axis.

    A lane counts where one who walks within 0.75 m of the axis steps on it for at least half a metre.
    """
    length = math.dist(ends[0], ends[1])
    walked, u = _walking_lines(ends, length, min(_CORRIDOR_M, 0.5 * width))
    points = np.concatenate([_boundary(outline), _interior(outline), walked])
    rows = []
    for lane in _lanes_near(outline, graph):
        s, inside = _lane_positions(points, graph, lane)
        stepped = u[inside[-len(u) :]]
        if not len(stepped):
            continue
        begin, end = float(s[inside].min()), float(s[inside].max())
        near, far = float(stepped.min()), float(stepped.max())
        if end - begin >= _LEAST_LENGTH_M and far - near >= _LEAST_STEP_M:
            rows.append((lane, *_to_lane_ends(begin, end, graph.length[lane]), near, far))
    return Crossings.of_rows(sorted(rows, key=lambda row: (row[3], row[0])))


def tail_and_reach(
    graph: LaneGraph, lane: int, begin: float, end: float, reach: float = APPROACH_M
) -> list[tuple[int, float]]:
    """Return the lanes from which a strip of ``lane`` is reached or covered: (lane, where it begins there, m).

    Nearest first, up to ``reach`` (m) before it; a lane that leads there by two ways is listed with the shorter.
    """
    found = {lane: begin}
    frontier = [(lane, begin)]
    while frontier:
        current, here = frontier.pop(0)
        for previous in graph.predecessors[current].tolist():
            if previous >= 0 and here < reach and previous not in found:
                found[previous] = here + float(graph.length[previous])
                frontier.append((previous, found[previous]))
        frontier.sort(key=lambda item: item[1])
    frontier = [(lane, begin)]
    while frontier:
        current, here = frontier.pop(0)
        for following in graph.successors[current].tolist():
            past = float(graph.length[current]) - (here + end - begin)
            if following >= 0 and past < TAIL_M and following not in found:
                found[following] = here - float(graph.length[current])
                frontier.append((following, found[following]))
    return list(found.items())


def _walking_lines(ends: FloatArray, length: float, aside: float) -> tuple[FloatArray, FloatArray]:
    """Return points ``(n, 2)`` on the axis and ``aside`` of it on either hand, and how far along it they are (m)."""
    axis = (ends[1] - ends[0]) / max(length, 1e-9)
    u = np.linspace(0.0, length, max(2, math.ceil(length / OUTLINE_SPACING_M - 1e-9) + 1))
    line = ends[0] + u[:, None] * axis
    left = np.array([-axis[1], axis[0]]) * aside
    return np.concatenate([line - left, line, line + left]), np.tile(u, 3)


def _to_lane_ends(begin: float, end: float, length: float) -> tuple[float, float]:
    """Return the interval, drawn out to the lane's ends where the outline goes on beyond them."""
    return (
        0.0 if begin < _INSIDE_SPACING_M else begin,
        float(length) if end > length - _INSIDE_SPACING_M else end,
    )


def _lanes_near(outline: FloatArray, graph: LaneGraph) -> list[int]:
    low, high = outline.min(axis=0) - _LANE_REACH_M, outline.max(axis=0) + _LANE_REACH_M
    near = ((graph.samples[:, :2] >= low) & (graph.samples[:, :2] <= high)).all(axis=1)
    lanes: list[int] = np.flatnonzero(np.logical_or.reduceat(near, graph.start[:-1])).tolist()
    return lanes


def _lane_samples_on(outline: FloatArray, graph: LaneGraph) -> BoolArray:
    low, high = outline.min(axis=0), outline.max(axis=0)
    on: BoolArray = ((graph.samples[:, :2] >= low) & (graph.samples[:, :2] <= high)).all(axis=1)
    on[on] = _inside(graph.samples[on, :2], outline)
    return on


def _lane_positions(points: FloatArray, graph: LaneGraph, lane: int) -> tuple[FloatArray, BoolArray]:
    """Return s ``(n,)`` of the points on the lane's polyline and which of them lie within its width and ends."""
    rows = graph.lane_samples(lane)
    first, last = _segments_near(points, rows)
    a, along = rows[first:last, :2], np.diff(rows[first : last + 1, :2], axis=0)
    squared = np.maximum(np.sum(along * along, axis=1), 1e-18)
    offset = points[:, None, :] - a[None]
    raw = np.sum(offset * along, axis=2) / squared
    fraction = np.clip(raw, 0.0, 1.0)
    away = offset - fraction[..., None] * along
    distance = np.hypot(away[..., 0], away[..., 1])
    segment = np.argmin(distance, axis=1)
    pick = np.arange(len(points)), segment
    s = (first + segment + fraction[pick]) * graph.step[lane]
    width = rows[first + segment, SampleColumn.WIDTH]
    beyond = (segment == 0) & (raw[pick] < -1e-9)
    beyond |= (segment == len(a) - 1) & (raw[pick] > 1.0 + 1e-9)
    return s, (distance[pick] <= 0.5 * width + 1e-9) & ~beyond


def _segments_near(points: FloatArray, rows: FloatArray) -> tuple[int, int]:
    """Return the first segment of a lane that may be the nearest to one of the points, and the one after the last."""
    low, high = points.min(axis=0) - _LANE_REACH_M, points.max(axis=0) + _LANE_REACH_M
    near = np.flatnonzero(((rows[:, :2] >= low) & (rows[:, :2] <= high)).all(axis=1))
    return max(int(near[0]) - 1, 0), min(int(near[-1]) + 1, len(rows) - 1)


def _boundary(outline: FloatArray) -> FloatArray:
    pieces = []
    for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        count = max(1, math.ceil(math.dist(a, b) / OUTLINE_SPACING_M - 1e-9))
        pieces.append(a + np.arange(count)[:, None] / count * (b - a))
    return np.concatenate(pieces)


def _interior(outline: FloatArray) -> FloatArray:
    low, high = outline.min(axis=0), outline.max(axis=0)
    axes = [np.arange(a, b, _INSIDE_SPACING_M) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    inside: FloatArray = grid[_inside(grid, outline)]
    return inside


def _inside(points: FloatArray, outline: FloatArray) -> BoolArray:
    """Return which points ``(n, 2)`` lie in the polygon (even-odd rule)."""
    inside: BoolArray = np.zeros(len(points), dtype=np.bool_)
    x, y = points[:, 0], points[:, 1]
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if ay != by:
            inside ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return inside


def _smallest_rectangle(corners: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return centre ``(2,)``, unit axes ``(2, 2)`` and extents ``(2,)`` of a convex polygon's smallest rectangle.

    One of its sides lies on a side of the polygon (Freeman and Shapira 1975).
    """
    best = (math.inf, corners[0], np.eye(2), np.zeros(2))
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        length = math.dist(a, b)
        if length < 1e-6:
            continue
        side = (b - a) / length
        axes = np.array([side, [-side[1], side[0]]])
        placed = corners @ axes.T
        low, high = placed.min(axis=0), placed.max(axis=0)
        area = float(np.prod(high - low))
        if area < best[0] - 1e-9:
            best = (area, 0.5 * (low + high) @ axes, axes, high - low)
    return best[1:]


def _convex_hull(points: FloatArray) -> FloatArray:
    """Return the corners ``(n, 2)`` of the convex hull, counter-clockwise (Andrew's monotone chain)."""
    ordered = sorted({(float(x), float(y)) for x, y in points})
    return np.array(_half_hull(ordered)[:-1] + _half_hull(ordered[::-1])[:-1] or ordered)


def _half_hull(ordered: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    hull: list[tuple[float, float]] = []
    for point in ordered:
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _turns_right(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0.0
