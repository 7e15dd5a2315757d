"""BatchRecorder: records the drives of B worlds while they happen.

The thread that drives only copies blocks of many worlds; a second one hands them to the journal and, where drives
have ended, cuts these out and writes their files. What is copied reaches the journal within ``FLUSH_S`` of wall time,
also while the simulator hangs.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording.assembly import Ending, HintWords, RecordedDrive, SourceWords, assemble, no_words
from envs.recording.journal import Journal, Piece
from envs.recording.names import free_name
from envs.recording.packing import packed_drawing, packed_values
from envs.recording.schema import DriveLogError, DriveMeta, HintTold
from envs.recording.ticks import TickBuffer, TickLayout
from envs.roads.drawing import RoadDrawing
from envs.scene import IntArray, SceneBatch

FLUSH_S = 0.5
"""Wall time after which copied ticks go to the journal; a killed process loses what is younger."""

MOST_WAITING = 256
"""Drives that have ended and wait for their files."""

BUFFER_BYTES, BUFFERS, FEWEST_MOMENTS = 2**22, 3, 4
"""Size of a buffer of ticks, how many there are, and how many ticks of every world one holds at least."""


NOBODY = -1
"""Number of the drive in a world that is not recorded."""


@dataclass(frozen=True, slots=True)
class DriveStart:
    """A drive that begins: the ``name`` of its file, what it is (its outcome comes at its end), the road's drawing."""

    name: str
    meta: DriveMeta
    drawing: RoadDrawing


@dataclass
class _Load:
    """What goes to the second thread at once: ticks, lines for the journal, and the drives that end with the ticks."""

    buffer: TickBuffer
    begun_at: float = 0.0
    events: list[dict[str, Any]] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)


class BatchRecorder:
    """Records drives of ``worlds`` worlds into ``folder``.

    Call ``begin`` where episodes begin, ``tick`` whenever the planner decides, ``last_tick`` and ``end`` where
    episodes have ended, before their worlds are restarted, and ``close``. ``words`` and ``sources`` tell of hints;
    ``written`` is called (in the second thread) for each file. Where files cannot be written the next call raises
    ``DriveLogError``.
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
    ) -> None:
        self.folder, self.layout = folder, layout
        self._words, self._sources, self._written = words, sources, written
        self._journal = _opened(folder, layout)
        self._drives: dict[int, RecordedDrive] = {}
        self._roads: dict[RoadDrawing, int] = {}
        self._configurations: list[Mapping[str, Any]] = []
        self._number = np.full(worlds, NOBODY)  # of the drive in each world
        self._first = np.zeros(worlds, np.bool_)  # whether its next tick is its first
        self._ticks, self._count = 0, 0
        capacity = max(FEWEST_MOMENTS * worlds, BUFFER_BYTES // layout.bytes)
        self._free: queue.SimpleQueue[TickBuffer] = queue.SimpleQueue()
        for _ in range(BUFFERS - 1):
            self._free.put(TickBuffer(layout, capacity))
        self._load = _Load(TickBuffer(layout, capacity), time.monotonic())
        self._lock = threading.Lock()
        self._loads: queue.SimpleQueue[_Load | None] = queue.SimpleQueue()
        self._pieces: list[Piece] = []
        self._waiting: deque[Ending] = deque()
        self._needed: dict[int, int] = {}  # of drives that are not in files: the first row, by number
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="drives", daemon=True)
        self._thread.start()

    @property
    def recording(self) -> npt.NDArray[np.bool_]:
        """``(B,)`` the worlds whose drives are being recorded."""
        on: npt.NDArray[np.bool_] = self._number != NOBODY
        return on

    # Called by the thread that drives.

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
        """Add the last tick of the worlds ``rows`` (n) of ``scene`` (B); ``numbers`` are ``(n, ...)``."""
        self._add(rows, scene, numbers)

    def _add(self, worlds: IntArray, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        first = self._first[worlds]
        with self._lock:
            self._make_room(len(worlds))
            place = self._load.buffer.add(self._number[worlds], worlds, scene, numbers)
            if first.any():
                self._load.buffer.clear_done(place, first)
            self._ticks += len(worlds)
        self._first[worlds] = False

    def tell(self, world: int, hint: HintTold) -> None:
        """Note what a language model was asked and said about a world."""
        drive = self._drives.get(world)
        if drive is not None:
            with self._lock:
                drive.hints.append(hint)
                self._load.events.append({"drive": drive.number, "hint": asdict(hint)})

    def end(self, world: int, outcome: str, extra: Mapping[str, str] | None = None) -> None:
        """End the drive of a world with its last tick; its file is written soon."""
        drive = self._drives.pop(world, None)
        if drive is None:
            return
        self._number[world] = NOBODY
        with self._lock:
            ending = Ending(drive, self._ticks - 1, outcome, extra or {})
            self._load.endings.append(ending)
            self._load.events.append(ending.told())

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
        with self._lock:
            for world in list(self._drives):
                self._drop(world)
            if self._thread.is_alive():
                self._hand_over()
        self._loads.put(None)
        self._thread.join()
        self._pieces = []
        self._journal.close(keep=self._failure is not None)
        self._raise_failure()

    # Under the lock.

    def _begin(self, world: int, start: DriveStart) -> None:
        drive = RecordedDrive(self._count, start.name, self._ticks, start.meta, start.drawing)
        self._count += 1
        self._drives[world] = drive
        self._needed[drive.number] = drive.first
        self._number[world], self._first[world] = drive.number, True
        line = drive.told_start(self._road(start.drawing)) | {"configuration": self._configuration(start.meta)}
        self._load.events.append(line)

    def _road(self, drawing: RoadDrawing) -> int:
        """Return the number of a road, which the journal is told of once."""
        if drawing not in self._roads:
            self._roads[drawing] = len(self._roads)
            self._load.events.append({"road": self._roads[drawing], "packed": packed_drawing(drawing).decode()})
        return self._roads[drawing]

    def _configuration(self, meta: DriveMeta) -> int:
        if meta.configuration in self._configurations:
            return self._configurations.index(meta.configuration)
        number = len(self._configurations)
        self._configurations.append(meta.configuration)
        self._load.events.append({"configuration": number, "packed": packed_values(meta.configuration).decode()})
        return number

    def _drop(self, world: int) -> None:
        drive = self._drives.pop(world, None)
        if drive is not None:
            self._number[world] = NOBODY
            self._needed.pop(drive.number, None)
            self._load.events.append({"drive": drive.number, "done": True})

    def _make_room(self, ticks: int) -> None:
        self._raise_failure()
        load = self._load
        if not load.buffer.used:
            load.begun_at = time.monotonic()
        elif load.buffer.room < ticks or time.monotonic() - load.begun_at >= FLUSH_S:
            self._hand_over()

    def _hand_over(self) -> None:
        """Give the second thread what there is, and go on in a free buffer; wait for one where it is behind."""
        self._loads.put(self._load)
        while True:
            try:
                self._load = _Load(self._free.get(timeout=FLUSH_S), time.monotonic())
                return
            except queue.Empty:
                self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            why = " ".join(str(self._failure).split())
            raise DriveLogError(f"drives cannot be written to {self.folder}: {why}") from self._failure

    # The second thread.

    def _work(self) -> None:
        try:
            while True:
                try:
                    load = self._loads.get(timeout=0.001 if self._waiting else FLUSH_S / 2)
                except queue.Empty:
                    self._flush_if_old()
                    self._save_next()
                    continue
                if load is None:
                    break
                self._take(load)
            while self._waiting:
                self._save_next()
        except BaseException as failure:  # told by the next call of the thread that drives
            self._failure = failure

    def _flush_if_old(self) -> None:
        """Take what waits in a buffer whose thread does not come by."""
        if not self._lock.acquire(blocking=False):
            return  # it does; and it may be waiting for this thread
        try:
            load = self._load
            waits = load.buffer.used or load.events
            # What was handed over meanwhile comes first.
            if not waits or not self._loads.empty() or time.monotonic() - load.begun_at < FLUSH_S:
                return
            self._load = _Load(self._free.get(), time.monotonic())
        finally:
            self._lock.release()
        self._take(load)

    def _take(self, load: _Load) -> None:
        """Bring ticks to the journal. Files come second: they can be written after a kill, too."""
        self._journal.tell(load.events)
        if load.buffer.used:
            self._pieces.append(self._journal.write(load.buffer.filled()))
            load.buffer.used = 0
        self._waiting.extend(load.endings)
        while len(self._waiting) > MOST_WAITING:  # and whoever drives waits for a buffer
            self._save_next()
        self._free.put(load.buffer)

    def _save_next(self) -> None:
        """Write the file of a drive that has ended, and let go of ticks that no drive needs any more."""
        if not self._waiting:
            return
        ending = self._waiting.popleft()
        log = assemble(ending, self._pieces, self.layout, self._words, self._sources)
        if log is not None:
            path = log.save(free_name(self.folder, ending.drive.name, running=False))
            if self._written is not None:
                self._written(path)
        self._journal.tell([{"drive": ending.drive.number, "done": True}])
        self._needed.pop(ending.drive.number, None)
        # Not under the lock, which the other thread holds while it waits for a buffer. A drive that begins meanwhile
        # needs only ticks that have not come here yet.
        oldest = min(list(self._needed.values()), default=self._journal.ticks)
        self._pieces = [piece for piece in self._pieces if piece.end > oldest]
        self._journal.forget(oldest)


def _opened(folder: Path, layout: TickLayout) -> Journal:
    try:
        return Journal(folder, layout)
    except OSError as error:
        raise DriveLogError(f"drives cannot be recorded in {folder}: {error.strerror or error}") from error
