"""What tells the path of an OpenDRIVE file from the name of a generated map."""

from __future__ import annotations

from pathlib import Path

FILE_SUFFIX = ".xodr"
"""Suffix of OpenDRIVE files."""


def is_map_file(name: str) -> bool:
    """Whether ``name`` means a file, not a generated map: it has the suffix, or a folder in it."""
    return name.endswith(FILE_SUFFIX) or Path(name).name != name
