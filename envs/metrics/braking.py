"""Braking with a ramp, in closed form: a vehicle at constant speed whose deceleration grows linearly, then holds.

Positions are exact at any time, so that gaps between two braking vehicles need no integration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.scene import FloatArray

_STEP_S = 0.01


@dataclass(frozen=True, slots=True)
class Braking:
    """Vehicles that brake to a standstill; every attribute is ``(B,)`` or a number.

    ``speed`` before (m/s); ``start_s`` of the braking (infinity: never); ``jerk`` (m/s3) for ``ramp_s`` (s), after
    which the deceleration ``jerk`` x ``ramp_s`` holds.
    """

    speed: FloatArray
    start_s: FloatArray
    jerk: FloatArray | float
    ramp_s: FloatArray | float

    @property
    def stop_s(self) -> FloatArray:
        """When they stand (s)."""
        return self.start_s + _time_to_shed(self.speed, self.jerk, self.ramp_s)

    def travelled(self, time_s: FloatArray) -> FloatArray:
        """Return the metres driven by ``time_s``, which broadcasts against ``(B,)``."""
        braking = np.clip(time_s - self.start_s, 0.0, _time_to_shed(self.speed, self.jerk, self.ramp_s))
        cruising = np.minimum(time_s, self.start_s)
        return self.speed * (cruising + braking) - _shortfall(braking, self.jerk, self.ramp_s)


def closed_until_matched(closing: FloatArray, jerk: FloatArray | float, ramp_s: FloatArray | float) -> FloatArray:
    """Return the metres by which a gap shrinks from the start of braking until it does not close any more.

    ``closing`` speed at the start (m/s, not negative) against a vehicle of constant speed.
    """
    until = _time_to_shed(closing, jerk, ramp_s)
    return closing * until - _shortfall(until, jerk, ramp_s)


def least_gap(gap: FloatArray, behind: Braking, ahead: Braking) -> FloatArray:
    """Return the least distance ``(B,)`` (m) between two braking vehicles that start ``gap`` apart (bumper to bumper).

    Both must come to stand. Positions are exact and are looked at each 0.01 s and at the end, so that the minimum is at
    most a millimetre too large where the decelerations differ by less than 80 m/s2.
    """
    end_s = float(np.maximum(behind.stop_s, ahead.stop_s).max(initial=0.0))
    smallest = np.array(gap, dtype=np.float64)
    for time_s in np.append(np.arange(0.0, end_s, _STEP_S), end_s):
        apart = gap + ahead.travelled(time_s) - behind.travelled(time_s)
        smallest = np.minimum(smallest, apart)
    return smallest


def _time_to_shed(speed: FloatArray, jerk: FloatArray | float, ramp_s: FloatArray | float) -> FloatArray:
    """Return how long the braking takes to shed ``speed`` (s)."""
    in_ramp = 0.5 * jerk * np.square(ramp_s)
    after = np.maximum(speed - in_ramp, 0.0) / (jerk * ramp_s)
    return np.where(speed <= in_ramp, np.sqrt(2.0 * speed / jerk), ramp_s + after)


def _shortfall(braking: FloatArray, jerk: FloatArray | float, ramp_s: FloatArray | float) -> FloatArray:
    """Return the metres that ``braking`` seconds of it cost against constant speed."""
    ramp = np.minimum(braking, ramp_s)
    full = braking - ramp
    return jerk * (ramp**3 / 6.0 + 0.5 * ramp**2 * full + 0.5 * ramp_s * full**2)
