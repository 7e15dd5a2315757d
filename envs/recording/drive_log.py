"""DriveLog: one recorded drive (an episode of one world), and the Arrow file that holds it.

A drive is a ``SceneBatch`` whose batch axis is *time*: every pure function of a scene (time to collision,
reward, observation) also works on a whole recorded drive in one call. Beside it stand the planner's
numbers, tick by tick.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.recording.reading import read_drive, read_drive_meta
from envs.recording.schema import DriveMeta, HashArray, HintTold, PlannerTrace
from envs.recording.writing import write_drive
from envs.roads.drawing import RoadDrawing
from envs.scene import SceneBatch


@dataclass(frozen=True, slots=True)
class DriveLog:
    """One drive: ``scenes`` (its batch axis is time, T ticks), the planner's ``trace``, the road's ``drawing``.

    ``hints`` what a language model was asked and said, in the order in which it was asked (``trace.hint_index`` says
    which of them holds); ``state_hash`` ``(T,)`` of every tick as ``envs.recording.state_hash`` computes it, None where
    it is unknown (files of format 3 keep the states exactly, and are hashed when they are read; those of format 2 keep
    the hashes).
    """

    meta: DriveMeta
    drawing: RoadDrawing
    scenes: SceneBatch
    trace: PlannerTrace
    hints: tuple[HintTold, ...] = ()
    state_hash: HashArray | None = None

    def __len__(self) -> int:
        """Return the number of ticks T."""
        return self.scenes.batch_size

    @property
    def duration_s(self) -> float:
        """Simulated seconds from the first to the last tick."""
        return float(self.scenes.time_s[-1] - self.scenes.time_s[0])

    def scene(self, tick: int) -> SceneBatch:
        """Return the scene of one tick (B = 1); negative ticks count from the end."""
        if not -len(self) <= tick < len(self):
            raise IndexError(f"tick {tick} is outside the drive: it has ticks 0 to {len(self) - 1}")
        return self.scenes.rows([tick % len(self)])

    def tick_at(self, time_s: float) -> int:
        """Return the tick nearest to a simulated time; times outside the drive give its first or last tick."""
        return int(np.argmin(np.abs(self.scenes.time_s - time_s)))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drive, every number as it is; the file appears whole or not at all. Folders on the way are made."""
        return write_drive(self, Path(path))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> DriveLog:
        """Read a drive.

        Raises:
            DriveLogError: in one line, when the file is missing, truncated, no drive, or of a newer format.
        """
        return cls(*read_drive(Path(path)))

    @staticmethod
    def read_meta(path: str | os.PathLike[str]) -> DriveMeta:
        """Return what a drive is, without its ticks: a tenth of the time of ``read``, which has the same errors.

        Its ``trace_hash`` is made of the ticks, and may be "" here.
        """
        return read_drive_meta(Path(path))
