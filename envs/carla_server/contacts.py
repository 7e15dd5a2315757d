"""Contacts of bodies: vehicles push each other apart and exchange momentum; walkers and props are in the way.

Boxes meet as in ``envs.embedded.collision`` (separating axes); the axis of least overlap is the contact's normal. What
follows is ours: nothing turns by a contact, and the restitution is that of a crash.
"""

from __future__ import annotations

from math import cos, hypot, sin
from typing import NamedTuple

from envs.carla_server.ground import OTHER_LEVEL_M
from envs.carla_server.physics import DriveColumn, set_velocity
from envs.carla_server.records import MotionColumn
from envs.compiled import njit
from envs.embedded.collision import boxes_overlap
from envs.embedded.vehicle import VehicleRow
from envs.scene import FloatArray, IntArray

RESTITUTION = 0.1
"""Share of the speed of approach with which bodies part (ours)."""

MOST_CONTACTS = 512


class Bodies(NamedTuple):
    """What can be touched, for kernels; the first are the vehicles.

    ``rows`` (m,) in the actor table, ``half_sizes`` (m, 3) (m), ``masses`` (m,) (kg; 0: it does not move).
    """

    rows: IntArray
    half_sizes: FloatArray
    masses: FloatArray


@njit
def collide(
    state: FloatArray, drive: FloatArray, motion: FloatArray, bodies: Bodies, vehicles: int, contacts: FloatArray
) -> int:
    """Part the bodies that overlap; return how many contacts were written.

    ``contacts`` (MOST_CONTACTS, 4): the two bodies, then the impulse on the first (x, y; kg m/s, world).
    """
    count = 0
    for a in range(vehicles):
        for b in range(a + 1, len(bodies.rows)):
            if count == len(contacts) or not _near(motion, bodies, a, b):
                continue
            if not _overlap(motion, bodies, a, b):
                continue
            depth, nx, ny = _normal(motion, bodies, a, b)
            push = _part(state, drive, motion, bodies, vehicles, a, b, depth, nx, ny)
            contacts[count, 0], contacts[count, 1] = a, b
            contacts[count, 2], contacts[count, 3] = push * nx, push * ny
            count += 1
    return count


@njit
def _near(motion: FloatArray, bodies: Bodies, a: int, b: int) -> bool:
    i, j = bodies.rows[a], bodies.rows[b]
    dx = motion[i, MotionColumn.X] - motion[j, MotionColumn.X]
    dy = motion[i, MotionColumn.Y] - motion[j, MotionColumn.Y]
    reach = bodies.half_sizes[a, 0] + bodies.half_sizes[a, 1] + bodies.half_sizes[b, 0] + bodies.half_sizes[b, 1]
    level = abs(motion[i, MotionColumn.Z] - motion[j, MotionColumn.Z]) < OTHER_LEVEL_M
    return bool(level and dx * dx + dy * dy < reach * reach)


@njit
def _overlap(motion: FloatArray, bodies: Bodies, a: int, b: int) -> bool:
    i, j = bodies.rows[a], bodies.rows[b]
    return bool(boxes_overlap(
        motion[i, MotionColumn.X], motion[i, MotionColumn.Y], motion[i, MotionColumn.YAW],
        bodies.half_sizes[a, 0], bodies.half_sizes[a, 1],
        motion[j, MotionColumn.X], motion[j, MotionColumn.Y], motion[j, MotionColumn.YAW],
        bodies.half_sizes[b, 0], bodies.half_sizes[b, 1],
    ))  # fmt: skip


@njit
def _normal(motion: FloatArray, bodies: Bodies, a: int, b: int) -> tuple[float, float, float]:
    """Return (overlap in m, x, y) of the axis of least overlap, pointing from b to a."""
    i, j = bodies.rows[a], bodies.rows[b]
    dx = motion[i, MotionColumn.X] - motion[j, MotionColumn.X]
    dy = motion[i, MotionColumn.Y] - motion[j, MotionColumn.Y]
    best, nx, ny = 1e18, 1.0, 0.0
    for k in range(4):
        yaw = motion[i if k < 2 else j, MotionColumn.YAW]
        x, y = (cos(yaw), sin(yaw)) if k % 2 == 0 else (-sin(yaw), cos(yaw))
        distance = dx * x + dy * y
        overlap = _reach(motion, bodies, a, x, y) + _reach(motion, bodies, b, x, y) - abs(distance)
        if overlap < best:
            best = overlap
            nx, ny = (x, y) if distance >= 0.0 else (-x, -y)
    return best, nx, ny


@njit
def _reach(motion: FloatArray, bodies: Bodies, body: int, x: float, y: float) -> float:
    yaw = motion[bodies.rows[body], MotionColumn.YAW]
    along, aside = abs(cos(yaw) * x + sin(yaw) * y), abs(cos(yaw) * y - sin(yaw) * x)
    return float(bodies.half_sizes[body, 0] * along + bodies.half_sizes[body, 1] * aside)


@njit
def _part(
    state: FloatArray, drive: FloatArray, motion: FloatArray, bodies: Bodies, vehicles: int, a: int, b: int,
    depth: float, nx: float, ny: float,
) -> float:  # fmt: skip
    """Move two bodies apart and exchange momentum along the normal; return the impulse on ``a`` (kg m/s)."""
    i, j = bodies.rows[a], bodies.rows[b]
    light_a, light_b = _lightness(drive, bodies, vehicles, a), _lightness(drive, bodies, vehicles, b)
    moves_b = light_b if b < vehicles else 0.0  # a walker is not pushed along, but its mass counts
    if light_a + moves_b > 0.0:
        _shift(state, motion, bodies, a, depth * light_a / (light_a + moves_b), nx, ny)
        if b < vehicles:
            _shift(state, motion, bodies, b, -depth * moves_b / (light_a + moves_b), nx, ny)
    closing = nx * (motion[i, MotionColumn.VX] - motion[j, MotionColumn.VX])
    closing += ny * (motion[i, MotionColumn.VY] - motion[j, MotionColumn.VY])
    if closing >= 0.0 or light_a + light_b == 0.0:
        return 0.0
    push = -(1.0 + RESTITUTION) * closing / (light_a + light_b)
    _push(state, drive, motion, bodies, a, push * light_a, nx, ny)
    if b < vehicles:
        _push(state, drive, motion, bodies, b, -push * light_b, nx, ny)
    return float(push)


@njit
def _lightness(drive: FloatArray, bodies: Bodies, vehicles: int, body: int) -> float:
    """Return the inverse mass (1/kg); 0 of what does not move."""
    if bodies.masses[body] <= 0.0 or (body < vehicles and drive[body, DriveColumn.PHYSICS] == 0.0):
        return 0.0
    return 1.0 / float(bodies.masses[body])


@njit
def _shift(
    state: FloatArray, motion: FloatArray, bodies: Bodies, vehicle: int, by: float, nx: float, ny: float
) -> None:
    row = bodies.rows[vehicle]
    state[VehicleRow.X, vehicle] += by * nx
    state[VehicleRow.Y, vehicle] += by * ny
    motion[row, MotionColumn.X] = state[VehicleRow.X, vehicle]
    motion[row, MotionColumn.Y] = state[VehicleRow.Y, vehicle]


@njit
def _push(
    state: FloatArray, drive: FloatArray, motion: FloatArray, bodies: Bodies, vehicle: int, by: float, nx: float,
    ny: float,
) -> None:  # fmt: skip
    row = bodies.rows[vehicle]
    motion[row, MotionColumn.VX] += by * nx
    motion[row, MotionColumn.VY] += by * ny
    if hypot(motion[row, MotionColumn.VX], motion[row, MotionColumn.VY]) < 1e-3:
        motion[row, MotionColumn.VX] = motion[row, MotionColumn.VY] = 0.0
    set_velocity(state, drive, vehicle, motion[row, MotionColumn.VX], motion[row, MotionColumn.VY])
