"""Projection kernels: numbers worked out by hand, and the round trip as an invariant."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.roads.generate import MultiLaneRoad, generate_lane_graph
from envs.roads.projection import curvature_at, edges_at, pose_at, project, wrap_angle
from envs.scene import FloatArray, IntArray

BENDY = generate_lane_graph(MultiLaneRoad(lanes=3, length_m=400.0, curvature=1 / 60, bends=3))

Lane = tuple[FloatArray, IntArray, FloatArray]


def straight() -> Lane:
    """Two lanes: the first is a single metre elsewhere, the second runs north from (5, 0) with samples 2 m apart."""
    samples = np.zeros((7, 7))
    samples[1, 0] = 1.0
    samples[2:, 0] = 5.0
    samples[2:, 1] = np.arange(5) * 2.0
    samples[2:, 2] = math.pi / 2
    samples[2:, 3] = np.arange(5) * 0.01
    samples[2:, 4] = 3.0 + np.arange(5)
    samples[2:, 5] = 10.0 + np.arange(5)
    samples[2:, 6] = 20.0
    return samples, np.array([0, 2, 7], dtype=np.int64), np.array([1.0, 2.0])


def test_project_by_hand() -> None:
    s, d, heading, curvature, width = project(*straight(), 1, 0.0, 3.5, 5.0)
    assert (s, d, heading) == pytest.approx((5.0, 1.5, math.pi / 2))
    assert (curvature, width) == pytest.approx((0.025, 5.5))


@pytest.mark.parametrize("guess", [-50.0, 0.0, 3.9, 8.0, 1e9])
def test_project_finds_the_foot_from_any_guess(guess: float) -> None:
    assert project(*straight(), 1, guess, 5.0, 6.5)[0] == pytest.approx(6.5)


def test_project_goes_on_straight_beyond_the_ends() -> None:
    s, d, _, curvature, width = project(*straight(), 1, 0.0, 6.0, -3.0)
    assert (s, d, curvature, width) == pytest.approx((-3.0, -1.0, 0.0, 3.0))
    s, d, _, curvature, width = project(*straight(), 1, 0.0, 4.0, 12.0)
    assert (s, d, curvature, width) == pytest.approx((12.0, 1.0, 0.04, 7.0))


def test_pose_edges_and_curvature_by_hand() -> None:
    assert pose_at(*straight(), 1, 3.0, 2.0) == pytest.approx((3.0, 3.0, math.pi / 2))
    assert pose_at(*straight(), 1, -1.0, 0.0) == pytest.approx((5.0, -1.0, math.pi / 2))
    assert edges_at(*straight(), 1, 3.0) == pytest.approx((11.5, 20.0))
    assert edges_at(*straight(), 1, 99.0) == pytest.approx((14.0, 20.0))
    assert curvature_at(*straight(), 1, 3.0) == pytest.approx(0.015)


def test_heading_turns_the_short_way() -> None:
    samples = np.zeros((2, 7))
    samples[1, 0] = -1.0
    samples[:, 2] = math.pi - 0.1, -math.pi + 0.1
    heading = pose_at(samples, np.array([0, 2]), np.array([1.0]), 0, 0.75, 0.0)[2]
    assert heading == pytest.approx(-math.pi + 0.05)


def test_samples_in_one_place_do_no_harm() -> None:
    samples = np.zeros((3, 7))
    lane = samples, np.array([0, 3]), np.array([1e-6])
    assert np.isfinite(project(*lane, 0, 0.0, 1.0, 2.0)).all()
    assert project(*lane, 0, 0.0, 1.0, 2.0)[1] == pytest.approx(2.0)


def test_wrap_angle() -> None:
    assert wrap_angle(math.pi) == pytest.approx(-math.pi)
    assert wrap_angle(7.0) == pytest.approx(7.0 - 2.0 * math.pi)


@settings(max_examples=200, deadline=None)
@given(
    lane=st.integers(0, 2),
    fraction=st.floats(-0.05, 1.05),
    d=st.floats(-6.0, 6.0),
    guess_error=st.floats(-15.0, 15.0),
)
def test_project_inverts_pose_at(lane: int, fraction: float, d: float, guess_error: float) -> None:
    graph = BENDY
    s = fraction * float(graph.length[lane])
    x, y, heading = pose_at(graph.samples, graph.start, graph.step, lane, s, d)
    s2, d2, heading2, _, width = project(graph.samples, graph.start, graph.step, lane, s + guess_error, x, y)
    assert s2 == pytest.approx(s, abs=0.003)
    assert d2 == pytest.approx(d, abs=1e-4)
    assert heading2 == pytest.approx(heading, abs=1e-3)
    assert width == pytest.approx(3.5)


def test_s_is_continuous_and_grows_past_corners() -> None:
    """Driving 5 m beside a bend: s must never jump or fall back where the foot passes a sample."""
    graph = BENDY
    poses = [pose_at(graph.samples, graph.start, graph.step, 1, s, -5.0) for s in np.arange(100.0, 200.0, 0.02)]
    feet = [project(graph.samples, graph.start, graph.step, 1, 150.0, x, y)[0] for x, y, _ in poses]
    steps = np.diff(feet)
    assert steps.min() > 0.015
    assert steps.max() < 0.025
