"""What a drive tells beside its scenes where it was recorded: prompts and answers, the policy's choice, the scan.

The only place that knows where a recorded drive keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.observation import ObservationConfig, ObservationLayout, Observer
from envs.recording import DriveLog
from envs.scene import FloatArray, IntArray

ACTION_NAMES = ("longitudinal", "steer")
"""Order of the two actions."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider of hints was asked (``prompt``) at ``asked_at_s`` and said (``answer``, raw); its ``source``."""

    asked_at_s: float
    prompt: str
    answer: str
    source: str


@dataclass(frozen=True, slots=True)
class Scan:
    """The range scan that the planner saw: ``ranges_m`` ``(T, rays)``, ``range_m`` where a ray meets nothing.

    Ray ``i`` points ``2 pi i / rays - pi`` from the ego's heading, counter-clockwise.
    """

    range_m: float
    ranges_m: FloatArray


@dataclass(frozen=True, slots=True)
class Told:
    """All of it; what was not recorded is empty or None.

    ``answer_index`` ``(T,)`` of the answer that the hint of a tick came from, -1 where from none; ``distribution``
    ``(T, 4)`` alpha of the longitudinal action and of steer, then their betas.
    """

    answers: tuple[Answer, ...] = ()
    answer_index: IntArray | None = None
    distribution: FloatArray | None = None
    scan: Scan | None = None


def told_of(drive: DriveLog) -> Told:
    """Return what ``drive`` tells."""
    return Told()


def scan_in(observation: FloatArray, config: ObservationConfig | None = None) -> Scan | None:
    """Return the newest frame of the scan in observations ``(T, n)``; None where their layout has none."""
    known = config or ObservationConfig()
    layout = Observer(known, 1).layout
    if layout.size != observation.shape[1] or "scan" not in layout.shapes:
        return None
    return Scan(known.range_m, _ranges_m(observation, layout, known.range_m))


def _ranges_m(observation: FloatArray, layout: ObservationLayout, range_m: float) -> FloatArray:
    frames = observation[:, layout.slices["scan"]].reshape(len(observation), *layout.shapes["scan"])
    ranges: FloatArray = range_m * (1.0 - np.asarray(frames[:, -1, :, 0], dtype=np.float64))
    return ranges


def mean_and_spread(distribution: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation ``(T, 2)`` of actions in [-1, 1] from Beta parameters ``(T, 4)``."""
    alpha, beta = distribution[:, :2], distribution[:, 2:]
    total = alpha + beta
    mean: FloatArray = 2.0 * alpha / total - 1.0
    spread: FloatArray = 2.0 * np.sqrt(alpha * beta / (total + 1.0)) / total
    return mean, spread
