"""Signal programs: the state at any time, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from envs.roads.controls import TrafficControls, signal_state, time_to_green, time_to_red
from envs.scene import SignalState

PROGRAMS = np.array([[60.0, 10.0, 25.0, 28.0], [60.0, 32.0, 57.0, 60.0]])


@pytest.mark.parametrize(
    ("group", "time_s", "offset_s", "expected", "left"),
    [
        (0, 0.0, 0.0, SignalState.RED, 0.0),
        (0, 10.0, 0.0, SignalState.GREEN, 18.0),
        (0, 24.9, 0.0, SignalState.GREEN, 3.1),
        (0, 25.0, 0.0, SignalState.YELLOW, 3.0),
        (0, 28.0, 0.0, SignalState.RED, 0.0),
        (0, 70.0, 0.0, SignalState.GREEN, 18.0),  # the next cycle
        (0, 0.0, 12.0, SignalState.GREEN, 16.0),  # a clock that is 12 s ahead
        (1, 59.5, 0.0, SignalState.YELLOW, 0.5),
        (1, 60.0, 0.0, SignalState.RED, 0.0),
    ],
)
def test_state(group: int, time_s: float, offset_s: float, expected: SignalState, left: float) -> None:
    assert signal_state(PROGRAMS, group, time_s, offset_s) == expected
    assert time_to_red(PROGRAMS, group, time_s, offset_s) == pytest.approx(left)


@pytest.mark.parametrize(
    ("group", "time_s", "offset_s", "expected"),
    [
        (0, 0.0, 0.0, 10.0),
        (0, 10.0, 0.0, 0.0),  # green
        (0, 27.0, 0.0, 0.0),  # yellow
        (0, 28.0, 0.0, 42.0),  # 32 s to the cycle's end, 10 s of the next
        (0, 50.0, 12.0, 8.0),  # 2 s into the next cycle
        (1, 60.0, 0.0, 32.0),
    ],
)
def test_time_to_green(group: int, time_s: float, offset_s: float, expected: float) -> None:
    assert time_to_green(PROGRAMS, group, time_s, offset_s) == pytest.approx(expected)


def test_what_is_never_green_stays_red_for_long() -> None:
    never = np.array([[60.0, 0.0, 0.0, 0.0]])
    assert time_to_green(never, 0, 0.0, 0.0) == 60.0
    assert time_to_green(never, 0, 20.0, 0.0) == 40.0


def test_a_map_without_controls() -> None:
    controls = TrafficControls.none(3)
    assert controls.gate.tolist() == [0, 0, 0] and controls.group.tolist() == [-1, -1, -1]
    assert controls.programs.shape == (0, 4)
