"""Overtaking on a two-way street: past the slow and the parked, where nobody comes, and back in time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedSimulator
from envs.scene import ActorKind, SceneBatch
from envs.traffic.agents import AgentRow, PassPhase
from envs.traffic.passing_gap import pass_time, time_over
from envs.traffic.passing_leader import BACK_GAP_M
from tests.envs.traffic.test_cyclists import cyclist, town_car
from tests.envs.traffic.worlds import Body, actor_corners, agent_rows, case, hold, overlap_area, put_ego, start

OWN, ONCOMING = (1, -1), (1, 1)
STREET_M = 340.0


def street(*bodies: Body) -> EmbeddedSimulator:
    """Return the straight street with ``bodies`` and its ego far away."""
    world = start(case("street_0", (ONCOMING, 10.0), bodies=bodies))
    put_ego(world, 0, 4000.0, 4000.0, 0.0)
    return world


def row(world: EmbeddedSimulator, which: AgentRow) -> list[float]:
    return agent_rows(world, which)[0].tolist()  # type: ignore[no-any-return]


def step(world: EmbeddedSimulator, bodies: int) -> SceneBatch:
    """Step once; nobody touches anybody."""
    scene = hold(world)
    corners = [actor_corners(scene, 0, i) for i in range(bodies)]
    for i in range(bodies):
        for j in range(i):
            assert overlap_area(corners[i], corners[j]) == 0.0
    return scene


def phases(world: EmbeddedSimulator, bodies: int, seconds: float, who: int) -> list[int]:
    """Drive, and return the phases of ``who``, each once."""
    seen: list[int] = []
    for _ in range(round(seconds / 0.1)):
        step(world, bodies)
        phase = int(row(world, AgentRow.PASSING)[who])
        if not seen or seen[-1] != phase:
            seen.append(phase)
    return seen


def oncoming(x: float, speed: float = 10.0) -> Body:
    """Return a car on the oncoming lane whose centre is at ``x`` (m along the own lane)."""
    return town_car(ONCOMING, STREET_M - x, speed)


@pytest.mark.parametrize(
    ("slow", "clearance"),
    [
        (cyclist(OWN, 80.0), 1.5),
        (Body(OWN, 80.0, parked=True), 0.95),
        (Body(OWN, 80.0, d=-0.9, parked=True), 0.95),
        (Body(OWN, 80.0, speed=2.0, desired_speed=2.0, speed_factor=1.0), 0.95),
    ],
)
def test_passes_on_an_empty_street_and_returns(slow: Body, clearance: float) -> None:
    world, beside = street(slow, town_car(OWN, 40.0)), []
    for _ in range(220):
        scene = step(world, 2)
        if abs(scene.actors.x[0, 0] - scene.actors.x[0, 1]) < 0.5 * (scene.actors.length[0, 0] + 4.6):
            edges = scene.actors.y[0, 1] - scene.actors.y[0, 0]
            beside.append(edges - 0.5 * (scene.actors.width[0, 0] + scene.actors.width[0, 1]))
    s, d = row(world, AgentRow.S), row(world, AgentRow.D)
    assert s[1] > s[0] + 10.0
    assert d[1] == pytest.approx(0.0, abs=0.1) and row(world, AgentRow.PASSING)[1] == PassPhase.NONE
    assert beside and min(beside) >= clearance


@pytest.mark.parametrize("where", [110.0, 140.0, 170.0, 200.0])
def test_waits_for_who_comes_and_passes_behind_it(where: float) -> None:
    world, out_before = street(Body(OWN, 80.0, parked=True), town_car(OWN, 55.0, 5.0), oncoming(where)), False
    for _ in range(300):
        scene = step(world, 3)
        met = scene.actors.x[0, 2] < scene.actors.x[0, 1]
        out_before |= not met and scene.actors.y[0, 1] > -0.5
    assert not out_before
    assert row(world, AgentRow.S)[1] > 95.0


def test_does_not_wait_for_who_is_far_enough() -> None:
    world = street(Body(OWN, 80.0, parked=True), town_car(OWN, 55.0, 5.0), oncoming(330.0))
    for _ in range(200):
        scene = step(world, 3)
        if scene.actors.x[0, 1] > 90.0:
            break
    assert scene.actors.x[0, 2] - scene.actors.x[0, 1] > 20.0


def test_gives_up_behind_when_somebody_comes_after_all() -> None:
    world = street(cyclist(OWN, 60.0), town_car(OWN, 45.0, 8.0), oncoming(330.0))
    while row(world, AgentRow.PASSING)[1] != PassPhase.OUT:
        step(world, 3)
    phases(world, 3, 0.5, 1)
    state = world.state()
    state["agents"][AgentRow.S, 0, 2] = STREET_M - (row(world, AgentRow.S)[1] + 60.0)
    world.set_state(state)
    assert PassPhase.BACK in phases(world, 3, 1.0, 1)
    assert row(world, AgentRow.S)[1] < row(world, AgentRow.S)[0]


def test_who_comes_leaves_room_to_return() -> None:
    """The oncoming driver cannot be avoided once the other is beside the parked: it stops well before."""
    world = street(Body(OWN, 120.0, parked=True), town_car(OWN, 90.0, 5.0), oncoming(330.0))
    while row(world, AgentRow.S)[1] < 117.0:
        step(world, 3)
    state = world.state()
    state["agents"][AgentRow.S, 0, 2] = STREET_M - 175.0
    state["agents"][AgentRow.SPEED, 0, 2] = 9.0
    world.set_state(state)
    phases(world, 3, 25.0, 1)
    s = row(world, AgentRow.S)
    assert s[1] > 200.0 and STREET_M - s[2] < 100.0


@pytest.mark.parametrize(
    "bodies",
    [
        (town_car(OWN, 80.0, 10.0), town_car(OWN, 50.0)),  # nobody who is as fast
        (cyclist(OWN, 315.0), town_car(OWN, 285.0)),  # not where the street ends
        (cyclist(OWN, 80.0), cyclist(OWN, 70.0, 6.0)),  # cyclists do not overtake each other
        (cyclist(OWN, 80.0), cyclist(OWN, 100.0), cyclist(OWN, 90.0), town_car(OWN, 50.0)),  # too many to pass
        (cyclist(OWN, 80.0), Body(OWN, 90.0, speed=4.0, desired_speed=4.0), town_car(OWN, 50.0)),  # one who may wait
    ],
)
def test_who_is_not_overtaken(bodies: tuple[Body, ...]) -> None:
    world = street(*bodies)
    assert phases(world, len(bodies), 6.0, len(bodies) - 1) == [PassPhase.NONE]


def test_a_solid_line_is_not_crossed() -> None:
    world = street(cyclist(OWN, 80.0), town_car(OWN, 50.0))
    world._roads.opposite_change[:] = False
    assert phases(world, 2, 15.0, 1) == [PassPhase.NONE]


def test_stands_where_it_can_still_pull_out() -> None:
    """Blocked by a queue in the oncoming lane it waits well behind the parked car, and passes when that is gone."""
    queue = Body(ONCOMING, STREET_M - 85.0, speed=0.0, desired_speed=0.0, speed_factor=1.0)
    world = street(Body(OWN, 80.0, parked=True), town_car(OWN, 30.0, 8.0), queue)
    phases(world, 3, 20.0, 1)
    gap = 80.0 - row(world, AgentRow.S)[1] - 4.6
    assert row(world, AgentRow.SPEED)[1] < 0.1 and 9.0 < gap < 16.0
    state = world.state()
    state["agents"][AgentRow.DESIRED_SPEED, 0, 2] = 10.0
    world.set_state(state)
    assert PassPhase.OUT in phases(world, 3, 25.0, 1)
    assert row(world, AgentRow.S)[1] > 90.0


def test_who_is_being_passed_does_not_pull_out() -> None:
    """A cyclist could go by the parked car within its lane, but a driver passes both: it waits until that is by."""
    by_m = 0.5 * (4.6 + 1.8) + BACK_GAP_M
    world = street(town_car(OWN, 68.0, 8.0), cyclist(OWN, 80.0), Body(OWN, 95.0, d=-0.9, parked=True))
    for _ in range(150):
        step(world, 3)
        assert row(world, AgentRow.PASSING)[1] == PassPhase.NONE
        assert row(world, AgentRow.D)[1] == pytest.approx(-0.9, abs=1e-9)
        if row(world, AgentRow.S)[0] > row(world, AgentRow.S)[1] + by_m:
            break
    assert row(world, AgentRow.S)[0] > row(world, AgentRow.S)[1] + by_m
    assert PassPhase.OUT in phases(world, 3, 15.0, 1)
    assert row(world, AgentRow.S)[1] > 100.0


@pytest.mark.parametrize("kind", [ActorKind.TRUCK, ActorKind.BUS])
def test_long_vehicles_pull_out_earlier(kind: ActorKind) -> None:
    long = Body(OWN, 60.0, speed=6.0, desired_speed=12.0, speed_factor=1.0, kind=kind)
    world = street(Body(OWN, 140.0, parked=True), long)
    phases(world, 2, 30.0, 1)
    assert row(world, AgentRow.S)[1] > 160.0


def test_time_to_pass_somebody_who_stands_by_hand() -> None:
    """Beside it already: 20 m from 4 m/s at 1 m/s2 take sqrt(16 + 40) - 4 seconds."""
    seconds, way = pass_time(4.0, 10.0, 1.0, 0.0, 0.0, 0.3, 5.0, 20.0)
    assert seconds == pytest.approx(math.sqrt(56.0) - 4.0)
    assert way == pytest.approx(20.0)


def test_time_to_pass_somebody_who_moves_by_hand() -> None:
    """It moves 1.6 m sideways in 1 s and closes up by 2 m; then 16 m are made up from 2 m/s at 1 m/s2: 4 s."""
    seconds, way = pass_time(6.0, 20.0, 1.0, 4.0, 1.6, 0.3, 10.0, 18.0)
    assert seconds == pytest.approx(1.0 + 4.0)
    assert way == pytest.approx(2.0 + 16.0 + 4.0 * 5.0)


def test_nobody_passes_who_is_hardly_faster() -> None:
    assert pass_time(5.0, 6.0, 1.0, 5.0, 0.0, 0.3, 5.0, 20.0) == (-1.0, -1.0)


@pytest.mark.parametrize("distance", [0.0, 3.0, 40.0])
def test_time_over_a_distance_is_that_of_small_steps(distance: float) -> None:
    seconds, end = time_over(distance, 2.0, 6.0, 1.5)
    speed, gone, spent, dt = 2.0, 0.0, 0.0, 1e-4
    while gone < distance:
        gone, speed, spent = gone + speed * dt, min(speed + 1.5 * dt, 6.0), spent + dt
    assert seconds == pytest.approx(spent, abs=1e-2) and end == pytest.approx(speed, abs=1e-2)
    assert np.isfinite(seconds)
