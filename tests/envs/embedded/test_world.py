"""The ego's place in the lane graph, its route and the events of the road, wherever it drives."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.embedded.simulator import EmbeddedSimulator
from envs.embedded.world import FAR_M
from envs.embedded.world_rows import WorldRow
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import SceneBatch
from tests.envs.traffic.worlds import Body, case, coast, maps, put_ego, start

Pose = tuple[float, float, float]


def lanes_along(world: EmbeddedSimulator, path: Sequence[Pose]) -> list[tuple[int, int, float, float]]:
    """Put the ego at each pose in turn; return OpenDRIVE road and lane, s and d."""
    found = []
    for x, y, yaw in path:
        put_ego(world, 0, x, y, yaw, 5.0)
        row = world.state()["worlds"][:, 0]
        lane = int(row[WorldRow.LANE])
        found.append((int(world.atlas.road[lane]), int(world.atlas.lane[lane]), row[WorldRow.S], row[WorldRow.D]))
    return found


def line(x0: float, y0: float, x1: float, y1: float, steps: int = 60) -> list[Pose]:
    yaw = math.atan2(y1 - y0, x1 - x0)
    return [(x0 + f * (x1 - x0), y0 + f * (y1 - y0), yaw) for f in np.linspace(0.0, 1.0, steps)]


def runs(values: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [value for k, value in enumerate(values) if k == 0 or values[k - 1] != value]


@pytest.fixture(scope="module")
def three_lanes() -> EmbeddedSimulator:
    return start(case("three_lane_0", ((1, -2), 50.0)))


@pytest.mark.parametrize(("y0", "y1", "expected"), [(-10.0, -0.5, [-3, -2, -1]), (-0.5, -10.0, [-1, -2, -3])])
def test_across_all_lanes(three_lanes: EmbeddedSimulator, y0: float, y1: float, expected: list[int]) -> None:
    put_ego(three_lanes, 0, 50.0, y0, 0.0)
    found = lanes_along(three_lanes, line(50.0, y0, 120.0, y1))
    assert [lane for _, lane in runs([place[:2] for place in found])] == expected
    for (x, y, _), (_, lane, s, d) in zip(line(50.0, y0, 120.0, y1), found, strict=True):
        assert s == pytest.approx(x, abs=1e-6)
        assert d == pytest.approx(y - (1.75 + 3.5 * lane), abs=1e-6)
        assert abs(d) <= 1.75 + 1e-6


def test_straight_across_in_one_jump(three_lanes: EmbeddedSimulator) -> None:
    assert [place[1] for place in lanes_along(three_lanes, [(60.0, -0.5, 0.0), (60.0, -9.0, 0.0)])] == [-1, -3]


def test_into_the_oncoming_lane_and_back() -> None:
    world = start(case("street_0", ((1, -1), 100.0)))
    path = line(100.0, -1.75, 130.0, 1.75) + line(130.0, 1.75, 160.0, -1.75)
    found = lanes_along(world, path)
    assert runs([place[:2] for place in found]) == [(1, -1), (1, 1), (1, -1)]
    for (x, y, _), (_, lane, s, d) in zip(path, found, strict=True):
        # Lane 1 runs west from x = 340, so its left is south.
        assert (s, d) == pytest.approx((x, y + 1.75) if lane < 0 else (340.0 - x, 1.75 - y), abs=1e-6)


def test_along_ramp_acceleration_lane_and_main_road() -> None:
    world = start(case("on_ramp_0", ((4, -1), 10.0)))
    graph = maps().graph("on_ramp_0")
    ramp = graph.lane_samples(graph.find(4, -1))[5:, :3]
    path = [(float(x), float(y), float(yaw)) for x, y, yaw in ramp]
    path += line(220.5, -8.75, 270.0, -8.75) + line(270.0, -8.75, 300.0, -5.25) + line(300.0, -5.25, 400.0, -5.25)
    found = lanes_along(world, path)
    assert runs([place[:2] for place in found]) == [(4, -1), (2, -3), (2, -2), (3, -2)]
    assert found[-1][2] == pytest.approx(400.0 - 310.0, abs=1e-6)


def test_backwards_over_the_start_of_a_lane() -> None:
    world = start(case("on_ramp_0", ((2, -2), 10.0)))
    found = lanes_along(world, line(230.0, -5.25, 210.0, -5.25))
    assert runs([place[:2] for place in found]) == [(2, -2), (1, -2)]
    assert found[-1][2] == pytest.approx(210.0, abs=1e-6)


@given(data=st.data())
def test_wanders_without_losing_its_lane(data: st.DataObject) -> None:
    """Any path in steps of a metre or two: the lane found holds the point, as a search over all lanes would say."""
    name = data.draw(st.sampled_from(["multi_lane_0", "three_lane_0", "street_0"]))
    across = {"multi_lane_0": (-6.9, -0.1), "three_lane_0": (-10.4, -0.1), "street_0": (-3.4, 3.4)}[name]
    world = start(case(name, ((1, -1), 100.0)))
    x, y = 100.0, -1.75
    for _ in range(15):
        x += data.draw(st.floats(-1.0, 2.0))
        y = min(max(y + data.draw(st.floats(-1.5, 1.5)), across[0]), across[1])
        ((_, lane, s, d),) = lanes_along(world, [(x, y, 0.0)])
        assert abs(d) <= 1.75 + 1e-9
        assert s == pytest.approx(x if lane < 0 else 340.0 - x, abs=1e-6)


@pytest.mark.parametrize(
    ("map_name", "lane", "y", "off"),
    [
        ("three_lane_0", (1, -1), -0.05, False),
        ("three_lane_0", (1, -1), 0.05, True),
        ("three_lane_0", (1, -3), -10.45, False),
        ("three_lane_0", (1, -3), -10.55, True),
        ("street_0", (1, -1), -3.45, False),
        ("street_0", (1, -1), -3.55, True),
        ("street_0", (1, -1), 3.45, False),  # the oncoming lane is road too
        ("street_0", (1, -1), 3.55, True),
    ],
)
def test_off_road_begins_at_the_edge(map_name: str, lane: tuple[int, int], y: float, off: bool) -> None:
    world = start(case(map_name, (lane, 100.0)))
    put_ego(world, 0, 100.0, y, 0.0)
    assert bool(world.scene.events.off_road[0]) is off


def test_the_acceleration_lane_ends() -> None:
    world = start(case("on_ramp_0", ((2, -3), 30.0)))
    assert world.scene.road.distance_to_lane_end[0] == pytest.approx(60.0, abs=1e-6)
    put_ego(world, 0, 311.0, -8.75, 0.0)
    assert not world.scene.events.off_road[0]
    assert world.scene.road.distance_to_lane_end[0] == 0.0
    put_ego(world, 0, 312.5, -8.75, 0.0)
    assert world.scene.events.off_road[0]


def test_the_ramp_tells_the_end_of_the_lane_that_it_leads_into() -> None:
    world = start(case("on_ramp_0", ((4, -1), 30.0)))
    ramp = float(maps().graph("on_ramp_0").length[maps().graph("on_ramp_0").find(4, -1)])
    assert world.scene.road.distance_to_lane_end[0] == pytest.approx(ramp - 30.0 + 90.0, abs=1e-6)
    main = start(case("on_ramp_0", ((1, -2), 100.0)))
    assert main.scene.road.distance_to_lane_end[0] == FAR_M


def road_of(map_name: str, lane: tuple[int, int], pose: Pose) -> SceneBatch:
    world = start(case(map_name, (lane, 100.0)))
    put_ego(world, 0, *pose)
    return world.scene


def test_road_as_the_ego_reads_it() -> None:
    scene = road_of("three_lane_0", (1, -2), (100.0, -5.0, 0.1))
    road = scene.road
    assert (road.lanes_left[0], road.lanes_right[0]) == (1, 1)
    assert (road.lane_offset[0], road.heading_error[0]) == pytest.approx((0.25, 0.1))
    assert (road.edge_left[0], road.edge_right[0]) == pytest.approx((5.0, 5.5))
    assert not road.left_is_oncoming[0]
    assert road.speed_limit[0] == pytest.approx(13.9)


def test_road_in_the_oncoming_lane_reads_from_the_egos_side() -> None:
    own = road_of("street_0", (1, -1), (100.0, -1.5, 0.1)).road
    assert (own.lanes_left[0], own.lanes_right[0], own.left_is_oncoming[0]) == (1, 0, True)
    assert (own.edge_left[0], own.edge_right[0]) == pytest.approx((5.0, 2.0))
    across = road_of("street_0", (1, -1), (100.0, 2.0, 0.1)).road
    assert (across.lanes_left[0], across.lanes_right[0], across.left_is_oncoming[0]) == (0, 1, False)
    assert (across.lane_offset[0], across.heading_error[0]) == pytest.approx((0.25, 0.1))
    assert (across.edge_left[0], across.edge_right[0]) == pytest.approx((1.5, 5.5))


def test_an_ego_that_turned_round_in_its_lane_is_against_it() -> None:
    scene = road_of("street_0", (1, -1), (100.0, -1.5, math.pi))
    assert scene.road.heading_error[0] == pytest.approx(0.0, abs=1e-9)
    assert scene.road.lane_offset[0] == pytest.approx(-0.25)


def test_wrong_way_after_its_time_and_not_after_short_visits() -> None:
    world = start(case("street_0", ((1, -1), 100.0), wrong_way_limit_s=1.0))
    for visit in range(2):
        put_ego(world, 0, 100.0, 1.75, 0.0)
        flags = [bool(coast(world).events.wrong_way[0]) for _ in range(10)]
        assert not any(flags), f"visit {visit} of 1.0 s"
        put_ego(world, 0, 100.0, -1.75, 0.0)
        coast(world)
    put_ego(world, 0, 100.0, 1.75, 0.0)
    flags = [bool(coast(world).events.wrong_way[0]) for _ in range(12)]
    assert flags == [False] * 10 + [True] * 2


def route_case(goal_m: float = 150.0) -> ConcreteScenario:
    return case("on_ramp_0", ((4, -1), 30.0), route=[(4, -1), (2, -2), (3, -2)], goal_m=goal_m)


def test_progress_along_a_route_of_several_lanes() -> None:
    world = start(route_case())
    graph = maps().graph("on_ramp_0")
    ramp = float(graph.length[graph.find(4, -1)])
    lanes_along(world, [(225.0, -8.75, 0.0)])
    assert world.scene.route.progress_m[0] == pytest.approx(ramp - 30.0 + 5.0, abs=1e-6)
    assert world.scene.route.lateral_offset[0] == pytest.approx(-3.5, abs=1e-6)
    lanes_along(world, [(300.0, -5.25, 0.0), (350.0, -5.25, 0.05)])
    assert world.scene.route.progress_m[0] == pytest.approx(ramp - 30.0 + 130.0, abs=1e-6)
    assert world.scene.route.heading_error[0] == pytest.approx(0.05, abs=1e-6)
    assert world.scene.events.goal_reached[0]


def test_the_goal_is_at_its_metre() -> None:
    world = start(case("three_lane_0", ((1, -2), 50.0), goal_m=100.0))
    put_ego(world, 0, 149.9, -1.75, 0.0)
    assert not world.scene.events.goal_reached[0]
    put_ego(world, 0, 150.1, -8.75, 0.0)
    assert world.scene.events.goal_reached[0]


def test_progress_never_decreases() -> None:
    world = start(case("three_lane_0", ((1, -2), 50.0)))
    progress = []
    for x in (50.0, 80.0, 60.0, 40.0, 79.0, 81.0):
        put_ego(world, 0, x, -5.25, 0.0)
        progress.append(float(world.scene.route.progress_m[0]))
    assert progress == pytest.approx([0.0, 30.0, 30.0, 30.0, 30.0, 31.0])


def test_points_ahead_lie_on_the_route() -> None:
    world = start(route_case())
    lanes_along(world, [(210.0, -8.75, 0.0)])
    points = world.scene.route.points[0]
    # The ramp ends at x = 220; from there the route is the main road's right lane.
    assert points[2:, 1] == pytest.approx(-5.25, abs=1e-6)
    assert points[2:, 2] == pytest.approx(0.0, abs=1e-6)
    assert np.diff(points[2:, 0]) == pytest.approx(8.0, abs=1e-6)


def test_the_ego_rows_after_a_step() -> None:
    world = start(case("three_lane_0", ((1, -2), 50.0), 10.0, [Body((1, -1), 300.0, parked=True)]))
    before = world.scene.copy().ego
    after = world.step(np.array([[0.0, 0.6, 0.1]])).ego
    assert after.acceleration[0] == pytest.approx((after.speed[0] - before.speed[0]) / 0.1)
    assert after.jerk[0] == pytest.approx((after.acceleration[0] - before.acceleration[0]) / 0.1)
    assert (after.throttle[0], after.brake[0], after.steer[0], after.steer_change[0]) == (0.0, 0.6, 0.1, 0.1)
    again = world.step(np.array([[0.0, 0.6, 0.3]])).ego
    assert again.steer_change[0] == pytest.approx(0.2)
