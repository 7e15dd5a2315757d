"""From action to control: limits worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.action import ActionConfig, action_space, steer_limit, to_control
from envs.embedded.vehicle import VehicleParameters
from envs.errors import InvalidActionError, InvalidConfigError
from envs.scene import EgoRow
from tests.envs.builders import make_scene

FREE = ActionConfig(max_steer_change=2.0, max_longitudinal_change=2.0, coast_at=-0.2)


def act(
    action: list[float], previous: list[float], speed: float, config: ActionConfig
) -> tuple[np.ndarray, np.ndarray]:
    scene = make_scene(ego={EgoRow.SPEED: speed})
    control, command = to_control(np.array([action], np.float32), scene, np.array([previous]), config)
    return control[0], command[0]


@pytest.mark.parametrize(
    ("action", "control"),
    [
        ([1.0, 0.0], [1.0, 0.0, 0.0]),
        ([-1.0, 0.0], [0.0, 1.0, 0.0]),
        ([-0.2, 0.0], [0.0, 0.0, 0.0]),  # coasting
        ([0.4, -0.5], [0.5, 0.0, -0.5]),  # 0.6 of the 1.2 above coasting
        ([-0.6, 0.5], [0.0, 0.5, 0.5]),  # 0.4 of the 0.8 below
        ([3.0, -7.0], [1.0, 0.0, -1.0]),
    ],
)
def test_one_axis_is_throttle_or_brake_and_the_other_steers(action: list[float], control: list[float]) -> None:
    np.testing.assert_allclose(act(action, [0.0, 0.0], 0.0, FREE)[0], control, atol=1e-7)


def test_the_change_of_a_command_is_limited() -> None:
    control, command = act([1.0, 1.0], [-0.2, 0.1], 0.0, ActionConfig(coast_at=-0.4))
    np.testing.assert_allclose(command, [0.3, 0.35])
    np.testing.assert_allclose(control, [0.5, 0.0, 0.35])
    _, command = act([-1.0, -1.0], [0.3, 0.35], 0.0, ActionConfig())
    np.testing.assert_allclose(command, [-0.2, 0.1])


def test_steering_is_limited_to_the_lateral_acceleration() -> None:
    config = ActionConfig(max_steer_change=2.0, wheelbase_m=3.0, max_wheel_angle_rad=0.5)
    # a = v^2 tan(angle) / wheelbase: 3.5 = 400 tan(angle) / 3
    expected = math.atan(3.0 * 3.5 / 400.0) / 0.5
    assert act([0.0, 1.0], [0.0, 0.0], 20.0, config)[0][2] == pytest.approx(expected)
    assert act([0.0, -1.0], [0.0, 0.0], 20.0, config)[0][2] == pytest.approx(-expected)
    assert act([0.0, 1.0], [0.0, 0.0], 2.0, config)[0][2] == pytest.approx(1.0)


def test_the_whole_range_of_the_action_steers_at_every_speed() -> None:
    """The command is a fraction of what the tyres allow: half the action is half the limit, held or not."""
    control, command = act([0.0, 0.5], [0.0, 0.5], 30.0, ActionConfig())
    assert control[2] == pytest.approx(0.5 * steer_limit(30.0, 2.87 * 3.5, 0.913))
    assert command[1] == 0.5


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-5, 5), min_size=2, max_size=2),
    st.lists(st.floats(-1, 1), min_size=2, max_size=2),
    st.floats(0, 60),
)
def test_the_control_is_always_valid(action: list[float], previous: list[float], speed: float) -> None:
    control, command = act(action, previous, speed, ActionConfig())
    assert 0.0 <= control[0] <= 1.0 and 0.0 <= control[1] <= 1.0 and -1.0 <= control[2] <= 1.0
    assert control[0] * control[1] == 0.0
    assert abs(command[0] - previous[0]) <= 0.5 + 1e-12


def test_the_space_is_the_unit_box() -> None:
    space = action_space()
    assert space.shape == (2,) and space.low.tolist() == [-1, -1] and space.high.tolist() == [1, 1]


def test_the_limits_are_those_of_the_embedded_vehicle() -> None:
    vehicle, config = VehicleParameters(), ActionConfig()
    assert config.wheelbase_m == vehicle.wheelbase_m
    assert config.max_wheel_angle_rad == vehicle.max_steer_angle_rad


def test_a_nan_names_its_world() -> None:
    scene = make_scene(3)
    action = np.zeros((3, 2))
    action[2, 1] = math.nan
    with pytest.raises(InvalidActionError, match="world 2"):
        to_control(action, scene, np.zeros((3, 2)), ActionConfig())
    with pytest.raises(InvalidActionError, match=r"expected \(3, 2\)"):
        to_control(np.zeros(2), scene, np.zeros((3, 2)), ActionConfig())


@pytest.mark.parametrize("name", [name for name in ActionConfig.__slots__ if name != "coast_at"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_impossible_limits_are_refused(name: str, value: float) -> None:
    with pytest.raises(InvalidConfigError, match=name):
        ActionConfig(**{name: value})


@pytest.mark.parametrize("value", [-1.0, 1.0, math.nan])
def test_coasting_lies_within_the_action(value: float) -> None:
    with pytest.raises(InvalidConfigError, match="coast_at"):
        ActionConfig(coast_at=value)
