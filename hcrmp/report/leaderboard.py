"""An evaluation in the layout of CARLA Leaderboard's result files, so that tools that read those read ours.

Layout: leaderboard/utils/statistics_manager.py of CARLA Leaderboard 2.0 (``_checkpoint.records``, ``global_record``,
``values``, ``labels``). Scores are of its form: completion times the product of the infractions' factors. They are not
to be compared with scores from CARLA: the scenarios are ours, and episodes end at a collision.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from envs.metrics.driving_score import leaderboard_2_0
from envs.metrics.infractions import Infraction, Kind
from hcrmp.episode_record import EpisodeRecord
from hcrmp.report.material import Evaluation, number_of
from hcrmp.report.results import completion

NAMES: dict[Kind, str] = {
    "collision_pedestrian": "collisions_pedestrian",
    "collision_vehicle": "collisions_vehicle",
    "collision_static": "collisions_layout",
    "red_light": "red_light",
    "stop_sign": "stop_infraction",
    "outside_route_lanes": "outside_route_lanes",
    "route_deviation": "route_dev",
    "route_timeout": "route_timeout",
    "vehicle_blocked": "vehicle_blocked",
    "yield_emergency_vehicle": "yield_emergency_vehicle_infractions",
    "scenario_timeout": "scenario_timeouts",
    "min_speed": "min_speed_infractions",
}
"""Our kinds by the leaderboard's names, in the order of its ``values``; ``wrong_way`` it has not."""

SCORES = {
    "score_composed": "Avg. driving score",
    "score_route": "Avg. route completion",
    "score_penalty": "Avg. infraction penalty",
}
LABELS = {
    "collisions_pedestrian": "Collisions with pedestrians",
    "collisions_vehicle": "Collisions with vehicles",
    "collisions_layout": "Collisions with layout",
    "red_light": "Red lights infractions",
    "stop_infraction": "Stop sign infractions",
    "outside_route_lanes": "Off-road infractions",
    "route_dev": "Route deviations",
    "route_timeout": "Route timeouts",
    "vehicle_blocked": "Agent blocked",
    "yield_emergency_vehicle_infractions": "Yield emergency vehicles infractions",
    "scenario_timeouts": "Scenario timeouts",
    "min_speed_infractions": "Min speed infractions",
}

STATUS = {
    "collision": "Failed",
    "off_road": "Failed - Agent deviated from the route",
    "timeout": "Failed - Agent timed out",
    "violation": "Failed",
    "infrastructure": "Failed - Simulation crashed",
}
"""Statuses of episodes that did not reach their goal, in the leaderboard's words where it has some."""


def results(one: Evaluation) -> dict[str, Any]:
    """Return an evaluation in the leaderboard's layout; ``hcrmp`` holds how it was made."""
    records = [_record(number, record) for number, record in enumerate(one.records)]
    whole = _global(records)
    crashed = any(record.outcome == "infrastructure" for record in one.records)
    return {
        "_checkpoint": {"global_record": whole, "progress": [len(records), len(records)], "records": records},
        "entry_status": "Crashed" if crashed else "Finished",
        "eligible": not crashed,
        "sensors": [],
        "values": [str(whole["scores_mean"][name]) for name in SCORES]
        + [str(whole["infractions"][name]) for name in LABELS],
        "labels": [*SCORES.values(), *LABELS.values()],
        "hcrmp": {"label": one.label, "driver": one.driver, "provenance": dict(one.provenance)},
    }


def _record(index: int, record: EpisodeRecord) -> dict[str, Any]:
    score = leaderboard_2_0(completion(record), record.infractions)
    infractions = {name: [_message(i) for i in record.infractions if NAMES.get(i.kind) == name] for name in LABELS}
    count = sum(map(len, infractions.values()))
    reached = "Completed" if count else "Perfect"
    return {
        "index": index,
        # The leaderboard's tools sort by the number in it.
        "route_id": f"RouteScenario_{index}_rep0",
        "scenario_name": record.scenario,
        "weather_id": None,
        "save_name": f"{record.scenario}-{record.density}-{number_of(record)}",
        "town_name": None,
        "status": STATUS.get(record.outcome, reached),
        "num_infractions": count,
        "infractions": infractions,
        "scores": {
            "score_route": round(100.0 * score.completion, 6),
            "score_penalty": round(score.penalty, 6),
            "score_composed": round(score.score, 6),
        },
        "meta": {
            "route_length": round(_length(record), 3),
            "duration_game": round(record.time_s, 3),
            "duration_system": 0.0,
            "seed": record.seed,
        },
    }


def _length(record: EpisodeRecord) -> float:
    """Return the length of the route (m), as far as distance and completion tell it."""
    return record.distance_m / completion(record) if completion(record) > 0.0 else 0.0


def _message(infraction: Infraction) -> str:
    other = f" with {infraction.actor_kind} {infraction.actor_id}" if infraction.actor_kind else ""
    share = "" if infraction.share is None else f", share {infraction.share:.3f}"
    place = f"x={infraction.x:.3f}, y={infraction.y:.3f}"
    return f"{infraction.kind}{other} at ({place}) after {infraction.time_s:.1f} s{share}"


def _global(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    driven_km = sum(row["meta"]["route_length"] / 1000 * row["scores"]["score_route"] / 100 for row in records)
    per_km = {
        name: round(sum(len(row["infractions"][name]) for row in records) / max(driven_km, 0.001), 3) for name in LABELS
    }
    columns = {name: [row["scores"][name] for row in records] for name in SCORES}
    failed = [row for row in records if row["status"].startswith("Failed")]
    perfect = all(row["status"] == "Perfect" for row in records)
    return {
        "index": -1,
        "route_id": -1,
        "status": "Failed" if failed else "Perfect" if perfect else "Completed",
        "infractions": per_km,
        "scores_mean": {name: round(math.fsum(column) / len(column), 6) for name, column in columns.items()},
        "scores_std_dev": {
            name: round(statistics.stdev(column), 3) if len(column) > 1 else 0.0 for name, column in columns.items()
        },
        "meta": {
            "total_length": round(sum(row["meta"]["route_length"] for row in records), 3),
            "duration_game": round(sum(row["meta"]["duration_game"] for row in records), 3),
            "duration_system": 0.0,
            "exceptions": [[row["route_id"], row["index"], row["status"]] for row in failed],
        },
    }
