"""In a junction the ego is followed along the way that it is on: what it drives over there is road."""

from __future__ import annotations

import numpy as np
import pytest

from envs.drivers.law_abiding import LawAbidingDriver
from envs.driving_env import DrivingConfig, DrivingVectorEnv
from envs.embedded.simulator import EmbeddedSimulator
from envs.embedded.world_rows import WorldRow
from envs.factory import make_vector_env
from envs.observation import ObservationConfig
from envs.scene import RouteRow

WORLDS = 32
HALF_LANE_M = 1.75
ALONE = {"vehicles": 0, "cyclists": 0, "pedestrians": 0}


@pytest.fixture
def town() -> DrivingVectorEnv:
    config = DrivingConfig(observation=ObservationConfig(perception="none"), ends_at="collision")
    env = make_vector_env(WORLDS, "route", "low", config=config, randomise=ALONE)
    env.reset(options={"episode_seeds": np.arange(WORLDS) + 2**31, "cells": np.zeros(WORLDS, int)})
    return env


def test_who_was_followed_elsewhere_is_found_on_the_lane_of_the_route(town: DrivingVectorEnv) -> None:
    simulator = town.simulator
    assert isinstance(simulator, EmbeddedSimulator)
    graph, worlds = simulator.maps.graph("town"), simulator._worlds
    own = worlds[WorldRow.LANE].copy()
    ways = np.flatnonzero(graph.junction >= 0)
    for b in range(WORLDS):
        worlds[WorldRow.LANE, b], worlds[WorldRow.S, b] = ways[7 * b % len(ways)], 1.0
    scene = simulator.refresh()
    assert (worlds[WorldRow.LANE] == own).all()
    assert not scene.events.off_road.any() and (np.abs(scene.road.lane_offset) < HALF_LANE_M).all()


def test_who_cuts_into_junctions_is_off_the_road_only_where_there_is_none(town: DrivingVectorEnv) -> None:
    """It swerves to the left before each junction, over the line, and goes on along its route."""
    driver, driving, strayed = LawAbidingDriver(WORLDS), np.ones(WORLDS, np.bool_), 0
    for _ in range(500):
        scene = town.scene
        offset = scene.route.block[RouteRow.LATERAL_OFFSET]
        told, ahead = offset.copy(), scene.road.distance_to_junction
        offset -= np.where((ahead > 0.0) & (ahead < 10.0) & ~scene.road.in_junction, 2.6, 0.0)
        actions = driver.act(scene)
        offset[:] = told
        made = town.advance(actions)
        on_route = np.abs(town.scene.route.lateral_offset) < HALF_LANE_M
        strayed += int((driving & (np.abs(told) > HALF_LANE_M)).sum())
        assert not (town.scene.events.off_road & on_route & driving).any()
        driving &= ~made.ended
        if not driving.any():
            break
        town._any_waiting = False
    assert strayed > 20  # it was over the line before some of them
