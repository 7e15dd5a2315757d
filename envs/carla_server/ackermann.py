"""Ackermann control: a target speed and front-wheel angle become pedals and steering, anew in every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from envs.carla_frame import steer_mirrored
from envs.carla_server.payloads import PayloadError, VehicleControl, bounded, number, row
from envs.embedded.vehicle import ParameterRow
from envs.scene import FloatArray

USUAL_GAINS = (0.15, 0.0, 0.25, 0.01, 0.0, 0.01)
"""CARLA's gains: speed (p, i, d), acceleration (p, i, d). They are told and kept; see ``RESPONSE_S``."""

RESPONSE_S = 0.5
"""Time in which an error of speed would be mended at the acceleration that is asked of the pedals (s, ours)."""


@dataclass(frozen=True, slots=True)
class AckermannTarget:
    """What is wanted: wheel angle (rad, positive left), speed (m/s, negative: backwards), acceleration bound (m/s2)."""

    steer_rad: float
    speed_mps: float
    acceleration_mps2: float

    def control(self, speed_mps: float, parameters: FloatArray) -> VehicleControl:
        """Return pedals and steering for a vehicle that now has ``speed_mps`` (negative: backwards)."""
        backwards = self.speed_mps < 0.0
        ahead = -speed_mps if backwards else speed_mps
        wanted = (abs(self.speed_mps) - ahead) / RESPONSE_S
        if self.acceleration_mps2 > 0.0:
            wanted = min(max(wanted, -self.acceleration_mps2), self.acceleration_mps2)
        # What the closed engine and rolling take has to be driven for, too.
        engine = float(min(parameters[ParameterRow.ENGINE_BRAKE] * abs(ahead),
                           parameters[ParameterRow.ENGINE_BRAKE_POWER] / max(abs(ahead), 0.5)))  # fmt: skip
        needed = wanted + engine + float(parameters[ParameterRow.ROLLING_RESISTANCE])
        throttle = min(max(needed / (float(parameters[ParameterRow.MAX_DRIVE]) + engine), 0.0), 1.0)
        brake = min(max(-needed / float(parameters[ParameterRow.MAX_BRAKE]), 0.0), 1.0)
        if self.speed_mps == 0.0 and abs(speed_mps) < 0.1:
            throttle, brake = 0.0, 1.0
        steer = min(max(self.steer_rad / float(parameters[ParameterRow.MAX_STEER_ANGLE]), -1.0), 1.0)
        return VehicleControl(throttle, steer, brake, False, backwards)


def ackermann_target(value: Any) -> AckermannTarget:
    """Return what an Ackermann control wants; its steering speed and jerk are left to the actuators."""
    angle = bounded(-1.5, 1.5)
    steer, _, speed, acceleration, _ = row(value, angle, number, bounded(-200.0, 200.0), number, number)
    return AckermannTarget(steer_mirrored(steer), speed, abs(acceleration))


def gains(value: Any) -> tuple[float, ...]:
    """Return the six gains of an Ackermann controller."""
    if not isinstance(value, (list, tuple)) or len(value) != len(USUAL_GAINS):
        raise PayloadError(f"expected the {len(USUAL_GAINS)} gains of an Ackermann controller")
    return tuple(number(item) for item in value)
