"""From raw ticks of many drives to one drive: its own are taken out of those that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording.drive_log import DriveLog
from envs.recording.journal import Piece
from envs.recording.schema import MORE_TRACES, TRACE_WIDTHS, DriveMeta, HintTold, PlannerTrace, plain_meta
from envs.recording.ticks import WHOLE, Arrays, TickLayout, places_of
from envs.roads.drawing import RoadDrawing
from envs.scene import (
    ROUTE_POINTS,
    ActorRow,
    ActorStates,
    EgoState,
    Events,
    FloatArray,
    IntArray,
    RoadState,
    RouteState,
    SceneBatch,
)

HintWords = Callable[[FloatArray, FloatArray], Sequence[str]]
"""Words for hints: of their numbers ``(k, 13)`` and weights ``(k, 3)``, k texts."""

SourceWords = Sequence[str]
"""Names of the sources of hints, by their codes."""

Row = Mapping[str, npt.NDArray[Any]]
"""Numbers of one tick by name: what a planner sees, or tells."""

TellLast = Callable[[Sequence[Row]], Mapping[str, npt.NDArray[Any]]]
"""What a planner tells of n last ticks, given what it saw in each: arrays ``(n, ...)`` by names of ``PLANNER``."""

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
    """A drive that is being recorded, from the row ``first`` on, and what is known beside its ticks."""

    number: int
    name: str
    first: int
    meta: DriveMeta
    drawing: RoadDrawing
    hints: list[HintTold] = field(default_factory=list)

    def told_start(self, road: int) -> dict[str, Any]:
        """Return the journal's line for its start."""
        return {"drive": self.number, "name": self.name, "first": self.first, "road": road,
                "meta": plain_meta(self.meta)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """How a drive ended: the row that none of its is behind, its outcome, further words for ``DriveMeta.extra``.

    ``seen`` is what its planner saw in the last tick, where it is yet to tell of that.
    """

    drive: RecordedDrive
    last: int
    outcome: str
    extra: Mapping[str, str] = field(default_factory=dict)
    seen: Row | None = None

    def told(self) -> dict[str, Any]:
        """Return the journal's line for it."""
        return {"drive": self.drive.number, "last": self.last, "outcome": self.outcome, "extra": dict(self.extra)}


def assemble(
    ending: Ending,
    pieces: Iterable[Piece],
    layout: TickLayout,
    words: HintWords,
    sources: SourceWords,
    told: Row | None = None,
) -> DriveLog | None:
    """Return the drive that ``pieces`` hold, its states not hashed; None where they hold no tick of it.

    ``told``: numbers of its last tick that came later, by name.
    """
    ticks = _cut(ending, pieces, layout)
    if not len(ticks["step"]):
        return None
    for name, numbers in (told or {}).items():
        ticks[name][:, -1] = numbers
    drive = ending.drive
    extra = {**drive.meta.extra, **ending.extra}
    return DriveLog(
        meta=replace(drive.meta, outcome=ending.outcome, extra=extra),
        drawing=drive.drawing,
        scenes=_scenes(ticks),
        trace=replace(_trace(ticks, drive.hints, words, sources), more_critics=layout.more),
        hints=tuple(drive.hints),
    )


def told_of(endings: Sequence[Ending], tell_last: TellLast | None) -> Iterator[Row]:
    """Yield what a planner tells of the last tick of each drive, asked of all at once; nothing where it has told."""
    seen = [ending.seen for ending in endings if ending.seen is not None]
    told = tell_last(seen) if seen and tell_last is not None else {}
    numbers = iter(range(len(seen)))
    for ending in endings:
        row = None if ending.seen is None else next(numbers)
        yield {} if row is None else {name: array[row] for name, array in told.items()}


def _cut(ending: Ending, pieces: Iterable[Piece], layout: TickLayout) -> Arrays:
    """Return what the ticks of a drive hold, by name: numbers ``(rows, T)``, all else ``(T, ...)``."""
    first, last, number = ending.drive.first, ending.last, ending.drive.number
    parts: dict[str, list[npt.NDArray[Any]]] = {"whole": [], "numbers": [], "observation": []}
    for piece in pieces:
        begin, end = max(first - piece.first, 0), min(last + 1 - piece.first, len(piece))
        if begin < end:
            here = begin + np.flatnonzero(piece.arrays["drive"][begin:end] == number)
            for name, arrays in parts.items():
                arrays.append(piece.arrays[name][here])
    if not parts["whole"]:
        return {"step": np.zeros(0)}
    cut = {name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for name, arrays in parts.items()}
    ticks = {name: cut["whole"][:, place] for place, name in enumerate(WHOLE)} | {"observation": cut["observation"]}
    # Turned round at once: a drive's file has its numbers row by row over time.
    over_time = np.ascontiguousarray(cut["numbers"].T)
    return ticks | {name: over_time[place] for name, place in places_of(layout).items()}


def _scenes(ticks: Arrays) -> SceneBatch:
    actors = ticks["actors"].reshape(len(ActorRow), -1, len(ticks["step"]))
    return SceneBatch(
        time_s=ticks["time_s"][0],
        step=ticks["step"],
        cell=ticks["cell"],
        seed=ticks["seed"],
        ego=EgoState(ticks["ego"]),
        actors=ActorStates(actors.swapaxes(1, 2)),
        road=RoadState(ticks["road"]),
        route=RouteState(ticks["route"], ticks["points"].T.reshape(-1, ROUTE_POINTS, 3)),
        events=Events(ticks["events"]),
    )


def _trace(ticks: Arrays, hints: Sequence[HintTold], words: HintWords, sources: SourceWords) -> PlannerTrace:
    names = tuple(sources[code] if 0 <= code < len(sources) else "" for code in ticks["hint_source"].tolist())
    issued_at_s, time_s = ticks["hint_issued_at_s"][0], ticks["time_s"][0]
    return PlannerTrace(
        **{name: ticks[name].T if name in ticks else None for name in (*TRACE_WIDTHS, *MORE_TRACES)},  # type: ignore[arg-type]
        hint_text=_texts(ticks["hint_state"].T, ticks["hint_weights"].T, words),
        hint_source=names,
        hint_age_s=time_s - issued_at_s,
        observation=ticks["observation"],
        hint_index=_index(issued_at_s, names, hints) if hints else None,
    )


def _texts(state: FloatArray, weights: FloatArray, words: HintWords) -> tuple[str, ...]:
    """Return the words of each tick's hint; those of equal hints in a row are made once."""
    numbers = np.concatenate([state, weights], axis=1)
    changes = np.flatnonzero(np.append(True, (numbers[1:] != numbers[:-1]).any(axis=1)))
    texts = words(state[changes], weights[changes])
    lengths = np.diff(np.append(changes, len(state)))
    return tuple(text for text, length in zip(texts, lengths, strict=True) for _ in range(length))


def _index(issued_at_s: FloatArray, names: Sequence[str], hints: Sequence[HintTold]) -> IntArray:
    """Return which of ``hints`` holds at each tick: that of its time of issue."""
    held = np.array([name in HELD_SOURCES for name in names])
    index = np.full(len(issued_at_s), -1, dtype=np.int64)
    for number, hint in enumerate(hints):
        if hint.source == "model":
            index[held & (issued_at_s == hint.asked_at_s)] = number
    return index
