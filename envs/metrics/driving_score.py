"""Driving scores in the published forms of the CARLA Leaderboard, each labelled.

Driving score = route completion x penalty, in [0, 100]. Checked in the leaderboard's own statistics_manager.py
(branches leaderboard-2.0, a87a341, and leaderboard-2.1, cfecdc8) and in Bench2Drive's (087f74f):

- **Leaderboard 2.0**: the penalty is a product of one factor for each infraction (``PRODUCT_FACTORS``), of
  ``1 - 0.3 (1 - share)`` for each minimum speed check, and of ``1 - share`` of the route off its lanes.
- **Bench2Drive**: the same, but the minimum speed costs nothing (it is reported as driving efficiency instead).
- **Leaderboard 2.1**: ``1 / (1 + sum)`` over the coefficients of all infractions (``SUM_COEFFICIENTS``; the minimum
  speed's is scaled by ``1 - share``), times ``1 - share`` of the route off its lanes.

A route that ends early (deviation, blocked, timeout) costs its rest and nothing else. The leaderboard rounds the route
completion and the score to six digits; here they are not rounded. Scores of different forms must not be compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from envs.errors import require
from envs.metrics.infractions import Infraction, Kind

Form = Literal["leaderboard-2.0", "bench2drive", "leaderboard-2.1"]

PRODUCT_FACTORS: dict[Kind, float] = {
    "collision_pedestrian": 0.5,
    "collision_vehicle": 0.6,
    "collision_static": 0.65,
    "red_light": 0.7,
    "stop_sign": 0.8,
    "scenario_timeout": 0.7,
    "yield_emergency_vehicle": 0.7,
}
"""Leaderboard 2.0 and Bench2Drive: the factor of each infraction."""

MIN_SPEED_FACTOR = 0.7
"""Leaderboard 2.0: the factor of a minimum speed check that was passed standing."""

SUM_COEFFICIENTS: dict[Kind, float] = {
    "collision_pedestrian": 1.0,
    "collision_vehicle": 0.7,
    "collision_static": 0.6,
    "red_light": 0.4,
    "stop_sign": 0.25,
    "scenario_timeout": 0.4,
    "yield_emergency_vehicle": 0.4,
    "min_speed": 0.4,
}
"""Leaderboard 2.1: what each infraction adds to the sum."""


@dataclass(frozen=True, slots=True)
class DrivingScore:
    """The score of one route by one published ``form``.

    ``score`` in [0, 100] = ``completion`` (share of the route in [0, 1]) x ``penalty`` (in [0, 1], 1: none) x 100;
    ``infractions`` that were counted, by time.
    """

    form: Form
    score: float
    completion: float
    penalty: float
    infractions: tuple[Infraction, ...]

    @property
    def success(self) -> bool:
        """Whether the route was completed without an infraction other than of the minimum speed (Bench2Drive)."""
        return self.completion >= 1.0 and all(infraction.kind == "min_speed" for infraction in self.infractions)


def leaderboard_2_0(completion: float, infractions: Iterable[Infraction]) -> DrivingScore:
    """Score a route by CARLA Leaderboard 2.0 (product of factors); ``completion`` in [0, 1]."""
    counted = _by_time(infractions)
    factors = [_factor(infraction) for infraction in counted]
    return _score("leaderboard-2.0", completion, math.prod(factors), counted)


def bench2drive(completion: float, infractions: Iterable[Infraction]) -> DrivingScore:
    """Score a route by Bench2Drive (Leaderboard 2.0 without the minimum speed); ``completion`` in [0, 1]."""
    counted = _by_time(infractions)
    factors = [_factor(infraction) for infraction in counted if infraction.kind != "min_speed"]
    return _score("bench2drive", completion, math.prod(factors), counted)


def leaderboard_2_1(completion: float, infractions: Iterable[Infraction]) -> DrivingScore:
    """Score a route by CARLA Leaderboard 2.1 (1 / (1 + sum of coefficients)); ``completion`` in [0, 1]."""
    counted = _by_time(infractions)
    total = math.fsum(_coefficient(infraction) for infraction in counted)
    on_route = math.prod(_on_route(infraction) for infraction in counted)
    return _score("leaderboard-2.1", completion, on_route / (1.0 + total), counted)


def mean_score(scores: Sequence[DrivingScore]) -> float:
    """Return the mean score of several routes of one form, as the leaderboards report it."""
    forms = sorted({score.form for score in scores})
    require(len(forms) == 1, f"a mean needs routes scored by one form, got {', '.join(forms) or 'no route'}")
    return math.fsum(score.score for score in scores) / len(scores)


def _score(form: Form, completion: float, penalty: float, counted: tuple[Infraction, ...]) -> DrivingScore:
    require(0.0 <= completion <= 1.0, f"the route completion is {completion}, it must be a share in [0, 1]")
    return DrivingScore(form, 100.0 * completion * penalty, completion, penalty, counted)


def _by_time(infractions: Iterable[Infraction]) -> tuple[Infraction, ...]:
    return tuple(sorted(infractions, key=lambda infraction: infraction.time_s))


def _factor(infraction: Infraction) -> float:
    if infraction.kind == "min_speed":
        return 1.0 - (1.0 - MIN_SPEED_FACTOR) * (1.0 - _share(infraction))
    return PRODUCT_FACTORS.get(infraction.kind, 1.0) * _on_route(infraction)


def _coefficient(infraction: Infraction) -> float:
    scale = 1.0 - _share(infraction) if infraction.kind == "min_speed" else 1.0
    return SUM_COEFFICIENTS.get(infraction.kind, 0.0) * scale


def _on_route(infraction: Infraction) -> float:
    return 1.0 - _share(infraction) if infraction.kind == "outside_route_lanes" else 1.0


def _share(infraction: Infraction) -> float:
    return 1.0 if infraction.share is None else infraction.share
