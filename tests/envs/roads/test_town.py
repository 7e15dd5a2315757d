"""The generated town: sound geometry, full connection, and signs and signals as OpenDRIVE has them."""

from __future__ import annotations

import importlib
import math
import xml.etree.ElementTree as ElementTree
from collections import Counter
from functools import cache
from itertools import combinations
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import OpenDrive
from envs.roads.generate import generate_lane_graph
from envs.roads.lane_graph import LaneGraph, SampleColumn, locate
from envs.roads.opendrive import parse_opendrive
from envs.roads.section_sampling import sample_section
from envs.roads.town import Town
from envs.scenarios.maps import MapLibrary
from envs.scene import FloatArray, RoadCategory
from tests.envs.roads.single_route import global_route

GAP_M = 1e-4
KINK_RAD = math.radians(0.01)


@cache
def town_map() -> OpenDrive:
    return parse_opendrive(Town().opendrive(), "town")


@cache
def town_graph() -> LaneGraph:
    return compile_lane_graph(town_map())


@cache
def town_xml() -> Element:
    return ElementTree.fromstring(Town().opendrive())


def arms(junction: str) -> dict[tuple[str, str], Element]:
    """Return the roads that lead to a junction, by road id and end."""
    found = {}
    for road in town_xml().iter("road"):
        for side, end in (("predecessor", "start"), ("successor", "end")):
            link = road.find(f"link/{side}")
            if link is not None and (link.get("elementType"), link.get("elementId")) == ("junction", junction):
                found[str(road.get("id")), end] = road
    return found


def signals_at(road: Element, end: str) -> list[Element]:
    """Return the signals for the traffic that leaves a road by ``end``."""
    orientation = "+" if end == "end" else "-"
    return [signal for signal in road.iter("signal") if signal.get("orientation") == orientation]


def control(junction: str) -> str:
    """Name what stands at a junction, as the file tells it."""
    kinds = {signal.get("type") for (_, end), road in arms(junction).items() for signal in signals_at(road, end)}
    assert len(kinds) <= 1
    return {"1000001": "signal", "206": "stop", "205": "yield"}[str(kinds.pop())] if kinds else "none"


def assert_smooth(graph: LaneGraph) -> None:
    for lane in range(graph.lane_count):
        end = graph.lane_samples(lane)[-1]
        for following in graph.successors[lane][graph.successors[lane] >= 0].tolist():
            gap = graph.lane_samples(following)[0] - end
            where = f"{graph.describe(lane)} to {graph.describe(following)}"
            assert math.hypot(gap[SampleColumn.X], gap[SampleColumn.Y]) < GAP_M, where
            assert abs(math.remainder(gap[SampleColumn.HEADING], 2.0 * math.pi)) < KINK_RAD, where
            assert abs(gap[SampleColumn.WIDTH]) < 1e-9, where
            assert lane in graph.predecessors[following]


def assert_connected(graph: LaneGraph) -> None:
    """Every lane is reached from lane 0, and lane 0 from every lane: so every lane from every other."""
    for lane in range(graph.lane_count):
        assert global_route(graph, 0, lane)[-1] == lane
        assert global_route(graph, lane, 0)[-1] == 0


def test_the_text_is_always_the_same_and_can_be_asked_for_by_name() -> None:
    assert Town().opendrive() == Town().opendrive()
    assert (Town().name, Town(block_m=110.0).name) == ("town", "town(block_m=110)")
    graph = MapLibrary(["town"]).graph("town")
    assert np.array_equal(graph.samples, generate_lane_graph(Town()).samples)


def test_it_is_about_as_large_as_town02() -> None:
    streets = sum(road.length for road in town_map().roads.values() if road.junction == "-1")
    assert 1500.0 < streets < 3000.0
    low, high = town_graph().samples[:, :2].min(axis=0), town_graph().samples[:, :2].max(axis=0)
    assert high - low == pytest.approx([350.0, 330.0], abs=10.0)
    assert set(town_graph().category) == {RoadCategory.URBAN}
    assert {round(3.6 * limit) for limit in town_graph().speed_limit} == {30, 40, 50, 60}


def test_lanes_follow_each_other_without_gap_or_kink() -> None:
    assert np.isfinite(town_graph().samples).all()
    assert_smooth(town_graph())


def test_every_lane_leads_to_every_other() -> None:
    assert_connected(town_graph())


def test_only_the_acceleration_lane_ends() -> None:
    graph = town_graph()
    assert np.flatnonzero((graph.successors < 0).all(axis=1)).tolist() == [graph.find(25, -3)]
    assert np.flatnonzero((graph.predecessors < 0).all(axis=1)).tolist() == [graph.find(23, -3)]
    assert graph.length[graph.find(25, -3)] == pytest.approx(82.0, abs=1.0)  # 90 m along the ring, inside its bend


def test_curves_can_be_driven() -> None:
    """The tightest way is the right turn off the ring: 13 m from its middle to the arm, less 5.25 m to the lane."""
    graph = town_graph()
    tightest = np.maximum.reduceat(np.abs(graph.samples[:, SampleColumn.CURVATURE]), graph.start[:-1])
    inside = graph.junction >= 0
    assert 1.0 / tightest[inside].max() == pytest.approx(7.75)
    assert 1.0 / tightest[~inside].max() > 25.0
    fast = np.isin(graph.road, range(15, 28))
    assert np.all(graph.speed_limit[fast] ** 2 * tightest[fast] < 3.2)  # m/s2 across at the limit, ramps and ring


def test_connecting_lanes_have_one_lane_before_and_one_after() -> None:
    graph = town_graph()
    for lane in np.flatnonzero(graph.junction >= 0).tolist():
        assert (graph.predecessors[lane] >= 0).sum() == (graph.successors[lane] >= 0).sum() == 1
        assert graph.junction[graph.predecessors[lane, 0]] == graph.junction[graph.successors[lane, 0]] == -1


def test_lanes_outside_junctions_do_not_overlap() -> None:
    graph = town_graph()
    lanes = np.flatnonzero(graph.junction < 0).tolist()
    for one, other in combinations(lanes, 2):
        if other in graph.successors[one] or one in graph.successors[other]:
            continue
        apart = graph.lane_samples(one)[:, None, :2] - graph.lane_samples(other)[None, :, :2]
        assert np.hypot(apart[..., 0], apart[..., 1]).min() > 3.49, f"{graph.describe(one)}, {graph.describe(other)}"


def test_junctions_by_arms_and_control() -> None:
    found = Counter(
        (len(arms(str(item.get("id")))), control(str(item.get("id")))) for item in town_xml().iter("junction")
    )
    assert found == {
        (4, "signal"): 2,
        (3, "signal"): 1,
        (4, "stop"): 2,
        (3, "yield"): 3,
        (3, "none"): 3,  # the two ends of the crescent, and where the exit leaves the ring
    }


def test_ways_through_a_four_way_crossing() -> None:
    """From each arm to the three others; from the south: right to the east, straight on, left to the west."""
    graph = town_graph()
    assert Counter(graph.junction.tolist())[100] == 12
    south = graph.find(9, 1)
    ways = graph.successors[south][graph.successors[south] >= 0].tolist()
    ends = {graph.road_ids[graph.successors[way, 0]]: way for way in ways}
    turns = {}
    for road, way in ends.items():
        heading = graph.lane_samples(way)[:, SampleColumn.HEADING]
        turns[road] = math.degrees(math.remainder(heading[-1] - heading[0], 2.0 * math.pi))
    assert turns == pytest.approx({"8": -90.0, "7": 0.0, "10": 90.0}, abs=1e-6)


def test_ways_where_a_street_meets_the_ring() -> None:
    """Two through lanes each way; turns into the street from the nearest lane, out of it into the nearest."""
    ways = set()
    for connection in town_map().junctions["800"].connections:
        road = town_map().roads[connection.connecting_road]
        lane = road.sections[0].lanes[-1]
        assert road.successor is not None and lane.predecessor is not None and lane.successor is not None
        ways.add((connection.incoming_road, lane.predecessor, road.successor.element_id, lane.successor))
    assert ways == {
        ("27", -1, "21", -1), ("27", -2, "21", -2), ("21", 1, "27", 1), ("21", 2, "27", 2),
        ("27", -2, "12", 1), ("21", 1, "12", 1), ("12", -1, "21", -2), ("12", -1, "27", 1),
    }  # fmt: skip


def test_every_lane_into_a_signalised_junction_has_a_head_and_every_head_a_controller() -> None:
    controllers = {item.get("id"): item for item in town_xml().findall("controller")}
    controlled = 0
    for junction in town_map().junctions.values():
        if control(junction.id) != "signal":
            continue
        heads = {}
        for (road_id, end), road in arms(junction.id).items():
            for signal in signals_at(road, end):
                validity = signal.find("validity")
                assert validity is not None and signal.get("dynamic") == "yes"
                lanes = range(int(validity.attrib["fromLane"]), int(validity.attrib["toLane"]) + 1)
                heads.update({(road_id, lane): signal.attrib["id"] for lane in lanes})
        incoming = {
            (connection.incoming_road, lane_from)
            for connection in junction.connections
            for lane_from, lane_to in connection.lane_links
            if lane_to == -1
        }
        assert set(heads) == incoming
        phases = town_xml().findall(f"junction[@id='{junction.id}']/controller")
        signals = [item.attrib["signalId"] for phase in phases for item in controllers[phase.get("id")].iter("control")]
        assert sorted(signals) == sorted(set(heads.values()))
        assert [phase.get("sequence") for phase in phases] == ["0", "1"]
        controlled += len(phases)
    assert controlled == len(controllers) == 6


def test_opposite_directions_share_a_phase() -> None:
    phases = [{item.get("signalId") for item in phase.iter("control")} for phase in town_xml().findall("controller")]
    roads = {signal.get("id"): road.get("id") for road in town_xml().iter("road") for signal in road.iter("signal")}
    assert [{roads[signal] for signal in phase} for phase in phases[:2]] == [{"7", "9"}, {"8", "10"}]


def priorities(junction: str) -> set[tuple[str, ...]]:
    """Return (from, to, from, to) roads of each pair of ways of which the first goes before the second."""
    ends = {}
    for road in town_map().roads.values():
        if road.junction == junction:
            assert road.predecessor is not None and road.successor is not None
            ends[road.id] = (road.predecessor.element_id, road.successor.element_id)
    element = town_xml().find(f"junction[@id='{junction}']")
    assert element is not None
    return {ends[item.attrib["high"]] + ends[item.attrib["low"]] for item in element.iter("priority")}


def test_the_priority_road_goes_before_the_ways_that_conflict_with_it() -> None:
    """At N the street runs from 5 (east) to 6 (west), and 7 comes from the south: it yields to all that it crosses.

    The right turn out of 7 (to 5) merges with 6 to 5 only; the left turn (to 6) crosses 6 to 5, the left turn 5 to
    ... 7 and merges with 5 to 6; the right turn from 6 to 7 meets neither.
    """
    assert priorities("500") == {
        ("6", "5", "7", "5"),
        ("6", "5", "7", "6"), ("5", "7", "7", "6"), ("5", "6", "7", "6"),
    }  # fmt: skip
    assert priorities("1000") == {("14", "16", "15", "16")}
    assert all(pair[0] in ("9", "12") and pair[2] in ("1", "2") for pair in priorities("300"))
    assert len(priorities("300")) > 10
    assert not any(priorities(junction) for junction in ("100", "200", "400", "600", "700", "800", "1100"))


def test_every_arm_of_an_all_way_stop_has_its_sign() -> None:
    assert all(len(signals_at(road, end)) == 1 for (_, end), road in arms("400").items())
    assert len(arms("400")) == 4


def test_traffic_stops_before_the_crosswalk() -> None:
    """Towards the centre a street has, before its end: the line and the head at 5 m, the crosswalk from 4 m to 1 m."""
    road = town_xml().find("road[@id='8']")
    assert road is not None
    objects = {
        (item.get("type"), item.get("s"), item.get("t"), item.get("orientation")) for item in road.iter("object")
    }
    assert ("roadMark", "5.0", "1.75", "-") in objects and ("crosswalk", "2.5", "0.0", "none") in objects
    head = signals_at(road, "start")[0]
    assert (head.get("s"), head.get("t"), head.get("type")) == ("5.0", "4.5", "1000001")
    assert min(point[0] for point in town_map().roads["8"].crosswalks[0].outline) == pytest.approx(13.0)


def test_every_identifier_is_there_once() -> None:
    for tag in ("road", "junction", "signal", "object", "controller[@name]"):
        ids = [item.get("id") for item in town_xml().findall(f".//{tag}")]
        assert len(ids) == len(set(ids)) > 0


def test_crosswalks_lie_from_kerb_to_kerb_before_the_junctions() -> None:
    crosswalks = [(road, item.outline) for road in town_map().roads.values() for item in road.crosswalks]
    assert len(crosswalks) == 4 * 4 + 3 + 1
    graph = town_graph()
    for road, outline in crosswalks:
        for x, y in outline[:4]:
            lane, s, d = locate(graph, x, y)
            assert graph.road_ids[lane] == road.id
            assert 0.9 < s < graph.length[lane] - 0.9
            assert abs(d) == pytest.approx(1.75, abs=0.1)


def lane_strip(opendrive: OpenDrive, road: str, lane: int) -> FloatArray:
    """Return ``(n, 4)``: x, y of the inner and of the outer border of any lane."""
    frame = sample_section(opendrive.roads[road], 0, 1.0)
    return np.concatenate([frame.points(frame.inner[lane][0]), frame.points(frame.outer[lane][0])], axis=1)


def test_sidewalks_go_on_around_the_corners() -> None:
    opendrive = town_map()
    corners = 0
    for road in opendrive.roads.values():
        side = road.sections[0].lanes.get(-2)
        if road.junction == "-1" or side is None or side.kind != "sidewalk":
            continue
        corners += 1
        strip = lane_strip(opendrive, road.id, -2)
        for link, target, end in ((road.predecessor, side.predecessor, 0), (road.successor, side.successor, -1)):
            assert link is not None and target is not None
            assert opendrive.roads[link.element_id].sections[0].lanes[target].kind == "sidewalk"
            other = lane_strip(opendrive, link.element_id, target)[0 if link.contact == "start" else -1]
            assert strip[end] == pytest.approx(other, abs=1e-6)
    assert corners == 4 * 4 + 3 * 3  # four crossings, and N, CN and CE


@settings(max_examples=8)
@given(
    block_m=st.floats(90.0, 130.0),
    lane_width_m=st.floats(3.0, 3.75),
    ring_radius_m=st.floats(90.0, 105.0),
    acceleration_m=st.floats(40.0, 120.0),
    exit_lane_m=st.floats(40.0, 80.0),
)
def test_other_sizes_are_sound_too(**sizes: float) -> None:
    graph = generate_lane_graph(Town(**sizes))
    assert_smooth(graph)
    assert_connected(graph)
    tightest = np.abs(graph.samples[:, SampleColumn.CURVATURE]).max()
    assert 1.0 / tightest > 6.0


def test_sizes_that_make_no_town_are_refused() -> None:
    with pytest.raises(ValueError, match=r"block_m is 20.0; allowed is 90 to 130"):
        Town(block_m=20.0)
    with pytest.raises(ValueError, match="lane_width_m is nan"):
        Town(lane_width_m=float("nan"))


def carla_town() -> Any:
    pytest.importorskip("carla")
    return importlib.import_module("carla").Map("town", Town().opendrive())


def test_carla_finds_the_same_successors() -> None:
    """A step of 5 cm from 2 cm before a lane's end leads CARLA's waypoint into exactly our successors."""
    oracle, graph = carla_town(), town_graph()
    for lane in range(graph.lane_count):
        section = town_map().roads[graph.road_ids[lane]].sections[0]
        s = section.s_end - 0.02 if graph.lane[lane] < 0 else 0.02
        waypoint = oracle.get_waypoint_xodr(int(graph.road[lane]), int(graph.lane[lane]), s)
        theirs = {(item.road_id, item.lane_id) for item in waypoint.next(0.05)}
        ours = {(graph.road[item], graph.lane[item]) for item in graph.successors[lane] if item >= 0}
        assert ours == theirs, graph.describe(lane)


def test_carla_finds_the_same_signs_and_crosswalks() -> None:
    oracle = carla_town()
    kinds = Counter(item.type for item in oracle.get_all_landmarks())
    assert kinds == {"1000001": 11, "206": 6, "205": 3}
    assert len(oracle.get_crosswalks()) == 5 * 20  # closed outlines of four corners
