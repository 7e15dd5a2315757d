"""Path and speed tracking that all scripted drivers share."""

from __future__ import annotations

import math

from envs.action import ActionConfig, steer_limit
from envs.compiled import njit
from envs.scene import EgoRow, FloatArray

SPEED_GAIN = 0.5
"""Longitudinal command per m/s of speed error (ours)."""

HOLD_THROTTLE = 0.1
"""Longitudinal action that roughly holds a town speed against the resistances (ours)."""

APPROACH_TIME_S = 1.1
"""Time constant with which a lateral error is closed (s, ours)."""

HEADING_GAIN = 1.3
"""Wheel angle per heading error (rad/rad, ours)."""


@njit
def track_line(
    ego: FloatArray,
    b: int,
    offset_error: float,
    heading_error: float,
    curvature: float,
    speed_wish: float,
    wheelbase: float,
    wheel_angle: float,
    tangent_factor: float,
    action: FloatArray,
    row: int,
) -> None:
    """Write the action ``action[row]`` (2,) that leads ego ``b`` to a line and a speed.

    ``offset_error`` of the ego from the line (m, positive left), ``heading_error`` against it (rad), ``curvature``
    of it (1/m), ``speed_wish`` (m/s).
    """
    speed = ego[EgoRow.SPEED, b]
    heading_wish = -math.atan2(offset_error, max(APPROACH_TIME_S * speed, 4.0))
    angle = math.atan(wheelbase * curvature) + HEADING_GAIN * (heading_wish - heading_error)
    bound = steer_limit(speed, tangent_factor, wheel_angle)
    action[row, 1] = min(max(angle / (wheel_angle * bound), -1.0), 1.0)
    longitudinal = SPEED_GAIN * (speed_wish - speed) + (HOLD_THROTTLE if speed_wish > 0.5 else -0.6)
    action[row, 0] = min(max(longitudinal, -1.0), 1.0)


def track_numbers(config: ActionConfig) -> tuple[float, float, float]:
    """Return (wheelbase, wheel angle, tangent factor) of ``track_line`` for an action configuration."""
    factor = config.wheelbase_m * config.max_lateral_acceleration_mps2
    return config.wheelbase_m, config.max_wheel_angle_rad, factor
