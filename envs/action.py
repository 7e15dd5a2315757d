"""The planner's action: two numbers in [-1, 1] become throttle, brake and steering (the paper's decision process).

The command that reaches the vehicle is limited in its change per decision and, for steering, by the
lateral acceleration that it would cause at the present speed. Without these limits a learning policy
spins before it learns anything else (without them success fell by 22 points in a trial).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from envs.compiled import njit
from envs.errors import InvalidActionError, require
from envs.scene import EgoRow, FloatArray, SceneBatch

ACTION_SIZE = 2
"""Longitudinal (throttle positive, brake negative) and steer (positive left)."""


@dataclass(frozen=True, slots=True)
class ActionConfig:
    """Limits between the policy's action and the vehicle's command."""

    max_steer_change: float = 0.25
    """Largest change of the steer command in one decision (fraction of full steering)."""
    max_longitudinal_change: float = 0.5
    """Largest change of the longitudinal command in one decision (fraction of full throttle or brake)."""
    coast_at: float = -0.4
    """Longitudinal action at which both pedals are up. Engine braking is strong (4 m/s2 at 10 m/s, as measured in
    CARLA), so with coasting at 0 a planner that has learnt nothing yet would stand still; here it drives slowly."""
    max_lateral_acceleration_mps2: float = 3.5
    """Steering is limited to this steady-state lateral acceleration (m/s2)."""
    wheelbase_m: float = 2.87
    """Distance between the axles (m), for the steady-state relation a = v^2 tan(angle) / wheelbase."""
    max_wheel_angle_rad: float = 0.913
    """Angle of the front wheels at full steering (rad)."""

    def __post_init__(self) -> None:
        """Refuse limits that no command can satisfy."""
        for name in self.__slots__:
            value = getattr(self, name)
            valid = math.isfinite(value) and (value > 0.0 or name == "coast_at")
            require(valid, f"action.{name} must be a positive number, got {value!r}")
        require(-1.0 < self.coast_at < 1.0, f"action.coast_at must lie between -1 and 1, got {self.coast_at!r}")
        require(self.max_wheel_angle_rad < math.pi / 2, "action.max_wheel_angle_rad must be less than pi/2")


def action_space() -> gym.spaces.Box:
    """Return the space of one world's action, ``Box(-1, 1, (2,))``."""
    return gym.spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)


def to_control(
    action: npt.NDArray[np.floating], scene: SceneBatch, previous: FloatArray, config: ActionConfig
) -> tuple[FloatArray, FloatArray]:
    """Return the control ``(B, 3)`` for the simulator and the command ``(B, 2)`` that was applied.

    ``action`` ``(B, 2)`` in [-1, 1] (values beyond are clipped), ``previous`` ``(B, 2)`` the command applied
    in the step before (zero at an episode's start). A command is the action after its change was limited; its steer
    is a fraction of what the lateral acceleration allows at this speed. Raises ``InvalidActionError`` for a NaN.
    """
    batch = scene.batch_size
    if action.shape != (batch, ACTION_SIZE):
        raise InvalidActionError(f"the action has shape {action.shape}; expected ({batch}, {ACTION_SIZE})")
    control, command = np.empty((batch, 3)), np.empty((batch, ACTION_SIZE))
    bad = _limit(
        action,
        scene.ego.block,
        previous,
        config.max_longitudinal_change,
        config.max_steer_change,
        config.coast_at,
        config.wheelbase_m * config.max_lateral_acceleration_mps2,
        config.max_wheel_angle_rad,
        control,
        command,
    )
    if bad >= 0:
        raise InvalidActionError(
            f"the action of world {bad} is {action[bad].tolist()}; expected two numbers in [-1, 1]"
        )
    return control, command


@njit
def steer_limit(speed_mps: float, tangent_factor: float, max_wheel_angle_rad: float) -> float:
    """Return the largest steer command in [0, 1]; ``tangent_factor`` is wheelbase x lateral acceleration."""
    squared = speed_mps * speed_mps
    if squared < 1e-6:
        return 1.0
    return min(1.0, math.atan(tangent_factor / squared) / max_wheel_angle_rad)


@njit
def _limit(
    action: npt.NDArray[np.floating],
    ego: FloatArray,
    previous: FloatArray,
    longitudinal_change: float,
    steer_change: float,
    coast_at: float,
    tangent_factor: float,
    wheel_angle: float,
    control: FloatArray,
    command: FloatArray,
) -> int:
    """Fill ``control`` and ``command``; return the first world whose action is NaN, or -1."""
    for b in range(action.shape[0]):
        longitudinal, steer = float(action[b, 0]), float(action[b, 1])
        if math.isnan(longitudinal) or math.isnan(steer):
            return b
        longitudinal = min(1.0, max(-1.0, longitudinal))
        steer = min(1.0, max(-1.0, steer))
        was_longitudinal, was_steer = previous[b, 0], previous[b, 1]
        longitudinal = min(
            was_longitudinal + longitudinal_change, max(was_longitudinal - longitudinal_change, longitudinal)
        )
        steer = min(was_steer + steer_change, max(was_steer - steer_change, steer))
        command[b, 0], command[b, 1] = longitudinal, steer
        control[b, 0] = max((longitudinal - coast_at) / (1.0 - coast_at), 0.0)
        control[b, 1] = max((coast_at - longitudinal) / (1.0 + coast_at), 0.0)
        # The whole range of the action is useful at every speed: at 10 m/s the limit is a tenth of full steering.
        control[b, 2] = steer * steer_limit(ego[EgoRow.SPEED, b], tangent_factor, wheel_angle)
    return -1
