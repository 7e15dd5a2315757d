"""Route completion, red lights and the way off road, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from envs.metrics.rules import (
    crosses_red_light,
    driven_distance,
    off_road,
    off_road_distance,
    off_road_share,
    onsets,
    route_completion,
)
from envs.scene import EgoRow, EventRow, RoadRow, RouteRow
from tests.envs.builders import make_scene


def test_route_completion() -> None:
    scenes = make_scene(4)
    scenes.route.block[RouteRow.PROGRESS] = [0.0, 25.0, 120.0, 5.0]
    scenes.route.block[RouteRow.LENGTH] = [100.0, 100.0, 100.0, 0.0]
    assert route_completion(scenes).tolist() == [0.0, 0.25, 1.0, 1.0]


def test_an_event_that_lasts_counts_once() -> None:
    assert onsets(np.array([True, True, False, True, False])).tolist() == [0, 3]
    assert onsets(np.zeros(3, dtype=bool)).tolist() == []


def test_crossing_a_stop_line() -> None:
    over, standing, behind = [3.0, 1.0, -1.0, -3.0], [0.5, 0.2, 0.2, 0.2], [-1.0, -2.0, -3.0, -4.0]
    late, just = [False, False, False, True], [False, False, True, True]
    distance = np.array([over, over, standing, behind, over])
    red = np.array([[True] * 4, late, [True] * 4, [True] * 4, just])
    assert crosses_red_light(distance, red).tolist() == [
        [False, False, True, False],  # over the line on red
        [False] * 4,  # over it on green, red behind it
        [False] * 4,  # stands before it
        [False] * 4,  # was behind it from the start
        [False, False, True, False],  # red in the tick of the crossing
    ]


def test_the_way_off_road() -> None:
    """Ticks of 2 m; off road at the ends of ticks 2 (event), 3 (right edge) and 5 (left edge): 6 m of 10 m."""
    scenes = make_scene(6)
    scenes.ego.block[EgoRow.X] = 2.0 * np.arange(6)
    scenes.events.block[EventRow.OFF_ROAD, 2] = 1.0
    scenes.road.block[RoadRow.EDGE_RIGHT, 3] = -0.1
    scenes.road.block[RoadRow.EDGE_LEFT, 5] = -0.1
    scenes.road.block[[RoadRow.EDGE_LEFT, RoadRow.IN_JUNCTION], 4] = -0.1, 1.0  # another way lies there
    assert off_road(scenes).tolist() == [False, False, True, True, False, True]
    assert driven_distance(scenes).tolist() == [0.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    assert off_road_distance(scenes) == pytest.approx(6.0)
    assert off_road_share(scenes) == pytest.approx(0.6)


def test_a_drive_that_stands_has_no_share() -> None:
    scenes = make_scene(4)
    scenes.events.block[EventRow.OFF_ROAD] = 1.0
    assert off_road_share(scenes) == 0.0
