"""What the gates count of pedestrians: whom vehicles touch, and how many cross at all."""

from __future__ import annotations

from envs.compiled import njit
from envs.embedded.collision import boxes_overlap
from envs.scenarios.scenario import BODY_SIZES_M
from envs.scene import ActorKind, ActorRow, FloatArray
from envs.traffic.agents import AgentRow
from envs.traffic.crowd import CrowdArrays, pedestrian_height
from envs.traffic.levels import lane_height, on_other_level
from envs.traffic.network import RoadArrays
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow
from tests.gates.records import Count, Watch, note

_RUN_OVER, _NOBODY = int(Count.RUN_OVER), int(PedestrianPhase.UNUSED)
_PEDESTRIAN_LENGTH_M, _PEDESTRIAN_WIDTH_M = BODY_SIZES_M[ActorKind.PEDESTRIAN]


@njit
def watch_people(
    watch: Watch, agents: FloatArray, actors: FloatArray, crowd: CrowdArrays, rules: RoadArrays, now: float,
    b: int, i: int,
) -> None:  # fmt: skip
    """Count the pedestrians of world ``b`` whom vehicle ``i`` begins to touch."""
    people, vehicles = crowd.people, agents.shape[2]
    level = lane_height(rules, int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i])
    for p in range(people.shape[2]):
        x, y = people[PedestrianRow.X, b, p], people[PedestrianRow.Y, b, p]
        reach = 0.5 * actors[ActorRow.LENGTH, b, i] + 2.0
        near = abs(actors[ActorRow.X, b, i] - x) < reach and abs(actors[ActorRow.Y, b, i] - y) < reach
        near = near and not on_other_level(level, pedestrian_height(crowd, b, p))
        touches = near and int(people[PedestrianRow.PHASE, b, p]) != _NOBODY and boxes_overlap(
            actors[ActorRow.X, b, i], actors[ActorRow.Y, b, i], actors[ActorRow.YAW, b, i],
            0.5 * actors[ActorRow.LENGTH, b, i], 0.5 * actors[ActorRow.WIDTH, b, i],
            x, y, people[PedestrianRow.YAW, b, p], 0.5 * _PEDESTRIAN_LENGTH_M, 0.5 * _PEDESTRIAN_WIDTH_M,
        )  # fmt: skip
        if touches and watch.touching[b, i, vehicles + p] == 0:
            note(watch, _RUN_OVER, now, b, i, p)
        watch.touching[b, i, vehicles + p] = 1 if touches else 0


@njit
def watch_crossings(watch: Watch, people: FloatArray, b: int) -> None:
    """Count the crosswalks, and the streets away from them, that pedestrians of world ``b`` begin to cross."""
    for p in range(people.shape[2]):
        crosses = int(people[PedestrianRow.PHASE, b, p]) == PedestrianPhase.CROSSES
        if crosses and watch.crossing[b, p] != 1:
            watch.counts[Count.CROSSINGS, b] += 1.0
        jaywalks = int(people[PedestrianRow.PHASE, b, p]) == PedestrianPhase.JAYWALKS
        if jaywalks and watch.crossing[b, p] != 2:
            watch.counts[Count.JAYWALKS, b] += 1.0
        watch.crossing[b, p] = 1 if crosses else 2 if jaywalks else 0
