"""Distances between oriented boxes by hand, and that they do not depend on where north and who first is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from envs.metrics.boxes import corners, distance, minimal_distance, overlap, separation
from envs.scene import ActorRow, EgoRow
from tests.envs.builders import make_actor, make_scene

CAR = np.array([0.0, 0.0, 0.0, 4.0, 2.0])
QUARTER = math.pi / 2


def box(x: float, y: float, yaw: float = 0.0, length: float = 4.0, width: float = 2.0) -> np.ndarray:
    return np.array([x, y, yaw, length, width])


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        (box(10.0, 0.0), 6.0),  # bumper to bumper: 10 - 2 - 2
        (box(0.0, 3.5), 1.5),  # side by side: 3.5 - 1 - 1
        (box(7.0, 6.0), 5.0),  # corner to corner: hypot(7 - 4, 6 - 2) = hypot(3, 4)
        (box(10.0, 0.0, QUARTER), 7.0),  # across ahead: 10 - 2 - 1
        (box(10.0, 0.0, QUARTER / 2, 4.0, 4.0), 8.0 - 2.0 * math.sqrt(2.0)),  # a square on its corner
        (box(3.0, 1.0), 0.0),
        (box(4.0, 0.0), 0.0),  # they touch
    ],
)
def test_distances_by_hand(other: np.ndarray, apart: float) -> None:
    assert distance(CAR, other) == pytest.approx(apart)


def test_a_cross_overlaps_though_no_corner_is_inside() -> None:
    plank, across = box(0.0, 0.0, 0.0, 10.0, 1.0), box(0.0, 0.0, QUARTER, 10.0, 1.0)
    assert overlap(plank, across)
    assert distance(plank, across) == 0.0
    assert separation(corners(plank), corners(across)) == pytest.approx(-5.5)


def test_the_corners_turn_counter_clockwise_from_the_front_left() -> None:
    assert corners(CAR) == pytest.approx(np.array([[2, 1], [-2, 1], [-2, -1], [2, -1]]))
    assert corners(box(1.0, 2.0, QUARTER)) == pytest.approx(np.array([[0, 4], [0, 0], [2, 0], [2, 4]]))


coordinate = st.floats(-20.0, 20.0)
angle = st.floats(-math.pi, math.pi)
side = st.floats(0.3, 8.0)
boxes = st.builds(box, coordinate, coordinate, angle, side, side)


@settings(max_examples=100, deadline=None)
@given(boxes, boxes, angle, coordinate, coordinate)
def test_distance_is_symmetric_and_keeps_when_the_world_turns(
    one: np.ndarray, two: np.ndarray, turn: float, dx: float, dy: float
) -> None:
    apart = distance(one, two)
    assert distance(two, one) == pytest.approx(apart, abs=1e-9)
    assume(abs(separation(corners(one), corners(two))) > 1e-9)
    assert distance(moved(one, turn, dx, dy), moved(two, turn, dx, dy)) == pytest.approx(apart, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(boxes, boxes)
def test_distance_agrees_with_points_on_the_outlines(one: np.ndarray, two: np.ndarray) -> None:
    assume(not overlap(one, two))
    a, b = outline(one), outline(two)
    sampled = np.linalg.norm(a[:, None] - b[None], axis=-1).min()
    assert distance(one, two) <= sampled + 1e-9
    assert distance(one, two) >= sampled - 0.12  # neighbours on an outline are at most 0.08 m apart


def test_the_nearest_road_user_of_a_scene() -> None:
    scene = make_scene(actors=[make_actor(10.0, 0.0), make_actor(0.0, 3.5)])
    assert minimal_distance(scene) == pytest.approx([1.5])
    scene.actors.block[ActorRow.VALID, :, 1] = 0.0
    assert minimal_distance(scene) == pytest.approx([6.0])
    scene.actors.block[ActorRow.VALID] = 0.0
    assert minimal_distance(scene) == pytest.approx([math.inf])
    assert minimal_distance(make_scene(3, [make_actor(10.0, 0.0)], ego={EgoRow.X: 1.0})) == pytest.approx([5.0] * 3)


def moved(one: np.ndarray, turn: float, dx: float, dy: float) -> np.ndarray:
    c, s = math.cos(turn), math.sin(turn)
    return np.array([c * one[0] - s * one[1] + dx, s * one[0] + c * one[1] + dy, one[2] + turn, one[3], one[4]])


def outline(one: np.ndarray) -> np.ndarray:
    vertices = corners(one)
    shares = np.linspace(0.0, 1.0, 101)[:, None, None]
    return ((1.0 - shares) * vertices + shares * np.roll(vertices, -1, axis=0)).reshape(-1, 2)
