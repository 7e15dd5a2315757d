"""Whether the ego must stop before the line ahead: shared by the expert's rules and the key of the cache."""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray, RoadRow, SignalState, StopLine

_YELLOW, _RED = int(SignalState.YELLOW), int(SignalState.RED)
_STOP_SIGN = int(StopLine.STOP_SIGN)


@njit
def must_stop(road: FloatArray, b: int) -> bool:
    """Return whether a red or yellow signal, or a stop sign before which it has not stood, holds the ego ahead."""
    if int(road[RoadRow.SIGNAL, b]) in (_YELLOW, _RED):
        return True
    return bool(int(road[RoadRow.STOP_LINE, b]) == _STOP_SIGN and road[RoadRow.STOOD, b] < 0.5)
