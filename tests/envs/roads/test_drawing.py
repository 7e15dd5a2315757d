"""What is drawn of a map."""

from __future__ import annotations

import json

import numpy as np
import pytest

from envs.roads.drawing import RoadDrawing, simplified
from envs.roads.generate import MultiLaneRoad, OnRampRoad, Street, generate_lane_graph
from envs.scene import FloatArray


def polygon_area(points: FloatArray) -> float:
    x, y = points.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def test_surfaces_have_the_area_of_their_lanes() -> None:
    drawing = generate_lane_graph(Street(length_m=100.0)).drawing
    areas = {kind: sum(polygon_area(a.points) for a in drawing.areas if a.kind == kind) for kind in
             ("driving", "parking", "sidewalk")}  # fmt: skip
    assert areas == pytest.approx({"driving": 700.0, "parking": 440.0, "sidewalk": 400.0})
    assert drawing.bounds() == pytest.approx((0.0, -7.7, 100.0, 7.7))


def test_marks_of_a_carriageway() -> None:
    drawing = generate_lane_graph(MultiLaneRoad(lanes=3)).drawing
    marks = sorted((stroke.kind, round(float(stroke.points[0, 1]), 2)) for stroke in drawing.strokes)
    assert marks == [("broken", -7.0), ("broken", -3.5), ("solid", -10.5), ("solid", 0.0)]


def test_a_drawing_survives_json() -> None:
    drawing = generate_lane_graph(OnRampRoad(curvature=1 / 300)).drawing
    again = RoadDrawing.from_lists(json.loads(json.dumps(drawing.to_lists(digits=3))))
    assert [area.kind for area in again.areas] == [area.kind for area in drawing.areas]
    assert [(s.kind, s.color) for s in again.strokes] == [(s.kind, s.color) for s in drawing.strokes]
    for one, two in zip(drawing.strokes, again.strokes, strict=True):
        assert one.points == pytest.approx(two.points, abs=5e-4)


def test_simplified_keeps_within_the_tolerance() -> None:
    angle = np.linspace(0.0, np.pi, 500)
    circle = 50.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    few = simplified(circle, 0.05)
    assert len(few) < 70
    fine = np.concatenate([np.linspace(a, b, 50) for a, b in zip(few[:-1], few[1:], strict=True)])
    assert np.abs(np.hypot(*fine.T) - 50.0).max() <= 0.051
    assert simplified(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])).tolist() == [[0.0, 0.0], [3.0, 0.0]]


def test_an_empty_drawing_has_bounds() -> None:
    assert RoadDrawing((), ()).bounds() == (0.0, 0.0, 0.0, 0.0)
