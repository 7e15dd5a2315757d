"""Calls about recordings: to record, to replay, and to tell what a recording holds."""

from __future__ import annotations

import string

from envs.carla_recording import Recording, read_recording
from envs.carla_server import recordings_told
from envs.carla_server.calls.table import Call, nothing, value
from envs.carla_server.payloads import PayloadError, bounded, integer, number, shown, text, transform, truth
from envs.carla_server.replayer import ReplayOrder
from envs.carla_server.simulation import Simulation
from envs.carla_server.world import WorldError
from envs.scene import FloatArray

FASTEST_FACTOR = 100.0
"""Largest speed of a replay."""


def recorder_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""
    return {**_recording_calls(simulation), **_replay_calls(simulation)}


def _recording_calls(simulation: Simulation) -> dict[str, Call]:
    def start(name: str, additional: bool) -> str:
        return str(simulation.recorder.start(name, simulation.world, additional))

    def info(name: str, everything: bool) -> str:
        return recordings_told.file_info(_read(simulation, name), everything)

    def collisions(name: str, first: str, second: str) -> str:
        return recordings_told.collisions(_read(simulation, name), first, second)

    def blocked(name: str, least_s: float, distance_cm: float) -> str:
        return recordings_told.actors_blocked(_read(simulation, name), least_s, distance_cm)

    return {
        "start_recorder": value(start, text, truth),
        "stop_recorder": nothing(simulation.recorder.stop),
        "show_recorder_file_info": value(info, text, truth),
        "show_recorder_collisions": value(collisions, text, letter, letter),
        "show_recorder_actors_blocked": value(blocked, text, number, number),
    }


def _replay_calls(simulation: Simulation) -> dict[str, Call]:
    options = simulation.replay_options

    def replay(
        name: str, start_s: float, duration_s: float, follow: int, sensors: bool, view: FloatArray
    ) -> str:
        recording = _read(simulation, name)
        begun = simulation.start_replay(recording, ReplayOrder(start_s, duration_s, follow, sensors, view))
        lines = [
            f"Replaying File: {simulation.recorder.path(name)}",
            f"Total time recorded: {recording.frames[-1].elapsed_s:g}",
            f"Replaying from {begun.time_s:g} s - {begun.end_s:g} s at {options.time_factor:.1f}x",
        ]
        if begun.left_out:
            lines.append(f"Not in the blueprint library, left out: {', '.join(sorted(set(begun.left_out)))}")
        return "\n".join([*lines, ""])

    def set_factor(factor: float) -> None:
        options.time_factor = factor

    def ignore_hero(ignored: bool) -> None:
        options.ignore_hero = ignored

    def ignore_spectator(ignored: bool) -> None:
        options.ignore_spectator = ignored

    return {
        "replay_file": value(replay, text, number, number, integer, truth, transform),
        "stop_replayer": nothing(simulation.stop_replay, truth),
        "set_replayer_time_factor": nothing(set_factor, bounded(0.0, FASTEST_FACTOR)),
        "set_replayer_ignore_hero": nothing(ignore_hero, truth),
        "set_replayer_ignore_spectator": nothing(ignore_spectator, truth),
    }


def letter(value: object) -> str:
    """Return a category's letter, which travels as a number or as a text of one."""
    found = chr(value) if isinstance(value, int) and 0 <= value < 128 else value
    if not isinstance(found, str) or len(found) != 1 or found not in string.ascii_letters:
        raise PayloadError(f"expected a category's letter, got {shown(value)}")
    return found


def _read(simulation: Simulation, name: str) -> Recording:
    path = simulation.recorder.path(name)
    if not path.is_file():
        raise WorldError(f"there is no recording {path}")
    return read_recording(path)
