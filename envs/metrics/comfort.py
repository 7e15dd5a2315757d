"""Jerk, the comfort limits, and Bench2Drive's driving smoothness.

The limits are those of nuPlan's comfort metric, which NAVSIM and Bench2Drive took over. Checked at the source:
Bench2Drive, tools/efficiency_smoothness_benchmark.py (commit 087f74f), and nuPlan's and NAVSIM's tests and code have
all seven numbers. Two things in Bench2Drive's script differ from what its names say, and here they are what the names
say: its yaw acceleration is the smoothed yaw *rate* (no derivative is taken), and its derivatives assume 10 Hz
whatever the drive's rate is. Its smoothness scores hence are near ours, not equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.errors import require
from envs.scene import BoolArray, FloatArray, SceneBatch

SMOOTHING_TICKS = 7
SMOOTHING_ORDER = 2
SEGMENT_TICKS = 20


@dataclass(frozen=True, slots=True)
class ComfortLimits:
    """Largest comfortable values; accelerations in m/s2, jerks in m/s3, yaw in rad/s and rad/s2."""

    jerk: float = 8.37
    longitudinal_jerk: float = 4.13
    lateral_acceleration: float = 4.89
    longitudinal_deceleration: float = 4.05
    longitudinal_acceleration: float = 2.40
    yaw_rate: float = 0.95
    yaw_acceleration: float = 1.93


DEFAULT_LIMITS = ComfortLimits()


@dataclass(frozen=True, slots=True)
class Motion:
    """A drive's motion over time; every attribute is ``(..., T)`` (m/s2, m/s3, rad/s, rad/s2).

    ``jerk`` is the rate of change of the magnitude of the acceleration, as in nuPlan.
    """

    longitudinal_acceleration: FloatArray
    lateral_acceleration: FloatArray
    jerk: FloatArray
    longitudinal_jerk: FloatArray
    yaw_rate: FloatArray
    yaw_acceleration: FloatArray


def jerk(acceleration: FloatArray, period_s: float) -> FloatArray:
    """Return the jerk ``(..., T)`` (m/s3) of an acceleration ``(..., T)``: its difference over each tick, 0 first."""
    result = np.zeros_like(acceleration)
    result[..., 1:] = np.diff(acceleration, axis=-1) / period_s
    return result


def smoothed_motion(
    longitudinal: FloatArray, lateral: FloatArray, yaw_rate: FloatArray, period_s: float, window: int = SMOOTHING_TICKS
) -> Motion:
    """Return the motion from accelerations (m/s2) and yaw rate (rad/s) ``(..., T)``, smoothed as nuPlan does.

    A quadratic is fitted to each ``window`` of ticks (Savitzky and Golay, 1964). A drive that is shorter than the
    window is fitted as a whole; it must have more than two ticks.
    """
    magnitude = smooth(np.hypot(longitudinal, lateral), period_s, window)
    along, rate = smooth(longitudinal, period_s, window), smooth(yaw_rate, period_s, window)
    return Motion(
        longitudinal_acceleration=along,
        lateral_acceleration=smooth(lateral, period_s, window),
        jerk=smooth(magnitude, period_s, window, derivative=1),
        longitudinal_jerk=smooth(along, period_s, window, derivative=1),
        yaw_rate=rate,
        yaw_acceleration=smooth(rate, period_s, window, derivative=1),
    )


def discomfort(motion: Motion, limits: ComfortLimits = DEFAULT_LIMITS) -> dict[str, BoolArray]:
    """Return, by the limit's name, at which ticks ``(..., T)`` it is reached or passed."""
    along = motion.longitudinal_acceleration
    return {
        "jerk": np.abs(motion.jerk) >= limits.jerk,
        "longitudinal_jerk": np.abs(motion.longitudinal_jerk) >= limits.longitudinal_jerk,
        "lateral_acceleration": np.abs(motion.lateral_acceleration) >= limits.lateral_acceleration,
        "longitudinal_deceleration": along <= -limits.longitudinal_deceleration,
        "longitudinal_acceleration": along >= limits.longitudinal_acceleration,
        "yaw_rate": np.abs(motion.yaw_rate) >= limits.yaw_rate,
        "yaw_acceleration": np.abs(motion.yaw_acceleration) >= limits.yaw_acceleration,
    }


def comfortable(motion: Motion, limits: ComfortLimits = DEFAULT_LIMITS) -> BoolArray:
    """Return whether every tick keeps every limit, ``(...)``."""
    passed = np.logical_or.reduce(list(discomfort(motion, limits).values()))
    return np.asarray(~passed.any(axis=-1))


def driving_smoothness(scenes: SceneBatch, period_s: float, limits: ComfortLimits = DEFAULT_LIMITS) -> float:
    """Return the share of a drive's segments of 20 ticks that are comfortable, each smoothed by itself (Bench2Drive).

    The rest of fewer than 20 ticks counts only where there is no whole segment. ``scenes``: one drive over time.
    """
    ego = scenes.ego
    rows = np.stack([ego.acceleration, ego.lateral_acceleration, ego.yaw_rate])
    count = rows.shape[1] // SEGMENT_TICKS
    if count > 0:
        rows = rows[:, : count * SEGMENT_TICKS].reshape(3, count, SEGMENT_TICKS)
    motion = smoothed_motion(rows[0], rows[1], rows[2], period_s)
    return float(comfortable(motion, limits).mean())


def smooth(values: FloatArray, period_s: float, window: int = SMOOTHING_TICKS, derivative: int = 0) -> FloatArray:
    """Return ``values`` ``(..., T)`` or their derivative by a quadratic fitted to each ``window`` of ticks.

    The first and last half window are read from the first and last fit. ``window`` is odd; longer than T, it is T.
    """
    ticks = values.shape[-1]
    window = min(window, ticks)
    require(window > SMOOTHING_ORDER, f"smoothing got {ticks} ticks, it needs at least {SMOOTHING_ORDER + 1}")
    half = window // 2
    starts = np.clip(np.arange(ticks) - half, 0, ticks - window)
    windows = values[..., starts[:, None] + np.arange(window)]
    weights = _fit_weights(window, period_s, derivative)[np.arange(ticks) - starts]
    return np.asarray(np.einsum("...tw,tw->...t", windows, weights))


def _fit_weights(window: int, period_s: float, derivative: int) -> FloatArray:
    """Return the weights ``(window, window)`` that give the fitted quadratic, or its slope, at each tick."""
    times = period_s * (np.arange(window) - window // 2)
    powers = np.stack([np.ones(window), times, times**2], axis=1)
    at = powers if derivative == 0 else np.stack([np.zeros(window), np.ones(window), 2.0 * times], axis=1)
    return np.asarray(at @ np.linalg.pinv(powers))
