"""OpenQuestions: what B worlds have asked and not yet shown, in simulated time."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch
from llm_hints.chance import uniforms
from llm_hints.features import FEATURE_SIZE
from llm_hints.hint import CRITICS, STATE_SIZE
from llm_hints.providers.base import HintAnswers
from llm_hints.service_config import HintServiceConfig

EPSILON_S = 1e-6
"""Simulated times that differ by less are equal: times are sums of decision periods."""

_ARRAYS = ("asked_at_s", "arrive_at_s", "expire_at_s", "valid", "hint_state", "weights", "keys", "buckets")


class OpenQuestions:
    """The last question of each of ``batch`` worlds: every array is ``(B, ...)``.

    ``asked_at_s``; ``arrive_at_s`` of its answer (inf: none is in the air); ``expire_at_s`` when waiting for it ends
    (inf: nothing is waited for); the answer: ``valid``, ``hint_state``, ``weights``; the ``keys`` and ``buckets`` of
    the scene that was asked about.
    """

    def __init__(self, batch: int) -> None:
        self.asked_at_s = np.zeros(batch)
        self.arrive_at_s = np.full(batch, np.inf)
        self.expire_at_s = np.full(batch, np.inf)
        self.valid = np.zeros(batch, dtype=np.bool_)
        self.hint_state = np.zeros((batch, STATE_SIZE))
        self.weights = np.zeros((batch, len(CRITICS)))
        self.keys = np.zeros((batch, FEATURE_SIZE))
        self.buckets = np.zeros(batch, dtype=np.int64)

    def forget(self, rows: IntArray) -> None:
        """Drop the questions of ``rows`` (n), whose episodes have ended."""
        self.arrive_at_s[rows] = np.inf
        self.expire_at_s[rows] = np.inf

    def begin(self, rows: IntArray, time_s: FloatArray, window_s: float) -> None:
        """Open the questions of ``rows`` (n) at ``time_s`` (n)."""
        self.asked_at_s[rows] = time_s
        self.expire_at_s[rows] = time_s + window_s

    def keep(self, rows: IntArray, answers: HintAnswers) -> None:
        """Keep the answers to ``rows`` (n) until they arrive."""
        self.valid[rows] = answers.valid
        self.hint_state[rows] = answers.hints.state
        self.weights[rows] = answers.hints.weights

    def arrived_by(self, rows: IntArray, time_s: FloatArray) -> IntArray:
        """Return those of ``rows`` (n) whose answers have arrived by ``time_s`` (n)."""
        return rows[self.arrive_at_s[rows] <= time_s + EPSILON_S]

    def give_up(self, rows: IntArray, time_s: FloatArray) -> IntArray:
        """Return those of ``rows`` (n) whose window has ended by ``time_s`` (n); nothing is waited for there now."""
        expired = rows[self.expire_at_s[rows] <= time_s + EPSILON_S]
        self.expire_at_s[expired] = np.inf
        return expired

    def in_time(self, rows: IntArray, window_s: float) -> BoolArray:
        """Return which answers of ``rows`` (n) arrive within the window."""
        timely: BoolArray = self.arrive_at_s[rows] <= self.asked_at_s[rows] + window_s + EPSILON_S
        return timely

    def state(self) -> dict[str, Any]:
        """Return everything that later answers depend on, as plain arrays."""
        return {name: getattr(self, name).copy() for name in _ARRAYS}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        for name in _ARRAYS:
            getattr(self, name)[:] = state[name]


def simulated_latency(
    config: HintServiceConfig, key: int, scene: SceneBatch, rows: IntArray, answers: HintAnswers
) -> FloatArray:
    """Return the simulated seconds ``(n,)`` until each answer to ``rows`` holds (lockstep); inf where none comes.

    ``key`` of the jitter, see ``llm_hints.chance``.
    """
    latency = answers.latency_s + config.latency_s
    if config.latency_jitter_s > 0:
        latency += config.latency_jitter_s * uniforms(key, scene, rows, 1)[:, 0]
    if config.late == "wait":
        latency = np.where(np.isfinite(latency), np.minimum(latency, config.window_s), latency)
    return latency
