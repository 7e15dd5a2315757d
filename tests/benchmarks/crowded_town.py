"""The benchmarks' town: so many vehicles and pedestrians around an ego, as worlds of one vector environment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.driving_env import DrivingConfig, DrivingVectorEnv
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.roads.compiler import compile_lane_graph
from envs.roads.opendrive import parse_opendrive
from envs.roads.walk_graph import WalkGraph, walk_graph_of_map
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import RouteScenario, sample_route
from envs.scenarios.scenario import ConcreteScenario, Range
from envs.scene import FloatArray
from envs.traffic.walk_state import place_pedestrians
from tests.benchmarks.town_traffic import opendrive_text
from tests.gates.population import GENERATED, MAPS

TOWN = "Town02"

BRAKE = np.array([-1.0, 0.0], np.float32)
"""The ego's action: it stands in its lane, so that its episodes last and the traffic has to cope with it."""


class OneTown(MapLibrary):
    """The map library of one town."""

    def __init__(self, name: str) -> None:
        self.names = (name,)
        opendrive = parse_opendrive(opendrive_text(name), name)
        self._graphs = {name: compile_lane_graph(opendrive)}
        self._walks: dict[str, WalkGraph] = {name: walk_graph_of_map(opendrive, self._graphs[name])}


class TownSource:
    """Routes through a town as the environment's scenario source; the cases of ``kept`` seeds are sampled once."""

    def __init__(self, maps: OneTown, vehicles: int, pedestrians: int, kept: int) -> None:
        self.maps, self._kept, self._pedestrians = maps, kept, pedestrians
        self._cases: dict[int, ConcreteScenario] = {}
        self._scenario = RouteScenario(
            density="low", map_name=maps.names[0], vehicles=vehicles, length=Range(100.0, 600.0)
        )

    def sample(self, cell: int, seed: int) -> ConcreteScenario:
        """Return the case that ``seed`` draws, one of the kept ones."""
        key = seed % self._kept
        if key not in self._cases:
            case = sample_route(self._scenario, key, cell, self.maps)
            walk, rng = self.maps.walk_graph(case.map_name), np.random.default_rng(key)
            self._cases[key] = replace(case, pedestrians=place_pedestrians(walk, self._pedestrians, rng))
        return self._cases[key]


def town_name() -> str:
    """Return Town02 where it is there, else our generated town."""
    return TOWN if (MAPS / f"{TOWN}.xodr").exists() else GENERATED


def town_env(worlds: int, vehicles: int, pedestrians: int, maps: OneTown, kept: int = 8) -> DrivingVectorEnv:
    """Return so many worlds with everything on: scan observation, reward terms, autoreset."""
    source = TownSource(maps, vehicles, pedestrians, kept)
    config = EmbeddedConfig(actors=max(vehicles, 1), pedestrians=pedestrians)
    env = DrivingVectorEnv(EmbeddedSimulator(worlds, maps, config), source, [0], DrivingConfig())
    env.reset(seed=0)
    return env


def standing(worlds: int) -> FloatArray:
    """Return the actions ``(B, 2)`` of egos that stand."""
    actions: FloatArray = np.tile(BRAKE, (worlds, 1))
    return actions
