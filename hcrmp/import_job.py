"""``hcrmp import``: a recording of a CARLA server as a drive of ours, without a server."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from envs.recording import DriveLog
from envs.recording.carla_log import FindMap, KnownMap, drive_of_carla_log
from envs.recording.names import DRIVE_SUFFIX
from envs.roads.map_file import FILE_SUFFIX
from envs.roads.opendrive import parse_opendrive
from envs.scenarios.maps import MapLibrary, generated_maps
from hcrmp.consoles import stderr_console, stdout_console
from hcrmp.errors import UserError
from hcrmp.exchange_config import ImportConfig

LAYERED = "_Opt"
"""CARLA's towns of layers have this behind their names, and the roads of those without."""


def run(config: ImportConfig) -> int:
    """Write the drive, and print where it is and what it has."""
    drive, path = import_drive(config)
    notes = stderr_console()
    notes.print(summary(drive), soft_wrap=True, highlight=False)
    if drive.drawing.bounds() == (0.0, 0.0, 0.0, 0.0):
        missing = f"no map {drive.meta.map_name}: the drive has no road (map_folder=... or map=... gives it one)"
        notes.print(missing, soft_wrap=True, highlight=False)
    stdout_console().print(str(path), soft_wrap=True, highlight=False)
    return 0


def import_drive(config: ImportConfig, find_map: FindMap | None = None) -> tuple[DriveLog, Path]:
    """Read the recording that ``config`` names and save it as a drive; return both.

    ``find_map`` finds its map in place of what ``config`` says.
    """
    source = Path(config.recording)
    target = free_path(Path(config.output) if config.output else source.with_suffix(DRIVE_SUFFIX), config.replace)
    found = find_map or (lambda name: map_of(name, config))
    drive = drive_of_carla_log(source, found, config.ego, config.period_s)
    return drive, drive.save(target)


def free_path(path: Path, replace: bool) -> Path:
    """Return ``path`` where nothing is lost by writing to it; raise ``UserError`` otherwise."""
    if path.is_dir():
        raise UserError(f"{path} is a folder: give a file with output=...")
    if path.exists() and not replace:
        raise UserError(f"{path} is there already: give another with output=..., or replace=true")
    return path


def map_of(recorded: str, config: ImportConfig) -> KnownMap | None:
    """Return the map of a recorded name (``Town01``, ``/Game/Carla/Maps/Town01``), None where none is asked for."""
    name = PurePosixPath(recorded).name
    if config.map:
        return load_map(config.map)
    if config.map_folder:
        return load_map(str(_file_of(name, Path(config.map_folder))))
    return load_map(name) if name in generated_maps() else None


def load_map(name: str) -> KnownMap:
    """Return a generated map or that of a file."""
    library = MapLibrary([name])
    return KnownMap(name, library.graph(name), parse_opendrive(library.opendrive(name).encode(), name))


def _file_of(name: str, folder: Path) -> Path:
    names = (name, name.removesuffix(LAYERED))
    found = [path for known in names if (path := folder / f"{known}{FILE_SUFFIX}").is_file()]
    if not found:
        there = ", ".join(sorted(path.name for path in folder.glob(f"*{FILE_SUFFIX}"))) or "none"
        raise UserError(f"the recording is of {name!r}, and {folder} has no {names[-1]}{FILE_SUFFIX} (maps: {there})")
    return found[0]


def summary(drive: DriveLog) -> str:
    """Return in one line what a drive has."""
    scenes, extra = drive.scenes, drive.meta.extra
    others = len(set(scenes.actors.id[scenes.actors.valid].tolist()))
    return (
        f"{len(drive)} ticks in {drive.duration_s:.1f} s, ego {extra['ego']}, {others} others; velocities "
        f"{extra['velocities']}, sizes {extra['sizes']}; {int(scenes.events.collision.sum())} ticks with a collision"
    )
