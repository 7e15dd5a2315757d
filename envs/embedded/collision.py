"""Collision of oriented boxes: exact separating-axis test behind a circle test."""

from __future__ import annotations

import math

from envs.compiled import njit


@njit
def boxes_overlap(
    ax: float, ay: float, a_yaw: float, a_half_length: float, a_half_width: float,
    bx: float, by: float, b_yaw: float, b_half_length: float, b_half_width: float,
) -> bool:  # fmt: skip
    """Tell whether two oriented rectangles (centre, yaw, half sizes; m, rad) overlap; touching counts.

    Separating-axis theorem: two convex shapes are apart exactly if an edge normal of one of them separates them.
    """
    dx, dy = bx - ax, by - ay
    reach = math.hypot(a_half_length, a_half_width) + math.hypot(b_half_length, b_half_width)
    if dx * dx + dy * dy > reach * reach:
        return False
    cosine_a, sine_a = math.cos(a_yaw), math.sin(a_yaw)
    cosine_b, sine_b = math.cos(b_yaw), math.sin(b_yaw)
    along = abs(cosine_a * cosine_b + sine_a * sine_b)
    across = abs(cosine_a * sine_b - sine_a * cosine_b)
    if abs(dx * cosine_a + dy * sine_a) > a_half_length + along * b_half_length + across * b_half_width:
        return False
    if abs(dy * cosine_a - dx * sine_a) > a_half_width + across * b_half_length + along * b_half_width:
        return False
    if abs(dx * cosine_b + dy * sine_b) > b_half_length + along * a_half_length + across * a_half_width:
        return False
    return abs(dy * cosine_b - dx * sine_b) <= b_half_width + across * a_half_length + along * a_half_width
