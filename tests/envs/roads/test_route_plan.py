"""Plans of routes: the tree against the search of single routes, and spans worked out by hand."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from envs.roads.generate import MultiLaneRoad, generate_lane_graph
from envs.roads.lane_graph import LaneGraph
from envs.roads.route_plan import CHANGE_ROOM_M, RouteFinder, is_change, plan_spans, route_tree
from envs.roads.town import Town
from tests.envs.roads.single_route import NoRouteError, global_route


@lru_cache(maxsize=1)
def three_lanes() -> LaneGraph:
    """Return a straight road of 600 m: lanes 0 (left), 1, 2 (right)."""
    graph = generate_lane_graph(MultiLaneRoad(lanes=3))
    return graph


@lru_cache(maxsize=1)
def town() -> LaneGraph:
    return generate_lane_graph(Town())


def lane(number: int) -> int:
    return three_lanes().find(1, number)


def changes(graph: LaneGraph, path: list[int]) -> bool:
    return any(is_change(graph, a, b) for a, b in zip(path[:-1], path[1:], strict=True))


def test_a_plan_without_changes_drives_all_of_every_lane() -> None:
    graph = town()
    tree = route_tree(graph, 0)
    paths = [tree.lanes_to(k) for k in np.flatnonzero(tree.came_from >= 0).tolist()]
    lanes = next(path for path in paths if len(path) > 4 and not changes(graph, path))
    spans = plan_spans(graph, lanes, 5.0, 5.0)
    assert spans is not None and (spans[:, 0] == 0.0).all() and np.array_equal(spans[:, 1], graph.length[lanes])


def test_changes_are_spread_evenly_over_what_is_driven() -> None:
    # From 100 m to 400 m over two changes: at 200 m and at 300 m.
    spans = plan_spans(three_lanes(), [lane(-3), lane(-2), lane(-1)], 100.0, 400.0)
    assert spans == pytest.approx(np.array([[0.0, 200.0], [200.0, 300.0], [300.0, 600.0]]))


def test_a_change_without_room_is_no_plan() -> None:
    lanes = [lane(-3), lane(-2)]
    assert plan_spans(three_lanes(), lanes, 100.0, 100.0 + CHANGE_ROOM_M - 0.1) is None
    assert plan_spans(three_lanes(), lanes, 100.0, 100.0 + CHANGE_ROOM_M + 0.1) is not None


def test_the_tree_finds_the_single_routes() -> None:
    graph, root = town(), int(np.flatnonzero(RouteFinder(town()).open_lanes)[0])
    tree = route_tree(graph, root)
    for goal in range(graph.lane_count):
        if not np.isfinite(tree.distance[goal]):
            continue
        path = tree.lanes_to(goal)
        assert path[0] == root and path[-1] == goal
        driven = sum(float(graph.length[a]) for a, b in zip(path[:-1], path[1:], strict=True)
                     if not is_change(graph, a, b))  # fmt: skip
        assert tree.distance[goal] == pytest.approx(driven)
        if not changes(graph, path):
            assert path == global_route(graph, root, goal)
    beyond = np.flatnonzero(~np.isfinite(tree.distance))
    for goal in beyond.tolist():
        with pytest.raises(NoRouteError):
            global_route(graph, root, goal, lane_changes=False)


def test_goals_lie_as_far_ahead_as_was_asked() -> None:
    finder, rng = RouteFinder(town()), np.random.default_rng(0)
    for _ in range(200):
        (root,), (start_s,) = (column.tolist() for column in finder.draw_places(1, rng))
        assert finder.open_lanes[root] and 4.0 <= start_s <= town().length[root] - 8.0
        goal = finder.draw_goal(root, start_s, 150.0, 450.0, rng)
        if goal is not None:
            assert finder.open_lanes[goal[0]] and 4.0 <= goal[1] <= town().length[goal[0]] - 8.0
            assert 150.0 <= finder.tree(root).distance[goal[0]] - start_s + goal[1] <= 450.0


def test_where_nothing_is_far_enough_there_is_no_goal() -> None:
    finder = RouteFinder(town())
    (root,), (start_s,) = (column.tolist() for column in finder.draw_places(1, np.random.default_rng(0)))
    assert finder.draw_goal(root, start_s, 90_000.0, 95_000.0, np.random.default_rng(0)) is None
