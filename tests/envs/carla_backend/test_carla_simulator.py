"""One contract for all simulators: the embedded one, and the real client against our server, in a farm's workers.

Workers are processes, and Ray actors where Ray is installed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest

from envs.carla_backend.config import CarlaConfig, FarmConfig
from envs.carla_backend.farm import CarlaFarm
from envs.carla_recording import WEATHER_NAMES
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.embedded.vehicle import VehicleParameters
from envs.scenarios.catalogue import scenario_set
from envs.scene import EgoRow, EventRow
from envs.simulator import Simulator
from envs.traffic.agents import AgentMode, AgentRow
from tests.envs.carla_backend.test_handles import KINDS, NEEDS_RAY
from tests.envs.carla_backend.test_server_process import running
from tests.envs.carla_server.serving import run_client
from tests.ports import free_port

pytest.importorskip("carla")
# The workers fill the cache of kernels first, where it is empty.
pytestmark = pytest.mark.timeout(900)

SCENARIOS = scenario_set(("overtaking", "occluded_pedestrian"), "medium")
SLOTS = EmbeddedConfig(actors=SCENARIOS.most_actors, pedestrians=SCENARIOS.most_pedestrians)
LAUNCH = f"{sys.executable} -m hcrmp.cli serve --map street_0 --port {{port}}"
# The ego as the embedded simulator has it, and the others in the sizes that their scenario drew.
LIKE_EMBEDDED = CarlaConfig(tyre_friction=VehicleParameters().friction, sizes="scenario", timeout_s=10.0)
SET_WEATHER = """
import carla, sys
world = carla.Client(sys.argv[1], int(sys.argv[2])).get_world()
weather = world.get_weather()
weather.cloudiness, weather.wetness = 62.5, 7.0
world.set_weather(weather)
"""
TOLERANCE_M = 1e-3
"""What 32-bit numbers on the wire may add up to in 8 s (m, rad, m/s)."""


def make_farm(workers: Literal["process", "ray"] = "process") -> CarlaFarm:
    config = FarmConfig(launch=LAUNCH, count=2, first_port=free_port(), server=LIKE_EMBEDDED, workers=workers)
    return CarlaFarm(SCENARIOS.maps, SLOTS, config)


@pytest.fixture(scope="module")
def carla_farm() -> Iterator[CarlaFarm]:
    farm = make_farm()
    yield farm
    farm.close()


@pytest.fixture(scope="module")
def ray_farm() -> Iterator[CarlaFarm]:
    farm = make_farm("ray")
    yield farm
    farm.close()


@pytest.fixture(params=["embedded", "carla_farm", pytest.param("ray_farm", marks=NEEDS_RAY)])
def simulator(request: pytest.FixtureRequest) -> Simulator:
    if request.param == "embedded":
        return EmbeddedSimulator(2, SCENARIOS.maps, SLOTS)
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def controls(steps: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    wish = np.stack([rng.uniform(0.0, 0.6, (steps, 2)), np.zeros((steps, 2)), rng.normal(0.0, 0.02, (steps, 2))], -1)
    wish[steps // 2 :: 7] = [0.0, 0.5, 0.0]
    return wish


def test_a_reset_starts_what_the_scenario_says(simulator: Simulator) -> None:
    drawn = [SCENARIOS.sample(0, 3), SCENARIOS.sample(1, 4)]
    scene = simulator.reset(drawn)
    assert simulator.batch_size == 2 and scene.time_s.tolist() == [0.0, 0.0] and scene.step.tolist() == [0, 0]
    assert scene.seed.tolist() == [3, 4]
    np.testing.assert_allclose(scene.ego.speed, [one.ego_speed for one in drawn], atol=1e-6)
    np.testing.assert_allclose(scene.route.length_m, [one.goal_m for one in drawn])
    assert scene.actors.valid.sum(axis=1).tolist() == [
        int((one.agents[AgentRow.MODE] != AgentMode.UNUSED).sum()) for one in drawn
    ]


def test_time_passes_and_pedals_work(simulator: Simulator) -> None:
    simulator.reset([SCENARIOS.sample(0, 3), SCENARIOS.sample(1, 4)])
    before = simulator.step(np.array([[0.8, 0.0, 0.0], [0.0, 1.0, 0.0]])).rows([0, 1])
    for _ in range(9):
        scene = simulator.step(np.array([[0.8, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(scene.time_s, 1.0)
    assert scene.ego.speed[0] > before.ego.speed[0] + 0.5 and scene.ego.speed[1] < before.ego.speed[1] - 2.0
    assert scene.ego.throttle.tolist() == [0.8, 0.0] and scene.ego.brake.tolist() == [0.0, 1.0]


def test_steering_is_positive_to_the_left(simulator: Simulator) -> None:
    simulator.reset([SCENARIOS.sample(0, 3), SCENARIOS.sample(1, 4)])
    for _ in range(5):
        scene = simulator.step(np.array([[0.3, 0.0, 0.1], [0.3, 0.0, -0.1]]))
    assert scene.ego.yaw_rate[0] > 0.01 and scene.ego.yaw_rate[1] < -0.01
    assert scene.road.heading_error[0] > 0.0 > scene.road.heading_error[1]


def test_a_masked_reset_leaves_the_others_alone(simulator: Simulator) -> None:
    simulator.reset([SCENARIOS.sample(0, 3), SCENARIOS.sample(1, 4)])
    simulator.step(np.zeros((2, 3)))
    scene = simulator.reset([SCENARIOS.sample(0, 9)], np.array([False, True]))
    assert scene.step.tolist() == [1, 0] and scene.seed.tolist() == [3, 9]


def test_wrong_shapes_are_refused(simulator: Simulator) -> None:
    simulator.reset([SCENARIOS.sample(0, 3), SCENARIOS.sample(1, 4)])
    with pytest.raises(ValueError, match="1 scenarios for 2 worlds"):
        simulator.reset([SCENARIOS.sample(0, 3)])
    with pytest.raises(ValueError, match=r"expected \(2, 3\)"):
        simulator.step(np.zeros((2, 2)))


def test_whoever_is_hit_is_named(simulator: Simulator) -> None:
    """Full throttle in the own lane hits whoever is ahead, at the latest after some seconds."""
    scene = simulator.reset([SCENARIOS.sample(0, 3), SCENARIOS.sample(0, 4)])
    for _ in range(150):
        scene = simulator.step(np.array([[1.0, 0.0, 0.0]] * 2))
        if scene.events.collision[0]:
            break
    hit = int(scene.events.collision_actor[0])
    assert scene.events.collision[0] and hit >= 0 and scene.actors.valid[0, hit]
    apart = np.hypot(scene.actors.x[0, hit] - scene.ego.x[0], scene.actors.y[0, hit] - scene.ego.y[0])
    assert apart < 0.5 * (scene.actors.length[0, hit] + scene.ego.length[0]) + 2.0


def test_a_state_brings_the_scene_back(simulator: Simulator) -> None:
    simulator.reset([SCENARIOS.sample(0, 3), SCENARIOS.sample(1, 4)])
    for control in controls(10, 0):
        simulator.step(control)
    state = simulator.state()
    then = simulator.step(np.zeros((2, 3))).rows([0, 1])
    simulator.step(np.zeros((2, 3)))
    simulator.set_state(state)
    again = simulator.step(np.zeros((2, 3)))
    # A server hides how far the pedals' lag is over, which begins anew.
    np.testing.assert_allclose(again.ego.block[:3], then.ego.block[:3], atol=0.03)
    np.testing.assert_allclose(again.ego.speed, then.ego.speed, atol=0.3)
    np.testing.assert_allclose(again.actors.block, then.actors.block, atol=1e-9)


def test_an_episode_has_the_weather_that_its_server_has(carla_farm: CarlaFarm) -> None:
    case = SCENARIOS.sample(0, 0)
    carla_farm.reset([case, case])
    before = carla_farm.weather(1)
    address, port = carla_farm.farm.addresses[0]
    run_client(SET_WEATHER, address, str(port))
    carla_farm.step(np.zeros((2, 3)))
    assert carla_farm.weather(0)["cloudiness"] == before["cloudiness"], "that in which the episode began"
    carla_farm.reset([case, case])
    told = carla_farm.weather(0)
    assert told.keys() == set(WEATHER_NAMES)
    assert (told["cloudiness"], told["wetness"]) == (62.5, 7.0)
    assert carla_farm.weather(1) == before


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_same_seed_and_actions_give_the_same_drive(carla_farm: CarlaFarm, seed: int) -> None:
    embedded = EmbeddedSimulator(2, SCENARIOS.maps, SLOTS)
    drawn = [SCENARIOS.sample(0, seed), SCENARIOS.sample(1, seed)]
    here, there = embedded.reset(drawn), carla_farm.reset(drawn)
    crossings = []
    np.testing.assert_array_equal(here.actors.block, there.actors.block)
    for control in controls(80, seed):
        here, there = embedded.step(control), carla_farm.step(control)
        np.testing.assert_array_equal(there.events.collision, here.events.collision)
        if here.events.collision.any():
            break
        rows = [EgoRow.X, EgoRow.Y, EgoRow.YAW, EgoRow.SPEED, EgoRow.LATERAL_SPEED, EgoRow.YAW_RATE]
        np.testing.assert_allclose(there.ego.block[rows], here.ego.block[rows], atol=TOLERANCE_M)
        np.testing.assert_allclose(there.actors.block, here.actors.block, atol=TOLERANCE_M)
        same = [row for row in EventRow if row >= EventRow.OFF_ROAD and row != EventRow.LANE_INVASION]
        np.testing.assert_array_equal(there.events.block[same], here.events.block[same])
        crossings.append((here.events.lane_invasion.copy(), there.events.lane_invasion.copy()))
    assert here.step[0] > 20
    # The bodies are a hair apart, so that one may come over a border a step before the other.
    for one, other in (np.array(crossings).swapaxes(0, 1), np.array(crossings).swapaxes(0, 1)[::-1]):
        for step, world in np.argwhere(one[:-1]):
            assert other[max(step - 1, 0) : step + 2, world].any(), f"one alone came over a border in step {step}"


@pytest.mark.parametrize("cell", [0, 1])
def test_whoever_keeps_to_the_lane_invades_none_and_whoever_leaves_it_one(simulator: Simulator, cell: int) -> None:
    for steer, invades in ((0.0, False), (0.06, True)):
        scene, seen = simulator.reset([SCENARIOS.sample(cell, 3)] * 2), False
        for _ in range(25):
            scene = simulator.step(np.array([[0.3, 0.0, steer]] * 2))
            seen = seen or bool(scene.events.lane_invasion.any())
        assert seen == invades


@pytest.mark.parametrize("workers", KINDS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_dies_or_hangs_is_replaced_and_the_other_goes_on(
    number: signal.Signals, workers: Literal["process", "ray"]
) -> None:
    farm = make_farm(workers)
    try:
        farm.reset([SCENARIOS.sample(0, 3), SCENARIOS.sample(1, 4)])
        server = farm._sites[0].server
        assert server is not None
        os.killpg(server.group, number)
        with pytest.warns(UserWarning, match="world 0"):
            scene = farm.step(np.zeros((2, 3)))
        assert farm.failed.tolist() == [True, False] and scene.step.tolist() == [0, 1]
        scene = farm.reset([SCENARIOS.sample(0, 3)], np.array([True, False]))
        scene = farm.step(np.zeros((2, 3)))
        assert not farm.failed.any() and scene.step.tolist() == [1, 2]
        groups = [site.server.group for site in farm._sites if site.server]
    finally:
        farm.close()
    deadline = time.monotonic() + 10.0
    while any(running(group) for group in [server.group, *groups]):
        assert time.monotonic() < deadline, "a server outlives its farm"
        time.sleep(0.05)
