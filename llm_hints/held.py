"""HeldHints: the hints that B worlds hold now, and how a hint that nothing renews fades."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.scene import BoolArray, FloatArray, IntArray
from llm_hints.hint import SCENARIO_SIZE, STATE_SIZE, HintBatch, HintSource

_STALE, _PRIOR = int(HintSource.STALE), int(HintSource.PRIOR)
_ARRAYS = ("stale_since_s", "_last_state", "_last_weights")


class HeldHints:
    """``hints`` as they are shown, and the last valid ones, from which stale ones decay to ``prior`` (3)."""

    def __init__(self, batch: int, prior: tuple[float, float, float], decay_s: float) -> None:
        self._prior = np.asarray(prior, dtype=np.float64)
        self._decay_s = decay_s
        self.hints = HintBatch.prior(batch, prior)
        self.stale_since_s = np.full(batch, np.inf)  # inf: not stale
        self._last_state = np.zeros((batch, STATE_SIZE))
        self._last_weights = np.tile(self._prior, (batch, 1))

    def clear(self, rows: IntArray, time_s: FloatArray) -> None:
        """Let the worlds ``rows`` (n) know nothing, from ``time_s`` (n) on."""
        self.stale_since_s[rows] = np.inf
        self._last_state[rows] = 0.0
        self._last_weights[rows] = self._prior
        self._show(rows, self._last_state[rows], self._last_weights[rows], _PRIOR, time_s)

    def hold(self, rows: IntArray, state: FloatArray, weights: FloatArray, source: int, issued_s: FloatArray) -> None:
        """Make valid hints those of ``rows`` (n), and remember them for decay."""
        self._last_state[rows] = state
        self._last_weights[rows] = weights
        self.stale_since_s[rows] = np.inf
        self._show(rows, state, weights, source, issued_s)

    def go_stale(self, rows: IntArray, time_s: FloatArray) -> None:
        """Begin the decay of ``rows`` (n) at ``time_s`` (n); one that has begun goes on."""
        self.stale_since_s[rows] = np.minimum(self.stale_since_s[rows], time_s)

    def is_stale(self, rows: IntArray) -> BoolArray:
        """Return which of ``rows`` (n) nothing has served."""
        stale: BoolArray = np.isfinite(self.stale_since_s[rows])
        return stale

    def is_fading(self, rows: IntArray) -> BoolArray:
        """Return which of ``rows`` (n) still change from step to step."""
        fading: BoolArray = self.is_stale(rows) & (self.hints.source[rows] != _PRIOR)
        return fading

    def decay(self, rows: IntArray, time_s: FloatArray) -> None:
        """Move the stale hints of ``rows`` (n) to where they are at ``time_s`` (n).

        The weights decay by exp(-t / decay_s). The critical entities, which describe a moment, are dropped when half of
        the trust is gone; road category and density are kept until the hint is the prior (5 % left).
        """
        trust = np.exp(-(time_s - self.stale_since_s[rows]) / self._decay_s)
        self.hints.weights[rows] = self._prior + trust[:, None] * (self._last_weights[rows] - self._prior)
        self.hints.source[rows] = _STALE
        self.hints.state[rows[trust < 0.5], SCENARIO_SIZE:] = 0.0
        gone = rows[trust < 0.05]
        self.hints.state[gone] = 0.0
        self.hints.weights[gone] = self._prior
        self.hints.source[gone] = _PRIOR

    def _show(self, rows: IntArray, state: FloatArray, weights: FloatArray, source: int, issued_s: FloatArray) -> None:
        self.hints.state[rows] = state
        self.hints.weights[rows] = weights
        self.hints.source[rows] = source
        self.hints.issued_at_s[rows] = issued_s

    def state(self) -> dict[str, Any]:
        """Return everything that later hints depend on, as plain arrays."""
        shown = {name: getattr(self.hints, name).copy() for name in HintBatch.__dataclass_fields__}
        return {"shown": shown, **{name: getattr(self, name).copy() for name in _ARRAYS}}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        for name, numbers in state["shown"].items():
            getattr(self.hints, name)[:] = numbers
        for name in _ARRAYS:
            getattr(self, name)[:] = state[name]
