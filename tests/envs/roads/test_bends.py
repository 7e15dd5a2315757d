"""Bends between two poses, against closed forms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.roads.bends import bend, joined, length, portion, pose_at, s_bend
from envs.roads.elements import Arc, Geometry, Line, Spiral

QUARTER = 0.5 * math.pi


def assert_pose(pose: tuple[float, float, float], expected: tuple[float, float, float]) -> None:
    assert pose[:2] == pytest.approx(expected[:2], abs=1e-9)
    assert math.remainder(pose[2] - expected[2], 2.0 * math.pi) == pytest.approx(0.0, abs=1e-9)


def assert_continuous(plan: list[Geometry]) -> None:
    for before, after in zip(plan[:-1], plan[1:], strict=True):
        assert after.s == pytest.approx(before.s + before.length)
        assert_pose((after.x, after.y, after.heading), pose_at(plan, after.s - 1e-12))


def curvatures(plan: list[Geometry]) -> list[float]:
    """Return the curvature of lines and arcs (1/m)."""
    assert all(isinstance(piece.shape, Line | Arc) for piece in plan)
    return [piece.shape.curvature if isinstance(piece.shape, Arc) else 0.0 for piece in plan]


def test_a_quarter_circle_where_both_tangents_are_equal() -> None:
    plan = bend((0.0, 0.0, 0.0), (10.0, 10.0, QUARTER))
    assert curvatures(plan) == pytest.approx([0.1])
    assert length(plan) == pytest.approx(5.0 * math.pi)


def test_the_longer_tangent_becomes_a_line() -> None:
    plan = bend((0.0, 0.0, 0.0), (10.0, -4.0, -QUARTER))
    assert curvatures(plan) == pytest.approx([0.0, -0.25])
    assert plan[0].length == pytest.approx(6.0)
    assert_pose(pose_at(plan, length(plan)), (10.0, -4.0, -QUARTER))


def test_the_radius_is_the_largest_allowed() -> None:
    plan = bend((0.0, 0.0, 0.0), (10.0, 10.0, QUARTER), radius_m=6.0)
    assert [type(piece.shape) for piece in plan] == [Line, Arc, Line]
    assert [piece.length for piece in plan] == pytest.approx([4.0, 3.0 * math.pi, 4.0])


def test_spirals_take_their_share_and_half_of_its_turn() -> None:
    """Of a bend of length l, spirals of 0.2 l each and an arc of 0.6 l turn by 0.8 l / r."""
    plan = bend((0.0, 0.0, 0.0), (100.0, 100.0, QUARTER), radius_m=30.0, spiral_share=0.2)
    assert [type(piece.shape) for piece in plan] == [Line, Spiral, Arc, Spiral, Line]
    total = 30.0 * QUARTER / 0.8
    assert [piece.length for piece in plan[1:4]] == pytest.approx([0.2 * total, 0.6 * total, 0.2 * total])
    assert plan[0].length == pytest.approx(plan[4].length)
    assert_pose(pose_at(plan, length(plan)), (100.0, 100.0, QUARTER))


@given(
    turn=st.floats(0.05, 2.8),
    side=st.sampled_from([-1.0, 1.0]),
    before=st.floats(5.0, 200.0),
    after=st.floats(5.0, 200.0),
    heading=st.floats(-3.0, 3.0),
    share=st.sampled_from([0.0, 0.15, 0.5]),
)
def test_every_bend_ends_where_it_should(
    turn: float, side: float, before: float, after: float, heading: float, share: float
) -> None:
    turn *= side
    x, y = before * math.cos(heading), before * math.sin(heading)
    end = (x + after * math.cos(heading + turn), y + after * math.sin(heading + turn), heading + turn)
    plan = bend((0.0, 0.0, heading), end, spiral_share=share)
    assert_continuous(plan)
    reached = pose_at(plan, length(plan))
    assert math.hypot(reached[0] - end[0], reached[1] - end[1]) < 1e-5
    assert abs(math.remainder(reached[2] - end[2], 2.0 * math.pi)) < 1e-6


def test_an_s_bend_to_a_parallel_line_has_two_equal_arcs() -> None:
    """A lateral shift d over L takes two arcs of radius (L^2 + d^2) / (4 d)."""
    plan = s_bend((0.0, 0.0, 0.0), (60.0, 12.0, 0.0))
    curvature = 4.0 * 12.0 / (60.0**2 + 12.0**2)
    assert curvatures(plan) == pytest.approx([curvature, -curvature])
    assert_pose(pose_at(plan, length(plan)), (60.0, 12.0, 0.0))
    assert_continuous(plan)


def test_a_portion_is_the_same_curve() -> None:
    plan = bend((0.0, 0.0, 0.0), (100.0, 100.0, QUARTER), radius_m=30.0, spiral_share=0.2)
    part = portion(plan, 75.0, 90.0)
    assert length(part) == pytest.approx(15.0)
    for s in (0.0, 4.0, 8.0, 15.0):
        assert_pose(pose_at(part, s), pose_at(plan, 75.0 + s))
    whole = joined(portion(plan, 0.0, 75.0), portion(plan, 75.0, length(plan)))
    assert length(whole) == pytest.approx(length(plan))
    assert_continuous(whole)


def test_poses_that_no_bend_joins_are_refused() -> None:
    with pytest.raises(ValueError, match=r"it lies 3 m aside; use s_bend"):
        bend((0.0, 0.0, 0.0), (50.0, 3.0, 0.0))
    with pytest.raises(ValueError, match="their lines do not meet between them; use s_bend"):
        bend((0.0, 0.0, 0.0), (-10.0, 10.0, QUARTER))
