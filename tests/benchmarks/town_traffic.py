"""The traffic alone, without ego and pedestrians, for the comparison with SUMO: towns, worlds, and what they count."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from envs.compiled import njit
from envs.roads.lane_graph import LaneGraph
from envs.roads.town import Town
from envs.scene import ActorKind, FloatArray, IntArray
from envs.traffic.agents import AgentRow
from envs.traffic.brain import decide, move_agents, sense_objects
from envs.traffic.network import RoadArrays
from envs.traffic.scratch import TrafficArrays
from tests.gates.population import GENERATED, MAPS, Worlds, load_map, populate

PERIOD_S = 0.1
"""Step of both simulators (s)."""

STANDING_MPS = 0.1
"""Who is slower stands (m/s, SUMO's own bound); who has been faster than ``DRIVING_MPS`` since has stopped once."""

DRIVING_MPS = 1.0


@dataclass(frozen=True, slots=True)
class TownFlow:
    """What came of one world's traffic.

    ``speed`` mean over all vehicles and time, standing included (m/s); ``per_lane`` vehicles an hour through each
    counted cross-section ``(C,)``; ``waiting`` share of the time that vehicles stand; ``stops_per_km``.
    """

    speed: float
    per_lane: FloatArray
    waiting: float
    stops_per_km: float


def opendrive_text(name: str) -> str:
    """Return the OpenDRIVE of ``GENERATED`` or of a CARLA town."""
    return Town().opendrive() if name == GENERATED else (MAPS / f"{name}.xodr").read_text()


def town_graph(name: str, limit_mps: float) -> LaneGraph:
    """Return a town's lane graph with one speed limit everywhere; curves still slow the drivers down."""
    graph = load_map(name)
    return replace(graph, speed_limit=np.full(graph.lane_count, limit_mps))


def cars(graph: LaneGraph, vehicles: int, seed: int) -> Worlds:
    """Return one world of so many cars whose signals' clocks are those of seed 0."""
    worlds = populate(graph, vehicles, [seed], (ActorKind.CAR,))
    worlds.seeds[:] = 0
    return worlds


def sections(graph: LaneGraph, shortest_m: float = 20.0) -> IntArray:
    """Return the lanes in whose middle traffic is counted: those outside junctions that are not too short."""
    chosen: IntArray = np.flatnonzero((graph.junction < 0) & (graph.length >= shortest_m))
    return chosen


def drive(worlds: Worlds, first: int, ticks: int) -> None:
    """Let the traffic drive for ``ticks`` after tick ``first``."""
    _drive(worlds.agents, worlds.actors, worlds.traffic, worlds.roads, worlds.seeds, first, ticks)


def flow(worlds: Worlds, warm_up: int, ticks: int) -> TownFlow:
    """Let one world drive for ``warm_up`` ticks, and count over the ``ticks`` after them."""
    agents, lanes = worlds.agents[:, 0], sections(worlds.graph)
    place = np.full(worlds.graph.lane_count, -1)
    place[lanes] = np.arange(len(lanes))
    drive(worlds, 0, warm_up)
    meter = FlowMeter(len(lanes), agents.shape[1])
    driven = agents[AgentRow.ODOMETER].copy()
    for k in range(warm_up, warm_up + ticks):
        lane, s = agents[AgentRow.LANE].astype(int), agents[AgentRow.S].copy()
        drive(worlds, k, 1)
        middle = 0.5 * worlds.graph.length[lane]
        left = agents[AgentRow.LANE].astype(int) != lane
        passed = (s < middle) & (left | (agents[AgentRow.S] >= middle))
        meter.see(place[lane[passed]], agents[AgentRow.SPEED])
    return meter.result(float((agents[AgentRow.ODOMETER] - driven).sum()), ticks)


class FlowMeter:
    """Counts passages, standing and stops of vehicles, whichever simulator moves them."""

    def __init__(self, lanes: int, vehicles: int) -> None:
        self._passed, self._moved = np.zeros(lanes), np.zeros(vehicles, np.bool_)
        self._standing, self._stops, self._vehicles = 0, 0, vehicles

    def see(self, passed: IntArray, speeds: FloatArray) -> None:
        """Note who has ``passed`` a counted place in this tick (places, -1 for one not counted), and all speeds."""
        np.add.at(self._passed, passed[passed >= 0], 1)
        stands = speeds < STANDING_MPS
        self._stops += int((stands & self._moved).sum())
        self._standing += int(stands.sum())
        self._moved = (self._moved & ~stands) | (speeds > DRIVING_MPS)

    def result(self, driven_m: float, ticks: int) -> TownFlow:
        """Return the flow of ``ticks`` in which all vehicles together drove so far."""
        seconds = ticks * PERIOD_S
        return TownFlow(
            speed=driven_m / (seconds * self._vehicles),
            per_lane=self._passed * 3600.0 / seconds,
            waiting=self._standing / (ticks * self._vehicles),
            stops_per_km=1000.0 * self._stops / driven_m,
        )


@njit
def _drive(
    agents: FloatArray, actors: FloatArray, traffic: TrafficArrays, roads: RoadArrays, seeds: IntArray,
    first: int, ticks: int,
) -> None:  # fmt: skip
    for b in range(agents.shape[1]):
        for k in range(first, first + ticks):
            sense_objects(traffic.objects, agents, actors, roads, b)
            decide(agents, traffic, roads, k * PERIOD_S, seeds[b], b, PERIOD_S)
            move_agents(agents, actors, traffic.paths, roads, b, PERIOD_S)
