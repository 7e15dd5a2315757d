"""An update that Ctrl-C finds under way ends first: half of one would lie in the checkpoint as a whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from stable_baselines3.common.callbacks import BaseCallback

ENDS = (signal.SIGINT, signal.SIGTERM)
"""What politely asks a training to end."""


class WholeUpdatesCallback(BaseCallback):
    """Holds an interruption that comes between a rollout's end and the next one's begin until that; a second one isn't.

    Only handlers that interrupt are held: a signal that is ignored stays ignored. Use it in a ``with``, which gives the
    handlers back whatever the update raises. Outside the main thread, where there are no handlers, it does nothing.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._handlers: dict[signal.Signals, Callable[..., Any]] = {}
        self._came: signal.Signals | None = None

    def __enter__(self) -> WholeUpdatesCallback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in ENDS:
            handler = signal.getsignal(number)
            if callable(handler) and number not in self._handlers:
                self._handlers[number] = handler
                signal.signal(number, self._hold)

    def _on_rollout_start(self) -> None:
        self._let_through()

    def _on_training_end(self) -> None:
        self._let_through()

    def _hold(self, number: int, frame: FrameType | None) -> None:
        self._came = signal.Signals(number)
        self._give_back()  # a second one ends it at once
        self._console.print("this update is finished first; once more ends it at once", highlight=False)

    def _let_through(self) -> None:
        self._give_back()
        came, self._came = self._came, None
        if came is not None:
            signal.raise_signal(came)

    def _give_back(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
