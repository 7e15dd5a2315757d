"""The traffic alone, without ego and pedestrians, for the comparison with SUMO: towns, worlds, and what they count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from envs.compiled import njit
from envs.roads.controls import GateKind
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


class LaneKind(IntEnum):
    """What holds traffic on a lane: what stands at its entry, in a junction, or at its end, before one."""

    SIGNAL = 0
    STOP = 1
    """A stop sign; others at the junction may have none."""
    YIELD = 2
    PRIORITY = 3
    """Nothing, where others have a sign."""
    UNSIGNED = 4
    """Nothing, and neither have the others."""
    OPEN = 5
    """No junction ahead: a lane that another, or none, follows outside a junction."""


@dataclass(frozen=True, slots=True)
class TownFlow:
    """What came of one world's traffic.

    ``speed`` mean over all vehicles and time, standing included (m/s); ``per_lane`` vehicles an hour through each
    counted cross-section ``(C,)``; ``waiting`` share of the time that vehicles stand; ``stops_per_km``; ``metres`` and
    ``seconds`` ``(len(LaneKind),)`` that all vehicles together drove and spent on lanes of each kind.
    """

    speed: float
    per_lane: FloatArray
    waiting: float
    stops_per_km: float
    metres: FloatArray
    seconds: FloatArray


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


def lane_kinds(graph: LaneGraph) -> IntArray:
    """Return the ``LaneKind`` of each lane ``(L,)``; a lane whose turns have different gates has the strictest one."""
    gate, signed = graph.controls.gate, np.zeros(graph.lane_count, np.bool_)
    for junction in np.unique(graph.junction[graph.junction >= 0]):
        inside = graph.junction == junction
        signed[inside] = (gate[inside] != GateKind.OPEN).any()
    own = np.where(signed, LaneKind.PRIORITY, LaneKind.UNSIGNED)
    for gate_kind, kind in ((GateKind.YIELD, LaneKind.YIELD), (GateKind.STOP, LaneKind.STOP),
                            (GateKind.SIGNAL, LaneKind.SIGNAL)):  # fmt: skip
        own[gate == gate_kind] = kind
    own[graph.junction < 0] = LaneKind.OPEN
    following = np.where(graph.successors >= 0, own[graph.successors], LaneKind.OPEN)
    kinds: IntArray = np.where(graph.junction >= 0, own, following.min(axis=1))
    return kinds


def drive(worlds: Worlds, first: int, ticks: int) -> None:
    """Let the traffic drive for ``ticks`` after tick ``first``."""
    _drive(worlds.agents, worlds.actors, worlds.traffic, worlds.roads, worlds.seeds, first, ticks)


def flow(worlds: Worlds, warm_up: int, ticks: int) -> TownFlow:
    """Let one world drive for ``warm_up`` ticks, and count over the ``ticks`` after them."""
    graph, agents = worlds.graph, worlds.agents[:, 0]
    lanes, kinds = sections(graph), lane_kinds(graph)
    place = np.full(graph.lane_count, -1)
    place[lanes] = np.arange(len(lanes))
    drive(worlds, 0, warm_up)
    meter = FlowMeter(len(lanes), agents.shape[1])
    driven = agents[AgentRow.ODOMETER].copy()
    for k in range(warm_up, warm_up + ticks):
        lane, s = agents[AgentRow.LANE].astype(int), agents[AgentRow.S].copy()
        drive(worlds, k, 1)
        now = agents[AgentRow.LANE].astype(int)
        middle = 0.5 * graph.length[lane]
        # Who has changed to the lane beside is still on the same cross-section of the road.
        left = (now != lane) & (now != graph.left[lane]) & (now != graph.right[lane])
        passed = (s < middle) & (left | (agents[AgentRow.S] >= middle))
        meter.see(place[lane[passed]], agents[AgentRow.SPEED], kinds[now])
    return meter.result(float((agents[AgentRow.ODOMETER] - driven).sum()), ticks)


class FlowMeter:
    """Counts passages, standing and stops of vehicles, whichever simulator moves them."""

    def __init__(self, lanes: int, vehicles: int) -> None:
        self._passed, self._moved = np.zeros(lanes), np.zeros(vehicles, np.bool_)
        self._standing, self._stops, self._vehicles = 0, 0, vehicles
        self._metres, self._seconds = np.zeros(len(LaneKind)), np.zeros(len(LaneKind))

    def see(self, passed: IntArray, speeds: FloatArray, kinds: IntArray) -> None:
        """Note who has ``passed`` a counted place in this tick (places, -1 for one not counted), and all speeds.

        ``kinds`` ``(V,)`` of the lanes on which the vehicles are.
        """
        np.add.at(self._passed, passed[passed >= 0], 1)
        np.add.at(self._metres, kinds, speeds * PERIOD_S)
        np.add.at(self._seconds, kinds, PERIOD_S)
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
            metres=self._metres,
            seconds=self._seconds,
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
