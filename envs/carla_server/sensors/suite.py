"""All sensors of a world: who is due after a tick, and what is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from envs.carla_server.actors import Actor
from envs.carla_server.sensors.attributes import clipped
from envs.carla_server.sensors.cameras import Camera
from envs.carla_server.sensors.events import CollisionSensor, ObstacleSensor
from envs.carla_server.sensors.inertial import Gnss, Imu
from envs.carla_server.sensors.lidar import Lidar
from envs.carla_server.sensors.radar import Radar
from envs.carla_server.wire import SensorType
from envs.carla_server.world import World

_EPSILON_S = 1e-6
_LONGEST_TICK_S = 3600.0


class Sensor(Protocol):
    """One sensor."""

    kind: SensorType

    def messages(self, world: World, port: int) -> Iterable[bytes]:
        """Yield what it sends of this frame, each without its header."""
        ...


Make = Callable[[Actor], Sensor]
MAKERS: dict[str, Make] = {
    "sensor.other.collision": CollisionSensor,
    "sensor.other.obstacle": ObstacleSensor,
    "sensor.other.gnss": Gnss,
    "sensor.other.imu": Imu,
    "sensor.other.radar": Radar,
    "sensor.lidar.ray_cast": Lidar,
    "sensor.lidar.ray_cast_semantic": Lidar,
    "sensor.camera.rgb": Camera,
    "sensor.camera.depth": Camera,
    "sensor.camera.semantic_segmentation": Camera,
    "sensor.camera.instance_segmentation": Camera,
}
"""What makes a sensor of each blueprint; one that is not here sends nothing."""


class SensorSuite:
    """The sensors of one world, made when somebody first listens to them."""

    def __init__(self) -> None:
        self._sensors: dict[int, Sensor] = {}
        self._next_s: dict[int, float] = {}

    def collect(
        self, world: World, listened: Callable[[int], bool], send: Callable[[int, bytes], None], port: int
    ) -> None:
        """Send, by stream, what the sensors that are listened to have of this frame."""
        if len(self._sensors) > len(world.sensors):
            self._forget({actor.id for actor in world.sensors})
        for actor in world.sensors:
            if actor.stream and listened(actor.stream) and self._due(actor, world.time_s):
                sensor = self._sensor(actor)
                if sensor is not None:
                    header = world.sensor_header(sensor.kind, actor)
                    for message in sensor.messages(world, port):
                        send(actor.stream, header + message)

    def _sensor(self, actor: Actor) -> Sensor | None:
        if actor.id not in self._sensors and actor.type_id in MAKERS:
            self._sensors[actor.id] = MAKERS[actor.type_id](actor)
        return self._sensors.get(actor.id)

    def _forget(self, there: set[int]) -> None:
        """Let go of the sensors that were destroyed."""
        for actor_id in self._sensors.keys() - there:
            del self._sensors[actor_id]
            self._next_s.pop(actor_id, None)

    def _due(self, actor: Actor, time_s: float) -> bool:
        """Say whether a sensor's next measurement is due, and when the one after it will be."""
        period = clipped(actor, "sensor_tick", 0.0, 0.0, _LONGEST_TICK_S)
        if period <= 0.0:
            return True
        due = self._next_s.get(actor.id, time_s)
        if time_s < due - _EPSILON_S:
            return False
        self._next_s[actor.id] = max(due + period, time_s)
        return True

