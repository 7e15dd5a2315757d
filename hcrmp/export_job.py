"""``hcrmp export``: a drive in the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from envs.recording import DriveLog
from envs.recording.carla_log import KnownMap, write_carla_log
from envs.roads.map_file import is_map_file
from envs.scenarios.maps import generated_maps
from hcrmp.consoles import stdout_console
from hcrmp.exchange_config import ExportConfig
from hcrmp.exports.csv_tables import actors_path, write_csv
from hcrmp.exports.mcap_file import write_mcap
from hcrmp.exports.rerun_file import write_rerun
from hcrmp.import_job import free_path, load_map

SUFFIXES = {"mcap": ".mcap", "rerun": ".rrd", "csv": ".csv", "log": ".log"}


def run(config: ExportConfig) -> int:
    """Write the files, and print where they are."""
    console = stdout_console()
    for path in export(config):
        console.print(str(path), soft_wrap=True, highlight=False)
    return 0


def export(config: ExportConfig) -> list[Path]:
    """Write the drive that ``config`` names; return the files."""
    source = Path(config.drive)
    target = Path(config.output) if config.output else source.with_suffix(SUFFIXES[config.to])
    drive = DriveLog.read(source)
    for path in (target, actors_path(target)) if config.to == "csv" else (target,):
        free_path(path, config.replace)
    if config.to == "log":
        return [write_carla_log(drive, target, _map_of(drive))]
    return _WRITERS[config.to](drive, target)


_WRITERS: dict[str, Callable[[DriveLog, Path], list[Path]]] = {
    "csv": write_csv,
    "mcap": write_mcap,
    "rerun": write_rerun,
}


def _map_of(drive: DriveLog) -> KnownMap | None:
    """Return the drive's map where it is at hand: a generated one, or a file that is still there."""
    name = drive.meta.map_name
    there = Path(name).is_file() if is_map_file(name) else name in generated_maps()
    return load_map(name) if there else None
