"""The view of a lane: the same body read in its own, the neighbouring and the oncoming lane, drawn once a decision."""

from __future__ import annotations

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedSimulator
from envs.scene import ActorKind
from envs.traffic.lane_view import NOWHERE_M, VEHICLE_FORESIGHT, WALKER_FORESIGHT, ViewRow, view_of
from tests.envs.traffic.worlds import SLOTS, Body, case, graph, hold, start

OWN, ONCOMING, MAP = (1, -1), (1, 1), "street_0"
LENGTH_M = graph(MAP).length[graph(MAP).find(*OWN)]


def street() -> EmbeddedSimulator:
    """A driver, one that comes towards it 0.2 m right of its own lane's middle, and a walker on its way across."""
    oncoming = Body(ONCOMING, LENGTH_M - 90.0, d=-0.2, speed=7.0)
    walker = Body(OWN, 60.0, d=-3.0, speed=1.2, kind=ActorKind.PEDESTRIAN, yaw=0.5 * np.pi)
    return start(case(MAP, (OWN, 5.0), bodies=[Body(OWN, 30.0, speed=8.0), oncoming, walker]))


def view(world: EmbeddedSimulator, lane: tuple[int, int]) -> int:
    arrays = world._kernel_arrays
    number = world._first_lane[MAP] + graph(MAP).find(*lane)
    return view_of(arrays.views, arrays.viewed, arrays.objects, world._roads, 0, number)


def read(world: EmbeddedSimulator, lane: tuple[int, int], body: int) -> list[float]:
    k = view(world, lane)
    rows = (ViewRow.ALONG, ViewRow.ACROSS, ViewRow.SPEED, ViewRow.DRIFT, ViewRow.SIGN)
    return [float(world._kernel_arrays.views[row, k, body]) for row in rows]


def sensed() -> EmbeddedSimulator:
    """Return the street after a step; the objects' block holds what the drivers saw when it began."""
    world = street()
    hold(world)
    world._kernel_arrays.viewed[0] = -1
    return world


def test_a_body_in_its_own_lane() -> None:
    assert read(sensed(), OWN, 0) == pytest.approx([30.0, 0.0, 8.0, 0.0, 1.0])


def test_an_oncoming_body_is_mirrored() -> None:
    """It is 90 m from where the own lane begins, 3.5 + 0.2 m to the left, and comes at 7 m/s."""
    assert read(sensed(), OWN, 1) == pytest.approx([90.0, 3.7, -7.0, 0.0, -1.0])
    assert read(sensed(), ONCOMING, 0) == pytest.approx([LENGTH_M - 30.0, 3.5, -8.0, 0.0, -1.0])


def test_the_drift_of_a_walker_is_longer_than_a_vehicles() -> None:
    assert read(sensed(), OWN, 2) == pytest.approx([60.0, -3.0, 0.0, 1.2 * WALKER_FORESIGHT, 1.0], abs=1e-9)
    assert read(sensed(), ONCOMING, 2)[3] == pytest.approx(-1.2 * WALKER_FORESIGHT)
    assert WALKER_FORESIGHT > VEHICLE_FORESIGHT


def test_who_is_not_there_is_nowhere() -> None:
    along, _, _, _, sign = read(sensed(), OWN, SLOTS - 1)
    assert along == NOWHERE_M and sign == -1.0


def test_a_view_is_made_once_and_anew_in_the_next_decision() -> None:
    world = sensed()
    first, second = view(world, OWN), view(world, ONCOMING)
    assert (first, second, view(world, OWN)) == (0, 1, 0)
    hold(world)
    assert read(world, OWN, 0)[0] == pytest.approx(30.8, abs=0.05)  # the lanes' numbers, but not the places, are kept
