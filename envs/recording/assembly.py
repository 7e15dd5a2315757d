"""From the raw ticks of a drive to the table that its file holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from envs.recording.blocks import COUNTERS, arrow_column, piece_column, word_column
from envs.recording.schema import DriveMeta, HintTold, plain_meta
from envs.recording.tick_store import Cut
from envs.recording.ticks import WHOLE, TickLayout, places_of
from envs.recording.writing import drive_metadata, table_of
from envs.roads.drawing import RoadDrawing
from envs.scene import ROUTE_POINTS, FloatArray, IntArray

HintWords = Callable[[FloatArray, FloatArray], Sequence[str]]
"""Words for hints: of their numbers ``(k, 13)`` and weights ``(k, 3)``, k texts."""

SourceWords = Sequence[str]
"""Names of the sources of hints, by their codes."""

Row = Mapping[str, npt.NDArray[Any]]
"""Numbers of one tick by name: what a planner sees, or tells."""

TellLast = Callable[[Sequence[Row]], Mapping[str, npt.NDArray[Any]]]
"""What a planner tells of n last ticks, given what it saw in each: arrays ``(n, ...)`` by names of ``PLANNER``."""

ISSUED = "hint_issued_at_s"
"""What a file has as the hint's age."""

COLUMN_OF = {"points": "route_points"}
"""Names of columns that are others than those of the ticks' numbers."""

HELD_SOURCES = ("model", "stale")
"""Sources whose hint, fading or not, is one that a model gave at its time of issue."""


def no_words(state: FloatArray, weights: FloatArray) -> list[str]:
    """Return no words for hints."""
    return [""] * len(state)


@dataclass(frozen=True, slots=True)
class DriveStart:
    """A drive that begins: the ``name`` of its file, what it is (its outcome comes at its end), the road's drawing."""

    name: str
    meta: DriveMeta
    drawing: RoadDrawing


@dataclass
class RecordedDrive:
    """A drive that is being recorded, and what is known beside its ticks."""

    number: int
    name: str
    meta: DriveMeta
    drawing: RoadDrawing
    hints: list[HintTold] = field(default_factory=list)

    def told_start(self, road: int) -> dict[str, Any]:
        """Return the journal's line for its start."""
        return {"drive": self.number, "name": self.name, "road": road, "meta": plain_meta(self.meta)}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a drive ended: the number of its ticks, its outcome, further words for ``DriveMeta.extra``.

    ``seen`` is what its planner saw in the last tick, where it is yet to tell of that.
    """

    drive: RecordedDrive
    ticks: int
    outcome: str
    extra: Mapping[str, str] = field(default_factory=dict)
    seen: Row | None = None

    def told(self) -> dict[str, Any]:
        """Return the journal's line for it."""
        return {"drive": self.drive.number, "ticks": self.ticks, "outcome": self.outcome, "extra": dict(self.extra)}


def told_of(endings: Sequence[Ending], tell_last: TellLast | None) -> Iterator[Row]:
    """Yield what a planner tells of the last tick of each drive, asked of all at once; nothing where it has told."""
    seen = [ending.seen for ending in endings if ending.seen is not None]
    told = tell_last(seen) if seen and tell_last is not None else {}
    numbers = iter(range(len(seen)))
    for ending in endings:
        row = None if ending.seen is None else next(numbers)
        yield {} if row is None else {name: array[row] for name, array in told.items()}


def drive_table(
    ending: Ending,
    ticks: Cut,
    layout: TickLayout,
    words: HintWords,
    sources: SourceWords,
    told: Row | None = None,
) -> pa.RecordBatch:
    """Return the table of a drive, as its file holds it, of its ticks.

    ``told``: numbers of its last tick that came later, by name.
    """
    drive, places = ending.drive, places_of(layout)
    for name, numbers in (told or {}).items():
        ticks.numbers[places[name], -1] = numbers
    meta = replace(drive.meta, outcome=ending.outcome, extra={**drive.meta.extra, **ending.extra})
    metadata = drive_metadata(
        meta, drive.drawing, drive.hints, slots=layout.actors, points=ROUTE_POINTS, observation=layout.observation,
        more=layout.more,
    )  # fmt: skip
    return table_of(dict(_columns(ticks, layout, drive.hints, words, sources)), metadata)


def _columns(
    ticks: Cut, layout: TickLayout, hints: Sequence[HintTold], words: HintWords, sources: SourceWords
) -> Iterator[tuple[str, pa.Array]]:
    """Yield name and content of every column; most are pieces of what was cut."""
    count, places = ticks.whole.shape[1], places_of(layout)
    whole, numbers = pa.py_buffer(ticks.whole), pa.py_buffer(ticks.numbers)
    for name in COUNTERS:
        yield name, piece_column(whole, "q", WHOLE.index(name) * count, count)
    for name, place in places.items():
        if name != ISSUED:
            yield COLUMN_OF.get(name, name), piece_column(numbers, "d", place.start * count, _width(place) * count)
    codes, issued_at_s = ticks.whole[WHOLE.index("hint_source")], ticks.numbers[places[ISSUED].start]
    yield "hint_age_s", arrow_column(ticks.numbers[places["time_s"].start] - issued_at_s)
    if hints:
        yield "hint_index", arrow_column(_index(issued_at_s, codes, sources, hints))
    yield "observation", arrow_column(ticks.observation)
    state, weights = (ticks.numbers[places[name]] for name in ("hint_state", "hint_weights"))
    yield "hint_text", word_column(*_texts(state, weights, words))
    known = np.where((codes >= 0) & (codes < len(sources)), codes, len(sources))
    yield "hint_source", word_column([*sources, ""], known)


def _width(place: slice) -> int:
    return int(place.stop - place.start)


def _texts(state: FloatArray, weights: FloatArray, words: HintWords) -> tuple[Sequence[str], IntArray]:
    """Return the words of hints ``(13, T)``, ``(3, T)``, and which of them holds at each tick.

    Those of equal hints in a row are made once.
    """
    changes = (state[:, 1:] != state[:, :-1]).any(axis=0) | (weights[:, 1:] != weights[:, :-1]).any(axis=0)
    first = np.flatnonzero(np.append(True, changes))
    return words(state[:, first].T, weights[:, first].T), np.append(0, np.cumsum(changes))


def _index(issued_at_s: FloatArray, codes: IntArray, sources: SourceWords, hints: Sequence[HintTold]) -> IntArray:
    """Return which of ``hints`` holds at each tick: that of its time of issue."""
    held = np.isin(codes, [code for code, name in enumerate(sources) if name in HELD_SOURCES])
    index = np.full(len(issued_at_s), -1, dtype=np.int64)
    for number, hint in enumerate(hints):
        if hint.source == "model":
            index[held & (issued_at_s == hint.asked_at_s)] = number
    return index
