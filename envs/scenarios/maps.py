"""The library of maps: the generated roads of the four conditions, the towns, and OpenDRIVE from files and servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from envs.errors import UnknownChoiceError
from envs.roads.cache import lane_graph_of, load_lane_graph
from envs.roads.drawing import RoadDrawing
from envs.roads.gate_lines import gate_lines
from envs.roads.generate import GeneratedMap, MultiLaneRoad, OnRampRoad, Street, ThreeLaneRoad, generate_lane_graph
from envs.roads.lane_graph import LaneGraph
from envs.roads.map_file import FILE_SUFFIX, is_map_file
from envs.roads.opendrive import parse_opendrive
from envs.roads.route_plan import RouteFinder
from envs.roads.town import Town
from envs.roads.walk_cache import load_walk_graph, walk_graph_of
from envs.roads.walk_graph import WalkGraph, walk_graph_of_map
from envs.traffic.jaywalk_places import JaywalkPlaces, find_places
from envs.traffic.walk_state import Sidewalks, sidewalks

BENDS = (0.0, 0.004, -0.004, 0.008)
"""Largest curvatures (1/m) of the variants: straight, gentle left and right, and a bend of 125 m radius."""


ELSEWHERE = (f"PATH{FILE_SUFFIX}", "with simulator=carla also the maps that its server has")
"""What may be asked for beside the generated maps."""


class UnknownMapError(UnknownChoiceError, KeyError):
    """A map that is neither generated nor a file."""

    def __str__(self) -> str:
        """Return the message (a KeyError would show it quoted)."""
        return str(self.args[0])


LARGE_TOWN = Town(block_m=122.0, lane_width_m=3.25, sidewalk_m=1.5, ring_radius_m=95.0)
"""The town with longer blocks and narrower lanes: twice the junctions for scenarios to happen at."""


def generated_maps() -> dict[str, GeneratedMap]:
    """Return every generated map by its name: ``multi_lane_0`` ... ``street_3``, ``town``, ``large_town``."""
    maps: dict[str, GeneratedMap] = {"town": Town(), "large_town": LARGE_TOWN}
    for i, bend in enumerate(BENDS):
        maps[f"multi_lane_{i}"] = MultiLaneRoad(
            lanes=2, length_m=420.0, limit_mps=13.9, category="rural", curvature=bend
        )
        maps[f"on_ramp_{i}"] = OnRampRoad(
            approach_m=220.0, ramp_m=90.0, acceleration_m=90.0, after_m=320.0, limit_mps=13.9, ramp_limit_mps=13.9,
            curvature=bend,
        )  # fmt: skip
        maps[f"three_lane_{i}"] = ThreeLaneRoad(length_m=460.0, limit_mps=13.9, curvature=bend)
        maps[f"street_{i}"] = Street(length_m=340.0, limit_mps=11.1, curvature=bend)
    return maps


def is_own_map(name: str) -> bool:
    """Return whether a map is found here, without a CARLA server: a generated one, or a file."""
    return is_map_file(name) or name in generated_maps()


class MapLibrary:
    """The lane graphs of the named maps, compiled once; those of files also once for all processes (``roads.cache``).

    Args:
        names: maps to hold: names of ``generated_maps``, paths of OpenDRIVE files, or names of ``towns``.
        towns: OpenDRIVE texts, by name, of maps that are not ours: those that a CARLA server has.

    Raises:
        UnknownMapError: a name that is none of them; it lists the generated maps.
        OpenDriveError: a map that is missing or malformed; it says what is wrong with it.
    """

    def __init__(self, names: Iterable[str], towns: Mapping[str, str] | None = None) -> None:
        self.names, self.towns = tuple(names), dict(towns or {})
        for name in self.names:
            if not is_own_map(name) and name not in self.towns:
                raise UnknownMapError("map", name, [*generated_maps(), *ELSEWHERE, *self.towns])
        self._graphs = {name: self._lane_graph(name) for name in self.names}
        self._walks: dict[str, WalkGraph] = {}
        self._routes: dict[str, RouteFinder] = {}
        self._sidewalks: dict[str, Sidewalks] = {}
        self._jaywalk_places: dict[str, JaywalkPlaces] = {}

    def graph(self, name: str) -> LaneGraph:
        """Return the lane graph of a map."""
        return self._graphs[name]

    def walk_graph(self, name: str) -> WalkGraph:
        """Return the walk graph of a map, compiled when it is first asked for; empty where there is no sidewalk."""
        if name not in self._walks:
            self._walks[name] = self._walk_graph(name)
        return self._walks[name]

    def sidewalks(self, name: str) -> Sidewalks:
        """Return where pedestrians may begin on a map; collected when it is first asked for."""
        if name not in self._sidewalks:
            self._sidewalks[name] = sidewalks(self.walk_graph(name))
        return self._sidewalks[name]

    def jaywalk_places(self, name: str) -> JaywalkPlaces:
        """Return where pedestrians may cross away from crosswalks; found when it is first asked for."""
        if name not in self._jaywalk_places:
            self._jaywalk_places[name] = find_places(self.walk_graph(name), self._graphs[name])
        return self._jaywalk_places[name]

    def routes(self, name: str) -> RouteFinder:
        """Return who draws routes on a map; it remembers what it has searched."""
        if name not in self._routes:
            self._routes[name] = RouteFinder(self._graphs[name])
        return self._routes[name]

    def opendrive(self, name: str) -> str:
        """Return the OpenDRIVE text of a map."""
        if name in self.towns:
            return self.towns[name]
        return Path(name).read_text("utf-8") if is_map_file(name) else generated_maps()[name].opendrive()

    def _lane_graph(self, name: str) -> LaneGraph:
        if name in self.towns:
            return lane_graph_of(self.towns[name].encode(), name)
        return load_lane_graph(name) if is_map_file(name) else generate_lane_graph(generated_maps()[name])

    def _walk_graph(self, name: str) -> WalkGraph:
        if name in self.towns:
            return walk_graph_of(self.towns[name].encode(), name, self._graphs[name])
        if is_map_file(name):
            return load_walk_graph(name, self._graphs[name])
        generated = generated_maps()[name]
        return walk_graph_of_map(parse_opendrive(generated.opendrive(), generated.name), self._graphs[name])

    def drawing(self, name: str) -> RoadDrawing:
        """Return what is to be drawn of a map, its stop lines included."""
        graph = self._graphs[name]
        return replace(graph.drawing, gates=gate_lines(graph))
