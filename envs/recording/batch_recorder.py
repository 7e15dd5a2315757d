"""BatchRecorder: records the drives of B worlds while they happen.

Every tick is copied into a buffer, raw, and the buffer goes to the journal when it is full or ``FLUSH_S`` old; then the
drives that have ended are cut out. All that is done by the thread that drives: two threads that want Python at once
cost more than they share. Only what needs no Python has others: one compresses and writes files, and one looks after
the buffer while the simulator hangs, so that a killed process loses no more than a second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    assemble,
    no_words,
    told_of,
)
from envs.recording.journal import Journal, Piece
from envs.recording.names import free_name
from envs.recording.packing import packed_drawing, packed_values
from envs.recording.schema import DriveLogError, DriveMeta, HintTold
from envs.recording.ticks import TickBuffer, TickLayout
from envs.recording.writing import drive_batch, write_batch
from envs.roads.drawing import RoadDrawing
from envs.scene import IntArray, SceneBatch

FLUSH_S = 0.5
"""Wall time after which copied ticks go to the journal; what is younger is lost with a killed process."""

MOST_WAITING = 256
"""Files that wait to be written."""

BUFFER_BYTES, FEWEST_MOMENTS = 2**24, 4
"""Size of the buffer of ticks, and how many ticks of every world it holds at least."""

NOBODY = -1
"""Number of the drive in a world that is not recorded."""

UNKNOWN = np.full(1, np.nan)
"""A planner's numbers in a last tick until it has told of it; they stay so in a journal whose process was killed."""


class BatchRecorder:
    """Records drives of ``worlds`` worlds into ``folder``.

    Call ``begin`` where episodes begin, ``tick`` whenever the planner decides, ``last_tick`` and ``end`` where
    episodes have ended, before their worlds are restarted, and ``close``. ``words`` and ``sources`` tell of hints;
    ``written`` is called for each file, in another thread; ``tell_last`` for many ended drives at once, since a planner
    tells of many in the time of one. Where files cannot be written ``tick``, ``last_tick`` or
    ``close`` raise ``DriveLogError``.
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
        self._journal = _opened(folder, layout)
        self._drives: dict[int, RecordedDrive] = {}
        self._roads: dict[RoadDrawing, int] = {}
        self._configurations: list[Mapping[str, Any]] = []
        self._number = np.full(worlds, NOBODY)  # of the drive in each world
        self._first = np.zeros(worlds, np.bool_)  # whether its next tick is its first
        self._ticks, self._count = 0, 0
        self._buffer = TickBuffer(layout, max(FEWEST_MOMENTS * worlds, BUFFER_BYTES // layout.bytes))
        self._filled_since = time.monotonic()
        self._events: list[dict[str, Any]] = []  # lines for the journal that go with the buffer
        self._endings: list[Ending] = []  # of drives whose last ticks are in the buffer
        self._waiting: list[Ending] = []  # of those whose ticks all are in the journal
        self._pieces: list[Piece] = []
        self._needed: dict[int, int] = {}  # of drives that are not in files: the first row, by number
        self._lock = threading.Lock()  # held where buffer, lines, endings and pieces change
        self._writer = ThreadPoolExecutor(1, "drives")
        self._writing: deque[Future[None]] = deque()
        self._failure: Exception | None = None
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._look_after, name="drives-journal", daemon=True)
        self._watch.start()

    @property
    def recording(self) -> npt.NDArray[np.bool_]:
        """``(B,)`` the worlds whose drives are being recorded."""
        on: npt.NDArray[np.bool_] = self._number != NOBODY
        return on

    def begin(self, rows: IntArray, starts: Sequence[DriveStart]) -> None:
        """Begin drives in the worlds ``rows`` with the next ``tick``; a drive that is under way there is dropped."""
        with self._lock:
            for world, start in zip(rows.tolist(), starts, strict=True):
                self._drop(world)
                self._begin(world, start)

    def tick(self, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Add a tick to every drive, at the moment of decision.

        ``numbers`` are arrays ``(B, ...)`` by the names of ``TickLayout.numbers`` and ``WHOLE``, and ``observation``:
        the action, control and reward terms that led to ``scene``, and the others that hold in it.
        """
        if not self._drives:
            return
        worlds = np.flatnonzero(self.recording)
        if len(worlds) < len(self._number):
            numbers = {name: array[worlds] for name, array in numbers.items()}
        self._add(worlds, scene, numbers)

    def last_tick(self, rows: IntArray, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Add the last tick of the worlds ``rows`` (n) of ``scene`` (B); ``numbers`` are ``(n, ...)``.

        Those of the planner may be missing, where ``end`` says what it has ``seen``.
        """
        self._add(rows, scene, dict.fromkeys(self.layout.planner, UNKNOWN) | dict(numbers))

    def _add(self, worlds: IntArray, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        first = self._first[worlds]
        self._make_room(len(worlds))
        with self._lock:
            if not self._buffer.used:
                self._filled_since = time.monotonic()
            place = self._buffer.add(self._number[worlds], worlds, scene, numbers)
            if first.any():
                self._buffer.clear_done(place, first)
            self._ticks += len(worlds)
        self._first[worlds] = False

    def tell(self, world: int, hint: HintTold) -> None:
        """Note what a language model was asked and said about a world."""
        drive = self._drives.get(world)
        if drive is not None:
            with self._lock:
                drive.hints.append(hint)
                self._events.append({"drive": drive.number, "hint": asdict(hint)})

    def end(
        self, world: int, outcome: str, extra: Mapping[str, str] | None = None, seen: Row | None = None
    ) -> None:
        """End the drive of a world with its last tick, in which its planner has ``seen`` this; it is written soon."""
        drive = self._drives.pop(world, None)
        if drive is None:
            return
        self._number[world] = NOBODY
        with self._lock:
            ending = Ending(drive, self._ticks - 1, outcome, extra or {}, seen)
            self._endings.append(ending)
            self._events.append(ending.told())

    def drop(self, worlds: IntArray) -> None:
        """Forget the drives of the worlds: no files are written of them."""
        with self._lock:
            for world in worlds.tolist():
                self._drop(world)

    def close(self, *, failed: bool = False) -> None:
        """Write what is left and remove the journal.

        Drives that have not ended are dropped; where what drives has ``failed`` they are written as ``recover_drives``
        would write them.
        """
        for world, drive in list(self._drives.items()):
            if failed:
                drive.name = free_name(self.folder, drive.name, running=True).stem
                self.end(world, "running")
        self.drop(np.array(list(self._drives), dtype=np.int64))
        self._closing.set()
        self._watch.join()
        try:
            self._bring_away(most_waiting=0)
        finally:
            self._writer.shutdown()
            self._pieces = []
            self._journal.close(keep=self._failure is not None)

    # Under the lock.

    def _begin(self, world: int, start: DriveStart) -> None:
        drive = RecordedDrive(self._count, start.name, self._ticks, start.meta, start.drawing)
        self._count += 1
        self._drives[world] = drive
        self._needed[drive.number] = drive.first
        self._number[world], self._first[world] = drive.number, True
        line = drive.told_start(self._road(start.drawing)) | {"configuration": self._configuration(start.meta)}
        self._events.append(line)

    def _road(self, drawing: RoadDrawing) -> int:
        """Return the number of a road, which the journal is told of once."""
        if drawing not in self._roads:
            self._roads[drawing] = len(self._roads)
            self._events.append({"road": self._roads[drawing], "packed": packed_drawing(drawing).decode()})
        return self._roads[drawing]

    def _configuration(self, meta: DriveMeta) -> int:
        if meta.configuration in self._configurations:
            return self._configurations.index(meta.configuration)
        number = len(self._configurations)
        self._configurations.append(meta.configuration)
        self._events.append({"configuration": number, "packed": packed_values(meta.configuration).decode()})
        return number

    def _drop(self, world: int) -> None:
        drive = self._drives.pop(world, None)
        if drive is not None:
            self._number[world] = NOBODY
            self._needed.pop(drive.number, None)
            self._events.append({"drive": drive.number, "done": True})

    # Outside of it.

    def _make_room(self, ticks: int) -> None:
        is_old = self._buffer.used and time.monotonic() - self._filled_since >= FLUSH_S
        if is_old or self._waiting or self._buffer.room < ticks:
            self._bring_away()

    def _bring_away(self, most_waiting: int = MOST_WAITING) -> None:
        """Bring the buffer to the journal and then those drives that have ended to whom writes their files."""
        try:
            if self._failure is not None:
                raise self._failure
            with self._lock:
                self._flush()
            self._save_waiting()
            while self._writing and (self._writing[0].done() or len(self._writing) > most_waiting):
                self._writing.popleft().result()
        except (OSError, pa.ArrowException, DriveLogError) as error:
            self._failure = error
            why = " ".join(str(error).split())
            raise DriveLogError(f"drives cannot be written to {self.folder}: {why}") from error

    def _flush(self) -> None:
        """Bring lines and ticks to the journal (under the lock)."""
        self._journal.tell(self._events)
        self._events.clear()
        if self._buffer.used:
            self._pieces.append(self._journal.write(self._buffer.filled()))
            self._buffer.used = 0
        self._waiting += self._endings
        self._endings.clear()

    def _save_waiting(self) -> None:
        """Have the files of the drives that have ended written, and let go of ticks that no drive needs any more."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for ending, told in zip(waiting, told_of(waiting, self._tell_last), strict=True):
            self._save(ending, told)
        with self._lock:
            oldest = min(self._needed.values(), default=self._journal.ticks)
            self._pieces = [piece for piece in self._pieces if piece.end > oldest]
            self._journal.forget(oldest)

    def _save(self, ending: Ending, told: Row) -> None:
        log = assemble(ending, self._pieces, self.layout, self._words, self._sources, told)
        if log is None:
            self._done(ending.drive.number)
            return
        path = free_name(self.folder, ending.drive.name, running=False)
        self._writing.append(self._writer.submit(self._write, drive_batch(log), path, ending.drive.number))

    def _write(self, drive: pa.RecordBatch, path: Path, number: int) -> None:
        write_batch(drive, path)
        if self._written is not None:
            self._written(path)
        self._done(number)

    def _done(self, number: int) -> None:
        """Note that nobody needs the ticks of a drive; told with the next lines: recovery overwrites no file."""
        with self._lock:
            self._events.append({"drive": number, "done": True})
            del self._needed[number]

    def _look_after(self) -> None:
        """Bring what waits to the journal where the thread that drives does not come by (the second thread)."""
        while not self._closing.wait(FLUSH_S / 2):
            with self._lock:
                try:
                    if (self._buffer.used or self._events) and time.monotonic() - self._filled_since >= FLUSH_S:
                        self._flush()
                except (OSError, pa.ArrowException) as error:
                    self._failure = error
                    return


def _opened(folder: Path, layout: TickLayout) -> Journal:
    try:
        return Journal(folder, layout)
    except OSError as error:
        raise DriveLogError(f"drives cannot be recorded in {folder}: {error.strerror or error}") from error
