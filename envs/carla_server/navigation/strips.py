"""The strips on which one walks: sidewalks; where a map has none, shoulders; else the ground beside the road."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from envs.roads.cross_section import SectionFrame, elevation_at
from envs.roads.elements import Road
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.roads.road_rules import is_driving
from envs.roads.walk_net import walking_line
from envs.scene import FloatArray

NARROWEST_M = 0.6
"""Narrower strips are left out (m)."""

BESIDE_M = 1.2
"""Width of a strip beside a road that has neither sidewalk nor shoulder (m, ours)."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """One strip beside a road: ``side`` 1 left, -1 right of its reference line; ``section_s`` (m) its section's begin.

    ``s`` ``(n,)`` (m); ``kerb`` and ``middle`` ``(n, 2)`` its border next to the road and its middle (m);
    ``half_width`` and ``height`` ``(n,)`` (m).
    """

    road: Road
    section_s: float
    side: int
    s: FloatArray
    kerb: FloatArray
    middle: FloatArray
    half_width: FloatArray
    height: FloatArray

    def samples(self) -> FloatArray:
        """Return ``(n, 4)``: x, y of the middle, half width, height (m)."""
        return np.column_stack([self.middle, self.half_width, self.height])

    def line(self) -> FloatArray:
        """Return the middle ``(n, 2)``, as ``walk_net.walking_line`` simplifies it."""
        return walking_line(self.middle)


def walking_strips(frames: Sequence[SectionFrame], graph: LaneGraph) -> list[Strip]:
    """Return the strips of all sections of a map; without sidewalks those outside junctions, where no lane lies."""
    strips = list(_lanes(frames, "sidewalk"))
    if strips:
        return strips
    outside = [frame for frame in frames if frame.road.junction == "-1"]
    found = list(_lanes(outside, "shoulder")) or list(_beside(outside))
    lanes = cKDTree(graph.samples[:, :2])
    return [part for strip in found for part in _clear_of_lanes(strip, lanes, graph.samples[:, SampleColumn.WIDTH])]


def _lanes(frames: Sequence[SectionFrame], kind: str) -> Iterator[Strip]:
    for frame in frames:
        for lane_id in sorted(frame.section.lanes):
            if not lane_id or frame.section.lanes[lane_id].kind != kind:
                continue
            width = frame.width(lane_id)
            if float(np.max(width)) >= NARROWEST_M:
                side = 1 if lane_id > 0 else -1
                yield _strip(frame, side, frame.inner[lane_id][0], frame.centre(lane_id)[0], 0.5 * width)


def _beside(frames: Sequence[SectionFrame]) -> Iterator[Strip]:
    for frame in frames:
        for side in (1, -1):
            lanes = [lane for lane in frame.section.lanes if lane * side > 0 and is_driving(frame.section.lanes[lane])]
            # A one-way road has its other edge at the reference line.
            edge = frame.outer[max(lanes, key=abs)][0] if lanes else _innermost(frame, -side)
            if edge is not None:
                half = np.full(len(frame.s), 0.5 * BESIDE_M)
                yield _strip(frame, side, edge, edge + side * half, half)


def _innermost(frame: SectionFrame, side: int) -> FloatArray | None:
    lanes = [lane for lane in frame.inner if lane * side > 0]
    return frame.inner[min(lanes, key=abs)][0] if lanes else None


def _strip(frame: SectionFrame, side: int, kerb: FloatArray, middle: FloatArray, half: FloatArray) -> Strip:
    height = elevation_at(frame.road, frame.s)
    places = frame.points(kerb), frame.points(middle)
    return Strip(frame.road, frame.section.s_start, side, frame.s, *places, half, height)


def _clear_of_lanes(strip: Strip, lanes: cKDTree, width: FloatArray) -> Iterator[Strip]:
    """Yield the parts of a strip whose middle no driving lane covers: roads part and merge at small angles."""
    away, nearest = lanes.query(strip.middle)
    clear = np.flatnonzero(away > 0.5 * width[nearest])
    for run in np.split(clear, np.flatnonzero(np.diff(clear) > 1) + 1):
        if len(run) > 1:
            part = strip.s[run], strip.kerb[run], strip.middle[run], strip.half_width[run], strip.height[run]
            yield Strip(strip.road, strip.section_s, strip.side, *part)
