"""The benchmarks' town: so many vehicles and pedestrians around an ego, as worlds of one vector environment."""

from __future__ import annotations

import numpy as np

from envs.driving_env import DrivingConfig, DrivingVectorEnv
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import RouteScenario, sample_route
from envs.scenarios.scenario import ConcreteScenario, Range
from envs.scene import FloatArray
from tests.gates.population import GENERATED, MAPS

TOWN = "Town02"

BRAKE = np.array([-1.0, 0.0], np.float32)
"""The ego's action: it stands in its lane, so that its episodes last and the traffic has to cope with it."""


def one_town() -> MapLibrary:
    """Return the map library of Town02 where it is there, else of our generated town."""
    place = MAPS / f"{TOWN}.xodr"
    return MapLibrary([str(place) if place.exists() else GENERATED])


class TownSource:
    """Routes through a town as the environment's scenario source; the cases of ``kept`` seeds are sampled once."""

    def __init__(self, maps: MapLibrary, vehicles: int, pedestrians: int, kept: int) -> None:
        self.maps, self._kept = maps, kept
        self._cases: dict[int, ConcreteScenario] = {}
        self._scenario = RouteScenario(
            density="low", map_name=maps.names[0], vehicles=vehicles, cyclists=vehicles // 7, pedestrians=pedestrians,
            length=Range(100.0, 600.0),
        )  # fmt: skip

    def sample(self, cell: int, seed: int) -> ConcreteScenario:
        """Return the case that ``seed`` draws, one of the kept ones."""
        key = seed % self._kept
        if key not in self._cases:
            self._cases[key] = sample_route(self._scenario, key, cell, self.maps)
        return self._cases[key]


def town_env(worlds: int, vehicles: int, pedestrians: int, maps: MapLibrary, kept: int = 8) -> DrivingVectorEnv:
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
