"""Reference lines against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import fresnel

from envs.roads.elements import Arc, Geometry, Line, OpenDriveError, ParamPoly3, Poly3, Shape, Spiral
from envs.roads.geometry import end_pose, evaluate_line, evaluate_piece


def piece(shape: Shape, length: float, heading: float = 0.0) -> Geometry:
    return Geometry(0.0, 10.0, 20.0, heading, length, shape)


def test_line_runs_straight() -> None:
    x, y, heading, curvature, rate = evaluate_piece(piece(Line(), 5.0, math.pi / 2), np.array([3.0]))[:, 0]
    assert (x, y) == pytest.approx((10.0, 23.0))
    assert (heading, curvature, rate) == pytest.approx((math.pi / 2, 0.0, 0.0))


def test_arc_is_a_quarter_circle() -> None:
    assert end_pose(piece(Arc(0.1), 5.0 * math.pi)) == pytest.approx((20.0, 30.0, math.pi / 2))
    assert end_pose(piece(Arc(-0.1), 5.0 * math.pi)) == pytest.approx((20.0, 10.0, -math.pi / 2))


def test_arc_of_many_turns_stays_on_its_circle() -> None:
    points = evaluate_piece(piece(Arc(0.5), 150.0), np.linspace(0.0, 150.0, 501))
    assert np.hypot(points[0] - 10.0, points[1] - 22.0) == pytest.approx(np.full(501, 2.0), abs=1e-9)


def test_spiral_is_the_fresnel_integral() -> None:
    rate, length = 0.002, 60.0
    s = np.linspace(0.0, length, 7)
    points = evaluate_piece(piece(Spiral(0.0, rate * length), length), s)
    scale = math.sqrt(math.pi / rate)
    sine, cosine = fresnel(s / scale)
    assert points[0] - 10.0 == pytest.approx(scale * cosine, abs=1e-9)
    assert points[1] - 20.0 == pytest.approx(scale * sine, abs=1e-9)
    assert points[2] == pytest.approx(0.5 * rate * s * s)
    assert points[3] == pytest.approx(rate * s)


def test_spiral_of_equal_curvatures_is_an_arc() -> None:
    s = np.linspace(0.0, 30.0, 31)
    spiral = evaluate_piece(piece(Spiral(0.02, 0.02), 30.0), s)
    assert spiral == pytest.approx(evaluate_piece(piece(Arc(0.02), 30.0), s), abs=1e-12)


def test_long_spiral_is_the_fresnel_integral() -> None:
    """Many turns need many quadrature panels."""
    rate, length = 0.02, 95.0
    scale = math.sqrt(math.pi / rate)
    sine, cosine = fresnel(length / scale)
    x, y, heading = end_pose(piece(Spiral(0.0, rate * length), length))
    assert (x - 10.0, y - 20.0) == pytest.approx((scale * cosine, scale * sine), abs=1e-9)
    assert heading == pytest.approx(0.5 * rate * length**2)


def test_poly3_is_measured_by_arc_length() -> None:
    """The parabola v = u^2 / 2 has the arc length (u sqrt(1 + u^2) + asinh u) / 2 and curvature (1 + u^2)^-1.5."""
    u = np.array([0.5, 1.0, 2.0])
    s = 0.5 * (u * np.sqrt(1.0 + u * u) + np.arcsinh(u))
    x, y, heading, curvature, _ = evaluate_piece(piece(Poly3((0.0, 0.0, 0.5, 0.0)), float(s[-1])), s)
    assert x - 10.0 == pytest.approx(u, abs=1e-3)
    assert y - 20.0 == pytest.approx(0.5 * u * u, abs=2e-3)
    assert heading == pytest.approx(np.arctan(u), abs=1e-3)
    assert curvature == pytest.approx((1.0 + u * u) ** -1.5, abs=1e-3)


@pytest.mark.parametrize("normalized", [True, False])
def test_param_poly3_straight_line(normalized: bool) -> None:
    """u = 3 q, v = 4 q is a line of length 5 over q in [0, 1], or u = 0.6 s, v = 0.8 s over the arc length."""
    factor = 1.0 if normalized else 0.2
    shape = ParamPoly3((0.0, 3.0 * factor, 0.0, 0.0), (0.0, 4.0 * factor, 0.0, 0.0), normalized)
    x, y, heading, curvature, _ = evaluate_piece(piece(shape, 5.0), np.array([2.5]))[:, 0]
    assert (x, y, heading, curvature) == pytest.approx((11.5, 22.0, math.atan2(4, 3), 0.0))


def test_param_poly3_is_measured_by_arc_length() -> None:
    """u = q^2, v = 0 covers a quarter of its way at q = 1/2; at half the way it stands at u = 1/2."""
    shape = ParamPoly3((0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 0.0), True)
    assert evaluate_piece(piece(shape, 1.0), np.array([0.5]))[0, 0] == pytest.approx(10.5, abs=1e-3)


@pytest.mark.parametrize(
    "shape",
    [
        Spiral(0.0, 0.03),
        Spiral(-0.02, 0.04),
        Poly3((0.0, 0.1, 0.004, 1e-5)),
        ParamPoly3((0, 50, 2, 3), (0, 4, 9, -7), True),
    ],
)
def test_heading_and_curvature_are_the_derivatives(shape: Shape) -> None:
    s = np.linspace(1.0, 49.0, 2401)
    x, y, heading, curvature, rate = evaluate_piece(piece(shape, 50.0, 0.3), s)
    slope = np.unwrap(np.arctan2(np.gradient(y, s), np.gradient(x, s)))
    inner = slice(2, -2)
    assert heading[inner] == pytest.approx(slope[inner], abs=1e-4)
    if isinstance(shape, Spiral):
        assert np.gradient(heading, s)[inner] == pytest.approx(curvature[inner], abs=1e-6)
        assert np.gradient(curvature, s)[inner] == pytest.approx(rate[inner], abs=1e-6)


def test_curvature_rate_of_a_cubic() -> None:
    """Arc-length derivative of the curvature: compare with differences along the curve."""
    shape = ParamPoly3((0.0, 50.0, 2.0, 3.0), (0.0, 4.0, 9.0, -7.0), True)
    x, y, _, curvature, rate = evaluate_piece(piece(shape, 50.0), np.linspace(0.0, 50.0, 5001))
    way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    assert np.gradient(curvature, way)[5:-5] == pytest.approx(rate[5:-5], abs=1e-5)


def test_pieces_follow_each_other() -> None:
    pieces = [Geometry(0.0, 0.0, 0.0, 0.0, 10.0, Line()), Geometry(10.0, 10.0, 0.0, 0.0, 5.0 * math.pi, Arc(0.1))]
    line = evaluate_line(pieces, np.array([5.0, 10.0, 10.0 + 5.0 * math.pi, 4.0]))
    assert line.x == pytest.approx([5.0, 10.0, 20.0, 4.0])
    assert line.y == pytest.approx([0.0, 0.0, 10.0, 0.0], abs=1e-12)


def test_a_piece_that_winds_up_is_refused() -> None:
    with pytest.raises(OpenDriveError, match="turns by"):
        evaluate_piece(piece(Arc(100.0), 1000.0), np.array([1000.0]))
