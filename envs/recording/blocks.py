"""The columns of a drive's file of format 3: which there are, how they are stored, and back.

A file's table has one row. A column is a list of numbers: a block of several rows over time, ``(rows, T)`` row after
row (``ego``: x at all ticks, then y, ...; ``ROWS`` names them), so that what changes little lies side by side and is
compressed to little. Nothing is rounded: what is read is what was, bit for bit, and has the same hashes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from envs.recording.schema import MORE_TRACES, OPTIONAL_TRACES, TRACE_WIDTHS, HashArray, PlannerTrace
from envs.recording.state_hash import state_hash
from envs.scene import (
    ActorRow,
    ActorStates,
    EgoRow,
    EgoState,
    EventRow,
    Events,
    IntArray,
    RoadRow,
    RoadState,
    RouteRow,
    RouteState,
    SceneBatch,
)

ROWS = {
    name: " ".join(row.name.lower() for row in rows)
    for name, rows in (
        ("ego", EgoRow),
        ("actors", ActorRow),
        ("road", RoadRow),
        ("route", RouteRow),
        ("events", EventRow),
    )
}
"""Rows of the blocks of a scene; in ``actors`` each is a row for every slot, in ``route_points`` are x, y and heading
of each point, in the planner's the numbers of ``PlannerTrace``. ``observation`` is ``(T, n)``."""

COUNTERS = ("step", "cell", "seed")
WORDS = ("hint_text", "hint_source")

Numbers = npt.NDArray[Any]


def blocks_of(scenes: SceneBatch, trace: PlannerTrace) -> Iterator[tuple[str, Numbers]]:
    """Yield name and numbers of every column of numbers."""
    ticks = scenes.batch_size
    yield "time_s", scenes.time_s
    for name in COUNTERS:
        yield name, getattr(scenes, name)
    yield "ego", scenes.ego.block
    yield "actors", scenes.actors.block.swapaxes(1, 2)
    yield "road", scenes.road.block
    yield "route", scenes.route.block
    yield "route_points", scenes.route.points.reshape(ticks, -1).T
    yield "events", scenes.events.block
    for name in (*TRACE_WIDTHS, *MORE_TRACES):
        given = getattr(trace, name)
        if given is not None:
            yield name, given.T
    yield "hint_age_s", trace.hint_age_s
    if trace.hint_index is not None:
        yield "hint_index", trace.hint_index
    if trace.observation is not None:
        yield "observation", trace.observation


def arrow_column(values: Numbers) -> pa.Array:
    """Return numbers as the one row of a column."""
    return piece_column(pa.py_buffer(np.ascontiguousarray(values)), values.dtype.char, 0, values.size)


def piece_column(buffer: pa.Buffer, kind: str, first: int, size: int) -> pa.Array:
    """Return ``size`` of the numbers in ``buffer``, from the ``first`` on, as the one row of a column."""
    # From the buffer, by known types: a third of the time, and there are two dozen columns in each of many files.
    number, numbers = _types(kind)
    flat = pa.Array.from_buffers(number, size, [None, buffer], offset=first)
    return pa.Array.from_buffers(numbers, 1, [None, _ends(size)], children=[flat])


def word_column(words: Sequence[str], which: IntArray) -> pa.Array:
    """Return words, by their places ``which`` ``(T,)`` in ``words``, as the one row of a column."""
    chosen = pa.array(words, pa.string()).take(pa.array(which))
    return pa.ListArray.from_arrays([0, len(which)], chosen)


@lru_cache(maxsize=256)
def _ends(size: int) -> pa.Buffer:
    """Return where the one list of a column begins and ends."""
    return pa.py_buffer(struct.pack("<ii", 0, size))


@lru_cache(maxsize=8)
def _types(kind: str) -> tuple[pa.DataType, pa.DataType]:
    number = pa.from_numpy_dtype(np.dtype(kind))
    return number, pa.list_(number)


MOST_TICKS = 2**22
"""More than four days."""


class BlockSource:
    """The columns of a table, as fresh numpy arrays of checked shapes; bad ones raise ValueError or KeyError.

    ``slots`` for road users and ``points`` of the route that a scene has; the critics beside the three are ``more``.
    """

    def __init__(self, table: pa.Table, slots: int, points: int, more: tuple[str, ...] = ()) -> None:
        if table.num_rows != 1:
            raise ValueError(f"{table.num_rows} drives in a file")
        self._table, self._slots, self._points, self._more = table, slots, points, more
        self.ticks = len(self._values("time_s"))
        if not 0 < self.ticks <= MOST_TICKS:
            raise ValueError(f"it has {self.ticks} ticks, a drive has 1 to {MOST_TICKS}")

    def scenes(self) -> SceneBatch:
        """Return the scenes."""
        actors = self._block("actors", len(ActorRow) * self._slots).reshape(len(ActorRow), self._slots, self.ticks)
        points = np.ascontiguousarray(self._block("route_points", self._points * 3).T)
        return SceneBatch(
            time_s=self._row("time_s"),
            **{name: self._whole(name) for name in COUNTERS},
            ego=EgoState(self._block("ego", len(EgoRow))),
            actors=ActorStates(np.ascontiguousarray(actors.swapaxes(1, 2))),
            road=RoadState(self._block("road", len(RoadRow))),
            route=RouteState(self._block("route", len(RouteRow)), points.reshape(self.ticks, self._points, 3)),
            events=Events(self._block("events", len(EventRow))),
        )

    def trace(self, observed: int) -> PlannerTrace:
        """Return the planner's numbers; ``observed`` of them are an observation."""
        arrays: dict[str, Any] = dict.fromkeys(OPTIONAL_TRACES)
        widths = TRACE_WIDTHS | dict.fromkeys(MORE_TRACES if self._more else (), len(self._more))
        for name, width in widths.items():
            if name not in (*OPTIONAL_TRACES, *MORE_TRACES) or name in self._table.column_names:
                arrays[name] = np.ascontiguousarray(self._block(name, width).T)
        if "observation" in self._table.column_names:
            arrays["observation"] = self._sized("observation", observed, "f4").reshape(self.ticks, observed)
        if "hint_index" in self._table.column_names:
            arrays["hint_index"] = self._whole("hint_index")
        arrays |= {name: self._words(name) for name in WORDS}
        return PlannerTrace(**arrays, hint_age_s=self._row("hint_age_s"), more_critics=self._more)

    def hashes(self, scenes: SceneBatch) -> HashArray:
        """Return the hashes of the states, which are made of what was stored."""
        return state_hash(scenes)

    def _block(self, name: str, rows: int) -> Numbers:
        return self._sized(name, rows, "f8").reshape(rows, self.ticks)

    def _row(self, name: str) -> Numbers:
        return self._sized(name, 1, "f8")

    def _whole(self, name: str) -> IntArray:
        return self._sized(name, 1, "i8")

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(self._checked(name, pa.string(), self.ticks).to_pylist())

    def _sized(self, name: str, rows: int, kind: str) -> Numbers:
        numbers: Numbers = np.array(self._checked(name, _types(kind)[0], rows * self.ticks).to_numpy())
        return numbers

    def _checked(self, name: str, kind: pa.DataType, count: int) -> pa.Array:
        """Return the values of a column if they are ``count`` of that kind: what takes no room in a file may here."""
        values = self._values(name)
        if values.type != kind or values.null_count:
            raise ValueError(f"column {name} holds other things than values of the type {kind}")
        if len(values) != count:
            raise ValueError(f"column {name} holds {len(values)} values, expected {count} for {self.ticks} ticks")
        return values

    def _values(self, name: str) -> pa.Array:
        if name not in self._table.column_names:
            raise KeyError(f"column {name} is missing")
        column = self._table.column(name).combine_chunks()
        if not pa.types.is_list(column.type):
            raise ValueError(f"column {name} holds no lists")
        return column.flatten()
