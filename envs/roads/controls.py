"""Who may enter a lane, and when: signals, signs and stop lines as flat arrays beside a ``LaneGraph``.

A *gate* is the entry of a lane: whatever stands at it holds traffic on the lanes before. A signal has no memory here:
its state is a closed form of the time, so that a world is replayed from its seed and clock alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from envs.compiled import njit
from envs.scene import FloatArray, IntArray, SignalState
from envs.traffic.chance import uniform

_GREEN, _YELLOW, _RED = int(SignalState.GREEN), int(SignalState.YELLOW), int(SignalState.RED)


class GateKind(IntEnum):
    """What holds traffic at the entry of a lane."""

    OPEN = 0
    SIGNAL = 1
    STOP = 2
    YIELD = 3


class ProgramColumn(IntEnum):
    """Columns of ``TrafficControls.programs``: seconds within the cycle, except ``CYCLE`` itself.

    A group is green from ``GREEN_FROM`` until ``GREEN_UNTIL``, yellow until ``YELLOW_UNTIL``, and red otherwise.
    """

    CYCLE = 0
    GREEN_FROM = 1
    GREEN_UNTIL = 2
    YELLOW_UNTIL = 3


@dataclass(frozen=True, slots=True, eq=False)
class TrafficControls:
    """The gates of L lanes and the programs of G signal groups.

    ``gate`` ``(L,)`` a ``GateKind``: what stands at the lane's entry; ``group`` ``(L,)`` the signal group that governs
    the entry, or -1; ``stop_gap`` ``(L,)`` how far before the end of the lanes that lead here traffic stops (m, 0: at
    their end); ``programs`` ``(G, 4)`` columns ``ProgramColumn``; ``plan`` ``(G,)`` the number of the junction (or
    crossing) whose groups share one clock; ``signal_ids`` (G) tuples of the OpenDRIVE ids of a group's heads.
    """

    gate: IntArray
    group: IntArray
    stop_gap: FloatArray
    programs: FloatArray
    plan: IntArray
    signal_ids: tuple[tuple[str, ...], ...]

    @classmethod
    def none(cls, lanes: int) -> TrafficControls:
        """Return the controls of a map of so many lanes without any."""
        return cls(
            gate=np.zeros(lanes, dtype=np.int64),
            group=np.full(lanes, -1, dtype=np.int64),
            stop_gap=np.zeros(lanes),
            programs=np.zeros((0, len(ProgramColumn))),
            plan=np.zeros(0, dtype=np.int64),
            signal_ids=(),
        )


def concatenate_controls(parts: Sequence[TrafficControls]) -> TrafficControls:
    """Return the controls of an atlas: groups are numbered on, plans are not.

    A plan's number sets its clock in a world, which is on one map: it must not depend on what else is in the atlas.
    """
    groups = np.cumsum([0, *(len(part.plan) for part in parts)])[:-1]
    pairs = list(zip(parts, groups.tolist(), strict=True))
    return TrafficControls(
        gate=np.concatenate([part.gate for part in parts]),
        group=np.concatenate([np.where(part.group >= 0, part.group + first, -1) for part, first in pairs]),
        stop_gap=np.concatenate([part.stop_gap for part in parts]),
        programs=np.concatenate([part.programs for part in parts]),
        plan=np.concatenate([part.plan for part in parts]),
        signal_ids=tuple(ids for part in parts for ids in part.signal_ids),
    )


@njit
def clock_offset(seed: int, plan: int, cycle_s: float) -> float:
    """Return by how much the clock of a plan is ahead in the world of ``seed`` (s): each world begins elsewhere."""
    return uniform(seed, plan, 0) * cycle_s


@njit
def signal_state(programs: FloatArray, group: int, time_s: float, offset_s: float) -> int:
    """Return the ``SignalState`` of a group at ``time_s``; ``offset_s`` shifts the clock of its plan."""
    cycle = programs[group, ProgramColumn.CYCLE]
    now = (time_s + offset_s) % cycle
    if programs[group, ProgramColumn.GREEN_FROM] <= now < programs[group, ProgramColumn.GREEN_UNTIL]:
        return _GREEN
    if programs[group, ProgramColumn.GREEN_UNTIL] <= now < programs[group, ProgramColumn.YELLOW_UNTIL]:
        return _YELLOW
    return _RED


@njit
def time_to_red(programs: FloatArray, group: int, time_s: float, offset_s: float) -> float:
    """Return for how long the group will not yet be red (s); 0 where it is."""
    cycle = programs[group, ProgramColumn.CYCLE]
    now = (time_s + offset_s) % cycle
    begin, end = programs[group, ProgramColumn.GREEN_FROM], programs[group, ProgramColumn.YELLOW_UNTIL]
    return end - now if begin <= now < end else 0.0


@njit
def time_to_green(programs: FloatArray, group: int, time_s: float, offset_s: float) -> float:
    """Return for how long the group stays red (s); 0 where it is not red."""
    if signal_state(programs, group, time_s, offset_s) != _RED:
        return 0.0
    cycle = programs[group, ProgramColumn.CYCLE]
    left: float = (programs[group, ProgramColumn.GREEN_FROM] - time_s - offset_s) % cycle
    # Never green: red until the cycle ends, and then again.
    return left if left > 0.0 else float(cycle)
