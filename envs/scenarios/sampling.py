"""From a Scenario and a seed to a ConcreteScenario."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from envs.embedded.collision import boxes_overlap
from envs.roads.lane_graph import LaneGraph
from envs.roads.projection import pose_at
from envs.scenarios.layout import Layout, ScenarioError
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import BODY_SIZES_M, ActorSpec, ConcreteScenario, Driver, Placement, Range, Scenario
from envs.scenarios.signal_phase import seed_of_green
from envs.scene import ActorKind, FloatArray, IntArray
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentMode, AgentRow, ScriptRow, TriggerKind
from envs.traffic.paths import PATH_LANES

TRIES = 50
"""Draws of one seed before a scenario whose bodies overlap at the start is called impossible."""

EGO_SIZE_M = (4.9, 2.1)
"""Length and width that the start must leave free for the ego (m)."""


def sample_scenario(
    scenario: Scenario, placements: Sequence[Placement], seed: int, cell: int, maps: MapLibrary
) -> ConcreteScenario:
    """Draw one case of ``scenario`` at one of its ``placements`` (``placement.find_placements``).

    The same seed gives the same case, whatever else is sampled.

    Raises:
        ScenarioError: the ranges leave no room (after ``TRIES`` draws).
    """
    # By name, not by index: a case is the same in a set of one cell and in a set of twelve.
    label = zlib.crc32(f"{scenario.name}/{scenario.density}".encode())
    rng = np.random.Generator(np.random.PCG64([seed, label]))
    for _ in range(TRIES):
        drawn = _draw(scenario, placements, seed, cell, maps, rng)
        if drawn is not None:
            return drawn
    raise ScenarioError(
        f"scenario {scenario.name} ({scenario.density}) with seed {seed}: bodies overlap in {TRIES} draws; "
        "widen the distances between its actors"
    )


def share_with_room(
    scenario: Scenario, placements: Sequence[Placement], maps: MapLibrary, draws: int, rng: np.random.Generator
) -> float:
    """Return the share of ``draws`` single draws in which no bodies overlap at the start."""
    return sum(_draw(scenario, placements, 0, 0, maps, rng) is not None for _ in range(draws)) / draws


def _draw(
    scenario: Scenario, placements: Sequence[Placement], seed: int, cell: int, maps: MapLibrary,
    rng: np.random.Generator,
) -> ConcreteScenario | None:  # fmt: skip
    place = placements[int(rng.integers(len(placements)))]
    graph = maps.graph(place.map_name)
    layout = Layout(graph, place, scenario, uniform(rng, scenario.ego_at))
    count = len(scenario.actors)
    agents, bodies = np.zeros((len(AgentRow), count)), np.zeros((5, count))
    scripts = np.zeros((count, SCRIPTS_PER_AGENT, len(ScriptRow)))
    paths = np.full((count, PATH_LANES), -1)
    for i, spec in enumerate(scenario.actors):
        _draw_actor(spec, i, layout, agents, bodies, scripts, paths, rng)
    ego_lane, ego_s = layout.ego
    if _overlaps(graph, agents, bodies, ego_lane, ego_s):
        return None
    world_seed = seed_of_green(graph, layout, rng) if scenario.green else None
    return ConcreteScenario(
        name=scenario.name,
        density=scenario.density,
        cell=cell,
        seed=seed,
        map_name=place.map_name,
        ego_lane=ego_lane,
        ego_s=ego_s,
        ego_speed=uniform(rng, scenario.ego_speed),
        route=np.array(layout.route, dtype=np.int64),
        goal_m=layout.along[scenario.goal_after] + uniform(rng, scenario.goal),
        time_limit_s=uniform(rng, scenario.time_limit),
        wrong_way_limit_s=scenario.wrong_way_limit_s,
        agents=agents,
        bodies=bodies,
        scripts=scripts,
        paths=paths,
        world_seed=world_seed,
    )


def _draw_actor(
    spec: ActorSpec,
    i: int,
    layout: Layout,
    agents: FloatArray,
    bodies: FloatArray,
    scripts: FloatArray,
    paths: IntArray,
    rng: np.random.Generator,
) -> None:
    kind = spec.kinds[int(rng.integers(len(spec.kinds)))]
    if spec.arrives is None:
        lane, s = layout.place(spec, uniform(rng, spec.distance))
        speed = uniform(rng, spec.speed)
    else:
        speed = uniform(rng, spec.speed)
        lane, s = layout.place_to_meet(spec, uniform(rng, spec.arrives), speed)
    for k, following in enumerate(layout.path(spec, lane)[:PATH_LANES]):
        paths[i, k] = following
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
        ego_at, own_at = layout.meeting(spec, lane, s)
        scripts[i, k] = (int(trigger), drawn[0], int(script.action), drawn[1], drawn[2], 0.0, ego_at, own_at)


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
    row[AgentRow.HEEDLESS] = float(driver.heedless)


def _mode(spec: ActorSpec, kind: ActorKind) -> AgentMode:
    if kind is ActorKind.PEDESTRIAN or spec.walks:
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
