"""Routes: from a start to a goal through a town, among traffic and pedestrians that are drawn with the seed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.errors import EnvsError
from envs.roads.controls import ProgramColumn
from envs.roads.lane_graph import LaneGraph
from envs.roads.route_plan import RouteFinder, plan_spans
from envs.scenarios.cyclists import draw_cyclist
from envs.scenarios.maps import MapLibrary
from envs.scenarios.sampling import uniform
from envs.scenarios.scenario import BODY_SIZES_M, ROUTE_LANES, ConcreteScenario, Driver, Range
from envs.scenarios.town_traffic import STARTS_UP_TO, draw_bodies, draw_drivers, place_vehicles
from envs.scene import ActorKind, FloatArray
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentRow, ScriptRow
from envs.traffic.walk_state import place_pedestrians

TRIES = 200
"""Draws of a start before a map is called too small."""

VEHICLES = {"low": 12, "medium": 24, "high": 36}
"""Vehicles in the town at each density (ours)."""

CYCLISTS = {"low": 2, "medium": 4, "high": 6}
"""How many of the vehicles are cyclists at each density (ours)."""

PEDESTRIANS = {"low": 8, "medium": 16, "high": 24}
"""Pedestrians in the town at each density (ours)."""

BEFORE_JUNCTION_M = 25.0
"""Distance of a start from the junction ahead at least (m, ours): whoever starts can still stop at its line."""

TOWN = "town"
"""Name of the generated town, on which routes lie unless another map is asked for."""


class RouteError(EnvsError, ValueError):
    """A map on which no route of the wanted length, or no room for its traffic, is found."""


@dataclass(frozen=True, slots=True)
class RouteScenario:
    """Drive from a start to a goal along the cheapest way, lane changes included.

    ``map_name`` of ``envs.scenarios.maps``, or the path of an OpenDRIVE file; ``length`` of the route (m);
    ``ego_speed`` at the start (m/s); ``vehicles`` their number, the last ``cyclists`` of them bicycles; ``kinds`` what
    the others are, one is drawn for each, of those that can pass each other in the map's curves; ``pedestrians`` who
    roam the sidewalks, nobody where the map has none, and ``jaywalkers`` the share of them who cross streets where they
    like; ``speed_factor`` share of the advised speed that a driver keeps
    to; ``pace`` mean speed that suffices for the time limit, with ``grace`` seconds more for waiting, and a cycle of
    every traffic light on the way (m/s, s).
    """

    density: str
    map_name: str = TOWN
    name: str = "route"
    length: Range = Range(150.0, 450.0)
    ego_speed: Range = Range(0.0, 6.0)
    vehicles: int = 24
    cyclists: int = 4
    pedestrians: int = 16
    jaywalkers: float = 0.0
    kinds: tuple[ActorKind, ...] = (ActorKind.CAR, ActorKind.CAR, ActorKind.CAR, ActorKind.TRUCK)
    speed_factor: Range = Range(0.8, 1.1)
    driver: Driver = Driver(changes_lane=True, yield_probability=1.0)
    pace: float = 4.0
    grace: float = 40.0
    wrong_way_limit_s: float = 10.0


def route(density: str, map_name: str = TOWN) -> RouteScenario:
    """Return the routes through a map at a density."""
    return RouteScenario(
        density, map_name, vehicles=VEHICLES[density], cyclists=CYCLISTS[density], pedestrians=PEDESTRIANS[density]
    )


def sample_route(scenario: RouteScenario, seed: int, cell: int, maps: MapLibrary) -> ConcreteScenario:
    """Draw start, goal, traffic and pedestrians; the same seed gives the same case. Raises ``RouteError``."""
    # A file by its name, not its path: the case is the same wherever the file lies.
    label = zlib.crc32(f"{scenario.name}/{Path(scenario.map_name).stem}/{scenario.density}".encode())
    rng = np.random.Generator(np.random.PCG64([seed, label]))
    finder = maps.routes(scenario.map_name)
    drawn = _draw_route(finder, scenario, rng)
    agents, bodies = _draw_traffic(finder, scenario, drawn, rng)
    return ConcreteScenario(
        name=scenario.name,
        density=scenario.density,
        cell=cell,
        seed=seed,
        map_name=scenario.map_name,
        ego_lane=drawn.lanes[0],
        ego_s=drawn.start_s,
        ego_speed=uniform(rng, scenario.ego_speed),
        route=np.array(drawn.lanes, dtype=np.int64),
        route_spans=drawn.spans,
        goal_m=drawn.length_m,
        time_limit_s=round(drawn.length_m / scenario.pace + scenario.grace + _cycles(finder.graph, drawn.lanes), 1),
        wrong_way_limit_s=scenario.wrong_way_limit_s,
        agents=agents,
        bodies=bodies,
        scripts=np.zeros((scenario.vehicles, SCRIPTS_PER_AGENT, len(ScriptRow))),
        pedestrians=_draw_pedestrians(scenario, maps, rng),
        ambient=bodies[0] != ActorKind.CYCLIST,
    )


@dataclass(frozen=True, slots=True)
class _Route:
    """Lanes with their spans, the place of the start on the first, the length from start to goal (m)."""

    lanes: list[int]
    spans: FloatArray
    start_s: float
    length_m: float


def _draw_route(finder: RouteFinder, scenario: RouteScenario, rng: np.random.Generator) -> _Route:
    for _ in range(TRIES if finder.open_length_m > 0.0 else 0):
        drawn = _try_route(finder, scenario.length, rng)
        if drawn is not None:
            return drawn
    raise RouteError(
        f"map {finder.graph.name}: no route of {scenario.length.low:g} to {scenario.length.high:g} m found in {TRIES} "
        "draws; choose another length or map"
    )


def _try_route(finder: RouteFinder, length: Range, rng: np.random.Generator) -> _Route | None:
    """Return a route, or None where the drawn start leads nowhere, or leaves no room for a lane change."""
    (first,), (start_s,) = (column.tolist() for column in finder.draw_places(1, rng))
    goal = finder.draw_goal(first, start_s, length.low, length.high, rng)
    if goal is None:
        return None
    lanes = finder.tree(first).lanes_to(goal[0])
    enters = len(lanes) > 1 and finder.graph.junction[lanes[1]] >= 0
    if enters and finder.graph.length[first] - start_s < BEFORE_JUNCTION_M:
        return None
    spans = plan_spans(finder.graph, lanes, start_s, goal[1])
    if spans is None or len(lanes) > ROUTE_LANES:
        return None
    # From span to span; on the last lane no farther than the goal.
    length_m = float((spans[:-1, 1] - spans[:-1, 0]).sum()) - start_s + goal[1] - float(spans[-1, 0])
    return _Route(lanes, spans, start_s, length_m) if length.low <= length_m <= length.high else None


def _cycles(graph: LaneGraph, lanes: list[int]) -> float:
    """Return how long the cycles of all traffic lights on the way last, one after the other (s)."""
    groups = graph.controls.group[lanes]
    return float(graph.controls.programs[groups[groups >= 0], ProgramColumn.CYCLE].sum())


def _draw_traffic(
    finder: RouteFinder, scenario: RouteScenario, drawn: _Route, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return the blocks of agents and bodies."""
    kinds = [kind for kind in scenario.kinds if BODY_SIZES_M[kind][0] <= finder.longest_body_m]
    if scenario.vehicles and not kinds:
        raise RouteError(f"map {finder.graph.name}: its curves are too narrow for two vehicles; choose another map")
    riders = min(scenario.cyclists, scenario.vehicles)
    bodies = draw_bodies(scenario.vehicles, kinds, riders, rng)
    places = place_vehicles(finder, bodies[1], drawn.lanes[0], drawn.start_s, rng)
    if places is None:
        raise RouteError(f"map {finder.graph.name}: no room for {scenario.vehicles} vehicles; ask for fewer")
    agents = draw_drivers(*places, scenario.driver, scenario.speed_factor, rng)
    for i in range(scenario.vehicles - riders, scenario.vehicles):
        draw_cyclist(agents[:, i], rng)
        agents[AgentRow.SPEED, i] *= agents[AgentRow.DESIRED_SPEED, i] / STARTS_UP_TO
    return agents, bodies


def _draw_pedestrians(scenario: RouteScenario, maps: MapLibrary, rng: np.random.Generator) -> FloatArray:
    walk, places = maps.walk_graph(scenario.map_name), maps.sidewalks(scenario.map_name)
    count = scenario.pedestrians if len(places.tails) else 0
    return place_pedestrians(walk, count, rng, on=places, jaywalkers=scenario.jaywalkers)
