"""From raw slots to drives: one world's ticks are cut out of the slots that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording.drive_log import DriveLog
from envs.recording.journal import Piece
from envs.recording.schema import TRACE_WIDTHS, DriveMeta, HintTold, PlannerTrace
from envs.recording.slots import FIELD_FIRST, Phase
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
        meta = asdict(self.meta) | {"extra": dict(self.meta.extra), "configuration": {}}
        return {"drive": self.number, "name": self.name, "world": self.world, "first": self.first,
                "road": road, "meta": meta}  # fmt: skip


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


def assemble(ending: Ending, pieces: Iterable[Piece], words: HintWords, sources: SourceWords) -> DriveLog | None:
    """Return the drive that ``pieces`` hold; None where they hold no tick of it."""
    cut = _cut(ending, pieces)
    if not len(cut["time_s"]):
        return None
    scenes = _scenes(cut)
    hashes = state_hash(scenes)
    drive = ending.drive
    extra = {**drive.meta.extra, **ending.extra}
    return DriveLog(
        meta=replace(drive.meta, outcome=ending.outcome, trace_hash=trace_hash(hashes), extra=extra),
        drawing=drive.drawing,
        scenes=scenes,
        trace=_trace(cut, drive.hints, words, sources),
        hints=tuple(drive.hints),
        state_hash=hashes,
    )


def _cut(ending: Ending, pieces: Iterable[Piece]) -> dict[str, npt.NDArray[Any]]:
    """Return the ticks of a drive, time first; fields of a scene's blocks first where they are so there."""
    first, last, world = ending.drive.first, ending.last, ending.drive.world
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for piece in pieces:
        begin, end = max(first - piece.first, 0), min(last + 1 - piece.first, len(piece))
        if begin >= end:
            continue
        here = begin + np.flatnonzero(piece.arrays["phase"][begin:end, world] != Phase.NOTHING)
        for name, array in piece.arrays.items():
            # Basic indexing first: the choice of ticks then copies one world's numbers alone.
            of_world = array[:, :, world] if name in FIELD_FIRST else array[:, world]
            parts.setdefault(name, []).append(of_world[here])
    cut = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return cut or {"time_s": np.zeros(0)}


def _scenes(cut: Mapping[str, npt.NDArray[Any]]) -> SceneBatch:
    block = {name: np.ascontiguousarray(cut[name].swapaxes(0, 1)) for name in FIELD_FIRST}
    return SceneBatch(
        time_s=cut["time_s"],
        step=cut["step"],
        cell=cut["cell"],
        seed=cut["seed"],
        ego=EgoState(block["ego"]),
        actors=ActorStates(block["actors"]),
        road=RoadState(block["road"]),
        route=RouteState(block["route"], cut["points"]),
        events=Events(block["events"]),
    )


def _trace(
    cut: Mapping[str, npt.NDArray[Any]], hints: Sequence[HintTold], words: HintWords, sources: SourceWords
) -> PlannerTrace:
    names = tuple(sources[code] if 0 <= code < len(sources) else "" for code in cut["hint_source"].tolist())
    issued_at_s = cut["hint_issued_at_s"]
    return PlannerTrace(
        **{name: cut.get(name) for name in TRACE_WIDTHS},  # type: ignore[arg-type]
        hint_text=_texts(cut["hint_state"], cut["hint_weights"], words),
        hint_source=names,
        hint_age_s=cut["time_s"] - issued_at_s,
        observation=cut["observation"],
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
