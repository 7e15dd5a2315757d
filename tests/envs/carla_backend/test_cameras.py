"""What the ego's cameras show through the real client: the right side, the right moment, every world its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from envs.cameras import CameraConfig
from envs.carla_backend.config import CarlaConfig, FarmConfig
from envs.carla_backend.farm import CarlaFarm
from envs.carla_backend.simulator import CarlaSimulator
from envs.driving_env import DrivingConfig
from envs.embedded.simulator import EmbeddedConfig
from envs.factory import make_vector_env
from envs.observation import ObservationConfig
from envs.scenarios.catalogue import scenario_set
from envs.scene import ActorRow
from tests.envs.carla_server.serving import served

pytest.importorskip("carla")
SCENARIOS = scenario_set("straight_obstacle", "low")
SLOTS = EmbeddedConfig(actors=SCENARIOS.most_actors, pedestrians=SCENARIOS.most_pedestrians)
CAMERAS = CameraConfig(views=("left", "front", "right"), width=64, height=48, fov_deg=60.0)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served("street_0") as number:
        yield number


@pytest.fixture
def simulator(port: int) -> Iterator[CarlaSimulator]:
    made = CarlaSimulator(SCENARIOS.maps, SLOTS, CarlaConfig(port=port, follow=True), CAMERAS)
    yield made
    made.close()


def test_the_views_show_the_sides_that_they_are_named_for(simulator: CarlaSimulator) -> None:
    """On a straight street the sky is above, the road below, and more of what is beside it in the side views."""
    simulator.reset([SCENARIOS.sample(0, 3)])
    images = simulator.images
    assert images.shape == (1, 3, 48, 64, 3) and images.dtype == np.uint8
    left, front, right = images[0].astype(int)
    sky, road = front[5, 32], front[44, 32]
    assert sky[2] > 180 and abs(road - road.mean()).max() < 20, "blue above, grey below"
    # Beside the street there is grass (green) in the side views, and none before the car in the front view.
    green = [(view[..., 1] > view[..., 0] + 15) & (view[..., 1] > view[..., 2] + 15) for view in (left, front, right)]
    assert green[0].mean() > green[1].mean() and green[2].mean() > green[1].mean()
    assert (left != right).any()


def test_a_body_ahead_and_to_one_side_shows_in_that_view(simulator: CarlaSimulator) -> None:
    simulator.reset([SCENARIOS.sample(0, 3)])
    empty = simulator.images.copy()
    ego, actors = simulator.scene.ego.block[:, 0], simulator.scene.actors.block[:, 0]
    state, slot = simulator.state(), int(np.flatnonzero(actors[ActorRow.VALID] > 0.5)[0])
    yaw = float(ego[2])
    for side, view in ((1.0, 0), (-1.0, 2)):
        # 7 m ahead and 7 m aside: 45 degrees, which the front view of 60 degrees does not reach.
        bearing = yaw + side * np.pi / 4
        x, y = ego[0] + 9.9 * np.cos(bearing), ego[1] + 9.9 * np.sin(bearing)
        simulator.set_state(state)
        body = simulator._bodies
        assert body is not None
        moved = actors.copy()
        moved[ActorRow.X, slot], moved[ActorRow.Y, slot] = x, y
        simulator._session.send(body.moves(moved, simulator.mirror.levels))
        assert simulator._ego is not None
        simulator._ego.look(simulator._session.tick())
        changed = (simulator.images != empty).any(axis=-1)[0].mean(axis=(1, 2))
        assert changed[view] > 0.05 and changed[view] > 3.0 * changed[2 - view]


def test_every_step_brings_the_picture_of_its_own_moment(simulator: CarlaSimulator) -> None:
    """The faster the ego, the more a picture differs from the last one; standing still, they are the same."""
    simulator.reset([SCENARIOS.sample(0, 3)])
    for _ in range(60):
        simulator.step(np.array([[0.0, 1.0, 0.0]]))
    still = simulator.images.copy()
    simulator.step(np.array([[0.0, 1.0, 0.0]]))
    assert abs(float(simulator.scene.ego.speed[0])) < 0.05
    assert np.mean(simulator.images != still) < 0.01
    for _ in range(30):
        simulator.step(np.array([[1.0, 0.0, 0.0]]))
    before = simulator.images.copy()
    simulator.step(np.array([[1.0, 0.0, 0.0]]))
    assert np.mean(simulator.images != before) > 0.01


def test_the_spectator_follows_and_sensors_go_with_their_ego(simulator: CarlaSimulator) -> None:
    for seed in (3, 4):
        simulator.reset([SCENARIOS.sample(0, seed)])
        simulator.step(np.array([[0.5, 0.0, 0.0]]))
    world = simulator._session.world
    sensors = sorted(actor.type_id for actor in world.get_actors().filter("sensor.*"))
    assert sensors == ["sensor.camera.rgb"] * 3 + ["sensor.other.collision"]
    assert simulator._ego is not None
    ego = world.get_actor(simulator._ego.actor_id).get_location()
    simulator.step(np.array([[0.5, 0.0, 0.0]]))
    assert 5.0 < world.get_spectator().get_location().distance(ego) < 15.0


def test_a_farm_hands_the_pictures_to_the_environment(port: int) -> None:
    config = DrivingConfig(observation=ObservationConfig(perception="none", cameras=CAMERAS))
    farm = FarmConfig(servers=(f"127.0.0.1:{port}",))
    worlds = make_vector_env(1, "straight_obstacle", "low", simulator=farm, config=config)
    assert isinstance(worlds.simulator, CarlaFarm)
    try:
        worlds.reset(seed=0)
        first = worlds.images
        assert first is not None and first.shape == (1, 4, 3, 48, 64, 3)
        assert (first[0, 0] == first[0, 3]).all() and first.std() > 10.0
        for _ in range(12):
            worlds.step(np.array([[1.0, 0.0]], np.float32))
        later = worlds.images
        assert later is not None and (later[0, 2] != later[0, 3]).any()
        # What the state holds comes back.
        state = worlds.state()
        worlds.step(np.array([[1.0, 0.0]], np.float32))
        worlds.set_state(state)
        np.testing.assert_array_equal(worlds.images, later)
    finally:
        worlds.close()
