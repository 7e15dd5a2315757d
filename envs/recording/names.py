"""Names of drives' files, and of what is known beside their ticks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

DRIVE_SUFFIX = ".arrow"

OLD_SUFFIX = ".parquet"
"""Of drives before format 3."""

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


def is_cut(name: str) -> bool:
    """Return whether a drive of that name, without its ending, was cut short."""
    return re.fullmatch(rf".*{CUT}\d*", name) is not None


def weather_words(weather: Mapping[str, float]) -> dict[str, str]:
    """Return a weather as words for ``DriveMeta.extra``."""
    return {f"weather_{name}": f"{value:g}" for name, value in weather.items()}


def is_drive_name(name: str) -> bool:
    """Return whether a file of that name is one of a drive, of an older format perhaps."""
    return name.endswith((DRIVE_SUFFIX, OLD_SUFFIX))


def drive_files(folder: Path) -> Iterator[Path]:
    """Yield the files of drives in ``folder``."""
    return (path for path in folder.glob("[!.]*") if is_drive_name(path.name))


def recorded_at(path: Path) -> Path:
    """Return where the drive of ``path`` (with ``DRIVE_SUFFIX``) lies: there, or beside it in an older format."""
    old = path.with_suffix(OLD_SUFFIX)
    return old if old.is_file() and not path.is_file() else path
