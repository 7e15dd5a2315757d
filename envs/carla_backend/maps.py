"""The OpenDRIVE text of a map by its name: what is sent to a server that has not got it."""

from __future__ import annotations

from pathlib import Path

from envs.roads.map_file import is_map_file
from envs.scenarios.maps import generated_maps


def opendrive_of(name: str) -> str:
    """Return the text of a generated map or of an OpenDRIVE file."""
    if is_map_file(name):
        return Path(name).read_text("utf-8")
    return generated_maps()[name].opendrive()
