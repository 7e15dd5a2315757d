"""From a Scenario and a seed to a ConcreteScenario."""

from __future__ import annotations

import math
import zlib

import numpy as np

from envs.embedded.collision import boxes_overlap
from envs.roads.lane_graph import LaneGraph
from envs.roads.projection import pose_at
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import (
    BODY_SIZES_M,
    ActorSpec,
    ConcreteScenario,
    Driver,
    LaneAnchor,
    Range,
    RoadSpec,
    Scenario,
)
from envs.scene import ActorKind, FloatArray
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentMode, AgentRow, ScriptRow, TriggerKind

TRIES = 50
"""Draws of one seed before a scenario whose bodies overlap at the start is called impossible."""

EGO_SIZE_M = (4.9, 2.1)
"""Length and width that the start must leave free for the ego (m)."""


class ScenarioError(ValueError):
    """A scenario that cannot be placed on its road."""


def sample_scenario(scenario: Scenario, seed: int, cell: int, maps: MapLibrary) -> ConcreteScenario:
    """Draw one case of ``scenario``; the same seed gives the same case, whatever else is sampled.

    Raises:
        ScenarioError: the ranges leave no room (after ``TRIES`` draws), or a lane is not on the map.
    """
    # By name, not by index: a case is the same in a set of one cell and in a set of twelve.
    label = zlib.crc32(f"{scenario.name}/{scenario.density}".encode())
    rng = np.random.Generator(np.random.PCG64([seed, label]))
    for _ in range(TRIES):
        drawn = _draw(scenario, seed, cell, maps, rng)
        if drawn is not None:
            return drawn
    raise ScenarioError(
        f"scenario {scenario.name} ({scenario.density}) with seed {seed}: bodies overlap in {TRIES} draws; "
        "widen the distances between its actors"
    )


def _draw(
    scenario: Scenario, seed: int, cell: int, maps: MapLibrary, rng: np.random.Generator
) -> ConcreteScenario | None:
    map_name = scenario.road.maps[int(rng.integers(len(scenario.road.maps)))]
    graph = maps.graph(map_name)
    lanes = {name: find_lane(graph, anchor, scenario.road) for name, anchor in scenario.road.lanes.items()}
    ego_lane, ego_s = walk(graph, lanes[scenario.ego_lane], uniform(rng, scenario.ego_at))
    layout = _Layout(graph, lanes, ego_lane, ego_s)
    count = len(scenario.actors)
    agents, bodies = np.zeros((len(AgentRow), count)), np.zeros((5, count))
    scripts = np.zeros((count, SCRIPTS_PER_AGENT, len(ScriptRow)))
    for i, spec in enumerate(scenario.actors):
        _draw_actor(spec, i, layout, agents, bodies, scripts, rng)
    if _overlaps(graph, agents, bodies, ego_lane, ego_s):
        return None
    return ConcreteScenario(
        name=scenario.name,
        density=scenario.density,
        cell=cell,
        seed=seed,
        map_name=map_name,
        ego_lane=ego_lane,
        ego_s=ego_s,
        ego_speed=uniform(rng, scenario.ego_speed),
        route=np.array([lanes[name] for name in scenario.route], dtype=np.int64),
        goal_m=uniform(rng, scenario.goal),
        time_limit_s=uniform(rng, scenario.time_limit),
        wrong_way_limit_s=scenario.wrong_way_limit_s,
        agents=agents,
        bodies=bodies,
        scripts=scripts,
    )


def find_lane(graph: LaneGraph, anchor: LaneAnchor, road: RoadSpec) -> int:
    """Return the index of the lane at an OpenDRIVE address; ScenarioError names it where the map has none."""
    try:
        return graph.find(anchor.road, anchor.lane, anchor.section)
    except KeyError as error:
        raise ScenarioError(f"{error.args[0]} (asked for by a scenario on the maps {', '.join(road.maps)})") from error


def walk(graph: LaneGraph, lane: int, s: float) -> tuple[int, float]:
    """Return lane and arc length of the point ``s`` metres along ``lane``, going on into its neighbours in a row."""
    while s < 0.0 and graph.predecessors[lane, 0] >= 0:
        lane = int(graph.predecessors[lane, 0])
        s += float(graph.length[lane])
    while s > graph.length[lane] and graph.successors[lane, 0] >= 0:
        s -= float(graph.length[lane])
        lane = int(graph.successors[lane, 0])
    return lane, s


class _Layout:
    """Where each participant stands along the road, counted in the ego's direction from the ego's start."""

    def __init__(self, graph: LaneGraph, lanes: dict[str, int], ego_lane: int, ego_s: float) -> None:
        self.graph = graph
        self.lanes = lanes
        self.along = {"ego": 0.0}
        self._levels: dict[int, float] = {}
        x, y, self.heading = pose_at(graph.samples, graph.start, graph.step, ego_lane, ego_s, 0.0)
        self.origin = (x, y)

    def place(self, spec: ActorSpec, distance: float) -> tuple[int, float]:
        """Return (lane, s) for an actor ``distance`` metres from its reference."""
        if spec.after not in self.along:
            raise ScenarioError(f"actor {spec.name!r} is placed after {spec.after!r}, which is not placed before it")
        self.along[spec.name] = self.along[spec.after] + distance
        lane = self.lanes[spec.lane]
        if lane not in self._levels:
            self._levels[lane] = self._level_with_ego(lane)
        start = self._levels[lane]
        heading = pose_at(self.graph.samples, self.graph.start, self.graph.step, lane, max(start, 0.0), 0.0)[2]
        direction = 1.0 if math.cos(heading - self.heading) > 0.0 else -1.0
        return walk(self.graph, lane, start + direction * self.along[spec.name])

    def _level_with_ego(self, lane: int) -> float:
        """Return the arc length of the point of ``lane`` nearest to the ego's start, beyond its ends on a tangent."""
        first, last = self.graph.start[lane], self.graph.start[lane + 1]
        points = self.graph.samples[first:last]
        dx, dy = self.origin[0] - points[:, 0], self.origin[1] - points[:, 1]
        nearest = int(np.argmin(dx * dx + dy * dy))
        heading = points[nearest, 2]
        tangent = dx[nearest] * math.cos(heading) + dy[nearest] * math.sin(heading)
        return float(nearest * self.graph.step[lane] + tangent)


def _draw_actor(
    spec: ActorSpec,
    i: int,
    layout: _Layout,
    agents: FloatArray,
    bodies: FloatArray,
    scripts: FloatArray,
    rng: np.random.Generator,
) -> None:
    kind = spec.kinds[int(rng.integers(len(spec.kinds)))]
    lane, s = layout.place(spec, uniform(rng, spec.distance))
    speed = uniform(rng, spec.speed)
    present = rng.random() < spec.probability
    bodies[:, i] = (int(kind), *BODY_SIZES_M[kind], uniform(rng, spec.yaw), i + 1)
    row = agents[:, i]
    row[AgentRow.MODE] = int(_mode(spec, kind)) if present else int(AgentMode.UNUSED)
    row[AgentRow.LANE], row[AgentRow.S], row[AgentRow.D] = lane, s, uniform(rng, spec.lateral)
    row[AgentRow.SPEED] = speed
    row[AgentRow.DESIRED_SPEED] = speed if spec.desired_speed is None else uniform(rng, spec.desired_speed)
    draw_driver(row, spec.driver, rng)
    for k, script in enumerate(spec.scripts):
        drawn = [uniform(rng, part) for part in (script.value, script.first, script.second)]
        trigger = script.trigger if rng.random() < script.probability else TriggerKind.NONE
        scripts[i, k] = (int(trigger), drawn[0], int(script.action), drawn[1], drawn[2], 0.0)


def draw_driver(row: FloatArray, driver: Driver, rng: np.random.Generator) -> None:
    """Draw the parameters of a driver into the agent's ``row`` ``(len(AgentRow),)``."""
    row[AgentRow.HEADWAY] = uniform(rng, driver.headway)
    row[AgentRow.MIN_GAP] = uniform(rng, driver.min_gap)
    row[AgentRow.MAX_ACCELERATION] = uniform(rng, driver.max_acceleration)
    row[AgentRow.COMFORT_BRAKE] = uniform(rng, driver.comfort_brake)
    row[AgentRow.HARDEST_BRAKE] = uniform(rng, driver.hardest_brake)
    row[AgentRow.POLITENESS] = uniform(rng, driver.politeness)
    row[AgentRow.CHANGE_THRESHOLD] = uniform(rng, driver.change_threshold)
    row[AgentRow.MAY_CHANGE] = float(driver.changes_lane)
    row[AgentRow.COOLDOWN] = rng.random() * 0.5
    row[AgentRow.YIELDS] = float(rng.random() < driver.yield_probability)


def _mode(spec: ActorSpec, kind: ActorKind) -> AgentMode:
    if kind is ActorKind.PEDESTRIAN:
        return AgentMode.WALKER
    return AgentMode.STATIC if spec.parked or kind is ActorKind.STATIC else AgentMode.VEHICLE


def _overlaps(graph: LaneGraph, agents: FloatArray, bodies: FloatArray, ego_lane: int, ego_s: float) -> bool:
    boxes = [_box(graph, ego_lane, ego_s, 0.0, 0.0, EGO_SIZE_M[0] + 2.0, EGO_SIZE_M[1])]
    for i in range(agents.shape[1]):
        if agents[AgentRow.MODE, i] != AgentMode.UNUSED:
            lane, s, d = int(agents[AgentRow.LANE, i]), agents[AgentRow.S, i], agents[AgentRow.D, i]
            boxes.append(_box(graph, lane, s, d, bodies[3, i], bodies[1, i], bodies[2, i]))
    return any(boxes_overlap(*boxes[i], *boxes[j]) for i in range(len(boxes)) for j in range(i))


def _box(
    graph: LaneGraph, lane: int, s: float, d: float, yaw: float, length: float, width: float
) -> tuple[float, float, float, float, float]:
    x, y, heading = pose_at(graph.samples, graph.start, graph.step, lane, s, d)
    return x, y, heading + yaw, 0.5 * length, 0.5 * width


def uniform(rng: np.random.Generator, interval: Range) -> float:
    """Return a number that ``rng`` draws from ``interval``."""
    # What rng.uniform computes, at a third of its time: episodes begin thousands of times a minute.
    return interval.low + (interval.high - interval.low) * rng.random()
