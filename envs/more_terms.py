"""Reward terms to choose beside the three (``reward.extra_terms``): pure functions of the scenes, ``(B,)`` (ours)."""

from __future__ import annotations

import numpy as np

from envs.scene import FloatArray, SceneBatch

BRAKING_SCALE_MPS2 = 3.0
"""Braking of a follower at which ``courtesy`` is -1: what ``envs.traffic`` calls comfortable."""

BEHIND_M, ASIDE_M = 30.0, 2.0
"""How far behind the ego, and how far beside its axis, a road user is a follower (m)."""

LANE_SCALE_M = 1.0
"""Distance from the lane's centre at which ``lane_keeping`` is -1."""

POWER_SCALE_WPKG = 30.0
"""Driving power of a kilogram at which ``energy`` is -1: 3 m/s2 at 10 m/s."""


def courtesy(scene: SceneBatch) -> FloatArray:
    """Return minus how hard the hardest-braking follower of the ego brakes, in [-1, 0]: who is cut off brakes."""
    ego, actors = scene.ego, scene.actors
    dx, dy = actors.x - ego.x[:, None], actors.y - ego.y[:, None]
    cos, sin = np.cos(ego.yaw)[:, None], np.sin(ego.yaw)[:, None]
    ahead, aside = cos * dx + sin * dy, cos * dy - sin * dx
    follows = actors.valid & (ahead < 0.0) & (ahead > -BEHIND_M) & (np.abs(aside) < ASIDE_M)
    braking = np.where(follows, np.maximum(-actors.acceleration, 0.0), 0.0)
    hardest: FloatArray = braking.max(axis=1, initial=0.0)
    return -np.minimum(hardest / BRAKING_SCALE_MPS2, 1.0)


def lane_keeping(scene: SceneBatch) -> FloatArray:
    """Return minus the squared distance from the centre of the ego's lane, in [-1, 0]."""
    return -(np.minimum(np.abs(scene.road.lane_offset) / LANE_SCALE_M, 1.0) ** 2)


def energy(scene: SceneBatch) -> FloatArray:
    """Return minus the power that speeding up takes, in [-1, 0]; nothing is regained by braking."""
    power = np.maximum(scene.ego.acceleration, 0.0) * np.maximum(scene.ego.speed, 0.0)
    return -np.minimum(power / POWER_SCALE_WPKG, 1.0)
