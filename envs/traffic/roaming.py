"""One decision period of the pedestrians of a world: what the signals allow, their steps, and how they are seen."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.controls import time_to_green
from envs.scene import ActorRow, FloatArray, IntArray
from envs.traffic.crosswalks import mark_occupied
from envs.traffic.crowd import CrowdArrays
from envs.traffic.jaywalking import step_jaywalkers
from envs.traffic.lights import plan_offset
from envs.traffic.network import RoadArrays
from envs.traffic.pedestrians import step_pedestrians
from envs.traffic.scratch import TrafficArrays
from envs.traffic.stepping_aside import step_aside
from envs.traffic.walk_signals import WalkSignals
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow

CROSS_CHANCE = 0.5
"""Probability that a pedestrian whose way passes a crosswalk takes it (ours)."""


@njit
def roam(
    traffic: TrafficArrays,
    agents: FloatArray,
    actors: FloatArray,
    roads: RoadArrays,
    seeds: IntArray,
    time_s: float,
    b: int,
    period: float,
) -> None:
    """Walk the pedestrians of world ``b`` for ``period`` (s), by where the vehicles are now."""
    crowd = traffic.crowd
    if crowd.people.shape[2] == 0:
        return
    write_walk_seconds(crowd.walk_seconds, crowd.signals, roads, time_s, seeds[b], b)
    step_pedestrians(
        crowd.walk, roads, crowd.people, traffic.objects, crowd.walk_seconds, crowd.occupied, seeds, CROSS_CHANCE, b,
        period,
    )  # fmt: skip
    step_jaywalkers(traffic, roads, seeds, b, period)
    step_aside(traffic, agents, actors, roads, b, period)


@njit
def notice_pedestrians(crowd: CrowdArrays, roads: RoadArrays, seeds: IntArray, time_s: float, b: int) -> None:
    """Mark the strips that the pedestrians of world ``b`` want as they stand, without moving anybody."""
    write_walk_seconds(crowd.walk_seconds, crowd.signals, roads, time_s, seeds[b], b)
    mark_occupied(crowd.occupied, crowd.walk, crowd.people, crowd.walk_seconds, b)


@njit
def write_walk_seconds(
    walk_seconds: FloatArray, signals: WalkSignals, roads: RoadArrays, time_s: float, seed: int, b: int
) -> None:
    """Write for how long from now each crosswalk of world ``b`` may be walked into ``walk_seconds`` ``(B, K)`` (s).

    As long as every group of it stays red; inf where it has none. ``seed`` of the episode sets the clocks.
    """
    for k in range(walk_seconds.shape[1]):
        seconds = math.inf
        for g in range(signals.start[k], signals.start[k + 1]):
            group = int(signals.group[g])
            seconds = min(seconds, time_to_green(roads.programs, group, time_s, plan_offset(roads, group, seed)))
        walk_seconds[b, k] = seconds


@njit
def show_pedestrians(actors: FloatArray, people: FloatArray, first: int, b: int, period: float) -> None:
    """Write pose and motion of the pedestrians of world ``b`` into the actors' slots from ``first`` on."""
    for i in range(people.shape[2]):
        if int(people[PedestrianRow.PHASE, b, i]) == PedestrianPhase.UNUSED:
            continue
        slot, yaw, speed = first + i, people[PedestrianRow.YAW, b, i], people[PedestrianRow.SPEED, b, i]
        actors[ActorRow.X, b, slot] = people[PedestrianRow.X, b, i]
        actors[ActorRow.Y, b, slot] = people[PedestrianRow.Y, b, i]
        actors[ActorRow.YAW, b, slot] = yaw
        actors[ActorRow.ACCELERATION, b, slot] = (speed - actors[ActorRow.SPEED, b, slot]) / period
        actors[ActorRow.SPEED, b, slot] = speed
        actors[ActorRow.VX, b, slot] = speed * math.cos(yaw)
        actors[ActorRow.VY, b, slot] = speed * math.sin(yaw)
