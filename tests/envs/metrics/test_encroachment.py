"""Post-encroachment time of crossing paths by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.metrics.encroachment import occupation, post_encroachment_time

TIME = np.arange(0.0, 12.0, 0.1)
CAR = np.array([4.0, 2.0])
AREA = np.array([[-2.0, -2.0], [2.0, -2.0], [2.0, 2.0], [-2.0, 2.0]])


def eastward(start: float, speed: float) -> np.ndarray:
    return np.stack([start + speed * TIME, np.zeros_like(TIME), np.zeros_like(TIME)], axis=-1)


def northward(start: float, speed: float) -> np.ndarray:
    return np.stack([np.zeros_like(TIME), start + speed * TIME, np.full_like(TIME, math.pi / 2)], axis=-1)


def test_entry_and_exit_lie_between_the_ticks() -> None:
    """The front (2 m ahead) meets x = -2 after (23.15 - 4) / 10 s, the rear leaves x = 2 after (23.15 + 4) / 10 s."""
    enter, leave = occupation(eastward(-23.15, 10.0), CAR, AREA, TIME)
    assert (float(enter), float(leave)) == pytest.approx((1.915, 2.715))


def test_by_hand() -> None:
    """One leaves after (20 + 4) / 10 = 2.4 s; the other enters after (30 - 4) / 8 = 3.25 s."""
    one, other = eastward(-20.0, 10.0), northward(-30.0, 8.0)
    assert post_encroachment_time(one, CAR, other, CAR, AREA, TIME) == pytest.approx(0.85)
    assert post_encroachment_time(other, CAR, one, CAR, AREA, TIME) == pytest.approx(0.85)


def test_a_batch() -> None:
    one = np.stack([eastward(-20.0, 10.0), eastward(-20.0, 10.0), eastward(-20.0, 10.0)])
    other = np.stack([northward(-30.0, 8.0), northward(-500.0, 8.0), northward(-20.0, 10.0)])
    sizes = np.stack([CAR] * 3)
    assert post_encroachment_time(one, sizes, other, sizes, AREA, TIME) == pytest.approx([0.85, math.inf, 0.0])


def test_who_stays_inside_leaves_no_time() -> None:
    staying = eastward(0.0, 0.0)
    assert [float(time_s) for time_s in occupation(staying, CAR, AREA, TIME)] == [0.0, math.inf]
    assert post_encroachment_time(staying, CAR, northward(-30.0, 8.0), CAR, AREA, TIME) == 0.0
    assert post_encroachment_time(staying, CAR, northward(-500.0, 8.0), CAR, AREA, TIME) == math.inf


def test_who_starts_inside_leaves() -> None:
    assert occupation(eastward(0.0, 10.0), CAR, AREA, TIME) == pytest.approx((0.0, 0.4))


@settings(max_examples=50, deadline=None)
@given(st.floats(10.0, 40.0), st.floats(10.0, 40.0), st.floats(-3.0, 3.0), st.floats(-50.0, 50.0))
def test_it_is_the_closed_form_whatever_the_order_and_the_place(a: float, b: float, turn: float, shift: float) -> None:
    one, other = eastward(-a, 8.0), northward(-b, 8.0)
    expected = max(abs(a - b) / 8.0 - 1.0, 0.0)  # both need 8 m / 8 m/s to pass the area
    c, s = math.cos(turn), math.sin(turn)

    def move(poses: np.ndarray) -> np.ndarray:
        x, y = c * poses[:, 0] - s * poses[:, 1] + shift, s * poses[:, 0] + c * poses[:, 1] - shift
        return np.stack([x, y, poses[:, 2] + turn], axis=-1)

    area = AREA @ np.array([[c, s], [-s, c]]) + [shift, -shift]
    found = post_encroachment_time(move(one), CAR, move(other), CAR, area, TIME)
    assert found == pytest.approx(expected, abs=1e-6)
