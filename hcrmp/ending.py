"""Where a training ends early: between two updates, from where going on is exact, if that is not too long to wait."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from stable_baselines3.common.callbacks import BaseCallback

ASKS = (signal.SIGINT, signal.SIGTERM)
"""Signals that ask a training to end."""
PATIENCE_S = 10.0
"""Whoever asks it to end waits at most about this long for the next border of two updates (s)."""


class TimeIsUp(Exception):
    """The time limit of a training is over."""


class EndCallback(BaseCallback):
    """Ends a training for Ctrl-C, a scheduler's SIGTERM, or a time limit. Use it in a ``with`` around ``learn``.

    An interruption is held until the update that follows the rollout is over, or, where that is more than
    ``PATIENCE_S`` away, until the end of the step that is under way: in the middle of a step there is no state to go on
    from. A second one interrupts at once. A signal that is ignored stays ignored; outside the main thread, where
    signals do not come, none is held.

    ``limit_s``: wall time since the first decision (None: no limit). What comes before is not counted, as kernels may
    be compiled then, for minutes. A rollout that would not end in time, by what the last one took, is not begun.
    """

    def __init__(self, console: Console, limit_s: float | None = None) -> None:
        super().__init__()
        self._console, self._limit_s = console, limit_s
        self._handlers: dict[signal.Signals, Callable[..., Any]] = {}
        self._came: signal.Signals | None = None
        self._begun_at: float | None = None
        self._rollout_at = 0.0
        self._period_s: float | None = None

    def __enter__(self) -> EndCallback:
        if threading.current_thread() is threading.main_thread():
            for number in ASKS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._hold)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._give_back()
        return kind is TimeIsUp

    def _on_rollout_start(self) -> None:
        self._let_through()
        now = time.monotonic()
        if self._begun_at is not None:
            self._period_s = now - self._rollout_at
            if self._limit_s is not None and now + self._period_s > self._begun_at + self._limit_s:
                raise TimeIsUp
        self._rollout_at = now

    def _on_step(self) -> bool:
        now = time.monotonic()
        if self._begun_at is None:
            self._begun_at = self._rollout_at = now
        if self._came is not None and not self._border_is_near(now):
            self._let_through()
        return True

    def _on_training_end(self) -> None:
        self._let_through()

    def _border_is_near(self, now: float) -> bool:
        return self._period_s is not None and self._rollout_at + self._period_s - now <= PATIENCE_S

    def _hold(self, number: int, frame: FrameType | None) -> None:
        self._came = signal.Signals(number)
        self._give_back()  # a second one ends it at once
        self._console.print("the training ends after this update; once more ends it at once", highlight=False)

    def _let_through(self) -> None:
        came, self._came = self._came, None
        if came is not None:
            signal.raise_signal(came)

    def _give_back(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
