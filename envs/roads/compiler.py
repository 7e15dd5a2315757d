"""Compile an OpenDRIVE map to a ``LaneGraph``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.roads.compile_controls import compile_controls
from envs.roads.controls import TrafficControls
from envs.roads.cross_section import SectionFrame, elevation_at
from envs.roads.elements import OpenDrive, OpenDriveError
from envs.roads.lane_graph import LINKS, LaneGraph, SampleColumn
from envs.roads.lane_links import LaneKey, lane_successions
from envs.roads.road_rules import DEFAULT_LIMIT_MPS, category_and_limit, is_driving, may_cross
from envs.roads.section_sampling import sample_section
from envs.roads.signal_places import SignalPlace, signal_places
from envs.roads.sketch import sketch_roads
from envs.roads.speed_signs import sign_limit
from envs.scene import BoolArray, FloatArray, IntArray, RoadCategory

COMPILER_VERSION = 3
"""Raise it whenever the same map compiles to other arrays: cached graphs of older versions are then not used."""

SAMPLE_SPACING_M = 1.0
"""Distance of lane samples in the reference line's s, about (m); in bends less."""

_SHORTEST_M = 1e-6


def compile_lane_graph(opendrive: OpenDrive) -> LaneGraph:
    """Return the lane graph of a map; raises ``OpenDriveError`` where the map has no usable driving lanes."""
    try:
        frames = {
            (road.id, index): sample_section(road, index, SAMPLE_SPACING_M)
            for road in opendrive.roads.values()
            for index in range(len(road.sections))
        }
    except OpenDriveError as error:
        raise OpenDriveError(f"map {opendrive.name}: {error}") from None
    keys = [
        (road, index, lane)
        for (road, index), frame in frames.items()
        for lane in sorted(frame.section.lanes, reverse=True)
        if lane != 0 and is_driving(frame.section.lanes[lane])
    ]
    if not keys:
        raise OpenDriveError(f"map {opendrive.name}: no driving lanes")
    try:
        with np.errstate(all="ignore"):
            graph = _assemble(opendrive, frames, keys)
    except OpenDriveError as error:
        raise OpenDriveError(f"map {opendrive.name}: {error}") from None
    _check_finite(graph)
    return replace(graph, controls=compile_controls(opendrive, graph))


def _assemble(opendrive: OpenDrive, frames: dict[tuple[str, int], SectionFrame], keys: list[LaneKey]) -> LaneGraph:
    number = {key: index for index, key in enumerate(keys)}
    rows = [_lane_samples(frames[key[0], key[1]], key[2]) for key in keys]
    counts = np.array([len(lane) for lane in rows], dtype=np.int64)
    length = np.array([_polyline_length(lane) for lane in rows])
    sides = _neighbours(frames, keys, number)
    successors, predecessors = _links(opendrive, number)
    category, limit = _categories_and_limits(frames, keys, successors, predecessors, signal_places(opendrive))
    road_numbers = _numbers(opendrive.roads)
    junction_numbers = _numbers(opendrive.junctions)
    junctions = [opendrive.roads[key[0]].junction for key in keys]
    return LaneGraph(
        name=opendrive.name,
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        samples=np.concatenate(rows),
        length=length,
        step=length / (counts - 1),
        left=sides.left,
        right=sides.right,
        opposite=sides.opposite,
        left_change=sides.left_change,
        right_change=sides.right_change,
        opposite_change=sides.opposite_change,
        successors=successors,
        predecessors=predecessors,
        road=np.array([road_numbers[key[0]] for key in keys], dtype=np.int64),
        section=np.array([key[1] for key in keys], dtype=np.int64),
        lane=np.array([key[2] for key in keys], dtype=np.int64),
        junction=np.array([junction_numbers.get(junction, -1) for junction in junctions], dtype=np.int64),
        speed_limit=limit,
        category=category,
        road_ids=tuple(key[0] for key in keys),
        drawing=sketch_roads(list(frames.values())),
        controls=TrafficControls.none(len(keys)),
        height=np.concatenate([_heights(frames[key[0], key[1]], key[2]) for key in keys]),
    )


def _check_finite(graph: LaneGraph) -> None:
    broken = np.flatnonzero(~(np.isfinite(graph.samples).all(axis=1) & np.isfinite(graph.height)))
    if len(broken):
        lane = int(np.searchsorted(graph.start, broken[0], side="right")) - 1
        raise OpenDriveError(f"map {graph.name}: {graph.describe(lane)}: no usable geometry (not a number)")


def _lane_samples(frame: SectionFrame, lane: int) -> FloatArray:
    """Return the ``(n, 7)`` samples of a lane in driving direction."""
    centre = frame.centre(lane)
    path = frame.path(centre)
    left, right = _drivable_edges(frame, lane)
    samples = np.column_stack([path, frame.width(lane), left - centre[0], centre[0] - right])
    if lane > 0:
        samples = samples[::-1].copy()
        samples[:, SampleColumn.HEADING] += np.pi
        samples[:, SampleColumn.CURVATURE] *= -1.0
        samples[:, [SampleColumn.EDGE_LEFT, SampleColumn.EDGE_RIGHT]] = samples[
            :, [SampleColumn.EDGE_RIGHT, SampleColumn.EDGE_LEFT]
        ]
    heading = samples[:, SampleColumn.HEADING]
    samples[:, SampleColumn.HEADING] = np.mod(heading + np.pi, 2.0 * np.pi) - np.pi
    return samples


def _heights(frame: SectionFrame, lane: int) -> FloatArray:
    """Return the height ``(n,)`` of a lane's samples in driving direction (m)."""
    along = elevation_at(frame.road, frame.s)
    return along if lane < 0 else along[::-1]


def _drivable_edges(frame: SectionFrame, lane: int) -> tuple[FloatArray, FloatArray]:
    """Return t ``(n,)`` of the left and right edge of the driving lanes contiguous with ``lane``, along s."""
    lanes = [item for item in sorted(frame.section.lanes, reverse=True) if item != 0]
    first = last = lanes.index(lane)
    while first > 0 and is_driving(frame.section.lanes[lanes[first - 1]]):
        first -= 1
    while last + 1 < len(lanes) and is_driving(frame.section.lanes[lanes[last + 1]]):
        last += 1
    left, right = lanes[first], lanes[last]
    left_edge = frame.outer[left][0] if left > 0 else frame.inner[left][0]
    right_edge = frame.inner[right][0] if right > 0 else frame.outer[right][0]
    return left_edge, right_edge


def _polyline_length(samples: FloatArray) -> float:
    steps = np.hypot(np.diff(samples[:, SampleColumn.X]), np.diff(samples[:, SampleColumn.Y]))
    return max(float(np.sum(steps)), _SHORTEST_M)


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Lateral neighbours; every array is ``(L,)``, see ``LaneGraph``."""

    left: IntArray
    right: IntArray
    opposite: IntArray
    left_change: BoolArray
    right_change: BoolArray
    opposite_change: BoolArray


def _neighbours(frames: dict[tuple[str, int], SectionFrame], keys: list[LaneKey], number: dict[LaneKey, int]) -> _Sides:
    lanes = np.full((3, len(keys)), -1, dtype=np.int64)
    changes = np.zeros((3, len(keys)), dtype=np.bool_)
    for index, (road, section_index, lane) in enumerate(keys):
        section = frames[road, section_index].section
        side = 1 if lane > 0 else -1
        inward = number.get((road, section_index, lane - side), -1) if abs(lane) > 1 else -1
        outward = number.get((road, section_index, lane + side), -1)
        opposite = number.get((road, section_index, -side), -1) if abs(lane) == 1 else -1
        lanes[:, index] = inward, outward, opposite
        inner_border = section.lanes.get(lane - side)
        from_left = lane > 0  # the centre lane's mark is written from left to right
        changes[0, index] = inward >= 0 and inner_border is not None and may_cross(inner_border, False, section)
        changes[1, index] = outward >= 0 and may_cross(section.lanes[lane], True, section)
        changes[2, index] = opposite >= 0 and (inner_border is None or may_cross(inner_border, from_left, section))
    return _Sides(lanes[0], lanes[1], lanes[2], changes[0], changes[1], changes[2])


def _links(opendrive: OpenDrive, number: dict[LaneKey, int]) -> tuple[IntArray, IntArray]:
    followers: list[list[int]] = [[] for _ in number]
    leaders: list[list[int]] = [[] for _ in number]
    for lane, following in sorted((number[a], number[b]) for a, b in lane_successions(opendrive)):
        followers[lane].append(following)
        leaders[following].append(lane)
    return _padded(followers), _padded(leaders)


def _padded(lists: list[list[int]]) -> IntArray:
    columns = max(LINKS, max(map(len, lists)))
    return np.array([[*items, *[-1] * (columns - len(items))] for items in lists], dtype=np.int64)


def _categories_and_limits(
    frames: dict[tuple[str, int], SectionFrame],
    keys: list[LaneKey],
    successors: IntArray,
    predecessors: IntArray,
    places: Mapping[str, Sequence[SignalPlace]],
) -> tuple[IntArray, FloatArray]:
    """Return category and limit ``(L,)``; where unsaid (mostly connecting roads) those of a lane before or after."""
    said = [
        category_and_limit(
            frames[road, index].road, frames[road, index].section, frames[road, index].section.lanes[lane]
        )
        for road, index, lane in keys
    ]
    category = np.array([item[0] for item in said], dtype=np.int64)
    signs = [sign_limit(frames[road, index].road, index, lane, places[road]) for road, index, lane in keys]
    limit = np.array([sign or item[1] for sign, item in zip(signs, said, strict=True)])
    changed = True
    while changed:
        changed = False
        for lane in np.flatnonzero(category < 0).tolist():
            near = [item for item in (*predecessors[lane], *successors[lane]) if item >= 0 and category[item] >= 0]
            if near:
                category[lane] = category[near[0]]
                limit[lane] = limit[lane] or limit[near[0]]
                changed = True
    category[category < 0] = RoadCategory.URBAN
    defaults = np.array([DEFAULT_LIMIT_MPS[item] for item in RoadCategory])
    return category, np.where(limit > 0.0, limit, defaults[category])


def _numbers(ids: Iterable[str]) -> dict[str, int]:
    """Return the number of each id: itself where all are whole numbers, else its position in the file."""
    keys = list(ids)
    try:
        return dict(zip(keys, np.array([int(key) for key in keys], dtype=np.int64).tolist(), strict=True))
    except (ValueError, OverflowError):
        return {key: position for position, key in enumerate(keys)}
