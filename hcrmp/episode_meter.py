"""EpisodeMeter: what an ``EpisodeRecord`` says, summed up step by step over B worlds at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from envs.risk import TTC_HORIZON_S, time_to_collision
from envs.scene import FloatArray, SceneBatch
from envs.simulator import DECISION_PERIOD_S
from hcrmp.episode_record import EpisodeRecord, Outcome, Verdict

MANOEUVRE_STEPS = 20
"""Crossings of markings with fewer steps between them are one lane invasion: a lane change has several."""


class EpisodeMeter:
    """Sums over the running episode of each of ``batch_size`` worlds; ``more`` names reward terms beside the three.

    Every step is a decision period long, so means over steps are means over time. The distance is the integral of the
    speed along the body; mean speed x time = distance holds by construction (in the paper's tables it does not).
    """

    def __init__(self, batch_size: int, more: Sequence[str] = ()) -> None:
        self._more = tuple(more)
        self._steps = np.zeros(batch_size, dtype=np.int64)
        # Sums of speed, speed^2, acceleration, acceleration^2, |jerk|, of the three reward streams, and of ``more``.
        self._sums = np.zeros((8 + len(self._more), batch_size))
        self._min_ttc_s = np.full(batch_size, TTC_HORIZON_S)
        self._progress = np.zeros(batch_size)
        self._aside_m, self._off_road_m = np.zeros(batch_size), np.zeros(batch_size)
        self._time_limit_s = np.zeros(batch_size)
        self._invasions = np.zeros(batch_size, dtype=np.int64)
        self._last_invasion = np.full(batch_size, -MANOEUVRE_STEPS)

    def start(self, rows: npt.ArrayLike) -> None:
        """Forget the episodes of the worlds ``rows`` (indices or mask over B): new ones begin."""
        chosen = np.arange(len(self._steps))[np.asarray(rows)]
        self._steps[chosen] = 0
        self._sums[:, chosen] = 0.0
        self._min_ttc_s[chosen] = TTC_HORIZON_S
        self._progress[chosen] = 0.0
        self._aside_m[chosen], self._off_road_m[chosen] = 0.0, 0.0
        self._invasions[chosen], self._last_invasion[chosen] = 0, -MANOEUVRE_STEPS

    def update(self, scene: SceneBatch, reward_terms: FloatArray) -> None:
        """Add one step: ``scene`` after it and its ``reward_terms`` ``(B, N)``."""
        ego = scene.ego
        self._steps += 1
        self._sums[:5] += (ego.speed, ego.speed**2, ego.acceleration, ego.acceleration**2, np.abs(ego.jerk))
        self._sums[5:] += reward_terms.T
        # The ego stops where it touches the other, which drives on to the end of the step.
        to_collision = np.where(scene.events.collision, 0.0, time_to_collision(scene))
        np.minimum(self._min_ttc_s, to_collision, out=self._min_ttc_s)
        self._progress[:] = scene.route.progress_m / np.maximum(scene.route.length_m, 1e-9)
        self._aside_m += np.abs(scene.route.lateral_offset)
        self._off_road_m += np.where(scene.events.off_road, ego.speed * DECISION_PERIOD_S, 0.0)
        self._time_limit_s[:] = scene.route.time_limit_s
        crossed = scene.events.lane_invasion
        self._invasions += crossed & (self._steps - self._last_invasion >= MANOEUVRE_STEPS)
        self._last_invasion[crossed] = self._steps[crossed]

    def record(
        self,
        world: int,
        *,
        scenario: str,
        density: str,
        seed: int,
        outcome: Outcome,
        planner_seed: int = 0,
        hints_due: int = 0,
        cache_calls: int = 0,
        hint_counts: dict[str, int] | None = None,
        careful_driver: Verdict = "",
    ) -> EpisodeRecord:
        """Return the record of the episode of ``world``, which has ended with ``outcome``."""
        steps = max(int(self._steps[world]), 1)
        speed, speed2, acceleration, acceleration2, jerk = (float(total) / steps for total in self._sums[:5, world])
        safety, efficiency, comfort = (float(total) for total in self._sums[5:8, world])
        time_s = int(self._steps[world]) * DECISION_PERIOD_S
        return EpisodeRecord(
            scenario=scenario,
            density=density,
            seed=seed,
            outcome=outcome,
            time_s=time_s,
            distance_m=speed * time_s,
            mean_speed_mps=speed,
            # Rounding may leave a tiny negative number where nothing varied.
            speed_variance=max(0.0, speed2 - speed**2),
            acceleration_variance=max(0.0, acceleration2 - acceleration**2),
            mean_abs_jerk=jerk,
            min_ttc_s=float(self._min_ttc_s[world]),
            progress=float(self._progress[world]),
            planner_seed=planner_seed,
            reward_terms=(safety, efficiency, comfort),
            more_reward_terms=dict(zip(self._more, self._sums[8:, world].tolist(), strict=True)),
            hints_due=hints_due,
            cache_calls=cache_calls,
            hint_counts=hint_counts or {},
            route_distance_m=float(self._aside_m[world]) / steps,
            off_road_m=float(self._off_road_m[world]),
            time_limit_s=float(self._time_limit_s[world]),
            careful_driver=careful_driver,
            lane_invasions=int(self._invasions[world]),
        )
