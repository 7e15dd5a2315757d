"""The ego along a route with a lane change, on a straight road of three lanes: worked out by hand."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from envs.embedded.route_line import CHANGE_M, LOST_M
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.embedded.vehicle import VehicleRow
from envs.roads.generate import MultiLaneRoad
from envs.roads.route_plan import plan_spans
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import ROUTE_POINT_SPACING_M, SceneBatch
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentRow, ScriptRow
from tests.envs.embedded.crowds import OneMap

START_S, GOAL_S, CHANGE_S, WIDTH = 100.0, 400.0, 250.0, 3.5
"""The change from the right to the middle lane lies halfway between start and goal."""


@lru_cache(maxsize=1)
def road() -> OneMap:
    return OneMap("three_lanes", MultiLaneRoad(lanes=3, length_m=600.0, lane_width_m=WIDTH).opendrive())


def case() -> ConcreteScenario:
    graph = road().graph("three_lanes")
    lanes = [graph.find(1, -3), graph.find(1, -2)]
    return ConcreteScenario(
        name="change", density="low", cell=0, seed=0, map_name="three_lanes", ego_lane=lanes[0], ego_s=START_S,
        ego_speed=0.0, route=np.array(lanes), route_spans=plan_spans(graph, lanes, START_S, GOAL_S),
        goal_m=GOAL_S - START_S, time_limit_s=60.0, wrong_way_limit_s=10.0, agents=np.zeros((len(AgentRow), 0)),
        bodies=np.zeros((5, 0)), scripts=np.zeros((0, SCRIPTS_PER_AGENT, len(ScriptRow))),
    )  # fmt: skip


def at(places: list[tuple[float, float]], yaw: float = 0.0) -> list[SceneBatch]:
    """Return the scenes of an ego that is put to each (x, y) in turn; y counts from the right lane's centre."""
    simulator = EmbeddedSimulator(1, road(), EmbeddedConfig(actors=1))
    simulator.reset([case()])
    origin = float(simulator.scene.ego.y[0])
    scenes = []
    for x, y in places:
        vehicle = simulator._vehicle
        vehicle[VehicleRow.X, 0], vehicle[VehicleRow.Y, 0], vehicle[VehicleRow.YAW, 0] = x, origin + y, yaw
        scenes.append(simulator.step(np.zeros((1, 3))).copy())
    return scenes


def test_the_offset_is_from_the_lane_before_the_change_and_from_the_next_behind_it() -> None:
    scenes = at([(150.0, 0.0), (150.0, WIDTH), (CHANGE_S + 50.0, 0.0), (CHANGE_S + 50.0, WIDTH)])
    offsets = [float(scene.route.lateral_offset[0]) for scene in scenes]
    assert offsets == pytest.approx([0.0, WIDTH, -WIDTH, 0.0], abs=1e-6)


@pytest.mark.parametrize("y", [0.0, WIDTH, 0.5 * WIDTH])
def test_progress_counts_on_whichever_lane_the_ego_drives(y: float) -> None:
    places = [(x, y) for x in np.arange(120.0, 420.0, 1.0).tolist()]
    scenes = at(places)
    assert [float(s.route.progress_m[0]) for s in scenes] == pytest.approx([x - START_S for x, _ in places], abs=1e-6)
    assert [bool(s.events.goal_reached[0]) for s in scenes] == [x >= GOAL_S for x, _ in places]
    assert not any(s.events.route_deviation[0] for s in scenes)


def test_the_line_crosses_smoothly_halfway_at_the_place_of_the_change() -> None:
    places = [(x, 0.0) for x in np.arange(CHANGE_S - 40.0, CHANGE_S + 40.0, 0.5).tolist()]
    line = np.array([-float(s.route.lateral_offset[0]) for s in at(places)])
    assert line[0] == 0.0 and line[-1] == pytest.approx(WIDTH)
    assert float(np.interp(CHANGE_S, [x for x, _ in places], line)) == pytest.approx(0.5 * WIDTH, abs=0.01)
    # The steepest slope of the smooth step over CHANGE_M is 1.5 WIDTH / CHANGE_M.
    assert np.abs(np.diff(line)).max() == pytest.approx(0.5 * 1.5 * WIDTH / CHANGE_M, rel=0.02)


def test_points_ahead_lie_on_the_line_and_head_along_it() -> None:
    (scene,) = at([(CHANGE_S - 2.0 * ROUTE_POINT_SPACING_M, 0.0)])
    points = scene.route.points[0]
    assert points[:, 0] == pytest.approx([CHANGE_S + (k - 1) * ROUTE_POINT_SPACING_M for k in range(5)], abs=0.2)
    aside = points[:, 1] - float(scene.ego.y[0])
    assert aside[1] == pytest.approx(0.5 * WIDTH, abs=1e-3) and aside[4] == pytest.approx(WIDTH, abs=1e-3)
    assert points[1, 2] == pytest.approx(np.arctan(1.5 * WIDTH / CHANGE_M), abs=1e-3)
    assert points[4, 2] == pytest.approx(0.0, abs=1e-6)


def test_the_heading_error_is_against_the_line() -> None:
    slope = float(np.arctan(1.5 * WIDTH / CHANGE_M))
    (scene,) = at([(CHANGE_S, 0.5 * WIDTH)], yaw=slope)
    assert float(scene.route.heading_error[0]) == pytest.approx(0.0, abs=1e-3)


def test_who_is_far_from_the_line_has_lost_the_way() -> None:
    near, far = at([(150.0, LOST_M - 1.0), (150.0, LOST_M + 1.0)])
    assert not near.events.route_deviation[0] and far.events.route_deviation[0]
