"""Sensors of the real client: what they tell of scenes whose measures are known."""

from __future__ import annotations

import math
from importlib.util import find_spec

import pytest

from tests.envs.carla_server.test_first_contact import told

pytestmark = pytest.mark.skipif(find_spec("carla") is None, reason="the carla client is not installed")

LISTEN = """
import queue, time
import numpy as np
kept = []
def listen(name, parent, transform=carla.Transform(), **attributes):
    blueprint = library.find(name)
    for key, value in attributes.items():
        blueprint.set_attribute(key, str(value))
    sensor, heard = world.spawn_actor(blueprint, transform, attach_to=parent), queue.Queue()
    sensor.listen(heard.put)
    kept.append(sensor)
    world.tick()
    return heard
def latest(heard):
    item = heard.get(timeout=5.0)
    while item.frame < world.get_snapshot().frame:
        item = heard.get(timeout=5.0)
    return item
def before(point, ahead, aside=0.0):
    f, r = point.get_forward_vector(), point.get_right_vector()
    place = point.location + carla.Location(f.x * ahead + r.x * aside, f.y * ahead + r.y * aside, 0.0)
    return carla.Transform(place, point.rotation)
"""


def test_a_crash_is_told_with_its_impulse_and_momentum_is_kept() -> None:
    script = """
first = world.spawn_actor(model3, points[0])
second = world.spawn_actor(model3, before(points[0], 12.0))
world.tick()
heard = listen("sensor.other.collision", first)
first.set_target_velocity(points[0].get_forward_vector() * 10.0)
events, speeds = [], []
for _ in range(40):
    world.tick()
    speeds.append([first.get_velocity().length(), second.get_velocity().length()])
import time
time.sleep(0.3)
while not heard.empty():
    events.append(heard.get())
event = events[0]
impulse = event.normal_impulse
along = impulse.x * points[0].get_forward_vector().x + impulse.y * points[0].get_forward_vector().y
gap = first.get_location().distance(second.get_location()) - 2 * first.bounding_box.extent.x
crash = next(number for number, (_, other) in enumerate(speeds) if other > 0.0)
print(json.dumps([event.actor.id == first.id, event.other_actor.id == second.id, along, gap,
                  speeds[crash - 1], speeds[crash], first.get_physics_control().mass]))
"""
    actor, other, along, gap, (fast, still), (after, pushed), mass = told(LISTEN + script)
    assert actor and other
    assert gap > -1e-3
    assert still == 0.0 and fast > 5.0
    # Equal masses and a restitution of 0.1: the one that is hit leaves with 0.55 of the speed, but for one step.
    assert pushed == pytest.approx(0.55 * fast, abs=0.5) and after == pytest.approx(0.45 * fast, abs=0.5)
    assert along == pytest.approx(-mass * pushed, rel=0.05)


def test_an_obstacle_is_told_with_its_distance() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
cone = world.spawn_actor(library.find("static.prop.streetbarrier"), before(points[0], 12.0))
mount = carla.Transform(carla.Location(x=2.4, z=0.5))
heard = listen("sensor.other.obstacle", vehicle, mount, distance=20, hit_radius=0.5)
world.tick()
event = latest(heard)
print(json.dumps([event.other_actor.id == cone.id, event.distance, cone.bounding_box.extent.x]))
"""
    same, distance, half = told(LISTEN + script)
    assert same
    assert distance == pytest.approx(12.0 - 2.4 - half - 0.5, abs=0.01)


def test_an_imu_feels_gravity_and_points_north() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
world.tick()
heard = listen("sensor.other.imu", vehicle)
for _ in range(10):
    world.tick()
still = latest(heard)
vehicle.apply_control(carla.VehicleControl(throttle=0.6, steer=0.2))
for _ in range(40):
    world.tick()
turning = latest(heard)
rate = math.radians(vehicle.get_angular_velocity().z)
print(json.dumps([still.accelerometer.z, still.compass, math.radians(points[0].rotation.yaw),
                  turning.gyroscope.z, rate, turning.accelerometer.y]))
"""
    gravity, compass, yaw, gyro, rate, sideways = told("import math\n" + LISTEN + script)
    assert gravity == pytest.approx(9.81, abs=0.01)
    assert math.cos(compass - (yaw + math.pi / 2)) == pytest.approx(1.0, abs=1e-4)
    assert gyro == pytest.approx(rate, rel=1e-3) and gyro > 0.05  # to the right is positive there
    assert sideways > 0.1


def test_gnss_agrees_with_the_clients_own_map() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
world.tick()
heard = listen("sensor.other.gnss", vehicle)
world.tick()
fix, place = latest(heard), town.transform_to_geolocation(vehicle.get_location())
print(json.dumps([fix.latitude, fix.longitude, fix.altitude, place.latitude, place.longitude, place.altitude]))
"""
    ours, theirs = (lambda row: (row[:3], row[3:]))(told(LISTEN + script))
    assert ours == pytest.approx(theirs, abs=2e-8)


def test_a_lidar_sees_the_wall_where_it_is_and_the_ground_elsewhere() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
truck = world.spawn_actor(library.find("vehicle.carlamotors.firetruck"), before(points[0], 20.0))
mount = carla.Transform(carla.Location(z=2.0))
options = dict(channels=32, points_per_second=200000, rotation_frequency=20, range=60, upper_fov=0, lower_fov=-30)
plain = listen("sensor.lidar.ray_cast", vehicle, mount, dropoff_general_rate=0.25, dropoff_zero_intensity=0, **options)
tagged = listen("sensor.lidar.ray_cast_semantic", vehicle, mount, **options)
world.tick()
points_of = np.frombuffer(latest(plain).raw_data, dtype=np.float32).reshape(-1, 4)
layout = np.dtype([(n, np.float32) for n in "xyzc"] + [("id", np.uint32), ("tag", np.uint32)])
rows = np.frombuffer(latest(tagged).raw_data, dtype=layout)
on_truck = rows["id"] == truck.id
face = rows[on_truck & (np.abs(rows["y"]) < 1.0)]
ground = rows[~on_truck]
print(json.dumps([len(points_of), len(rows), int(on_truck.sum()), float(face["x"].min()), float(face["x"].max()),
                  float(np.abs(ground["z"] + 2.0).max()), sorted(set(rows["tag"].tolist())),
                  truck.bounding_box.extent.x]))
"""
    plain, tagged, hits, nearest, farthest, off_ground, tags, half = told(LISTEN + script)
    assert tagged > 5000 and hits > 50
    assert plain / tagged == pytest.approx(0.75, abs=0.03)
    assert nearest == pytest.approx(20.0 - half, abs=0.01) and farthest < 20.0 + half
    assert off_ground < 0.01
    assert tags == [1, 15]


def test_cameras_see_the_vehicle_ahead_at_its_distance() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
ahead = world.spawn_actor(model3, before(points[0], 14.0))
mount = carla.Transform(carla.Location(x=2.0, z=1.0))
size = dict(image_size_x=120, image_size_y=90, fov=90)
heard = {name: listen("sensor.camera." + name, vehicle, mount, **size)
         for name in ("rgb", "depth", "semantic_segmentation", "instance_segmentation")}
world.tick()
images = {}
for name, items in heard.items():
    image = latest(items)
    images[name] = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
b, g, r = (images["depth"][..., part].astype(float) for part in range(3))
depth = 1000.0 * (r + 256.0 * g + 65536.0 * b) / (2.0**24 - 1.0)
tags = images["semantic_segmentation"][..., 2]
car = tags == 14
instance = images["instance_segmentation"][car]
print(json.dumps([int(car.sum()), float(depth[car].min()), sorted(set(tags.ravel().tolist())),
                  float(depth[0, 60]), np.argwhere(car).mean(axis=0).tolist(), ahead.id,
                  sorted(set((instance[:, 1] + 256 * instance[:, 0].astype(int)).tolist())),
                  int(images["rgb"][car].std(axis=0).max()), ahead.bounding_box.extent.x]))
"""
    pixels, nearest, tags, sky, (row, column), actor, instances, spread, half = told(LISTEN + script)
    # A face of 2.16 m x 1.49 m at 9.6 m with a focal length of 60 px: about 13.5 x 9.3 pixels.
    assert 100 < pixels < 220
    assert nearest == pytest.approx(14.0 - half - 2.0, abs=0.02)
    assert {1, 11, 14} <= set(tags)
    assert sky == pytest.approx(1000.0, abs=0.1)
    assert column == pytest.approx(59.5, abs=1.5) and row > 44.5
    assert instances == [actor]
    assert spread >= 0


def test_a_period_is_kept() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
world.tick()
heard = listen("sensor.other.gnss", vehicle, sensor_tick=0.2)
import time
for _ in range(40):
    world.tick()
time.sleep(0.3)
frames = []
while not heard.empty():
    frames.append(heard.get().frame)
print(json.dumps([after - before for before, after in zip(frames, frames[1:])]))
"""
    assert set(told(LISTEN + script)) == {4}


def test_a_lane_invasion_is_found_by_the_client() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
world.tick()
heard = listen("sensor.other.lane_invasion", vehicle)
vehicle.set_target_velocity(points[0].get_forward_vector() * 8.0)
vehicle.apply_control(carla.VehicleControl(throttle=0.5, steer=-0.2))
for _ in range(40):
    world.tick()
print(json.dumps(len(heard.get(timeout=5.0).crossed_lane_markings)))
"""
    assert told(LISTEN + script) >= 1
