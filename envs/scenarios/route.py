"""Routes: from a start to a goal through a town, among traffic that is drawn with the seed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from envs.roads.lane_graph import LaneGraph, NoRouteError, global_route
from envs.roads.projection import pose_at
from envs.scenarios.cyclists import draw_cyclist
from envs.scenarios.maps import MapLibrary
from envs.scenarios.sampling import draw_driver, uniform
from envs.scenarios.scenario import BODY_SIZES_M, ConcreteScenario, Driver, Range
from envs.scene import ActorKind, BoolArray, FloatArray
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentMode, AgentRow, ScriptRow

TRIES = 200
"""Draws of a start, a goal or a vehicle's place before the town is called too small or too full."""

VEHICLES = {"low": 12, "medium": 24, "high": 36}
"""Vehicles in the town at each density (ours)."""

CYCLISTS = {"low": 2, "medium": 4, "high": 6}
"""How many of the vehicles are cyclists at each density (ours)."""

FREE_AHEAD_M = 3.0
"""Distance that vehicles start from the ends of their lanes and from one another, bumper to bumper (m)."""


class RouteError(ValueError):
    """A town on which no route of the wanted length, or no room for its traffic, is found."""


@dataclass(frozen=True, slots=True)
class RouteScenario:
    """Drive from a start to a goal along the shortest way.

    ``map_name`` of ``envs.scenarios.maps``; ``length`` of the route (m); ``ego_speed`` at the start (m/s);
    ``vehicles`` their number, of whom the last ``cyclists`` ride bicycles; ``kinds`` what the others are, one is drawn
    for each; ``speed_factor`` share of the advised speed that a driver keeps to; ``pace`` mean speed that suffices for
    the time limit, with ``grace`` seconds more for waiting (m/s, s).
    """

    density: str
    map_name: str = "town"
    name: str = "route"
    length: Range = Range(150.0, 450.0)
    ego_speed: Range = Range(0.0, 6.0)
    vehicles: int = 24
    cyclists: int = 0
    kinds: tuple[ActorKind, ...] = (ActorKind.CAR, ActorKind.CAR, ActorKind.CAR, ActorKind.TRUCK)
    speed_factor: Range = Range(0.8, 1.1)
    driver: Driver = Driver(changes_lane=True, yield_probability=1.0)
    pace: float = 4.0
    grace: float = 40.0
    wrong_way_limit_s: float = 10.0


def route(density: str, map_name: str = "town") -> RouteScenario:
    """Return the routes through a town at a density."""
    return RouteScenario(density=density, map_name=map_name, vehicles=VEHICLES[density], cyclists=CYCLISTS[density])


def sample_route(scenario: RouteScenario, seed: int, cell: int, maps: MapLibrary) -> ConcreteScenario:
    """Draw a start, a goal and the traffic; the same seed gives the same case. Raises ``RouteError``."""
    label = zlib.crc32(f"{scenario.name}/{scenario.map_name}/{scenario.density}".encode())
    rng = np.random.Generator(np.random.PCG64([seed, label]))
    graph = maps.graph(scenario.map_name)
    lanes, start_s, length_m = _draw_route(graph, scenario, rng)
    traffic = _Traffic(graph, scenario)
    traffic.keep_free(lanes[0], start_s)
    for i in range(scenario.vehicles):
        traffic.add(i, rng)
    return ConcreteScenario(
        name=scenario.name,
        density=scenario.density,
        cell=cell,
        seed=seed,
        map_name=scenario.map_name,
        ego_lane=lanes[0],
        ego_s=start_s,
        ego_speed=uniform(rng, scenario.ego_speed),
        route=np.array(lanes, dtype=np.int64),
        goal_m=length_m,
        time_limit_s=round(length_m / scenario.pace + scenario.grace, 1),
        wrong_way_limit_s=scenario.wrong_way_limit_s,
        agents=traffic.agents,
        bodies=traffic.bodies,
        scripts=np.zeros((scenario.vehicles, SCRIPTS_PER_AGENT, len(ScriptRow))),
    )


def _draw_route(
    graph: LaneGraph, scenario: RouteScenario, rng: np.random.Generator
) -> tuple[list[int], float, float]:
    """Return lanes, arc length of the start on the first, and length (m) of a route without lane changes."""
    places = _places(graph)
    for _ in range(TRIES):
        (first, start_s), (last, goal_s) = (_draw_place(graph, places, rng) for _ in range(2))
        try:
            lanes = global_route(graph, first, last, lane_changes=False)
        except NoRouteError:
            continue
        length = float(graph.length[lanes[:-1]].sum()) - start_s + goal_s
        if scenario.length.low <= length <= scenario.length.high:
            return lanes, start_s, length
    raise RouteError(
        f"map {graph.name}: no route of {scenario.length.low:g} to {scenario.length.high:g} m found in {TRIES} draws; "
        "choose another length or map"
    )


def _places(graph: LaneGraph) -> FloatArray:
    """Return the chance ``(L,)`` of each lane to be drawn: by length, none in junctions or where a lane ends."""
    open_lanes: BoolArray = (graph.junction < 0) & (graph.successors[:, 0] >= 0) & (graph.length > 15.0)
    weights = np.where(open_lanes, graph.length, 0.0)
    share: FloatArray = weights / weights.sum()
    return share


def _draw_place(graph: LaneGraph, places: FloatArray, rng: np.random.Generator) -> tuple[int, float]:
    lane = int(rng.choice(len(places), p=places))
    return lane, float(rng.uniform(4.0, graph.length[lane] - 8.0))


class _Traffic:
    """The vehicles of a town, placed one after the other where there is room."""

    def __init__(self, graph: LaneGraph, scenario: RouteScenario) -> None:
        self.graph, self.scenario = graph, scenario
        self.agents = np.zeros((len(AgentRow), scenario.vehicles))
        self.bodies = np.zeros((5, scenario.vehicles))
        self._places = _places(graph)
        self._taken: list[tuple[float, float, float]] = []

    def keep_free(self, lane: int, s: float) -> None:
        """Let nobody start within 12 m of a place."""
        x, y, _ = pose_at(self.graph.samples, self.graph.start, self.graph.step, lane, s, 0.0)
        self._taken.append((x, y, 24.0))

    def add(self, i: int, rng: np.random.Generator) -> None:
        """Place vehicle ``i``."""
        kind = self._draw_kind(i, rng)
        length, width = BODY_SIZES_M[kind]
        for _ in range(TRIES):
            lane, s = _draw_place(self.graph, self._places, rng)
            if s + 0.5 * length + FREE_AHEAD_M > self.graph.length[lane] or s < 0.5 * length:
                continue
            x, y, _ = pose_at(self.graph.samples, self.graph.start, self.graph.step, lane, s, 0.0)
            if all(np.hypot(x - a, y - b) > 0.5 * (length + c) + FREE_AHEAD_M for a, b, c in self._taken):
                self._taken.append((x, y, length))
                self.bodies[:, i] = (int(kind), length, width, 0.0, i + 1)
                self._draw_driver(i, lane, s, rng)
                return
        raise RouteError(f"map {self.graph.name}: no room for {self.scenario.vehicles} vehicles; ask for fewer")

    def _draw_kind(self, i: int, rng: np.random.Generator) -> ActorKind:
        if i >= self.scenario.vehicles - self.scenario.cyclists:
            return ActorKind.CYCLIST
        return self.scenario.kinds[int(rng.integers(len(self.scenario.kinds)))]

    def _draw_driver(self, i: int, lane: int, s: float, rng: np.random.Generator) -> None:
        row = self.agents[:, i]
        row[AgentRow.MODE], row[AgentRow.LANE], row[AgentRow.S] = int(AgentMode.VEHICLE), lane, s
        if self.bodies[0, i] == ActorKind.CYCLIST:
            draw_cyclist(row, rng)
            row[AgentRow.SPEED] = rng.uniform(0.0, row[AgentRow.DESIRED_SPEED])
        else:
            row[AgentRow.SPEED] = rng.uniform(0.0, 5.0)
            row[AgentRow.DESIRED_SPEED] = 60.0  # the lanes' advised speed is what binds
            row[AgentRow.SPEED_FACTOR] = uniform(rng, self.scenario.speed_factor)
            draw_driver(row, self.scenario.driver, rng)
        row[AgentRow.NUMBER] = float(rng.integers(2**31))
        row[AgentRow.CAUSED_BY] = -1.0
