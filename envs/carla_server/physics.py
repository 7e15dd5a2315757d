"""Kernels that move vehicles: the embedded simulator's vehicle model, and what it leaves to a server (reverse gear)."""

from __future__ import annotations

from enum import IntEnum
from math import cos, sin, tan

from envs.carla_server.records import MotionColumn
from envs.compiled import njit
from envs.embedded.vehicle import ParameterRow, VehicleRow, advance, move_actuators
from envs.roads.projection import wrap_angle
from envs.scene import FloatArray, IntArray

STANDING_MPS = 0.1
"""Speed below which the gear engages the other direction (m/s, ours)."""

HAND_BRAKE = 0.8
"""The hand brake as a share of the pedal (ours)."""


class DriveColumn(IntEnum):
    """Columns of the control of vehicles: pedals [0, 1], steering (positive left), then switches 0 or 1.

    ``BACKWARDS`` is the state of the gear: 1 while it drives backwards. ``PINNED`` 1: the forward speed is held at
    ``PINNED_MPS`` whatever the pedals say. ``PHYSICS`` 0: it stays where it is put.
    """

    THROTTLE = 0
    STEER = 1
    BRAKE = 2
    HAND_BRAKE = 3
    REVERSE = 4
    BACKWARDS = 5
    PHYSICS = 6
    PINNED = 7
    PINNED_MPS = 8


@njit
def move_vehicles(
    state: FloatArray, drive: FloatArray, parameters: FloatArray, count: int, dt: float, substeps: int
) -> None:
    """Advance the first ``count`` vehicles by ``dt`` seconds in ``substeps``.

    ``state`` (len(VehicleRow), n), ``drive`` (n, len(DriveColumn)), ``parameters`` (n, len(ParameterRow)).
    """
    for n in range(count):
        if drive[n, DriveColumn.PHYSICS] == 0.0:
            continue
        for _ in range(substeps):
            _substep(state, drive, parameters, n, dt / substeps)
        state[VehicleRow.YAW, n] = wrap_angle(state[VehicleRow.YAW, n])


@njit
def _substep(state: FloatArray, drive: FloatArray, parameters: FloatArray, n: int, dt: float) -> None:
    throttle, steer = drive[n, DriveColumn.THROTTLE], drive[n, DriveColumn.STEER]
    brake = max(drive[n, DriveColumn.BRAKE], HAND_BRAKE * drive[n, DriveColumn.HAND_BRAKE])
    if drive[n, DriveColumn.REVERSE] != drive[n, DriveColumn.BACKWARDS]:
        if state[VehicleRow.SPEED, n] < STANDING_MPS:
            drive[n, DriveColumn.BACKWARDS] = drive[n, DriveColumn.REVERSE]
            state[VehicleRow.DRIVE, n] = 0.0
        else:  # the engine pulls the other way until the vehicle stands
            throttle, brake = 0.0, max(brake, throttle)
    if drive[n, DriveColumn.PINNED] != 0.0:
        state[VehicleRow.SPEED, n] = drive[n, DriveColumn.PINNED_MPS]
    if drive[n, DriveColumn.BACKWARDS] != 0.0:
        _advance_backwards(state, parameters, n, throttle, brake, steer, dt)
    else:
        advance(state, n, throttle, brake, steer, dt, parameters[n])
    if drive[n, DriveColumn.PINNED] != 0.0:
        state[VehicleRow.SPEED, n] = drive[n, DriveColumn.PINNED_MPS]


@njit
def _advance_backwards(
    state: FloatArray, parameters: FloatArray, n: int, throttle: float, brake: float, steer: float, dt: float
) -> None:
    """Move vehicle ``n`` backwards by one substep: a rolling bicycle without slip, with the same pedals and engine."""
    move_actuators(state, n, throttle, brake, steer, dt, parameters[n])
    speed = state[VehicleRow.SPEED, n]
    drag = parameters[n, ParameterRow.ROLLING_RESISTANCE] + parameters[n, ParameterRow.ENGINE_BRAKE] * speed * (
        1.0 - state[VehicleRow.DRIVE, n]
    )
    pull = 0.5 * parameters[n, ParameterRow.MAX_DRIVE] * state[VehicleRow.DRIVE, n]
    held = state[VehicleRow.BRAKE, n] * parameters[n, ParameterRow.MAX_BRAKE]
    after = max(speed + dt * (pull - held - drag), 0.0)
    slope = tan(state[VehicleRow.STEER_ANGLE, n]) / parameters[n, ParameterRow.WHEELBASE]
    along = -0.5 * (speed + after)
    yaw_rate = along * slope
    sideways = yaw_rate * parameters[n, ParameterRow.CENTRE_TO_REAR_AXLE]
    middle = state[VehicleRow.YAW, n] + 0.5 * dt * yaw_rate
    state[VehicleRow.X, n] += dt * (along * cos(middle) - sideways * sin(middle))
    state[VehicleRow.Y, n] += dt * (along * sin(middle) + sideways * cos(middle))
    state[VehicleRow.YAW, n] += dt * yaw_rate
    state[VehicleRow.SPEED, n] = after
    state[VehicleRow.LATERAL_SPEED, n] = 0.0
    state[VehicleRow.YAW_RATE, n] = yaw_rate
    state[VehicleRow.ACCELERATION, n] = -(after - speed) / dt
    state[VehicleRow.LATERAL_ACCELERATION, n] = along * yaw_rate


@njit
def show_vehicles(motion: FloatArray, rows: IntArray, state: FloatArray, drive: FloatArray, count: int) -> None:
    """Write the motion of the first ``count`` vehicles, whose rows in ``motion`` are ``rows`` (n,)."""
    for n in range(count):
        row = rows[n]
        yaw = state[VehicleRow.YAW, n]
        sign = 1.0 - 2.0 * drive[n, DriveColumn.BACKWARDS]
        forward, left = sign * state[VehicleRow.SPEED, n], state[VehicleRow.LATERAL_SPEED, n]
        ahead, aside = state[VehicleRow.ACCELERATION, n], state[VehicleRow.LATERAL_ACCELERATION, n]
        c, s = cos(yaw), sin(yaw)
        motion[row, MotionColumn.X] = state[VehicleRow.X, n]
        motion[row, MotionColumn.Y] = state[VehicleRow.Y, n]
        motion[row, MotionColumn.YAW] = yaw
        motion[row, MotionColumn.VX] = c * forward - s * left
        motion[row, MotionColumn.VY] = s * forward + c * left
        motion[row, MotionColumn.WZ] = state[VehicleRow.YAW_RATE, n]
        motion[row, MotionColumn.AX] = c * ahead - s * aside
        motion[row, MotionColumn.AY] = s * ahead + c * aside


@njit
def set_velocity(state: FloatArray, drive: FloatArray, n: int, vx: float, vy: float) -> None:
    """Give vehicle ``n`` the velocity (m/s, world); one that points backwards engages the reverse direction."""
    yaw = state[VehicleRow.YAW, n]
    forward = cos(yaw) * vx + sin(yaw) * vy
    left = cos(yaw) * vy - sin(yaw) * vx
    drive[n, DriveColumn.BACKWARDS] = 1.0 if forward < 0.0 else 0.0
    state[VehicleRow.SPEED, n] = abs(forward)
    state[VehicleRow.LATERAL_SPEED, n] = left if forward >= 0.0 else 0.0
