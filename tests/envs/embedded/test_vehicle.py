"""The ego's vehicle model against closed forms, limits, invariants and a recorded drive."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.compiled import njit
from envs.embedded.vehicle import GRAVITY_MPS2, ParameterRow, VehicleParameters, VehicleRow, advance
from envs.scene import FloatArray

DT = 0.02
RECORDING = Path(__file__).parents[4] / "shared" / "data" / "carla_recordings" / "Town01_two_vehicles.log"
FREE_ROLLING = replace(
    VehicleParameters(),
    engine_brake_1ps=0.0,
    engine_brake_power_wpkg=0.0,
    rolling_resistance_mps2=0.0,
    air_drag_1pm=0.0,
)


@njit
def _run(state: FloatArray, b: int, controls: FloatArray, dt: float, parameters: FloatArray, trace: FloatArray) -> None:
    for k in range(len(controls)):
        advance(state, b, controls[k, 0], controls[k, 1], controls[k, 2], dt, parameters)
        for row in range(state.shape[0]):
            trace[k, row] = state[row, b]


def vehicle(speed: float = 0.0, **rows: float) -> FloatArray:
    """Return the state of one vehicle ``(rows, 1)``; keywords are names of ``VehicleRow``."""
    state = np.zeros((len(VehicleRow), 1))
    state[VehicleRow.SPEED] = speed
    for name, value in rows.items():
        state[VehicleRow[name]] = value
    return state


def drive(
    state: FloatArray, controls: FloatArray, parameters: VehicleParameters | None = None, dt: float = DT
) -> FloatArray:
    """Advance column 0 by the controls ``(T, 3)`` and return the trace ``(T, rows)``."""
    trace = np.empty((len(controls), len(VehicleRow)))
    _run(state, 0, controls, dt, (parameters or VehicleParameters()).array(), trace)
    return trace


def hold(seconds: float, throttle: float = 0.0, brake: float = 0.0, steer: float = 0.0) -> FloatArray:
    """Return one control, repeated."""
    return np.tile([throttle, brake, steer], (round(seconds / DT), 1))


def test_constant_traction_gives_the_parabola() -> None:
    parameters = replace(FREE_ROLLING, max_drive_mps2=3.0, drive_power_wpkg=1e6)
    end = drive(vehicle(DRIVE=1.0), hold(4.0, throttle=1.0), parameters)[-1]
    assert end[VehicleRow.SPEED] == pytest.approx(12.0, rel=1e-12)
    assert end[VehicleRow.X] == pytest.approx(24.0, rel=1e-12)
    assert end[VehicleRow.Y] == 0.0


def test_traction_is_limited_by_power() -> None:
    """At constant power v^2 grows by 2 P t: from 10 m/s with 50 W/kg, 3 s give sqrt(400) m/s."""
    parameters = replace(FREE_ROLLING, max_drive_mps2=100.0, drive_power_wpkg=50.0)
    end = drive(vehicle(10.0, DRIVE=1.0), hold(3.0, throttle=1.0), parameters)[-1]
    assert end[VehicleRow.SPEED] == pytest.approx(20.0, rel=2e-3)


def test_air_drag_alone_gives_the_logarithm() -> None:
    """dv/dt = -c v^2 from v0: v = v0 / (1 + c v0 t), x = ln(1 + c v0 t) / c."""
    parameters = replace(FREE_ROLLING, air_drag_1pm=0.01)
    end = drive(vehicle(30.0), hold(10.0), parameters)[-1]
    assert end[VehicleRow.SPEED] == pytest.approx(30.0 / 4.0, rel=3e-3)
    assert end[VehicleRow.X] == pytest.approx(np.log(4.0) / 0.01, rel=3e-3)


def test_pedal_follows_with_its_time_constant() -> None:
    trace = drive(vehicle(), hold(1.0, throttle=1.0), replace(VehicleParameters(), drive_time_s=0.5), DT / 20)
    assert trace[-1, VehicleRow.DRIVE] == pytest.approx(1.0 - np.exp(-0.05 / 0.5), rel=2e-3)


def test_steering_is_limited_in_rate() -> None:
    parameters = replace(VehicleParameters(), steer_rate_radps=0.5)
    trace = drive(vehicle(), hold(0.2, steer=-1.0), parameters)
    assert trace[:, VehicleRow.STEER_ANGLE] == pytest.approx(-0.5 * DT * np.arange(1, 11))


def test_slow_circle_has_the_bicycles_radius() -> None:
    """Without slip the rear axle runs on L / tan(angle), the centre on the hypotenuse with its offset from it."""
    parameters = replace(FREE_ROLLING, max_steer_angle_rad=0.5)
    trace = drive(vehicle(1.0, STEER_ANGLE=0.25), hold(30.0, steer=0.5), parameters)[500:]
    rear_radius = parameters.wheelbase_m / np.tan(0.25)
    radius = trace[:, VehicleRow.SPEED] / trace[:, VehicleRow.YAW_RATE]
    assert radius == pytest.approx(rear_radius, rel=0.01)
    speed = np.hypot(trace[:, VehicleRow.SPEED], trace[:, VehicleRow.LATERAL_SPEED])
    centre_radius = np.hypot(rear_radius, parameters.centre_to_rear_axle_m)
    assert speed / trace[:, VehicleRow.YAW_RATE] == pytest.approx(centre_radius, rel=0.01)
    steps = np.hypot(np.diff(trace[:, VehicleRow.X]), np.diff(trace[:, VehicleRow.Y])) / DT
    assert steps == pytest.approx(speed[1:], rel=1e-3)


def test_fast_curve_understeers_as_the_linear_bicycle() -> None:
    """Steady yaw rate v d / (L + K v^2), K = (1 / k_front - 1 / k_rear) / g, for small angles."""
    parameters = FREE_ROLLING
    trace = drive(vehicle(20.0), hold(3.0, steer=0.005), parameters)[-1]
    angle, speed = 0.005 * parameters.max_steer_angle_rad, trace[VehicleRow.SPEED]
    gradient = (1.0 / parameters.front_stiffness_1prad - 1.0 / parameters.rear_stiffness_1prad) / GRAVITY_MPS2
    expected = speed * angle / (parameters.wheelbase_m + gradient * speed**2)
    assert trace[VehicleRow.YAW_RATE] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("speed", [10.0, 20.0, 40.0])
@pytest.mark.parametrize("steer", [0.1, 0.3, 1.0])
def test_tyres_limit_lateral_acceleration_and_the_car_does_not_spin(speed: float, steer: float) -> None:
    trace = drive(vehicle(speed), hold(5.0, throttle=0.5, steer=steer))
    lateral = np.abs(trace[:, VehicleRow.LATERAL_ACCELERATION])
    assert lateral.max() <= VehicleParameters().friction * GRAVITY_MPS2 + 1e-9
    assert lateral.max() > 4.0
    fast = trace[trace[:, VehicleRow.SPEED] > 15.0]
    assert (np.abs(fast[:, VehicleRow.LATERAL_SPEED]) < 0.15 * fast[:, VehicleRow.SPEED]).all()


def test_full_brake_uses_the_share_of_friction_and_leaves_some_for_steering() -> None:
    parameters = replace(VehicleParameters(), max_brake_mps2=30.0)
    trace = drive(vehicle(20.0, BRAKE=1.0), hold(4.0, brake=1.0), parameters)
    deceleration = parameters.antilock_share * parameters.friction * GRAVITY_MPS2
    assert trace[-1, VehicleRow.X] == pytest.approx(20.0**2 / (2.0 * deceleration), abs=0.01)
    dodging = drive(vehicle(20.0, BRAKE=1.0), hold(1.0, brake=1.0, steer=0.2), parameters)
    assert dodging[-1, VehicleRow.Y] > 0.8


@pytest.mark.parametrize("steer", [0.0, 0.3, -1.0])
def test_brake_stops_and_stays_stopped(steer: float) -> None:
    state = vehicle(15.0)
    drive(state, hold(4.0, brake=1.0, steer=steer))
    assert state[VehicleRow.SPEED, 0] == 0.0
    drive(state, hold(4.0, brake=1.0, steer=steer))
    stopped = state.copy()
    drive(state, hold(10.0, brake=1.0, steer=-steer))
    for row in (VehicleRow.X, VehicleRow.Y, VehicleRow.YAW):
        assert state[row, 0] == pytest.approx(stopped[row, 0], abs=1e-6)
    assert state[VehicleRow.SPEED, 0] == 0.0


def test_coasting_from_any_speed_ends_at_rest() -> None:
    assert drive(vehicle(30.0), hold(60.0))[-1, VehicleRow.SPEED] == 0.0


control_lists = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(-1.0, 1.0)), min_size=1, max_size=20
)


def _in_tenths(steps: list[tuple[float, float, float]]) -> FloatArray:
    """Hold each control for 0.2 s."""
    return np.repeat(np.array(steps), 10, axis=0)


@settings(max_examples=60, deadline=None)
@given(control_lists, st.floats(0.0, 45.0))
def test_anything_driven_stays_finite_and_within_bounds(steps: list[tuple[float, float, float]], speed: float) -> None:
    parameters = VehicleParameters()
    trace = drive(vehicle(speed), _in_tenths(steps))
    assert np.isfinite(trace).all()
    assert (trace[:, VehicleRow.SPEED] >= 0.0).all()
    assert (trace[:, [VehicleRow.DRIVE, VehicleRow.BRAKE]] >= 0.0).all()
    assert (trace[:, [VehicleRow.DRIVE, VehicleRow.BRAKE]] <= 1.0).all()
    assert (np.abs(trace[:, VehicleRow.STEER_ANGLE]) <= parameters.max_steer_angle_rad).all()
    friction = parameters.friction * GRAVITY_MPS2
    assert (np.abs(trace[:, VehicleRow.LATERAL_ACCELERATION]) <= friction + 1e-9).all()
    assert (trace[:, VehicleRow.ACCELERATION] <= parameters.max_drive_mps2 + 1e-9).all()
    assert (trace[:, VehicleRow.SPEED] < 60.0).all()


@settings(max_examples=60, deadline=None)
@given(control_lists, st.floats(0.0, 45.0))
def test_without_throttle_no_energy_is_gained(steps: list[tuple[float, float, float]], speed: float) -> None:
    controls = _in_tenths(steps)
    controls[:, 0] = 0.0
    trace = drive(vehicle(speed), controls)
    turning = VehicleParameters().yaw_gyration_m * trace[:, VehicleRow.YAW_RATE]
    energy = trace[:, VehicleRow.SPEED] ** 2 + trace[:, VehicleRow.LATERAL_SPEED] ** 2 + turning**2
    assert (np.diff(energy, prepend=speed**2) <= 1e-3 * speed**2 + 1e-12).all()
    assert energy.max() <= speed**2 * 1.005


@settings(max_examples=30, deadline=None)
@given(control_lists, st.floats(0.0, 45.0))
def test_left_and_right_are_mirror_images(steps: list[tuple[float, float, float]], speed: float) -> None:
    controls = _in_tenths(steps)
    left = drive(vehicle(speed), controls)
    right = drive(vehicle(speed), controls * [1.0, 1.0, -1.0])
    mirrored = [
        VehicleRow.Y,
        VehicleRow.YAW,
        VehicleRow.LATERAL_SPEED,
        VehicleRow.YAW_RATE,
        VehicleRow.LATERAL_ACCELERATION,
        VehicleRow.STEER_ANGLE,
    ]
    right[:, mirrored] *= -1.0
    assert np.array_equal(left, right)


def test_a_column_drives_bit_identically_alone_and_in_a_batch() -> None:
    controls = np.random.default_rng(7).uniform([0, 0, -1], [1, 0.3, 1], size=(500, 3))
    batch = np.zeros((len(VehicleRow), 3))
    batch[VehicleRow.SPEED] = [3.0, 12.0, 30.0]
    before = batch.copy()
    trace = np.empty((500, len(VehicleRow)))
    _run(batch, 1, controls, DT, VehicleParameters().array(), trace)
    assert np.array_equal(trace, drive(vehicle(12.0), controls))
    assert np.array_equal(batch[:, [0, 2]], before[:, [0, 2]])


def test_the_substep_is_fine_enough() -> None:
    coarse = drive(vehicle(15.0), hold(4.0, throttle=0.4, steer=0.1))[-1]
    fine = drive(vehicle(15.0), np.repeat(hold(4.0, throttle=0.4, steer=0.1), 10, axis=0), dt=DT / 10)[-1]
    assert np.hypot(*(coarse - fine)[[VehicleRow.X, VehicleRow.Y]]) < 0.1


def test_the_array_holds_the_fields_in_the_order_of_the_rows() -> None:
    names = [field.name.rsplit("_", 1)[0] for field in fields(VehicleParameters)]
    whole = [name for name in ("friction", "antilock_share", "front_grip")]
    pairs = zip(fields(VehicleParameters), names, strict=True)
    expected = [field.name if field.name in whole else short for field, short in pairs]
    assert [row.name.lower() for row in ParameterRow] == expected
    assert VehicleParameters().array()[ParameterRow.FRICTION] == VehicleParameters().friction


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wheelbase_m", 0.0),
        ("friction", float("nan")),
        ("air_drag_1pm", -0.1),
        ("centre_to_rear_axle_m", 3.0),
        ("antilock_share", 1.0),
        ("front_grip", 1.2),
    ],
)
def test_impossible_parameters_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"VehicleParameters.{name} is"):
        replace(VehicleParameters(), **{name: value})


@pytest.mark.skipif(not RECORDING.exists(), reason="needs ../shared/data/carla_recordings")
def test_replay_of_the_recorded_drive_stays_within_the_stated_error() -> None:
    from tests.benchmarks.calibrate_vehicle import BEGIN_S, END_S, errors_at_end, load_drive, windows_of

    recorded = load_drive(RECORDING)
    one = errors_at_end(recorded, windows_of(recorded, 1.0, BEGIN_S, END_S), VehicleParameters())
    five = errors_at_end(recorded, windows_of(recorded, 5.0, BEGIN_S, END_S), VehicleParameters())
    stated = {"along_m": (0.32, 2.3), "across_m": (0.02, 0.2), "speed_mps": (0.5, 0.8), "yaw_rad": (0.003, 0.005)}
    for name, (after_one, after_five) in stated.items():
        assert one[name] < after_one
        assert five[name] < after_five
