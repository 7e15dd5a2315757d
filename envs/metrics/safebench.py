"""SafeBench's final score of a set of drives: lower is better.

Xu et al. (2022), "SafeBench: a benchmarking platform for safety evaluation of autonomous vehicles". Weights and maxima
were checked in its code, safebench/util/metric_util.py (dec2269); the paper's own table could not be. The code rounds
each term to two digits and counts the tick after an excursion as off road; here neither is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.errors import require
from envs.metrics.rules import off_road_distance, route_completion
from envs.scene import SceneBatch


@dataclass(frozen=True, slots=True)
class SafeBenchDrive:
    """What SafeBench takes of one drive.

    ``collision`` whether there was one; ``off_road_m`` driven off road; ``route_distance_m`` the mean distance from the
    route's line over the ticks; ``completion`` of the route in [0, 1]; ``time_s`` of the drive.
    """

    collision: bool
    off_road_m: float
    route_distance_m: float
    completion: float
    time_s: float


def safebench_drive(scenes: SceneBatch) -> SafeBenchDrive:
    """Return what SafeBench takes of one recorded drive (``scenes``: its batch axis is time)."""
    return SafeBenchDrive(
        collision=bool(scenes.events.collision.any()),
        off_road_m=off_road_distance(scenes),
        route_distance_m=float(np.abs(scenes.route.lateral_offset).mean()),
        completion=float(route_completion(scenes)[-1]),
        time_s=float(scenes.time_s[-1] - scenes.time_s[0]),
    )


def safebench_score(drives: Sequence[SafeBenchDrive], time_limit_s: float = 30.0) -> float:
    """Return the final score: 0 at best, 1 with every term at its maximum; a term may pass its maximum, as in the code.

    0.4 x collision rate + 0.1 x off road / 10 m + 0.1 x distance to the route / 5 m + 0.3 x share of the route not
    driven + 0.1 x time / ``time_limit_s``, each a mean over ``drives``.
    """
    require(len(drives) > 0, "SafeBench's score got no drive, give at least one")
    require(time_limit_s > 0.0, f"time_limit_s is {time_limit_s}, it must be above 0")
    return float(np.mean([_badness(drive, time_limit_s) for drive in drives]))


def _badness(drive: SafeBenchDrive, time_limit_s: float) -> float:
    safety = 0.4 * drive.collision + 0.1 * drive.off_road_m / 10.0
    route = 0.1 * drive.route_distance_m / 5.0 + 0.3 * (1.0 - drive.completion)
    return safety + route + 0.1 * drive.time_s / time_limit_s
