"""The maps of the four conditions."""

from __future__ import annotations

import numpy as np
import pytest

from envs.roads.generate import GeneratedMap, MultiLaneRoad, OnRampRoad, Street, ThreeLaneRoad, generate_lane_graph
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import RoadCategory
from tests.envs.roads.single_route import global_route

MAPS: list[GeneratedMap] = [
    MultiLaneRoad(),
    MultiLaneRoad(lanes=2, curvature=1 / 300, bends=2, category="rural"),
    OnRampRoad(),
    OnRampRoad(curvature=-1 / 400, ramp_angle=0.25),
    Street(),
    Street(crosswalk_s_m=150.0, curvature=1 / 200),
    ThreeLaneRoad(),
]


def lane(graph: LaneGraph, index: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rows: np.ndarray[tuple[int, int], np.dtype[np.float64]] = graph.lane_samples(index)
    return rows


@pytest.mark.parametrize("generated", MAPS, ids=lambda item: str(item.name))
def test_every_map_is_a_sound_graph(generated: GeneratedMap) -> None:
    graph = generate_lane_graph(generated)
    assert generated.opendrive() == generated.opendrive()
    assert np.isfinite(graph.samples).all()
    for index in range(graph.lane_count):
        for following in graph.successors[index][graph.successors[index] >= 0]:
            gap = lane(graph, following)[0] - lane(graph, index)[-1]
            assert np.hypot(gap[0], gap[1]) < 1e-6
            assert abs(np.sin(gap[SampleColumn.HEADING])) < 1e-6
            assert index in graph.predecessors[following]
        if graph.left[index] >= 0:
            assert graph.right[graph.left[index]] == index
            beside = lane(graph, int(graph.left[index]))[:, :2] - lane(graph, index)[:, :2]
            assert np.hypot(*beside.T) == pytest.approx(np.full(len(beside), 3.5))


def test_multi_lane_road_by_hand() -> None:
    graph = generate_lane_graph(MultiLaneRoad(lanes=3, length_m=600.0, limit_mps=25.0))
    middle = graph.find(road=1, lane=-2)
    assert graph.lane_count == 3
    assert graph.length == pytest.approx([600.0] * 3)
    assert graph.step == pytest.approx([1.0] * 3)
    assert lane(graph, middle)[100] == pytest.approx([100.0, -5.25, 0.0, 0.0, 3.5, 5.25, 5.25])
    assert (graph.left[middle], graph.right[middle]) == (graph.find(1, -1), graph.find(1, -3))
    assert graph.left_change[middle] and graph.right_change[middle]
    assert graph.opposite.tolist() == [-1, -1, -1]
    assert set(graph.category) == {RoadCategory.HIGHWAY}
    assert graph.speed_limit == pytest.approx([25.0] * 3)


def test_a_bend_has_the_curvature_that_was_asked_for() -> None:
    graph = generate_lane_graph(MultiLaneRoad(lanes=2, length_m=600.0, curvature=1 / 400))
    samples = lane(graph, graph.find(1, -1))
    assert samples[0, SampleColumn.CURVATURE] == 0.0
    # In the middle of a left bend the lane's centre is 1.75 m outside the reference line: radius 401.75 m.
    assert samples[300, SampleColumn.CURVATURE] == pytest.approx(1 / 401.75)
    # Heading change: spirals count half, (0.3 + 0.15) * 600 m / 400 m.
    assert samples[-1, SampleColumn.HEADING] == pytest.approx(0.675)


def test_on_ramp_road_by_hand() -> None:
    graph = generate_lane_graph(OnRampRoad())
    acceleration, ramp = graph.find(road=2, lane=-3), graph.find(road=4, lane=-1)
    main_right = graph.find(road=2, lane=-2)
    assert graph.successors[ramp].tolist() == [acceleration, -1, -1, -1]
    assert graph.predecessors[acceleration].tolist() == [ramp, -1, -1, -1]
    assert graph.successors[acceleration].tolist() == [-1, -1, -1, -1]
    assert graph.left[acceleration] == main_right and graph.left_change[acceleration]
    assert graph.length[acceleration] == pytest.approx(120.0)
    assert graph.length[ramp] == pytest.approx(80.0, abs=0.5)
    assert lane(graph, acceleration)[0, :3] == pytest.approx([150.0, -8.75, 0.0])
    assert lane(graph, ramp)[-1, :3] == pytest.approx([150.0, -8.75, 0.0])
    assert lane(graph, ramp)[0, SampleColumn.HEADING] == pytest.approx(0.14)
    assert lane(graph, ramp)[0, SampleColumn.Y] < -15.0
    assert graph.speed_limit[ramp] == pytest.approx(16.7)


def test_the_ramp_leads_to_the_main_road_by_a_lane_change() -> None:
    graph = generate_lane_graph(OnRampRoad())
    ramp, end = graph.find(4, -1), graph.find(3, -2)
    assert global_route(graph, ramp, end) == [ramp, graph.find(2, -3), graph.find(2, -2), end]


def test_ramp_and_main_road_do_not_overlap() -> None:
    graph = generate_lane_graph(OnRampRoad(curvature=1 / 400))
    main, ramp = lane(graph, graph.find(1, -2)), lane(graph, graph.find(4, -1))
    distance = np.hypot(*(main[:, None, :2] - ramp[None, :, :2]).transpose(2, 0, 1))
    assert distance.min() == pytest.approx(3.5, abs=0.01)


def test_street_by_hand() -> None:
    graph = generate_lane_graph(Street(length_m=300.0))
    east, west = graph.find(1, -1), graph.find(1, 1)
    assert (graph.opposite[east], graph.opposite[west]) == (west, east)
    assert graph.opposite_change[east] and graph.opposite_change[west]
    assert (graph.left[east], graph.right[east]) == (-1, -1)
    assert lane(graph, east)[10] == pytest.approx([10.0, -1.75, 0.0, 0.0, 3.5, 5.25, 1.75])
    # The oncoming lane runs the other way: its sample 0 is beside the last one of ours.
    assert lane(graph, west)[0] == pytest.approx([300.0, 1.75, -np.pi, 0.0, 3.5, 5.25, 1.75])
    assert graph.speed_limit == pytest.approx([50.0 / 3.6] * 2)
    assert set(graph.category) == {RoadCategory.URBAN}
    kinds = {area.kind for area in graph.drawing.areas}
    assert kinds == {"driving", "parking", "sidewalk"}


def test_crosswalk_lies_from_kerb_to_kerb() -> None:
    graph = generate_lane_graph(Street(crosswalk_s_m=150.0))
    crossing = graph.drawing.areas[-1]
    assert crossing.kind == "crosswalk"
    assert crossing.points.min(axis=0) == pytest.approx([148.0, -5.7])
    assert crossing.points.max(axis=0) == pytest.approx([152.0, 5.7])


def test_names_tell_maps_apart() -> None:
    assert MultiLaneRoad().name == "multi_lane_road"
    assert MultiLaneRoad(lanes=2, length_m=500.0).name == "multi_lane_road(lanes=2, length_m=500)"


def test_parameters_that_make_no_road_are_refused() -> None:
    with pytest.raises(ValueError, match=r"lanes is 0; allowed is 1 to 6"):
        MultiLaneRoad(lanes=0)
    with pytest.raises(ValueError, match="curvature"):
        Street(curvature=0.5)
    with pytest.raises(ValueError, match="category is 'moon'; allowed are motorway, rural and town"):
        ThreeLaneRoad(category="moon")
    with pytest.raises(ValueError, match="length_m is nan"):
        Street(length_m=float("nan"))
