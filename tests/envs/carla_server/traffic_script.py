"""Drive vehicles with the real client's Traffic Manager and print what they did, as JSON.

``python -m tests.envs.carla_server.traffic_script PORT VEHICLES TICKS``; see ``Report`` for what is printed.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from dataclasses import asdict, dataclass
from typing import Any

from tests.ports import free_port


@dataclass
class Report:
    """What happened: distances to the nearest lane's centre (m), light zones left while red, waits at red, the hash."""

    vehicles: int = 0
    worst_deviation_m: float = 0.0
    mean_speed_mps: float = 0.0
    left_on_red: int = 0
    waits_at_red: int = 0
    state_hash: str = ""


def connect(carla: Any, port: int) -> tuple[Any, Any, Any]:
    """Return client, world and a Traffic Manager in synchronous mode."""
    client = carla.Client("127.0.0.1", port)
    client.set_timeout(20.0)
    world = client.get_world()
    manager = client.get_trafficmanager(free_port())
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(7)
    return client, world, manager


def spawn(carla: Any, client: Any, world: Any, manager: Any, count: int) -> list[Any]:
    """Spawn vehicles at every n-th spawn point and hand them to the Traffic Manager."""
    library = world.get_blueprint_library().filter("vehicle.*")
    cars = sorted((item for item in library if item.get_attribute("base_type") == "car"), key=lambda item: item.id)
    points = world.get_map().get_spawn_points()
    stride = len(points) // count
    command = carla.command
    pilot = command.SetAutopilot(command.FutureActor, True, manager.get_port())
    batch = [command.SpawnActor(cars[i % len(cars)], points[i * stride]).then(pilot) for i in range(count)]
    failed = [response.error for response in client.apply_batch_sync(batch, False) if response.error]
    assert not failed, failed
    world.tick()
    return list(world.get_actors().filter("vehicle.*"))


def watch(carla: Any, world: Any, vehicles: list[Any], ticks: int) -> Report:
    """Tick and watch."""
    town, digest, report = world.get_map(), hashlib.sha256(), Report(vehicles=len(vehicles))
    red = carla.TrafficLightState.Red
    held: dict[int, Any] = {}  # the red light that holds a vehicle
    speeds = 0.0
    for tick in range(ticks):
        world.tick()
        _hash_state(world.get_snapshot(), digest)
        for vehicle in vehicles:
            at_light, state = vehicle.is_at_traffic_light(), vehicle.get_traffic_light_state()
            light = held.get(vehicle.id)
            report.left_on_red += light is not None and not at_light and light.get_state() == red
            held[vehicle.id] = vehicle.get_traffic_light() if at_light and state == red else None
            speed = vehicle.get_velocity().length()
            report.waits_at_red += held[vehicle.id] is not None and speed < 0.1
            speeds += speed
            if tick % 5 == 0:
                place = vehicle.get_location()
                away = place.distance_2d(town.get_waypoint(place).transform.location)
                report.worst_deviation_m = max(report.worst_deviation_m, away)
    report.mean_speed_mps = speeds / (ticks * len(vehicles))
    report.state_hash = digest.hexdigest()
    return report


def _hash_state(snapshot: Any, digest: Any) -> None:
    for actor in sorted(snapshot, key=lambda item: int(item.id)):
        place, turned, moving = actor.get_transform().location, actor.get_transform().rotation, actor.get_velocity()
        numbers = (place.x, place.y, place.z, turned.yaw, moving.x, moving.y, moving.z)
        digest.update(struct.pack("<I7d", actor.id, *numbers))


def main() -> None:
    import carla

    port, count, ticks = (int(word) for word in sys.argv[1:4])
    client, world, manager = connect(carla, port)
    vehicles = spawn(carla, client, world, manager, count)
    report = watch(carla, world, vehicles, ticks)
    print(json.dumps(asdict(report)), flush=True)
    manager.set_synchronous_mode(False)


if __name__ == "__main__":
    main()
