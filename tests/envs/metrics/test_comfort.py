"""Jerk, smoothing and comfort limits by hand, and the smoothing against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from envs.errors import InvalidConfigError
from envs.metrics.comfort import comfortable, discomfort, driving_smoothness, jerk, smooth, smoothed_motion
from envs.scene import EgoRow
from tests.envs.builders import make_scene

STILL = np.zeros(20)


def test_jerk_by_hand() -> None:
    assert jerk(np.array([0.0, 0.5, 0.5, -1.0]), 0.1) == pytest.approx([0.0, 5.0, 0.0, -15.0])
    assert jerk(np.array([[1.0, 2.0], [2.0, 2.0]]), 0.5) == pytest.approx(np.array([[0.0, 2.0], [0.0, 0.0]]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=7, max_size=40), st.sampled_from([3, 5, 7]), st.sampled_from([0, 1]))
def test_smoothing_is_savitzky_and_golays(values: list[float], window: int, derivative: int) -> None:
    expected = savgol_filter(values, window_length=window, polyorder=2, deriv=derivative, delta=0.1)
    assert smooth(np.array(values), 0.1, window, derivative) == pytest.approx(expected, abs=1e-8)


def test_a_quadratic_is_kept_and_its_slope_found() -> None:
    times = 0.1 * np.arange(12)
    values = 1.0 + 2.0 * times - 3.0 * times**2
    assert smooth(values, 0.1) == pytest.approx(values)
    assert smooth(values, 0.1, derivative=1) == pytest.approx(2.0 - 6.0 * times)
    assert smooth(values[:4], 0.1) == pytest.approx(values[:4])


def test_too_short_to_smooth() -> None:
    with pytest.raises(InvalidConfigError, match="got 2 ticks, it needs at least 3"):
        smooth(np.zeros(2), 0.1)


@pytest.mark.parametrize(
    ("longitudinal", "lateral", "yaw_rate", "passed"),
    [
        (2.3, 0.0, 0.0, set()),
        (2.5, 0.0, 0.0, {"longitudinal_acceleration"}),
        (-4.0, 0.0, 0.0, set()),
        (-4.1, 0.0, 0.0, {"longitudinal_deceleration"}),
        (0.0, 4.8, 0.9, set()),
        (0.0, -4.9, 0.0, {"lateral_acceleration"}),
        (0.0, 0.0, -0.96, {"yaw_rate"}),
    ],
)
def test_limits_on_constant_motion(longitudinal: float, lateral: float, yaw_rate: float, passed: set[str]) -> None:
    motion = smoothed_motion(STILL + longitudinal, STILL + lateral, STILL + yaw_rate, 0.1)
    assert {name for name, ticks in discomfort(motion).items() if ticks.all()} == passed
    assert {name for name, ticks in discomfort(motion).items() if ticks.any()} == passed
    assert bool(comfortable(motion)) == (not passed)


def test_limits_on_ramps() -> None:
    """Ramps through zero: 4.2 m/s3 along; across 8.4 m/s3 (from 4 m/s2 on, so that the magnitude has it); 2 rad/s2."""
    times = np.linspace(-0.95, 0.95, 20)
    along = discomfort(smoothed_motion(2.0 * times, STILL, STILL, 0.1))
    assert not any(ticks.any() for name, ticks in along.items())
    along = discomfort(smoothed_motion(0.5 + 4.2 * times / 4.0, STILL, STILL, 0.025))
    assert along["longitudinal_jerk"].all() and not along["jerk"].any()
    across = discomfort(smoothed_motion(STILL, 2.0 + 8.4 * times / 10.0, STILL, 0.01))
    assert across["jerk"].all() and not across["longitudinal_jerk"].any()
    turning = discomfort(smoothed_motion(STILL, STILL, 2.0 * times / 4.0, 0.025))
    assert turning["yaw_acceleration"].all() and not turning["yaw_rate"].any()


def test_a_batch_of_drives() -> None:
    motion = smoothed_motion(np.stack([STILL, STILL + 3.0]), np.zeros((2, 20)), np.zeros((2, 20)), 0.1)
    assert comfortable(motion).tolist() == [True, False]


def test_driving_smoothness_is_the_share_of_comfortable_segments() -> None:
    """Segments of 20 ticks: calm, braking at 5 m/s2, calm; the 10 ticks that are left over do not count."""
    scenes = make_scene(70)
    scenes.ego.block[EgoRow.ACCELERATION, 20:40] = -5.0
    scenes.ego.block[EgoRow.ACCELERATION, 60:] = -5.0
    assert driving_smoothness(scenes, 0.1) == pytest.approx(2.0 / 3.0)
    assert driving_smoothness(scenes.rows(slice(0, 15)), 0.1) == 1.0
    assert driving_smoothness(scenes.rows(slice(40, 65)), 0.1) == 1.0
    assert driving_smoothness(scenes.rows(slice(60, 70)), 0.1) == 0.0


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.0, 2 * math.pi))
def test_jerk_of_a_turning_constant_acceleration_is_zero(a: float, b: float, turn: float) -> None:
    """nuPlan's jerk is that of the magnitude: an acceleration that only changes its direction has none."""
    size = math.hypot(a, b)
    angles = turn + 0.01 * np.arange(20)
    motion = smoothed_motion(size * np.cos(angles), size * np.sin(angles), STILL, 0.1)
    assert motion.jerk == pytest.approx(np.zeros(20), abs=1e-9)
