"""Worlds with pedestrians, for tests: the street with a crosswalk, and the town with traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.roads.compiler import compile_lane_graph
from envs.roads.generate import Street
from envs.roads.opendrive import parse_opendrive
from envs.roads.projection import pose_at
from envs.roads.walk_graph import WalkGraph, walk_graph_of_map
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import BODY_SIZES_M, ConcreteScenario
from envs.scene import ActorKind, FloatArray
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentMode, AgentRow, ScriptRow
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow, place_pedestrians
from tests.envs.traffic.worlds import put_ego

FAR_OFF_M = 9000.0
"""Where an ego that is not to take part stands."""


class OneMap(MapLibrary):
    """One map, from its OpenDRIVE text."""

    def __init__(self, name: str, text: str) -> None:
        opendrive = parse_opendrive(text, name)
        self.names = (name,)
        self._graphs = {name: compile_lane_graph(opendrive)}
        self._jaywalk_places = {}
        self._walks = {name: walk_graph_of_map(opendrive, self._graphs[name])}


@lru_cache(maxsize=1)
def street() -> OneMap:
    """Return the street with a crosswalk at x = 150 from y = -5.7 to 5.7; its strips are x = 148 to 152."""
    return OneMap("crosswalk_street", Street(crosswalk_s_m=150.0).opendrive())


@lru_cache(maxsize=1)
def town() -> MapLibrary:
    return MapLibrary(["town"])


def kerbs(walk: WalkGraph, crosswalk: int) -> tuple[int, int]:
    """Return the two kerb nodes of a crosswalk, that of its end 0 first."""
    first, second = np.flatnonzero(walk.node_crosswalk == crosswalk).tolist()
    return first, second


def pedestrian(
    x: float, y: float, yaw: float = 0.0, speed: float = 0.0, edge: tuple[int, int] = (0, 1),
    phase: PedestrianPhase = PedestrianPhase.WALKS, crosswalk: int = -1,
) -> FloatArray:  # fmt: skip
    """Return the column of one pedestrian who wants to walk at ``speed`` (m/s)."""
    column = np.zeros(len(PedestrianRow))
    for row, value in (
        (PedestrianRow.PHASE, phase), (PedestrianRow.X, x), (PedestrianRow.Y, y), (PedestrianRow.YAW, yaw),
        (PedestrianRow.DESIRED_SPEED, speed), (PedestrianRow.PREVIOUS, edge[0]), (PedestrianRow.TARGET, edge[1]),
        (PedestrianRow.CROSSWALK, crosswalk),
    ):  # fmt: skip
        column[row] = value
    return column


def at_kerb(maps: MapLibrary, crosswalk: int = 0, end: int = 0, speed: float = 1.4) -> FloatArray:
    """Return the column of a pedestrian who waits at an end of a crosswalk."""
    name = maps.names[0]
    walk = maps.walk_graph(name)
    nodes = kerbs(walk, crosswalk)
    edge = (nodes[end], nodes[1 - end])
    (x, y), (dx, dy) = walk.nodes[edge[0]], walk.nodes[edge[1]] - walk.nodes[edge[0]]
    return pedestrian(x, y, float(np.arctan2(dy, dx)), speed, edge, PedestrianPhase.WAITS, crosswalk)


def driver(
    lane: int, s: float, speed: float, desired: float | None = None, mode: AgentMode = AgentMode.VEHICLE
) -> FloatArray:
    """Return the column of an agent."""
    column = np.zeros(len(AgentRow))
    for row, value in (
        (AgentRow.MODE, mode), (AgentRow.LANE, lane), (AgentRow.S, s), (AgentRow.SPEED, speed),
        (AgentRow.DESIRED_SPEED, speed if desired is None else desired), (AgentRow.HEADWAY, 1.0),
        (AgentRow.MIN_GAP, 2.0), (AgentRow.MAX_ACCELERATION, 1.5), (AgentRow.COMFORT_BRAKE, 2.5),
        (AgentRow.HARDEST_BRAKE, 8.0), (AgentRow.CAUSED_BY, -1.0),
    ):  # fmt: skip
        column[row] = value
    return column


def case(
    maps: MapLibrary, drivers: Sequence[FloatArray] = (), people: Sequence[FloatArray] = (), seed: int = 0,
    kinds: Sequence[ActorKind] = (), ego: tuple[int, float, float] = (0, 10.0, 0.0),
) -> ConcreteScenario:  # fmt: skip
    """Return a case; ``ego`` is (lane, s, speed); cars unless ``kinds`` says otherwise."""
    kinds = kinds or [ActorKind.CAR] * len(drivers)
    bodies = np.array([(int(kind), *BODY_SIZES_M[kind], 0.0, i + 1) for i, kind in enumerate(kinds)]).reshape(-1, 5).T
    return ConcreteScenario(
        name="test", density="low", cell=0, seed=seed, map_name=maps.names[0], ego_lane=ego[0], ego_s=ego[1],
        ego_speed=ego[2], route=np.array([ego[0]]), goal_m=1e4, time_limit_s=1e4, wrong_way_limit_s=1e4,
        agents=np.array(drivers).reshape(-1, len(AgentRow)).T, bodies=bodies,
        scripts=np.zeros((len(drivers), SCRIPTS_PER_AGENT, len(ScriptRow))),
        pedestrians=np.array(people).reshape(-1, len(PedestrianRow)).T,
    )  # fmt: skip


def start(maps: MapLibrary, *cases: ConcreteScenario, with_ego: bool = False) -> EmbeddedSimulator:
    """Return a simulator with just enough slots, started; without its ego it is far off."""
    slots = max(item.agents.shape[1] for item in cases), max(item.pedestrians.shape[1] for item in cases)
    simulator = EmbeddedSimulator(len(cases), maps, EmbeddedConfig(actors=slots[0], pedestrians=slots[1]))
    simulator.reset(cases)
    for b in range(0 if with_ego else len(cases)):
        put_ego(simulator, b, FAR_OFF_M, FAR_OFF_M, 0.0)
    return simulator


def people_row(simulator: EmbeddedSimulator, row: PedestrianRow) -> FloatArray:
    """Return one row of the pedestrians' state ``(B, P)``."""
    values: FloatArray = simulator.state()["people"][row]
    return values


def town_case(seed: int, vehicles: int, pedestrians: int) -> ConcreteScenario:
    """Return the town with traffic that stands at first: cars, lorries and buses anywhere outside junctions."""
    graph, rng = town().graph("town"), np.random.default_rng(seed)
    free = np.flatnonzero(graph.junction < 0)
    drivers: list[FloatArray] = []
    kinds: list[ActorKind] = []
    placed: list[tuple[float, float, float]] = []
    while len(drivers) < vehicles:
        lane = int(rng.choice(free, p=graph.length[free] / graph.length[free].sum()))
        s, kind = rng.uniform(0.0, graph.length[lane]), ActorKind(int(rng.choice([0, 0, 0, 1, 2])))
        length = BODY_SIZES_M[kind][0]
        x, y, _ = pose_at(graph.samples, graph.start, graph.step, lane, s, 0.0)
        near = any(np.hypot(x - ox, y - oy) < 0.5 * (length + other) + 3.0 for ox, oy, other in placed)
        # Nobody stands on a crosswalk or over the stop line.
        if near or s < 0.5 * length + 4.0 or s > graph.length[lane] - 0.5 * length - 5.0:
            continue
        column = driver(lane, s, 0.0, 40.0)
        column[AgentRow.HEADWAY], column[AgentRow.MAX_ACCELERATION] = rng.uniform(0.8, 1.6), rng.uniform(1.0, 2.0)
        column[AgentRow.NUMBER], column[AgentRow.SPEED_FACTOR] = rng.integers(2**31), rng.uniform(0.8, 1.1)
        column[AgentRow.MAY_CHANGE] = column[AgentRow.YIELDS] = 1.0
        placed.append((x, y, length))
        drivers.append(column)
        kinds.append(kind)
    scenario = case(town(), drivers, (), seed, kinds)
    return replace(scenario, pedestrians=place_pedestrians(town().walk_graph("town"), pedestrians, rng))
