"""Where the ticks of drives under way lie: blocks of files that are mapped into memory.

What is written into a mapping is the operating system's and outlives the process, so the recorder's memory is its
journal as well: a killed process loses nothing, and nothing is copied for that. A drive has blocks of its own, and
leaves them to others when it is in a file; so the files grow with the drives under way and not with time, and hardly
ever is new memory asked for.

A file is made of arrays one after the other: of its blocks the drive that has it (``NOBODY``: free), which of that
drive's it is, and how many ticks are in it; then the ticks, array by array (``TickLayout.fields``).
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from envs.recording.ticks import Arrays, TickLayout
from envs.scene import IntArray

BLOCK_TICKS = 32

FILE_BYTES = 2**26
"""About the largest file, unless every world's first block is more."""

BLOCKS_A_WORLD = 8
"""Of the files of few worlds."""

NOBODY = -1
"""In place of a drive's number where there is none."""

HEAD = ("drive", "place", "used")
"""What a file knows of its blocks."""

Slot = tuple[int, int]
"""A block: of which file, and where there."""


@dataclass
class Track:
    """The ticks of one drive: its blocks, in order, and how many ticks are in them."""

    drive: int
    blocks: list[Slot] = field(default_factory=list)
    ticks: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """The ticks T of one drive: ``whole`` ``(4, T)``, ``numbers`` ``(W, T)`` and ``observation`` ``(T, n)``."""

    whole: IntArray
    numbers: npt.NDArray[np.float64]
    observation: npt.NDArray[np.float32]


class TickFile:
    """A file of ``blocks`` blocks, mapped: ``head`` by the names of ``HEAD``, ``ticks`` by those of the layout."""

    def __init__(self, path: Path, layout: TickLayout, blocks: int, *, new: bool) -> None:
        self.blocks = blocks
        size = file_bytes(layout, blocks)
        with open(path, "x+b" if new else "rb") as file:
            if new:
                _reserve(file.fileno(), size)
            elif (there := os.fstat(file.fileno()).st_size) != size:
                raise ValueError(f"{path.name} has {there} bytes in place of {size}")
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_WRITE if new else mmap.ACCESS_READ)
        arrays = dict(_arrays(mapped, layout, blocks))
        self.head = {name: arrays[name] for name in HEAD}
        self.ticks: Arrays = {name: arrays[name] for name in layout.fields()}
        if new:
            self.head["drive"][:] = NOBODY


class TickStore:
    """Ticks of the drives under way in ``worlds`` worlds, in files in ``folder``; OSError where one cannot be made."""

    def __init__(self, folder: Path, layout: TickLayout, worlds: int) -> None:
        self._folder, self._layout = folder, layout
        self.blocks = blocks_of_a_file(layout, worlds)
        self._files: list[TickFile] = []
        self._free: list[Slot] = []  # the last that was given back is the first that is given out: caches know it
        self._rows = np.zeros(worlds, np.int64)  # where the next tick of each world goes, counted over all files
        self._tracks: list[Track | None] = [None] * worlds
        self._grow()

    def begin(self, world: int, drive: int) -> Track:
        """Give a world's next ticks to ``drive``."""
        track = self._tracks[world] = Track(drive)
        self._rows[world] = 0  # the beginning of a block, which it does not have yet
        return track

    def add(self, worlds: IntArray, ticks: Arrays) -> None:
        """Add a tick to the drive of each of ``worlds`` (n,): arrays ``(n, ...)``."""
        rows = self._rows[worlds]
        for place in np.flatnonzero(rows % BLOCK_TICKS == 0).tolist():
            rows[place] = self._first_row(int(worlds[place]))
        for file, which, here in self._parts(rows):
            for name, array in ticks.items():
                file.ticks[name][here] = array[which]
            # Told last: until then the tick is not there.
            file.head["used"][here // BLOCK_TICKS] = here % BLOCK_TICKS + 1
        self._rows[worlds] = rows + 1

    def finish(self, world: int) -> Track:
        """Return the track of a world's drive, which gets no more ticks."""
        track = self._tracks[world]
        assert track is not None
        if track.blocks:
            before = (len(track.blocks) - 1) * BLOCK_TICKS
            track.ticks = before + int((self._rows[world] - 1) % BLOCK_TICKS) + 1
        self._tracks[world] = None
        return track

    def cut(self, track: Track) -> Cut:
        """Return a copy of a drive's ticks, numbers turned round: a drive's file has them row by row over time."""
        return cut(track, self._files, self._layout)

    def free(self, track: Track) -> None:
        """Leave a drive's blocks to others, from its end: what a kill in between leaves has no gap."""
        for number, block in reversed(track.blocks):
            self._files[number].head["drive"][block] = NOBODY
        self._free += track.blocks
        track.blocks = []

    def _first_row(self, world: int) -> int:
        """Give the drive of a world one more block; return the number of its first row."""
        if not self._free:
            self._grow()
        number, block = self._free.pop()
        track, head = self._tracks[world], self._files[number].head
        assert track is not None
        head["used"][block], head["place"][block] = 0, len(track.blocks)
        head["drive"][block] = track.drive
        track.blocks.append((number, block))
        return (number * self.blocks + block) * BLOCK_TICKS

    def _grow(self) -> None:
        number = len(self._files)
        self._files.append(TickFile(self._folder / file_name(number), self._layout, self.blocks, new=True))
        self._free += [(number, block) for block in reversed(range(self.blocks))]

    def _parts(self, rows: IntArray) -> Iterator[tuple[TickFile, slice | IntArray, IntArray]]:
        """Yield each file that has some of ``rows``, which of them, and where they are in it."""
        if len(self._files) == 1:
            yield self._files[0], slice(None), rows
            return
        numbers, there = np.divmod(rows, self.blocks * BLOCK_TICKS)
        for number in np.unique(numbers).tolist():
            which = np.flatnonzero(numbers == number)
            yield self._files[number], which, there[which]


def cut(track: Track, files: list[TickFile], layout: TickLayout) -> Cut:
    """Return a copy of the ticks of a track in ``files``."""
    found = {
        name: np.empty((track.ticks, *shape) if name == "observation" else (*shape, track.ticks), kind)
        for name, (shape, kind) in layout.fields().items()
    }
    for place, (number, block) in enumerate(track.blocks):
        begin = place * BLOCK_TICKS
        end = min(begin + BLOCK_TICKS, track.ticks)
        rows = slice(block * BLOCK_TICKS, block * BLOCK_TICKS + end - begin)
        for name, array in found.items():
            ticks = files[number].ticks[name][rows]
            if name == "observation":
                array[begin:end] = ticks
            else:
                array[:, begin:end] = ticks.T
    return Cut(**found)


def left_tracks(files: list[TickFile]) -> dict[int, Track]:
    """Return the tracks that a killed process left in ``files``, by the numbers of their drives.

    Raises:
        ValueError: what the files say of their blocks does not fit together.
    """
    owned: dict[int, list[tuple[int, int, Slot]]] = {}
    for number, file in enumerate(files):
        for block in np.flatnonzero(file.head["drive"] != NOBODY).tolist():
            drive, place, used = (int(file.head[name][block]) for name in HEAD)
            if not 0 <= used <= BLOCK_TICKS:
                raise ValueError(f"a block of {used} ticks")
            owned.setdefault(drive, []).append((place, used, (number, block)))
    return {drive: _left_track(drive, sorted(blocks)) for drive, blocks in owned.items()}


def _left_track(drive: int, blocks: list[tuple[int, int, Slot]]) -> Track:
    """Return the track of ``blocks`` by place: all are full but the last, which may have got no tick yet."""
    if [place for place, *_ in blocks] != list(range(len(blocks))):
        raise ValueError(f"drive {drive} lacks a block, or has one twice")
    used = [used for _, used, _ in blocks]
    if any(ticks != BLOCK_TICKS for ticks in used[:-1]):
        raise ValueError(f"drive {drive} has a gap")
    return Track(drive, [slot for *_, slot in blocks], sum(used))


def blocks_of_a_file(layout: TickLayout, worlds: int) -> int:
    """Return how many blocks each file has."""
    most = FILE_BYTES // (layout.bytes * BLOCK_TICKS)
    return max(worlds, min(worlds * BLOCKS_A_WORLD, most))


def file_name(number: int) -> str:
    """Return the name of a store's file."""
    return f"ticks-{number}.blocks"


def file_bytes(layout: TickLayout, blocks: int) -> int:
    """Return the size of a file."""
    return blocks * (len(HEAD) * 8 + BLOCK_TICKS * layout.bytes)


def _arrays(mapped: mmap.mmap, layout: TickLayout, blocks: int) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    offset = 0
    head: dict[str, tuple[tuple[int, ...], str]] = {name: ((blocks,), "<i8") for name in HEAD}
    ticks = {name: ((blocks * BLOCK_TICKS, *shape), kind) for name, (shape, kind) in layout.fields().items()}
    for name, (shape, kind) in (head | ticks).items():
        array = np.frombuffer(mapped, kind, int(np.prod(shape)), offset).reshape(shape)
        offset += array.nbytes
        yield name, array


def _reserve(file: int, size: int) -> None:
    """Have the disk keep room: a full one is an error here, and no signal where a tick is written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.ftruncate(file, size)
