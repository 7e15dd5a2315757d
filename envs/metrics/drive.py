"""The measures of one recorded drive, each as one number: what a table of evaluated drives holds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from envs.errors import require
from envs.metrics.boxes import minimal_distance
from envs.metrics.comfort import SMOOTHING_ORDER, driving_smoothness
from envs.metrics.exposure import time_exposed, time_integrated
from envs.metrics.following import deceleration_to_avoid_crash, lane_time_to_collision, leader, time_headway
from envs.metrics.rss import DEFAULT_RSS, RssParameters, leader_violation
from envs.metrics.rules import off_road_distance, onsets, route_completion
from envs.risk import TTC_HORIZON_S, time_to_collision
from envs.scene import SceneBatch

CRITICAL_TTC_S = 1.5
"""A time to collision that counts as critical for TET and TIT (s): ours, among the 1 to 3 s of the literature."""


@dataclass(frozen=True, slots=True)
class DriveMeasures:
    """The worst and the sums of a drive; the definitions stand with the functions.

    ``min_ttc_s`` in the plane, ``envs.risk.TTC_HORIZON_S`` where there was none; ``min_lane_ttc_s``, ``min_headway_s``
    and ``min_distance_m`` infinity where there was nobody; ``max_drac`` (m/s2); ``tet_s``, ``tit_s2`` of the time to
    collision in the plane; ``max_jerk`` the largest absolute longitudinal jerk (m/s3); ``smoothness`` the share of
    comfortable segments; ``rss_violation`` the share of ticks that are too near the leader; ``red_lights`` run;
    ``off_road_m``; ``completion`` of the route in [0, 1]. In the tick of a collision the time to collision in the plane
    and the distance are 0.
    """

    min_ttc_s: float
    min_lane_ttc_s: float
    min_headway_s: float
    min_distance_m: float
    max_drac: float
    tet_s: float
    tit_s2: float
    max_jerk: float
    smoothness: float
    rss_violation: float
    red_lights: int
    off_road_m: float
    completion: float

    def to_dict(self) -> dict[str, Any]:
        """Return the measures as plain values for JSON; what is infinite is None."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}


def measure_drive(
    scenes: SceneBatch,
    period_s: float,
    critical_ttc_s: float = CRITICAL_TTC_S,
    rss: RssParameters = DEFAULT_RSS,
) -> DriveMeasures:
    """Return the measures of one drive (``scenes``: its batch axis is time, ``period_s`` between ticks)."""
    ticks = scenes.batch_size
    require(ticks > SMOOTHING_ORDER, f"a drive of {ticks} ticks was given, its measures need {SMOOTHING_ORDER + 1}")
    require(critical_ttc_s < TTC_HORIZON_S, f"critical_ttc_s is {critical_ttc_s}, keep it below {TTC_HORIZON_S} s")
    ahead, struck = leader(scenes), scenes.events.collision
    # A simulator may stop the ego at the contact while the other drives on to the end of the tick.
    ttc = np.where(struck, 0.0, time_to_collision(scenes))
    apart = np.where(struck, 0.0, minimal_distance(scenes))
    return DriveMeasures(
        min_ttc_s=float(ttc.min()),
        min_lane_ttc_s=float(lane_time_to_collision(ahead.gap, ahead.ego_speed, ahead.speed).min()),
        min_headway_s=float(time_headway(ahead.gap, ahead.ego_speed).min()),
        min_distance_m=float(apart.min()),
        max_drac=float(deceleration_to_avoid_crash(ahead.gap, ahead.ego_speed, ahead.speed).max()),
        tet_s=float(time_exposed(ttc, critical_ttc_s, period_s)),
        tit_s2=float(time_integrated(ttc, critical_ttc_s, period_s)),
        max_jerk=float(np.abs(scenes.ego.jerk).max()),
        smoothness=driving_smoothness(scenes, period_s),
        rss_violation=float(leader_violation(scenes, rss)[0].mean()),
        red_lights=len(onsets(scenes.events.red_light)),
        off_road_m=off_road_distance(scenes),
        completion=float(route_completion(scenes)[-1]),
    )
