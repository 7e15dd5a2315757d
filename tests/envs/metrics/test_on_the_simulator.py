"""The measures on drives of the embedded simulator: they tell the same story as its events."""

from __future__ import annotations

import numpy as np
import pytest

from envs.drivers.naive import FullThrottleDriver
from envs.metrics.boxes import minimal_distance
from envs.metrics.drive import measure_drive
from envs.metrics.infractions import infractions_of
from envs.scenarios.catalogue import scenario_set
from envs.scene import ActorStates, EgoState, Events, RoadState, RouteState, SceneBatch
from envs.termination import Outcome
from tests.envs.scenarios.episodes import drive

PERIOD_S = 0.1
SEEDS = range(6)


@pytest.mark.parametrize("condition", ["overtaking", "merging", "occluded_pedestrian"])
def test_full_throttle(condition: str) -> None:
    scenarios, seen = scenario_set([condition], ["low"]), list[SceneBatch]()
    episodes = drive(lambda _: FullThrottleDriver(), scenarios, 0, SEEDS, lambda scene: seen.append(scene.copy()))
    for seed, (outcome, time_s) in enumerate(zip(episodes.outcome, episodes.time_s, strict=True)):
        scenes = in_time([scene.rows([seed]) for scene in seen[: round(time_s / PERIOD_S)]])
        found, infractions = measure_drive(scenes, PERIOD_S), infractions_of(scenes)
        kinds = [infraction.kind for infraction in infractions]
        collisions = [kind for kind in kinds if kind.startswith("collision")]
        assert (found.min_distance_m == 0.0) == (outcome == Outcome.COLLISION) == (len(collisions) == 1)
        assert ("outside_route_lanes" in kinds) == (outcome == Outcome.OFF_ROAD) == (found.off_road_m > 0.0)
        assert (minimal_distance(scenes)[~scenes.events.collision] > 0.0).all()
        assert all(scenes.time_s[0] <= infraction.time_s <= time_s for infraction in infractions)
        assert (found.min_ttc_s == 0.0) == (outcome == Outcome.COLLISION)


def in_time(scenes: list[SceneBatch]) -> SceneBatch:
    """Return scenes of one world as one drive, its batch axis being time."""
    return SceneBatch(
        time_s=np.concatenate([scene.time_s for scene in scenes]),
        step=np.concatenate([scene.step for scene in scenes]),
        cell=np.concatenate([scene.cell for scene in scenes]),
        seed=np.concatenate([scene.seed for scene in scenes]),
        ego=EgoState(np.concatenate([scene.ego.block for scene in scenes], axis=1)),
        actors=ActorStates(np.concatenate([scene.actors.block for scene in scenes], axis=1)),
        road=RoadState(np.concatenate([scene.road.block for scene in scenes], axis=1)),
        route=RouteState(
            np.concatenate([scene.route.block for scene in scenes], axis=1),
            np.concatenate([scene.route.points for scene in scenes]),
        ),
        events=Events(np.concatenate([scene.events.block for scene in scenes], axis=1)),
    )
