"""BatchRecorder: records the drives of B worlds while they happen.

Every tick is copied to where it outlives the process (``envs.recording.tick_store``). From there those drives that have
ended are cut out and written, some at a time. The thread that drives does it all: with a second one, which compressed
and wrote, an evaluation took as long and a tenth more of the processors, since each of the many small steps waits for
Python's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from envs.recording.assembly import (
    DriveStart,
    Ending,
    HintWords,
    RecordedDrive,
    Row,
    SourceWords,
    TellLast,
    drive_table,
    no_words,
    told_of,
)
from envs.recording.journal import Journal
from envs.recording.names import free_name
from envs.recording.packing import packed_drawing, packed_values
from envs.recording.schema import DriveLogError, DriveMeta, HintTold
from envs.recording.tick_store import Track
from envs.recording.ticks import Moment, TickLayout
from envs.recording.writing import write_batch
from envs.roads.drawing import RoadDrawing
from envs.scene import IntArray, SceneBatch

FEW_S, MANY = 0.5, 64
"""Drives whose planner is yet to tell of the end wait until the first has waited so long, or there are so many."""

UNKNOWN = np.full(1, np.nan)
"""A planner's numbers in a last tick until it has told of it; they stay so in a journal whose process was killed."""


class BatchRecorder:
    """Records drives of ``worlds`` worlds into ``folder``.

    Call ``begin`` where episodes begin, ``tick`` whenever the planner decides, ``last_tick`` and ``end`` where
    episodes have ended, before their worlds are restarted, and ``close``. ``words`` and ``sources`` tell of hints;
    ``written`` is called for each file; ``tell_last`` for many ended drives at once, since a planner tells of many in
    the time of one. Where files cannot be written any of them raises ``DriveLogError``.
    """

    def __init__(
        self,
        folder: Path,
        layout: TickLayout,
        worlds: int,
        *,
        words: HintWords = no_words,
        sources: SourceWords = (),
        written: Callable[[Path], None] | None = None,
        tell_last: TellLast | None = None,
    ) -> None:
        self.folder, self.layout = folder, layout
        self._words, self._sources, self._written, self._tell_last = words, sources, written, tell_last
        self._journal = _opened(folder, layout, worlds)
        self._moment = Moment(layout, worlds)
        self._drives: dict[int, RecordedDrive] = {}
        self._roads: dict[RoadDrawing, int] = {}
        self._configurations: list[Mapping[str, Any]] = []
        self._recording = np.zeros(worlds, np.bool_)
        self._first = np.zeros(worlds, np.bool_)  # whether a world's next tick is its drive's first
        self._count = 0
        self._ended: list[tuple[Ending, Track]] = []
        self._ended_since = 0.0
        self._failed = False

    def begin(self, rows: IntArray, starts: Sequence[DriveStart]) -> None:
        """Begin drives in the worlds ``rows`` with the next ``tick``; a drive that is under way there is dropped."""
        self.drop(rows)
        for world, start in zip(rows.tolist(), starts, strict=True):
            drive = RecordedDrive(self._count, start.name, start.meta, start.drawing)
            line = drive.told_start(self._road(start.drawing)) | {"configuration": self._configuration(start.meta)}
            self._tell(line)
            self._count += 1
            self._drives[world] = drive
            self._journal.ticks.begin(world, drive.number)
            self._recording[world] = self._first[world] = True

    def tick(self, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Add a tick to every drive, at the moment of decision.

        ``numbers`` are arrays ``(B, ...)`` by the names of ``TickLayout.numbers`` and ``WHOLE``, and ``observation``:
        the action, control and reward terms that led to ``scene``, and the others that hold in it.
        """
        if not self._drives:
            return
        worlds = np.flatnonzero(self._recording)
        if len(worlds) < len(self._recording):
            numbers = {name: array[worlds] for name, array in numbers.items()}
        self._add(worlds, scene, numbers)

    def last_tick(self, rows: IntArray, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Add the last tick of the worlds ``rows`` (n) of ``scene`` (B); ``numbers`` are ``(n, ...)``.

        Those of the planner may be missing, where ``end`` says what it has ``seen``.
        """
        self._add(rows, scene, dict.fromkeys(self.layout.planner, UNKNOWN) | dict(numbers))

    def _add(self, worlds: IntArray, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        if len(self._ended) >= MANY or (self._ended and time.monotonic() - self._ended_since >= FEW_S):
            self._bring_away()
        ticks = self._moment.copy(worlds, scene, numbers, self._first[worlds])
        try:
            self._journal.ticks.add(worlds, ticks)
        except OSError as error:
            raise self._cannot_write(error) from error
        self._first[worlds] = False

    def tell(self, world: int, hint: HintTold) -> None:
        """Note what a language model was asked and said about a world."""
        drive = self._drives.get(world)
        if drive is not None:
            drive.hints.append(hint)
            self._tell({"drive": drive.number, "hint": asdict(hint)})

    def end(self, world: int, outcome: str, extra: Mapping[str, str] | None = None, seen: Row | None = None) -> None:
        """End the drive of a world with its last tick; it is written now, or some time later with others.

        ``seen`` is what its planner saw in the last tick, where it has not told of that.
        """
        drive = self._drives.pop(world, None)
        if drive is None:
            return
        self._recording[world] = False
        track = self._journal.ticks.finish(world)
        ending = Ending(drive, track.ticks, outcome, extra or {}, seen)
        if not self._ended:
            self._ended_since = time.monotonic()
        self._ended.append((ending, track))
        self._tell(ending.told())
        if seen is None:
            self._bring_away()

    def drop(self, worlds: IntArray) -> None:
        """Forget the drives of the worlds: no files are written of them."""
        for world in worlds.tolist():
            drive = self._drives.pop(world, None)
            if drive is not None:
                self._recording[world] = False
                self._done(self._journal.ticks.finish(world))

    def close(self, *, failed: bool = False) -> None:
        """Write what is left and remove the journal.

        Drives that have not ended are dropped; where what drives has ``failed`` they are written as ``recover_drives``
        would write them.
        """
        try:
            for world, drive in list(self._drives.items()) if failed else ():
                drive.name = free_name(self.folder, drive.name, running=True).stem
                self.end(world, "running")
            self.drop(np.array(list(self._drives), dtype=np.int64))
            self._bring_away()
        finally:
            self._journal.close(keep=self._failed)

    def _road(self, drawing: RoadDrawing) -> int:
        """Return the number of a road, which the journal is told of once."""
        if drawing not in self._roads:
            self._tell({"road": len(self._roads), "packed": packed_drawing(drawing).decode()})
            self._roads[drawing] = len(self._roads)
        return self._roads[drawing]

    def _configuration(self, meta: DriveMeta) -> int:
        if meta.configuration not in self._configurations:
            number = len(self._configurations)
            self._tell({"configuration": number, "packed": packed_values(meta.configuration).decode()})
            self._configurations.append(meta.configuration)
        return self._configurations.index(meta.configuration)

    def _tell(self, event: Mapping[str, Any]) -> None:
        try:
            self._journal.tell(event)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _bring_away(self) -> None:
        """Write the drives that have ended to files."""
        ended, self._ended = self._ended, []
        told = told_of([ending for ending, _ in ended], self._tell_last)
        for (ending, track), last in zip(ended, told, strict=True):
            if track.ticks:
                self._save(ending, track, last)
            self._done(track)

    def _save(self, ending: Ending, track: Track, told: Row) -> None:
        ticks = self._journal.ticks.cut(track)
        table = drive_table(ending, ticks, self.layout, self._words, self._sources, told)
        path = free_name(self.folder, ending.drive.name, running=False)
        try:
            write_batch(table, path)
        except (OSError, pa.ArrowException) as error:
            raise self._cannot_write(error) from error
        if self._written is not None:
            self._written(path)

    def _done(self, track: Track) -> None:
        """Note that nobody needs the ticks of a drive any more: recovery overwrites no file."""
        self._tell({"drive": track.drive, "done": True})
        self._journal.ticks.free(track)

    def _cannot_write(self, error: Exception) -> DriveLogError:
        self._failed = True
        why = " ".join(str(error).split())
        return DriveLogError(f"drives cannot be written to {self.folder}: {why}")


def _opened(folder: Path, layout: TickLayout, worlds: int) -> Journal:
    try:
        return Journal(folder, layout, worlds)
    except OSError as error:
        raise DriveLogError(f"drives cannot be recorded in {folder}: {error.strerror or error}") from error
