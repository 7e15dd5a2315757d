"""Names of drives' files."""

from __future__ import annotations

from pathlib import Path

DRIVE_SUFFIX = ".parquet"

CUT = "-cut"
"""Behind the name of a drive that was cut short."""


def free_name(folder: Path, name: str, *, running: bool) -> Path:
    """Return the file of a drive; one that is ``running``, cut short, takes no file's place."""
    if not running:
        return folder / f"{name}{DRIVE_SUFFIX}"
    number, path = 1, folder / f"{name}{CUT}{DRIVE_SUFFIX}"
    while path.exists():
        number += 1
        path = folder / f"{name}{CUT}{number}{DRIVE_SUFFIX}"
    return path
