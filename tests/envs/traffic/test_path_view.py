"""The view of a driver: the same body read in its own, the neighbouring and the oncoming lane, and behind it."""

from __future__ import annotations

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedSimulator
from envs.scene import ActorKind
from envs.traffic.path_view import (
    VEHICLE_FORESIGHT,
    WALKER_FORESIGHT,
    ViewRow,
    clear_lanes,
    sort_into_lanes,
    view_ahead,
    view_behind,
)
from envs.traffic.paths import PATH_LANES
from envs.traffic.relations import REACH_M
from tests.envs.traffic.worlds import SLOTS, Body, case, graph, hold, start

OWN, ONCOMING, MAP = (1, -1), (1, 1), "street_0"
LENGTH_M = float(graph(MAP).length[graph(MAP).find(*OWN)])
ROWS = (ViewRow.ALONG, ViewRow.ACROSS, ViewRow.SPEED, ViewRow.DRIFT, ViewRow.SIGN)


def sensed(*bodies: Body) -> EmbeddedSimulator:
    """Return the street after a step; the objects' block holds what the drivers saw when it began."""
    world = start(case(MAP, (OWN, 5.0), bodies=bodies))
    hold(world)
    return world


def street() -> EmbeddedSimulator:
    """A driver, one that comes towards it 0.2 m right of its own lane's middle, and a walker on its way across."""
    oncoming = Body(ONCOMING, LENGTH_M - 90.0, d=-0.2, speed=7.0)
    walker = Body(OWN, 60.0, d=-3.0, speed=1.2, kind=ActorKind.PEDESTRIAN, yaw=0.5 * np.pi)
    return sensed(Body(OWN, 30.0, speed=8.0), oncoming, walker)


def seen(
    world: EmbeddedSimulator, lane: tuple[int, int], s: float, map_name: str = MAP, behind: bool = False
) -> dict[int, list[float]]:
    """Return what a driver at ``s`` on ``lane`` sees, by the index of the body."""
    arrays, roads, b = world._kernel_arrays.traffic, world._roads, 0
    number = world._first_lane[map_name] + graph(map_name).find(*lane)
    path = np.full(PATH_LANES, -1)
    path[0] = number
    sort_into_lanes(arrays.objects, arrays.heads, arrays.links, b)
    count = view_ahead(arrays.seen, arrays.objects, arrays.heads, arrays.links, path, roads, s, b)
    if behind:
        count = view_behind(arrays.seen, count, arrays.objects, arrays.heads, arrays.links, roads, number, s, b)
    clear_lanes(arrays.objects, arrays.heads, b)
    assert (arrays.heads == -1).all()
    view = arrays.seen
    return {int(view[ViewRow.INDEX, n]): [float(view[row, n]) for row in ROWS] for n in range(count)}


def test_a_body_in_its_own_lane() -> None:
    assert seen(street(), OWN, 10.0)[0] == pytest.approx([30.0, 0.0, 8.0, 0.0, 1.0])


def test_an_oncoming_body_is_mirrored() -> None:
    """It is 90 m from where the own lane begins, 3.5 + 0.2 m to the left, and comes at 7 m/s."""
    assert seen(street(), OWN, 10.0)[1] == pytest.approx([90.0, 3.7, -7.0, 0.0, -1.0])
    assert seen(street(), ONCOMING, LENGTH_M - 40.0)[0] == pytest.approx([LENGTH_M - 30.0, 3.5, -8.0, 0.0, -1.0])


def test_the_drift_of_a_walker_is_longer_than_a_vehicles() -> None:
    assert seen(street(), OWN, 10.0)[2] == pytest.approx([60.0, -3.0, 0.0, 1.2 * WALKER_FORESIGHT, 1.0], abs=1e-9)
    assert seen(street(), ONCOMING, LENGTH_M - 60.0)[2][3] == pytest.approx(-1.2 * WALKER_FORESIGHT)
    assert WALKER_FORESIGHT > VEHICLE_FORESIGHT


def test_who_is_not_there_or_too_far_is_not_seen() -> None:
    world = street()
    assert sorted(seen(world, OWN, 10.0)) == [0, 1, 2, SLOTS]  # the ego is the last object
    assert sorted(seen(world, OWN, 95.0 + REACH_M)) == []


def test_behind_are_the_lanes_that_lead_here() -> None:
    """Road 1 of the on-ramp leads to road 2, which begins 220 m behind it."""
    main, before = (2, -2), (1, -2)
    world = start(case("on_ramp_0", (before, 5.0), bodies=[Body(before, 200.0, speed=9.0)]))
    hold(world)
    assert 0 not in seen(world, main, 5.0, "on_ramp_0")
    along = seen(world, main, 5.0, "on_ramp_0", behind=True)[0][0]
    assert along == pytest.approx(200.0 - 220.0, abs=1e-6)
