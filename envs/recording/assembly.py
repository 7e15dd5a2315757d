"""From raw slots to drives: one world's ticks are cut out of the slots that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording.drive_log import DriveLog
from envs.recording.journal import Piece
from envs.recording.schema import MORE_TRACES, TRACE_WIDTHS, DriveMeta, HintTold, PlannerTrace, plain_meta
from envs.recording.slots import WHOLE, Arrays, Phase, SlotLayout
from envs.recording.state_hash import state_hash, trace_hash
from envs.roads.drawing import RoadDrawing
from envs.scene import (
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

HELD_SOURCES = ("model", "stale")
"""Sources whose hint, fading or not, is one that a model gave at its time of issue."""


def no_words(state: FloatArray, weights: FloatArray) -> list[str]:
    """Return no words for hints."""
    return [""] * len(state)


@dataclass
class RecordedDrive:
    """A drive that is being recorded: ``world`` from the slot ``first`` on, and what is known beside the slots."""

    number: int
    name: str
    world: int
    first: int
    meta: DriveMeta
    drawing: RoadDrawing
    hints: list[HintTold] = field(default_factory=list)

    def told_start(self, road: int) -> dict[str, Any]:
        """Return the journal's line for its start."""
        return {"drive": self.number, "name": self.name, "world": self.world, "first": self.first,
                "road": road, "meta": plain_meta(self.meta)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """How a drive ended: its last slot, its outcome, further words for ``DriveMeta.extra``."""

    drive: RecordedDrive
    last: int
    outcome: str
    extra: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return the journal's line for it."""
        return {"drive": self.drive.number, "last": self.last, "outcome": self.outcome, "extra": dict(self.extra)}


def assemble(
    ending: Ending, pieces: Iterable[Piece], layout: SlotLayout, words: HintWords, sources: SourceWords
) -> DriveLog | None:
    """Return the drive that ``pieces`` hold; None where they hold no tick of it."""
    ticks = _cut(ending, pieces, layout)
    if not len(ticks["time_s"]):
        return None
    scenes = _scenes(ticks)
    hashes = state_hash(scenes)
    drive = ending.drive
    extra = {**drive.meta.extra, **ending.extra}
    return DriveLog(
        meta=replace(drive.meta, outcome=ending.outcome, trace_hash=trace_hash(hashes), extra=extra),
        drawing=drive.drawing,
        scenes=scenes,
        trace=replace(_trace(ticks, drive.hints, words, sources), more_critics=layout.more),
        hints=tuple(drive.hints),
        state_hash=hashes,
    )


def _cut(ending: Ending, pieces: Iterable[Piece], layout: SlotLayout) -> Arrays:
    """Return what the ticks of a drive hold, ``(T, ...)`` by name."""
    first, last, world = ending.drive.first, ending.last, ending.drive.world
    parts: dict[str, list[npt.NDArray[Any]]] = {"whole": [], "numbers": [], "observation": []}
    for piece in pieces:
        begin, end = max(first - piece.first, 0), min(last + 1 - piece.first, len(piece))
        if begin < end:
            here = begin + np.flatnonzero(piece.arrays["phase"][begin:end, world] != Phase.NOTHING)
            for name, arrays in parts.items():
                arrays.append(piece.arrays[name][here, world])
    if not parts["whole"]:
        return {"time_s": np.zeros(0)}
    cut = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    ticks = {name: cut["whole"][:, place] for place, name in enumerate(WHOLE)} | {"observation": cut["observation"]}
    for name, place in layout.places().items():
        ticks[name] = cut["numbers"][:, place].reshape(-1, *layout.numbers()[name])
    return ticks


def _scenes(ticks: Arrays) -> SceneBatch:
    return SceneBatch(
        time_s=ticks["time_s"],
        step=ticks["step"],
        cell=ticks["cell"],
        seed=ticks["seed"],
        ego=EgoState(np.ascontiguousarray(ticks["ego"].T)),
        actors=ActorStates(np.ascontiguousarray(ticks["actors"].swapaxes(0, 1))),
        road=RoadState(np.ascontiguousarray(ticks["road"].T)),
        route=RouteState(np.ascontiguousarray(ticks["route"].T), ticks["points"]),
        events=Events(np.ascontiguousarray(ticks["events"].T)),
    )


def _trace(ticks: Arrays, hints: Sequence[HintTold], words: HintWords, sources: SourceWords) -> PlannerTrace:
    names = tuple(sources[code] if 0 <= code < len(sources) else "" for code in ticks["hint_source"].tolist())
    issued_at_s = ticks["hint_issued_at_s"]
    return PlannerTrace(
        **{name: ticks.get(name) for name in (*TRACE_WIDTHS, *MORE_TRACES)},  # type: ignore[arg-type]
        hint_text=_texts(ticks["hint_state"], ticks["hint_weights"], words),
        hint_source=names,
        hint_age_s=ticks["time_s"] - issued_at_s,
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
