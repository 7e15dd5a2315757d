"""One decision period of all worlds: the order of events inside a step."""

from __future__ import annotations

from typing import NamedTuple

from envs.compiled import is_compiled, njit
from envs.embedded.junction_rules import watch_junction
from envs.embedded.levels import ego_level, write_levels
from envs.embedded.route_line import take_route_lane, track_route
from envs.embedded.shown_ego import show_ego
from envs.embedded.visibility import look_around
from envs.embedded.world import move_ego, read_road, remember_poses, sense_ego, track_lane
from envs.embedded.world_rows import WorldRow
from envs.scene import ROUTE_POINT_SPACING_M, FloatArray, IntArray
from envs.traffic.brain import decide, move_agents, sense_objects
from envs.traffic.network import RoadArrays
from envs.traffic.roaming import notice_pedestrians, roam, show_pedestrians
from envs.traffic.scratch import TrafficArrays
from envs.traffic.scripts import run_scripts


class WorldArrays(NamedTuple):
    """Everything that belongs to B worlds, as the kernels take it.

    ``parameters`` of the vehicle; ``seeds`` ``(B,)`` of the episodes; ``worlds``, ``vehicle``, ``agents`` blocks
    ``(rows, B, ...)``; ``traffic`` of the drivers and pedestrians; ``scripts`` ``(B, A, ...)``, ``routes``
    ``(B, lanes)`` and the ``spans`` ``(B, lanes, 2)`` of them that are driven; the blocks of the scene; scratch for one
    world: ``before`` ``(3, slots)`` poses of the actors when the period began, ``levels`` ``(slots,)`` their heights;
    ``nearness``, ``nearest`` ``(BINS,)`` of the look around.
    """

    parameters: FloatArray
    seeds: IntArray
    worlds: FloatArray
    vehicle: FloatArray
    agents: FloatArray
    scripts: FloatArray
    traffic: TrafficArrays
    routes: IntArray
    spans: FloatArray
    ego: FloatArray
    actors: FloatArray
    road: FloatArray
    route: FloatArray
    points: FloatArray
    events: FloatArray
    before: FloatArray
    levels: FloatArray
    nearness: FloatArray
    nearest: FloatArray


def step_is_compiled() -> bool:
    """Return whether the machine code of a step lies in the cache; where it doesn't, the first one takes minutes."""
    return is_compiled(_move_others.__name__)


@njit
def step_worlds(
    roads: RoadArrays, arrays: WorldArrays, control: FloatArray, rows: IntArray, period: float, looks: bool
) -> None:
    """Advance the worlds ``rows`` by ``period`` seconds; with ``looks`` the ego then looks around.

    The others decide on what they see now, then all bodies move together.
    """
    for b in rows:
        _move_others(roads, arrays, b, period)
        move_ego(
            arrays.vehicle, arrays.ego, arrays.actors, arrays.before, arrays.events, control, arrays.parameters,
            arrays.levels, ego_level(arrays.worlds, roads, b), b, period,
        )  # fmt: skip
        _settle(roads, arrays, b, period, looks)


@njit
def move_others(roads: RoadArrays, arrays: WorldArrays, rows: IntArray, period: float) -> None:
    """Make the first half of a step, for an ego that moves elsewhere: the others decide on what they see, and move."""
    for b in rows:
        _move_others(roads, arrays, b, period)


@njit
def settle_worlds(roads: RoadArrays, arrays: WorldArrays, rows: IntArray, period: float) -> None:
    """Make the second half, once the ego's block says where it went: the clock, and all that follows from there."""
    for b in rows:
        _settle(roads, arrays, b, period, True)


@njit
def _move_others(roads: RoadArrays, arrays: WorldArrays, b: int, period: float) -> None:
    worlds, agents, ego, actors = arrays.worlds, arrays.agents, arrays.ego, arrays.actors
    traffic, objects = arrays.traffic, arrays.traffic.objects
    run_scripts(arrays.scripts, agents, actors, ego, arrays.route, roads, worlds[WorldRow.TIME, b], b)
    sense_objects(objects, agents, actors, roads, b)
    sense_ego(objects, worlds, ego, b)
    show_ego(traffic.ego, worlds, ego, arrays.route, arrays.routes, roads, arrays.seeds[b], b)
    decide(agents, traffic, roads, worlds[WorldRow.TIME, b], arrays.seeds[b], b, period)
    if traffic.crowd.people.shape[2] > 0:
        roam(traffic, agents, actors, roads, arrays.seeds, worlds[WorldRow.TIME, b], b, period)
    remember_poses(arrays.before, actors, b)
    move_agents(agents, actors, traffic.paths, roads, b, period)
    show_pedestrians(actors, traffic.crowd.people, agents.shape[2], b, period)
    write_levels(arrays.levels, agents, traffic.crowd, roads, b)


@njit
def _settle(roads: RoadArrays, arrays: WorldArrays, b: int, period: float, looks: bool) -> None:
    arrays.worlds[WorldRow.TIME, b] += period
    _derive(roads, arrays, b, period)
    if looks:
        _look(roads, arrays, b)


@njit
def refresh_worlds(roads: RoadArrays, arrays: WorldArrays, rows: IntArray) -> None:
    """Write all that is derived (lane, route, road, visibility) for the worlds ``rows``, without moving anything."""
    for b in rows:
        notice_pedestrians(arrays.traffic.crowd, roads, arrays.seeds, arrays.worlds[WorldRow.TIME, b], b)
        _derive(roads, arrays, b, 0.0)
        write_levels(arrays.levels, arrays.agents, arrays.traffic.crowd, roads, b)
        _look(roads, arrays, b)


@njit
def _look(roads: RoadArrays, arrays: WorldArrays, b: int) -> None:
    level = ego_level(arrays.worlds, roads, b)
    look_around(arrays.actors, arrays.ego, arrays.levels, level, arrays.nearness, arrays.nearest, b)


@njit
def _derive(roads: RoadArrays, arrays: WorldArrays, b: int, period: float) -> None:
    """Write what follows from where the ego is: its lane, its way along the route, the road around it."""
    worlds, ego, events = arrays.worlds, arrays.ego, arrays.events
    track_lane(worlds, ego, roads, b)
    track_route(worlds, ego, arrays.route, arrays.points, events, arrays.routes, arrays.spans, roads,
                ROUTE_POINT_SPACING_M, b)  # fmt: skip
    take_route_lane(worlds, ego, arrays.routes, roads, b)
    read_road(worlds, ego, arrays.road, events, roads, b, period)
    watch_junction(worlds, ego, arrays.road, events, arrays.routes, arrays.spans, roads, arrays.seeds[b], b)
