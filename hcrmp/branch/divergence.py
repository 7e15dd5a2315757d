"""Two drives number by number: where they part first, in which numbers, and by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording import REWARD_NAMES, DriveLog
from envs.scene import ActorRow, BoolArray, EgoRow, EventRow, FloatArray, RoadRow, RouteRow, SceneBatch

CONTROL_NAMES = ("throttle", "brake", "steer")

Column = tuple[str, npt.NDArray[Any]]
"""A name and its numbers over time ``(T,)``."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that was ``recorded`` and came out otherwise ``again``."""

    name: str
    recorded: float
    again: float


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first tick at which two drives are not the same, and every number that differs there."""

    tick: int
    time_s: float
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return asdict(self)


def first_divergence(recorded: DriveLog, again: DriveLog, ticks: int | None = None) -> Divergence | None:
    """Return where ``again`` parts from ``recorded`` within their first ``ticks`` (default: all); None: nowhere.

    Numbers are compared bit for bit, but for the sign of zero, and as far as the file keeps them; the hashes of the
    states tell of the bits that it does not keep. Which cell of which set of scenarios a drive was is not compared. A
    drive that ends earlier parts from the other where it ends.
    """
    count = min(len(recorded), len(again)) if ticks is None else min(len(recorded), len(again), ticks)
    wanted = len(recorded) if ticks is None else min(len(recorded), ticks)
    pairs = [(name, mine[:count], theirs[:count]) for name, mine, theirs in _pairs(recorded, again)]
    differs = np.array([_differ(name, mine, theirs) for name, mine, theirs in pairs])
    at = np.flatnonzero(differs.any(axis=0) | _other_states(recorded, again, count))
    if len(at):
        tick = int(at[0])
        if not differs[:, tick].any():
            below = Difference("state hash (beyond the digits that the file keeps)", 0.0, 0.0)
            return Divergence(tick, float(recorded.scenes.time_s[tick]), (below,))
        found = tuple(
            Difference(name, float(mine[tick]), float(theirs[tick]))
            for (name, mine, theirs), differ in zip(pairs, differs[:, tick], strict=True)
            if differ
        )
        return Divergence(tick, float(recorded.scenes.time_s[tick]), found)
    if count < wanted or (ticks is None and len(again) > len(recorded)):
        last = Difference("ticks", float(len(recorded)), float(len(again)))
        return Divergence(count, float(recorded.scenes.time_s[count - 1]), (last,))
    return None


def without_hints(drive: DriveLog) -> DriveLog:
    """Return the drive without its hints: other hints need not mean other states."""
    return replace(drive, trace=replace(drive.trace, hint_state=None))


def _differ(name: str, recorded: npt.NDArray[Any], again: npt.NDArray[Any]) -> BoolArray:
    """Return at which ticks ``(T,)`` numbers differ; those of other road users may have been rounded for the file."""
    differs: BoolArray = recorded != again
    if name.startswith("actors["):
        differs &= recorded != again.astype(np.float32)
    return differs


def _other_states(recorded: DriveLog, again: DriveLog, count: int) -> BoolArray:
    """Return at which of ``count`` ticks the states' hashes differ; where there are none, or other slots, nowhere."""
    mine, theirs = recorded.state_hash, again.state_hash
    if mine is None or theirs is None or recorded.scenes.actor_slots != again.scenes.actor_slots:
        return np.zeros(count, np.bool_)
    other: BoolArray = mine[:count] != theirs[:count]
    return other


def compared_numbers(drive: DriveLog) -> int:
    """Return how many numbers a comparison of a drive with itself looks at."""
    return sum(values.size for _, values in _columns(drive, np.arange(drive.scenes.actor_slots)))


def _pairs(recorded: DriveLog, again: DriveLog) -> Iterator[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]]:
    """Yield a name and its numbers in both drives, for all that both have."""
    slots = _same_slots(recorded.scenes, again.scenes)
    theirs = dict(_columns(again, slots))
    for name, mine in _columns(recorded, np.arange(recorded.scenes.actor_slots)):
        if name in theirs:
            yield name, mine, theirs[name]


def _same_slots(recorded: SceneBatch, again: SceneBatch) -> npt.NDArray[np.int64]:
    """Return for each slot of ``recorded`` the slot of ``again`` with the same road user; -1 where there is none.

    A drive is simulated again in worlds that may have more or fewer slots.
    """
    if recorded.actor_slots == again.actor_slots:
        return np.arange(recorded.actor_slots)
    place = {number: slot for slot, number in _numbers(again).items()}
    mine = _numbers(recorded)
    return np.array([place.get(mine.get(slot, -1), -1) for slot in range(recorded.actor_slots)], dtype=np.int64)


def _numbers(scenes: SceneBatch) -> dict[int, int]:
    """Return the id of who is in each slot that is ever used."""
    valid, ids = scenes.actors.valid, scenes.actors.id
    return {int(slot): int(ids[np.argmax(valid[:, slot]), slot]) for slot in np.flatnonzero(valid.any(axis=0))}


def _columns(drive: DriveLog, slots: npt.NDArray[np.int64]) -> Iterator[Column]:
    """Yield every number of a drive by its name; ``slots``: which of its slots is called by which number."""
    scenes = drive.scenes
    yield "time_s", scenes.time_s
    yield "step", scenes.step
    groups: tuple[tuple[str, type[IntEnum]], ...] = (("ego", EgoRow), ("road", RoadRow), ("route", RouteRow))
    for group, rows in groups:
        for row in rows:
            yield f"{group}.{row.name.lower()}", getattr(scenes, group).block[row]
    for event in EventRow:
        numbers = scenes.events.block[event]
        yield f"events.{event.name.lower()}", _called(numbers, slots) if event is EventRow.COLLISION_ACTOR else numbers
    for name, slot in enumerate(slots):
        for part in ActorRow:
            numbers = scenes.actors.block[part, :, slot] if slot >= 0 else np.zeros(len(drive))
            yield f"actors[{name}].{part.name.lower()}", numbers
    points = scenes.route.points.reshape(len(drive), -1)
    for k in range(points.shape[1]):
        yield f"route.points[{k // 3}].{'xyh'[k % 3]}", points[:, k]
    yield from _trace_columns(drive)


def _trace_columns(drive: DriveLog) -> Iterator[Column]:
    trace = drive.trace
    for k, name in enumerate(CONTROL_NAMES):
        yield f"control.{name}", trace.control[:, k]
    for k, name in enumerate(REWARD_NAMES):
        yield f"reward.{name}", trace.reward_terms[:, k]
    if trace.more_reward_terms is not None:
        for k, name in enumerate(trace.more_critics):
            yield f"reward.{name}", trace.more_reward_terms[:, k]
    if trace.hint_state is not None:
        for k in range(trace.hint_state.shape[1]):
            yield f"hint.state[{k}]", trace.hint_state[:, k]
        yield "hint.age_s", trace.hint_age_s


def _called(slot_of: FloatArray, slots: npt.NDArray[np.int64]) -> FloatArray:
    """Return slots ``(T,)`` by the numbers that they are called by; none stays -1."""
    names = {slot: name for name, slot in enumerate(slots.tolist())}
    return np.array([names.get(int(slot), -1) if slot >= 0 else -1 for slot in slot_of], dtype=np.float64)
