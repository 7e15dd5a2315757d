"""Where the gates put an ego: on a route, or anywhere and anyhow, but never where nobody could stop for it any more."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from envs.embedded.kernel import refresh_worlds
from envs.embedded.simulator import EmbeddedSimulator
from envs.embedded.vehicle import VehicleRow
from envs.embedded.world_rows import WorldRow
from envs.roads.lane_graph import LaneGraph
from envs.roads.projection import pose_at
from envs.scenarios.scenario import ROUTE_LANES
from envs.scene import ActorRow, BoolArray, EgoRow, EventRow, RouteRow

FREE_M = 15.0
"""Distance that is free around an ego that appears (m); vehicles that move are further off by what they need."""

TRIES = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A pose (m, m, rad) and a speed (m/s) of the ego, the lane and arc length (m) that it is at, and its route."""

    x: float
    y: float
    yaw: float
    speed: float
    lane: int
    s: float
    route: tuple[int, ...]


def draw_route(graph: LaneGraph, rng: np.random.Generator) -> Place:
    """Return a standing start in the middle of a street's lane, with a route that turns at random."""
    lane, s = _draw_lane(graph, rng, graph.junction < 0)
    route = [lane]
    while len(route) < ROUTE_LANES:
        ways = graph.successors[route[-1]]
        ways = ways[ways >= 0]
        if len(ways) == 0:
            break
        route.append(int(rng.choice(ways)))
    x, y, yaw = pose_at(graph.samples, graph.start, graph.step, lane, s, 0.0)
    return Place(x, y, yaw, 0.0, lane, s, tuple(route))


def draw_anyhow(graph: LaneGraph, rng: np.random.Generator) -> Place:
    """Return a place to stand at: half of them in junctions, turned and beside the lane by chance."""
    wanted = graph.junction >= 0 if rng.uniform() < 0.5 and (graph.junction >= 0).any() else graph.junction < 0
    lane, s = _draw_lane(graph, rng, wanted)
    x, y, yaw = pose_at(graph.samples, graph.start, graph.step, lane, s, float(rng.uniform(-2.5, 2.5)))
    return Place(x, y, yaw + float(rng.choice([0.0, rng.uniform(-math.pi, math.pi)])), 0.0, lane, s, (lane,))


def draw_against(graph: LaneGraph, rng: np.random.Generator) -> Place:
    """Return a place in a street's lane from which the ego drives against the traffic."""
    lane, s = _draw_lane(graph, rng, (graph.junction < 0) & (graph.length > 60.0))
    x, y, yaw = pose_at(graph.samples, graph.start, graph.step, lane, max(s, 40.0), 0.0)
    return Place(x, y, yaw + math.pi, 0.0, lane, max(s, 40.0), (lane,))


def _draw_lane(graph: LaneGraph, rng: np.random.Generator, wanted: BoolArray) -> tuple[int, float]:
    lanes = np.flatnonzero(wanted)
    lane = int(rng.choice(lanes, p=graph.length[lanes] / graph.length[lanes].sum()))
    return lane, float(rng.uniform(0.0, graph.length[lane]))


def is_free(simulator: EmbeddedSimulator, b: int, place: Place) -> bool:
    """Return whether everybody in world ``b`` can still stop, at 2 m/s2 after 2 s, for an ego that appears there."""
    actors = simulator.scene.actors.block[:, b]
    speed = actors[ActorRow.SPEED]
    needed = FREE_M + 2.0 * speed + 0.25 * speed**2
    away = np.hypot(actors[ActorRow.X] - place.x, actors[ActorRow.Y] - place.y)
    return not bool(((actors[ActorRow.VALID] > 0.5) & (away < needed)).any())


def put(simulator: EmbeddedSimulator, b: int, place: Place) -> None:
    """Move the ego of world ``b`` to ``place``; the world's time goes on."""
    graph, ego, worlds = simulator.atlas, simulator.scene.ego.block, simulator._worlds
    time_s = worlds[WorldRow.TIME, b]
    simulator._vehicle[:, b], worlds[:, b] = 0.0, 0.0
    simulator.scene.route.block[:, b], simulator.scene.events.block[:, b] = 0.0, 0.0
    simulator.scene.events.block[EventRow.COLLISION_ACTOR, b] = -1.0
    length, width = ego[EgoRow.LENGTH, b], ego[EgoRow.WIDTH, b]
    ego[:, b] = 0.0
    ego[EgoRow.LENGTH, b], ego[EgoRow.WIDTH, b] = length, width
    for name in ("X", "Y", "YAW", "SPEED"):
        value = getattr(place, name.lower())
        simulator._vehicle[VehicleRow[name], b] = ego[EgoRow[name], b] = value
    worlds[WorldRow.TIME, b], worlds[WorldRow.LANE, b], worlds[WorldRow.S, b] = time_s, place.lane, place.s
    worlds[WorldRow.ROUTE_S, b] = worlds[WorldRow.START_S, b] = place.s
    worlds[WorldRow.ROUTE_COUNT, b], worlds[WorldRow.WRONG_WAY_LIMIT, b] = len(place.route), 1e9
    simulator._routes[b, : len(place.route)] = place.route
    simulator._route_spans[b, : len(place.route)] = [(0.0, graph.length[lane]) for lane in place.route]
    driven = float(graph.length[list(place.route)].sum()) - place.s
    simulator.scene.route.block[RouteRow.LENGTH, b] = max(driven - 20.0, 1.0)
    refresh_worlds(simulator._roads, simulator._kernel_arrays, np.array([b]))
