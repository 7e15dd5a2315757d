"""Where two ways through a junction cannot be driven at once, and who of the two goes first.

Two connecting lanes conflict where a car on one comes closer than ``CLEARANCE_M`` to a car on the other. Lanes that
part from the same lane do so at their beginning, which is no matter of priority: one follows the other there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from envs.roads.controls import GateKind, TrafficControls
from envs.roads.lane_graph import BRIDGE_M, LaneGraph, SampleColumn
from envs.roads.swept_width import WIDEST_M, boxes_touch
from envs.scene import FloatArray, IntArray

CLEARANCE_M = 2.7
"""Distance of two lanes' centres below which two cars on them touch or nearly so: a width and a bit (m, ours)."""

LONGEST_M = 11.0
"""Length of the longest vehicle (a bus, m): on a curve its corners reach beyond a car's."""

STOP_GAP_M = 0.3
"""Gap between whoever stands at a stop line and a bus that turns beside it (m, ours)."""

TAIL_M = 10.0
"""How far behind a junction a tail may still be in the way of those who turn (m, ours: nearly the longest vehicle)."""

FURTHEST_STOP_M = 8.0
"""How far before a junction drivers stop at most, so as not to stand in the way of those who turn (m, ours)."""

TURN_RAD = math.radians(35.0)
"""Change of heading from which a way through a junction counts as a turn."""

STRAIGHTER_RAD = math.radians(2.0)
"""Difference of the two changes of heading from which the straighter of two joining ways is the through one (ours)."""

_STRENGTH = {GateKind.OPEN: 2, GateKind.SIGNAL: 2, GateKind.YIELD: 1, GateKind.STOP: 1}


class ConflictKind(IntEnum):
    """How two connecting lanes meet."""

    CROSSING = 0
    MERGING = 1
    DIVERGING = 2


@dataclass(frozen=True, slots=True, eq=False)
class Conflicts:
    """The conflicts of L lanes; those of lane i are rows ``start[i]:start[i + 1]`` of the other arrays.

    ``lane`` ``(Z,)`` the other lane; ``kind`` ``(Z,)`` a ``ConflictKind``; ``own_from, own_to, other_from, other_to``
    ``(Z,)`` the stretch of either lane, by arc length (m); ``priority`` ``(Z,)`` 1 where the own way goes first, -1
    where it yields, 0 where whoever came first does.
    """

    start: IntArray
    lane: IntArray
    kind: IntArray
    own_from: FloatArray
    own_to: FloatArray
    other_from: FloatArray
    other_to: FloatArray
    priority: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One connecting lane: its points ``(n, 2)`` with ``height`` ``(n,)`` and poses ``(n, 3)``, and its course.

    ``limit`` is the speed limit before it (m/s). ``along`` ``(n,)`` arc length of the points (m); those beyond
    ``length`` are on the lane that follows, where a tail may still be in the way. ``overhang`` ``(n,)`` how much
    further than a car's the longest vehicle's corners reach.
    """

    lane: int
    points: FloatArray
    height: FloatArray
    poses: FloatArray
    overhang: FloatArray
    along: FloatArray
    length: float
    heading_in: float
    turn: float
    limit: float
    before: int
    after: int


def find_conflicts(graph: LaneGraph) -> Conflicts:
    """Return the conflicts between the connecting lanes of every junction of ``graph``."""
    rows: list[list[tuple[float, ...]]] = [[] for _ in range(graph.lane_count)]
    for junction in np.unique(graph.junction[graph.junction >= 0]):
        ways = [_way(graph, int(lane)) for lane in np.flatnonzero(graph.junction == junction)]
        for k, first in enumerate(ways):
            for second in ways[:k]:
                _add_conflict(rows, first, second, graph.controls)
    counts = np.array([len(found) for found in rows])
    table = np.array([row for found in rows for row in sorted(found)]).reshape(-1, 7)
    return Conflicts(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        lane=table[:, 0].astype(np.int64),
        kind=table[:, 1].astype(np.int64),
        own_from=table[:, 2].copy(),
        own_to=table[:, 3].copy(),
        other_from=table[:, 4].copy(),
        other_to=table[:, 5].copy(),
        priority=table[:, 6].astype(np.int64),
    )


def join_conflicts(parts: Sequence[Conflicts], lane_counts: Sequence[int]) -> Conflicts:
    """Return the conflicts of an atlas (``lane_graph.concatenate``) of maps of so many lanes each."""
    offsets = np.concatenate([[0], np.cumsum(lane_counts)])
    rows = np.concatenate([[0], np.cumsum([len(part.lane) for part in parts])])
    starts = [part.start[:-1] + row for part, row in zip(parts, rows[:-1], strict=True)]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("kind", "own_from", "own_to", "other_from", "other_to", "priority")
    }
    lanes = [part.lane + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    return Conflicts(start=np.concatenate([*starts, rows[-1:]]), lane=np.concatenate(lanes), **joined)


def _way(graph: LaneGraph, lane: int) -> _Way:
    samples, length, after = graph.lane_samples(lane), float(graph.length[lane]), int(graph.successors[lane, 0])
    heading = samples[:, SampleColumn.HEADING]
    along = np.arange(len(samples)) * graph.step[lane]
    beyond, further = _beginning(graph, after)
    both = np.concatenate([samples, beyond])
    return _Way(
        lane=lane,
        points=both[:, [SampleColumn.X, SampleColumn.Y]],
        height=np.concatenate([_heights(graph, lane), _heights(graph, after)[1:][: len(beyond)]]),
        poses=both[:, [SampleColumn.X, SampleColumn.Y, SampleColumn.HEADING]],
        overhang=_overhang(both[:, SampleColumn.CURVATURE]),
        along=np.concatenate([along, length + further]),
        length=length,
        heading_in=float(heading[0]),
        turn=_wrapped(float(np.unwrap(heading)[-1] - heading[0])),
        limit=float(graph.speed_limit[max(int(graph.predecessors[lane, 0]), 0)]),
        before=int(graph.predecessors[lane, 0]),
        after=after,
    )


def _beginning(graph: LaneGraph, lane: int) -> tuple[FloatArray, FloatArray]:
    """Return the samples of the first ``TAIL_M`` of a lane outside a junction (not the first) and where they are."""
    if lane < 0 or graph.junction[lane] >= 0:
        return np.zeros((0, graph.samples.shape[1])), np.zeros(0)
    rows = graph.lane_samples(lane)[1 : 2 + int(TAIL_M / graph.step[lane])]
    return rows, (1.0 + np.arange(len(rows))) * graph.step[lane]


def _heights(graph: LaneGraph, lane: int) -> FloatArray:
    return graph.height[graph.start[lane] : graph.start[lane + 1]] if lane >= 0 else np.zeros(0)


def _overhang(curvature: FloatArray) -> FloatArray:
    radius = 1.0 / np.maximum(np.abs(curvature), 1e-4)
    overhang: FloatArray = np.hypot(radius, 0.5 * LONGEST_M) - radius
    return overhang


def stop_setback(graph: LaneGraph) -> FloatArray:
    """Return how far before its entry ``(L,)`` traffic must stop so as to be clear of all other ways (m).

    It is that of the lane before: the stretch at its end that is within reach of a way that does not begin there.
    """
    setback = np.zeros(graph.lane_count)
    for junction in np.unique(graph.junction[graph.junction >= 0]):
        ways = [_way(graph, int(lane)) for lane in np.flatnonzero(graph.junction == junction)]
        for before in {way.before for way in ways if way.before >= 0 and graph.junction[way.before] < 0}:
            others = [way for way in ways if way.before != before]
            needed = max((_reached(graph, before, other) for other in others), default=0.0)
            for way in ways:
                if way.before == before:
                    setback[way.lane] = min(needed, FURTHEST_STOP_M)
    return setback


def _reached(graph: LaneGraph, lane: int, other: _Way) -> float:
    """Return how long the stretch at the end of ``lane`` is that ``other`` comes too near to (m)."""
    here = graph.lane_samples(lane)[-1 - int(2.0 * FURTHEST_STOP_M / graph.step[lane]) :]
    waiting = here[:, [SampleColumn.X, SampleColumn.Y, SampleColumn.HEADING]]
    touched = boxes_touch(waiting, (0.5, 0.5 * WIDEST_M + STOP_GAP_M), other.poses, (0.5 * LONGEST_M, 0.5 * WIDEST_M))
    near = np.flatnonzero(touched.any(axis=1)) + graph.start[lane + 1] - graph.start[lane] - len(here)
    return 0.0 if len(near) == 0 else float(graph.length[lane] - max(near[0] - 1, 0) * graph.step[lane])


def _add_conflict(
    rows: list[list[tuple[float, ...]]], first: _Way, second: _Way, controls: TrafficControls
) -> None:
    """Write the conflict of two lanes, if there is one, into the rows of both."""
    stretch = _stretches(first, second)
    if stretch is None:
        return
    kind = _kind(first, second)
    rank = 0 if kind == ConflictKind.DIVERGING else _priority(first, second, controls)
    (a, b), (c, d) = stretch
    rows[first.lane].append((second.lane, int(kind), a, b, c, d, rank))
    rows[second.lane].append((first.lane, int(kind), c, d, a, b, -rank))


def _kind(first: _Way, second: _Way) -> ConflictKind:
    if first.before == second.before and first.before >= 0:
        return ConflictKind.DIVERGING
    if first.after == second.after and first.after >= 0:
        return ConflictKind.MERGING
    return ConflictKind.CROSSING


def _stretches(first: _Way, second: _Way) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return where either lane is within ``CLEARANCE_M`` of the other (arc lengths, m), or None."""
    low = np.maximum(first.points.min(axis=0), second.points.min(axis=0))
    high = np.minimum(first.points.max(axis=0), second.points.max(axis=0))
    if (low > high + 2.0 * CLEARANCE_M).any():
        return None
    apart = np.linalg.norm(first.points[:, None, :] - second.points[None, :, :], axis=2)
    near = apart < CLEARANCE_M + first.overhang[:, None] + second.overhang[None, :]
    near &= np.abs(first.height[:, None] - second.height[None, :]) < BRIDGE_M
    if first.after == second.after:
        near &= (first.along <= first.length)[:, None] & (second.along <= second.length)[None, :]
    mine, theirs = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if len(mine) == 0:
        return None
    return _span(first, mine), _span(second, theirs)


def _span(way: _Way, rows: IntArray) -> tuple[float, float]:
    last = min(int(rows[-1]) + 1, len(way.along) - 1)
    return float(way.along[max(int(rows[0]) - 1, 0)]), float(way.along[last])


def _priority(first: _Way, second: _Way, controls: TrafficControls) -> int:
    """Return 1 where ``first`` goes before ``second``, -1 where it yields, 0 where the first to come does.

    Gates decide; then whoever goes straight on, or turns right, against an oncoming left turn; then, where no sign
    stands, who comes from the right (Vienna Convention on Road Traffic 1968, articles 16 and 18).
    """
    gates = GateKind(int(controls.gate[first.lane])), GateKind(int(controls.gate[second.lane]))
    strength = _STRENGTH[gates[0]] - _STRENGTH[gates[1]]
    if strength:
        return 1 if strength > 0 else -1
    bearing = _wrapped(second.heading_in - first.heading_in)
    if abs(bearing) > math.radians(135.0):
        return int(second.turn > TURN_RAD) - int(first.turn > TURN_RAD)
    if abs(bearing) < math.radians(45.0):
        return _joining_priority(first, second)
    if gates[0] in (GateKind.SIGNAL, GateKind.STOP, GateKind.YIELD):
        return 0
    return -1 if bearing > 0.0 else 1


def _joining_priority(first: _Way, second: _Way) -> int:
    """Return who goes first where two nearly parallel ways become one: the faster road, then the straighter way.

    Whoever enters a motorway gives way to those on it (Vienna Convention on Road Traffic 1968, article 25).
    """
    if first.after != second.after or first.after < 0:
        return 0
    if abs(first.limit - second.limit) > 1.0:
        return 1 if first.limit > second.limit else -1
    bend = abs(second.turn) - abs(first.turn)
    return 0 if abs(bend) < STRAIGHTER_RAD else int(math.copysign(1.0, bend))


def _wrapped(angle: float) -> float:
    return (angle + math.pi) % (2.0 * math.pi) - math.pi
