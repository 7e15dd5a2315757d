"""The library of generated maps: the roads of the four conditions, in four variants each, and the town."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from envs.roads.drawing import RoadDrawing
from envs.roads.gate_lines import gate_lines
from envs.roads.generate import GeneratedMap, MultiLaneRoad, OnRampRoad, Street, ThreeLaneRoad, generate_lane_graph
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.roads.town import Town
from envs.roads.walk_graph import WalkGraph, walk_graph_of_map

BENDS = (0.0, 0.004, -0.004, 0.008)
"""Largest curvatures (1/m) of the variants: straight, gentle left and right, and a bend of 125 m radius."""


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


class MapLibrary:
    """The lane graphs of the named maps, generated, read and compiled once.

    Args:
        names: maps to hold, names of ``generated_maps``; a KeyError lists them.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        known = generated_maps()
        unknown = [name for name in self.names if name not in known]
        if unknown:
            raise KeyError(f"unknown map {unknown[0]!r}; known are {', '.join(sorted(known))}")
        self._graphs = {name: generate_lane_graph(known[name]) for name in self.names}
        self._walks: dict[str, WalkGraph] = {}

    def graph(self, name: str) -> LaneGraph:
        """Return the lane graph of a map."""
        return self._graphs[name]

    def walk_graph(self, name: str) -> WalkGraph:
        """Return the walk graph of a map, compiled when it is first asked for; empty where there is no sidewalk."""
        if name not in self._walks:
            generated = generated_maps()[name]
            opendrive = parse_opendrive(generated.opendrive(), generated.name)
            self._walks[name] = walk_graph_of_map(opendrive, self._graphs[name])
        return self._walks[name]

    def drawing(self, name: str) -> RoadDrawing:
        """Return what is to be drawn of a map, its stop lines included."""
        graph = self._graphs[name]
        return replace(graph.drawing, gates=gate_lines(graph))
