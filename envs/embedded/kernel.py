"""One decision period of all worlds: the order of events inside a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from envs.compiled import njit
from envs.embedded.visibility import look_around
from envs.embedded.world import WorldRow, ego_object, move_ego, read_road, track_lane, track_route
from envs.scene import ROUTE_POINT_SPACING_M, ActorRow, FloatArray, IntArray
from envs.traffic.agents import OBJECT_ROWS
from envs.traffic.brain import decide, move_agents, sense_objects
from envs.traffic.network import RoadArrays
from envs.traffic.scripts import run_scripts


class WorldArrays(NamedTuple):
    """Everything that belongs to B worlds, in the order in which the kernels take it.

    It is unpacked for the call: inside a kernel each use of a tuple's array counts references, which doubled the time.
    ``parameters`` of the vehicle; ``worlds``, ``vehicle``, ``agents``, ``objects`` blocks ``(rows, B, ...)``,
    ``scripts`` ``(B, A, ...)``, ``routes`` ``(B, lanes)``; the blocks of the scene; scratch for one world:
    ``before`` ``(3, A)`` poses of the actors when the period began, ``nearness`` and ``nearest`` ``(BINS,)`` of the
    look around.
    """

    parameters: FloatArray
    worlds: FloatArray
    vehicle: FloatArray
    agents: FloatArray
    scripts: FloatArray
    objects: FloatArray
    routes: IntArray
    ego: FloatArray
    actors: FloatArray
    road: FloatArray
    route: FloatArray
    points: FloatArray
    events: FloatArray
    before: FloatArray
    nearness: FloatArray
    nearest: FloatArray


@njit
def step_worlds(
    roads: RoadArrays,
    parameters: FloatArray,
    worlds: FloatArray,
    vehicle: FloatArray,
    agents: FloatArray,
    scripts: FloatArray,
    objects: FloatArray,
    routes: IntArray,
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    route: FloatArray,
    points: FloatArray,
    events: FloatArray,
    before: FloatArray,
    nearness: FloatArray,
    nearest: FloatArray,
    control: FloatArray,
    rows: IntArray,
    period: float,
    looks: bool,
) -> None:
    """Advance the worlds ``rows`` by ``period`` seconds; with ``looks`` the ego then looks around.

    The others decide on what they see now, then all bodies move together.
    """
    ego_row = np.zeros(OBJECT_ROWS)
    for b in rows:
        run_scripts(scripts, agents, actors, ego, roads, worlds[WorldRow.TIME, b], b)
        ego_object(worlds, ego, ego_row, b)
        sense_objects(objects, agents, actors, ego_row, roads, b)
        decide(agents, objects, roads, b, period)
        before[0] = actors[ActorRow.X, b]
        before[1] = actors[ActorRow.Y, b]
        before[2] = actors[ActorRow.YAW, b]
        move_agents(agents, actors, roads, b, period)
        move_ego(vehicle, ego, actors, before, events, control, parameters, b, period)
        worlds[WorldRow.TIME, b] += period
        track_lane(worlds, ego, roads, b)
        track_route(worlds, ego, route, points, events, routes, roads, ROUTE_POINT_SPACING_M, b)
        read_road(worlds, ego, road, events, roads, b, period)
        if looks:
            look_around(actors, ego, nearness, nearest, b)


@njit
def refresh_worlds(
    roads: RoadArrays,
    parameters: FloatArray,
    worlds: FloatArray,
    vehicle: FloatArray,
    agents: FloatArray,
    scripts: FloatArray,
    objects: FloatArray,
    routes: IntArray,
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    route: FloatArray,
    points: FloatArray,
    events: FloatArray,
    before: FloatArray,
    nearness: FloatArray,
    nearest: FloatArray,
    rows: IntArray,
) -> None:
    """Write all that is derived (lane, route, road, visibility) for the worlds ``rows``, without moving anything."""
    for b in rows:
        track_lane(worlds, ego, roads, b)
        track_route(worlds, ego, route, points, events, routes, roads, ROUTE_POINT_SPACING_M, b)
        read_road(worlds, ego, road, events, roads, b, 0.0)
        look_around(actors, ego, nearness, nearest, b)
