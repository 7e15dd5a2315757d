"""A recording from elsewhere as a scenario of ours: its road users as agents, and a route along the way of its ego.

Nothing in a recording tells where its ego wanted to go, or what its drivers are like: the route follows the ego's way
and goes on ``BEYOND_M`` behind it, and the drivers are usual ones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.errors import EnvsError
from envs.roads.lane_graph import LaneGraph, locate
from envs.roads.route_plan import plan_spans, route_tree
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import ROUTE_LANES, ConcreteScenario, Driver, Range
from envs.scenarios.town_traffic import draw_drivers
from envs.scene import ActorKind, ActorRow, ActorStates, EventRow, Events, FloatArray, IntArray, SceneBatch
from envs.simulator import DECISION_PERIOD_S
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentMode, AgentRow, ScriptRow

BEYOND_M = 150.0
"""How far the route goes on behind where the recording ends (m, ours)."""

BEYOND_S = 60.0
"""How long the drive may last beyond the recording (s, ours)."""

LOOKED_AT_EVERY = 5
"""Ticks between two places of the ego that its route leads over."""

PARKED_M = 0.5
"""A vehicle that comes no farther than this from where it is first is parked (m, ours)."""

WALKS_ON_M = 30.0
"""How far a pedestrian walks on, straight ahead, when the recording no longer moves it (m, ours)."""

MOST_BODIES = 400


class RecordedCaseError(EnvsError, ValueError):
    """A recording of which no scenario can be made; one line that says why."""


def at_decisions(scenes: SceneBatch, period_s: float) -> IntArray:
    """Return the ticks of a drive with ``period_s`` between them that are nearest to our decisions.

    Raises:
        RecordedCaseError: it has fewer ticks than we have decisions.
    """
    if period_s > 1.01 * DECISION_PERIOD_S:
        raise RecordedCaseError(f"the recording has a tick every {period_s:g} s, and a decision comes every "
                                f"{DECISION_PERIOD_S:g} s: record more of them")  # fmt: skip
    begin, end = float(scenes.time_s[0]), float(scenes.time_s[-1])
    wanted = begin + DECISION_PERIOD_S * np.arange(int((end - begin) / DECISION_PERIOD_S + 1e-6) + 1)
    after = np.clip(np.searchsorted(scenes.time_s, wanted), 1, scenes.batch_size - 1)
    before = after - 1
    ticks: IntArray = np.where(wanted - scenes.time_s[before] < scenes.time_s[after] - wanted, before, after)
    return ticks


def a_slot_each(scenes: SceneBatch) -> SceneBatch:
    """Return ``scenes`` with every road user in one slot for all time: a recording may use a slot again.

    Raises:
        RecordedCaseError: there are more than ``MOST_BODIES``.
    """
    actors = scenes.actors
    ids = np.unique(actors.id[actors.valid])
    if len(ids) > MOST_BODIES:
        raise RecordedCaseError(f"the recording has {len(ids)} road users; {MOST_BODIES} at most are simulated")
    block = np.zeros((len(ActorRow), scenes.batch_size, max(len(ids), 1)))
    ticks, slots = np.nonzero(actors.valid)
    place = np.searchsorted(ids, actors.id[ticks, slots])
    block[:, ticks, place] = actors.block[:, ticks, slots]
    events = scenes.events.block.copy()
    for tick in np.flatnonzero(events[EventRow.COLLISION_ACTOR] >= 0.0):
        hit = actors.id[tick, int(events[EventRow.COLLISION_ACTOR, tick])]
        events[EventRow.COLLISION_ACTOR, tick] = float(np.searchsorted(ids, hit))
    time_s: FloatArray = DECISION_PERIOD_S * np.arange(scenes.batch_size, dtype=np.float64)
    step = np.arange(scenes.batch_size)
    return replace(scenes, time_s=time_s, step=step, actors=ActorStates(block), events=Events(events))


def case_of(scenes: SceneBatch, maps: MapLibrary, map_name: str) -> ConcreteScenario:
    """Return the scenario whose first scene is the first of ``scenes`` (``a_slot_each``), on a map of ``maps``."""
    graph = maps.graph(map_name)
    lanes, start_s, goal_s = _route(graph, scenes)
    spans = plan_spans(graph, lanes, start_s, goal_s)
    if spans is None:
        raise RecordedCaseError("the ego changes lanes where our routes leave no room for it")
    agents, bodies = _road_users(graph, scenes)
    count = agents.shape[1]
    driven = spans[:, 1] - spans[:, 0]
    return ConcreteScenario(
        name="recording",
        density="",
        cell=0,
        seed=0,
        map_name=map_name,
        ego_lane=lanes[0],
        ego_s=start_s,
        ego_speed=float(scenes.ego.speed[0]),
        route=np.array(lanes, dtype=np.int64),
        route_spans=spans,
        goal_m=float(driven.sum() - start_s - (graph.length[lanes[-1]] - goal_s)),
        time_limit_s=round(float(scenes.time_s[-1]) + BEYOND_S, 1),
        wrong_way_limit_s=10.0,
        agents=agents,
        bodies=bodies,
        scripts=np.zeros((count, SCRIPTS_PER_AGENT, len(ScriptRow))),
        world_seed=0,
    )


def _route(graph: LaneGraph, scenes: SceneBatch) -> tuple[list[int], float, float]:
    """Return the lanes of the ego's way and on, and where on the first and the last of them it begins and ends (m)."""
    ego = scenes.ego
    ticks = range(0, scenes.batch_size, LOOKED_AT_EVERY)
    first, start_s, _ = locate(graph, float(ego.x[0]), float(ego.y[0]), float(ego.yaw[0]))
    lanes = [first]
    for tick in ticks:
        lane, _, offset = locate(graph, float(ego.x[tick]), float(ego.y[tick]), float(ego.yaw[tick]))
        if lane in lanes or abs(offset) > 2.0:
            continue
        tree = route_tree(graph, lanes[-1])
        # Ways through a junction lie on top of one another: one that is no way on was not taken.
        if tree.distance[lane] <= graph.length[lanes[-1]] + 60.0:
            lanes += tree.lanes_to(lane)[1:]
    beyond = 0.0
    while beyond < BEYOND_M and len(lanes) < ROUTE_LANES and graph.successors[lanes[-1], 0] >= 0:
        lanes.append(int(graph.successors[lanes[-1], 0]))
        beyond += float(graph.length[lanes[-1]])
    # The goal lies a little before the end of the last lane, so that its line is crossed on the map.
    return lanes, max(start_s, 0.0), max(0.5, float(graph.length[lanes[-1]]) - 5.0)


def _road_users(graph: LaneGraph, scenes: SceneBatch) -> tuple[FloatArray, FloatArray]:
    """Return agents ``(len(AgentRow), A)`` and bodies ``(5, A)``, each as it is when it is first there."""
    block = scenes.actors.block
    count, valid = block.shape[2], block[ActorRow.VALID] > 0.5
    first = np.argmax(valid, axis=0)
    begin = block[:, first, np.arange(count)]
    places = [locate(graph, *begin[[ActorRow.X, ActorRow.Y, ActorRow.YAW], slot].tolist()) for slot in range(count)]
    lanes, along, aside = (np.array(column) for column in zip(*places, strict=True))
    rng = np.random.default_rng(0)
    agents = draw_drivers(lanes.astype(np.int64), along, Driver(changes_lane=True), Range(0.9, 1.1), rng)
    kind, speed = begin[ActorRow.KIND], begin[ActorRow.SPEED]
    agents[AgentRow.D], agents[AgentRow.SPEED] = aside, speed
    agents[AgentRow.MODE] = [_mode(int(kind[slot]), _moves(block[:, valid[:, slot], slot])) for slot in range(count)]
    agents[AgentRow.MODE, ~valid.any(axis=0)] = AgentMode.UNUSED
    walks = agents[AgentRow.MODE] == AgentMode.WALKER
    agents[AgentRow.WALK_LEFT, walks] = WALKS_ON_M
    agents[AgentRow.DESIRED_SPEED, walks] = block[ActorRow.SPEED].max(axis=0)[walks]
    sizes = begin[[ActorRow.LENGTH, ActorRow.WIDTH]]
    return agents, np.stack([kind, *sizes, np.zeros(count), begin[ActorRow.ID]])


def _moves(track: FloatArray) -> bool:
    """Return whether a body of rows ``(len(ActorRow), n)`` moves."""
    x, y = track[[ActorRow.X, ActorRow.Y]]
    return bool(len(x) and np.hypot(x - x[0], y - y[0]).max() > PARKED_M)


def _mode(kind: int, moves: bool) -> int:
    if kind == ActorKind.PEDESTRIAN:
        return int(AgentMode.WALKER)
    return int(AgentMode.VEHICLE) if moves and kind != ActorKind.STATIC else int(AgentMode.STATIC)
