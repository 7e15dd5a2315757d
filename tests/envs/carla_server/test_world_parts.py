"""Parts of the server's world without a client: lights, zones, ground, contacts, reverse gear, scenery."""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.carla_server import wire
from envs.carla_server.blueprints import CARLA_FRICTION, Catalogue, vehicle_parameters
from envs.carla_server.ground import nearest_sample
from envs.carla_server.payloads import Description, Settings, VehicleControl
from envs.carla_server.sensor_blueprints import SENSOR_ATTRIBUTES
from envs.carla_server.sensors.rays import box_entry
from envs.carla_server.sensors.scenery import fill_polygon
from envs.carla_server.sensors.suite import MAKERS
from envs.carla_server.town import TownLibrary, TownMap
from envs.carla_server.vehicle_models import VEHICLE_MODELS
from envs.carla_server.world import World, WorldError
from envs.carla_server.zones import zones_of
from envs.embedded.vehicle import VehicleParameters
from envs.errors import UnknownChoiceError
from envs.roads.controls import signal_state
from envs.roads.generate import Street
from envs.roads.lane_graph import locate
from envs.scene import FloatArray, SignalState

STEP = Settings(synchronous=True, fixed_delta_s=0.05)
CAR = Description("vehicle.lincoln.mkz_2017", ())
_SAME = {
    int(SignalState.GREEN): wire.LightState.GREEN, int(SignalState.YELLOW): wire.LightState.YELLOW,
    int(SignalState.RED): wire.LightState.RED,
}  # fmt: skip


@pytest.fixture(scope="module")
def town() -> TownMap:
    return TownLibrary().load("town")


def world_of(town: TownMap) -> World:
    return World(town, Catalogue.standard(), 1, STEP)


def ahead(pose: FloatArray, metres: float) -> FloatArray:
    moved: FloatArray = pose.copy()
    moved[:2] += metres * np.array([math.cos(pose[5]), math.sin(pose[5])])
    return moved


def test_lights_run_the_programs_of_the_compiled_map(town: TownMap) -> None:
    """The steps of the server's lights are the closed form of the embedded simulator's, with its clock at zero."""
    world, programs = world_of(town), town.graph.controls.programs
    assert len(world.lights) >= 9
    for _ in range(1500):
        world.tick()
        # Half a step away from the changes, where the sum of steps and the product may round differently.
        time_s = world.time_s + 0.5 * world.step_s
        states = [_SAME[int(signal_state(programs, group, time_s, 0.0))] for group in world.lights.group.tolist()]
        assert world.lights.states.tolist() == states


def test_a_shorter_green_ends_earlier_and_frozen_time_stands(town: TownMap) -> None:
    world = world_of(town)
    light = int(np.argmax(world.lights.states == wire.LightState.GREEN))
    world.lights.reset()
    world.lights.set_duration(light, 0, 2.0)
    world.lights.reset()
    for _ in range(41):
        world.tick()
    assert world.lights.states[light] == wire.LightState.YELLOW
    world.lights.freeze(True)
    for _ in range(200):
        world.tick()
    assert world.lights.states[light] == wire.LightState.YELLOW


def test_every_zone_ends_where_its_lane_is_held(town: TownMap) -> None:
    zones = zones_of(town)
    heads = Counter(zone.head != "" for zone in zones)
    assert heads[True] >= 9 and heads[False] >= 4
    for zone in zones:
        lane, s, d = locate(town.graph, zone.x, zone.y, zone.yaw)
        held = [way for way in town.graph.successors[lane].tolist() if way >= 0]
        gap = max(float(town.graph.controls.stop_gap[way]) for way in held)
        assert abs(d) < 0.3
        assert s + zone.half_length == pytest.approx(town.graph.length[lane] - gap, abs=0.2)


def test_a_vehicle_is_told_of_its_light_its_limit_and_its_way_on_the_lane(town: TownMap) -> None:
    world = world_of(town)
    zone = next(zone for zone in world.lights.zones if zone.head)
    actor = world.spawn(CAR, np.array([zone.x, zone.y, zone.z, 0.0, 0.0, zone.yaw]))
    head = world.lights.number[zone.head]
    world.lights.set_state(head, wire.LightState.RED)
    world.tick()
    record = world.table.records[actor.row]
    assert record["has_light"] == 1 and record["light_id"] == world.lights.actors[head].id
    lane, _, _ = locate(town.graph, zone.x, zone.y, zone.yaw)
    assert record["speed_limit"] == pytest.approx(3.6 * town.graph.speed_limit[lane])
    world.put(actor, np.array([zone.x, zone.y, zone.z, 0.0, 0.0, zone.yaw + math.pi]))
    world.tick()
    assert world.table.records[actor.row]["has_light"] == 0  # it drives the other way


def test_a_map_in_layers_has_the_roads_of_the_plain_one(tmp_path: Path) -> None:
    (tmp_path / "Road.xodr").write_text(Street(length_m=60.0).opendrive(), "utf-8")
    library = TownLibrary(tmp_path)
    plain, layered = library.load("Carla/Maps/Road"), library.load("Road_Opt")
    assert (layered.name, layered.text) == ("Road_Opt", plain.text)
    for name in ("Road_Opt_Opt", "street_0_Opt"):
        with pytest.raises(UnknownChoiceError, match="unknown map"):
            library.load(name)


def test_a_green_light_is_told_from_where_a_vehicle_can_no_longer_stop_for_it(town: TownMap) -> None:
    """At 6 m/s firm braking takes 36 / 11 = 3.3 m, and the front is 2.5 m ahead: 5.8 m before the line."""
    world = world_of(town)
    zone = next(zone for zone in world.lights.zones if zone.head and zone.half_length > 8.0)
    head = world.lights.number[zone.head]
    way = np.array([math.cos(zone.yaw), math.sin(zone.yaw), 0.0])
    actor = world.spawn(CAR, np.array([zone.x, zone.y, zone.z, 0.0, 0.0, zone.yaw]))
    world.vehicles.set_physics(actor.id, False)
    for before, state, told in ((6.1, 2, 0), (5.5, 2, 1), (6.1, 1, 1), (6.1, 0, 1)):
        place = np.array([zone.x, zone.y, zone.z]) + (zone.half_length - before) * way
        world.put(actor, np.array([*place, 0.0, 0.0, zone.yaw]))
        world.vehicles.set_velocity(actor.id, 6.0 * way)
        world.lights.set_state(head, state)
        world.tick()
        record = world.table.records[actor.row]
        assert (record["has_light"], record["light_state"]) == (told, state)


@lru_cache(maxsize=1)
def street() -> TownMap:
    return TownLibrary().load("street_0")


@given(st.integers(0, 10_000))
def test_the_nearest_sample_is_the_nearest_of_all(seed: int) -> None:
    town = street()
    rng = np.random.default_rng(seed)
    samples = town.graph.samples
    x, y = samples[int(rng.integers(len(samples))), :2] + rng.uniform(-3.0, 3.0, 2)
    found = nearest_sample(town.ground.arrays, float(x), float(y), 0.0, False, 0.0)
    squared = (samples[:, 0] - x) ** 2 + (samples[:, 1] - y) ** 2
    assert squared[found] == pytest.approx(squared.min())


def test_momentum_is_kept_and_bodies_part(town: TownMap) -> None:
    world = world_of(town)
    begin = town.spawn_points[0]
    first = world.spawn(Description("vehicle.carlamotors.firetruck", ()), begin)
    second = world.spawn(CAR, ahead(begin, 8.5))
    world.vehicles.set_velocity(first.id, 12.0 * np.array([math.cos(begin[5]), math.sin(begin[5]), 0.0]))
    for _ in range(10):
        before = world.table.motion[[first.row, second.row], 6:8].copy()
        world.tick()
        if world.contacts:
            break
    (contact,) = world.contacts
    after = world.table.motion[[first.row, second.row], 6:8]
    masses = world.vehicles.masses[:2, None]
    assert contact.first is first and contact.second is second
    assert (masses * after).sum(axis=0) == pytest.approx((masses * before).sum(axis=0), rel=0.06)
    gap = np.hypot(*(world.table.motion[second.row, :2] - world.table.motion[first.row, :2]))
    assert gap == pytest.approx(first.extent[0] + second.extent[0], abs=1e-6)


def test_a_vehicle_backs_up_after_it_has_stopped(town: TownMap) -> None:
    world = world_of(town)
    begin = town.spawn_points[0]
    actor = world.spawn(CAR, begin)
    world.vehicles.set_velocity(actor.id, 5.0 * np.array([math.cos(begin[5]), math.sin(begin[5]), 0.0]))
    world.vehicles.control(actor.id, VehicleControl(throttle=0.6, reverse=True))
    along = []
    for _ in range(120):
        world.tick()
        motion = world.table.motion[actor.row]
        along.append(float(motion[6] * math.cos(motion[5]) + motion[7] * math.sin(motion[5])))
    assert along[0] > 0.0 > along[-1]
    assert all(later <= earlier + 1e-9 for earlier, later in zip(along, along[1:], strict=False) if earlier > 0.0)


def test_the_calibrated_saloon_is_the_embedded_simulators_but_for_the_grip() -> None:
    (model,) = [model for model in VEHICLE_MODELS if model.name == "lincoln.mkz_2017"]
    ours, usual = vehicle_parameters(model).array(), VehicleParameters().array()
    changed = np.flatnonzero(ours != usual)
    assert len(changed) == 3  # friction and the stiffness of both axles
    assert ours[changed] / usual[changed] == pytest.approx(np.full(3, CARLA_FRICTION / VehicleParameters().friction))


def test_the_catalogue_has_what_clients_look_for() -> None:
    catalogue = Catalogue.standard().by_id
    assert len({blueprint.uid for blueprint in catalogue.values()}) == len(catalogue)
    for name in ("vehicle.tesla.model3", "walker.pedestrian.0001", "controller.ai.walker", "sensor.camera.rgb"):
        assert name in catalogue
    lidar = {attribute.name: attribute for attribute in catalogue["sensor.lidar.ray_cast"].attributes}
    assert lidar["dropoff_general_rate"].recommended == ("0.45",)  # clients take the first recommended value


def test_a_sensor_that_is_listed_but_not_simulated_is_refused_when_it_is_spawned(town: TownMap) -> None:
    for name in set(SENSOR_ATTRIBUTES) - set(MAKERS) - {"sensor.other.lane_invasion"}:
        with pytest.raises(WorldError, match=f"does not simulate {name}"):
            world_of(town).spawn(Description(name, ()), np.zeros(6))


def test_an_actor_takes_with_it_what_rides_on_it(town: TownMap) -> None:
    world = world_of(town)
    car = world.spawn(CAR, town.spawn_points[0])
    other = world.spawn(CAR, town.spawn_points[9])
    sensor = world.spawn(Description("sensor.other.imu", ()), np.array([1.0, 0.5, 1.5, 0.0, 0.0, 0.2]), car.id)
    world.tick()
    pose = world.table.pose(sensor)
    assert pose[:2] == pytest.approx(_beside(town.spawn_points[0], 1.0, 0.5))
    assert math.cos(pose[5] - town.spawn_points[0][5] - 0.2) == pytest.approx(1.0)
    assert sorted(world.destroy([car.id])) == [car.id, sensor.id]
    world.tick()
    assert world.table.records["id"][other.row] == other.id
    assert world.table.pose(other)[:2] == pytest.approx(town.spawn_points[9][:2])
    with pytest.raises(WorldError, match=f"unable to find actor {car.id}"):
        world.actor(car.id)


def _beside(pose: FloatArray, x: float, y: float) -> FloatArray:
    c, s = math.cos(pose[5]), math.sin(pose[5])
    return np.array([pose[0] + c * x - s * y, pose[1] + s * x + c * y])


@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(0.1, 3.0))
def test_a_ray_enters_a_box_where_its_nearest_point_lies_on_the_face(y: float, z: float, half: float) -> None:
    at = box_entry(np.array([10.0, 0.0, 0.0]), 0.0, np.array([half, 2.0, 2.0]), 0.0, y, z, 1.0, 0.0, 0.0)
    inside = abs(y) <= 2.0 and abs(z) <= 2.0
    assert at == (pytest.approx(10.0 - half) if inside else -1.0)


def test_a_filled_triangle_has_the_area_of_the_triangle() -> None:
    tags = np.zeros((100, 100), dtype=np.uint8)
    points = np.array([[10.0, 10.0], [90.0, 10.0], [10.0, 90.0]])
    fill_polygon(tags, points, 7, np.empty(4))
    assert np.count_nonzero(tags == 7) == pytest.approx(3200, rel=0.02)
    assert tags[20, 20] == 7 and tags[80, 80] == 0


def test_the_town_from_above_has_roads_lines_and_sidewalks(town: TownMap) -> None:
    scenery = town.scenery()
    lane = int(np.argmax(town.graph.length))
    x, y = town.graph.lane_samples(lane)[5, :2]
    column, row = ((np.array([x, y]) - scenery.corner) / scenery.cell_m).astype(int)
    assert scenery.tags[row, column] == wire.Tag.ROADS
    shares = np.bincount(scenery.tags.ravel(), minlength=32) / scenery.tags.size
    assert shares[wire.Tag.ROADS] > 0.03
    assert shares[wire.Tag.SIDEWALKS] > 0.005 and 0.0005 < shares[wire.Tag.ROAD_LINES] < shares[wire.Tag.ROADS]
