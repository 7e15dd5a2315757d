"""The placements of a scenario: on which lanes of which maps it can happen."""

from __future__ import annotations

from dataclasses import replace

from envs.roads.lane_graph import LaneGraph
from envs.scenarios.layout import ScenarioError
from envs.scenarios.maps import MapLibrary
from envs.scenarios.places import PLACES
from envs.scenarios.scenario import LaneAnchor, Placement, PlaceSpec, RoadSpec


def find_placements(road: RoadSpec | PlaceSpec, maps: MapLibrary) -> tuple[Placement, ...]:
    """Return every placement of a scenario's road, map by map.

    Raises:
        ScenarioError: a lane is not on the map, the kind of place is not known, or no map has such a place.
    """
    if isinstance(road, RoadSpec):
        return tuple(_named_lanes(name, maps.graph(name), road) for name in road.maps)
    if road.kind not in PLACES:
        raise ScenarioError(f"unknown kind of place {road.kind!r} (allowed: {', '.join(PLACES)})")
    found = tuple(
        replace(place, map_name=name)
        for name in road.maps
        for place in PLACES[road.kind](maps.graph(name), road.length)
    )
    if not found:
        raise ScenarioError(
            f"no place of kind {road.kind!r} with {road.length:g} m on the maps {', '.join(road.maps)}; "
            "ask for less length or other maps"
        )
    return found


def _named_lanes(map_name: str, graph: LaneGraph, road: RoadSpec) -> Placement:
    return Placement(map_name, {name: (_find_lane(graph, anchor, road),) for name, anchor in road.lanes.items()})


def _find_lane(graph: LaneGraph, anchor: LaneAnchor, road: RoadSpec) -> int:
    try:
        return graph.find(anchor.road, anchor.lane, anchor.section)
    except KeyError as error:
        raise ScenarioError(f"{error.args[0]} (asked for by a scenario on the maps {', '.join(road.maps)})") from error
