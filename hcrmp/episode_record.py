"""What is kept of one episode."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from envs.metrics.infractions import Infraction
from hcrmp.mapping import from_mapping

Outcome = Literal["success", "collision", "off_road", "timeout", "violation", "infrastructure"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Verdict = Literal["", "no_conflict", "preventable", "unavoidable"]


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """One driven episode.

    ``scenario`` and ``density`` name its cell; ``seed`` its episode seed; ``planner_seed`` the training seed of the
    planner that drove; ``mean_abs_jerk`` in m/s3; ``min_ttc_s`` the smallest time to collision met, capped by the
    meter; ``progress`` the share of the route that was driven; ``reward_terms`` the episode's sums of the safety,
    efficiency and comfort streams, ``more_reward_terms`` those of others by name; ``hints_due`` how often a hint was
    due and ``cache_calls`` how often the cache was called for one; ``hint_counts`` all counters of the hint service
    (``llm_hints.counters``); ``route_distance_m`` the mean distance from the route's line, ``off_road_m`` what was
    driven off road, ``time_limit_s`` of the scenario, ``lane_invasions`` (manoeuvres over a border of the lane); the
    ``infractions`` by time. Of a route also ``driving_scores`` by their published form; of a situation of UN R157 the
    ``careful_driver``'s verdict on it.
    """

    scenario: str
    density: str
    seed: int
    outcome: Outcome
    time_s: float
    distance_m: float
    mean_speed_mps: float
    speed_variance: float
    acceleration_variance: float
    mean_abs_jerk: float
    min_ttc_s: float
    progress: float = 0.0
    planner_seed: int = 0
    reward_terms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    hints_due: int = 0
    cache_calls: int = 0
    driving_scores: dict[str, float] = field(default_factory=dict)
    infractions: tuple[Infraction, ...] = ()
    route_distance_m: float = 0.0
    off_road_m: float = 0.0
    time_limit_s: float = 30.0
    careful_driver: Verdict = ""
    lane_invasions: int = 0
    hint_counts: dict[str, int] = field(default_factory=dict)
    more_reward_terms: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"unknown outcome {self.outcome!r}, valid: {', '.join(OUTCOMES)}")

    @property
    def cell(self) -> str:
        """Name of the cell of the results table."""
        return f"{self.scenario}/{self.density}"

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EpisodeRecord:
        """Read what ``to_dict`` wrote."""
        return from_mapping(cls, values, "episode")
