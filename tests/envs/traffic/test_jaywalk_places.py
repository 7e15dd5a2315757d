"""Places away from crosswalks, and the gap that one wants there: on the street, by hand.

The street's lanes reach from y = -3.5 to 3.5, its crosswalk lies at x = 150; the kerbs are 0.6 m off the lanes, so that
the way across is 8.2 m long. At 1.25 m/s the critical gap is 8.2 / 1.25 + 3 = 9.56 s.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.roads.lane_graph import LaneGraph, concatenate
from envs.scenarios.maps import MapLibrary
from envs.scene import FloatArray
from envs.traffic.ego_body import EgoBodyRow, no_ego
from envs.traffic.jaywalk_places import JaywalkPlaces, find_places, join_places, no_places
from envs.traffic.jaywalking import accepts_gap, critical_gap
from tests.envs.traffic.walking import Pavement, street

SPEED, CRITICAL_S = 1.25, 9.56


@pytest.fixture(scope="module")
def road() -> Pavement:
    return street()


@pytest.fixture(scope="module")
def places(road: Pavement) -> JaywalkPlaces:
    return find_places(road.graph_walk, road.graph)


def northward(places: JaywalkPlaces, beyond: float = 180.0) -> int:
    """Return a place from the southern sidewalk, east of ``beyond`` (m)."""
    return int(np.flatnonzero((places.ends[:, 0, 1] < 0.0) & (places.ends[:, 0, 0] > beyond))[0])


def accepts(road: Pavement, places: JaywalkPlaces, place: int, ego: FloatArray | None = None) -> bool:
    return accepts_gap(places, road.objects, no_ego(1) if ego is None else ego, 0, place, SPEED)


def test_one_crosses_at_right_angles_from_kerb_to_kerb(places: JaywalkPlaces) -> None:
    assert len(places.ends) > 20
    assert places.ends[:, 0, 0] == pytest.approx(places.ends[:, 1, 0])
    assert np.abs(places.ends[:, :, 1]) == pytest.approx(np.full((len(places.ends), 2), 4.1), abs=0.06)
    assert (places.ends[:, 0, 1] * places.ends[:, 1, 1] < 0.0).all()
    assert (np.diff(places.crossing_start) == 2).all()
    assert (np.abs(places.ends[:, 0, 0] - 150.0) >= 15.0).all()


def test_one_lands_on_the_sidewalk_opposite(road: Pavement, places: JaywalkPlaces) -> None:
    nodes = road.graph_walk.nodes[places.landing]
    assert (nodes[..., 1] * places.ends[:, 1:, 1] > 0.0).all()
    x = places.ends[:, 1, 0]
    assert ((nodes[..., 0].min(axis=1) <= x + 1e-6) & (x <= nodes[..., 0].max(axis=1) + 1e-6)).all()


def test_both_directions_of_an_edge_share_its_place(road: Pavement, places: JaywalkPlaces) -> None:
    found = places.edge_place[places.edge_place >= 0]
    assert (np.bincount(found, minlength=len(places.ends)) == 2).all()


def test_the_critical_gap_is_that_of_the_manual(places: JaywalkPlaces) -> None:
    assert critical_gap(places, northward(places), SPEED) == pytest.approx(CRITICAL_S, abs=0.05)


@pytest.mark.parametrize("lane", [(1, -1), (1, 1)])
@given(speed=st.floats(3.0, 14.0), share=st.floats(0.0, 2.0))
def test_a_gap_counts_from_the_vehicles_front_on_both_lanes(
    road: Pavement, places: JaywalkPlaces, lane: tuple[int, int], speed: float, share: float
) -> None:
    place = northward(places)
    strip = next(
        c for c in range(places.crossing_start[place], places.crossing_start[place + 1])
        if places.approach_lane[places.approach_start[c]] == road.graph.find(*lane)
    )  # fmt: skip
    critical = critical_gap(places, place, SPEED)
    road.vehicle(0, lane, places.crossing_from[strip] - share * critical * speed, speed)
    if abs(share - 1.0) > 1e-6:
        assert accepts(road, places, place) == (share > 1.0)
    road.remove(0)


def test_who_stands_may_drive_off_and_who_has_left_does_not_count(road: Pavement, places: JaywalkPlaces) -> None:
    place = northward(places)
    x = float(places.ends[place, 0, 0])
    for front, free in ((x - 10.0, False), (x - 40.0, True), (x + 3.0, False), (x + 5.6, True)):
        road.vehicle(0, (1, -1), front, 0.0)
        assert accepts(road, places, place) == free, front
    road.remove(0)


@pytest.mark.parametrize(
    ("ahead", "y", "yaw", "speed", "free"),
    [
        (60.0, 1.75, np.pi, 10.0, False),  # comes in 6 s, on the lane of those who go west
        (60.0, -1.75, np.pi, 10.0, False),  # the same against the traffic
        (60.0, -1.75, 0.0, 10.0, True),  # drives away
        (120.0, -1.75, np.pi, 10.0, True),  # comes in 12 s
        (0.0, -9.0, 0.5 * np.pi, 3.0, False),  # from the yard opposite
        (0.0, 0.0, 0.5 * np.pi, 0.0, False),  # stands across
    ],
)
def test_an_ego_is_minded_wherever_it_comes_from(
    road: Pavement, places: JaywalkPlaces, ahead: float, y: float, yaw: float, speed: float, free: bool
) -> None:
    place, ego = northward(places), no_ego(1)
    for row, value in (
        (EgoBodyRow.PRESENT, 1.0), (EgoBodyRow.X, places.ends[place, 0, 0] + ahead), (EgoBodyRow.Y, y),
        (EgoBodyRow.YAW, yaw), (EgoBodyRow.SPEED, speed), (EgoBodyRow.HALF_LENGTH, 2.3), (EgoBodyRow.HALF_WIDTH, 0.9),
    ):  # fmt: skip
        ego[row, 0] = value
    assert accepts(road, places, place, ego) == free


def test_where_traffic_is_too_fast_to_be_seen_in_time_nobody_crosses(road: Pavement) -> None:
    assert len(find_places(road.graph_walk, _with_limit(road, 17.0)).ends) == 0
    assert len(find_places(road.graph_walk, _with_limit(road, 15.0)).ends) > 20


def _with_limit(road: Pavement, limit: float) -> LaneGraph:
    return replace(road.graph, speed_limit=np.full(road.graph.lane_count, limit))


def test_an_atlas_keeps_the_places_of_its_maps(road: Pavement, places: JaywalkPlaces) -> None:
    other = MapLibrary(["street_1"])
    graphs = [other.graph("street_1"), road.graph]
    _, lanes = concatenate(graphs)
    first = other.jaywalk_places("street_1")
    count = other.walk_graph("street_1").node_count
    nodes = np.array([0, count, count + road.graph_walk.node_count])
    joined = join_places([first, places], nodes, lanes)
    j, m = len(first.ends), len(first.edge_place)
    assert np.array_equal(joined.ends[j:], places.ends) and np.array_equal(joined.landing[j:], places.landing + count)
    own = places.edge_place
    assert np.array_equal(joined.edge_place[m:], np.where(own >= 0, own + j, -1))
    for place in (0, len(places.ends) - 1):
        c, own_c = joined.crossing_start[j + place], places.crossing_start[place]
        a, own_a = joined.approach_start[c], places.approach_start[own_c]
        assert joined.crossing_from[c] == places.crossing_from[own_c]
        assert joined.approach_lane[a] == places.approach_lane[own_a] + lanes[1]
    assert len(joined.crossing_start) == len(joined.ends) + 1
    assert len(no_places().ends) == 0
