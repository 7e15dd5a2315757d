"""The ego on the server: spawned anew for each episode, driven by pedals, read from the snapshot."""

from __future__ import annotations

import math
from typing import Any

import carla
import numpy as np

from envs.cameras import CameraConfig, Images
from envs.carla_backend.cameras import Cameras
from envs.carla_backend.poses import Box
from envs.carla_backend.sensors import Sensor, contact_sensor
from envs.carla_backend.session import CarlaSession
from envs.carla_frame import steer_mirrored, y_mirrored, yaw_from_carla, yaw_to_carla
from envs.embedded.world import wrap
from envs.scene import EgoRow, FloatArray
from envs.simulator import DECISION_PERIOD_S

DROP_M = 0.3
"""Height above the road at which a vehicle is spawned (m): at 0 its wheels are in the ground."""


class EgoVehicle:
    """One ego of one episode."""

    def __init__(self, session: CarlaSession, cameras: CameraConfig | None = None) -> None:
        self._session = session
        self._views = cameras or CameraConfig()
        # 3 colours of every pixel of every view, for one world.
        self.images: Images = np.zeros((1, *self._views.shape), np.uint8)
        found = session.world.get_blueprint_library().find(session.config.ego_blueprint)
        found.set_attribute("role_name", "hero")
        self._blueprint = found
        self._actor: Any = None
        self._contacts: Sensor[int] | None = None
        self._cameras: Cameras | None = None
        self.box = Box(0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def vehicle(self) -> Any:
        """The actor."""
        return self._actor

    @property
    def actor_id(self) -> int:
        """Its id on the server."""
        return int(self._actor.id)

    def spawn(self, ego: FloatArray, ground_m: float, slope: float) -> None:
        """Put a new one where ``ego`` (rows,) says, in place of the one before, and let the server settle it.

        ``ground_m`` the height of the road there, ``slope`` by which it rises ahead (m per m).
        For that tick it holds the pedals and the steering of ``ego``: after a restored state their lag is partly over.
        """
        self.destroy()
        x, y, yaw = (float(ego[row]) for row in (EgoRow.X, EgoRow.Y, EgoRow.YAW))
        place = self.box.transform(x, y, yaw, ground_m + DROP_M, slope)
        self._actor = self._session.world.spawn_actor(self._blueprint, place)
        self.box = Box.of(self._actor.bounding_box)
        self._contacts = contact_sensor(self._session, self._actor)
        self._cameras = Cameras(self._session, self._actor, self._views)
        if self._session.config.tyre_friction > 0.0:
            self._set_friction(self._session.config.tyre_friction)
        held = (float(ego[row]) for row in (EgoRow.THROTTLE, EgoRow.BRAKE, EgoRow.STEER))
        self._session.send([self.control(*held)])
        self.look(self._session.tick())

    def start(self, ego: FloatArray, ground_m: float, slope: float) -> None:
        """Put it where ``ego`` (rows,) says, with its velocity and its turn, before the first step."""
        yaw, speed, aside = (float(ego[row]) for row in (EgoRow.YAW, EgoRow.SPEED, EgoRow.LATERAL_SPEED))
        east, north = speed * math.cos(yaw) - aside * math.sin(yaw), speed * math.sin(yaw) + aside * math.cos(yaw)
        place = self.box.transform(float(ego[EgoRow.X]), float(ego[EgoRow.Y]), yaw, ground_m, slope)
        velocity = carla.Vector3D(east, y_mirrored(north), 0.0)
        turn = carla.Vector3D(0.0, 0.0, yaw_to_carla(float(ego[EgoRow.YAW_RATE])))
        self._session.send([
            carla.command.ApplyTransform(self.actor_id, place),
            carla.command.ApplyTargetVelocity(self.actor_id, velocity),
            carla.command.ApplyTargetAngularVelocity(self.actor_id, turn),
        ])  # fmt: skip
        self.contacts()

    def control(self, throttle: float, brake: float, steer: float) -> Any:
        """Return the command of these pedals and this steering (ours: positive left)."""
        pedals = carla.VehicleControl(throttle=throttle, steer=steer_mirrored(steer), brake=brake)
        return carla.command.ApplyVehicleControl(self.actor_id, pedals)

    def contacts(self, within_s: float = 0.0) -> list[int]:
        """Return the ids of the actors that it has hit since the last call; wait so long for the first of them."""
        return self._contacts.take_within(within_s) if self._contacts else []

    def look(self, snapshot: Any) -> None:
        """Write what its cameras see in ``snapshot`` into ``images``."""
        if self._cameras is not None:
            self._cameras.read(int(snapshot.frame), self.images[0])

    def read(self, snapshot: Any, ego: FloatArray, control: FloatArray) -> None:
        """Write its motion after a step into ``ego`` (rows,): pose, velocities, accelerations; ``control`` (3,)."""
        seen = snapshot.find(self.actor_id)
        x, y, yaw = self.box.pose(seen.get_transform())
        forward, left = _in_body_frame(seen.get_velocity(), yaw)
        _, aside = _in_body_frame(seen.get_acceleration(), yaw)
        throttle, brake, steer = control.tolist()
        acceleration = (forward - ego[EgoRow.SPEED]) / DECISION_PERIOD_S
        ego[EgoRow.JERK] = (acceleration - ego[EgoRow.ACCELERATION]) / DECISION_PERIOD_S
        ego[EgoRow.X], ego[EgoRow.Y], ego[EgoRow.YAW] = x, y, wrap(yaw)
        ego[EgoRow.SPEED], ego[EgoRow.LATERAL_SPEED] = forward, left
        ego[EgoRow.ACCELERATION], ego[EgoRow.LATERAL_ACCELERATION] = acceleration, aside
        ego[EgoRow.YAW_RATE] = yaw_from_carla(seen.get_angular_velocity().z)
        ego[EgoRow.STEER_CHANGE] = steer - ego[EgoRow.STEER]
        ego[EgoRow.THROTTLE], ego[EgoRow.BRAKE], ego[EgoRow.STEER] = throttle, brake, steer

    def _set_friction(self, friction: float) -> None:
        physics = self._actor.get_physics_control()
        wheels = physics.wheels
        for wheel in wheels:
            wheel.tire_friction = friction
        physics.wheels = wheels
        self._actor.apply_physics_control(physics)

    def destroy(self) -> None:
        """Remove it and its sensors, the sensors first."""
        if self._actor is None:
            return
        assert self._contacts is not None and self._cameras is not None
        sensors: list[Sensor[Any]] = [self._contacts, *self._cameras.sensors]
        for sensor in sensors:
            sensor.stop()
        ids = [*(sensor.actor_id for sensor in sensors), self.actor_id]
        self._session.send([carla.command.DestroyActor(actor_id) for actor_id in ids])
        self._actor, self._contacts, self._cameras = None, None, None


def _in_body_frame(vector: Any, yaw: float) -> tuple[float, float]:
    """Return the parts (forward, left) of a CARLA vector for a body of our heading ``yaw`` (rad)."""
    x, y = vector.x, y_mirrored(vector.y)
    cosine, sine = math.cos(yaw), math.sin(yaw)
    return cosine * x + sine * y, cosine * y - sine * x
