"""Fit the ego's vehicle parameters to a recorded CARLA drive and measure the open-loop error.

    python -m tests.benchmarks.calibrate_vehicle --log PATH

Every window starts at the recorded pose and speed and is then driven by the recorded controls alone. The fit uses
1-second windows; the table gives the error at the end of windows of 1 and 5 seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import OptimizeResult, least_squares

from envs.carla_log import VehicleTrack, read_carla_log
from envs.compiled import njit
from envs.embedded.vehicle import VehicleParameters, VehicleRow, advance, move_actuators
from envs.scene import FloatArray, IntArray

SUBSTEP_S = 0.02
WINDOW_EVERY_S = 0.25
FIT_WINDOW_S = 1.0
TYPE_ID = "vehicle.lincoln.mkz_2017"
POSITION_SCALE_M, SPEED_SCALE_MPS, YAW_SCALE_RAD = 0.1, 0.3, 0.003
"""What counts as one unit of error in the fit."""

BEGIN_S, MIDDLE_S, END_S = 2.0, 12.5, 23.0
"""The drive, between its first motion and its full stop. The stop is left out: there the wheels lock, and CARLA's tyres
stop the car at 26 m/s2, which no road vehicle does."""

FITTED = (
    "max_steer_angle_rad",
    "steer_time_s",
    "max_drive_mps2",
    "drive_power_wpkg",
    "drive_time_s",
    "max_brake_mps2",
    "brake_time_s",
    "engine_brake_1ps",
    "engine_brake_power_wpkg",
)


@dataclass(frozen=True)
class Drive:
    """A recorded drive as N states of a vehicle and the controls ``(N, 3)`` that led to them."""

    time_s: FloatArray
    control: FloatArray
    state: FloatArray


@dataclass(frozen=True)
class Windows:
    """W pieces of a drive: the state at frame ``first``, driven on to frame ``last``."""

    first: IntArray
    last: IntArray


def load_drive(path: Path) -> Drive:
    """Return the drive of the recording's Lincoln MKZ."""
    tracks = read_carla_log(path).vehicles.values()
    (track,) = (track for track in tracks if track.type_id == TYPE_ID)
    return _to_drive(track)


def _to_drive(track: VehicleTrack) -> Drive:
    """Differentiate poses over five frames (about 0.15 s) into body-frame speeds."""
    rate_x, rate_y, rate_yaw = (_slope(track.time_s, values) for values in (track.x, track.y, track.yaw))
    cosine, sine = np.cos(track.yaw), np.sin(track.yaw)
    state = np.zeros((len(VehicleRow), len(track.time_s)))
    state[VehicleRow.X], state[VehicleRow.Y], state[VehicleRow.YAW] = track.x, track.y, track.yaw
    state[VehicleRow.SPEED] = np.maximum(rate_x * cosine + rate_y * sine, 0.0)
    state[VehicleRow.LATERAL_SPEED] = rate_y * cosine - rate_x * sine
    state[VehicleRow.YAW_RATE] = rate_yaw
    return Drive(track.time_s, np.stack([track.throttle, track.brake, track.steer], axis=1), state)


def _slope(time_s: FloatArray, values: FloatArray, reach: int = 2) -> FloatArray:
    """Return the slope of the line through each frame and ``reach`` neighbours on both sides."""
    slopes = np.zeros(len(values))
    for i in range(len(values)):
        near = slice(max(i - reach, 0), i + reach + 1)
        t = time_s[near] - time_s[near].mean()
        slopes[i] = float(t @ values[near] / (t @ t))
    return slopes


def windows_of(drive: Drive, length_s: float, begin_s: float, end_s: float) -> Windows:
    """Return windows of ``length_s`` that start every ``WINDOW_EVERY_S`` and lie within the two times."""
    starts = np.arange(begin_s, end_s - length_s + 1e-9, WINDOW_EVERY_S)
    first = np.searchsorted(drive.time_s, starts)
    last = np.searchsorted(drive.time_s, drive.time_s[first] + length_s)
    return Windows(first.astype(np.int64), np.minimum(last, len(drive.time_s) - 1).astype(np.int64))


def replay(drive: Drive, windows: Windows, parameters: VehicleParameters) -> tuple[FloatArray, FloatArray]:
    """Return simulated and recorded (x, y, speed, yaw) at every frame of every window, each ``(4, frames)``."""
    vector = parameters.array()
    durations = np.diff(drive.time_s, prepend=drive.time_s[0])
    state = drive.state.copy()
    _fill_actuators(state, drive.control, durations, vector, np.zeros((len(state), 1)))
    total = int((windows.last - windows.first).sum())
    simulated, recorded = np.empty((4, total)), np.empty((4, total))
    scratch = np.zeros((len(state), 1))
    _drive_windows(
        state, drive.control, durations, windows.first, windows.last, vector, simulated, recorded, scratch
    )
    return simulated, recorded


@njit
def _fill_actuators(
    state: FloatArray, control: FloatArray, durations: FloatArray, parameters: FloatArray, actuators: FloatArray
) -> None:
    """Write the actuators' positions at every recorded frame; they follow from the commands alone.

    ``actuators`` ``(rows, 1)`` is scratch, zero as at standstill.
    """
    for i in range(state.shape[1]):
        steps = max(int(np.ceil(durations[i] / SUBSTEP_S)), 1)
        for _ in range(steps):
            move_actuators(
                actuators, 0, control[i, 0], control[i, 1], control[i, 2], durations[i] / steps, parameters
            )
        for row in (VehicleRow.STEER_ANGLE, VehicleRow.DRIVE, VehicleRow.BRAKE):
            state[row, i] = actuators[row, 0]


@njit
def _drive_windows(
    state: FloatArray,
    control: FloatArray,
    durations: FloatArray,
    first: IntArray,
    last: IntArray,
    parameters: FloatArray,
    simulated: FloatArray,
    recorded: FloatArray,
    vehicle: FloatArray,
) -> None:
    """Drive every window with the recorded controls, in substeps of at most ``SUBSTEP_S``.

    ``vehicle`` ``(rows, 1)`` is scratch.
    """
    at = 0
    for w in range(len(first)):
        for row in range(state.shape[0]):
            vehicle[row, 0] = state[row, first[w]]
        for i in range(first[w] + 1, last[w] + 1):
            steps = max(int(np.ceil(durations[i] / SUBSTEP_S)), 1)
            for _ in range(steps):
                advance(vehicle, 0, control[i, 0], control[i, 1], control[i, 2], durations[i] / steps, parameters)
            k = 0
            for row in (VehicleRow.X, VehicleRow.Y, VehicleRow.SPEED, VehicleRow.YAW):
                simulated[k, at] = vehicle[row, 0]
                recorded[k, at] = state[row, i]
                k += 1
            at += 1


def errors_at_end(drive: Drive, windows: Windows, parameters: VehicleParameters) -> dict[str, float]:
    """Return root-mean-square errors at the end of the windows: along, across (m), speed (m/s), yaw (rad)."""
    simulated, recorded = replay(drive, windows, parameters)
    ends = np.cumsum(windows.last - windows.first) - 1
    error = simulated[:, ends] - recorded[:, ends]
    yaw = recorded[3, ends]
    along = error[0] * np.cos(yaw) + error[1] * np.sin(yaw)
    across = error[1] * np.cos(yaw) - error[0] * np.sin(yaw)
    named = {"along_m": along, "across_m": across, "speed_mps": error[2], "yaw_rad": error[3]}
    return {name: float(np.sqrt(np.mean(values**2))) for name, values in named.items()}


def errors_of_constant_speed(drive: Drive, windows: Windows) -> dict[str, float]:
    """Return what a vehicle that just keeps its speed and heading would get wrong, as a yardstick."""
    start, end = drive.state[:, windows.first], drive.state[:, windows.last]
    span = drive.time_s[windows.last] - drive.time_s[windows.first]
    yaw = end[VehicleRow.YAW]
    x = start[VehicleRow.X] + span * start[VehicleRow.SPEED] * np.cos(start[VehicleRow.YAW]) - end[VehicleRow.X]
    y = start[VehicleRow.Y] + span * start[VehicleRow.SPEED] * np.sin(start[VehicleRow.YAW]) - end[VehicleRow.Y]
    named = {
        "along_m": x * np.cos(yaw) + y * np.sin(yaw),
        "across_m": y * np.cos(yaw) - x * np.sin(yaw),
        "speed_mps": start[VehicleRow.SPEED] - end[VehicleRow.SPEED],
        "yaw_rad": start[VehicleRow.YAW] - yaw,
    }
    return {name: float(np.sqrt(np.mean(values**2))) for name, values in named.items()}


def fit(drive: Drive, windows: Windows, start: VehicleParameters) -> tuple[VehicleParameters, Mapping[str, float]]:
    """Return the fitted parameters and the relative standard error of each (large: the data do not tell)."""
    scales = np.array([POSITION_SCALE_M, POSITION_SCALE_M, SPEED_SCALE_MPS, YAW_SCALE_RAD])[:, None]

    def residuals(logarithms: FloatArray) -> FloatArray:
        simulated, recorded = replay(drive, windows, _with_fitted(start, logarithms))
        scaled: FloatArray = ((simulated - recorded) / scales).ravel()
        return scaled

    first = np.log([getattr(start, name) for name in FITTED])
    result = least_squares(residuals, first, loss="soft_l1", bounds=(first - 3.0, first + 3.0), diff_step=1e-4)
    return _with_fitted(start, result.x), dict(zip(FITTED, _relative_errors(result), strict=True))


def _with_fitted(start: VehicleParameters, logarithms: FloatArray) -> VehicleParameters:
    values = [float(value) for value in np.exp(logarithms)]
    return replace(start, **dict(zip(FITTED, values, strict=True)))


def _relative_errors(result: OptimizeResult) -> list[float]:
    """Return standard errors of the logarithms from the Jacobian, frames of a window counted as independent."""
    jacobian: FloatArray = result.jac
    variance = 2.0 * result.cost / len(result.fun)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * variance
    return [float(value) for value in np.sqrt(np.diag(covariance))]


def _print_table(title: str, rows: Sequence[tuple[str, Mapping[str, float]]]) -> None:
    print(f"\n{title}")
    for name, errors in rows:
        print(f"  {name:<34}" + "  ".join(f"{key} {value:7.4f}" for key, value in errors.items()))


def main() -> None:
    """Fit, print the parameters, and print the errors inside and outside the data that were fitted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True, help="CARLA recorder file with a Lincoln MKZ")
    drive = load_drive(parser.parse_args().log)
    fitted, spread = fit(drive, windows_of(drive, FIT_WINDOW_S, BEGIN_S, END_S), VehicleParameters())
    half, _ = fit(drive, windows_of(drive, FIT_WINDOW_S, MIDDLE_S, END_S), VehicleParameters())
    print("Fitted parameters: whole drive (relative standard error), second half only, shipped")
    for name in FITTED:
        values = [getattr(parameters, name) for parameters in (fitted, half, VehicleParameters())]
        print(f"  {name:<26}{values[0]:9.4f} ({100 * spread[name]:4.1f} %){values[1]:9.4f}{values[2]:9.4f}")
    for length in (1.0, 5.0):
        _print_errors(drive, length, fitted, half)


def _print_errors(drive: Drive, length_s: float, fitted: VehicleParameters, half: VehicleParameters) -> None:
    whole = windows_of(drive, length_s, BEGIN_S, END_S)
    unseen = windows_of(drive, length_s, BEGIN_S, MIDDLE_S)
    _print_table(
        f"Open loop over {length_s:.0f} s, RMS error at the end of {len(whole.first)} windows",
        [
            ("fitted to the whole drive", errors_at_end(drive, whole, fitted)),
            ("shipped defaults", errors_at_end(drive, whole, VehicleParameters())),
            ("constant speed and heading", errors_of_constant_speed(drive, whole)),
            ("fitted to 2nd half, on unseen 1st", errors_at_end(drive, unseen, half)),
            ("constant speed, 1st half", errors_of_constant_speed(drive, unseen)),
        ],
    )


if __name__ == "__main__":
    main()
