"""Ego vehicle: a dynamic bicycle with first-order actuators and friction-limited tyres.

The body is free in the plane (longitudinal speed, lateral speed, yaw rate). Tyre forces come from linear slip
stiffness, solved implicitly (backward Euler in lateral speed and yaw rate), so that one model serves every speed:
towards standstill the stiff limit is the rolling, slip-free bicycle, and no blend with a kinematic model is needed.
What the implicit solution asks for is then clamped to the friction left over by driving and braking.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from math import cos, isfinite, sin, sqrt

import numpy as np

from envs.compiled import njit
from envs.scene import FloatArray

GRAVITY_MPS2 = 9.81
_MAY_BE_ZERO = ("engine_brake_1ps", "engine_brake_power_wpkg", "rolling_resistance_mps2", "air_drag_1pm")
ROLLING_SPEED_MPS = 0.5
"""Floor of the speed that slip is divided by, m/s: keeps slip defined at standstill."""


class VehicleRow(IntEnum):
    """Rows of the vehicle state, float64 ``(len(VehicleRow), B)``.

    ``X, Y`` centre of the body (m); ``YAW`` (rad, not wrapped); ``SPEED`` (>= 0) and ``LATERAL_SPEED`` (positive left)
    in the body frame (m/s); ``YAW_RATE`` (rad/s); ``ACCELERATION``, ``LATERAL_ACCELERATION`` of the last substep in the
    body frame (m/s2); ``STEER_ANGLE`` of the front wheels (rad, positive left); ``DRIVE``, ``BRAKE`` pedal positions as
    the actuators have followed them, [0, 1].
    """

    X = 0
    Y = 1
    YAW = 2
    SPEED = 3
    LATERAL_SPEED = 4
    YAW_RATE = 5
    ACCELERATION = 6
    LATERAL_ACCELERATION = 7
    STEER_ANGLE = 8
    DRIVE = 9
    BRAKE = 10


class ParameterRow(IntEnum):
    """Entries of ``VehicleParameters.array()``, in the order of its fields."""

    LENGTH = 0
    WIDTH = 1
    WHEELBASE = 2
    CENTRE_TO_REAR_AXLE = 3
    MAX_STEER_ANGLE = 4
    STEER_RATE = 5
    STEER_TIME = 6
    MAX_DRIVE = 7
    DRIVE_POWER = 8
    DRIVE_TIME = 9
    MAX_BRAKE = 10
    BRAKE_TIME = 11
    ENGINE_BRAKE = 12
    ENGINE_BRAKE_POWER = 13
    ROLLING_RESISTANCE = 14
    AIR_DRAG = 15
    FRICTION = 16
    FRONT_STIFFNESS = 17
    REAR_STIFFNESS = 18
    YAW_GYRATION = 19
    ANTILOCK_SHARE = 20
    FRONT_GRIP = 21


@dataclass(frozen=True, slots=True)
class VehicleParameters:
    """A mid-size saloon, calibrated to a recorded drive; forces are given per mass, so accelerations.

    Source: the Lincoln MKZ 2017 of a CARLA recording of 24.7 s (Town01, straight road, 0 to 14.7 m/s).
    ``python -m tests.benchmarks.calibrate_vehicle --log PATH`` fits drive, coasting, brake, lags and steering gain;
    body size comes from the recording's bounding box, axles and ``air_drag_1pm`` (drag coefficient 0.3) from its
    physics packet. Open loop from recorded controls, RMS error (whole drive before its final stop; in brackets: fitted
    to the second half, tested on the first, where nothing is steered; then keeping speed and heading):

    after 1 s: 0.31 m along (0.34; 1.79), 0.016 m across, 0.47 m/s (0.55; 3.24), 0.0023 rad (constant: 0.0155);
    after 5 s: 2.2 m along (3.0; 18.3), 0.16 m across, 0.74 m/s (1.10; 5.84), 0.0040 rad (constant: 0.0161).
    The recorded gearbox shifts, with gaps and jolts; this model smooths over that.

    What the recording cannot tell: it steers by 0.1 at most and its lateral acceleration stays under 4 m/s2, so
    friction, grip shares and stiffness are assumed (dry road) and full steer extrapolates; ``max_brake_mps2`` rests on
    two taps of 0.13 and 0.18 s (the physics packet's 4 x 800 N m on 1696 kg give 5.3 m/s2), because in the one full
    stop the wheels lock and CARLA's tyres hold 26 m/s2, which is left out (here brake and closed engine together are
    held to 7.9 m/s2 by anti-lock); above 14.7 m/s, and with part throttle held, nothing was measured; rolling
    resistance and gyration are assumed.

    Attributes:
        length_m: body length, m.
        width_m: body width, m.
        wheelbase_m: front axle to rear axle, m.
        centre_to_rear_axle_m: body centre (also taken as centre of gravity) to rear axle, m.
        max_steer_angle_rad: front wheel angle at steer = 1, rad.
        steer_rate_radps: fastest change of the front wheel angle, rad/s.
        steer_time_s: first-order lag of the steering, s.
        max_drive_mps2: acceleration of full throttle at low speed, m/s2.
        drive_power_wpkg: engine power per mass at full throttle, W/kg: drive <= power / speed.
        drive_time_s: first-order lag of the throttle, s.
        max_brake_mps2: deceleration of full brake, m/s2 (friction may allow less).
        brake_time_s: first-order lag of the brake, s.
        engine_brake_1ps: deceleration per speed with the throttle closed, in the lowest gear, 1/s.
        engine_brake_power_wpkg: power per mass that the closed engine takes, W/kg: its deceleration <= power / speed.
        rolling_resistance_mps2: constant deceleration while rolling, m/s2.
        air_drag_1pm: deceleration per squared speed, 1/m.
        friction: tyre-road friction coefficient, 1; bounds every axle's force.
        front_stiffness_1prad: front cornering stiffness over the front axle's load, 1/rad.
        rear_stiffness_1prad: rear cornering stiffness over the rear axle's load, 1/rad.
        yaw_gyration_m: radius of gyration about the vertical axis, m.
        antilock_share: share of the friction that braking or driving may use, (0, 1): anti-lock and traction control
            leave the rest for steering.
        front_grip: friction of the front axle over that of the rear, (0, 1]: below 1 the front slides first, so that
            too much steering widens the curve and does not spin the car.
    """

    length_m: float = 4.90
    width_m: float = 2.13
    wheelbase_m: float = 2.87
    centre_to_rear_axle_m: float = 1.40
    max_steer_angle_rad: float = 0.913
    steer_rate_radps: float = 4.0
    steer_time_s: float = 0.018
    max_drive_mps2: float = 7.61
    drive_power_wpkg: float = 70.2
    drive_time_s: float = 0.182
    max_brake_mps2: float = 6.27
    brake_time_s: float = 0.076
    engine_brake_1ps: float = 1.05
    engine_brake_power_wpkg: float = 39.7
    rolling_resistance_mps2: float = 0.1
    air_drag_1pm: float = 0.0003
    friction: float = 0.9
    front_stiffness_1prad: float = 13.0
    rear_stiffness_1prad: float = 16.0
    yaw_gyration_m: float = 1.4
    antilock_share: float = 0.9
    front_grip: float = 0.9

    def __post_init__(self) -> None:
        """Refuse numbers with which the model is not defined."""
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            may_be_zero = name in _MAY_BE_ZERO
            if not isfinite(value) or value < 0.0 or (value == 0.0 and not may_be_zero):
                allowed = ">= 0" if may_be_zero else "> 0"
                raise ValueError(f"VehicleParameters.{name} is {value}; give a finite number {allowed}")
        if self.centre_to_rear_axle_m >= self.wheelbase_m:
            raise ValueError(
                f"VehicleParameters.centre_to_rear_axle_m is {self.centre_to_rear_axle_m}; "
                f"the body centre must lie between the axles: give less than wheelbase_m = {self.wheelbase_m}"
            )
        if self.antilock_share >= 1.0:
            raise ValueError(f"VehicleParameters.antilock_share is {self.antilock_share}; give a number in (0, 1)")
        if self.front_grip > 1.0:
            raise ValueError(f"VehicleParameters.front_grip is {self.front_grip}; give a number in (0, 1]")

    def array(self) -> FloatArray:
        """Return the numbers as a float64 vector ``(len(ParameterRow),)`` for kernels."""
        return np.array(astuple(self), dtype=np.float64)


@njit
def advance(
    state: FloatArray, b: int, throttle: float, brake: float, steer: float, dt: float, parameters: FloatArray
) -> None:
    """Advance vehicle ``b`` of ``state`` (len(VehicleRow), B) by one substep of ``dt`` seconds, in place.

    ``throttle``, ``brake`` in [0, 1], ``steer`` in [-1, 1] (positive left); ``parameters`` is
    ``VehicleParameters.array()``. Commands outside their range are the caller's fault and are not clipped here.
    """
    move_actuators(state, b, throttle, brake, steer, dt, parameters)
    along = _longitudinal_force(state, b, parameters)
    front, rear = _tyre_forces(state, b, dt, along, parameters)
    _integrate(state, b, along, front, rear, dt, parameters)


@njit
def move_actuators(
    state: FloatArray, b: int, throttle: float, brake: float, steer: float, dt: float, parameters: FloatArray
) -> None:
    """Let pedals and front wheels follow their commands (exact first-order lag; steering rate-limited)."""
    drive = state[VehicleRow.DRIVE, b]
    state[VehicleRow.DRIVE, b] = drive + (throttle - drive) * dt / (dt + parameters[ParameterRow.DRIVE_TIME])
    pressed = state[VehicleRow.BRAKE, b]
    state[VehicleRow.BRAKE, b] = pressed + (brake - pressed) * dt / (dt + parameters[ParameterRow.BRAKE_TIME])
    angle = state[VehicleRow.STEER_ANGLE, b]
    wanted = steer * parameters[ParameterRow.MAX_STEER_ANGLE]
    change = (wanted - angle) * dt / (dt + parameters[ParameterRow.STEER_TIME])
    largest = parameters[ParameterRow.STEER_RATE] * dt
    state[VehicleRow.STEER_ANGLE, b] = angle + min(max(change, -largest), largest)


@njit
def _longitudinal_force(state: FloatArray, b: int, parameters: FloatArray) -> float:
    """Return traction less resistance per mass (m/s2), within the share of friction that anti-lock allows."""
    speed = state[VehicleRow.SPEED, b]
    drive = state[VehicleRow.DRIVE, b]
    rolling = max(speed, ROLLING_SPEED_MPS)
    traction = drive * min(parameters[ParameterRow.MAX_DRIVE], parameters[ParameterRow.DRIVE_POWER] / rolling)
    engine = min(parameters[ParameterRow.ENGINE_BRAKE] * speed, parameters[ParameterRow.ENGINE_BRAKE_POWER] / rolling)
    resistance = (
        state[VehicleRow.BRAKE, b] * parameters[ParameterRow.MAX_BRAKE]
        + parameters[ParameterRow.ROLLING_RESISTANCE]
        + (1.0 - drive) * engine
        + parameters[ParameterRow.AIR_DRAG] * speed * speed
    )
    limit = parameters[ParameterRow.ANTILOCK_SHARE] * parameters[ParameterRow.FRICTION] * GRAVITY_MPS2
    along: float = min(max(traction - resistance, -limit), limit)
    return along


@njit
def _tyre_forces(state: FloatArray, b: int, dt: float, along: float, parameters: FloatArray) -> tuple[float, float]:
    """Return the lateral forces of front and rear axle in their wheels' frames per vehicle mass (m/s2).

    Front: F = -k_f ((vy + a r) cos(d) - v sin(d)) / V, rear: F = -k_r (vy - b r) / V, with vy, r at the *end* of the
    substep: a 2 x 2 linear system. The result is clamped to the friction that ``along`` (m/s2) leaves over.
    """
    speed = state[VehicleRow.SPEED, b]
    lateral = state[VehicleRow.LATERAL_SPEED, b]
    yaw_rate = state[VehicleRow.YAW_RATE, b]
    sine, cosine = sin(state[VehicleRow.STEER_ANGLE, b]), cos(state[VehicleRow.STEER_ANGLE, b])
    wheelbase = parameters[ParameterRow.WHEELBASE]
    to_rear = parameters[ParameterRow.CENTRE_TO_REAR_AXLE]
    to_front = wheelbase - to_rear
    front_load, rear_load = GRAVITY_MPS2 * to_rear / wheelbase, GRAVITY_MPS2 * to_front / wheelbase
    rolling = max(speed, ROLLING_SPEED_MPS)
    front_gain = parameters[ParameterRow.FRONT_STIFFNESS] * front_load / rolling
    rear_gain = parameters[ParameterRow.REAR_STIFFNESS] * rear_load / rolling
    inertia = parameters[ParameterRow.YAW_GYRATION] ** 2

    # (I - dt J) (vy, r) = (vy, r) + dt * steering input
    lead = front_gain * cosine * cosine
    m00 = 1.0 + dt * (lead + rear_gain)
    m01 = dt * (lead * to_front - rear_gain * to_rear + speed)
    m10 = dt * (lead * to_front - rear_gain * to_rear) / inertia
    m11 = 1.0 + dt * (lead * to_front * to_front + rear_gain * to_rear * to_rear) / inertia
    push = dt * front_gain * cosine * sine * speed
    right0, right1 = lateral + push, yaw_rate + push * to_front / inertia
    determinant = m00 * m11 - m01 * m10
    lateral_end = (right0 * m11 - m01 * right1) / determinant
    yaw_rate_end = (m00 * right1 - m10 * right0) / determinant

    friction = parameters[ParameterRow.FRICTION]
    limit = sqrt(friction * friction - (along / GRAVITY_MPS2) ** 2)
    front = -front_gain * ((lateral_end + to_front * yaw_rate_end) * cosine - speed * sine)
    rear = -rear_gain * (lateral_end - to_rear * yaw_rate_end)
    front_limit = limit * front_load * parameters[ParameterRow.FRONT_GRIP]
    rear_limit = limit * rear_load
    front = min(max(front, -front_limit), front_limit)
    rear = min(max(rear, -rear_limit), rear_limit)
    return front, rear


@njit
def _integrate(
    state: FloatArray, b: int, along: float, front: float, rear: float, dt: float, parameters: FloatArray
) -> None:
    """Apply the forces for ``dt``; resistance stops the vehicle and never pushes it backwards."""
    speed = state[VehicleRow.SPEED, b]
    lateral = state[VehicleRow.LATERAL_SPEED, b]
    angle = state[VehicleRow.STEER_ANGLE, b]
    to_rear = parameters[ParameterRow.CENTRE_TO_REAR_AXLE]
    to_front = parameters[ParameterRow.WHEELBASE] - to_rear
    sideways = front * cos(angle)
    moment = sideways * to_front - rear * to_rear
    yaw_rate = state[VehicleRow.YAW_RATE, b] + dt * moment / parameters[ParameterRow.YAW_GYRATION] ** 2

    speed_end = max(speed + dt * (along - front * sin(angle) + lateral * yaw_rate), 0.0)
    lateral_end = lateral + dt * (sideways + rear - speed * yaw_rate)
    yaw = state[VehicleRow.YAW, b]
    middle = yaw + 0.5 * dt * yaw_rate
    forward, left = 0.5 * (speed + speed_end), 0.5 * (lateral + lateral_end)
    state[VehicleRow.X, b] += dt * (forward * cos(middle) - left * sin(middle))
    state[VehicleRow.Y, b] += dt * (forward * sin(middle) + left * cos(middle))
    state[VehicleRow.YAW, b] = yaw + dt * yaw_rate
    state[VehicleRow.SPEED, b] = speed_end
    state[VehicleRow.LATERAL_SPEED, b] = lateral_end
    state[VehicleRow.YAW_RATE, b] = yaw_rate
    state[VehicleRow.ACCELERATION, b] = (speed_end - speed) / dt - lateral * yaw_rate
    state[VehicleRow.LATERAL_ACCELERATION, b] = sideways + rear
