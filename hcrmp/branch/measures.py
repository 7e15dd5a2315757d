"""What came of a drive from a moment on, and how far two drives are apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from envs.metrics.comfort import SMOOTHING_ORDER, driving_smoothness
from envs.metrics.rules import route_completion
from envs.recording import REWARD_NAMES, DriveLog
from envs.risk import time_to_collision
from envs.scene import FloatArray, SceneBatch

PARTED_M = 1.0
"""Distance between two egos from which they have gone different ways (m, ours)."""

ACCIDENTS = ("collision", "off_road", "violation")
"""Outcomes that somebody who takes over may avoid."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What came of a drive from a tick on.

    ``time_s`` to its end; ``min_ttc_s`` (0 in a collision); ``collision_speed_mps`` of the ego against whom it hit,
    None without a collision; ``completion`` of the route at its end; ``max_jerk`` (m/s3); ``smoothness``: share of
    comfortable segments (None: too short to tell); ``reward_terms``: sums by name.
    """

    outcome: str
    time_s: float
    min_ttc_s: float
    collision_speed_mps: float | None
    completion: float
    max_jerk: float
    smoothness: float | None
    reward_terms: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Parting:
    """How far the egos of two drives are apart at the same time, from a tick on, while both last.

    ``time_s`` and ``apart_m`` ``(n,)``; ``most_m``; ``parted_at_s`` when they were ``PARTED_M`` apart, None: never.
    """

    time_s: tuple[float, ...]
    apart_m: tuple[float, ...]
    most_m: float
    parted_at_s: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return asdict(self)


def aftermath(drive: DriveLog, tick: int) -> Aftermath:
    """Return what came of ``drive`` after ``tick``."""
    scenes = drive.scenes.rows(np.arange(tick, len(drive)))
    after = scenes.rows(np.arange(1, scenes.batch_size)) if scenes.batch_size > 1 else scenes
    struck = after.events.collision
    period, terms = drive.meta.decision_period_s, drive.trace.reward_terms[tick + 1 :].sum(axis=0)
    long_enough = after.batch_size > SMOOTHING_ORDER
    return Aftermath(
        outcome=drive.meta.outcome,
        time_s=round(float(scenes.time_s[-1] - scenes.time_s[0]), 6),
        min_ttc_s=float(np.where(struck, 0.0, time_to_collision(after)).min()),
        collision_speed_mps=_collision_speed(after),
        completion=float(route_completion(drive.scenes)[-1]),
        max_jerk=float(np.abs(after.ego.jerk).max()),
        smoothness=driving_smoothness(after, period) if long_enough else None,
        reward_terms={name: float(term) for name, term in zip(REWARD_NAMES, terms, strict=True)},
    )


def _collision_speed(scenes: SceneBatch) -> float | None:
    """Return the speed of the ego against the body that it hits, at the first contact (m/s)."""
    hits = np.flatnonzero(scenes.events.collision)
    if not len(hits):
        return None
    tick, ego, actors = int(hits[0]), scenes.ego, scenes.actors
    slot = int(scenes.events.collision_actor[tick])
    yaw, ahead, aside = ego.yaw[tick], ego.speed[tick], ego.lateral_speed[tick]
    own = np.array([np.cos(yaw) * ahead - np.sin(yaw) * aside, np.sin(yaw) * ahead + np.cos(yaw) * aside])
    other = np.array([actors.vx[tick, slot], actors.vy[tick, slot]]) if slot >= 0 else np.zeros(2)
    return float(np.hypot(*(own - other)))


def parting(drive: DriveLog, other: DriveLog, tick: int) -> Parting:
    """Return how far the egos of two drives are apart after ``tick``."""
    both = slice(tick, min(len(drive), len(other)))
    apart: FloatArray = np.hypot(
        drive.scenes.ego.x[both] - other.scenes.ego.x[both], drive.scenes.ego.y[both] - other.scenes.ego.y[both]
    )
    time_s = drive.scenes.time_s[both]
    parted = np.flatnonzero(apart >= PARTED_M)
    return Parting(
        tuple(round(float(t), 6) for t in time_s),
        tuple(round(float(d), 4) for d in apart),
        float(apart.max()),
        round(float(time_s[parted[0]]), 6) if len(parted) else None,
    )


def avoids(branch: DriveLog, recorded: DriveLog) -> bool | None:
    """Return whether ``branch`` ends in no accident though ``recorded`` did; None where there was none to avoid."""
    if recorded.meta.outcome not in ACCIDENTS:
        return None
    return branch.meta.outcome not in ACCIDENTS
