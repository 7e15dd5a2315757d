"""The unmodified client against the server: handshake, map, ticks, vehicles, batches. Skipped where it is absent."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.envs.carla_server.serving import answer

pytestmark = pytest.mark.skipif(find_spec("carla") is None, reason="the carla client is not installed")

BEGIN = """
import json, sys
import carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(10.0)
world = client.get_world()
library, town = world.get_blueprint_library(), world.get_map()
model3 = library.find("vehicle.tesla.model3")
points = town.get_spawn_points()
"""
# The client's threads and its sensors' callbacks do not end in a safe order.
END = """
import os
sys.stdout.flush()
os._exit(0)
"""


def told(script: str, map_name: str = "town", synchronous: bool = True) -> Any:
    """Return what a client's script prints last, as JSON; it finds client, world, library, town and points."""
    return answer(BEGIN + script + END, map_name=map_name, synchronous=synchronous)


def test_a_client_connects_and_ticks() -> None:
    script = """
first, second = world.tick(), world.tick()
snapshot = world.get_snapshot()
print(json.dumps([client.get_server_version(), town.name, len(points), second - first,
                  snapshot.frame - second, snapshot.timestamp.delta_seconds, len(library.filter("vehicle.*"))]))
"""
    version, name, points, frames, behind, step, vehicles = told(script)
    assert (version, name) == ("0.9.16", "Carla/Maps/town")
    assert points > 100 and vehicles > 30
    assert (frames, behind) == (1, 0)
    assert step == pytest.approx(0.05)


def test_every_spawn_point_is_on_a_driving_lane_in_its_direction() -> None:
    script = """
rows = []
for point in points:
    waypoint = town.get_waypoint(point.location)
    turned = (waypoint.transform.rotation.yaw - point.rotation.yaw + 180.0) % 360.0 - 180.0
    away = waypoint.transform.location - point.location
    rows.append([abs(away.dot_2d(point.get_right_vector())), abs(turned)])
print(json.dumps([max(column) for column in zip(*rows)]))
"""
    aside, turned = told(script)
    assert aside < 0.05 and turned < 1.0


def test_a_vehicle_is_spawned_driven_and_destroyed() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
world.tick()
begin = vehicle.get_location()
vehicle.apply_control(carla.VehicleControl(throttle=0.5))
for _ in range(40):
    world.tick()
speed, moved = vehicle.get_velocity().length(), vehicle.get_location().distance(begin)
forward = vehicle.get_transform().get_forward_vector()
along = (vehicle.get_location() - begin).dot(forward)
limit, given, box = vehicle.get_speed_limit(), vehicle.get_control().throttle, vehicle.bounding_box.extent.x
vehicle.apply_control(carla.VehicleControl(brake=1.0))
for _ in range(40):
    world.tick()
stopped = vehicle.get_velocity().length()
there = len(world.get_actors().filter("vehicle.*"))
vehicle.destroy()
world.tick()
print(json.dumps([speed, moved, along, limit, given, box, stopped, there, len(world.get_actors().filter("vehicle.*"))]))
"""
    speed, moved, along, limit, given, box, stopped, before, after = told(script)
    assert 2.0 < speed < 12.0
    assert along == pytest.approx(moved, abs=1e-3) and moved > 2.0
    assert limit == pytest.approx(50.0, abs=20.1)
    assert (given, stopped) == (0.5, 0.0)
    assert box == pytest.approx(2.396)
    assert (before, after) == (1, 0)


def test_steering_to_the_right_turns_to_the_right() -> None:
    """CARLA's yaw grows clockwise; reversing with the same steering turns the other way."""
    script = """
vehicle = world.spawn_actor(model3, points[0])
world.tick()
yaws, frames = [], []
for reverse in (False, True):
    control = carla.VehicleControl(throttle=0.4, steer=0.3, reverse=reverse)
    for _ in range(60):
        vehicle.apply_control(control if _ else carla.VehicleControl(brake=1.0))
        world.tick()
    begin = vehicle.get_transform()
    for _ in range(10):
        world.tick()
    end = vehicle.get_transform()
    yaws.append((end.rotation.yaw - begin.rotation.yaw + 180.0) % 360.0 - 180.0)
    frames.append((end.location - begin.location).dot(begin.get_forward_vector()))
    for _ in range(80):
        vehicle.apply_control(carla.VehicleControl(brake=1.0))
        world.tick()
print(json.dumps([yaws, frames]))
"""
    (forwards_turn, backwards_turn), (ahead, behind) = told(script)
    assert forwards_turn > 1.0 and ahead > 0.5
    assert backwards_turn < -1.0 and behind < -0.5


def test_a_batch_spawns_with_what_follows_and_tells_what_failed() -> None:
    script = """
spawn, brake = carla.command.SpawnActor, carla.VehicleControl(brake=0.25)
batch = [
    spawn(model3, points[0]).then(carla.command.ApplyVehicleControl(carla.command.FutureActor, brake)),
    spawn(model3, points[0]),
    carla.command.DestroyActor(123456),
]
done = client.apply_batch_sync(batch, False)
world.tick()
vehicle = world.get_actor(done[0].actor_id)
client.apply_batch_sync([carla.command.ApplyTransform(vehicle, points[9])], True)
world.tick()
print(json.dumps([vehicle.get_control().brake, [response.error for response in done],
                  vehicle.get_location().distance_2d(points[9].location)]))
"""
    brake, errors, away = told(script)
    assert brake == 0.25
    assert errors[0] is None or errors[0] == ""
    assert "collision at spawn position" in errors[1] and "123456" in errors[2]
    assert away < 0.01


def test_attributes_velocity_and_physics_are_told_and_taken() -> None:
    script = """
model3.set_attribute("role_name", "hero")
vehicle = world.spawn_actor(model3, points[0])
world.tick()
physics = vehicle.get_physics_control()
physics.mass = 2000.0
vehicle.apply_physics_control(physics)
vehicle.set_target_velocity(points[0].get_forward_vector() * 7.0)
world.tick()
speed = vehicle.get_velocity().length()
vehicle.set_simulate_physics(False)
before = vehicle.get_location()
world.tick(); world.tick()
print(json.dumps([vehicle.attributes["role_name"], vehicle.attributes["number_of_wheels"], len(physics.wheels),
                  vehicle.get_physics_control().mass, speed, vehicle.get_location().distance(before)]))
"""
    role, wheels, listed, mass, speed, moved = told(script)
    assert (role, wheels, listed, mass) == ("hero", "4", 4, 2000.0)
    assert 6.0 < speed <= 7.0
    assert moved == 0.0


def test_an_ackermann_control_reaches_its_speed_and_a_fleeting_control_ends_with_its_step() -> None:
    script = """
vehicle = world.spawn_actor(model3, points[0])
model3.set_attribute("sticky_control", "False")
fleeting = world.spawn_actor(model3, points[9])
world.tick()
vehicle.apply_ackermann_control(carla.VehicleAckermannControl(speed=6.0, acceleration=3.0))
fleeting.apply_control(carla.VehicleControl(throttle=1.0))
for _ in range(100):
    world.tick()
steady, slow = vehicle.get_velocity().length(), fleeting.get_velocity().length()
vehicle.apply_ackermann_control(carla.VehicleAckermannControl(speed=0.0))
for _ in range(100):
    world.tick()
settings = vehicle.get_ackermann_controller_settings()
print(json.dumps([steady, slow, vehicle.get_velocity().length(), settings.speed_kp]))
"""
    steady, slow, stopped, gain = told(script)
    assert steady == pytest.approx(6.0, abs=0.7)
    assert slow < 0.5 and stopped == 0.0
    assert gain == pytest.approx(0.15)


def test_an_unknown_call_names_itself() -> None:
    script = """
try:
    world.get_names_of_all_objects()
except RuntimeError as error:
    print(json.dumps(str(error)))
"""
    assert "get_names_of_all_objects" in told(script)
