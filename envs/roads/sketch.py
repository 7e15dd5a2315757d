"""Make the ``RoadDrawing`` of a map: surfaces and painted marks of every section."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.roads.cross_section import SectionFrame
from envs.roads.drawing import AREA_KINDS, STROKE_KINDS, Area, RoadDrawing, Stroke, simplified
from envs.roads.elements import Lane
from envs.roads.road_rules import is_driving
from envs.scene import FloatArray

_SURFACES = {
    "shoulder": "shoulder",
    "stop": "shoulder",
    "border": "shoulder",
    "parking": "parking",
    "sidewalk": "sidewalk",
    "biking": "biking",
    "median": "median",
}
_THINNEST_M = 0.05


def sketch_roads(frames: Sequence[SectionFrame]) -> RoadDrawing:
    """Return the drawing of all sections; areas are sorted bottom to top."""
    areas: list[Area] = []
    strokes: list[Stroke] = []
    for frame in frames:
        areas += _areas(frame)
        strokes += _strokes(frame)
    roads = {frame.road.id: frame.road for frame in frames}.values()
    areas += [Area("crosswalk", crosswalk.outline) for road in roads for crosswalk in road.crosswalks]
    return RoadDrawing(tuple(sorted(areas, key=lambda area: AREA_KINDS.index(area.kind))), tuple(strokes))


def _areas(frame: SectionFrame) -> list[Area]:
    """Return one area for each run of neighbouring lanes of the same surface."""
    areas = []
    run: list[int] = []
    lanes = [lane for lane in sorted(frame.section.lanes, reverse=True) if lane != 0]
    for lane in lanes:
        if run and _surface(frame.section.lanes[run[-1]]) != _surface(frame.section.lanes[lane]):
            areas.append(_run_area(frame, run))
            run = []
        run.append(lane)
    if run:
        areas.append(_run_area(frame, run))
    return [area for area in areas if area is not None]


def _surface(lane: Lane) -> str:
    if is_driving(lane):
        return "driving"
    return _SURFACES.get(lane.kind, "none" if lane.kind == "none" else "other")


def _run_area(frame: SectionFrame, run: list[int]) -> Area | None:
    kind = _surface(frame.section.lanes[run[0]])
    left, right = run[0], run[-1]
    left_t = frame.outer[left][0] if left > 0 else frame.inner[left][0]
    right_t = frame.inner[right][0] if right > 0 else frame.outer[right][0]
    if kind == "none" or float(np.max(left_t - right_t)) < _THINNEST_M:
        return None
    outline = np.concatenate([simplified(frame.points(left_t)), simplified(frame.points(right_t))[::-1]])
    return Area(kind, outline)


def _strokes(frame: SectionFrame) -> list[Stroke]:
    strokes = []
    for lane_id, lane in frame.section.lanes.items():
        border = _border(frame, lane_id)
        if border is None or (lane_id != 0 and float(np.max(frame.width(lane_id))) < _THINNEST_M):
            continue
        points = frame.points(border)
        ends = [*(mark.s_offset for mark in lane.marks[1:]), np.inf]
        for mark, end in zip(lane.marks, ends, strict=True) if lane.marks else ():
            ds = frame.s - frame.section.s_start
            inside = (ds >= mark.s_offset - 1e-6) & (ds <= end + 1e-6)
            kind = mark.kind.replace(" ", "_")
            if kind in STROKE_KINDS and inside.sum() >= 2:
                strokes.append(Stroke(kind, mark.color, simplified(points[inside])))
        if _is_bare_edge(frame, lane_id):
            strokes.append(Stroke("edge", "white", simplified(points)))
    return strokes


def _border(frame: SectionFrame, lane: int) -> FloatArray | None:
    """Return t ``(n,)`` of the border that a lane's marks stand on: the outer one; of lane 0 the one in the middle."""
    if lane:
        outer: FloatArray = frame.outer[lane][0]
        return outer
    for neighbour in (-1, 1):
        if neighbour in frame.inner:
            inner: FloatArray = frame.inner[neighbour][0]
            return inner
    return None


def _is_bare_edge(frame: SectionFrame, lane: int) -> bool:
    """Say whether the outer border of a driving lane borders something else and carries no mark."""
    lanes = frame.section.lanes
    marked = any(mark.kind != "none" for mark in lanes[lane].marks)
    if lane == 0 or marked or not is_driving(lanes[lane]) or frame.road.junction != "-1":
        return False
    outside = lanes.get(lane + (1 if lane > 0 else -1))
    return outside is None or not is_driving(outside)
