"""A driver who waits behind a body that stands for good is let pass, accepts smaller gaps, and blocks nobody for it."""

from __future__ import annotations

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedSimulator
from envs.traffic.agents import AgentRow
from envs.traffic.passing_wait import (
    COURTESY_S,
    LEAST_MARGIN_S,
    LET_PASS_S,
    MARGIN_S,
    asks_to_pass,
    count_wait,
    wanted_margin,
)
from tests.envs.traffic.test_overtaking import ONCOMING, OWN, STREET_M, oncoming, row, step, street
from tests.envs.traffic.worlds import Body

WAITER = 1


def waiting(*others: Body) -> EmbeddedSimulator:
    """Return the street with a broken-down car at 150 m, a driver who comes to stand behind it, and ``others``."""
    driver = Body(OWN, 130.0, speed=0.0, desired_speed=9.0, speed_factor=1.0)
    return street(Body(OWN, 150.0, parked=True), driver, *others)


def slowly(x: float, speed: float) -> Body:
    """Return a slow car on the oncoming lane at ``x`` (m along the own lane)."""
    return Body(ONCOMING, STREET_M - x, speed=speed, desired_speed=speed, speed_factor=1.0)


def stream() -> tuple[Body, ...]:
    """Return four slow cars that take more than 40 s to go by one after the other."""
    return tuple(slowly(160.0 + 45.0 * n, 3.5) for n in range(4))


def test_a_stream_lets_a_driver_pass_who_has_waited() -> None:
    """One of the four stops well before the broken-down car, and drives on when the other is back in its lane."""
    world = waiting(*stream())
    let = False
    for _ in range(600):
        step(world, 6)
        lets, speed = row(world, AgentRow.LETS_PASS), row(world, AgentRow.SPEED)
        let |= any(lets[j] == WAITER + 1 and speed[j] < 0.1 for j in range(2, 6))
        if row(world, AgentRow.S)[WAITER] > 170.0:
            break
    assert let
    # The last had not gone by: it is still beyond the broken-down car.
    assert STREET_M - row(world, AgentRow.S)[5] > 170.0
    for _ in range(900):
        step(world, 6)
    assert STREET_M - row(world, AgentRow.S)[5] < 100.0


def test_nobody_stops_for_a_driver_who_has_just_come() -> None:
    world = waiting(oncoming(230.0))
    for _ in range(60):
        step(world, 3)
        assert row(world, AgentRow.LETS_PASS)[2] == 0.0
    assert STREET_M - row(world, AgentRow.S)[2] < 180.0


def test_nobody_brakes_hard_to_let_somebody_pass() -> None:
    """Asked 15 m before its place to stop at 10 m/s, which would take 3.3 m/s2, the oncoming driver goes on."""
    world = waiting(oncoming(205.0))
    state = world.state()
    state["agents"][AgentRow.PASS_WAITED, 0, WAITER] = COURTESY_S + 1.0
    state["agents"][AgentRow.PASS_LAST, 0, WAITER] = 0.0
    world.set_state(state)
    slowest = 10.0
    for _ in range(40):
        step(world, 3)
        slowest = min(slowest, row(world, AgentRow.SPEED)[2])
    assert slowest > 8.0


@pytest.mark.parametrize(
    ("waited", "margin"), [(0.0, MARGIN_S), (15.0, 0.5 * (MARGIN_S + LEAST_MARGIN_S)), (300.0, LEAST_MARGIN_S)]
)
def test_the_margin_falls_with_the_wait_to_a_floor(waited: float, margin: float) -> None:
    assert wanted_margin(waited) == pytest.approx(margin)


@pytest.mark.parametrize(
    ("waited", "asks"),
    [(0.0, False), (COURTESY_S - 0.1, False), (COURTESY_S, True), (COURTESY_S + LET_PASS_S + 1.0, False)],
)
def test_others_wait_for_it_for_a_while_only(waited: float, asks: bool) -> None:
    agents = np.zeros((len(AgentRow), 1, 1))
    agents[AgentRow.PASS_WAITED] = waited
    assert asks_to_pass(agents, 0, 0) is asks


@pytest.mark.parametrize(
    ("blocker", "speed", "waited"), [(3, 0.0, 20.1), (3, 2.0, 20.0), (-1, 0.0, 0.0), (-2, 0.0, 0.0)]
)
def test_only_who_waits_for_somebody_asks(blocker: int, speed: float, waited: float) -> None:
    """Who stops waiting for others, or waits for something else, would else be let pass for ever."""
    agents = np.zeros((len(AgentRow), 1, 1))
    agents[AgentRow.PASS_WAITED], agents[AgentRow.SPEED] = 20.0, speed
    count_wait(agents, 0, 0, 0, blocker, 0.1)
    assert agents[AgentRow.PASS_WAITED, 0, 0] == pytest.approx(waited)
