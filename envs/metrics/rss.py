"""Responsibility-Sensitive Safety: the longitudinal safe distances and their violation.

Shalev-Shwartz, Shammah and Shashua (2017), "On a formal model of safe and scalable self-driving cars",
arXiv:1708.06374: same direction by Definition 1 and its lemma, opposite directions by the definition that follows.
Distances are from bumper to bumper; speeds along the lane. The first formula was checked against two restatements of it
in public code; the second is the definition's as we know it, and could not be looked up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.errors import require
from envs.metrics.following import leader
from envs.scene import BoolArray, FloatArray, SceneBatch


@dataclass(frozen=True, slots=True)
class RssParameters:
    """The constants of RSS; the paper leaves them open.

    ``response_s`` until a car brakes; ``acceleration`` at most during it; ``brake_min`` that a car which is at fault
    applies at least; ``brake_min_correct`` that a car in its own lane applies at least against oncoming traffic;
    ``brake_max`` that the car in front applies at most (m/s2, all positive). The defaults are those of a vehicle in
    CARLA's RSS sensor (LibCarla, RssCheck::GetDefaultVehicleDynamics, read there).
    """

    response_s: float = 1.0
    acceleration: float = 3.5
    brake_min: float = 4.0
    brake_min_correct: float = 3.0
    brake_max: float = 8.0

    def __post_init__(self) -> None:
        require(self.response_s >= 0.0, f"response_s is {self.response_s}, it must not be negative")
        require(self.acceleration >= 0.0, f"acceleration is {self.acceleration}, it must not be negative")
        weakest = min(self.brake_min, self.brake_min_correct, self.brake_max)
        require(weakest > 0.0, f"the weakest braking is {weakest} m/s2, give positive decelerations")


DEFAULT_RSS = RssParameters()


def safe_distance(
    rear_speed: FloatArray, front_speed: FloatArray, parameters: RssParameters = DEFAULT_RSS
) -> FloatArray:
    """Return the safe distance (m) behind a car that drives in the same direction; speeds (m/s) broadcast.

    The car behind accelerates through its response time and then brakes with ``brake_min``, while the car in front
    brakes with ``brake_max``.
    """
    response = parameters.response_s
    after = rear_speed + response * parameters.acceleration
    travelled = rear_speed * response + 0.5 * parameters.acceleration * response**2
    behind = travelled + after**2 / (2.0 * parameters.brake_min)
    return np.maximum(behind - np.square(front_speed) / (2.0 * parameters.brake_max), 0.0)


def safe_distance_opposite(
    speed: FloatArray, oncoming_speed: FloatArray, parameters: RssParameters = DEFAULT_RSS
) -> FloatArray:
    """Return the safe distance (m) between two cars that drive towards each other.

    ``speed`` of the car that is in its own lane, ``oncoming_speed`` of the other (m/s, both positive towards each
    other). Both accelerate through the response time; then the first brakes with ``brake_min_correct`` and the other
    with ``brake_min``.
    """
    own = _stopping_distance(speed, parameters.brake_min_correct, parameters)
    return own + _stopping_distance(oncoming_speed, parameters.brake_min, parameters)


def violation(gap: FloatArray, safe: FloatArray) -> FloatArray:
    """Return by how much ``gap`` falls short of the ``safe`` distance (m); 0 where it does not."""
    return np.maximum(np.asarray(safe) - gap, 0.0)


def leader_violation(scene: SceneBatch, parameters: RssParameters = DEFAULT_RSS) -> tuple[BoolArray, FloatArray]:
    """Return whether the ego is too near its leader ``(B,)``, and by how much ``(B,)`` (m).

    A leader that comes towards the ego is met by the distance for opposite directions, the ego being in its own lane.
    """
    ahead = leader(scene)
    own = np.maximum(ahead.ego_speed, 0.0)
    same = safe_distance(own, np.maximum(ahead.speed, 0.0), parameters)
    opposite = safe_distance_opposite(own, np.maximum(-ahead.speed, 0.0), parameters)
    short = violation(ahead.gap, np.where(ahead.speed < 0.0, opposite, same))
    return short > 0.0, short


def _stopping_distance(speed: FloatArray, brake: float, parameters: RssParameters) -> FloatArray:
    after = speed + parameters.response_s * parameters.acceleration
    return np.asarray(0.5 * (speed + after) * parameters.response_s + after**2 / (2.0 * brake))
