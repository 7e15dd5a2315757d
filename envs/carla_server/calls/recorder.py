"""Calls about recordings."""

from __future__ import annotations

from envs.carla_log import CarlaLogError, read_carla_log
from envs.carla_server.calls.table import Call, nothing, value
from envs.carla_server.payloads import text, truth
from envs.carla_server.simulation import Simulation
from envs.carla_server.world import WorldError


def recorder_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""
    recorder = simulation.recorder

    def start(name: str, _additional: bool) -> str:
        return str(recorder.start(name, simulation.world))

    def info(name: str, _all: bool) -> str:
        path = recorder.path(name)
        if not path.is_file():
            raise WorldError(f"there is no recording {path}")
        try:
            log = read_carla_log(path)
        except CarlaLogError as error:
            raise WorldError(str(error)) from None
        listed = [f"  {track.actor_id}: {track.type_id}" for track in log.vehicles.values()]
        lines = [f"Map: {log.map_name}", f"Frames: {len(log.frame_time_s)}", f"Duration: {log.frame_time_s[-1]:.2f} s"]
        return "\n".join([*lines, "Vehicles:", *listed])

    return {
        "start_recorder": value(start, text, truth),
        "stop_recorder": nothing(recorder.stop),
        "show_recorder_file_info": value(info, text, truth),
    }
