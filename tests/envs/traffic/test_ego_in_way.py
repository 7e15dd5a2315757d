"""How far ahead a town driver sees an ego in its way: by hand, for one that stands, crosses, comes, keeps its lane."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedSimulator
from envs.roads.projection import pose_at
from envs.scenarios.maps import MapLibrary
from envs.traffic.agents import AgentRow, WaitCause
from envs.traffic.ego_in_way import STEP_M, ego_gap
from envs.traffic.following import FREE_GAP
from tests.envs.embedded.crowds import FAR_OFF_M, case, driver, start
from tests.envs.traffic.worlds import agent_rows, hold, put_ego

CAR_HALF_M, EGO_HALF_M, EGO_HALF_WIDTH_M = 2.3, 2.45, 1.065
STREETS = {name: MapLibrary((name,)) for name in ("street_0", "street_2", "street_3")}


def world(name: str, s: float, ego: tuple[float, float, float, float], factor: float = 1.0) -> EmbeddedSimulator:
    """Return a driver at ``s`` of the eastbound lane at 10 m/s, and an ego at (x, y, yaw, speed)."""
    maps = STREETS[name]
    east = maps.graph(name).find(1, -1)
    column = driver(east, s, 10.0, 11.0)
    column[AgentRow.SPEED_FACTOR] = factor
    simulator = start(maps, case(maps, [column], ego=(east, s + 50.0, 0.0)), with_ego=True)
    put_ego(simulator, 0, *ego)
    return simulator


def seen(simulator: EmbeddedSimulator) -> tuple[float, float]:
    """Return what the driver sees after one period: the gap (m) and the ego's speed along the path (m/s)."""
    hold(simulator)
    arrays = simulator._kernel_arrays
    gap, speed = ego_gap(arrays.agents, arrays.traffic, simulator._roads, 0, 0)
    return float(gap), float(speed)


def acceleration(simulator: EmbeddedSimulator) -> float:
    hold(simulator)
    return float(agent_rows(simulator, AgentRow.ACCELERATION)[0, 0])


@pytest.mark.parametrize(
    ("y", "yaw", "half_along"),
    [
        pytest.param(0.0, 0.5 * math.pi, EGO_HALF_WIDTH_M, id="across both lanes"),
        pytest.param(-1.75, 0.0, EGO_HALF_M, id="in the lane"),
        pytest.param(-1.75, math.pi, EGO_HALF_M, id="facing the driver"),
        # Its side is at y = -3.7 + 1.065 = -2.635, the car's corridor begins at -1.75 - 0.95 - 0.25 = -2.95.
        pytest.param(-3.7, 0.0, EGO_HALF_M, id="half off the road"),
    ],
)
def test_the_gap_to_one_that_stands(y: float, yaw: float, half_along: float) -> None:
    simulator = world("street_0", 100.0, (140.0, y, yaw, 0.0))
    gap, speed = seen(simulator)
    by_hand = 140.0 - half_along - (simulator.scene.actors.x[0, 0] + CAR_HALF_M)
    assert by_hand - STEP_M <= gap <= by_hand + 1e-9
    assert speed == 0.0


@pytest.mark.parametrize(
    ("x", "y", "yaw"),
    [
        pytest.param(140.0, -4.1, 0.0, id="beside the corridor"),
        pytest.param(140.0, 2.5, 0.0, id="in the oncoming lane"),
        pytest.param(80.0, -1.75, 0.0, id="behind"),
        pytest.param(220.0, -1.75, 0.0, id="farther than anything the driver minds"),
    ],
)
def test_one_that_is_in_nobodys_way(x: float, y: float, yaw: float) -> None:
    assert seen(world("street_0", 100.0, (x, y, yaw, 0.0)))[0] == FREE_GAP


def test_one_that_crosses_is_seen_before_it_is_in_the_way() -> None:
    """Its front is at y = -8 + 2.45 = -5.55 and will be at -1.05 after 1.5 s; the corridor begins at -2.95."""
    gap, _ = seen(world("street_0", 100.0, (130.0, -8.0, 0.5 * math.pi, 3.0)))
    assert gap < FREE_GAP
    assert seen(world("street_0", 100.0, (130.0, -8.0, 0.5 * math.pi, 0.0)))[0] == FREE_GAP


@pytest.mark.parametrize("y", [-6.0, -4.5, -2.6, -0.9, 1.0])
def test_nobody_brakes_before_one_that_comes_from_behind(y: float) -> None:
    """At 0.25 rad and 12 m/s it will be on, and ahead of, the driver's place: the ego has to look out."""
    turn = -0.25 if y > -1.75 else 0.25
    from_behind = acceleration(world("street_0", 100.0, (93.0, y, turn, 12.0)))
    assert from_behind == acceleration(world("street_0", 100.0, (FAR_OFF_M, FAR_OFF_M, 0.0, 0.0)))


def test_the_driver_brakes_for_it_and_says_why() -> None:
    simulator = world("street_0", 100.0, (125.0, -8.0, 0.5 * math.pi, 3.0))
    assert acceleration(simulator) < -1.0
    simulator = world("street_0", 100.0, (110.0, 0.0, 0.5 * math.pi, 0.0))
    hold(simulator)
    assert agent_rows(simulator, AgentRow.CAUSE)[0, 0] == WaitCause.EGO
    assert agent_rows(simulator, AgentRow.CAUSED_BY)[0, 0] == 1.0


@pytest.mark.parametrize("name", STREETS)
@pytest.mark.parametrize("away", [3.0, 8.0, 15.0, 25.0, 40.0, 60.0])
def test_an_oncoming_ego_in_its_lane_changes_nothing_in_any_bend(name: str, away: float) -> None:
    graph = STREETS[name].graph(name)
    west = graph.find(1, 1)
    s = float(graph.length[west]) - 150.0 - away
    x, y, heading = pose_at(graph.samples, graph.start, graph.step, west, s, 0.0)
    with_ego = acceleration(world(name, 150.0, (x, y, heading, 10.0)))
    assert with_ego == acceleration(world(name, 150.0, (FAR_OFF_M, FAR_OFF_M, 0.0, 0.0)))


def test_drivers_of_the_short_scenarios_do_not_look_that_way() -> None:
    """Whoever keeps to a desired speed alone (no ``SPEED_FACTOR``) sees what it always saw: lane coordinates."""
    aside = (140.0, -8.0, 0.5 * math.pi, 3.0)
    assert acceleration(world("street_0", 100.0, aside)) < acceleration(world("street_0", 100.0, aside, factor=0.0))


def test_who_is_touched_from_behind_drives_off_and_who_touches_stays() -> None:
    behind = seen(world("street_0", 100.0, (96.5, -1.75, 0.0, 0.0)))
    ahead = seen(world("street_0", 100.0, (104.5, -1.75, 0.0, 0.0)))
    assert behind[0] == FREE_GAP and ahead[0] == 0.0


def test_the_same_sight_at_any_place_of_the_batch() -> None:
    maps = STREETS["street_0"]
    east = maps.graph("street_0").find(1, -1)
    column = driver(east, 100.0, 10.0, 11.0)
    column[AgentRow.SPEED_FACTOR] = 1.0
    scenarios = [case(maps, [column], ego=(east, s, 0.0)) for s in (130.0, 160.0)]
    both, alone = start(maps, *scenarios, with_ego=True), start(maps, scenarios[1], with_ego=True)
    for _ in range(50):
        assert np.array_equal(hold(both).actors.block[:, 1], hold(alone).actors.block[:, 0])
