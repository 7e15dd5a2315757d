"""CARLA's physics control of a vehicle: told from the vehicle model's numbers, and taken as far as it has them."""

from __future__ import annotations

from math import degrees, radians
from typing import Any

import numpy as np

from envs.carla_frame import CENTIMETRES
from envs.carla_server.actors import Actor
from envs.carla_server.payloads import PayloadError, anything, bounded, number, row, shown
from envs.embedded.vehicle import GRAVITY_MPS2, ParameterRow, VehicleParameters
from envs.scene import FloatArray

WHEEL_RADIUS_M = 0.35
"""Radius of wheels (m; ours): brake torques are told for it."""

_FIELDS, _WHEEL_FIELDS = 17, 10
_MASS, _WHEELS = 11, 15
_USUAL_TORQUE = [[0.0, 400.0], [1890.0, 500.0], [5729.0, 400.0]]
_USUAL_GEARS = [[4.5, 0.5, 0.65], [2.6, 0.5, 0.65], [1.7, 0.5, 0.65], [1.3, 0.5, 0.65], [1.0, 0.5, 0.65]]
_USUAL_STEERING = [[0.0, 1.0], [20.0, 0.9], [60.0, 0.8], [120.0, 0.7]]


def physics_payload(actor: Actor, parameters: FloatArray, mass_kg: float, given: list[Any] | None) -> list[Any]:
    """Return what travels: ``given`` where a client has set it, else what the model's ``parameters`` come to."""
    if given is not None:
        return given
    wheels = [_wheel(actor, parameters, mass_kg, front, left) for front in (True, False) for left in (True, False)]
    return [
        _USUAL_TORQUE, 5800.0, 1.0, 0.15, 2.0, 0.35, True, 0.5, 10.0, 4.0, _USUAL_GEARS, mass_kg, 0.3,
        [0.0, 0.0, 0.0], _USUAL_STEERING, wheels, True,
    ]  # fmt: skip


def _wheel(actor: Actor, parameters: FloatArray, mass_kg: float, front: bool, left: bool) -> list[Any]:
    wheelbase, rear = parameters[ParameterRow.WHEELBASE], parameters[ParameterRow.CENTRE_TO_REAR_AXLE]
    x = wheelbase - rear if front else -rear
    y = -0.85 * actor.extent[1] if left else 0.85 * actor.extent[1]
    steer = degrees(parameters[ParameterRow.MAX_STEER_ANGLE]) if front else 0.0
    torque = 0.25 * mass_kg * float(parameters[ParameterRow.MAX_BRAKE]) * WHEEL_RADIUS_M
    place = [float(x) * CENTIMETRES, float(y) * CENTIMETRES, WHEEL_RADIUS_M * CENTIMETRES]
    friction = float(parameters[ParameterRow.FRICTION])
    hand = 0.0 if front else 2.0 * torque
    radius = WHEEL_RADIUS_M * CENTIMETRES
    return [friction, 0.25, steer, radius, torque, hand, 3.0, 20.0, 3000.0, place]


def apply_physics(payload: Any, parameters: FloatArray) -> tuple[list[Any], float]:
    """Take a physics control into ``parameters``; return (what was given, mass in kg).

    Used: mass, and of the wheels the largest steering angle, the brake torque and the friction.
    """
    given = row(payload, *[anything] * _FIELDS)
    mass = bounded(1.0, 1e6)(given[_MASS])
    wheels = given[_WHEELS]
    if not isinstance(wheels, list) or not 2 <= len(wheels) <= 16:
        raise PayloadError(f"expected the physics of 2 to 16 wheels, got {shown(wheels)}")
    numbers = np.array([[number(value) for value in row(wheel, *[anything] * _WHEEL_FIELDS)[:9]] for wheel in wheels])
    steer, torque, friction = numbers[:, 2].max(), numbers[:, 4].sum(), numbers[:, 0].min()
    parameters[ParameterRow.MAX_STEER_ANGLE] = radians(min(max(steer, 1.0), 85.0))
    parameters[ParameterRow.MAX_BRAKE] = min(max(torque / WHEEL_RADIUS_M / mass, 0.1), 2.0 * GRAVITY_MPS2)
    _set_friction(parameters, min(max(friction, 0.05), 4.0))
    return given, mass


def _set_friction(parameters: FloatArray, friction: float) -> None:
    """Set the friction, and stiffness in proportion: the tyres slide at the same slip."""
    usual = VehicleParameters()
    parameters[ParameterRow.FRICTION] = friction
    parameters[ParameterRow.FRONT_STIFFNESS] = usual.front_stiffness_1prad * friction / usual.friction
    parameters[ParameterRow.REAR_STIFFNESS] = usual.rear_stiffness_1prad * friction / usual.friction
