"""Pedestrians at the street's crosswalk, by hand.

Walking north: kerb at 0 m, lane -1 from 2.2 to 5.7 m, lane 1 from 5.7 to 9.2 m, kerb at 11.4 m. At 1.4 m/s, with
0.3 m of body, lane -1 is left after 6.0 / 1.4 = 4.29 s and lane 1 after 9.5 / 1.4 = 6.79 s. Both lanes are entered at
s = 148 and left at 152.
"""

from __future__ import annotations

import numpy as np
import pytest

from envs.traffic.agents import ObjectRow
from envs.traffic.crosswalks import Occupancy
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow
from tests.envs.traffic.walking import NORTH_KERB, SOUTH_KERB, Pavement, ramp, street

EAST, WEST = (1, -1), (1, 1)


@pytest.mark.parametrize("speed", [1.0, 1.4, 1.6])
@pytest.mark.parametrize("kerb", [SOUTH_KERB, NORTH_KERB])
def test_an_empty_road_is_crossed_at_the_walking_speed(kerb: float, speed: float) -> None:
    road = street()
    road.at_kerb(y=kerb, speed=speed)
    period = 11.4 / speed / 100
    road.run(99.5 * period, period)
    assert abs(road.row(PedestrianRow.Y)[0, 0] + kerb) < 1.1 * speed * period
    assert road.row(PedestrianRow.PHASE)[0, 0] == PedestrianPhase.CROSSES
    road.run(2 * period, period)
    assert road.row(PedestrianRow.PHASE)[0, 0] == PedestrianPhase.WALKS
    assert abs(road.row(PedestrianRow.Y)[0, 0]) > 5.7


@pytest.mark.parametrize(("lane", "leaves"), [(EAST, 6.0 / 1.4), (WEST, 9.5 / 1.4)])
@pytest.mark.parametrize(("waited", "margin"), [(0.0, 1.5), (10.0, 1.0), (20.0, 0.5), (60.0, 0.5)])
def test_the_gap_is_the_time_to_leave_the_strip_and_a_margin(
    lane: tuple[int, int], leaves: float, waited: float, margin: float
) -> None:
    road = street()
    for early, allowed in ((-0.05, False), (0.05, True)):
        road.vehicle(0, lane, 148.0 - 10.0 * (leaves + margin + early), 10.0)
        assert road.allowed(waited) is allowed


def test_from_the_other_kerb_the_lanes_change_places() -> None:
    road = street()
    for lane, leaves in ((WEST, 6.0 / 1.4), (EAST, 9.5 / 1.4)):
        for early, allowed in ((-0.05, False), (0.05, True)):
            road.vehicle(0, lane, 148.0 - 10.0 * (leaves + 1.5 + early), 10.0)
            assert road.allowed(forward=False) is allowed


@pytest.mark.parametrize(
    ("front", "speed", "allowed"),
    [
        (118.0, 10.0, False),  # 3 s away
        (48.0, 10.0, True),  # 10 s away
        (147.0, 0.0, True),  # has stopped before it
        (147.0, 0.4, True),  # nearly
        (147.0, 0.6, False),
        (148.1, 0.0, False),  # stands with its nose on it
        (156.4, 5.0, False),  # its rear is at 151.9
        (156.6, 5.0, True),  # has passed
    ],
)
def test_one_waits_for_those_who_come_and_not_for_those_who_stand(front: float, speed: float, allowed: bool) -> None:
    road = street()
    road.vehicle(1, EAST, front, speed)
    assert road.allowed() is allowed


def test_whoever_waits_stands_at_the_kerb_and_goes_when_the_car_has_passed() -> None:
    road = street()
    road.at_kerb()
    front = 118.0
    while front < 156.0:
        road.vehicle(0, EAST, front, 10.0)
        road.step()
        assert road.row(PedestrianRow.PHASE)[0, 0] == PedestrianPhase.WAITS
        assert road.row(PedestrianRow.Y)[0, 0] == SOUTH_KERB and road.row(PedestrianRow.SPEED)[0, 0] == 0.0
        front += 1.0
    assert road.row(PedestrianRow.WAITED)[0, 0] == pytest.approx(3.7)
    road.vehicle(0, EAST, 157.0, 10.0)
    road.step()
    assert road.row(PedestrianRow.PHASE)[0, 0] == PedestrianPhase.CROSSES
    assert road.row(PedestrianRow.Y)[0, 0] == pytest.approx(SOUTH_KERB + 0.14)


@pytest.mark.parametrize(
    ("road", "front", "speed", "allowed"),
    [
        (1, 150.0 - 50.0, 10.0, False),  # 5.5 s away, on the road before
        (1, 150.0 - 50.0, 3.0, True),
        (1, 150.0 - 2.0, 0.0, True),  # stands at the end of the road before
        (1, 155.5, 0.0, False),  # is still counted there, its nose on the crosswalk
        (3, -8.1, 5.0, False),  # is counted on the road behind, its rear on the crosswalk
        (3, -2.3, 5.0, True),  # its rear is at -6.8, and the strip ends at -7
    ],
)
def test_bodies_on_the_lanes_before_and_behind_are_seen(road: int, front: float, speed: float, allowed: bool) -> None:
    """On road 2 of 120 m: from 5 to 8 m, just behind road 1 (150 m), or from 110 to 113 m, just before road 3."""
    at = 105.0 if road == 3 else 0.0
    corners = ((155.0, -11.0), (158.0, -11.0), (158.0, 0.5), (155.0, 0.5))
    across = ramp(*((x + at, y) for x, y in corners))
    across.vehicle(0, (road, -1), front, speed)
    assert across.allowed() is allowed


@pytest.mark.parametrize(("ahead", "goes"), [(None, True), (1.6, True), (1.0, False)])
def test_behind_a_slow_one_a_longer_gap_is_needed(ahead: float | None, goes: bool) -> None:
    """A car is 9 s away in the far lane: enough for 9.5 m at 1.6 m/s and 1.5 s (7.4 s), not at 1 m/s (11 s)."""
    road = street(people=2)
    if ahead is not None:
        road.at_kerb(1, speed=ahead)
        road.step()
        assert road.row(PedestrianRow.PHASE)[0, 1] == PedestrianPhase.CROSSES
    road.at_kerb(0, speed=1.6)
    road.vehicle(0, WEST, 148.0 - 90.0, 10.0)
    road.step()
    assert (road.row(PedestrianRow.PHASE)[0, 0] == PedestrianPhase.CROSSES) == goes


def test_walkers_are_no_vehicles() -> None:
    road = street()
    road.vehicle(0, EAST, 150.0, 1.0)
    road.objects[ObjectRow.WALKS, 0, 0] = 1.0
    assert road.allowed()


@pytest.mark.parametrize(("seconds", "allowed"), [(0.0, False), (8.1, False), (8.2, True), (30.0, True)])
def test_the_time_left_must_do_for_the_whole_way(seconds: float, allowed: bool) -> None:
    """11.4 m at 1.4 m/s take 8.14 s."""
    road = street()
    road.walk_seconds[0, 0] = seconds
    assert road.allowed() is allowed
    assert road.allowed(waited=60.0) is allowed


@pytest.mark.parametrize(
    ("front", "allowed"),
    [
        (148.0 - 16.5, False),  # 10 m/s need 16.7 m at 3 m/s2
        (148.0 - 16.8, True),
        (149.0, False),
    ],
)
def test_at_a_signal_those_are_trusted_who_can_stop(front: float, allowed: bool) -> None:
    road = street()
    road.walk_seconds[0, 0] = 20.0
    road.vehicle(0, EAST, front, 10.0)
    assert road.allowed() is allowed


def test_a_signal_never_catches_anybody_on_the_road() -> None:
    """Green of 14 s in cycles of 40 s: everyone enters only while it lasts, and is off before it ends."""
    road = street(people=12)
    rng = np.random.default_rng(5)
    for i in range(12):
        road.at_kerb(i, (SOUTH_KERB, NORTH_KERB)[i % 2], rng.uniform(1.0, 1.6), rng.uniform(0.3, 0.6))
    road.cross_chance = 1.0
    crossed = 0
    before = road.row(PedestrianRow.PHASE)[0].copy()
    for step in range(6000):
        road.walk_seconds[0, 0] = max(14.0 - (step * 0.1) % 40.0, 0.0)
        road.step()
        now = road.row(PedestrianRow.PHASE)[0]
        crossing = now == PedestrianPhase.CROSSES
        done = np.abs(road.row(PedestrianRow.Y)[0])
        entered = crossing & (before != PedestrianPhase.CROSSES)
        crossed += int(entered.sum())
        needed = 11.4 / road.row(PedestrianRow.DESIRED_SPEED)[0]
        assert (road.walk_seconds[0, 0] >= needed[entered] - 1e-9).all()
        on_lanes = done < 3.5
        assert not (on_lanes.any() and road.walk_seconds[0, 0] == 0.0)
        before = now.copy()
    assert crossed > 20


def test_one_stops_before_the_metre_that_a_vehicle_stands_on() -> None:
    """A car stops across the far lane (y from 0.85 to 2.65) when the pedestrian is under way."""
    road = street()
    road.at_kerb()
    road.run(2.0)
    road.vehicle(0, WEST, 152.0, 0.0)
    road.run(20.0)
    y = road.row(PedestrianRow.Y)[0, 0]
    assert 0.85 - 0.3 - 0.7 - 0.15 < y < 0.85 - 0.3
    assert road.row(PedestrianRow.SPEED)[0, 0] == 0.0
    road.remove(0)
    road.run(9.0)
    assert road.row(PedestrianRow.Y)[0, 0] > NORTH_KERB


@pytest.mark.parametrize(("distance", "goes_on"), [(9.0, False), (40.0, True)])
def test_one_stops_between_the_lanes_for_a_car_that_cannot_stop(distance: float, goes_on: bool) -> None:
    """At 5.2 m, a step before lane 1 begins for a body, a car comes at 10 m/s; 16.7 m are what it needs to stop."""
    road = street()
    road.at_kerb()
    road.run(3.7)
    assert road.row(PedestrianRow.Y)[0, 0] == pytest.approx(SOUTH_KERB + 3.7 * 1.4)
    for step in range(8):
        road.vehicle(0, WEST, 148.0 - distance + step, 10.0)
        road.step()
    moved = road.row(PedestrianRow.Y)[0, 0] - (SOUTH_KERB + 3.7 * 1.4)
    assert moved == pytest.approx(1.12) if goes_on else moved < 0.3


def occupied_at(road: Pavement, done: float) -> list[int]:
    road.at_kerb()
    road.step()
    road.people[PedestrianRow.Y, 0, 0] = SOUTH_KERB + done
    return road.marks()


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (0.1, [Occupancy.TAKEN, Occupancy.WANTED]),  # 1.9 m before lane -1 and 5.4 before lane 1; 2 s are 2.8 m
        (2.5, [Occupancy.TAKEN, Occupancy.WANTED]),
        (2.7, [Occupancy.TAKEN, Occupancy.TAKEN]),
        (5.9, [Occupancy.TAKEN, Occupancy.TAKEN]),
        (6.1, [Occupancy.FREE, Occupancy.TAKEN]),
        (9.4, [Occupancy.FREE, Occupancy.TAKEN]),
        (9.6, [Occupancy.FREE, Occupancy.FREE]),
    ],
)
def test_strips_are_taken_two_seconds_ahead(done: float, expected: list[int]) -> None:
    assert occupied_at(street(), done) == expected


def test_strips_are_wanted_by_those_who_wait_unless_a_signal_holds_them() -> None:
    road = street()
    road.vehicle(0, EAST, 118.0, 10.0)
    road.at_kerb()
    road.step()
    assert road.marks() == [Occupancy.WANTED, Occupancy.WANTED]
    road.walk_seconds[0, 0] = 0.0
    assert road.marks() == [Occupancy.FREE, Occupancy.FREE]
    road.walk_seconds[0, 0] = 8.0  # too short for 8.14 s
    assert road.marks() == [Occupancy.FREE, Occupancy.FREE]


def test_taken_outweighs_wanted() -> None:
    road = street(people=2)
    road.at_kerb(0)
    road.run(0.5)
    road.vehicle(0, WEST, 118.0, 10.0)
    for order in ((0, 1), (1, 0)):
        people = road.people.copy()
        road.at_kerb(1, NORTH_KERB)
        road.step(1e-6)
        road.people = road.people[:, :, list(order)]
        assert road.marks() == [Occupancy.TAKEN, Occupancy.WANTED]
        road.people = people


@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_run_over_by_cars_that_never_yield(seed: int) -> None:
    """Cars at constant speeds, at random times, in both lanes: accepted gaps alone keep all bodies apart."""
    road = street(people=10, vehicles=2)
    rng = np.random.default_rng(seed)
    for i in range(10):
        road.at_kerb(i, (SOUTH_KERB, NORTH_KERB)[i % 2], rng.uniform(1.0, 1.6), rng.uniform(0.3, 0.6))
    road.cross_chance = 1.0
    fronts, speeds = np.array([100.0, 50.0]), np.array([8.0, 12.0])
    crossings, waits = 0, 0
    before = road.row(PedestrianRow.PHASE)[0].copy()
    for _ in range(6000):
        fronts += 0.1 * speeds
        for j, lane in enumerate((EAST, WEST)):
            if fronts[j] > 190.0:
                speeds[j] = rng.uniform(4.0, 14.0)
                fronts[j] = 148.0 - speeds[j] * rng.uniform(10.0, 18.0)
            road.vehicle(j, lane, fronts[j], speeds[j])
        road.step()
        now = road.row(PedestrianRow.PHASE)[0]
        crossings += int(((now == PedestrianPhase.CROSSES) & (before != PedestrianPhase.CROSSES)).sum())
        waits += int((now == PedestrianPhase.WAITS).sum())
        before = now.copy()
        for x, y in ((fronts[0] - 2.25, -1.75), (300.0 - fronts[1] + 2.25, 1.75)):
            dx = np.maximum(np.abs(road.row(PedestrianRow.X)[0] - x) - 2.25, 0.0)
            dy = np.maximum(np.abs(road.row(PedestrianRow.Y)[0] - y) - 0.9, 0.0)
            assert (np.hypot(dx, dy) > 0.3).all()
    assert crossings >= 25 and waits > 100
