"""ScenarioSet: the cells (condition x density) that an environment samples from, and their seeds."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.errors import require
from envs.own_code import OwnCodeError, load_code, names_code, short_name
from envs.scenarios.families import CONDITIONS, DENSITIES
from envs.scenarios.maps import MapLibrary
from envs.scenarios.placement import find_placements
from envs.scenarios.r157 import R157
from envs.scenarios.randomise import RandomiseError, randomised_all
from envs.scenarios.road_works import ROAD_WORKS
from envs.scenarios.route import TOWN, RouteScenario, route, sample_route
from envs.scenarios.safebench import SAFEBENCH
from envs.scenarios.sampling import sample_scenario, share_with_room
from envs.scenarios.scenario import ConcreteScenario, Placement, Scenario

FAMILIES: dict[str, Callable[[str], Scenario]] = {**CONDITIONS, **SAFEBENCH, **R157, **ROAD_WORKS}
"""Every family by name: from a density to its scenario. The routes are no family: they have no place of their own."""

GROUPS: dict[str, tuple[str, ...]] = {
    "paper": tuple(CONDITIONS),
    "safebench": tuple(SAFEBENCH),
    "r157": tuple(R157),
    "all": tuple(FAMILIES),
}
"""Names for several families at once."""

PAPER = "paper"
"""Name of the set of all twelve cells of the paper."""

ALL = "all"

TRIED = 100
"""Draws of each randomised cell before anything runs: what leaves no room is told now, not in a training."""

LEAST_ROOM = 0.3
"""Share of those draws in which no bodies may overlap at least (ours; the families' own ranges have 0.88 and more):
below it a seed whose every draw overlaps (``sampling.TRIES``) might come within a long training."""

ROUTE = "route"
"""Name of the routes through a town."""


class UnknownScenarioError(ValueError):
    """A condition or density that there is not; the message names the nearest one."""


@dataclass(frozen=True)
class ScenarioSet:
    """Scenarios in a fixed order; a *cell* is an index into them. ``maps`` holds the roads of all of them."""

    scenarios: tuple[Scenario | RouteScenario, ...]
    maps: MapLibrary
    _placements: dict[int, tuple[Placement, ...]] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.scenarios)

    def label(self, cell: int) -> str:
        """Return ``condition/density`` of a cell."""
        return f"{self.scenarios[cell].name}/{self.scenarios[cell].density}"

    def placements(self, cell: int) -> tuple[Placement, ...]:
        """Return where the scenario of ``cell`` can happen; nowhere in particular for routes."""
        scenario = self.scenarios[cell]
        if cell not in self._placements:
            road = None if isinstance(scenario, RouteScenario) else scenario.road
            self._placements[cell] = find_placements(road, self.maps) if road else ()
        return self._placements[cell]

    def sample(self, cell: int, seed: int) -> ConcreteScenario:
        """Draw the case of ``cell`` that belongs to ``seed`` (0 <= seed < 2**63)."""
        scenario = self.scenarios[cell]
        if isinstance(scenario, RouteScenario):
            return sample_route(scenario, seed, cell, self.maps)
        return sample_scenario(scenario, self.placements(cell), seed, cell, self.maps)

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

    @property
    def has_jaywalkers(self) -> bool:
        """Whether pedestrians of any cell cross streets away from crosswalks."""
        return any(isinstance(scenario, RouteScenario) and scenario.jaywalkers > 0.0 for scenario in self.scenarios)


def scenario_set(
    conditions: str | Sequence[str] = PAPER,
    densities: str | Sequence[str] = ALL,
    map_name: str = "",
    randomise: Mapping[str, Any] | None = None,
    towns: Mapping[str, str] | None = None,
) -> ScenarioSet:
    """Return the cells of the named conditions and densities, condition by condition.

    Names are of ``FAMILIES``, of ``GROUPS`` ("paper": the paper's four conditions, "safebench", "r157", "all"),
    "route", the routes through a town, or families of the user's own: functions from a density to a ``Scenario``, named
    as FILE.py:name or package.module:name (``envs.own_code``); "all" are all densities. ``map_name`` is the map of the
    routes: a generated one, the path of an OpenDRIVE file, or one of ``towns``, OpenDRIVE texts by name ("": the
    generated town). ``randomise`` replaces fields of every scenario that has them (``envs.scenarios.randomise``).
    Raises ``RouteError`` where the map is too small for its routes, ``RandomiseError`` for a field that no scenario has
    or a value that it cannot take, ``OwnCodeError`` for code that cannot be used.
    """
    own = templates(conditions, densities, map_name)
    scenarios = randomised_all(own, randomise or {})
    maps = MapLibrary(sorted({name for scenario in scenarios for name in _map_names(scenario)}), towns)
    chosen = ScenarioSet(scenarios, maps)
    for cell, scenario in enumerate(scenarios):
        if isinstance(scenario, RouteScenario):
            chosen.sample(cell, 0)  # a map that is too small is told now, not in the middle of a training
        if scenario != own[cell] or scenario.name not in (*FAMILIES, ROUTE):
            _try_out(chosen, cell)
    return chosen


def templates(
    conditions: str | Sequence[str] = PAPER, densities: str | Sequence[str] = ALL, map_name: str = ""
) -> tuple[Scenario | RouteScenario, ...]:
    """Return the scenarios of ``scenario_set`` as they stand, without reading a map."""
    names = _families(conditions)
    levels = _densities(densities)
    require(not map_name or ROUTE in names, f"map {map_name!r} is for routes, which are not among {', '.join(names)}")
    return tuple(_scenario(name, level, map_name or TOWN) for name in names for level in levels)


def _try_out(chosen: ScenarioSet, cell: int) -> None:
    """Refuse a randomised or own cell whose ego starts beyond the end of its lane, or that leaves too little room."""
    scenario = chosen.scenarios[cell]
    if isinstance(scenario, Scenario):
        rng = np.random.default_rng(0)
        room = share_with_room(scenario, chosen.placements(cell), chosen.maps, TRIED, rng)
        if room < LEAST_ROOM:
            raise RandomiseError(
                f"{chosen.label(cell)}: bodies overlap at the start in {1.0 - room:.0%} of the draws; "
                "widen the distances between the participants"
            )
    for seed in range(TRIED):
        case = chosen.sample(cell, seed)
        length = float(chosen.maps.graph(case.map_name).length[case.ego_lane])
        if not 0.0 <= case.ego_s <= length:
            raise RandomiseError(
                f"{chosen.label(cell)}: ego_at: the ego would start {case.ego_s:.0f} m along a lane of "
                f"{length:.0f} m; ask for less"
            )


def _scenario(name: str, density: str, map_name: str) -> Scenario | RouteScenario:
    if names_code(name):
        return _own_scenario(name, density)
    return route(density, map_name) if name == ROUTE else FAMILIES[name](density)


def _own_scenario(reference: str, density: str) -> Scenario:
    """Return what a function of the user's own makes of a density."""
    family = load_code(reference, "scenario")
    if not callable(family):
        raise OwnCodeError(f"scenario {reference} is {type(family).__name__}: a function from a density is needed")
    made = family(density)
    if not isinstance(made, Scenario):
        raise OwnCodeError(f"scenario {reference} returned {type(made).__name__}: a Scenario is needed")
    if made.name in (*FAMILIES, ROUTE) or made.density != density:
        raise OwnCodeError(
            f"scenario {reference} returned {made.name}/{made.density} for the density {density!r}: give it this "
            f"density and a name of its own, such as {short_name(reference)!r}"
        )
    return made


def _map_names(scenario: Scenario | RouteScenario) -> tuple[str, ...]:
    return (scenario.map_name,) if isinstance(scenario, RouteScenario) else scenario.road.maps


def _families(asked: str | Sequence[str]) -> tuple[str, ...]:
    """Return the families that the names stand for, each once, in the order in which they are asked for."""
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    _refuse_unknown(names, (*FAMILIES, ROUTE, *GROUPS), "scenario")
    return tuple(dict.fromkeys(family for name in names for family in GROUPS.get(name, (name,))))


def _densities(asked: str | Sequence[str]) -> tuple[str, ...]:
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    _refuse_unknown(names, (*DENSITIES, ALL), "density")
    return DENSITIES if ALL in names else names


def _refuse_unknown(names: tuple[str, ...], known: tuple[str, ...], what: str) -> None:
    for name in names:
        if name not in known and not (what == "scenario" and names_code(name)):
            near = difflib.get_close_matches(name, known, 1, 0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UnknownScenarioError(f"unknown {what} {name!r}{hint} (allowed: {', '.join(known)})")
    if not names:
        raise UnknownScenarioError(f"no {what} given (allowed: {', '.join(known)})")
