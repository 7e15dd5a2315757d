"""LaneGraph: a road network as flat arrays, the only form of a map that simulators and traffic read.

Lane ``i`` owns rows ``start[i]:start[i + 1]`` of ``samples``, in driving direction, both ends included. The lanes of a
section are sampled at the same s of the reference line (about 1 m apart, in tight bends less, see
``section_sampling``), so that lateral neighbours have the same number of samples: sample k of a lane lies beside sample
k of its ``left`` and ``right`` lanes, and beside sample n - 1 - k of its ``opposite`` lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from envs.roads.controls import TrafficControls, concatenate_controls
from envs.roads.drawing import RoadDrawing
from envs.roads.projection import project
from envs.scene import BoolArray, FloatArray, IntArray

LINKS = 4
"""Columns of ``successors`` and ``predecessors``; a map that needs more gets more."""

BRIDGE_M = 3.0
"""Difference of height from which two lanes do not meet (m, ours): a car fits under a bridge."""

LANE_CHANGE_COST_M = 20.0
"""What a lane change costs a route, in metres of driving (ours: keeps routes from weaving)."""


class SampleColumn(IntEnum):
    """Columns of ``LaneGraph.samples``."""

    X = 0
    Y = 1
    HEADING = 2
    CURVATURE = 3
    WIDTH = 4
    EDGE_LEFT = 5
    EDGE_RIGHT = 6


@dataclass(frozen=True, slots=True, eq=False)
class LaneGraph:
    """All driving lanes of a map; L lanes, P samples.

    ``samples`` ``(P, 7)``, columns ``SampleColumn``: x, y of the lane's centre (m), heading of driving (rad, [-pi,
    pi)), curvature of the centre (1/m, positive left), lane width (m), distances from the centre to the left and right
    edge of the contiguous driving lanes (m, oncoming ones included, shoulders and parking not). ``start`` ``(L + 1,)``
    rows of ``samples``; ``length`` ``(L,)`` of the centre (m); ``step`` ``(L,)`` = length / (samples - 1). ``left``,
    ``right`` ``(L,)`` the neighbour of the same direction or -1; ``opposite`` ``(L,)`` the oncoming lane directly to
    the left or -1; ``*_change`` ``(L,)`` the road mark allows crossing to it. ``successors``, ``predecessors`` ``(L,
    4)`` padded with -1. ``road``, ``section``, ``lane`` ``(L,)`` the OpenDRIVE ids (road: position in the file where
    ids are not numbers); ``junction`` ``(L,)`` or -1; ``speed_limit`` ``(L,)`` (m/s); ``category`` ``(L,)`` a
    ``RoadCategory``. ``road_ids`` (L) the road id as written, for messages. ``drawing`` what to draw of the map (empty
    in an atlas). ``controls`` what holds traffic at the entries of lanes. ``height`` ``(P,)`` of the samples
    (m): worlds are flat, but where two lanes are ``BRIDGE_M`` apart one leads over the other.
    """

    name: str
    start: IntArray
    samples: FloatArray
    length: FloatArray
    step: FloatArray
    left: IntArray
    right: IntArray
    opposite: IntArray
    left_change: BoolArray
    right_change: BoolArray
    opposite_change: BoolArray
    successors: IntArray
    predecessors: IntArray
    road: IntArray
    section: IntArray
    lane: IntArray
    junction: IntArray
    speed_limit: FloatArray
    category: IntArray
    road_ids: tuple[str, ...]
    drawing: RoadDrawing
    controls: TrafficControls
    height: FloatArray

    @property
    def lane_count(self) -> int:
        """Number of lanes L."""
        return len(self.length)

    def lane_samples(self, lane: int) -> FloatArray:
        """Return the rows ``(n, 7)`` of one lane (a view)."""
        return self.samples[self.start[lane] : self.start[lane + 1]]

    def find(self, road: int, lane: int, section: int = 0) -> int:
        """Return the index of an OpenDRIVE lane; the error lists the lanes of that road."""
        rows = np.flatnonzero((self.road == road) & (self.lane == lane) & (self.section == section))
        if len(rows) == 0:
            there = [f"{self.lane[i]} (section {self.section[i]})" for i in np.flatnonzero(self.road == road)]
            listed = ", ".join(there) or "none: no such road"
            raise KeyError(f"map {self.name}: no driving lane {lane} in section {section} of road {road}; has {listed}")
        return int(rows[0])

    def describe(self, lane: int) -> str:
        """Name a lane for a message."""
        return f"lane {self.lane[lane]} of road {self.road_ids[lane]}, section {self.section[lane]} ({self.name})"


def concatenate(graphs: Sequence[LaneGraph]) -> tuple[LaneGraph, IntArray]:
    """Return an atlas of several maps and ``lane_offsets`` ``(M + 1,)``.

    Lane i of map m is lane ``lane_offsets[m] + i`` of the atlas. The maps stay unconnected and keep their own
    coordinates, which may overlap. The atlas has no drawing: draw the maps.
    """
    if not graphs:
        raise ValueError("an atlas needs at least one lane graph, got none")
    offsets = np.concatenate([[0], np.cumsum([graph.lane_count for graph in graphs])]).astype(np.int64)
    rows = np.concatenate([[0], np.cumsum([len(graph.samples) for graph in graphs])]).astype(np.int64)
    links = max(max(graph.successors.shape[1], graph.predecessors.shape[1]) for graph in graphs)
    columns: dict[str, object] = {}
    for field in fields(LaneGraph):
        if field.name in _PLAIN:
            columns[field.name] = np.concatenate([getattr(graph, field.name) for graph in graphs])
        elif field.name in _LANE_INDICES:
            parts = [
                _shifted(getattr(graph, field.name), offset, links)
                for graph, offset in zip(graphs, offsets[:-1], strict=True)
            ]
            columns[field.name] = np.concatenate(parts)
    columns["name"] = " + ".join(graph.name for graph in graphs)
    starts = [graph.start[:-1] + row for graph, row in zip(graphs, rows[:-1], strict=True)]
    columns["start"] = np.concatenate([*starts, rows[-1:]])
    columns["road_ids"] = tuple(road for graph in graphs for road in graph.road_ids)
    columns["drawing"] = RoadDrawing((), ())
    columns["controls"] = concatenate_controls([graph.controls for graph in graphs])
    return LaneGraph(**columns), offsets  # type: ignore[arg-type]


_LANE_INDICES = frozenset({"left", "right", "opposite", "successors", "predecessors"})
_PLAIN = frozenset({
    "samples", "height", "length", "step", "left_change", "right_change", "opposite_change", "road", "section", "lane",
    "junction", "speed_limit", "category",
})  # fmt: skip


def _shifted(indices: IntArray, offset: int, links: int) -> IntArray:
    shifted: IntArray = np.where(indices >= 0, indices + offset, -1)
    if shifted.ndim == 2:
        shifted = np.pad(shifted, ((0, 0), (0, links - shifted.shape[1])), constant_values=-1)
    return shifted


def locate(graph: LaneGraph, x: float, y: float, heading: float | None = None) -> tuple[int, float, float]:
    """Return (lane, s, d) of the driving lane nearest to a point (m).

    With ``heading`` (rad) only lanes that run within 90 degrees of it are considered, unless there are none. For set-up
    and tests: it looks at all samples.
    """
    if not (np.isfinite(x) and np.isfinite(y)):
        raise ValueError(f"cannot locate the point ({x}, {y}): expected finite metres")
    samples = graph.samples
    squared = (samples[:, SampleColumn.X] - x) ** 2 + (samples[:, SampleColumn.Y] - y) ** 2
    if heading is not None:
        along = np.cos(samples[:, SampleColumn.HEADING] - heading) > 0.0
        squared = np.where(along, squared, squared + 1e6)
    nearest = np.minimum.reduceat(squared, graph.start[:-1])
    # A foot between two samples can be half a step nearer than either, so a few lanes are compared exactly.
    candidates = np.argsort(nearest, kind="stable")[:8]
    best = (np.inf, -1, 0.0, 0.0)
    for lane in candidates.tolist():
        first = int(graph.start[lane])
        guess = int(np.argmin(squared[first : graph.start[lane + 1]])) * graph.step[lane]
        s, d, *_ = project(samples, graph.start, graph.step, lane, guess, x, y)
        beyond = max(-s, s - graph.length[lane], 0.0)
        against = 1e6 if nearest[lane] >= 1e6 else 0.0
        best = min(best, (np.hypot(d, beyond) + against, lane, s, d))
    return best[1], best[2], best[3]
