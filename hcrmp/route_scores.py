"""A driven route's record with its driving scores and the places of its infractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envs.embedded.simulator import EmbeddedSimulator
from envs.metrics.driving_score import bench2drive, leaderboard_2_0, leaderboard_2_1
from envs.metrics.infractions import Infraction
from envs.roads.lane_graph import LaneGraph, locate
from envs.scenarios.catalogue import ROUTE
from hcrmp.episode_record import EpisodeRecord
from hcrmp.hinted_env import HintedVecEnv

SCORES = (leaderboard_2_0, bench2drive, leaderboard_2_1)


def score_route(
    record: EpisodeRecord, infractions: Sequence[Infraction], env: HintedVecEnv, world: int
) -> EpisodeRecord:
    """Return ``record`` of ``world``'s episode with its infractions, and where it is a route with its scores."""
    if record.outcome == "infrastructure":
        return record
    placed = tuple(infractions)
    if record.scenario != ROUTE:
        return replace(record, infractions=placed)
    completion = min(max(record.progress, 0.0), 1.0)
    scores = [score(completion, infractions) for score in SCORES]
    simulator = env.driving.simulator
    if isinstance(simulator, EmbeddedSimulator) and placed:
        graph = simulator.maps.graph(simulator.map_name(world))
        placed = tuple(on_map(infraction, graph) for infraction in placed)
    return replace(record, infractions=placed, driving_scores={score.form: score.score for score in scores})


def on_map(infraction: Infraction, graph: LaneGraph) -> Infraction:
    """Return ``infraction`` with the road and lane that lie nearest to its place."""
    lane, _, _ = locate(graph, infraction.x, infraction.y)
    return replace(infraction, road=graph.road_ids[lane], lane=int(graph.lane[lane]))
