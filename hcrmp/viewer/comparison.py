"""Two drives beside each other: when their egos part, how far, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.metrics.boxes import minimal_distance
from envs.recording import DriveLog
from envs.risk import time_to_collision
from envs.scene import FloatArray
from hcrmp.viewer.packing import LENGTH_QUANTUM_M, TIME_QUANTUM_S, series

PARTED_M = 0.1
"""The egos have parted from this distance on (m; ours: below it two drives look alike)."""


def encode_comparison(first: DriveLog, second: DriveLog, names: Sequence[str]) -> dict[str, Any]:
    """Return names, the moment at which the egos part (s, or None), their distance over time, and a table of facts."""
    time_s, apart_m = ego_distance(first, second)
    return {
        "names": list(names),
        "parted": parting_time_s(time_s, apart_m),
        "apart": {"time": series(time_s, TIME_QUANTUM_S), "metres": series(apart_m, LENGTH_QUANTUM_M)},
        "facts": [
            {"name": name, "unit": unit, "values": [one, other]}
            for (name, unit, one), (_, _, other) in zip(facts(first), facts(second), strict=True)
        ],
    }


def ego_distance(first: DriveLog, second: DriveLog) -> tuple[FloatArray, FloatArray]:
    """Return times ``(n,)`` that both drives have (s, the first's ticks) and how far the egos are apart then (m)."""
    own, other = first.scenes, second.scenes
    time_s = own.time_s[(own.time_s >= other.time_s[0] - 1e-6) & (own.time_s <= other.time_s[-1] + 1e-6)]

    def at(scenes: Any, values: FloatArray) -> FloatArray:
        found: FloatArray = np.interp(time_s, scenes.time_s, values)
        return found

    dx = at(own, own.ego.x) - at(other, other.ego.x)
    dy = at(own, own.ego.y) - at(other, other.ego.y)
    return time_s, np.hypot(dx, dy)


def parting_time_s(time_s: FloatArray, apart_m: FloatArray) -> float | None:
    """Return the first time at which the egos are apart; None where they never are, or share no time."""
    parted = np.flatnonzero(apart_m >= PARTED_M)
    return float(time_s[parted[0]]) if len(parted) else None


def facts(drive: DriveLog) -> list[tuple[str, str, str]]:
    """Return what is told of a drive as (name, unit, value in words)."""
    scenes = drive.scenes
    ttc_s, distance_m = time_to_collision(scenes), minimal_distance(scenes)
    driven_m = float(np.hypot(np.diff(scenes.ego.x), np.diff(scenes.ego.y)).sum())
    length_m = float(scenes.route.length_m[-1])
    done = f"{100.0 * min(1.0, float(scenes.route.progress_m[-1]) / length_m):.0f}" if length_m > 0.0 else "\u2013"
    nearest = float(distance_m.min())
    return [
        ("outcome", "", drive.meta.outcome.replace("_", " ")),
        ("ended at", "s", f"{scenes.time_s[-1]:.1f}"),
        ("driven", "m", f"{driven_m:.0f}"),
        ("of the route", "%", done),
        ("least time to collision", "s", f"{ttc_s.min():.1f} at {scenes.time_s[int(ttc_s.argmin())]:.1f}"),
        ("least distance", "m", f"{nearest:.1f}" if np.isfinite(nearest) else "\u2013"),
        ("mean speed", "m/s", f"{scenes.ego.speed.mean():.1f}"),
        ("hardest brake", "m/s\u00b2", f"{max(0.0, -float(scenes.ego.acceleration.min())):.1f}"),
        ("reward", "sum", f"{drive.trace.reward_terms.sum():.1f}"),
    ]
