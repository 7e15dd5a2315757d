"""Calls about vehicles: controls, physics control, lamps, telemetry."""

from __future__ import annotations

from math import degrees
from typing import Any

from envs.carla_frame import steer_mirrored
from envs.carla_server.ackermann import USUAL_GAINS, AckermannTarget, ackermann_target, gains
from envs.carla_server.actors import Actor
from envs.carla_server.calls.actors import vehicle_only
from envs.carla_server.calls.table import Call, nothing, value
from envs.carla_server.payloads import VehicleControl, anything, integer, number, row, text, truth, vehicle_control
from envs.carla_server.physics_control import apply_physics, physics_payload
from envs.carla_server.simulation import Simulation
from envs.embedded.vehicle import VehicleRow


def vehicle_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""
    return {
        **_driving_calls(simulation),
        **_lamp_calls(simulation),
        "open_vehicle_door": nothing(lambda vehicle, _door: _drop(vehicle_only(simulation, vehicle)), integer, integer),
        "close_vehicle_door": nothing(
            lambda vehicle, _door: _drop(vehicle_only(simulation, vehicle)), integer, integer
        ),
        "show_vehicle_debug_telemetry": nothing(
            lambda vehicle, _on: _drop(vehicle_only(simulation, vehicle)), integer, truth
        ),
        "set_wheel_steer_direction": nothing(
            lambda vehicle, _wheel, _angle: _drop(vehicle_only(simulation, vehicle)), integer, integer, number
        ),
        "restore_physx_physics": nothing(lambda vehicle: _drop(vehicle_only(simulation, vehicle)), integer),
        "use_carsim_road": nothing(lambda vehicle, _on: _drop(vehicle_only(simulation, vehicle)), integer, truth),
        "enable_carsim": nothing(lambda vehicle, _file: _drop(vehicle_only(simulation, vehicle)), integer, text),
    }


def _drop(_actor: Actor) -> None:
    """Do nothing but have the vehicle be there: it has no doors and one kind of physics."""


def _driving_calls(simulation: Simulation) -> dict[str, Call]:
    def control(vehicle: int, wanted: VehicleControl) -> None:
        vehicle_only(simulation, vehicle)
        simulation.world.vehicles.control(vehicle, wanted)

    def physics(vehicle: int) -> list[Any]:
        actor = vehicle_only(simulation, vehicle)
        vehicles = simulation.world.vehicles
        n = vehicles.slot[vehicle]
        return physics_payload(actor, vehicles.parameters[n], float(vehicles.masses[n]), vehicles.physics.get(vehicle))

    def set_physics(vehicle: int, payload: Any) -> None:
        vehicle_only(simulation, vehicle)
        vehicles = simulation.world.vehicles
        n = vehicles.slot[vehicle]
        vehicles.physics[vehicle], vehicles.masses[n] = apply_physics(payload, vehicles.parameters[n])
        simulation.world.find_rows()  # contacts have to know the mass

    def steer_angle(vehicle: int, _wheel: int) -> float:
        vehicle_only(simulation, vehicle)
        vehicles = simulation.world.vehicles
        angle = float(vehicles.state[VehicleRow.STEER_ANGLE, vehicles.slot[vehicle]])
        return degrees(steer_mirrored(angle))

    def telemetry(vehicle: int) -> list[Any]:
        vehicle_only(simulation, vehicle)
        vehicles = simulation.world.vehicles
        n, given = vehicles.slot[vehicle], vehicles.controls[vehicle]
        speed = float(vehicles.state[VehicleRow.SPEED, n])
        return [speed, steer_mirrored(given.steer), given.throttle, given.brake, 0.0, 1, 0.0, [[0.0] * 11] * 4]

    return {
        **_ackermann_calls(simulation),
        "apply_control_to_vehicle": nothing(control, integer, vehicle_control),
        "get_physics_control": value(physics, integer),
        "apply_physics_control": nothing(set_physics, integer, anything),
        "get_wheel_steer_angle": value(steer_angle, integer, integer),
        "get_telemetry_data": value(telemetry, integer),
    }


def _ackermann_calls(simulation: Simulation) -> dict[str, Call]:
    def aim(vehicle: int, target: AckermannTarget) -> None:
        vehicle_only(simulation, vehicle)
        simulation.world.vehicles.aim(vehicle, target)

    def settings(vehicle: int) -> list[float]:
        vehicle_only(simulation, vehicle)
        return list(simulation.world.vehicles.gains.get(vehicle, USUAL_GAINS))

    def set_settings(vehicle: int, given: tuple[float, ...]) -> None:
        vehicle_only(simulation, vehicle)
        simulation.world.vehicles.gains[vehicle] = given

    return {
        "apply_ackermann_control_to_vehicle": nothing(aim, integer, ackermann_target),
        "get_ackermann_controller_settings": value(settings, integer),
        "apply_ackermann_controller_settings": nothing(set_settings, integer, gains),
    }


def _lamp_calls(simulation: Simulation) -> dict[str, Call]:
    def lamps(vehicle: int) -> list[int]:
        vehicle_only(simulation, vehicle)
        return [simulation.world.vehicles.lamps[vehicle]]

    def set_lamps(vehicle: int, flags: int) -> None:
        vehicle_only(simulation, vehicle)
        simulation.world.vehicles.lamps[vehicle] = flags & 0xFFFFFFFF

    def all_lamps() -> list[list[int]]:
        # The Traffic Manager asks this in each of its steps, and hardly anybody else does.
        simulation.wake_up.heard()
        return [[vehicle, flags] for vehicle, flags in simulation.world.vehicles.lamps.items()]

    def flags_of(payload: Any) -> int:
        return int(row(payload, integer)[0])

    return {
        "get_vehicle_light_state": value(lamps, integer),
        "set_vehicle_light_state": nothing(set_lamps, integer, flags_of),
        "get_vehicle_light_states": value(all_lamps),
    }
