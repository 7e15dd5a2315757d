"""A street over a street: bodies one above the other neither touch nor hide nor stop each other.

The lower street runs east; the upper one is the same street turned to the north, lifted, and crosses over it at
x = 220, so that its northbound lane lies at x = 221.75.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.roads.lane_graph import BRIDGE_M, LaneGraph, SampleColumn, concatenate
from envs.roads.walk_graph import WalkGraph, concatenate_walk_graphs
from envs.scenarios.maps import MapLibrary
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow
from envs.traffic.crowd import crowd_arrays, pedestrian_height
from envs.traffic.levels import lane_height, lane_slope, on_other_level
from envs.traffic.network import road_arrays
from envs.traffic.walk_state import PedestrianRow
from tests.envs.embedded.crowds import case, driver, pedestrian, start, street
from tests.envs.traffic.worlds import hold, put_ego

X = 220.0
UNDER, OVER = 0.9 * BRIDGE_M, 2.0 * BRIDGE_M


class Bridge(MapLibrary):
    """The two streets, the upper one ``lifted_m`` (m) above the lower."""

    def __init__(self, lifted_m: float) -> None:
        lower, walk = street().graph("crosswalk_street"), street().walk_graph("crosswalk_street")
        both, offsets = concatenate([lower, replace(lower, samples=turned(lower.samples))])
        height = np.where(np.arange(len(both.samples)) < len(lower.samples), 0.0, lifted_m)
        walks, _, _ = concatenate_walk_graphs([walk, replace(walk, nodes=turned_points(walk.nodes))], offsets)
        self.names = ("bridge",)
        self._graphs = {"bridge": replace(both, height=height)}
        self._walks = {"bridge": walks}

    @property
    def plan(self) -> LaneGraph:
        return self.graph("bridge")

    @property
    def walk(self) -> WalkGraph:
        return self.walk_graph("bridge")

    @property
    def east(self) -> int:
        return int(np.flatnonzero(self.plan.lane == -1)[0])

    @property
    def north(self) -> int:
        return int(np.flatnonzero(self.plan.lane == -1)[1])


def turned_points(points: FloatArray) -> FloatArray:
    return np.column_stack([X - points[:, 1], points[:, 0] - X])


def turned(samples: FloatArray) -> FloatArray:
    turned: FloatArray = samples.copy()
    turned[:, :2] = turned_points(samples[:, :2])
    heading = samples[:, SampleColumn.HEADING] + 0.5 * math.pi
    turned[:, SampleColumn.HEADING] = (heading + math.pi) % (2.0 * math.pi) - math.pi
    return turned


def parked_across(maps: Bridge) -> FloatArray:
    """Return a car that stands on the upper street right over the eastbound lane (y = -1.75)."""
    return driver(maps.north, X - 1.75, 0.0, mode=AgentMode.STATIC)


@pytest.mark.parametrize(("lifted_m", "hits"), [(UNDER, True), (OVER, False)])
def test_the_ego_drives_under_whoever_stands_on_the_bridge(lifted_m: float, hits: bool) -> None:
    maps = Bridge(lifted_m)
    world = start(maps, case(maps, [parked_across(maps)], ego=(maps.east, 200.0, 10.0)), with_ego=True)
    roll = np.array([[0.4, 0.0, 0.0]])
    hit = [bool(world.step(roll).events.collision[0]) for _ in range(40)]
    assert world.scene.ego.x[0] > (X + 5.0 if not hits else 200.0)
    assert any(hit) is hits


@pytest.mark.parametrize(("lifted_m", "visible"), [(UNDER, [True, False]), (OVER, [False, True])])
def test_who_is_on_the_bridge_hides_nobody_and_is_not_seen(lifted_m: float, visible: list[bool]) -> None:
    """The ego stands 15 m before the bridge; a car waits behind it, hidden from there by whoever is across."""
    maps = Bridge(lifted_m)
    behind = driver(maps.east, X + 10.0, 0.0, mode=AgentMode.STATIC)
    world = start(maps, case(maps, [parked_across(maps), behind], ego=(maps.east, X - 15.0, 0.0)), with_ego=True)
    assert world.scene.actors.visible[0].tolist() == visible


def town_driver(maps: Bridge, s: float) -> FloatArray:
    column = driver(maps.east, s, 10.0, 12.0)
    column[AgentRow.SPEED_FACTOR] = 1.0
    return column


@pytest.mark.parametrize(("lifted_m", "stops"), [(UNDER, True), (OVER, False)])
def test_a_driver_minds_an_ego_on_its_own_level_alone(lifted_m: float, stops: bool) -> None:
    maps = Bridge(lifted_m)
    scenario = case(maps, [town_driver(maps, 150.0)], ego=(maps.north, X - 1.75, 0.0))
    world = start(maps, scenario, with_ego=True)
    put_ego(world, 0, X + 1.75, -1.75, 0.5 * math.pi)
    for _ in range(150):
        scene = hold(world)
    assert bool(scene.actors.x[0, 0] < X) is stops
    assert bool(scene.actors.speed[0, 0] < 0.1) is stops


@pytest.mark.parametrize(("lifted_m", "stops"), [(UNDER, True), (OVER, False)])
def test_a_driver_minds_a_pedestrian_on_its_own_level_alone(lifted_m: float, stops: bool) -> None:
    maps = Bridge(lifted_m)
    far = int(np.argmax(maps.walk.nodes[:, 1]))  # at the northern end of the upper street
    stands = pedestrian(X + 1.0, -1.75, edge=(far, far))
    scenario = case(maps, [town_driver(maps, 150.0)], [stands])
    world = start(maps, scenario)
    for _ in range(150):
        scene = hold(world)
    assert bool(scene.actors.x[0, 0] < X) is stops


def test_heights_of_lanes_and_of_who_walks_beside_them() -> None:
    maps = Bridge(OVER)
    roads = road_arrays(maps.plan, [maps.plan])
    assert lane_height(roads, maps.east, 100.0) == 0.0
    assert lane_height(roads, maps.north, 100.0) == OVER
    heights = crowd_arrays(1, 0, maps.walk, maps.plan).node_height
    ends = [int(np.argmin(maps.walk.nodes[:, 0])), int(np.argmax(maps.walk.nodes[:, 1]))]
    assert heights[ends].tolist() == [0.0, OVER]


def test_a_flat_map_keeps_no_heights() -> None:
    maps = Bridge(0.0)
    assert road_arrays(maps.plan, [maps.plan]).height.shape == (0,)
    assert crowd_arrays(1, 0, maps.walk, maps.plan).node_height.shape == (0,)


def test_what_is_lower_than_a_bridge_has_its_height_too() -> None:
    maps = Bridge(UNDER)
    assert lane_height(road_arrays(maps.plan, [maps.plan]), maps.north, 100.0) == UNDER
    assert crowd_arrays(1, 0, maps.walk, maps.plan).node_height.max() == UNDER


@pytest.mark.parametrize(("gap", "other"), [(0.99 * BRIDGE_M, False), (BRIDGE_M, True), (-BRIDGE_M, True)])
def test_levels_are_a_bridge_apart(gap: float, other: bool) -> None:
    assert on_other_level(5.0, 5.0 + gap) is other


def test_a_slope_is_no_bridge() -> None:
    """A car 60 m up a slope of 10 % is 6 m higher and seen; straight overhead it would not be."""
    maps = Bridge(0.0)
    graph = maps.plan
    height = np.where(np.arange(len(graph.samples)) < graph.start[maps.north], 0.1 * graph.samples[:, 0], 0.0)
    maps._graphs["bridge"] = replace(graph, height=height)
    ahead = driver(maps.east, 160.0, 0.0, mode=AgentMode.STATIC)
    world = EmbeddedSimulator(1, maps, EmbeddedConfig(actors=1, pedestrians=0))
    world.reset([case(maps, [ahead], ego=(maps.east, 100.0, 0.0))])
    assert world.scene.actors.visible[0, 0]


def test_pedestrians_rise_from_the_height_of_one_node_to_that_of_the_next() -> None:
    maps = Bridge(OVER)
    crowd = crowd_arrays(1, 3, maps.walk, maps.plan)
    nodes = maps.walk.nodes
    low, high = int(np.argmin(nodes[:, 0])), int(np.argmax(nodes[:, 1]))
    crowd.people[PedestrianRow.PREVIOUS, 0], crowd.people[PedestrianRow.TARGET, 0] = low, high
    shares = np.array([0.0, 0.25, 1.0])
    crowd.people[[PedestrianRow.X, PedestrianRow.Y], 0] = np.outer(1.0 - shares, nodes[low]).T + np.outer(
        shares, nodes[high]
    ).T
    assert [pedestrian_height(crowd, 0, p) for p in range(3)] == pytest.approx([0.0, 0.25 * OVER, OVER])


def test_a_slope_is_the_rise_per_metre_of_driving() -> None:
    maps = Bridge(0.0)
    graph = maps.plan
    roads = road_arrays(replace(graph, height=0.1 * graph.samples[:, 0]), [graph])
    west = int(np.flatnonzero(graph.lane == 1)[0])
    assert lane_slope(roads, maps.east, 100.0) == pytest.approx(0.1)
    assert lane_slope(roads, west, 100.0) == pytest.approx(-0.1)
    assert lane_slope(roads, maps.north, 100.0) == pytest.approx(0.0, abs=1e-12)
    assert lane_slope(road_arrays(graph, [graph]), maps.east, 100.0) == 0.0
