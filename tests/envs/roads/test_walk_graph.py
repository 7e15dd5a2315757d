"""The walk graph: the street's arrays by hand, invariants on curved streets and on real towns."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.roads.compiler import compile_lane_graph
from envs.roads.crossings import walking_axis
from envs.roads.elements import Crosswalk, OpenDrive, OpenDriveError
from envs.roads.generate import OnRampRoad, Street
from envs.roads.junction_crosswalks import junction_crosswalks
from envs.roads.lane_graph import LaneGraph, SampleColumn, concatenate
from envs.roads.opendrive import parse_opendrive
from envs.roads.walk_graph import WalkGraph, compile_walk_graph, concatenate_walk_graphs, section_frames
from envs.roads.walk_net import WalkNet
from envs.scene import FloatArray

TOWNS = pytest.mark.parametrize("town", ["Town01", "Town02", "Town04"], indirect=True)


def compiled(street: Street | OnRampRoad, *extra: Crosswalk) -> tuple[OpenDrive, LaneGraph, WalkGraph]:
    opendrive = parse_opendrive(street.opendrive(), street.name)
    graph = compile_lane_graph(opendrive)
    return opendrive, graph, compile_walk_graph(opendrive, graph, extra)


def edges(walk: WalkGraph) -> list[tuple[int, int, int]]:
    """Return (from, to, crosswalk) of every directed edge."""
    tails = np.repeat(np.arange(walk.node_count), np.diff(walk.start))
    return list(zip(tails.tolist(), walk.neighbours.tolist(), walk.edge_crosswalk.tolist(), strict=True))


def distance_to_segments(point: FloatArray, a: FloatArray, b: FloatArray) -> float:
    along = b - a
    fraction = np.clip(((point - a) * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), 1e-12), 0.0, 1.0)
    return float(np.hypot(*(a + fraction[:, None] * along - point).T).min())


def test_the_street_by_hand() -> None:
    """Kerbs at +-(3.5 + 2.2) m, sidewalk centres at +-6.7; lane 1 runs west, so that both lanes are entered at 148."""
    _, graph, walk = compiled(Street(crosswalk_s_m=150.0))
    east, west = graph.find(1, -1), graph.find(1, 1)
    assert walk.crosswalk_ends[0] == pytest.approx(np.array([[150.0, -5.7], [150.0, 5.7]]))
    assert walk.crosswalk_width == pytest.approx([4.0])
    assert walk.crossing_start.tolist() == [0, 2] and walk.crossing_lane.tolist() == [east, west]
    assert walk.crossing_from == pytest.approx([148.0, 148.0]) and walk.crossing_to == pytest.approx([152.0, 152.0])
    assert walk.crossing_near == pytest.approx([2.2, 5.7]) and walk.crossing_far == pytest.approx([5.7, 9.2])
    assert walk.approach_start.tolist() == [0, 1, 2]
    assert walk.approach_lane.tolist() == [east, west] and walk.approach_begin == pytest.approx([148.0, 148.0])
    assert walk.crosswalk_joined.tolist() == [[True, True]]


def test_the_streets_kerbs_are_linked_with_the_foot_on_the_sidewalk() -> None:
    _, _, walk = compiled(Street(crosswalk_s_m=153.0))
    south, north = np.flatnonzero(walk.node_crosswalk == 0).tolist()
    assert [tuple(walk.nodes[node]) for node in (south, north)] == [(153.0, -5.7), (153.0, 5.7)]
    around = {(a, b): k for a, b, k in edges(walk)}
    assert around[south, north] == around[north, south] == 0
    assert sum(k == 0 for k in around.values()) == 2
    for kerb, y in ((south, -6.7), (north, 6.7)):
        (foot,) = [b for (a, b), k in around.items() if a == kerb and k < 0]
        assert walk.nodes[foot] == pytest.approx([153.0, y])
        assert sorted(walk.nodes[b, 0] for a, b in around if a == foot) == pytest.approx([150.0, 153.0, 160.0])


def test_a_slanted_crosswalk_by_hand() -> None:
    """Its edges are x = 148 + y / 5 and x = 152 + y / 5: over lane -1 (y in [-3.5, 0]) x runs from 147.3 to 152."""
    y = np.array([-5.0, -5.0, 5.0, 5.0])
    outline = np.stack([np.array([148.0, 152.0, 152.0, 148.0]) + 0.2 * y, y], axis=1)
    _, graph, walk = compiled(Street(), Crosswalk(outline))
    by_lane = {int(lane): c for c, lane in enumerate(walk.crossing_lane)}
    east, west = by_lane[graph.find(1, -1)], by_lane[graph.find(1, 1)]
    assert (walk.crossing_from[east], walk.crossing_to[east]) == pytest.approx((147.3, 152.0), abs=0.06)
    assert (walk.crossing_from[west], walk.crossing_to[west]) == pytest.approx((300 - 152.7, 300 - 148.0), abs=0.06)


@pytest.mark.parametrize(
    "outline",
    [
        [[150.0, 0.0], [150.0, 0.0], [150.0, 0.0]],
        [[150.0, -5.0], [150.0, 0.0], [150.0, 5.0]],
        [[150.0, -5.0], [1e6, -5.0], [1e6, 5.0], [150.0, 5.0]],
    ],
)
def test_an_outline_that_is_no_crosswalk_is_refused(outline: list[list[float]]) -> None:
    with pytest.raises(OpenDriveError, match=r"^map street: crosswalk 0 of 1: .* m; allowed is 0.3 to 200 m$"):
        compiled(Street(), Crosswalk(np.array(outline)))


def test_kerbs_do_not_stand_on_the_lanes() -> None:
    """An outline that ends at y = +-2, in the middle of the lanes, is walked from edge to edge all the same."""
    outline = np.array([[148.0, -2.0], [150.0, -2.0], [150.0, 2.0], [148.0, 2.0]])
    _, _, walk = compiled(Street(), Crosswalk(outline))
    assert (np.abs(walk.crosswalk_ends[0, :, 1]) >= 3.25).all() and (np.abs(walk.crosswalk_ends[0, :, 1]) < 3.8).all()
    assert walk.crosswalk_joined.all()


@given(
    roll=st.integers(0, 3), flip=st.booleans(), closed=st.booleans(), turn=st.floats(-3.1, 3.1),
    length=st.floats(1.5, 20.0), width=st.floats(1.5, 20.0),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_the_axis_crosses_the_road_however_the_outline_is_written(
    roll: int, flip: bool, closed: bool, turn: float, length: float, width: float
) -> None:
    """Also where the crosswalk is longer along the road than across it."""
    graph = compiled(Street())[1]
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.5 * np.array([length, width]) + np.array([150.0, -2.0])
    outline = np.roll(corners[::-1] if flip else corners, roll, axis=0)
    outline = np.concatenate([outline, outline[:1]]) if closed else outline
    ends, across = walking_axis(outline, graph)
    assert sorted(ends[:, 1]) == pytest.approx([-2.0 - 0.5 * width, -2.0 + 0.5 * width])
    assert ends[:, 0] == pytest.approx([150.0, 150.0]) and across == pytest.approx(length)


@pytest.mark.parametrize("curvature", [0.0, 1 / 60, -1 / 200])
def test_sidewalks_stay_near_their_lanes_centre(curvature: float) -> None:
    opendrive, _, walk = compiled(Street(crosswalk_s_m=150.0, curvature=curvature))
    a, b = np.array([(a, b) for a, b, k in edges(walk) if k < 0]).T
    assert np.hypot(*(walk.nodes[a] - walk.nodes[b]).T).max() <= 10.0 + 1e-9
    for frame in section_frames(opendrive):
        for lane in (3, -3):
            centre = frame.points(frame.centre(lane)[0])
            away = max(distance_to_segments(point, walk.nodes[a], walk.nodes[b]) for point in centre)
            assert away <= 0.2 + 1e-6
    assert walk.crosswalk_joined.all()


@pytest.mark.parametrize(("gap", "joined"), [(0.2, True), (2.9, True), (3.1, False)])
def test_ends_near_each_other_are_joined(gap: float, joined: bool) -> None:
    net = WalkNet()
    net.add_line(np.array([[0.0, 0.0], [10.0, 0.0]]))
    net.add_line(np.array([[10.0 + gap, 0.0], [20.0, 0.0]]))
    net.join_dead_ends()
    start, neighbours, _ = net.adjacency()
    reached = {0}
    for _ in range(4):
        reached |= {int(n) for node in reached for n in neighbours[start[node] : start[node + 1]]}
    assert (len(reached) == len(net.points)) is joined


@pytest.mark.parametrize(("y", "linked"), [(-5.7, False), (4.5, True)])
def test_no_link_leads_over_a_driving_lane(y: float, linked: bool) -> None:
    """The only sidewalk runs along y = 6; the lanes of the street lie between y = -3.5 and 3.5."""
    graph = compiled(Street())[1]
    net = WalkNet()
    net.add_line(np.array([[100.0, 6.0], [200.0, 6.0]]))
    kerb, _ = net.add_crosswalk(np.array([[150.0, y], [150.0, y - 1.0]]), 0)
    assert net.link_to_sidewalk(kerb, graph, 20.0) is linked
    assert ((150.0, 6.0) in net.points) is linked


def test_the_lanes_before_and_behind_a_strip_are_listed() -> None:
    """Road 1 (150 m) leads into road 2 (120 m), where the crosswalk lies at 5 to 8 m."""
    outline = np.array([[155.0, -11.0], [158.0, -11.0], [158.0, 0.5], [155.0, 0.5]])
    _, graph, walk = compiled(OnRampRoad(), Crosswalk(outline))
    own, before = graph.find(2, -1), graph.find(1, -1)
    c = walk.crossing_lane.tolist().index(own)
    rows = slice(walk.approach_start[c], walk.approach_start[c + 1])
    begins = dict(zip(walk.approach_lane[rows].tolist(), walk.approach_begin[rows].tolist(), strict=True))
    assert begins == pytest.approx({own: 5.0, before: 155.0})
    outline = outline + np.array([105.0, 0.0])  # 110 to 113 m along road 2: 7 m before its end
    _, graph, walk = compiled(OnRampRoad(), Crosswalk(outline))
    own, before, behind = graph.find(2, -1), graph.find(1, -1), graph.find(3, -1)
    c = walk.crossing_lane.tolist().index(own)
    rows = slice(walk.approach_start[c], walk.approach_start[c + 1])
    begins = dict(zip(walk.approach_lane[rows].tolist(), walk.approach_begin[rows].tolist(), strict=True))
    assert begins == pytest.approx({own: 110.0, before: 260.0, behind: -10.0})


def test_an_atlas_holds_each_graph() -> None:
    maps = [compiled(item)[1:] for item in (Street(crosswalk_s_m=50.0), Street(), Street(crosswalk_s_m=70.0))]
    _, lane_offsets = concatenate([graph for graph, _ in maps])
    atlas, nodes, crosswalks = concatenate_walk_graphs([walk for _, walk in maps], lane_offsets)
    assert crosswalks.tolist() == [0, 1, 1, 2] and nodes[-1] == atlas.node_count
    for m, (_, walk) in enumerate(maps):
        own = [(a - nodes[m], b - nodes[m], k - crosswalks[m] if k >= 0 else k) for a, b, k in edges(atlas)]
        assert [edge for edge in own if 0 <= edge[0] < walk.node_count] == edges(walk)
        for k in range(walk.crosswalk_count):
            strips = slice(*atlas.crossing_start[crosswalks[m] + k : crosswalks[m] + k + 2])
            assert (atlas.crossing_lane[strips] - lane_offsets[m]).tolist() == walk.crossing_lane.tolist()
            assert atlas.crossing_from[strips].tolist() == walk.crossing_from.tolist()
            rows = slice(atlas.approach_start[strips.start], atlas.approach_start[strips.stop])
            assert (atlas.approach_lane[rows] - lane_offsets[m]).tolist() == walk.approach_lane.tolist()


def test_an_atlas_needs_the_offsets_of_its_maps() -> None:
    with pytest.raises(ValueError, match="expected M >= 1 and M"):
        concatenate_walk_graphs([compiled(Street())[2]], np.array([0]))


@TOWNS
def test_a_towns_crosswalks_are_joined_wherever_a_sidewalk_is_near(town: Path) -> None:
    opendrive = parse_opendrive(town.read_bytes(), town.stem)
    walk = compile_walk_graph(opendrive, compile_lane_graph(opendrive))
    lines = [
        frame.points(frame.centre(lane)[0])
        for frame in section_frames(opendrive)
        for lane in frame.section.lanes
        if frame.section.lanes[lane].kind == "sidewalk"
    ]
    points = np.concatenate(lines)
    near = np.array([[np.hypot(*(points - end).T).min() for end in ends] for ends in walk.crosswalk_ends])
    assert walk.crosswalk_count == sum(len(road.crosswalks) for road in opendrive.roads.values())
    assert walk.crosswalk_joined.tolist() == (near.reshape(-1, 2) <= 8.0).tolist()


@TOWNS
def test_a_town_with_crosswalks_at_its_junctions_is_sound(town: Path) -> None:
    opendrive = parse_opendrive(town.read_bytes(), town.stem)
    graph = compile_lane_graph(opendrive)
    painted = junction_crosswalks(opendrive, section_frames(opendrive))
    walk = compile_walk_graph(opendrive, graph, painted)
    assert len(painted) > 0 and walk.crosswalk_joined[-len(painted) :].all()
    pairs = edges(walk)
    assert {(b, a, k) for a, b, k in pairs} == set(pairs) and len(set(pairs)) == len(pairs)
    assert all(a != b for a, b, _ in pairs)
    for k in range(walk.crosswalk_count):
        first, second = np.flatnonzero(walk.node_crosswalk == k).tolist()
        assert (first, second, k) in set(pairs)
        assert walk.nodes[[first, second]].tolist() == walk.crosswalk_ends[k].tolist()
        length = math.dist(*walk.crosswalk_ends[k])
        for c in range(walk.crossing_start[k], walk.crossing_start[k + 1]):
            assert 0.0 <= walk.crossing_near[c] < walk.crossing_far[c] <= length + 1e-9
            lane = int(walk.crossing_lane[c])
            assert 0.0 <= walk.crossing_from[c] < walk.crossing_to[c] <= graph.length[lane] + 1e-9
            # The strip's middle lies within the crosswalk, give or take the slant of its outline.
            row = round(0.5 * (walk.crossing_from[c] + walk.crossing_to[c]) / graph.step[lane])
            middle = graph.lane_samples(lane)[row, [SampleColumn.X, SampleColumn.Y]]
            ends = walk.crosswalk_ends[k]
            assert distance_to_segments(middle, ends[:1], ends[1:]) <= 0.5 * walk.crosswalk_width[k] + 1.5
            assert lane in walk.approach_lane[walk.approach_start[c] : walk.approach_start[c + 1]]
    assert (np.diff(walk.crossing_start) >= 2).all()


@pytest.mark.parametrize("town", ["Town02"], indirect=True)
def test_every_sidewalk_of_a_town_leads_everywhere_over_crosswalks(town: Path) -> None:
    opendrive = parse_opendrive(town.read_bytes(), town.stem)
    painted = junction_crosswalks(opendrive, section_frames(opendrive))
    walk = compile_walk_graph(opendrive, compile_lane_graph(opendrive), painted)
    around: dict[int, list[int]] = {}
    for a, b, _ in edges(walk):
        around.setdefault(a, []).append(b)
    reached, frontier = {0}, [0]
    while frontier:
        for node in around[frontier.pop()]:
            if node not in reached:
                reached.add(node)
                frontier.append(node)
    assert len(reached) == walk.node_count
