"""WalkGraph: where pedestrians walk, as flat arrays beside a ``LaneGraph``.

Sidewalks are polylines of nodes; a crosswalk is one edge between its two kerb nodes, each linked to the sidewalk
behind it. What crosses what is tabulated, so that a kernel asks "who reaches this strip when" with look-ups alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from envs.roads.cross_section import SectionFrame
from envs.roads.crossings import Crossings, cross_lanes, tail_and_reach, walking_axis
from envs.roads.elements import Crosswalk, OpenDrive, OpenDriveError
from envs.roads.junction_crosswalks import junction_crosswalks
from envs.roads.lane_graph import LaneGraph
from envs.roads.section_sampling import sample_section
from envs.roads.walk_net import WalkNet, clear_of_lanes, sidewalk_lines
from envs.scene import BoolArray, FloatArray, IntArray

SAMPLE_SPACING_M = 1.0
"""Distance at which sidewalks are sampled before they are simplified (m)."""

LINK_REACH_M = 8.0
"""Farthest sidewalk that a crosswalk's kerb is linked to (m)."""


@dataclass(frozen=True, slots=True, eq=False)
class WalkGraph:
    """All sidewalks and crosswalks of a map; N nodes, E2 directed edges, K crosswalks, C lane strips, A approaches.

    ``nodes`` ``(N, 2)`` (m); node n's neighbours are ``neighbours[start[n]:start[n + 1]]``, ``start`` ``(N + 1,)``,
    ``neighbours`` ``(E2,)``, every edge stored from both of its ends; ``edge_crosswalk`` ``(E2,)`` the crosswalk that
    the edge walks over, or -1; ``node_crosswalk`` ``(N,)`` the crosswalk whose kerb the node is, or -1 (the kerb at a
    crosswalk's end 0 is the node of the lower number).

    ``crosswalk_ends`` ``(K, 2, 2)`` the kerb points of the walking axis (m), ``crosswalk_width`` ``(K,)`` across it;
    ``crosswalk_joined`` ``(K, 2)`` whether that end reaches a sidewalk within ``LINK_REACH_M``.

    The strip c in ``crossing_start[k]:crossing_start[k + 1]`` (``(K + 1,)``) is where crosswalk k lies on driving lane
    ``crossing_lane[c]``: from ``crossing_from[c]`` to ``crossing_to[c]`` along the lane (m), any part of the lane's
    width counted; ``crossing_near[c]`` to ``crossing_far[c]`` along the walking axis (m from ``crosswalk_ends[k, 0]``).

    ``approach_lane[a]``, a in ``approach_start[c]:approach_start[c + 1]`` (``(C + 1,)``): the lanes from which a body
    reaches the strip or still covers it (the lane itself, those upstream within 120 m, those that follow within 12 m);
    ``approach_begin[a]`` the arc length at which the strip begins in that lane's own coordinates (m; beyond the lane's
    length upstream, negative downstream), so that a body at s is ``approach_begin - s`` before it.
    """

    name: str
    nodes: FloatArray
    start: IntArray
    neighbours: IntArray
    edge_crosswalk: IntArray
    node_crosswalk: IntArray
    crosswalk_ends: FloatArray
    crosswalk_width: FloatArray
    crosswalk_joined: BoolArray
    crossing_start: IntArray
    crossing_lane: IntArray
    crossing_from: FloatArray
    crossing_to: FloatArray
    crossing_near: FloatArray
    crossing_far: FloatArray
    approach_start: IntArray
    approach_lane: IntArray
    approach_begin: FloatArray

    @classmethod
    def empty(cls, name: str) -> WalkGraph:
        """Return the walk graph of a map where nobody walks."""
        none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
        return cls(
            name=name,
            nodes=np.zeros((0, 2)),
            start=np.zeros(1, dtype=np.int64),
            neighbours=none,
            edge_crosswalk=none,
            node_crosswalk=none,
            crosswalk_ends=np.zeros((0, 2, 2)),
            crosswalk_width=nothing,
            crosswalk_joined=np.zeros((0, 2), dtype=np.bool_),
            crossing_start=np.zeros(1, dtype=np.int64),
            crossing_lane=none,
            crossing_from=nothing,
            crossing_to=nothing,
            crossing_near=nothing,
            crossing_far=nothing,
            approach_start=np.zeros(1, dtype=np.int64),
            approach_lane=none,
            approach_begin=nothing,
        )

    @property
    def node_count(self) -> int:
        """Number of nodes N."""
        return len(self.nodes)

    @property
    def crosswalk_count(self) -> int:
        """Number of crosswalks K."""
        return len(self.crosswalk_width)

    @property
    def crossing_count(self) -> int:
        """Number of lane strips C."""
        return len(self.crossing_lane)


def compile_walk_graph(opendrive: OpenDrive, graph: LaneGraph, extra: Sequence[Crosswalk] = ()) -> WalkGraph:
    """Return the walk graph of a map whose lane graph is ``graph``.

    ``extra`` crosswalks come after those of the file: some maps paint none (see ``junction_crosswalks``). A crosswalk
    end without a sidewalk in reach stays a dead end, told by ``crosswalk_joined``. Raises ``OpenDriveError`` where an
    outline is no crosswalk.
    """
    net = WalkNet()
    for line in sidewalk_lines(section_frames(opendrive)):
        net.add_line(line)
    net.join_dead_ends()
    crosswalks = [*(item for road in opendrive.roads.values() for item in road.crosswalks), *extra]
    found = _Crosswalks.empty()
    for index, crosswalk in enumerate(crosswalks):
        try:
            found.add(net, graph, index, crosswalk)
        except OpenDriveError as error:
            where = f"map {opendrive.name}: crosswalk {index} of {len(crosswalks)}"
            raise OpenDriveError(f"{where}: {error}") from None
    return found.to_graph(opendrive.name, net, graph)


def walk_graph_of_map(opendrive: OpenDrive, graph: LaneGraph) -> WalkGraph:
    """Return where one walks on a map: nowhere without a sidewalk; with crosswalks at junctions if none is painted."""
    roads = opendrive.roads.values()
    if not any(lane.kind == "sidewalk" for road in roads for part in road.sections for lane in part.lanes.values()):
        return WalkGraph.empty(opendrive.name)
    painted = any(road.crosswalks for road in roads)
    extra = () if painted else junction_crosswalks(opendrive, section_frames(opendrive))
    return compile_walk_graph(opendrive, graph, extra)


def section_frames(opendrive: OpenDrive) -> list[SectionFrame]:
    """Return every lane section of a map, sampled about ``SAMPLE_SPACING_M`` apart."""
    return [
        sample_section(road, index, SAMPLE_SPACING_M)
        for road in opendrive.roads.values()
        for index in range(len(road.sections))
    ]


@dataclass(slots=True)
class _Crosswalks:
    """The crosswalks joined so far."""

    ends: list[FloatArray]
    widths: list[float]
    joined: list[tuple[bool, bool]]
    crossings: list[Crossings]

    @classmethod
    def empty(cls) -> _Crosswalks:
        return cls([], [], [], [])

    def add(self, net: WalkNet, graph: LaneGraph, index: int, crosswalk: Crosswalk) -> None:
        """Measure a crosswalk, and link its ends with the sidewalk."""
        ends, width = walking_axis(crosswalk.outline, graph)
        ends = clear_of_lanes(ends, graph)
        kerbs = net.add_crosswalk(ends, index)
        first, second = (net.link_to_sidewalk(kerb, graph, LINK_REACH_M) for kerb in kerbs)
        self.ends.append(ends)
        self.widths.append(width)
        self.joined.append((first, second))
        self.crossings.append(cross_lanes(crosswalk.outline, ends, width, graph))

    def to_graph(self, name: str, net: WalkNet, graph: LaneGraph) -> WalkGraph:
        """Return all of it as flat arrays."""
        start, neighbours, edge_crosswalk = net.adjacency()
        strips = Crossings.joined(self.crossings)
        approaches = [
            tail_and_reach(graph, int(lane), float(begin), float(end))
            for lane, begin, end in zip(strips.lane, strips.begin, strips.end, strict=True)
        ]
        flat = [item for approach in approaches for item in approach]
        return WalkGraph(
            name=name,
            nodes=np.array(net.points, dtype=np.float64).reshape(-1, 2),
            start=start,
            neighbours=neighbours,
            edge_crosswalk=edge_crosswalk,
            node_crosswalk=np.array(net.kerb_of, dtype=np.int64),
            crosswalk_ends=np.array(self.ends, dtype=np.float64).reshape(-1, 2, 2),
            crosswalk_width=np.array(self.widths, dtype=np.float64),
            crosswalk_joined=np.array(self.joined, dtype=np.bool_).reshape(-1, 2),
            crossing_start=_offsets([len(item.lane) for item in self.crossings]),
            crossing_lane=strips.lane,
            crossing_from=strips.begin,
            crossing_to=strips.end,
            crossing_near=strips.near,
            crossing_far=strips.far,
            approach_start=_offsets([len(approach) for approach in approaches]),
            approach_lane=np.array([lane for lane, _ in flat], dtype=np.int64),
            approach_begin=np.array([begin for _, begin in flat], dtype=np.float64),
        )


def concatenate_walk_graphs(
    graphs: Sequence[WalkGraph], lane_offsets: IntArray
) -> tuple[WalkGraph, IntArray, IntArray]:
    """Return an atlas of several maps, ``node_offsets`` and ``crosswalk_offsets`` ``(M + 1,)``.

    ``lane_offsets`` ``(M + 1,)`` are those of ``lane_graph.concatenate`` for the same maps in the same order. Node i of
    map m is node ``node_offsets[m] + i`` of the atlas, and likewise the crosswalks; the strips of map m begin at
    ``crossing_start[crosswalk_offsets[m]]``.
    """
    if not graphs or len(lane_offsets) != len(graphs) + 1:
        raise ValueError(f"{len(graphs)} walk graphs with {len(lane_offsets)} lane offsets; expected M >= 1 and M + 1")
    nodes = _offsets([graph.node_count for graph in graphs])
    shift = {
        "neighbours": nodes,
        "edge_crosswalk": _offsets([graph.crosswalk_count for graph in graphs]),
        "crossing_lane": lane_offsets,
        "approach_lane": lane_offsets,
    }
    shift["node_crosswalk"] = shift["edge_crosswalk"]
    columns: dict[str, object] = {"name": " + ".join(graph.name for graph in graphs)}
    for field in fields(WalkGraph):
        if field.name == "name":
            continue
        parts = [getattr(graph, field.name) for graph in graphs]
        if field.name in shift:
            parts = [np.where(part >= 0, part + by, -1) for part, by in zip(parts, shift[field.name], strict=False)]
        columns[field.name] = _chained(parts) if field.name.endswith("start") else np.concatenate(parts)
    return WalkGraph(**columns), nodes, shift["edge_crosswalk"]  # type: ignore[arg-type]


def _chained(starts: Sequence[IntArray]) -> IntArray:
    """Return the row offsets of several offset arrays laid one behind the other."""
    return _offsets([int(count) for start in starts for count in np.diff(start)])


def _offsets(counts: Sequence[int]) -> IntArray:
    offsets: IntArray = np.concatenate([[0], np.cumsum(np.array(counts, dtype=np.int64))]).astype(np.int64)
    return offsets
