"""What vehicles are told of where they are: height and pitch of the road, speed limit, the light that holds them."""

from __future__ import annotations

from math import atan, cos, hypot, sin

import numpy as np

from envs.carla_frame import steer_mirrored
from envs.carla_server import wire
from envs.carla_server.actors import ActorTable
from envs.carla_server.ground import OTHER_LEVEL_M, GridArrays, Ground, height_near, nearest_sample
from envs.carla_server.lights import TrafficLights
from envs.carla_server.physics import DriveColumn
from envs.carla_server.records import MotionColumn
from envs.carla_server.town import TownMap
from envs.carla_server.vehicles import Vehicles
from envs.carla_server.wire import Records
from envs.carla_server.zones import stopping_m
from envs.compiled import njit
from envs.scene import FloatArray, IntArray

_RED, _GREEN = int(wire.LightState.RED), int(wire.LightState.GREEN)
MPS_TO_KMH = 3.6


class Surroundings:
    """The zones and the ground of a map."""

    def __init__(self, town: TownMap, lights: TrafficLights) -> None:
        self.ground: Ground = town.ground
        self.lights = lights
        rows = [zone.row(lights.number.get(zone.head, -1)) for zone in lights.zones]
        self.zones: FloatArray = np.array(rows).reshape(-1, 7)
        self.light_ids: IntArray = np.array([actor.id for actor in lights.actors], dtype=np.int64)

    def update(self, table: ActorTable, vehicles: Vehicles) -> None:
        """Write what the vehicles are told, and their controls, to the world-state message."""
        tell_vehicles(
            table.records, table.motion, vehicles.rows, vehicles.drive, self.ground.arrays, self.ground.speed_limit,
            self.zones, self.lights.states, self.light_ids, len(vehicles),
        )  # fmt: skip


@njit
def tell_vehicles(
    records: Records, motion: FloatArray, rows: IntArray, drive: FloatArray, grid: GridArrays, limits: FloatArray,
    zones: FloatArray, states: IntArray, light_ids: IntArray, count: int,
) -> None:  # fmt: skip
    """Write height, pitch, speed limit (km/h), light and control of the first ``count`` vehicles."""
    for n in range(count):
        row = rows[n]
        record = records[row]
        x, y, z = motion[row, MotionColumn.X], motion[row, MotionColumn.Y], motion[row, MotionColumn.Z]
        yaw = motion[row, MotionColumn.YAW]
        sample = nearest_sample(grid, x, y, yaw, True, z)
        if sample >= 0:
            record["speed_limit"] = limits[grid.lane_of[sample]] * MPS_TO_KMH
            if drive[n, DriveColumn.PHYSICS] != 0.0:
                motion[row, MotionColumn.Z] = height_near(grid, sample, x, y)
                along = cos(grid.samples[sample, 2] - yaw)
                motion[row, MotionColumn.PITCH] = -atan(grid.slope[sample] * along)
        zone = zone_at(zones, x, y, z, yaw)
        light = int(zones[zone, 6]) if zone >= 0 else -1
        if light >= 0 and states[light] == _GREEN and _can_stop(zones[zone], motion[row]):
            zone = light = -1
        record["has_light"] = 1 if light >= 0 else 0
        record["light_id"] = light_ids[light] if light >= 0 else 0
        record["light_state"] = states[light] if light >= 0 else (_RED if zone >= 0 else _GREEN)
        _write_control(record, drive, n)


@njit
def _can_stop(zone: FloatArray, motion: FloatArray) -> bool:
    """Say whether a vehicle can still stop at the end of its zone.

    While it can it is not told of a green light: the Traffic Manager goes by the green that it was told of first, and
    would pass, slow in a long zone, when it has been red for long.
    """
    along = cos(zone[3]) * (motion[MotionColumn.X] - zone[0]) + sin(zone[3]) * (motion[MotionColumn.Y] - zone[1])
    speed = hypot(motion[MotionColumn.VX], motion[MotionColumn.VY])
    return bool(zone[4] - along > stopping_m(speed))


@njit
def _write_control(record: Records, drive: FloatArray, n: int) -> None:
    record["throttle"] = drive[n, DriveColumn.THROTTLE]
    record["steer"] = steer_mirrored(drive[n, DriveColumn.STEER])
    record["brake"] = drive[n, DriveColumn.BRAKE]
    record["hand_brake"] = drive[n, DriveColumn.HAND_BRAKE] != 0.0
    record["reverse"] = drive[n, DriveColumn.REVERSE] != 0.0
    record["gear"] = -1 if drive[n, DriveColumn.BACKWARDS] != 0.0 else 1


@njit
def zone_at(zones: FloatArray, x: float, y: float, z: float, yaw: float) -> int:
    """Return the zone that a vehicle's middle is in, driving its way (-1: none)."""
    for k in range(len(zones)):
        dx, dy = x - zones[k, 0], y - zones[k, 1]
        reach = zones[k, 4] + zones[k, 5]
        if dx * dx + dy * dy > reach * reach or abs(z - zones[k, 2]) > OTHER_LEVEL_M:
            continue
        c, s = cos(zones[k, 3]), sin(zones[k, 3])
        inside = abs(c * dx + s * dy) <= zones[k, 4] and abs(c * dy - s * dx) <= zones[k, 5]
        if inside and cos(yaw - zones[k, 3]) > 0.5:
            return k
    return -1
