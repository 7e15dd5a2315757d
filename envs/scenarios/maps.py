"""The library of generated maps: the roads of the four conditions, in four variants each, and the town."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from envs.roads.drawing import RoadDrawing
from envs.roads.gate_lines import gate_lines
from envs.roads.generate import GeneratedMap, MultiLaneRoad, OnRampRoad, Street, ThreeLaneRoad, generate_lane_graph
from envs.roads.lane_graph import LaneGraph
from envs.roads.town import Town

BENDS = (0.0, 0.004, -0.004, 0.008)
"""Largest curvatures (1/m) of the variants: straight, gentle left and right, and a bend of 125 m radius."""


def generated_maps() -> dict[str, GeneratedMap]:
    """Return every generated map by its name: ``multi_lane_0`` ... ``street_3``, ``town``."""
    maps: dict[str, GeneratedMap] = {"town": Town()}
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

    def graph(self, name: str) -> LaneGraph:
        """Return the lane graph of a map."""
        return self._graphs[name]

    def drawing(self, name: str) -> RoadDrawing:
        """Return what is to be drawn of a map, its stop lines included."""
        graph = self._graphs[name]
        return replace(graph.drawing, gates=gate_lines(graph))
