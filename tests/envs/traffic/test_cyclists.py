"""Cyclists ride near the right edge of their lane, keep to the rules, and are not squeezed past."""

from __future__ import annotations

import numpy as np
import pytest

from envs.roads.controls import GateKind
from envs.scenarios.cyclists import CYCLIST_KEEPS, CYCLIST_SPEED
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import CYCLISTS, route, sample_route
from envs.scene import ActorKind, ActorRow, SignalState
from envs.traffic.agents import AgentMode, AgentRow
from tests.envs.traffic.crossings import Driver, crossing, roads, time_of
from tests.envs.traffic.worlds import Body, agent_rows, case, hold, start

LEFT, RIGHT = (1, -1), (1, -2)


def cyclist(lane: tuple[int, int], s: float, speed: float = 4.0) -> Body:
    return Body(
        lane, s, d=-0.9, keep_d=-0.9, speed=speed, desired_speed=speed, speed_factor=1.0, kind=ActorKind.CYCLIST,
        max_acceleration=0.8, hardest_brake=5.0,
    )  # fmt: skip


def town_car(lane: tuple[int, int], s: float, speed: float = 10.0, may_change: bool = False) -> Body:
    return Body(lane, s, speed=speed, desired_speed=12.0, speed_factor=1.0, may_change=may_change)


def test_a_cyclist_keeps_to_the_right_at_its_own_speed() -> None:
    world = start(case("multi_lane_0", (LEFT, 10.0), bodies=[cyclist(RIGHT, 50.0)]))
    for _ in range(300):
        hold(world)
        assert agent_rows(world, AgentRow.D)[0, 0] == pytest.approx(-0.9, abs=1e-9)
    assert agent_rows(world, AgentRow.SPEED)[0, 0] == pytest.approx(4.0, abs=0.05)
    assert agent_rows(world, AgentRow.S)[0, 0] == pytest.approx(50.0 + 30.0 * 4.0, abs=1.0)


def test_nobody_squeezes_past_a_cyclist_in_its_lane() -> None:
    """A lane of 3.5 m leaves a car less than a metre beside the cyclist: it stays behind."""
    world = start(case("multi_lane_0", (LEFT, 10.0), bodies=[cyclist(RIGHT, 80.0), town_car(RIGHT, 40.0)]))
    for _ in range(500):
        hold(world)
        s, speed = agent_rows(world, AgentRow.S)[0], agent_rows(world, AgentRow.SPEED)[0]
        # Bumper to bumper: half of 1.8 m and of 4.6 m.
        assert s[0] - s[1] - 3.2 > 1.5
    assert speed[1] == pytest.approx(4.0, abs=0.2)


def test_where_there_is_a_second_lane_a_cyclist_is_passed_on_it() -> None:
    bodies = [cyclist(RIGHT, 80.0), town_car(RIGHT, 40.0, may_change=True)]
    world = start(case("multi_lane_0", (LEFT, 10.0), bodies=bodies))
    beside = []
    for _ in range(250):
        scene = hold(world)
        if abs(scene.actors.x[0, 0] - scene.actors.x[0, 1]) < 3.2:
            beside.append(scene.actors.y[0, 1] - 0.95 - (scene.actors.y[0, 0] + 0.3))
    s = agent_rows(world, AgentRow.S)[0]
    assert s[1] > s[0] + 5.0
    assert min(beside) >= 1.5


def test_a_cyclist_changes_lanes_only_where_its_own_ends() -> None:
    ends = (2, -2)
    world = start(case("on_ramp_0", (LEFT, 10.0), bodies=[cyclist(ends, 10.0)]))
    kept = start(case("multi_lane_0", (LEFT, 10.0), bodies=[cyclist(RIGHT, 50.0), cyclist(RIGHT, 70.0, 0.0)]))
    lane, still = int(agent_rows(world, AgentRow.LANE)[0, 0]), int(agent_rows(kept, AgentRow.LANE)[0, 0])
    for _ in range(400):
        hold(world)
        hold(kept)
    assert int(agent_rows(world, AgentRow.LANE)[0, 0]) != lane
    assert int(agent_rows(kept, AgentRow.LANE)[0, 0]) == still
    assert agent_rows(kept, AgentRow.SPEED)[0, 0] == pytest.approx(0.0, abs=0.01)


def test_a_cyclist_stops_at_red_and_rides_on_at_green() -> None:
    lane = next(int(i) for i in np.flatnonzero(roads().gate == GateKind.SIGNAL))
    red = crossing([Driver(lane, 20.0, 4.0)], time_of(lane, SignalState.RED, 20.0))
    for row, value in ((AgentRow.DESIRED_SPEED, 4.0), (AgentRow.KEEP_D, -0.9), (AgentRow.D, -0.9)):
        red.agents[row] = value
    red.actors[ActorRow.KIND], red.actors[ActorRow.LENGTH], red.actors[ActorRow.WIDTH] = ActorKind.CYCLIST, 1.8, 0.6
    red.drive(15.0)
    assert red.row(AgentRow.SPEED)[0] < 0.1 and not red.entered
    red.drive(60.0)
    assert red.entered


@pytest.mark.parametrize("density", CYCLISTS)
def test_routes_draw_cyclists_among_the_vehicles(density: str) -> None:
    drawn = sample_route(route(density), 4, 0, MapLibrary(("town",)))
    rides = drawn.bodies[0] == ActorKind.CYCLIST
    assert rides.sum() == CYCLISTS[density]
    cyclists = drawn.agents[:, rides]
    assert (cyclists[AgentRow.MODE] == AgentMode.VEHICLE).all()
    speed, keeps = cyclists[AgentRow.DESIRED_SPEED], cyclists[AgentRow.KEEP_D]
    assert (speed >= CYCLIST_SPEED.low).all() and (speed <= CYCLIST_SPEED.high).all()
    assert (keeps >= CYCLIST_KEEPS.low).all() and (keeps <= CYCLIST_KEEPS.high).all()
    assert (drawn.agents[AgentRow.KEEP_D, ~rides] == 0.0).all()
