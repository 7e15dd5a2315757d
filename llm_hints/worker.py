"""HintWorker: one thread that asks a provider, so that a slow one never holds up a step (realtime mode)."""

from __future__ import annotations

import queue
import threading
import time

import numpy as np

from envs.scene import IntArray, SceneBatch
from llm_hints.asking import Asked, Clock, ask
from llm_hints.providers.base import HintProvider

_Request = tuple[SceneBatch, IntArray]

CLOSE_TIMEOUT_S = 5.0
"""Wall time that closing gives a provider to finish the batch that it is at."""


class HintWorker:
    """Asks for one batch at a time. ``submit`` and ``finished`` return at once; ``close`` ends the thread."""

    def __init__(self, provider: HintProvider, clock: Clock = time.perf_counter) -> None:
        self._provider = provider
        self._clock = clock
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Asked | BaseException] = queue.SimpleQueue()
        self._rows: IntArray | None = None
        self._wanted = np.zeros(0, dtype=np.bool_)
        # A daemon: a provider that hangs for ever must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=f"hints-{provider.name}", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether a batch may be submitted."""
        return self._rows is None and self._thread.is_alive()

    @property
    def open_rows(self) -> IntArray:
        """The worlds whose answers are still waited for."""
        return np.zeros(0, dtype=np.int64) if self._rows is None else self._rows[self._wanted]

    def submit(self, scene: SceneBatch, rows: IntArray) -> None:
        """Ask for every world of ``scene``, a copy whose worlds are ``rows`` (n) of the service."""
        if not self.idle:
            raise RuntimeError("the hint worker is busy or closed; submit only when it is idle")
        self._rows, self._wanted = rows.copy(), np.ones(len(rows), dtype=np.bool_)
        self._requests.put((scene, np.arange(len(rows))))

    def forget(self, rows: IntArray) -> None:
        """Drop the coming answers of ``rows``, whose episodes have ended."""
        if self._rows is not None:
            self._wanted &= ~np.isin(self._rows, rows)

    def finished(self) -> tuple[IntArray, Asked] | None:
        """Return the wanted answers and their worlds if the batch is done, else ``None``."""
        if self._rows is None:
            return None
        try:
            result = self._results.get_nowait()
        except queue.Empty:
            return None
        rows, wanted = self._rows, self._wanted
        self._rows = None
        if isinstance(result, BaseException):
            raise result
        came = result.answers
        return rows[wanted], Asked(came.rows(wanted), result.wall_s, len(came.valid), result.error)

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """End the thread after the batch that it is at; leave a hanging provider behind after ``timeout_s``."""
        if self._thread.is_alive():
            self._requests.put(None)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        """Answer requests until told to end."""
        while (request := self._requests.get()) is not None:
            try:
                self._results.put(ask(self._provider, *request, self._clock))
            except BaseException as error:  # a fault in the program belongs to the thread that polls
                self._results.put(error)
