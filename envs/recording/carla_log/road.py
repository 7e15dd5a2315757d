"""The road around a recorded ego: what the embedded simulator's kernels read off the map, frame by frame.

The route is what the ego drove; it goes on behind the last frame, so that the road ahead is known there too, but nobody
set its end as a goal. Where there is no route its numbers are 0, and nothing is known of junctions and lights ahead.
"""

from __future__ import annotations

import numpy as np

from envs.carla_recording import CarlaLogError
from envs.embedded.junction_rules import watch_junction
from envs.embedded.route_line import track_route
from envs.embedded.world import FAR_M, read_road, track_lane
from envs.embedded.world_rows import WorldRow
from envs.recording.carla_log.known_map import KnownMap
from envs.recording.carla_log.lights import program_that_shows
from envs.recording.carla_log.matching import Places, Route, driven_route, find_places
from envs.scene import (
    ROUTE_POINT_SPACING_M,
    EventRow,
    IntArray,
    RoadRow,
    RouteRow,
    SceneBatch,
    SignalState,
)
from envs.traffic.network import RoadArrays, road_arrays

WRONG_WAY_LIMIT_S = 10.0
"""From when driving against the traffic is an event (s): what scenarios have that say nothing else."""

ELSEWHERE_M = 20.0
"""An ego that is mostly farther than this from every lane is on another map (m, ours)."""


def fill_road(scenes: SceneBatch, known: KnownMap, shown: IntArray) -> None:
    """Write ``road``, ``route`` and the road's events of ``scenes`` (batch axis: time).

    ``shown`` ``(T, G)`` the states of the map's signal groups, -1 where nothing is known of them.

    Raises:
        CarlaLogError: the ego is nowhere near a road of the map.
    """
    graph = known.graph
    roads = road_arrays(graph, [graph])
    roads = roads._replace(programs=roads.programs.copy())
    places = find_places(scenes, graph, roads)
    _require_a_road(known, places)
    route = driven_route(scenes, graph, places)
    passage = _Passage(scenes, roads, places, route)
    for tick in range(scenes.batch_size):
        passage.advance(tick, shown[tick])
    if route is not None:
        scenes.route.block[RouteRow.LENGTH] = scenes.route.progress_m[-1]
        scenes.route.block[RouteRow.TIME_LIMIT] = scenes.time_s[-1]


def _require_a_road(known: KnownMap, places: Places) -> None:
    beyond = np.maximum(np.maximum(-places.s, places.s - known.graph.length[places.lane]), 0.0)
    away = float(np.median(np.hypot(places.d, beyond)))
    if away > ELSEWHERE_M:
        raise CarlaLogError(
            f"the ego is {away:.0f} m from any lane of {known.name} most of the time: give the map of the recording"
        )


def forget_road(scenes: SceneBatch) -> None:
    """Write the road of a map that is not known: nothing is near, and every number is 0."""
    scenes.road.block[[RoadRow.DISTANCE_TO_LANE_END, RoadRow.DISTANCE_TO_JUNCTION]] = FAR_M
    scenes.road.block[RoadRow.DISTANCE_TO_STOP_LINE] = FAR_M


class _Passage:
    """One world that goes through the scenes; the kernels keep in it what they remember of the frame before."""

    def __init__(self, scenes: SceneBatch, roads: RoadArrays, places: Places, route: Route | None) -> None:
        self.scenes, self.roads, self.places, self.route = scenes, roads, places, route
        self.one = SceneBatch.empty(1, 1)
        self.worlds = np.zeros((len(WorldRow), 1))
        self.worlds[WorldRow.WRONG_WAY_LIMIT, 0] = WRONG_WAY_LIMIT_S
        self.time_s, self.shown = 0.0, np.full(len(roads.plan), -2)
        if route is not None:
            self.worlds[WorldRow.ROUTE_COUNT, 0] = route.lanes.shape[1]
            self.worlds[[WorldRow.ROUTE_S, WorldRow.START_S], 0] = route.start_s

    def advance(self, tick: int, shown: IntArray) -> None:
        """Write what follows from where the ego is at a frame; ``shown`` ``(G,)`` the states of the lights."""
        one, worlds, now = self.one, self.worlds, float(self.scenes.time_s[tick])
        for group in np.flatnonzero(shown != self.shown).tolist():
            self.roads.programs[group] = program_that_shows(int(shown[group]))
        self.shown = shown
        one.ego.block[:, 0] = self.scenes.ego.block[:, tick]
        worlds[[WorldRow.LANE, WorldRow.S], 0] = self.places.lane[tick], self.places.s[tick]
        track_lane(worlds, one.ego.block, self.roads, 0)
        self._follow_route()
        read_road(worlds, one.ego.block, one.road.block, one.events.block, self.roads, 0, now - self.time_s)
        self._watch_junction(shown)
        self.time_s = now
        self._write(tick)

    def _follow_route(self) -> None:
        if self.route is not None:
            one = self.one
            track_route(
                self.worlds, one.ego.block, one.route.block, one.route.points, one.events.block, self.route.lanes,
                self.route.spans, self.roads, ROUTE_POINT_SPACING_M, 0,
            )  # fmt: skip

    def _watch_junction(self, shown: IntArray) -> None:
        one, road = self.one, self.one.road.block
        if self.route is None:
            road[[RoadRow.DISTANCE_TO_JUNCTION, RoadRow.DISTANCE_TO_STOP_LINE], 0] = FAR_M
            return
        watch_junction(
            self.worlds, one.ego.block, road, one.events.block, self.route.lanes, self.route.spans, self.roads, 0, 0
        )
        gate = int(self.worlds[WorldRow.GATE, 0]) - 1
        group = int(self.roads.group[self.route.lanes[0, gate]]) if gate >= 0 else -1
        if group >= 0 and shown[group] <= SignalState.NONE:
            road[RoadRow.SIGNAL, 0] = SignalState.NONE

    def _write(self, tick: int) -> None:
        one, scenes = self.one, self.scenes
        scenes.road.block[:, tick] = one.road.block[:, 0]
        scenes.route.block[:, tick], scenes.route.points[tick] = one.route.block[:, 0], one.route.points[0]
        for row in (EventRow.OFF_ROAD, EventRow.RED_LIGHT, EventRow.STOP_SIGN, EventRow.WRONG_WAY,
                    EventRow.ROUTE_DEVIATION, EventRow.LANE_INVASION):  # fmt: skip
            scenes.events.block[row, tick] = one.events.block[row, 0]
