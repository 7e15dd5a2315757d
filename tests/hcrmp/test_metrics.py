"""Metrics of hand-made episodes, with the numbers worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hcrmp import metrics
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import ConfigError
from hcrmp.metrics import METRES_PER_MILE


def episode(**changes: Any) -> EpisodeRecord:
    values: dict[str, Any] = {
        "scenario": "merging",
        "density": "high",
        "seed": 7,
        "outcome": "success",
        "time_s": 20.0,
        "distance_m": 200.0,
        "mean_speed_mps": 10.0,
        "speed_variance": 4.0,
        "acceleration_variance": 1.0,
        "mean_abs_jerk": 0.5,
        "min_ttc_s": 3.0,
    }
    return EpisodeRecord(**(values | changes))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_rates_add_up_and_infrastructure_counts_nowhere() -> None:
    outcomes = ["success"] * 5 + ["collision"] * 2 + ["off_road", "timeout", "violation"] + ["infrastructure"] * 3
    summary = metrics.summarise("x", [episode(outcome=outcome) for outcome in outcomes], rng())
    assert (summary.episodes, summary.infrastructure) == (10, 3)
    values = {name: summary.metrics[name].value for name in ("SR", "CR", "off_road", "timeout", "violation")}
    assert values == {"SR": 0.5, "CR": 0.2, "off_road": 0.1, "timeout": 0.1, "violation": 0.1}


def test_means_are_over_episodes() -> None:
    short = episode(outcome="collision", time_s=2.0, distance_m=10.0, mean_speed_mps=5.0, speed_variance=0.0)
    summary = metrics.summarise("x", [episode(), short], rng())
    found = {name: summary.metrics[name].value for name in ("AS", "TD", "TS", "SV", "AV", "jerk")}
    assert found == {"AS": 7.5, "TD": 105.0, "TS": 11.0, "SV": 2.0, "AV": 1.0, "jerk": 0.5}


def test_collisions_per_mile_is_all_collisions_over_all_miles() -> None:
    near = episode(outcome="collision", distance_m=0.5 * METRES_PER_MILE)
    far = episode(distance_m=1.5 * METRES_PER_MILE)
    assert metrics.summarise("x", [near, far], rng()).metrics["collisions_per_mile"].value == pytest.approx(0.5)


def test_scm_calls_is_the_share_of_due_hints_that_called_the_cache() -> None:
    rows = [episode(hints_due=4, cache_calls=1), episode(hints_due=16, cache_calls=1)]
    assert metrics.summarise("x", rows, rng()).metrics["scm_calls"].value == pytest.approx(2 / 20)
    assert "scm_calls" not in metrics.summarise("x", [episode()], rng()).metrics


def test_a_cell_of_infrastructure_failures_claims_nothing() -> None:
    summary = metrics.summarise("x", [episode(outcome="infrastructure")], rng())
    assert (summary.episodes, summary.infrastructure, summary.metrics) == (0, 1, {})


def test_every_metric_has_an_interval_around_it() -> None:
    rows = [episode(seed=i, outcome="collision" if i % 3 else "success", time_s=10.0 + i) for i in range(40)]
    for name, estimate in metrics.summarise("x", rows, rng()).metrics.items():
        assert estimate.low <= estimate.value <= estimate.high, name


def test_no_interval_leaves_what_an_episode_can_have() -> None:
    """Two planners that have nothing in common: Student's t of one degree of freedom reaches thirteen times as far."""
    scores = dict.fromkeys(metrics.FORMS, 90.0), dict.fromkeys(metrics.FORMS, 20.0)
    rows = [
        episode(planner_seed=k, seed=i, progress=(0.9, -0.1)[k], driving_scores=scores[k], min_ttc_s=0.5 + 3 * k)
        for k in (0, 1)
        for i in range(6)
    ]
    found = metrics.summarise("x", rows, rng()).metrics
    assert (found["completion"].low, found["completion"].high) == (0.0, 1.0)
    assert (found["leaderboard-2.1"].low, found["leaderboard-2.1"].high) == (0.0, 100.0)
    assert found["min_ttc"].low == 0.0 and found["min_ttc"].high > 3.5
    assert found["progress"].low < -1.0 and found["progress"].high > 1.0, "that has no bounds"


def test_cells_keep_their_order_and_summaries_are_json() -> None:
    rows = [episode(scenario="trilemma"), episode(), episode(scenario="trilemma", outcome="timeout")]
    summaries = metrics.summarise_cells(rows, rng())
    assert [summary.cell for summary in summaries] == ["trilemma/high", "merging/high"]
    assert json.loads(json.dumps(summaries[0].to_dict()))["metrics"]["SR"]["value"] == 0.5


def test_mean_success_weighs_cells_not_episodes() -> None:
    rows = [episode(density="low")] * 30 + [episode(density="high", outcome="collision")] * 10
    assert metrics.mean_success(rows, rng()).value == pytest.approx(0.5)


def test_mean_success_covers_the_planners_that_were_not_trained() -> None:
    good = [episode(planner_seed=0)] * 20
    bad = [episode(planner_seed=1, outcome="collision")] * 20
    estimate = metrics.mean_success(good + bad, rng())
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.0, 1.0)


def test_a_record_survives_json() -> None:
    record = episode(reward_terms=(-5.0, 2.5, -0.25))
    assert EpisodeRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown outcome 'crash', valid: success"):
        episode(outcome="crash")
    with pytest.raises(ConfigError, match="Did you mean episode.outcome=collision"):
        EpisodeRecord.from_dict(episode().to_dict() | {"outcome": "colision"})
