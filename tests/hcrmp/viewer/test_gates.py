"""The stop lines of the replay page: those near the drive, in the colour that their signals had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.recording import DriveLog
from envs.roads.controls import clock_offset
from envs.roads.drawing import GateLine
from hcrmp.viewer.encode import encode_drive
from hcrmp.viewer.gates import encode_gates
from tests.envs.drive_builder import make_drive

CYCLE_S, GREEN_S, YELLOW_S = 6.0, 2.0, 3.0


def across(x: float) -> np.ndarray:
    return np.array([[x, -1.75], [x, 1.75]])


def gate(kind: str, x: float) -> GateLine:
    program = np.array([CYCLE_S, 0.0, GREEN_S, YELLOW_S]) if kind == "signal" else np.zeros(0)
    return GateLine(kind, across(x), program, plan=7 if kind == "signal" else -1)


def with_gates(*gates: GateLine) -> DriveLog:
    drive = make_drive()
    return replace(drive, drawing=replace(drive.drawing, gates=gates))


def test_a_signal_has_a_run_for_each_of_its_colours() -> None:
    drive = with_gates(gate("signal", 60.0))
    (shown,) = encode_gates(drive)
    offset = clock_offset(int(drive.scenes.seed[0]), 7, CYCLE_S)
    expected = []
    for time_s in drive.scenes.time_s.tolist():
        now = (time_s + offset) % CYCLE_S
        expected.append("green" if now < GREEN_S else "yellow" if now < YELLOW_S else "red")
    unrolled = []
    for start, end, state in zip(shown["start"], [*shown["start"][1:], len(drive)], shown["state"], strict=True):
        unrolled += [state] * (end - start)
    assert unrolled == expected and len(shown["start"]) >= 4
    assert (shown["kind"], shown["x"], shown["y"]) == ("signal", [60.0, 60.0], [-1.75, 1.75])


def test_a_sign_stays_what_it_is_and_what_is_far_is_left_out() -> None:
    shown = encode_gates(with_gates(gate("stop", 40.0), gate("yield", 50.0), gate("signal", 5000.0)))
    assert [(one["kind"], one["start"], one["state"]) for one in shown] == [
        ("stop", [0], ["stop"]),
        ("yield", [0], ["yield"]),
    ]


def test_the_page_s_drive_holds_them() -> None:
    drive = with_gates(gate("stop", 40.0))
    assert encode_drive(drive)["gates"] == encode_gates(drive)
