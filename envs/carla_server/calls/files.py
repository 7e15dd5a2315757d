"""Calls about the files that clients keep: a map's navigation mesh, on which they move their walkers themselves."""

from __future__ import annotations

from envs.carla_server.calls.table import Call, value
from envs.carla_server.payloads import shown, text
from envs.carla_server.simulation import Simulation
from envs.carla_server.world import WorldError

NAVIGATION_FOLDER = "Nav"
"""The folder that a client names at its first tick; all else about a map it gets by calls of their own."""


def file_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""

    def required_files(folder: str) -> list[str]:
        return [simulation.world.town.navigation_file] if folder.strip("/") == NAVIGATION_FOLDER else []

    def request_file(name: str) -> bytes:
        town = simulation.world.town
        if name != town.navigation_file:
            raise WorldError(f"there is no file {shown(name)}: of this map there is {town.navigation_file} alone")
        return town.navigation()

    return {
        "get_required_files": value(required_files, text),
        "request_file": value(request_file, text),
        "get_navigation_mesh": value(lambda: simulation.world.town.navigation()),
    }
