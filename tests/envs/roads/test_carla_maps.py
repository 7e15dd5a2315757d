"""Real maps, against CARLA's own parser (which needs no server). CARLA is left-handed: y and yaw change their sign."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.roads.compiler import SAMPLE_SPACING_M, compile_lane_graph
from envs.roads.elements import OpenDrive
from envs.roads.generate import GeneratedMap, MultiLaneRoad, OnRampRoad, Street
from envs.roads.lane_graph import LaneGraph, SampleColumn, locate
from envs.roads.opendrive import parse_opendrive
from envs.roads.section_sampling import sample_section
from envs.roads.town import Town
from tests.envs.roads.single_route import global_route

TOWNS = pytest.mark.parametrize("town", ["Town01", "Town02", "Town04"], indirect=True)


def carla_map(name: str, text: str) -> Any:
    try:
        carla = importlib.import_module("carla")
    except ImportError:
        pytest.skip("carla is not installed")
    return carla.Map(name, text)


def inner_samples(opendrive: OpenDrive, graph: LaneGraph) -> Iterator[tuple[int, int, float]]:
    """Yield (lane, sample, s on the road) of about five samples within each lane."""
    for lane in range(graph.lane_count):
        s = sample_section(opendrive.roads[graph.road_ids[lane]], int(graph.section[lane]), SAMPLE_SPACING_M).s
        count = len(graph.lane_samples(lane))
        along = s if graph.lane[lane] < 0 else s[::-1]
        for sample in range(1, count - 1, max(1, count // 5)):
            yield lane, sample, float(along[sample])


def assert_same_lanes(opendrive: OpenDrive, graph: LaneGraph, oracle: Any) -> None:
    for lane, sample, s in inner_samples(opendrive, graph):
        x, y, heading, _, width = graph.lane_samples(lane)[sample, :5]
        waypoint = oracle.get_waypoint_xodr(int(graph.road[lane]), int(graph.lane[lane]), s)
        place, yaw = waypoint.transform.location, math.radians(waypoint.transform.rotation.yaw)
        assert math.hypot(place.x - x, -place.y - y) < 0.01, graph.describe(lane)
        assert abs(math.sin(-yaw - heading)) < 1e-4 and math.cos(-yaw - heading) > 0.0, graph.describe(lane)
        assert waypoint.lane_width == pytest.approx(width, abs=1e-4)


@TOWNS
def test_lanes_are_where_carla_says(town: Path) -> None:
    text = town.read_text()
    opendrive = parse_opendrive(text, town.stem)
    assert_same_lanes(opendrive, compile_lane_graph(opendrive), carla_map(town.stem, text))


@pytest.mark.parametrize(
    "generated",
    [MultiLaneRoad(curvature=1 / 200), OnRampRoad(curvature=1 / 300), Street(curvature=1 / 150), Town()],
    ids=lambda item: str(item.name),
)
def test_carla_reads_our_maps_as_we_do(generated: GeneratedMap) -> None:
    opendrive = parse_opendrive(generated.opendrive(), generated.name)
    assert_same_lanes(opendrive, compile_lane_graph(opendrive), carla_map(generated.name, generated.opendrive()))


@TOWNS
def test_lanes_follow_each_other_as_carla_says(town: Path) -> None:
    """A step of 5 cm from 2 cm before a lane's end leads CARLA's waypoint into exactly our successors."""
    text = town.read_text()
    opendrive = parse_opendrive(text, town.stem)
    graph, oracle = compile_lane_graph(opendrive), carla_map(town.stem, text)
    for lane in range(graph.lane_count):
        section = opendrive.roads[graph.road_ids[lane]].sections[graph.section[lane]]
        s = section.s_end - 0.02 if graph.lane[lane] < 0 else section.s_start + 0.02
        waypoint = oracle.get_waypoint_xodr(int(graph.road[lane]), int(graph.lane[lane]), s)
        theirs = {(item.road_id, item.section_id, item.lane_id) for item in waypoint.next(0.05)}
        ours = {
            (int(graph.road[item]), int(graph.section[item]), int(graph.lane[item]))
            for item in graph.successors[lane]
            if item >= 0
        }
        assert ours == theirs, graph.describe(lane)


@TOWNS
def test_a_town_is_a_sound_graph(town: Path) -> None:
    graph = compile_lane_graph(parse_opendrive(town.read_bytes(), town.stem))
    assert np.isfinite(graph.samples).all()
    assert (graph.successors >= 0).any(axis=1).all()
    for lane in range(graph.lane_count):
        end = graph.lane_samples(lane)[-1]
        for following in graph.successors[lane][graph.successors[lane] >= 0]:
            gap = graph.lane_samples(following)[0] - end
            assert math.hypot(gap[SampleColumn.X], gap[SampleColumn.Y]) < 0.01
            assert abs(math.sin(gap[SampleColumn.HEADING])) < 0.01
            assert lane in graph.predecessors[following]
        if graph.opposite[lane] >= 0:
            opposite = graph.lane_samples(int(graph.opposite[lane]))[::-1]
            assert len(opposite) == len(graph.lane_samples(lane))
            apart = np.hypot(*(opposite - graph.lane_samples(lane))[:, :2].T)
            widths = 0.5 * (opposite + graph.lane_samples(lane))[:, SampleColumn.WIDTH]
            assert apart == pytest.approx(widths, abs=1e-6)


@pytest.mark.parametrize("town", ["Town02"], indirect=True)
def test_locate_and_route_in_a_town(town: Path) -> None:
    graph = compile_lane_graph(parse_opendrive(town.read_bytes(), town.stem))
    for lane in range(graph.lane_count):
        if graph.junction[lane] >= 0:
            continue
        middle = graph.lane_samples(lane)[len(graph.lane_samples(lane)) // 2]
        found, _, d = locate(graph, *middle[:3])
        assert found == lane
        assert d == pytest.approx(0.0, abs=1e-9)
    for goal in range(graph.lane_count):
        route = global_route(graph, 0, goal)
        assert (route[0], route[-1]) == (0, goal)
        for before, after in zip(route[:-1], route[1:], strict=True):
            assert after in graph.successors[before] or after in (graph.left[before], graph.right[before])
