"""Pedestrians on a walk graph with vehicles that the test places, for tests of the walking kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import Crosswalk, OpenDrive
from envs.roads.generate import OnRampRoad, Street
from envs.roads.junction_crosswalks import junction_crosswalks
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.roads.walk_graph import WalkGraph, compile_walk_graph, section_frames
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import ObjectRow
from envs.traffic.crosswalks import mark_occupied, may_enter
from envs.traffic.network import RoadArrays, road_arrays
from envs.traffic.pedestrians import step_pedestrians
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow, WalkArrays, place_pedestrians, walk_arrays

SOUTH_KERB, NORTH_KERB = -5.7, 5.7
"""Kerbs (y, m) of the street's crosswalk, which lies at x = 150 and is 11.4 m long."""


@dataclass
class Pavement:
    """B worlds of pedestrians on one map; the tests move the vehicles."""

    graph: LaneGraph
    graph_walk: WalkGraph
    roads: RoadArrays
    walk: WalkArrays
    people: FloatArray
    objects: FloatArray
    walk_seconds: FloatArray
    occupied: IntArray
    seeds: IntArray
    cross_chance: float = 0.5

    def step(self, period: float = 0.1) -> None:
        for b in range(self.people.shape[1]):
            step_pedestrians(
                self.walk, self.roads, self.people, self.objects, self.walk_seconds, self.occupied, self.seeds,
                self.cross_chance, b, period,
            )  # fmt: skip

    def run(self, seconds: float, period: float = 0.1) -> None:
        for _ in range(round(seconds / period)):
            self.step(period)

    def row(self, row: PedestrianRow) -> FloatArray:
        values: FloatArray = self.people[row]
        return values

    def vehicle(
        self, j: int, lane: tuple[int, int], front_s: float, speed: float, length: float = 4.5, b: int = 0
    ) -> None:
        """Put a vehicle with its front at ``front_s`` (m) of an OpenDRIVE (road, lane)."""
        self.objects[:, b, j] = 0.0
        self.objects[ObjectRow.LANE, b, j] = self.graph.find(*lane)
        self.objects[ObjectRow.S, b, j] = front_s - 0.5 * length
        self.objects[ObjectRow.HALF_LENGTH, b, j], self.objects[ObjectRow.HALF_WIDTH, b, j] = 0.5 * length, 0.9
        self.objects[ObjectRow.SPEED, b, j] = speed

    def remove(self, j: int, b: int = 0) -> None:
        self.objects[ObjectRow.LANE, b, j] = -1.0

    def at_kerb(self, i: int = 0, y: float = SOUTH_KERB, speed: float = 1.4, aside: float = 0.4) -> None:
        """Put pedestrian i just arriving at a kerb of the street's crosswalk, about to cross it."""
        south, north = np.flatnonzero(self.graph_walk.node_crosswalk == 0).tolist()
        kerb, side = (south, 1.0) if y < 0.0 else (north, -1.0)
        around = slice(self.walk.start[kerb], self.walk.start[kerb + 1])
        foot = int(self.walk.neighbours[around][self.walk.edge_crosswalk[around] < 0][0])
        self.put(i, (foot, kerb), (150.0 + side * aside, y), side * 0.5 * np.pi, speed, aside)

    def put(
        self, i: int, edge: tuple[int, int], place: tuple[float, float], yaw: float, speed: float, aside: float
    ) -> None:
        self.people[:, 0, i] = 0.0
        for row, value in (
            (PedestrianRow.PHASE, PedestrianPhase.WALKS), (PedestrianRow.X, place[0]), (PedestrianRow.Y, place[1]),
            (PedestrianRow.YAW, yaw), (PedestrianRow.DESIRED_SPEED, speed), (PedestrianRow.PREVIOUS, edge[0]),
            (PedestrianRow.TARGET, edge[1]), (PedestrianRow.ASIDE, aside), (PedestrianRow.CROSSWALK, -1.0),
        ):  # fmt: skip
            self.people[row, 0, i] = value

    def allowed(self, waited: float = 0.0, speed: float = 1.4, forward: bool = True) -> bool:
        return may_enter(self.walk, self.objects, self.walk_seconds, 0, 0, forward, speed, waited)

    def marks(self) -> list[int]:
        mark_occupied(self.occupied, self.walk, self.people, self.walk_seconds, 0)
        return [int(mark) for mark in self.occupied[0]]


def pavement(graph: LaneGraph, walk: WalkGraph, worlds: int = 1, people: int = 1, vehicles: int = 2) -> Pavement:
    objects = np.zeros((len(ObjectRow), worlds, vehicles))
    objects[ObjectRow.LANE] = -1.0
    return Pavement(
        graph=graph,
        graph_walk=walk,
        roads=road_arrays(graph, [graph]),
        walk=walk_arrays(walk),
        people=np.zeros((len(PedestrianRow), worlds, people)),
        objects=objects,
        walk_seconds=np.full((worlds, walk.crosswalk_count), np.inf),
        occupied=np.zeros((worlds, walk.crossing_count), dtype=np.int64),
        seeds=np.arange(worlds, dtype=np.int64),
    )


def street(worlds: int = 1, people: int = 1, vehicles: int = 2) -> Pavement:
    """Return the street with a crosswalk at x = 150."""
    generated = Street(crosswalk_s_m=150.0)
    opendrive = parse_opendrive(generated.opendrive(), generated.name)
    graph = compile_lane_graph(opendrive)
    return pavement(graph, compile_walk_graph(opendrive, graph), worlds, people, vehicles)


def ramp(*outline: tuple[float, float]) -> Pavement:
    """Return the on-ramp road, which has no sidewalk, with one crosswalk of this outline."""
    generated = OnRampRoad()
    opendrive = parse_opendrive(generated.opendrive(), generated.name)
    graph = compile_lane_graph(opendrive)
    return pavement(graph, compile_walk_graph(opendrive, graph, [Crosswalk(np.array(outline))]))


def town(opendrive: OpenDrive, worlds: int, people: int) -> Pavement:
    """Return a town with crosswalks at its junctions."""
    graph = compile_lane_graph(opendrive)
    walk = compile_walk_graph(opendrive, graph, junction_crosswalks(opendrive, section_frames(opendrive)))
    return pavement(graph, walk, worlds, people)


def populate(worlds: Pavement, seeds: list[int]) -> None:
    """Place the pedestrians of every world by its seed, which also drives their choices."""
    for b, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        worlds.people[:, b] = place_pedestrians(worlds.graph_walk, worlds.people.shape[2], rng)
        worlds.seeds[b] = seed
