"""The moments of a drive that a person wants to jump to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from envs.metrics.comfort import DEFAULT_LIMITS
from envs.metrics.rules import onsets
from envs.recording import DriveLog
from envs.scene import ActorKind, BoolArray, FloatArray, SceneBatch, SignalState
from hcrmp.viewer.critical import Critical

DANGER_TTC_S = 1.5
"""A moment is a near miss from here on down (time to collision, s; ours: the usual threshold of a serious conflict)."""

CALM_TTC_S = 2.5
"""A near miss is over from here on up (s); between the two it lasts, so that one conflict is one bookmark."""

HARD_BRAKE_MPS2 = DEFAULT_LIMITS.longitudinal_deceleration
"""A deceleration from here on up is hard; it is over below half of it."""

FORGOTTEN_S = 3.0
"""Who was not critical for so long is new when critical again (s)."""

ANOTHER_LINE_M = 5.0
"""A distance to the stop line that grows by more than this belongs to another line (m)."""


def bookmarks(drive: DriveLog, risk: Critical) -> list[dict[str, Any]]:
    """Return bookmarks in the order of time: ``tick``, ``kind`` (for its mark) and ``label`` in words."""
    found = [
        *_events(drive),
        *_near_misses(drive, risk),
        *_new_critical(drive, risk),
        *_hard_brakes(drive.scenes.ego.acceleration),
        *_signal_changes(drive.scenes),
        *_hint_changes(drive.trace.hint_text),
    ]
    return sorted(found, key=lambda bookmark: int(bookmark["tick"]))


def _events(drive: DriveLog) -> Iterator[dict[str, Any]]:
    events = drive.scenes.events
    for tick in onsets(events.collision):
        yield _bookmark(tick, "collision", _collision_words(drive, tick))
    for kind, name, flags in (
        ("violation", "off road", events.off_road),
        ("violation", "red light run", events.red_light),
        ("violation", "stop sign run", events.stop_sign),
        ("violation", "wrong way", events.wrong_way),
        ("violation", "off the route", events.route_deviation),
        ("lane", "over the lane's border", events.lane_invasion),
        ("goal", "goal reached", events.goal_reached),
    ):
        for tick in onsets(flags):
            yield _bookmark(tick, kind, name)
    if drive.meta.outcome == "timeout":
        yield _bookmark(len(drive) - 1, "violation", "time is up")


def _collision_words(drive: DriveLog, tick: int) -> str:
    slot = int(drive.scenes.events.collision_actor[tick])
    return f"collision with {_name(drive.scenes, tick, slot)}" if 0 <= slot < drive.scenes.actor_slots else "collision"


def _name(scenes: SceneBatch, tick: int, slot: int) -> str:
    kind = ActorKind(int(scenes.actors.kind[tick, slot])).name.lower()
    return f"{kind} {int(scenes.actors.id[tick, slot])}"


def _near_misses(drive: DriveLog, risk: Critical) -> Iterator[dict[str, Any]]:
    """Yield one bookmark for each time that the time to collision falls under the threshold."""
    for tick in _spells(risk.ttc_s < DANGER_TTC_S, risk.ttc_s > CALM_TTC_S):
        who = _name(drive.scenes, tick, int(risk.slot[tick]))
        yield _bookmark(tick, "danger", f"near miss: {risk.ttc_s[tick]:.1f} s to {who}")


def _hard_brakes(acceleration: FloatArray) -> Iterator[dict[str, Any]]:
    for tick in _spells(acceleration <= -HARD_BRAKE_MPS2, acceleration > -0.5 * HARD_BRAKE_MPS2):
        yield _bookmark(tick, "brake", f"hard brake: {-acceleration[tick]:.1f} m/s\u00b2")


def _spells(begins: BoolArray, ends: BoolArray) -> Iterator[int]:
    """Yield the ticks at which a spell begins: the next one begins only after this one has ended."""
    lasting = False
    for tick, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        if begin and not lasting:
            yield tick
            lasting = True
        elif end:
            lasting = False


def _new_critical(drive: DriveLog, risk: Critical) -> Iterator[dict[str, Any]]:
    """Yield a bookmark where somebody becomes critical who was not within the last seconds."""
    last_s: dict[int, float] = {}
    for tick in np.flatnonzero(risk.slot >= 0).tolist():
        number, now_s = int(drive.scenes.actors.id[tick, risk.slot[tick]]), float(drive.scenes.time_s[tick])
        if now_s - last_s.get(number, -np.inf) > FORGOTTEN_S:
            name = _name(drive.scenes, tick, int(risk.slot[tick]))
            yield _bookmark(tick, "critical", f"critical: {name}, {risk.ttc_s[tick]:.1f} s")
        last_s[number] = now_s


def _signal_changes(scenes: SceneBatch) -> Iterator[dict[str, Any]]:
    """Yield a bookmark where the signal before the ego changes; one that comes into range does not."""
    states, ahead_m = scenes.road.signal, scenes.road.distance_to_stop_line
    same = (states[1:] > 0) & (states[:-1] > 0) & (np.diff(ahead_m) < ANOTHER_LINE_M)
    for tick in (np.flatnonzero(same & (states[1:] != states[:-1])) + 1).tolist():
        word = SignalState(int(states[tick])).name.lower()
        yield _bookmark(tick, "signal", f"light turns {word}, {ahead_m[tick]:.0f} m ahead")


def _hint_changes(texts: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for tick in range(1, len(texts)):
        if texts[tick] != texts[tick - 1]:
            yield _bookmark(tick, "hint", f"hint: {_what_changed(texts[tick - 1], texts[tick]) or 'none'}")


def _what_changed(before: str, after: str) -> str:
    """Return the parts of a hint's words that the one before had not."""
    known = {part.strip() for part in before.split(";")}
    parts = [part.strip() for part in after.split(";")]
    return "; ".join(part for part in parts if part not in known) or after


def _bookmark(tick: int, kind: str, label: str) -> dict[str, Any]:
    return {"tick": int(tick), "kind": kind, "label": label}
