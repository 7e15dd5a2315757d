"""What the careful driver of UN R157 would have made of the conflict that an episode has: told as it is driven.

The regulation defines its driver on idealised situations (``envs.metrics.r157``). Here their parameters are read off a
drive: the ego's and the other's speeds and distances in the step in which the manoeuvre begins, its lateral speed or
deceleration at most. Where the ego follows closer than the regulation's 2 s, the careful driver does as well: the
verdict is on the situation in which the ego had put itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from envs.metrics.lane_frame import along_route
from envs.metrics.r157 import DEFAULT_DRIVER, Assessment, Outcome, cut_in, cut_out, deceleration
from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch

LATERAL_ONSET = 0.15
"""Speed across the lane from which a vehicle is changing it (m/s, ours)."""

BRAKING_ONSET = 1.0
"""Deceleration from which the leader is braking (m/s2, ours)."""

PERIOD_S = 0.1
"""Time in which scripted braking reaches its full strength (s): a decision period."""

SITUATIONS = ("cut_in", "cut_out", "deceleration")
"""Scenarios that are watched: in each the first actor is whom it is about, in the cut-out the second stands ahead."""


class _Row(IntEnum):
    """What is kept of each world: the onset's numbers and the extremes behind it."""

    SEEN = 0
    EGO_SPEED = 1
    OTHER_SPEED = 2
    GAP = 3
    LATERAL_GAP = 4
    OBSTACLE_GAP = 5
    LATERAL_SPEED = 6
    BRAKING = 7
    LENGTHS = 8


@dataclass(frozen=True, slots=True)
class _Seen:
    """The first actor of every world as seen from the ego along its route; each ``(B,)`` (m, m/s, m/s2)."""

    gap: FloatArray
    lateral_gap: FloatArray
    along_speed: FloatArray
    across_speed: FloatArray
    braking: FloatArray


class R157Watch:
    """Watches the conflicts of B worlds; ``situation`` ``(B,)`` an index into ``SITUATIONS``, -1: nothing to watch."""

    def __init__(self, batch_size: int) -> None:
        self._situation = np.full(batch_size, -1, dtype=np.int64)
        self._kept = np.zeros((len(_Row), batch_size))

    def start(self, rows: IntArray, situations: IntArray) -> None:
        """Begin the worlds ``rows`` anew, with the situation of each."""
        self._situation[rows] = situations
        self._kept[:, rows] = 0.0

    def update(self, scene: SceneBatch) -> None:
        """Look at the scene after a step."""
        if (self._situation < 0).all() or scene.actor_slots == 0:
            return
        seen = _look(scene)
        self._note_onset(scene, seen)
        begun = self._kept[_Row.SEEN] > 0.5
        faster = np.maximum(self._kept[_Row.LATERAL_SPEED], np.abs(seen.across_speed))
        self._kept[_Row.LATERAL_SPEED] = np.where(begun, faster, 0.0)
        self._kept[_Row.BRAKING] = np.where(begun, np.maximum(self._kept[_Row.BRAKING], seen.braking), 0.0)

    def verdict(self, world: int) -> Outcome | None:
        """Return what the careful driver makes of a world's conflict, None where none has begun."""
        kept = self._kept[:, world]
        if kept[_Row.SEEN] < 0.5:
            return None
        return Outcome(int(_assess(SITUATIONS[int(self._situation[world])], kept).outcome[0]))

    def _note_onset(self, scene: SceneBatch, seen: _Seen) -> None:
        new = self._begins(seen) & (self._kept[_Row.SEEN] < 0.5)
        if not new.any():
            return
        numbers = {
            _Row.SEEN: np.ones(len(new)),
            _Row.EGO_SPEED: scene.ego.speed,
            _Row.OTHER_SPEED: seen.along_speed,
            _Row.GAP: np.maximum(seen.gap, 0.0),
            _Row.LATERAL_GAP: np.maximum(seen.lateral_gap, 0.0),
            _Row.OBSTACLE_GAP: _gap_between(scene),
            _Row.LENGTHS: scene.ego.length + scene.actors.length[:, 0],
        }
        for row, values in numbers.items():
            self._kept[row, new] = values[new]

    def _begins(self, seen: _Seen) -> BoolArray:
        across = np.abs(seen.across_speed) > LATERAL_ONSET
        begins: BoolArray = np.where(self._situation == SITUATIONS.index("deceleration"),
                                     seen.braking > BRAKING_ONSET, across)  # fmt: skip
        return begins & (self._situation >= 0)


def _look(scene: SceneBatch) -> _Seen:
    ego, actors = scene.ego, scene.actors
    place = along_route(scene, actors.x[:, 0], actors.y[:, 0])
    cosine, sine = np.cos(place.heading), np.sin(place.heading)
    apart = np.abs(place.aside - scene.route.lateral_offset)
    # Along its own body the other's acceleration is signed; across is what it moves sideways in its lane's frame.
    return _Seen(
        gap=place.ahead - 0.5 * (actors.length[:, 0] + ego.length),
        lateral_gap=apart - 0.5 * (actors.width[:, 0] + ego.width),
        along_speed=actors.speed[:, 0] * np.cos(actors.yaw[:, 0] - place.heading),
        across_speed=actors.vy[:, 0] * cosine - actors.vx[:, 0] * sine,
        braking=-actors.acceleration[:, 0],
    )


def _gap_between(scene: SceneBatch) -> FloatArray:
    """Return the distance from the first actor's front to the second's rear ``(B,)`` (m), 0 where there is none."""
    actors = scene.actors
    if scene.actor_slots < 2:
        return np.zeros(scene.batch_size)
    apart = np.hypot(actors.x[:, 1] - actors.x[:, 0], actors.y[:, 1] - actors.y[:, 0])
    gap: FloatArray = np.maximum(apart - 0.5 * (actors.length[:, 0] + actors.length[:, 1]), 0.0)
    return gap


def _assess(situation: str, kept: FloatArray) -> Assessment:
    number = {row: kept[row : row + 1] for row in _Row}
    lateral = np.maximum(number[_Row.LATERAL_SPEED], LATERAL_ONSET)
    if situation == "cut_in":
        return cut_in(
            number[_Row.EGO_SPEED], number[_Row.OTHER_SPEED], number[_Row.GAP], number[_Row.LATERAL_GAP], lateral,
            float(kept[_Row.LENGTHS]),
        )  # fmt: skip
    if situation == "cut_out":
        headway = float(kept[_Row.GAP] / max(kept[_Row.EGO_SPEED], 0.1))
        return cut_out(
            number[_Row.EGO_SPEED], number[_Row.OBSTACLE_GAP], lateral,
            driver=replace(DEFAULT_DRIVER, headway_s=min(headway, DEFAULT_DRIVER.headway_s)),
        )  # fmt: skip
    braking = np.maximum(number[_Row.BRAKING], BRAKING_ONSET)
    return deceleration(number[_Row.EGO_SPEED], number[_Row.OTHER_SPEED], braking, braking / PERIOD_S, number[_Row.GAP])
