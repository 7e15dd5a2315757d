"""Schedule: when each of B worlds needs attention next, in simulated time."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.compiled import njit
from envs.scene import BoolArray, FloatArray, IntArray
from llm_hints.questions import EPSILON_S

_ARRAYS = ("_next_s", "_due_at_s", "waiting")


@njit
def due_rows(time_s: FloatArray, next_s: FloatArray, rows: IntArray) -> int:
    """Write the worlds that need attention into ``rows`` (B); return how many they are."""
    count = 0
    for b in range(len(next_s)):
        if time_s[b] >= next_s[b]:
            rows[count] = b
            count += 1
    return count


class Schedule:
    """The next attention of each of ``batch`` worlds, and the next time that a hint is due there.

    ``waiting`` ``(B,)``, in realtime: the hint was due while the worker was at other worlds; ``recalled`` ``(B,)``:
    the worker is idle, so it is due again.
    """

    def __init__(self, batch: int, period_s: float) -> None:
        self._period_s = period_s
        self._next_s = np.full(batch, -np.inf)  # -inf: at every poll
        self._due_at_s = np.zeros(batch)
        self._rows = np.zeros(batch, dtype=np.int64)
        self.waiting = np.zeros(batch, dtype=np.bool_)
        self.recalled = np.zeros(batch, dtype=np.bool_)

    def hasten(self, rows: IntArray | BoolArray) -> None:
        """Make a hint due at once in ``rows`` (indices or mask over B)."""
        self._due_at_s[rows] = -np.inf
        self._next_s[rows] = -np.inf

    def recall(self) -> None:
        """Make the hint due again wherever one waits."""
        self.recalled |= self.waiting
        self.hasten(self.waiting)

    def attention(self, time_s: FloatArray) -> IntArray:
        """Return the worlds that need attention at ``time_s`` ``(B,)``."""
        count = due_rows(time_s, self._next_s, self._rows)
        rows: IntArray = self._rows[:count].copy()
        return rows

    def due(self, rows: IntArray, time_s: FloatArray) -> IntArray:
        """Return those of ``rows`` (n) where a hint is due at ``time_s`` (n); the next one is a period's end."""
        came = self._due_at_s[rows] <= time_s + EPSILON_S
        rows, time_s = rows[came], time_s[came]
        self._due_at_s[rows] = (np.floor((time_s + EPSILON_S) / self._period_s) + 1.0) * self._period_s
        return rows

    def settle(self, rows: IntArray, open_until_s: FloatArray, fading: BoolArray) -> None:
        """Set the next attention of ``rows`` (n): at what is due, at what is open, at every poll while it fades."""
        next_s = np.minimum(self._due_at_s[rows], open_until_s)
        next_s[fading] = -np.inf
        self._next_s[rows] = next_s - EPSILON_S

    def state(self) -> dict[str, Any]:
        """Return everything that later attention depends on, as plain arrays."""
        return {name: getattr(self, name).copy() for name in _ARRAYS}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        for name in _ARRAYS:
            getattr(self, name)[:] = state[name]
