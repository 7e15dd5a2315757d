"""What a drive tells beside its scenes where it was recorded: prompts and answers, the policy's choice, the scan.

The only place that knows where a recorded drive keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from envs.observation import ObservationConfig, Observer
from envs.recording import DriveLog, DriveMeta, HintTold
from envs.scene import FloatArray, IntArray
from hcrmp.errors import ConfigError
from hcrmp.mapping import from_mapping
from hcrmp.observation_bounds import check_observation

ACTION_NAMES = ("longitudinal", "steer")
"""Order of the two actions."""


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

    ``answer_index`` ``(T,)`` of the answer that the hint of a tick came from, -1 where from none; ``mean`` and
    ``spread`` ``(T, 2)`` of the policy's actions in [-1, 1], the spread as a standard deviation.
    """

    answers: tuple[HintTold, ...] = ()
    answer_index: IntArray | None = None
    mean: FloatArray | None = None
    spread: FloatArray | None = None
    scan: Scan | None = None


def told_of(drive: DriveLog) -> Told:
    """Return what ``drive`` tells."""
    trace = drive.trace
    mean, spread = (None, None) if trace.distribution is None else mean_and_spread(trace.distribution)
    known = observation_of(drive.meta)
    scan = None if trace.observation is None or known is None else scan_in(trace.observation, known)
    return Told(drive.hints, trace.hint_index, mean, spread, scan)


def observation_of(meta: DriveMeta) -> ObservationConfig | None:
    """Return what the planner of a drive saw: the usual where its configuration does not say, None if in other words.

    A drive of a later version may know keys that this one does not; it is shown all the same. So is one that says that
    more was seen than anybody would build.
    """
    config = meta.configuration.get("config")
    values = config.get("observation") if isinstance(config, Mapping) else None
    try:
        told = from_mapping(ObservationConfig, values) if isinstance(values, Mapping) else ObservationConfig()
        check_observation(told)
    except (ConfigError, ValueError):
        return None
    return told


def scan_in(observation: npt.NDArray[np.float32], config: ObservationConfig) -> Scan | None:
    """Return the newest frame of the scan in observations ``(T, n)``; None where their layout has none.

    Whoever wrote the drive wrote ``config``: its own blocks, which stand behind the others, are code and not imported.
    """
    layout = Observer(replace(config, extra_blocks={}), 1).layout
    more = observation.shape[1] - layout.size
    if more < 0 or bool(more) != bool(config.extra_blocks) or "scan" not in layout.shapes:
        return None
    frames = observation[:, layout.slices["scan"]].reshape(len(observation), *layout.shapes["scan"])
    nearness = np.asarray(frames[:, -1, :, 0], dtype=np.float64)
    return Scan(config.range_m, config.range_m * (1.0 - nearness))


def mean_and_spread(distribution: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation ``(T, 2)`` of actions in [-1, 1] from a trace's ``distribution`` ``(T, 4)``.

    Both parameters of a planner's Beta are always more than 1; a Gaussian's mean and deviation are not.
    """
    alpha, beta = distribution[:, 0::2], distribution[:, 1::2]
    if not (distribution > 1.0).all():
        return alpha, beta
    total = alpha + beta
    mean: FloatArray = 2.0 * alpha / total - 1.0
    spread: FloatArray = 2.0 * np.sqrt(alpha * beta / (total + 1.0)) / total
    return mean, spread
