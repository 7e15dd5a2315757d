"""The three reward streams: safety, efficiency, comfort (the paper gives no formulas: all ours).

The order of the columns is fixed here, and everything else binds to ``REWARD_TERMS`` by name. A metric measures
(``envs.risk``), a reward only combines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from envs.compiled import njit
from envs.errors import require
from envs.extra_terms import ExtraTerm, check_terms, term_function
from envs.risk import world_time_to_collision
from envs.scene import EgoRow, FloatArray, IntArray, RoadRow, RouteRow, SceneBatch
from envs.termination import Outcome

REWARD_TERMS = ("safety", "efficiency", "comfort")
"""Names of the first columns of ``reward_terms``, in order; behind them come ``RewardConfig.extra_terms``."""


@dataclass(frozen=True, slots=True)
class RewardConfig:
    """Sizes of the reward terms. The paper gives none: the defaults are ours, from trials of the learning."""

    failure: float = 5.0
    """Safety, taken away once, on collision, off road or a violation."""
    ttc_penalty: float = 0.1
    """Safety, taken away a step at time to collision zero, fading to nothing at ``ttc_threshold_s``."""
    ttc_threshold_s: float = 3.0
    """Time to collision from which on there is no penalty (s)."""
    progress: float = 20.0
    """Efficiency, given over the whole route in proportion to progress."""
    goal: float = 5.0
    """Efficiency, given once at the goal."""
    timeout: float = 5.0
    """Efficiency, taken away once when time runs out; where an episode fails before, the share of the time that had
    passed. Without it whoever sees the time running out does better by leaving the road first."""
    discomfort: float = 0.05
    """Comfort, most that is taken away in a step."""
    jerk_share: float = 0.4
    """Share of longitudinal jerk in the discomfort."""
    acceleration_share: float = 0.15
    """Share of longitudinal acceleration in the discomfort."""
    lateral_share: float = 0.2
    """Share of lateral acceleration in the discomfort."""
    steer_share: float = 0.25
    """Share of the change of steering in the discomfort."""
    jerk_scale_mps3: float = 10.0
    """Jerk at which its share is full (m/s3)."""
    acceleration_scale_mps2: float = 4.0
    """Longitudinal acceleration at which its share is full (m/s2)."""
    lateral_scale_mps2: float = 3.5
    """Lateral acceleration at which its share is full (m/s2): the limit of ``ActionConfig``."""
    steer_scale: float = 0.03
    """Change of steering in a step at which its share is full (fraction of full steering): what ``ActionConfig``
    allows at 10 m/s, a quarter of the range that is left there."""
    speeding: float = 0.2
    """Efficiency, most that is taken away in a step above the speed limit, which is the target speed."""
    speeding_margin: float = 1.0
    """Excess over the limit at which that is full (share of the limit)."""
    line_keeping: float = 0.0
    """Efficiency, most that is taken away in a step beside the route's line: for routes, where who cuts corners gets
    stuck in junctions. None in the conditions, which ask for leaving the lane."""
    line_keeping_scale_m: float = 2.0
    """Distance from the line at which that is full (m); it grows with its square."""
    reward_weights: tuple[float, float, float] = (0.8, 1.0, 0.1)
    """Weights of (safety, efficiency, comfort) in the scalar reward that single-critic baselines learn from, chosen
    for plain PPO among few values, with one training each."""
    extra_terms: dict[str, ExtraTerm] = field(default_factory=dict)
    """Terms beside the three, by name: each is one more critic (``algo.critics``)."""

    def __post_init__(self) -> None:
        """Refuse negative sizes and scales of zero."""
        for name in self._sizes():
            value = getattr(self, name)
            require(math.isfinite(value) and value >= 0.0, f"reward.{name} must be a number >= 0, got {value!r}")
            positive = not any(part in name for part in ("scale", "threshold", "margin"))
            require(positive or value > 0.0, f"reward.{name} must be more than 0, got {value!r}")
        weights = self.reward_weights
        known = len(weights) == len(REWARD_TERMS) and all(math.isfinite(w) for w in weights)
        require(known, f"reward.reward_weights must be three numbers {REWARD_TERMS}, got {weights!r}")
        check_terms(self.extra_terms, REWARD_TERMS)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns of ``reward_terms``, in order."""
        return (*REWARD_TERMS, *self.extra_terms)

    def _sizes(self) -> tuple[str, ...]:
        return tuple(name for name in self.__slots__ if name not in ("reward_weights", "extra_terms"))

    def array(self) -> FloatArray:
        """Return all but the weights as one vector, for the kernel."""
        return np.array([getattr(self, name) for name in self._sizes()])


def reward_terms(
    scene: SceneBatch,
    outcome: IntArray,
    previous_progress_m: FloatArray,
    config: RewardConfig,
    out: FloatArray | None = None,
) -> FloatArray:
    """Return the reward terms ``(B, N)`` of one step, columns as ``config.names``.

    ``outcome`` ``(B,)`` is ``termination.judge``'s, ``previous_progress_m`` ``(B,)`` the progress one step before.

    - safety, [-5.1, 0]: ``-failure`` on collision, off road or violation; ``-ttc_penalty clip((3 - TTC) / 3, 0, 1)``
      with the time to collision to any road user, seen or not (the reward is not an observation).
    - efficiency, [-5.2, 25]: ``progress`` x (progress of this step / route length), ``+goal``; where the episode ends
      otherwise, ``-timeout`` x (time passed / time limit); ``-speeding clip((speed / limit - 1) / speeding_margin,
      0, 1)``; ``-line_keeping`` x min(lateral offset / ``line_keeping_scale_m``, 1)^2.
    - comfort, [-0.05, 0]: ``-discomfort`` x the shares of |jerk|, |acceleration|, |lateral acceleration| and
      |steer change|, each saturating at its scale.
    - the terms of ``extra_terms``: what their functions return.
    """
    terms = np.empty((scene.batch_size, len(config.names))) if out is None else out
    RewardFunction(config)(scene, outcome, previous_progress_m, terms)
    return terms


class RewardFunction:
    """``reward_terms`` with the configuration unpacked once, for the step loop."""

    def __init__(self, config: RewardConfig) -> None:
        self.config = config
        self._numbers = config.array()
        self._weights = np.array(config.reward_weights)
        self._extra = [(term_function(name, term), term.weight) for name, term in config.extra_terms.items()]

    def __call__(
        self, scene: SceneBatch, outcome: IntArray, previous_progress_m: FloatArray, out: FloatArray
    ) -> FloatArray:
        """Fill ``out`` ``(B, N)`` as ``reward_terms`` does, and return the weighted sum ``(B,)``."""
        total = np.empty(len(out))
        _terms(
            scene.time_s,
            scene.ego.block,
            scene.actors.block,
            scene.route.block,
            scene.road.block,
            outcome,
            previous_progress_m,
            self._numbers,
            self._weights,
            out,
            total,
        )
        for column, (function, weight) in enumerate(self._extra, len(REWARD_TERMS)):
            out[:, column] = function(scene)
            total += weight * out[:, column]
        return total


@njit
def _terms(
    time_s: FloatArray,
    ego: FloatArray,
    actors: FloatArray,
    route: FloatArray,
    road: FloatArray,
    outcome: IntArray,
    previous_progress: FloatArray,
    numbers: FloatArray,
    weights: FloatArray,
    out: FloatArray,
    total: FloatArray,
) -> None:
    failure, ttc_penalty, ttc_threshold = numbers[0], numbers[1], numbers[2]
    progress, goal, timeout = numbers[3], numbers[4], numbers[5]
    for b in range(out.shape[0]):
        ended = outcome[b]
        ttc = world_time_to_collision(ego, actors, b, ttc_threshold, False)
        safety = -ttc_penalty * (ttc_threshold - ttc) / ttc_threshold
        failed = ended == Outcome.COLLISION or ended == Outcome.OFF_ROAD or ended == Outcome.VIOLATION
        if failed:
            safety -= failure
        length = max(route[RouteRow.LENGTH, b], 1.0)
        efficiency = progress * (route[RouteRow.PROGRESS, b] - previous_progress[b]) / length
        if ended == Outcome.SUCCESS:
            efficiency += goal
        elif failed or ended == Outcome.TIMEOUT:
            efficiency -= timeout * min(time_s[b] / max(route[RouteRow.TIME_LIMIT, b], 1.0), 1.0)
        excess = ego[EgoRow.SPEED, b] / max(road[RoadRow.SPEED_LIMIT, b], 1.0) - 1.0
        efficiency -= numbers[15] * min(max(excess / numbers[16], 0.0), 1.0)
        aside = min(abs(route[RouteRow.LATERAL_OFFSET, b]) / numbers[18], 1.0)
        efficiency -= numbers[17] * aside * aside
        comfort = -_discomfort(ego, b, numbers)
        out[b, 0], out[b, 1], out[b, 2] = safety, efficiency, comfort
        total[b] = weights[0] * safety + weights[1] * efficiency + weights[2] * comfort


@njit
def _discomfort(ego: FloatArray, b: int, numbers: FloatArray) -> float:
    """Return the discomfort of world ``b``; ``numbers``: 6 size, 7-10 shares, 11-14 scales (``RewardConfig.array``)."""
    felt = (
        numbers[7] * min(abs(ego[EgoRow.JERK, b]) / numbers[11], 1.0)
        + numbers[8] * min(abs(ego[EgoRow.ACCELERATION, b]) / numbers[12], 1.0)
        + numbers[9] * min(abs(ego[EgoRow.LATERAL_ACCELERATION, b]) / numbers[13], 1.0)
        + numbers[10] * min(abs(ego[EgoRow.STEER_CHANGE, b]) / numbers[14], 1.0)
    )
    return float(numbers[6] * felt)
