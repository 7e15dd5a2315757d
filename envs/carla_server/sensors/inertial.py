"""GNSS and IMU: where a sensor is on the earth, and what it feels. Their messages are msgpack arrays.

GNSS: the map's geo reference as the 0.9.16 client takes it in ``Map.transform_to_geolocation``: a transverse Mercator
projection of a sphere around ``+lat_0``, ``+lon_0``, with CARLA's y (which is south elsewhere) to the north. IMU:
CARLA's sensor frame (x forward, y right, z up), gravity included; the compass is the angle from north, clockwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import msgpack
import numpy as np

from envs.carla_frame import mirrored, turn_rate_to_carla, y_mirrored, yaw_to_carla
from envs.carla_server.actors import Actor
from envs.carla_server.records import MotionColumn
from envs.carla_server.sensors.attributes import clipped
from envs.carla_server.wire import SensorType
from envs.carla_server.world import World
from envs.embedded.vehicle import GRAVITY_MPS2
from envs.scene import FloatArray

EARTH_RADIUS_M = 6_378_137.0
"""Equatorial radius of WGS 84 (m)."""

SCALE = 0.9996
"""Scale of the projection on its central meridian, as in UTM."""

_LARGEST = 1e9
USUAL_ORIGIN = (42.0, 2.0)
"""Where the client puts a map whose reference it cannot read (degrees)."""


class Gnss:
    """Sends [latitude (deg), longitude (deg), altitude (m)]."""

    kind = SensorType.GNSS

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._noise = Noise(actor, ("noise_lat", "noise_lon", "noise_alt"), ("",))

    def messages(self, world: World, port: int) -> Iterable[bytes]:
        """Yield the one measurement."""
        pose = world.table.pose(self.actor)
        origin = geo_origin(world.town.opendrive.geo_reference)
        latitude, longitude = geo_location(*origin, float(pose[0]), y_mirrored(float(pose[1])))
        yield msgpack.packb((np.array([latitude, longitude, pose[2]]) + self._noise.draw()).tolist())


class Imu:
    """Sends [acceleration (m/s2), turn rates (rad/s), compass (rad)]."""

    kind = SensorType.IMU

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._accel = Noise(actor, ("noise_accel",), ("_x", "_y", "_z"))
        self._gyro = Noise(actor, ("noise_gyro",), ("_x", "_y", "_z"))

    def messages(self, world: World, port: int) -> Iterable[bytes]:
        """Yield the one measurement."""
        motion = world.table.motion[self.actor.row]
        yaw = float(motion[MotionColumn.YAW])
        felt = in_body(motion[MotionColumn.AX : MotionColumn.AZ + 1], yaw) + np.array([0.0, 0.0, GRAVITY_MPS2])
        rates = np.radians(turn_rate_to_carla(motion[MotionColumn.WX : MotionColumn.WZ + 1]))
        compass = (math.radians(yaw_to_carla(yaw)) + 0.5 * math.pi) % math.tau
        felt, rates = mirrored(felt) + self._accel.draw(), rates + self._gyro.draw()
        yield msgpack.packb([felt.tolist(), rates.tolist(), compass])


class Noise:
    """Gaussian noise and bias of three numbers, as the attributes ``<prefix>_stddev<axis>`` and ``_bias<axis>`` say."""

    def __init__(self, actor: Actor, prefixes: tuple[str, ...], axes: tuple[str, ...]) -> None:
        names = [(prefix, axis) for prefix in prefixes for axis in axes]
        self.deviation = np.array([_number(actor, f"{prefix}_stddev{axis}") for prefix, axis in names])
        self.bias = np.array([_number(actor, f"{prefix}_bias{axis}") for prefix, axis in names])
        self._rng = np.random.default_rng(int(abs(_number(actor, "noise_seed"))))

    def draw(self) -> FloatArray:
        """Return the error ``(3,)`` of one measurement."""
        if not self.deviation.any():
            return self.bias
        noise: FloatArray = self.bias + self.deviation * self._rng.standard_normal(3)
        return noise


def in_body(vector: FloatArray, yaw: float) -> FloatArray:
    """Return a vector ``(3,)`` of the world in the frame of a level body."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([c * vector[0] + s * vector[1], c * vector[1] - s * vector[0], vector[2]])


def geo_origin(reference: str) -> tuple[float, float]:
    """Return (latitude, longitude) in degrees of a map's origin; ``USUAL_ORIGIN`` where its PROJ string has none."""
    found = [re.search(rf"\+{name}=([-+\d.eE]+)", reference) for name in ("lat_0", "lon_0")]
    if found[0] is None or found[1] is None:
        return USUAL_ORIGIN
    return float(found[0][1]), float(found[1][1])


def geo_location(latitude: float, longitude: float, east: float, north: float) -> tuple[float, float]:
    """Return (latitude, longitude) in degrees of a point ``east`` and ``north`` (m) of an origin.

    Inverse transverse Mercator of a sphere (Snyder, Map Projections: A Working Manual, 1987, eq. 8-6 and 8-7).
    """
    x, d = east / (EARTH_RADIUS_M * SCALE), north / (EARTH_RADIUS_M * SCALE) + math.radians(latitude)
    return (
        math.degrees(math.asin(math.sin(d) / math.cosh(x))),
        longitude + math.degrees(math.atan2(math.sinh(x), math.cos(d))),
    )


def _number(actor: Actor, name: str) -> float:
    return clipped(actor, name, 0.0, -_LARGEST, _LARGEST)
