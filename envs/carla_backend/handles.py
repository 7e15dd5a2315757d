"""The farm's end of a worker: asked without waiting, answered within a deadline, ended by its process id."""

from __future__ import annotations

import importlib.util
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from envs.carla_backend.config import CarlaError, FarmConfig
from envs.carla_backend.worker import Setup, work

END_S = 5.0


class WorkerLost(CarlaError):
    """A worker has not answered in time, has ended, or reports that its server failed."""


class WorkerHandle(Protocol):
    """A worker somewhere: a process here, or an actor elsewhere."""

    def ask(self, name: str, argument: Any = None) -> None:
        """Send a message without waiting."""
        ...

    def answered(self, within_s: float) -> bool:
        """Return whether the answer is there, or is there within so many seconds; a lost worker counts too."""
        ...

    def answer(self, within_s: float) -> Any:
        """Return the answer to the last message; raise ``WorkerLost`` where none comes."""
        ...

    def end(self) -> None:
        """End the worker by force."""
        ...


MakeWorker = Callable[[Setup], WorkerHandle]
"""Begins a worker, without waiting until it is ready."""


def worker_maker(farm: FarmConfig) -> MakeWorker:
    """Return what begins the workers of a farm."""
    if farm.workers == "process":
        return ProcessWorker
    from envs.carla_backend.ray_worker import RayWorker

    return partial(RayWorker, address=farm.ray_address)


class ProcessWorker:
    """A worker in a process of its own."""

    def __init__(self, setup: Setup) -> None:
        if importlib.util.find_spec("carla") is None:
            raise CarlaError(
                'simulator=carla needs the package carla: pip install "hcrmp[carla]" (x86-64 Linux or Windows, '
                "Python 3.10 to 3.12), or drive with simulator=embedded"
            )
        # A fresh interpreter: a fork would share the parent's threads and locks.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._asked = 0
        self._told: tuple[str, Any] | None = None
        self._process = context.Process(target=work, args=(theirs, setup), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, name: str, argument: Any = None) -> None:
        """Send a message without waiting; a worker that is gone shows when it is to answer."""
        self._asked, self._told = self._asked + 1, None
        try:
            self._pipe.send((self._asked, name, argument))
        except OSError:
            return

    def answered(self, within_s: float) -> bool:
        """Return whether the answer is there, or is there within so many seconds; a lost worker counts too.

        Answers to earlier messages, for which somebody was interrupted while he waited, are thrown away.
        """
        deadline = time.monotonic() + within_s
        while self._told is None:
            try:
                if not self._pipe.poll(max(deadline - time.monotonic(), 0.0)):
                    return False
                number, status, value = self._pipe.recv()
            except (EOFError, OSError):
                return True
            if number == self._asked or status == "error":
                self._told = status, value
        return True

    def answer(self, within_s: float) -> Any:
        """Return the answer to the last message, or to the start.

        Raises:
            WorkerLost: none within ``within_s`` seconds, or the worker has ended, or its server failed.
        """
        if not self.answered(within_s):
            raise WorkerLost(f"no answer within {within_s:g} s")
        if self._told is None:
            self._process.join(END_S)
            raise WorkerLost(f"the worker process ended with {self._process.exitcode}")
        (status, value), self._told = self._told, None
        if status == "error":
            raise WorkerLost(value)
        return value

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join(END_S)
        self._pipe.close()
