"""The moments of a drive that a person wants to jump to."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.recording import DriveLog
from envs.scene import ActorKind, BoolArray, FloatArray

DANGER_TTC_S = 1.5
"""A moment is dangerous from here on down (time to collision, s; ours: the usual threshold of a serious conflict)."""

CALM_TTC_S = 2.5
"""Danger is over from here on up (s); between the two it lasts, so that one conflict is one bookmark."""


def bookmarks(drive: DriveLog, ttc_s: FloatArray) -> list[dict[str, Any]]:
    """Return bookmarks in the order of time: ``tick``, ``kind`` (for its colour) and ``label`` in words.

    ``ttc_s`` ``(T,)`` is the time to collision of each tick.
    """
    found = [*_events(drive), *_dangers(ttc_s), *_hint_changes(drive)]
    return sorted(found, key=lambda bookmark: int(bookmark["tick"]))


def _events(drive: DriveLog) -> list[dict[str, Any]]:
    events = drive.scenes.events
    found = [_bookmark(tick, "collision", _collision_words(drive, tick)) for tick in _onsets(events.collision)]
    for name, flags in (
        ("off_road", events.off_road),
        ("red_light", events.red_light),
        ("stop_sign", events.stop_sign),
        ("wrong_way", events.wrong_way),
        ("route_deviation", events.route_deviation),
    ):
        found += [_bookmark(tick, "violation", name.replace("_", " ")) for tick in _onsets(flags)]
    found += [_bookmark(tick, "goal", "goal reached") for tick in _onsets(events.goal_reached)]
    if drive.meta.outcome == "timeout":
        found.append(_bookmark(len(drive) - 1, "violation", "time is up"))
    return found


def _collision_words(drive: DriveLog, tick: int) -> str:
    slot = int(drive.scenes.events.collision_actor[tick])
    if slot < 0:
        return "collision"
    kind = ActorKind(int(drive.scenes.actors.kind[tick, slot])).name.lower()
    return f"collision with {kind} {int(drive.scenes.actors.id[tick, slot])}"


def _dangers(ttc_s: FloatArray) -> list[dict[str, Any]]:
    """Return one bookmark for each time that the time to collision falls under the threshold."""
    found = []
    calm = True
    for tick, value in enumerate(ttc_s.tolist()):
        if calm and value < DANGER_TTC_S:
            found.append(_bookmark(tick, "danger", f"danger: {value:.1f} s to a collision"))
            calm = False
        elif value > CALM_TTC_S:
            calm = True
    return found


def _hint_changes(drive: DriveLog) -> list[dict[str, Any]]:
    texts = drive.trace.hint_text
    changes = [tick for tick in range(1, len(texts)) if texts[tick] != texts[tick - 1]]
    return [_bookmark(tick, "hint", f"hint: {texts[tick] or 'none'}") for tick in changes]


def _onsets(flags: BoolArray) -> list[int]:
    """Return the ticks at which a flag rises."""
    before = np.concatenate([[False], flags[:-1]])
    return [int(tick) for tick in np.flatnonzero(flags & ~before)]


def _bookmark(tick: int, kind: str, label: str) -> dict[str, Any]:
    return {"tick": tick, "kind": kind, "label": label}
