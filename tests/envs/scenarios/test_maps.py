"""The walk graphs of the library's maps."""

from __future__ import annotations

from envs.scenarios.maps import MapLibrary


def test_walk_graphs_are_compiled_once_and_where_there_is_a_sidewalk() -> None:
    maps = MapLibrary(["multi_lane_0", "street_0", "town"])
    assert maps.walk_graph("multi_lane_0").node_count == 0
    assert maps.walk_graph("street_0").node_count > 0
    assert maps.walk_graph("street_0").crosswalk_count == 0
    town = maps.walk_graph("town")
    assert town.crosswalk_count == 20 and town.crosswalk_joined.all()
    assert maps.walk_graph("town") is town
