"""ScenarioSet: the cells (condition x density) that an environment samples from, and their seeds."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from envs.errors import require
from envs.scenarios.families import CONDITIONS, DENSITIES
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import TOWN, RouteScenario, route, sample_route
from envs.scenarios.sampling import sample_scenario
from envs.scenarios.scenario import ConcreteScenario, Scenario

PAPER = "paper"
"""Name of the set of all twelve cells of the paper."""

ALL = "all"

ROUTE = "route"
"""Name of the routes through a town."""


class UnknownScenarioError(ValueError):
    """A condition or density that there is not; the message names the nearest one."""


@dataclass(frozen=True)
class ScenarioSet:
    """Scenarios in a fixed order; a *cell* is an index into them. ``maps`` holds the roads of all of them."""

    scenarios: tuple[Scenario | RouteScenario, ...]
    maps: MapLibrary

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.scenarios)

    def label(self, cell: int) -> str:
        """Return ``condition/density`` of a cell."""
        return f"{self.scenarios[cell].name}/{self.scenarios[cell].density}"

    def sample(self, cell: int, seed: int) -> ConcreteScenario:
        """Draw the case of ``cell`` that belongs to ``seed`` (0 <= seed < 2**63)."""
        scenario = self.scenarios[cell]
        if isinstance(scenario, RouteScenario):
            return sample_route(scenario, seed, cell, self.maps)
        return sample_scenario(scenario, seed, cell, self.maps)

    @property
    def most_actors(self) -> int:
        """Largest number of actors of any cell."""
        return max(
            scenario.vehicles if isinstance(scenario, RouteScenario) else len(scenario.actors)
            for scenario in self.scenarios
        )

    @property
    def most_pedestrians(self) -> int:
        """Largest number of pedestrians who roam the map of any cell."""
        return max(
            scenario.pedestrians if isinstance(scenario, RouteScenario) else 0 for scenario in self.scenarios
        )


def scenario_set(
    conditions: str | Sequence[str] = PAPER, densities: str | Sequence[str] = ALL, map_name: str = ""
) -> ScenarioSet:
    """Return the cells of the named conditions and densities, condition by condition.

    "paper" are the paper's four conditions, "route" the routes, "all" are all densities. ``map_name`` is the map of
    the routes: a generated one or the path of an OpenDRIVE file ("": the generated town). Raises ``RouteError`` where
    it is too small for them.
    """
    names = _chosen(conditions, (*CONDITIONS, ROUTE), (PAPER, ALL), "scenario")
    levels = _chosen(densities, DENSITIES, (ALL,), "density")
    require(not map_name or ROUTE in names, f"map {map_name!r} is for routes, which are not among {', '.join(names)}")
    scenarios = tuple(_scenario(name, level, map_name or TOWN) for name in names for level in levels)
    maps = MapLibrary(sorted({name for scenario in scenarios for name in _map_names(scenario)}))
    chosen = ScenarioSet(scenarios, maps)
    for cell, scenario in enumerate(scenarios):
        if isinstance(scenario, RouteScenario):
            chosen.sample(cell, 0)  # a map that is too small is told now, not in the middle of a training
    return chosen


def _scenario(name: str, density: str, map_name: str) -> Scenario | RouteScenario:
    return route(density, map_name) if name == ROUTE else CONDITIONS[name](density)


def _map_names(scenario: Scenario | RouteScenario) -> tuple[str, ...]:
    return (scenario.map_name,) if isinstance(scenario, RouteScenario) else scenario.road.maps


def _chosen(
    asked: str | Sequence[str], known: tuple[str, ...], everything: tuple[str, ...], what: str
) -> tuple[str, ...]:
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    if any(name in everything for name in names):
        return tuple(name for name in known if name != ROUTE)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known + everything, 1, 0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UnknownScenarioError(f"unknown {what} {name!r}{hint} (allowed: {', '.join(known + everything)})")
    if not names:
        raise UnknownScenarioError(f"no {what} given (allowed: {', '.join(known + everything)})")
    return names
