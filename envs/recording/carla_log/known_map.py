"""The map of a recording."""

from __future__ import annotations

from dataclasses import dataclass

from envs.roads.elements import OpenDrive
from envs.roads.lane_graph import LaneGraph


@dataclass(frozen=True, slots=True)
class KnownMap:
    """A map: its name in a ``MapLibrary``, its compiled lanes and its OpenDRIVE elements, which tell of its signals."""

    name: str
    graph: LaneGraph
    opendrive: OpenDrive
