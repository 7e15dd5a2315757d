"""RSS safe distances by hand, and that a car that keeps them does not hit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.errors import InvalidConfigError
from envs.metrics.rss import RssParameters, leader_violation, safe_distance, safe_distance_opposite, violation
from envs.scene import EgoRow
from tests.envs.builders import make_actor, make_scene

PLAIN = RssParameters(response_s=1.0, acceleration=2.0, brake_min=4.0, brake_min_correct=3.0, brake_max=8.0)


def test_same_direction_by_hand() -> None:
    """10 x 1 + 2 / 2 = 11 m, then from 12 m/s 144 / 8 = 18 m; the one in front still drives 64 / 16 = 4 m."""
    assert safe_distance(np.array([10.0]), np.array([8.0]), PLAIN) == pytest.approx([25.0])
    assert safe_distance(np.array([0.0]), np.array([30.0]), PLAIN) == pytest.approx([0.0])


def test_opposite_directions_by_hand() -> None:
    """Own: (10 + 12) / 2 = 11 m and 144 / 6 = 24 m; the other: (6 + 8) / 2 = 7 m and 64 / 8 = 8 m."""
    assert safe_distance_opposite(np.array([10.0]), np.array([6.0]), PLAIN) == pytest.approx([50.0])


def test_violation() -> None:
    assert violation(np.array([20.0, 30.0, math.inf]), np.array([25.0])).tolist() == [5.0, 0.0, 0.0]


def test_a_scene_with_a_leader_an_oncoming_car_and_nobody() -> None:
    ego = {EgoRow.SPEED: 10.0}
    violated, short = leader_violation(make_scene(actors=[make_actor(24.0, 0.0, speed=8.0)], ego=ego), PLAIN)
    assert (violated.tolist(), short.tolist()) == ([True], pytest.approx([5.0]))
    oncoming = make_actor(44.0, 0.0, yaw=math.pi, speed=6.0)
    violated, short = leader_violation(make_scene(actors=[oncoming], ego=ego), PLAIN)
    assert (violated.tolist(), short.tolist()) == ([True], pytest.approx([10.0]))
    violated, short = leader_violation(make_scene(ego=ego), PLAIN)
    assert (violated.tolist(), short.tolist()) == ([False], [0.0])


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(InvalidConfigError, match="weakest braking"):
        RssParameters(brake_min=0.0)
    with pytest.raises(InvalidConfigError, match="response_s"):
        RssParameters(response_s=-1.0)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 35.0), st.floats(0.0, 35.0))
def test_it_is_what_the_worst_case_uses_up(rear: float, front: float) -> None:
    """Both stand at last (Definition 1's worst case, in steps): the safe distance is then used up, and not before."""
    gap = float(safe_distance(np.array([rear]), np.array([front]), PLAIN)[0])
    times = np.arange(0.0, 25.0, 0.01)
    after = rear + 2.0
    braking = np.clip(times - 1.0, 0.0, after / 4.0)
    response = np.minimum(times, 1.0)
    behind = rear * response + response**2 + after * braking - 2.0 * braking**2
    stopping = np.minimum(times, front / 8.0)
    ahead = front * stopping - 4.0 * stopping**2
    apart = gap + ahead - behind
    if gap > 0.0:
        assert apart[-1] == pytest.approx(0.0, abs=1e-9)
    assert apart[-1] >= -1e-9


@given(st.floats(0, 40), st.floats(0, 40), st.floats(0, 20))
def test_monotone_in_both_speeds(rear: float, front: float, more: float) -> None:
    a, b, c = np.array([rear]), np.array([front]), np.array([more])
    assert safe_distance(a + c, b) >= safe_distance(a, b)
    assert safe_distance(a, b + c) <= safe_distance(a, b)
    assert safe_distance_opposite(a, b + c) >= safe_distance_opposite(a, b)
