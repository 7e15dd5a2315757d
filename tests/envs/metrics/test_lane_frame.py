"""Places along a route against the closed form: straight, on a circle, before a bend and beyond the last point."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.metrics.lane_frame import along_route
from envs.scene import ROUTE_POINT_SPACING_M, ROUTE_POINTS, SceneBatch

RADIUS_M = 300.0


def on_a_circle(radius: float, offset: float = 0.0, straight_m: float = 0.0) -> SceneBatch:
    """A route that goes ``straight_m`` from the origin along x and then turns left; the ego ``offset`` left of it."""
    scene = SceneBatch.empty(1, 1)
    scene.ego.y[0] = scene.route.lateral_offset[0] = offset
    for k in range(ROUTE_POINTS):
        scene.route.points[0, k] = place((k + 1) * ROUTE_POINT_SPACING_M, 0.0, radius, straight_m)
    return scene


def place(ahead: float, aside: float, radius: float, straight_m: float = 0.0) -> tuple[float, float, float]:
    """Return x, y and heading of what is ``ahead`` along the route and ``aside`` of it."""
    angle = max(ahead - straight_m, 0.0 if straight_m else ahead) / radius
    x = min(ahead, straight_m) * (straight_m > 0.0) + (radius - aside) * math.sin(angle)
    return x, radius - (radius - aside) * math.cos(angle), angle


@pytest.mark.parametrize("radius", [RADIUS_M, -RADIUS_M, 1e9])
@pytest.mark.parametrize("aside", [-3.5, 0.0, 3.5])
@pytest.mark.parametrize("ahead", [-6.0, 3.0, 12.5, 39.0, 60.0])
def test_a_place_is_told_as_on_the_lane(radius: float, aside: float, ahead: float) -> None:
    x, y, heading = place(ahead, aside, radius)
    found = along_route(on_a_circle(radius, offset=0.7), np.array([x]), np.array([y]))
    assert found.aside[0] == pytest.approx(aside, abs=0.08)
    assert found.heading[0] == pytest.approx(heading, abs=0.004)
    # A bend's inner side is shorter than its line, by as much as it is further in.
    assert found.ahead[0] == pytest.approx(ahead, abs=0.5 if ahead < 40.0 else 1.0)


def test_before_a_bend_its_lane_is_not_the_ego_s_direction() -> None:
    scene = on_a_circle(RADIUS_M, straight_m=10.0)
    x, y, heading = place(34.0, 3.5, RADIUS_M, straight_m=10.0)
    found = along_route(scene, np.array([x]), np.array([y]))
    assert heading > 0.07 and found.heading[0] == pytest.approx(heading, abs=0.002)
    assert found.aside[0] == pytest.approx(3.5, abs=0.05)


def test_points_beyond_the_goal_are_one_and_have_no_direction() -> None:
    scene = on_a_circle(1e9)
    scene.route.points[0, 2:] = scene.route.points[0, 1]
    found = along_route(scene, np.array([30.0]), np.array([2.0]))
    assert (found.ahead[0], found.aside[0], found.heading[0]) == pytest.approx((30.0, 2.0, 0.0), abs=1e-6)
