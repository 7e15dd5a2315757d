"""Worlds full of traffic for the gates: vehicles stand at random places of a map and drive off, people walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import OpenDrive
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive, read_opendrive
from envs.roads.projection import pose_at
from envs.roads.swept_width import longest_body_m
from envs.roads.town import Town
from envs.roads.walk_graph import WalkGraph, walk_graph_of_map
from envs.scenarios.cyclists import draw_cyclist
from envs.scenarios.scenario import BODY_SIZES_M
from envs.scene import ActorKind, ActorRow, FloatArray, IntArray
from envs.traffic.agents import AgentMode, AgentRow
from envs.traffic.crowd import crowd_arrays, stop_before_crosswalks
from envs.traffic.jaywalk_places import find_places
from envs.traffic.network import RoadArrays, road_arrays
from envs.traffic.scratch import TrafficArrays, traffic_arrays
from envs.traffic.walk_state import place_pedestrians

MAPS = Path(__file__).parents[3] / "shared" / "data" / "carla_maps"
"""Where CARLA's towns are, if they are."""

GENERATED = "town"
"""The name of our own town; every other name is that of a file in ``MAPS``."""

APART_M = 3.0
"""Least distance between two vehicles' ends when they are placed (m)."""

TRIES_PER_VEHICLE = 100

ROOM_M = 50.0
"""Room around a parked vehicle in which no other is placed (m): from nearer a bus could not pull out."""

STREET_M = 110.0
"""Length of the streets on which vehicles are parked, in the middle: there a bus has room to pass (m)."""

KINDS = (ActorKind.CAR, ActorKind.CAR, ActorKind.CAR, ActorKind.TRUCK, ActorKind.BUS)
"""What is drawn for a vehicle of mixed traffic."""

WITH_CYCLISTS = (*KINDS, ActorKind.CAR, ActorKind.CYCLIST)
"""Mixed traffic with one cyclist among seven."""


@dataclass(frozen=True, slots=True, eq=False)
class Worlds:
    """B worlds of A vehicles on one map, ready to drive; ``seeds`` ``(B,)`` set their signals' clocks."""

    graph: LaneGraph
    roads: RoadArrays
    traffic: TrafficArrays
    agents: FloatArray
    actors: FloatArray
    seeds: IntArray


def load_map(name: str) -> LaneGraph:
    """Return the lane graph of ``GENERATED`` or of a CARLA town."""
    return compile_lane_graph(_opendrive(name))


def load_walk(name: str, graph: LaneGraph) -> WalkGraph:
    """Return where people walk on a map whose lane graph is ``graph``."""
    return walk_graph_of_map(_opendrive(name), graph)


def _opendrive(name: str) -> OpenDrive:
    if name == GENERATED:
        return parse_opendrive(Town().opendrive(), name)
    return read_opendrive(MAPS / f"{name}.xodr")


def populate(
    graph: LaneGraph, vehicles: int, seeds: Sequence[int], kinds: Sequence[ActorKind],
    walk: WalkGraph | None = None, pedestrians: int = 0, parked: int = 0,
    jaywalkers: float = 0.0,
) -> Worlds:  # fmt: skip
    """Return a world for each seed with so many standing vehicles, and so many pedestrians on ``walk``.

    The first ``parked`` vehicles never drive off; a share of ``jaywalkers`` cross streets where they like.

    Their kinds are drawn from those of ``kinds`` that the map's curves let pass each other.
    """
    worlds, longest = len(seeds), longest_body_m(graph)
    kinds = [kind for kind in kinds if BODY_SIZES_M[kind][0] <= longest]
    agents, actors = np.zeros((len(AgentRow), worlds, vehicles)), np.zeros((len(ActorRow), worlds, vehicles))
    for b, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        still = _parking(graph, parked, rng)
        for i, (kind, lane, s) in enumerate([*still, *_places(graph, vehicles - parked, rng, kinds, still)]):
            _draw_driver(agents[:, b, i], kind, rng)
            if i < parked:
                agents[AgentRow.D, b, i] = rng.uniform(-0.9, 0.0)
            _put(graph, agents[:, b, i], actors[:, b, i], kind, lane, s)
        agents[AgentRow.MODE, b, :parked] = AgentMode.STATIC
    roads, crowd = road_arrays(graph, [graph]), None
    if walk is not None:
        places = find_places(walk, graph) if jaywalkers > 0.0 else None
        roads, crowd = stop_before_crosswalks(roads, walk), crowd_arrays(worlds, pedestrians, walk, graph, places)
        for b, seed in enumerate(seeds):
            rng = np.random.default_rng(seed)
            crowd.people[:, b] = place_pedestrians(walk, pedestrians, rng, jaywalkers=jaywalkers)
    traffic = traffic_arrays(worlds, vehicles, graph.lane_count, crowd)
    # The ego's row: it is not there.
    traffic.objects[0, :, vehicles] = -1.0
    return Worlds(graph, roads, traffic, agents, actors, np.array(seeds, dtype=np.int64))


Place = tuple[ActorKind, int, float]


def _parking(graph: LaneGraph, parked: int, rng: np.random.Generator) -> list[Place]:
    """Draw the places of parked cars: on two-way streets, far from junctions and from each other."""
    streets = (graph.junction < 0) & (graph.opposite >= 0) & (graph.left < 0) & (graph.right < 0)
    lanes = np.flatnonzero(streets & graph.opposite_change & (graph.length > STREET_M))
    places: list[Place] = []
    taken: list[tuple[float, float]] = []
    for lane in rng.permutation(lanes).tolist():
        s = float(rng.uniform(0.42, 0.48)) * float(graph.length[lane])
        x, y, _ = pose_at(graph.samples, graph.start, graph.step, lane, s, 0.0)
        if len(places) < parked and all(np.hypot(x - a, y - b) > 2.0 * ROOM_M for a, b in taken):
            places.append((ActorKind.CAR, lane, s))
            taken.append((x, y))
    if len(places) < parked:
        raise ValueError(f"no room to park {parked} vehicles on map {graph.name}: {len(places)} found a place")
    return places


def _places(
    graph: LaneGraph, vehicles: int, rng: np.random.Generator, kinds: Sequence[ActorKind], parked: Sequence[Place]
) -> list[Place]:
    """Draw (kind, lane, s) of each vehicle: outside junctions, uniform over the lanes' lengths, none near another."""
    lanes = np.flatnonzero(graph.junction < 0)
    share = graph.length[lanes] / graph.length[lanes].sum()
    places: list[Place] = []
    taken = [(*pose_at(graph.samples, graph.start, graph.step, lane, s, 0.0)[:2], ROOM_M) for _, lane, s in parked]
    for _ in range(TRIES_PER_VEHICLE * vehicles):
        if len(places) == vehicles:
            return places
        kind, lane = kinds[int(rng.integers(len(kinds)))], int(rng.choice(lanes, p=share))
        s, half = float(rng.uniform(0.0, graph.length[lane])), 0.5 * BODY_SIZES_M[kind][0]
        x, y, _ = pose_at(graph.samples, graph.start, graph.step, lane, s, 0.0)
        inside = s > half and s + half < graph.length[lane] - APART_M
        if inside and all(np.hypot(x - other[0], y - other[1]) > half + other[2] + APART_M for other in taken):
            places.append((kind, lane, s))
            taken.append((x, y, half))
    raise ValueError(f"no room for {vehicles} vehicles on map {graph.name}: {len(places)} found a place; take fewer")


def _put(graph: LaneGraph, agent: FloatArray, actor: FloatArray, kind: ActorKind, lane: int, s: float) -> None:
    agent[AgentRow.MODE], agent[AgentRow.LANE], agent[AgentRow.S] = AgentMode.VEHICLE, lane, s
    x, y, heading = pose_at(graph.samples, graph.start, graph.step, lane, s, agent[AgentRow.D])
    for row, value in (
        (ActorRow.VALID, 1.0), (ActorRow.KIND, int(kind)), (ActorRow.X, x), (ActorRow.Y, y), (ActorRow.YAW, heading),
        (ActorRow.LENGTH, BODY_SIZES_M[kind][0]), (ActorRow.WIDTH, BODY_SIZES_M[kind][1]),
    ):  # fmt: skip
        actor[row] = value


def _draw_driver(agent: FloatArray, kind: ActorKind, rng: np.random.Generator) -> None:
    """Draw the parameters of a driver: lanes and limits govern its speed, and it changes lanes and lets others in."""
    agent[AgentRow.CAUSED_BY], agent[AgentRow.NUMBER] = -1.0, rng.integers(2**31)
    if kind is ActorKind.CYCLIST:
        draw_cyclist(agent, rng)
        return
    for row, low, high in (
        (AgentRow.HEADWAY, 0.8, 1.6), (AgentRow.MIN_GAP, 1.5, 2.5), (AgentRow.MAX_ACCELERATION, 1.0, 2.0),
        (AgentRow.COMFORT_BRAKE, 2.0, 3.0), (AgentRow.HARDEST_BRAKE, 6.0, 8.0), (AgentRow.SPEED_FACTOR, 0.8, 1.1),
    ):  # fmt: skip
        agent[row] = rng.uniform(low, high)
    agent[AgentRow.DESIRED_SPEED] = 40.0
    agent[AgentRow.POLITENESS], agent[AgentRow.CHANGE_THRESHOLD] = 0.3, 0.3
    agent[AgentRow.MAY_CHANGE], agent[AgentRow.YIELDS] = 1.0, 1.0
