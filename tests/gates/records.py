"""What the gates keep of what they see: counts, events, and the memory of one look for the next."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from envs.compiled import njit
from envs.scene import FloatArray, IntArray

EVENTS = 64
"""Events that are kept per world, to be looked into."""


class Count(IntEnum):
    """Rows of ``Watch.counts``: what is counted in each world.

    ``OVERLAPS`` pairs that begin to touch, ``OVERLAP_TICKS`` pairs that touch at a look; ``CAUSELESS`` vehicles that
    stood too long without a cause; ``RED_RUNS`` of the ``LINES`` crossed at signals; ``EVENTS`` kept; ``RUN_OVER``
    vehicles that begin to touch a pedestrian; ``CROSSINGS`` of crosswalks that pedestrians have begun;
    ``LONG`` vehicles that stood very long with or without a cause;
    ``PASSES`` overtakers who pulled out; ``JAYWALKS`` ways over a street without a crosswalk that have been begun.
    """

    OVERLAPS = 0
    OVERLAP_TICKS = 1
    CAUSELESS = 2
    RED_RUNS = 3
    LINES = 4
    EVENTS = 5
    RUN_OVER = 6
    CROSSINGS = 7
    LONG = 8
    PASSES = 9
    JAYWALKS = 10


class Watch(NamedTuple):
    """``counts`` ``(len(Count), B)``; ``events`` ``(B, EVENTS, 4)`` Count, time (s), slot, other slot; the rest memory.

    Per vehicle ``(B, A)``: ``phase`` its ``PassPhase``, ``anchor`` odometer where it last got further (m), ``uncaused``
    time that it has stood there without a cause (s), ``stood`` with or without (s), ``line`` lane of the next signal,
    ``to_line`` distance of the front to its stop line (m), ``passing`` lane into which it is going although its line
    was crossed on red; ``touching`` ``(B, A, A + P)``, the pedestrians behind the vehicles; ``crossing`` ``(B, P)``
    whether each is on a crosswalk (1) or elsewhere on a street (2).
    """

    counts: FloatArray
    events: FloatArray
    phase: FloatArray
    anchor: FloatArray
    uncaused: FloatArray
    stood: FloatArray
    line: IntArray
    to_line: FloatArray
    passing: IntArray
    touching: IntArray
    crossing: IntArray


def new_watch(worlds: int, vehicles: int, pedestrians: int = 0) -> Watch:
    """Return a watch that has seen nothing."""
    return Watch(
        counts=np.zeros((len(Count), worlds)),
        events=np.zeros((worlds, EVENTS, 4)),
        phase=np.zeros((worlds, vehicles)),
        anchor=np.zeros((worlds, vehicles)),
        uncaused=np.zeros((worlds, vehicles)),
        stood=np.zeros((worlds, vehicles)),
        line=np.full((worlds, vehicles), -1, dtype=np.int64),
        to_line=np.zeros((worlds, vehicles)),
        passing=np.full((worlds, vehicles), -1, dtype=np.int64),
        touching=np.zeros((worlds, vehicles, vehicles + pedestrians), dtype=np.int64),
        crossing=np.zeros((worlds, pedestrians), dtype=np.int64),
    )


@njit
def note(watch: Watch, what: int, now: float, b: int, i: int, j: int) -> None:
    """Count an event of kind ``what`` (a ``Count``) between slots ``i`` and ``j``, and keep it while there is room."""
    watch.counts[int(what), b] += 1.0
    row = int(watch.counts[Count.EVENTS, b])
    if row < EVENTS:
        watch.counts[Count.EVENTS, b] += 1.0
        watch.events[b, row, 0], watch.events[b, row, 1] = float(what), now
        watch.events[b, row, 2], watch.events[b, row, 3] = float(i), float(j)
