"""The configuration of ``hcrmp import`` and ``hcrmp export``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ExportFormat = Literal["mcap", "rerun", "csv", "log"]


@dataclass(frozen=True, slots=True)
class ImportConfig:
    """``hcrmp import``."""

    recording: str = ""
    """File that a CARLA server has recorded (``.log``)."""
    ego: str = ""
    """Which vehicle is the ego, by its id or role; the hero where it is empty, else the first that moves."""
    map: str = ""
    """Map of the recording: a generated one, or an OpenDRIVE file."""
    map_folder: str = ""
    """Folder where the map is looked for by its recorded name (NAME.xodr)."""
    period_s: float = 0.0
    """Seconds between the ticks of the drive, as in our own 0.1; 0: every frame of the recording."""
    output: str = ""
    """File of the drive; beside the recording where it is empty."""
    replace: bool = False
    """Write over a file that is there."""

    def __post_init__(self) -> None:
        """Refuse what names no recording."""
        if not self.recording:
            raise ValueError("a recording must be given: hcrmp import FILE.log")
        if self.map and self.map_folder:
            raise ValueError("map came with map_folder: leave one of them out")
        if not 0.0 <= self.period_s <= 10.0:
            raise ValueError(f"period_s must be 0 to 10, got {self.period_s}")


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """``hcrmp export``."""

    drive: str = ""
    """File of a recorded drive (``.arrow``; ``.parquet`` of an older version)."""
    to: ExportFormat = "mcap"
    """Format: for Foxglove, for Rerun, tables, or a recording that CARLA replays."""
    output: str = ""
    """File to write; beside the drive where it is empty. ``csv`` writes a second one of the others' rows."""
    replace: bool = False
    """Write over files that are there."""

    def __post_init__(self) -> None:
        """Refuse what names no drive."""
        if not self.drive:
            raise ValueError("a drive must be given: hcrmp export DRIVE.arrow to=mcap")
