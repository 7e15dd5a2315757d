"""Between CARLA's frame and ours; the only place where coordinates, angles and steering change their sign.

CARLA (as Unreal): left-handed, x forward, y right, z up, degrees; pitch is nose up, roll is right side down, yaw is
clockwise seen from above, steering is positive to the right. Ours (ISO 8855): right-handed, y left, radians; pitch is
nose down, roll is right side down, yaw is counter-clockwise, steering is positive to the left. The mirror is y = 0.
The functions of one number also serve kernels.
"""

from __future__ import annotations

import math

import numpy as np

from envs.compiled import njit
from envs.scene import FloatArray

MIRROR = np.array([1.0, -1.0, 1.0])
"""What a location or a velocity ``(..., 3)`` is multiplied with to change its frame, either way."""

_TURN = np.array([1.0, -1.0, -1.0])

CENTIMETRES = 100.0
"""Unreal's units in a metre, as recorder files and wheel positions have them."""


def mirrored(vectors: FloatArray) -> FloatArray:
    """Return locations or velocities ``(..., 3)`` (m, m/s) in the other frame; the way back is the same."""
    result: FloatArray = np.asarray(vectors, dtype=np.float64) * MIRROR
    return result


@njit
def y_mirrored(y: float) -> float:
    """Return a y coordinate (m) in the other frame; zero stays positive, so that equal states have equal bytes."""
    return 0.0 - y


@njit
def yaw_to_carla(yaw_rad: float) -> float:
    """Return CARLA's yaw (degrees, not wrapped) of ours (rad); so does a pitch change."""
    return 0.0 - yaw_rad * (180.0 / math.pi)


@njit
def yaw_from_carla(yaw_deg: float) -> float:
    """Return our yaw (rad, not wrapped) of CARLA's (degrees); so does a pitch change."""
    return 0.0 - yaw_deg * (math.pi / 180.0)


@njit
def roll_to_carla(roll_rad: float) -> float:
    """Return CARLA's roll (degrees) of ours (rad)."""
    return roll_rad * (180.0 / math.pi)


@njit
def steer_mirrored(steer: float) -> float:
    """Return a steering command [-1, 1] or angle in the other frame; the way back is the same."""
    return 0.0 - steer


def rotation_to_carla(rotation_rad: FloatArray) -> FloatArray:
    """Return CARLA's (pitch, yaw, roll) ``(..., 3)`` in degrees of our (roll, pitch, yaw) in radians."""
    degrees = np.degrees(np.asarray(rotation_rad, dtype=np.float64))
    roll, pitch, yaw = np.moveaxis(degrees, -1, 0)
    return np.stack([0.0 - pitch, 0.0 - yaw, roll], axis=-1)


def rotation_from_carla(rotation_deg: FloatArray) -> FloatArray:
    """Return our (roll, pitch, yaw) ``(..., 3)`` in radians of CARLA's (pitch, yaw, roll) in degrees."""
    radians = np.radians(np.asarray(rotation_deg, dtype=np.float64))
    pitch, yaw, roll = np.moveaxis(radians, -1, 0)
    return np.stack([roll, 0.0 - pitch, 0.0 - yaw], axis=-1)


def turn_rate_to_carla(rates_radps: FloatArray) -> FloatArray:
    """Return CARLA's angular velocity ``(..., 3)`` (deg/s about x, y, z) of ours (rad/s): signs as those of angles."""
    rates: FloatArray = np.degrees(np.asarray(rates_radps, dtype=np.float64)) * _TURN
    return rates


def turn_rate_from_carla(rates_degps: FloatArray) -> FloatArray:
    """Return our angular velocity ``(..., 3)`` (rad/s about x, y, z) of CARLA's (deg/s)."""
    rates: FloatArray = np.radians(np.asarray(rates_degps, dtype=np.float64)) * _TURN
    return rates


def rotation_matrix(rotation_rad: FloatArray) -> FloatArray:
    """Return the ``(3, 3)`` matrix of our (roll, pitch, yaw) (rad): its columns are the body's axes in the world."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(rotation_rad), np.sin(rotation_rad)
    return np.array([
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ])  # fmt: skip


def rotation_of_matrix(matrix: FloatArray) -> FloatArray:
    """Return our (roll, pitch, yaw) (rad) of a rotation matrix ``(3, 3)``; straight up or down the roll is 0."""
    horizontal = np.hypot(matrix[0, 0], matrix[1, 0])
    pitch = np.arctan2(-matrix[2, 0], horizontal)
    if horizontal < 1e-9:
        return np.array([0.0, pitch, np.arctan2(-matrix[0, 1], matrix[1, 1])])
    return np.array([np.arctan2(matrix[2, 1], matrix[2, 2]), pitch, np.arctan2(matrix[1, 0], matrix[0, 0])])
