"""Compilation of hand-written maps, atlases, location and routes."""

from __future__ import annotations

import numpy as np
import pytest

from envs.roads.compiler import compile_lane_graph
from envs.roads.generate import MultiLaneRoad, OnRampRoad, Street, generate_lane_graph
from envs.roads.lane_graph import LaneGraph, SampleColumn, concatenate, locate
from envs.roads.opendrive import parse_opendrive
from envs.scene import RoadCategory
from tests.envs.roads.single_route import NoRouteError, global_route


def lane_xml(lane: int, kind: str = "driving", mark: str = "", width: str = "", links: str = "") -> str:
    width = width or '<width sOffset="0" a="4" b="0" c="0" d="0"/>'
    return f'<lane id="{lane}" type="{kind}"><link>{links}</link>{width if lane else ""}{mark}</lane>'


def road_xml(road: str, left: str = "", right: str = "", centre: str = "", **more: str) -> str:
    """Return a straight road of 20 m to the east whose start is at (``x``, 0)."""
    return f"""<road id="{road}" length="20" junction="{more.get("junction", "-1")}">
      <link>{more.get("links", "")}</link>
      {more.get("type", "")}
      <planView><geometry s="0" x="{more.get("x", "0")}" y="0" hdg="0" length="20"><line/></geometry></planView>
      <lanes><laneSection s="0"><left>{left}</left><center>{centre or lane_xml(0)}</center><right>{right}</right>
      </laneSection></lanes></road>"""


def compiled(*roads: str) -> LaneGraph:
    return compile_lane_graph(parse_opendrive("<OpenDRIVE>" + "".join(roads) + "</OpenDRIVE>", "test"))


def mark(kind: str, change: str = "") -> str:
    return f'<roadMark sOffset="0" type="{kind}" laneChange="{change}"/>'


def test_edges_stop_at_lanes_that_are_not_driven_on() -> None:
    graph = compiled(
        road_xml("1", left=lane_xml(1), right=lane_xml(-1) + lane_xml(-2, "shoulder") + lane_xml(-3, "driving"))
    )
    first, cut_off, west = graph.find(1, -1), graph.find(1, -3), graph.find(1, 1)
    edges = [SampleColumn.EDGE_LEFT, SampleColumn.EDGE_RIGHT]
    assert graph.lane_samples(first)[0, edges] == pytest.approx([6.0, 2.0])
    assert graph.lane_samples(cut_off)[0, edges] == pytest.approx([2.0, 2.0])
    assert graph.lane_samples(west)[0, edges] == pytest.approx([6.0, 2.0])
    assert (graph.right[first], graph.left[cut_off]) == (-1, -1)


def test_a_lane_that_narrows_moves_its_centre() -> None:
    """Width 4 m falling by 0.1 m per metre: the centre drifts to the left by 0.05 m per metre."""
    narrowing = lane_xml(-1, width='<width sOffset="0" a="4" b="-0.1" c="0" d="0"/>')
    samples = compiled(road_xml("1", right=narrowing)).lane_samples(0)
    assert samples[10] == pytest.approx([10.0, -1.5, np.arctan(0.05), 0.0, 3.0, 1.5, 1.5])


def test_borders_instead_of_widths() -> None:
    border = '<border sOffset="0" a="{}" b="0" c="0" d="0"/>'
    right = lane_xml(-1, width=border.format(-3.0)) + lane_xml(-2, width=border.format(-5.0))
    graph = compiled(road_xml("1", right=right))
    assert graph.samples[graph.start[:-1], SampleColumn.WIDTH] == pytest.approx([3.0, 2.0])
    assert graph.samples[graph.start[:-1], SampleColumn.Y] == pytest.approx([-1.5, -4.0])


@pytest.mark.parametrize(
    ("kind", "change", "leftwards", "rightwards"),
    [
        ("broken", "", True, True),
        ("none", "none", True, True),
        ("solid", "", False, False),
        ("curb", "", False, False),
        ("solid broken", "", True, False),
        ("broken solid", "", False, True),
        ("solid solid", "", False, False),
        ("broken", "increase", True, False),
        ("broken", "decrease", False, True),
        ("solid", "both", True, True),
    ],
)
def test_marks_between_right_lanes(kind: str, change: str, leftwards: bool, rightwards: bool) -> None:
    """Of a double mark the word on the driver's side counts; on right lanes the first word is the left side."""
    graph = compiled(road_xml("1", right=lane_xml(-1, mark=mark(kind, change)) + lane_xml(-2)))
    assert bool(graph.left_change[graph.find(1, -2)]) is leftwards
    assert bool(graph.right_change[graph.find(1, -1)]) is rightwards


@pytest.mark.parametrize(
    ("kind", "change", "from_right", "from_left"),
    [
        ("solid broken", "", True, False),
        ("solid", "", False, False),
        ("", "", True, True),
        ("broken", "increase", True, False),
    ],
)
def test_the_mark_in_the_middle(kind: str, change: str, from_right: bool, from_left: bool) -> None:
    centre = lane_xml(0, "none", mark(kind, change) if kind else "")
    graph = compiled(road_xml("1", left=lane_xml(1), right=lane_xml(-1), centre=centre))
    assert bool(graph.opposite_change[graph.find(1, -1)]) is from_right
    assert bool(graph.opposite_change[graph.find(1, 1)]) is from_left


def test_the_mark_that_covers_most_of_the_section_counts() -> None:
    marks = '<roadMark sOffset="0" type="solid"/><roadMark sOffset="5" type="broken"/>'
    graph = compiled(road_xml("1", right=lane_xml(-1, mark=marks) + lane_xml(-2)))
    assert graph.left_change[graph.find(1, -2)]


def test_junction_links_and_what_a_connecting_road_inherits() -> None:
    """Road 1 leads into junction 9, whose connecting road 2 leads to road 3; only some ends say so."""
    town = '<type s="0" type="rural"><speed max="20" unit="m/s"/></type>'
    to_junction = '<successor elementType="junction" elementId="9"/>'
    to_road = '<successor elementType="road" elementId="3" contactPoint="start"/>'
    lane_on = lane_xml(-1, links='<successor id="-1"/>')
    graph = compiled(
        road_xml("1", right=lane_xml(-1), links=to_junction, type=town),
        road_xml("2", right=lane_on, x="20", junction="9", links=to_road),
        road_xml("3", right=lane_xml(-1), x="40"),
        '<junction id="9"><connection incomingRoad="1" connectingRoad="2" contactPoint="start">'
        '<laneLink from="-1" to="-1"/></connection></junction>',
    )
    assert graph.successors[:, 0].tolist() == [1, 2, -1]
    assert graph.predecessors[:, 0].tolist() == [-1, 0, 1]
    assert graph.junction.tolist() == [-1, 9, -1]
    assert graph.category.tolist() == [RoadCategory.RURAL] * 3
    assert graph.speed_limit == pytest.approx([20.0] * 3)


def test_a_contact_at_the_far_end_turns_the_direction() -> None:
    """Road 2 runs westwards onto the end of road 1: its left lane goes on in the direction of road 1's right lane."""
    links = '<successor elementType="road" elementId="2" contactPoint="end"/>'
    graph = compiled(
        road_xml("1", right=lane_xml(-1, links='<successor id="1"/>'), links=links),
        road_xml("2", left=lane_xml(1), right=lane_xml(-1)),
    )
    assert graph.successors[graph.find(1, -1), 0] == graph.find(2, 1)
    assert graph.predecessors[graph.find(2, 1), 0] == graph.find(1, -1)
    assert (graph.successors >= 0).sum() == 1


def test_a_lane_with_more_than_four_successors_keeps_them_all() -> None:
    links = '<predecessor elementType="road" elementId="1" contactPoint="end"/>'
    on = lane_xml(-1, links='<predecessor id="-1"/>')
    ways = [road_xml(str(road), right=on, x="20", links=links) for road in range(2, 8)]
    graph = compiled(road_xml("1", right=lane_xml(-1)), *ways)
    assert sorted(graph.successors[0]) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("road_type", "category", "limit"),
    [
        ("", RoadCategory.URBAN, 50 / 3.6),
        ('<type s="0" type="motorway"/>', RoadCategory.HIGHWAY, 120 / 3.6),
        ('<type s="0" type="rural"/>', RoadCategory.RURAL, 80 / 3.6),
        ('<type s="0" type="town"><speed max="65" unit="mph"/></type>', RoadCategory.HIGHWAY, 29.0576),
        ('<type s="0" type="town"><speed max="no limit"/></type>', RoadCategory.URBAN, 50 / 3.6),
    ],
)
def test_category_and_limit(road_type: str, category: RoadCategory, limit: float) -> None:
    graph = compiled(road_xml("1", right=lane_xml(-1), type=road_type))
    assert graph.category.tolist() == [category]
    assert graph.speed_limit == pytest.approx([limit])


@pytest.mark.parametrize("second", ["south", "9" * 30])
def test_road_ids_that_are_no_numbers_are_counted(second: str) -> None:
    graph = compiled(road_xml("12", right=lane_xml(-1)), road_xml(second, right=lane_xml(-1)))
    assert graph.road.tolist() == [0, 1]
    assert graph.describe(1) == f"lane -1 of road {second}, section 0 (test)"


def test_an_atlas_keeps_the_maps_apart() -> None:
    graphs = [generate_lane_graph(OnRampRoad()), generate_lane_graph(Street())]
    atlas, offsets = concatenate(graphs)
    assert offsets.tolist() == [0, 8, 10]
    assert atlas.lane_count == 10 and len(atlas.samples) == atlas.start[-1]
    for graph, offset in zip(graphs, offsets, strict=False):
        for lane in range(graph.lane_count):
            assert np.array_equal(atlas.lane_samples(lane + offset), graph.lane_samples(lane))
            expected = np.where(graph.successors[lane] >= 0, graph.successors[lane] + offset, -1)
            assert np.array_equal(atlas.successors[lane + offset], expected)
    assert atlas.opposite[8:].tolist() == [9, 8]
    with pytest.raises(ValueError, match="at least one lane graph"):
        concatenate([])


def test_locate_by_hand() -> None:
    graph = generate_lane_graph(Street(length_m=300.0))
    east, west = graph.find(1, -1), graph.find(1, 1)
    assert locate(graph, 40.3, -1.5) == pytest.approx((east, 40.3, 0.25))
    assert locate(graph, 40.3, 1.5) == pytest.approx((west, 259.7, 0.25))
    assert locate(graph, 40.3, 1.5, heading=0.1) == pytest.approx((east, 40.3, 3.25))
    assert locate(graph, -20.0, -1.75, heading=0.0) == pytest.approx((east, -20.0, 0.0))
    with pytest.raises(ValueError, match="finite"):
        locate(graph, float("nan"), 0.0)


def test_routes() -> None:
    graph = generate_lane_graph(MultiLaneRoad(lanes=3))
    left, middle, right = (graph.find(1, lane) for lane in (-1, -2, -3))
    assert global_route(graph, right, left) == [right, middle, left]
    assert global_route(graph, left, left) == [left]
    street = generate_lane_graph(Street())
    with pytest.raises(NoRouteError, match="no route from lane 1 of road 1, section 0 .street. to lane -1"):
        global_route(street, 0, 1)
    with pytest.raises(IndexError, match="lane 9 is not in map street"):
        global_route(street, 0, 9)
    with pytest.raises(KeyError, match="has 1 .section 0., -1 .section 0."):
        street.find(1, 4)
