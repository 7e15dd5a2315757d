"""When an episode ends, and how: one rule for every simulator."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, NamedTuple

import numpy as np

from envs.compiled import njit
from envs.scene import BoolArray, EventRow, FloatArray, IntArray, RouteRow, SceneBatch

EndsAt = Literal["violation", "collision"]
"""What ends an episode before its goal or its time limit: anything against the rules, or a collision (or losing the
way) alone, the rest being driven on from, as on the CARLA Leaderboard."""


class Outcome(IntEnum):
    """How an episode stands. ``RUNNING`` is 0, so that ``outcome > 0`` reads "has ended"."""

    RUNNING = 0
    SUCCESS = 1
    COLLISION = 2
    OFF_ROAD = 3
    TIMEOUT = 4
    VIOLATION = 5
    INFRASTRUCTURE = 6

    @property
    def word(self) -> str:
        """The name as it is written in reports: lower case."""
        return self.name.lower()


class Judgement(NamedTuple):
    """The verdict over B worlds; every array is ``(B,)``.

    ``outcome`` an ``Outcome`` (int64); ``terminated`` the episode ended by its own rules, a timeout included
    (remaining time is observed, so it is a true end, not a cut); ``truncated`` the simulator failed and the
    episode says nothing about the planner; ``ended`` their union; ``any_ended`` in some world.
    """

    outcome: IntArray
    terminated: BoolArray
    truncated: BoolArray
    ended: BoolArray
    any_ended: bool


def judge(scene: SceneBatch, failed: BoolArray | None = None, broken: IntArray | None = None) -> Judgement:
    """Return the verdict on ``scene``; ``failed`` ``(B,)`` marks worlds whose simulator broke down.

    Where several things happen in one step the gravest counts: collision, off road, violation (red light, stop
    sign, wrong way, route deviation), success, timeout.

    With ``broken`` ``(B,)``, one's memory of the episodes so far, they end at a collision: off road, red light, stop
    sign and wrong way are driven on from. The gravest is kept there (an ``Outcome``, 0: none; written in place), and
    is the outcome of who reaches the goal after it. Contact cannot be driven on from: the embedded simulator has no
    physics of it.
    """
    batch = scene.batch_size
    outcome, (terminated, truncated, ended) = np.empty(batch, np.int64), np.zeros((3, batch), np.bool_)
    memory = np.zeros(batch, np.int64) if broken is None else broken
    any_ended = _judge(
        scene.time_s, scene.events.block, scene.route.block, broken is not None, memory, outcome, terminated
    )
    if failed is not None and failed.any():
        outcome[failed], terminated[failed], truncated[failed] = Outcome.INFRASTRUCTURE, False, True
        any_ended = True
    if any_ended:
        np.logical_or(terminated, truncated, out=ended)
    return Judgement(outcome, terminated, truncated, ended, any_ended)


@njit
def _judge(
    time_s: FloatArray,
    events: FloatArray,
    route: FloatArray,
    goes_on: bool,
    broken: IntArray,
    outcome: IntArray,
    terminated: BoolArray,
) -> bool:
    """Fill ``outcome`` and ``terminated``; return whether any episode has ended."""
    any_ended = False
    for b in range(time_s.shape[0]):
        outcome[b] = _world_outcome(time_s[b], events, route, goes_on, broken, b)
        terminated[b] = outcome[b] != 0
        any_ended = any_ended or terminated[b]
    return any_ended


@njit
def _world_outcome(
    time_s: float, events: FloatArray, route: FloatArray, goes_on: bool, broken: IntArray, b: int
) -> int:
    if events[EventRow.COLLISION, b] > 0.5:
        return Outcome.COLLISION
    if events[EventRow.OFF_ROAD, b] > 0.5:
        if not goes_on:
            return Outcome.OFF_ROAD
        broken[b] = Outcome.OFF_ROAD
    violations = events[EventRow.RED_LIGHT, b] + events[EventRow.STOP_SIGN, b] + events[EventRow.WRONG_WAY, b]
    if violations > 0.5:
        if not goes_on:
            return Outcome.VIOLATION
        if broken[b] != Outcome.OFF_ROAD:
            broken[b] = Outcome.VIOLATION
    if events[EventRow.ROUTE_DEVIATION, b] > 0.5:
        return Outcome.VIOLATION
    if events[EventRow.GOAL_REACHED, b] > 0.5:
        return broken[b] if broken[b] != Outcome.RUNNING else Outcome.SUCCESS
    # Times are sums of 0.1 s; the tolerance keeps a limit of 30 s at step 300 whatever the rounding.
    if time_s >= route[RouteRow.TIME_LIMIT, b] - 1e-6:
        return Outcome.TIMEOUT
    return Outcome.RUNNING
