"""One call of a provider: timed, its own failures told once and taken as missing answers."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.scene import FloatArray, IntArray, SceneBatch
from llm_hints.hint import HintBatch
from llm_hints.providers.base import HintAnswers, HintProvider, HintProviderError

LOG = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Wall time, seconds."""

REMEMBERED = 512
"""Batches over which latencies are told."""

TOLD_KINDS = 20
"""Kinds of failure that are told of; a provider whose every failure reads otherwise does not fill the log."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a batch of ``asked`` worlds: the wanted ``answers``, wall time (s), the failure if there was one."""

    answers: HintAnswers
    wall_s: float
    asked: int
    error: HintProviderError | None = None


def ask(provider: HintProvider, scene: SceneBatch, rows: IntArray, clock: Clock) -> Asked:
    """Ask ``provider`` about the worlds ``rows`` (n); where it could not answer, n answers are missing."""
    begun = clock()
    try:
        answers = provider.ask(scene, rows)
    except HintProviderError as error:
        nothing = HintAnswers(HintBatch.prior(len(rows)), np.zeros(len(rows), np.bool_), np.full(len(rows), np.inf))
        return Asked(nothing, clock() - begun, len(rows), error)
    return Asked(answers, clock() - begun, len(rows))


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of a provider's wall time, milliseconds, over its last ``batches``; NaN where there is none.

    ``batch_*`` of a whole batch; ``hint_*`` of a batch divided by its hints.
    """

    batches: int = 0
    batch_p50_ms: float = math.nan
    batch_p95_ms: float = math.nan
    batch_p99_ms: float = math.nan
    hint_p50_ms: float = math.nan
    hint_p95_ms: float = math.nan
    hint_p99_ms: float = math.nan


class LatencyMeter:
    """The wall times of the last ``REMEMBERED`` batches. They depend on the machine and decide nothing."""

    def __init__(self) -> None:
        self._batch_s, self._hint_s = np.zeros(REMEMBERED), np.zeros(REMEMBERED)
        self._batches = 0

    def add(self, wall_s: float, hints: int) -> None:
        """Note a batch of ``hints`` that took ``wall_s``."""
        place = self._batches % REMEMBERED
        self._batch_s[place], self._hint_s[place] = wall_s, wall_s / max(hints, 1)
        self._batches += 1

    def told(self) -> Latency:
        """Return the percentiles: the smallest time that so many percent of the batches did not exceed."""
        return percentiles(*self.times())

    def times(self) -> tuple[FloatArray, FloatArray]:
        """Return the wall times of the batches that are remembered and the same divided by their hints, (n,) each."""
        count = min(self._batches, REMEMBERED)
        return self._batch_s[:count].copy(), self._hint_s[:count].copy()

    def state(self) -> dict[str, Any]:
        """Return what is remembered, as plain arrays."""
        return {"batch_s": self._batch_s.copy(), "hint_s": self._hint_s.copy(), "batches": self._batches}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        self._batch_s[:], self._hint_s[:] = state["batch_s"], state["hint_s"]
        self._batches = int(state["batches"])


def percentiles(batch_s: FloatArray, hint_s: FloatArray) -> Latency:
    """Return the percentiles of wall times (s) of n batches, whole and divided by their hints, ``(n,)`` each."""
    count = len(batch_s)
    if not count:
        return Latency()
    places = [math.ceil(share * count / 100) - 1 for share in (50, 95, 99)]
    return Latency(count, *_ms(batch_s, places), *_ms(hint_s, places))


def _ms(times_s: FloatArray, places: list[int]) -> list[float]:
    ranked = np.sort(times_s)
    return [1000.0 * float(ranked[place]) for place in places]


class FailureLog:
    """Warns of a provider's failures, of each kind once: the same type, cause and words, whatever numbers are in it."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._told: set[tuple[str, str, str]] = set()

    def tell(self, error: HintProviderError) -> None:
        """Warn of ``error`` if its kind is new."""
        words = re.sub(r"\d+", "#", str(error))
        kind = type(error).__name__, type(error.__cause__).__name__, words
        if kind in self._told or len(self._told) >= TOLD_KINDS:
            return
        self._told.add(kind)
        LOG.warning(
            "hint provider %s: %s (counted as missing; told once)", self._provider, " ".join(str(error).split())
        )
