"""The two drivers that do not think, and the tracking that all scripted drivers share."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.action import ActionConfig, steer_limit, to_control
from envs.drivers.control import track_line, track_numbers
from envs.drivers.naive import FullThrottleDriver, KeepLaneDriver
from envs.embedded.simulator import EmbeddedSimulator
from envs.scene import ActorRow, EgoRow, SceneBatch
from tests.envs.builders import make_actor, make_scene
from tests.envs.scenarios.episodes import ScriptedDriver
from tests.envs.traffic.worlds import Body, case, put_ego, start

RIGHT, LEFT = (1, -2), (1, -1)


def driven(world: EmbeddedSimulator, driver: ScriptedDriver, steps: int) -> list[SceneBatch]:
    command, scenes = np.zeros((world.batch_size, 2)), []
    for _ in range(steps):
        control, command = to_control(driver.act(world.scene), world.scene, command, ActionConfig())
        scenes.append(world.step(control).copy())
    return scenes


def line_action(offset: float, heading: float, curvature: float, wish: float, speed: float) -> np.ndarray:
    scene = make_scene(1, ego={EgoRow.SPEED: speed})
    actions = np.zeros((1, 2))
    track_line(scene.ego.block, 0, offset, heading, curvature, wish, *track_numbers(ActionConfig()), actions, 0)
    action: np.ndarray = actions[0]
    return action


def test_on_the_line_it_steers_straight() -> None:
    assert line_action(0.0, 0.0, 0.0, 10.0, 10.0)[1] == 0.0


@pytest.mark.parametrize("speed", [3.0, 10.0, 14.0])
def test_steers_back_and_mirrors(speed: float) -> None:
    left_of_it = line_action(1.0, 0.0, 0.0, 10.0, speed)[1]
    assert left_of_it < 0.0
    assert line_action(-1.0, 0.0, 0.0, 10.0, speed)[1] == pytest.approx(-left_of_it)
    assert line_action(0.0, 0.1, 0.0, 10.0, speed)[1] < 0.0


def test_steers_into_a_bend_by_the_steady_state_angle() -> None:
    """tan(wheel angle) = wheelbase x curvature, as a share of what the lateral acceleration allows at this speed."""
    config = ActionConfig()
    wheelbase, wheel_angle, factor = track_numbers(config)
    expected = math.atan(wheelbase * 0.01) / (wheel_angle * steer_limit(8.0, factor, wheel_angle))
    assert line_action(0.0, 0.0, 0.01, 8.0, 8.0)[1] == pytest.approx(expected)


@pytest.mark.parametrize("y", [-1.2, 0.8, 1.5])
def test_finds_the_middle_of_the_lane_and_stays(y: float) -> None:
    world = start(case("multi_lane_0", (RIGHT, 30.0), 10.0))
    put_ego(world, 0, 30.0, -5.25 + y, 0.0, 10.0)
    offsets = np.array([scene.road.lane_offset[0] for scene in driven(world, KeepLaneDriver(), 120)])
    assert np.abs(offsets[60:]).max() < 0.1
    assert np.abs(offsets).max() <= abs(y) + 0.05


def test_keeps_the_limit() -> None:
    world = start(case("multi_lane_0", (RIGHT, 30.0), 5.0))
    speeds = [float(scene.ego.speed[0]) for scene in driven(world, KeepLaneDriver(), 250)]
    assert max(speeds) < 13.9 + 0.5
    assert speeds[-1] == pytest.approx(13.9, abs=1.0)


def test_follows_a_slow_vehicle_and_stops_behind_a_standing_one() -> None:
    world = start(
        case("multi_lane_0", (RIGHT, 30.0), 12.0, [Body(RIGHT, 80.0, speed=4.0)]),
        case("multi_lane_0", (RIGHT, 30.0), 12.0, [Body(RIGHT, 130.0, parked=True)]),
    )
    scenes = driven(world, KeepLaneDriver(), 300)
    assert not any(scene.events.collision.any() for scene in scenes)
    assert scenes[-1].ego.speed[0] == pytest.approx(4.0, abs=0.5)
    assert scenes[-1].ego.speed[1] < 0.3


def test_stops_at_the_end_of_the_acceleration_lane() -> None:
    world = start(case("on_ramp_0", ((4, -1), 30.0), 10.0))
    scenes = driven(world, KeepLaneDriver(), 350)
    assert not any(scene.events.off_road[0] for scene in scenes)
    assert scenes[-1].ego.speed[0] < 0.3


def test_brakes_for_what_it_sees_only() -> None:
    car = make_actor(15.0, 0.0)
    scene = make_scene(2, [car], ego={EgoRow.SPEED: 10.0})
    scene.actors.block[ActorRow.VISIBLE, 1] = 0.0
    longitudinal = KeepLaneDriver().act(scene)[:, 0]
    assert longitudinal[0] < -0.5 < 0.0 < longitudinal[1]


def test_ignores_what_is_beside_its_way() -> None:
    scene = make_scene(1, [make_actor(15.0, 3.5), make_actor(-10.0, 0.0)], ego={EgoRow.SPEED: 10.0})
    empty = make_scene(1, [], ego={EgoRow.SPEED: 10.0})
    assert np.array_equal(KeepLaneDriver().act(scene), KeepLaneDriver().act(empty))


def test_full_throttle() -> None:
    scene = make_scene(3, [make_actor(15.0, 0.0)], ego={EgoRow.SPEED: 10.0})
    assert FullThrottleDriver().act(scene)[:, 0].tolist() == [1.0, 1.0, 1.0]


def test_actions_are_within_bounds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        speed, yaw = float(rng.uniform(0.0, 20.0)), float(rng.uniform(-3.0, 3.0))
        scene = make_scene(1, [make_actor(*rng.uniform(-30.0, 30.0, 2))], ego={EgoRow.SPEED: speed, EgoRow.YAW: yaw})
        for driver in (KeepLaneDriver(), FullThrottleDriver()):
            assert np.abs(driver.act(scene)).max() <= 1.0
