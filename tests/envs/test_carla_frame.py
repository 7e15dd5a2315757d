"""The one conversion between CARLA's frame and ours: hand cases, round trips, and CARLA's own vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.carla_frame import (
    mirrored,
    rotation_from_carla,
    rotation_matrix,
    rotation_of_matrix,
    rotation_to_carla,
    steer_mirrored,
    turn_rate_from_carla,
    turn_rate_to_carla,
    y_mirrored,
    yaw_from_carla,
    yaw_to_carla,
)

FINITE = st.floats(-1e6, 1e6)
ANGLE = st.floats(-math.pi, math.pi)
PITCH = st.floats(-1.5, 1.5)


def test_north_is_minus_y_and_minus_ninety_degrees() -> None:
    assert mirrored(np.array([1.0, 2.0, 3.0])).tolist() == [1.0, -2.0, 3.0]
    assert y_mirrored(2.5) == -2.5
    assert yaw_to_carla(math.pi / 2) == pytest.approx(-90.0)
    assert yaw_from_carla(90.0) == pytest.approx(-math.pi / 2)
    assert steer_mirrored(0.25) == -0.25


def test_nose_up_is_positive_there_and_negative_here() -> None:
    pitch_deg, yaw_deg, roll_deg = rotation_to_carla(np.radians([10.0, -20.0, 30.0]))
    assert (pitch_deg, yaw_deg, roll_deg) == pytest.approx((20.0, -30.0, 10.0))


def test_a_left_turn_is_negative_there() -> None:
    assert turn_rate_to_carla(np.array([0.0, 0.0, math.pi])) == pytest.approx([0.0, 0.0, -180.0])


def test_zero_has_no_sign() -> None:
    for value in (y_mirrored(0.0), yaw_to_carla(0.0), yaw_from_carla(0.0), steer_mirrored(0.0)):
        assert math.copysign(1.0, value) == 1.0


@given(st.tuples(FINITE, FINITE, FINITE))
def test_there_and_back_is_the_same(values: tuple[float, float, float]) -> None:
    vector = np.array(values)
    assert mirrored(mirrored(vector)).tolist() == vector.tolist()
    assert rotation_from_carla(rotation_to_carla(vector)) == pytest.approx(vector)
    assert turn_rate_from_carla(turn_rate_to_carla(vector)) == pytest.approx(vector)
    assert yaw_from_carla(yaw_to_carla(values[0])) == pytest.approx(values[0])


@given(ANGLE, PITCH, ANGLE)
def test_a_matrix_gives_its_angles_back(roll: float, pitch: float, yaw: float) -> None:
    matrix = rotation_matrix(np.array([roll, pitch, yaw]))
    assert matrix @ matrix.T == pytest.approx(np.eye(3), abs=1e-12)
    assert rotation_matrix(rotation_of_matrix(matrix)) == pytest.approx(matrix, abs=1e-9)


@given(ANGLE, PITCH, ANGLE)
def test_the_axes_are_carlas(roll: float, pitch: float, yaw: float) -> None:
    """The body's axes, mirrored, are what CARLA's own rotation gives (its right is minus our left)."""
    carla: Any = pytest.importorskip("carla")
    rotation = np.array([roll, pitch, yaw])
    pitch_deg, yaw_deg, roll_deg = rotation_to_carla(rotation).tolist()
    theirs = carla.Transform(carla.Location(), carla.Rotation(pitch=pitch_deg, yaw=yaw_deg, roll=roll_deg))
    forward, left, up = (mirrored(axis) for axis in rotation_matrix(rotation).T)
    for ours, vector in (
        (forward, theirs.get_forward_vector()), (-left, theirs.get_right_vector()), (up, theirs.get_up_vector()),
    ):  # fmt: skip
        assert ours == pytest.approx([vector.x, vector.y, vector.z], abs=2e-5)
