"""Overlap of oriented boxes against polygon clipping, and the promise that nothing tunnels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envs.embedded.collision import boxes_overlap
from envs.scene import ActorKind
from envs.traffic.agents import ActionKind, TriggerKind
from envs.traffic.following import MOST_ASIDE
from tests.envs.traffic.worlds import Body, case, corners, hold, overlap_area, put_ego, script, start

Box = tuple[float, float, float, float, float]
places = st.floats(-8.0, 8.0)
halves = st.floats(0.2, 6.0)
boxes = st.tuples(places, places, st.floats(-7.0, 7.0), halves, halves)


def box_corners(box: Box) -> np.ndarray:
    return corners(box[0], box[1], box[2], 2.0 * box[3], 2.0 * box[4])


@given(first=boxes, second=boxes)
def test_agrees_with_polygon_clipping(first: Box, second: Box) -> None:
    area = overlap_area(box_corners(first), box_corners(second))
    if area > 1e-6:
        assert boxes_overlap(*first, *second)
    elif area == 0.0:
        # Clipping calls a touch empty: apart by a millimetre it must be apart for both.
        smaller = (*second[:3], second[3] - 1e-3, second[4] - 1e-3)
        assert not boxes_overlap(*first, *smaller)


@given(first=boxes, second=boxes)
def test_symmetric(first: Box, second: Box) -> None:
    assume(abs(overlap_area(box_corners(first), box_corners(second))) > 1e-6)
    assert boxes_overlap(*first, *second) == boxes_overlap(*second, *first)


@given(first=boxes, second=boxes, angle=st.floats(-3.0, 3.0), dx=st.floats(-500.0, 500.0), dy=st.floats(-500.0, 500.0))
def test_the_same_wherever_the_world_lies(first: Box, second: Box, angle: float, dx: float, dy: float) -> None:
    grown, shrunk = ((*second[:3], second[3] + e, second[4] + e) for e in (1e-3, -1e-3))
    assume(boxes_overlap(*first, *grown) == boxes_overlap(*first, *shrunk))

    def moved(box: Box) -> Box:
        cosine, sine = math.cos(angle), math.sin(angle)
        return (
            box[0] * cosine - box[1] * sine + dx, box[0] * sine + box[1] * cosine + dy, box[2] + angle, box[3], box[4],
        )  # fmt: skip

    assert boxes_overlap(*moved(first), *moved(second)) == boxes_overlap(*first, *second)


CAR: Box = (0.0, 0.0, 0.0, 2.0, 1.0)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param((4.0, 0.0, 0.0, 2.0, 1.0), True, id="bumper touches bumper"),
        pytest.param((4.001, 0.0, 0.0, 2.0, 1.0), False, id="a millimetre apart"),
        pytest.param((0.0, 2.0, math.pi, 2.0, 1.0), True, id="side touches side, facing backwards"),
        pytest.param((0.0, 2.001, math.pi, 2.0, 1.0), False, id="a millimetre beside"),
        pytest.param((0.5, 0.2, 1.0, 0.1, 0.1), True, id="inside"),
        pytest.param((0.0, 0.0, 0.7, 20.0, 0.1), True, id="a bar right through, no corner in the other"),
        pytest.param((3.0, 2.0, 0.25 * math.pi, 1.0, 1.0), False, id="corner regions apart by their diagonal"),
        pytest.param((2.9, 1.9, 0.25 * math.pi, 1.3, 1.3), True, id="an edge reaches over the corner"),
        # The other's nearest corner lies at x = 2.5 + 1 - sqrt(2) = 2.086 (1.414 from its centre at 3.5)
        pytest.param((3.5, 0.0, 0.25 * math.pi, 1.0, 1.0), False, id="a corner just short of the front"),
        pytest.param((3.4, 0.0, 0.25 * math.pi, 1.0, 1.0), True, id="a corner just in the front"),
    ],
)
def test_boxes_by_hand(other: Box, expected: bool) -> None:
    assert boxes_overlap(*CAR, *other) is expected
    assert boxes_overlap(*other, *CAR) is expected


FULL_THROTTLE = np.tile([1.0, 0.0, 0.0], (24, 1))


def test_a_pedestrian_is_not_driven_through_at_40_mps() -> None:
    """24 phases against the substep's 0.8 m, from a full hit to a graze of 5 cm at the ego's 2.13 m of width."""
    rng = np.random.default_rng(0)
    reach = 0.5 * 2.13 + 0.25 - 0.05
    cases = [
        case("multi_lane_0", ((1, -2), 100.0), 40.0, [
            Body((1, -2), 125.0 + rng.uniform(0.0, 8.0), d=rng.uniform(-reach, reach), kind=ActorKind.PEDESTRIAN),
        ])
        for _ in range(24)
    ]  # fmt: skip
    world = start(*cases)
    hit = np.zeros(24, dtype=bool)
    for _ in range(20):
        scene = world.step(FULL_THROTTLE)
        assert np.all(scene.events.collision_actor[scene.events.collision] == 0)
        hit |= scene.events.collision
        passed = scene.ego.x - 0.5 * scene.ego.length > scene.actors.x[:, 0] + 0.25
        assert not (passed & ~hit).any()
    assert hit.all()


def test_an_oncoming_car_is_not_driven_through_at_70_mps() -> None:
    """Ego at 40 m/s against a driver at 30 m/s who moves aside but does not brake, at offsets that still meet."""
    rng = np.random.default_rng(1)
    reach = 0.5 * (2.13 + 1.9) - MOST_ASIDE - 0.1
    cases = [
        case("street_0", ((1, -1), 60.0), 0.0, [
            Body((1, 1), 100.0 + rng.uniform(0.0, 8.0), speed=30.0, hardest_brake=0.0),
        ])
        for _ in range(24)
    ]  # fmt: skip
    world = start(*cases)
    for b in range(24):
        put_ego(world, b, 100.0, 1.75 + rng.uniform(-reach, reach), 0.0, 40.0)
    hit = np.zeros(24, dtype=bool)
    for _ in range(30):
        scene = world.step(FULL_THROTTLE)
        hit |= scene.events.collision
        passed = scene.ego.x - 0.5 * scene.ego.length > scene.actors.x[:, 0] + 2.3
        assert not (passed & ~hit).any()
    assert hit.all()


def test_a_pedestrian_who_walks_into_the_side_is_a_collision() -> None:
    go = script(TriggerKind.TIME, 0.0, ActionKind.WALK, 2.0, 9.0)
    walker = Body((1, -1), 150.0, d=-4.0, kind=ActorKind.PEDESTRIAN, yaw=0.5 * math.pi, scripts=(go,))
    world = start(case("street_0", ((1, -1), 150.0), 0.0, [walker]))
    steps = next(k for k in range(1, 40) if hold(world).events.collision[0])
    # 4 m less half the ego's width less half the pedestrian: 2.685 m at 2 m/s.
    assert steps == 14


def test_no_collision_beside_one_another() -> None:
    world = start(case("multi_lane_0", ((1, -2), 100.0), 10.0, [Body((1, -1), 100.0, speed=10.0, kind=ActorKind.BUS)]))
    for _ in range(30):
        scene = world.step(np.array([[0.4, 0.0, 0.0]]))
        assert not scene.events.collision[0]
        assert scene.events.collision_actor[0] == -1
