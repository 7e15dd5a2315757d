"""Vehicles before the junctions of the generated town, each with its way through set by the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from envs.roads.compiler import compile_lane_graph
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.roads.town import Town
from envs.scene import ActorRow, FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow
from envs.traffic.brain import decide, move_agents, sense_objects
from envs.traffic.lights import light
from envs.traffic.network import RoadArrays, road_arrays
from envs.traffic.scratch import TrafficArrays, traffic_arrays

PERIOD_S = 0.1
LENGTH_M, WIDTH_M = 4.6, 1.9
SEED = 3


@lru_cache(maxsize=1)
def graph() -> LaneGraph:
    return compile_lane_graph(parse_opendrive(Town().opendrive(), "town"))


@lru_cache(maxsize=1)
def roads() -> RoadArrays:
    return road_arrays(graph(), [graph()])


def way(junction: int, before: int, after: int) -> int:
    """Return the connecting lane of ``junction`` that leads from one road to another."""
    town = graph()
    for lane in np.flatnonzero(town.junction == junction).tolist():
        ends = int(town.predecessors[lane, 0]), int(town.successors[lane, 0])
        if (int(town.road[ends[0]]), int(town.road[ends[1]])) == (before, after):
            return int(lane)
    raise LookupError(f"no way through junction {junction} from road {before} to road {after}")


@dataclass(frozen=True)
class Driver:
    """A car whose front is ``to_line`` (m) before the stop line of ``way``, which it is to take."""

    way: int
    to_line: float = 25.0
    speed: float = 8.0


@dataclass(frozen=True)
class Parked:
    """A car that stands at ``s`` (m) of ``lane``."""

    lane: int
    s: float


@dataclass
class Crossing:
    """One world of such cars, at ``time_s``; ``entered`` when each of them entered its way (s), by slot."""

    agents: FloatArray
    actors: FloatArray
    traffic: TrafficArrays
    ways: list[int]
    time_s: float
    entered: dict[int, float] = field(default_factory=dict)

    def drive(self, seconds: float) -> None:
        for _ in range(round(seconds / PERIOD_S)):
            sense_objects(self.traffic.objects, self.agents, self.actors, roads(), 0)
            decide(self.agents, self.traffic, roads(), self.time_s, SEED, 0, PERIOD_S)
            move_agents(self.agents, self.actors, self.traffic.paths, roads(), 0, PERIOD_S)
            self.time_s += PERIOD_S
            for i, lane in enumerate(self.ways):
                if self.row(AgentRow.LANE)[i] == lane:
                    self.entered.setdefault(i, self.time_s)

    def row(self, row: AgentRow) -> FloatArray:
        values: FloatArray = self.agents[row, 0]
        return values

    def to_line(self, i: int) -> float:
        """Return how far the front of car ``i`` is before the line of its way (m), while it is on the lane before."""
        before = int(graph().predecessors[self.ways[i], 0])
        left = graph().length[before] - self.row(AgentRow.S)[i] - 0.5 * LENGTH_M
        return float(left - roads().stop_gap[self.ways[i]])

    def held(self, i: int) -> list[int]:
        """Return the lanes that car ``i`` holds."""
        lanes = self.traffic.grants[0, i, :, 0]
        return lanes[lanes >= 0.0].astype(int).tolist()  # type: ignore[no-any-return]


def crossing(cars: Sequence[Driver | Parked], time_s: float = 0.0) -> Crossing:
    """Return a world with ``cars`` in the slots 0, 1, ..."""
    count = len(cars)
    agents, actors = np.zeros((len(AgentRow), 1, count)), np.zeros((len(ActorRow), 1, count))
    traffic = traffic_arrays(1, count, graph().lane_count)
    traffic.objects[ObjectRow.LANE, 0, count] = -1.0
    for row, value in (
        (AgentRow.DESIRED_SPEED, 40.0), (AgentRow.HEADWAY, 1.2), (AgentRow.MIN_GAP, 2.0), (AgentRow.SPEED_FACTOR, 1.0),
        (AgentRow.MAX_ACCELERATION, 1.5), (AgentRow.COMFORT_BRAKE, 2.5), (AgentRow.HARDEST_BRAKE, 8.0),
        (AgentRow.CAUSED_BY, -1.0),
    ):  # fmt: skip
        agents[row] = value
    actors[ActorRow.VALID], actors[ActorRow.LENGTH], actors[ActorRow.WIDTH] = 1.0, LENGTH_M, WIDTH_M
    for i, car in enumerate(cars):
        agents[AgentRow.NUMBER, 0, i] = i
        if isinstance(car, Parked):
            agents[AgentRow.MODE, 0, i], agents[AgentRow.LANE, 0, i] = AgentMode.STATIC, car.lane
            agents[AgentRow.S, 0, i] = car.s
            x, y, heading = graph().lane_samples(car.lane)[round(car.s / graph().step[car.lane]), :3]
            actors[ActorRow.X, 0, i], actors[ActorRow.Y, 0, i], actors[ActorRow.YAW, 0, i] = x, y, heading
            continue
        before = int(graph().predecessors[car.way, 0])
        agents[AgentRow.MODE, 0, i], agents[AgentRow.LANE, 0, i] = AgentMode.VEHICLE, before
        s = graph().length[before] - 0.5 * LENGTH_M - roads().stop_gap[car.way] - car.to_line
        agents[AgentRow.S, 0, i], agents[AgentRow.SPEED, 0, i] = s, car.speed
        traffic.paths[0, i, :2] = before, car.way
    return Crossing(agents, actors, traffic, [car.way if isinstance(car, Driver) else -1 for car in cars], time_s)


def time_of(lane: int, state: int, left: float = 0.0) -> float:
    """Return a time (s) at which the signal of ``lane`` has just come to ``state``, or will be so for ``left`` more."""
    times = np.arange(0.0, 200.0, PERIOD_S)
    states = np.array([light(roads(), lane, now, SEED) for now in times])
    starts = np.flatnonzero((states[1:] == state) & (states[:-1] != state)) + 1
    if left == 0.0:
        return float(times[starts[0]])
    ends = np.flatnonzero((states[1:] != state) & (states[:-1] == state)) + 1
    return float(times[ends[ends > starts[0]][0]] - left)
