"""Processes that drive: each has worlds of its own; one that dies costs the episodes that ran in it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from hcrmp.cli import is_user_error
from hcrmp.comparison.driving import Broken, Cockpit
from hcrmp.comparison.journal import Attempt, Key
from hcrmp.comparison.tasks import CHUNK, Task, TaskQueue
from hcrmp.config import EvaluateConfig
from hcrmp.errors import UserError

END_S = 10.0
"""Time that a process has to end by itself (s)."""


class DrivingError(Exception):
    """A fault of the program in a process that drives, with what it printed."""


def drive_all(config: EvaluateConfig, queue: TaskQueue) -> None:
    """Drive all that waits in ``queue``, here or in as many processes as ``config`` and the work ask for."""
    count = process_count(config, queue)
    if count > 1:
        with Processes(config, count) as processes:
            processes.drive(queue)
        return
    cockpit = Cockpit(config)
    while (task := queue.take()) is not None:
        drive_here(cockpit, task, queue)


def process_count(config: EvaluateConfig, queue: TaskQueue) -> int:
    """Return how many processes drive: CARLA's servers belong to one, and a few episodes are not worth a second."""
    if config.simulator is not None and config.simulator.name == "carla":
        return 1
    wanted = config.processes or cores()
    return min(wanted, max(queue.tasks, 1)) if config.processes else min(wanted, max(len(queue) // CHUNK, 1))


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def drive_here(cockpit: Cockpit, task: Task, queue: TaskQueue) -> None:
    """Drive a piece of work in this process."""
    try:
        cockpit.drive(task, lambda attempt: queue.attempted(task, attempt))
    except Broken as broken:
        queue.broken(task, broken.ended, broken.worlds, broken.error)


READY = "ready"
"""What a process says first."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    ready: bool = False
    task: Task | None = None
    ended: list[Key] = field(default_factory=list)


class Processes:
    """``count`` processes that take pieces of work from a queue."""

    def __init__(self, config: EvaluateConfig, count: int) -> None:
        # A fork would copy locks that threads of numba and torch hold.
        self._context = multiprocessing.get_context("spawn")
        self._config, self._cockpit = config, Cockpit(config)
        self._workers = [self._begin() for _ in range(count)]

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.connection.close()
            if worker.task is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(END_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def drive(self, queue: TaskQueue) -> None:
        """Drive until nothing is left."""
        while self._hand_out(queue):
            busy = {worker.connection: worker for worker in self._workers if worker.task is not None}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                try:
                    self._hear(worker, worker.connection.recv(), queue)
                except (EOFError, ConnectionError):
                    self._bury(worker, queue)

    def _hand_out(self, queue: TaskQueue) -> bool:
        """Give work to whoever has none; return whether anybody has."""
        for worker in self._workers:
            if worker.task is None and (task := queue.take()) is not None:
                worker.task, worker.ended = task, []
                try:
                    worker.connection.send(task)
                except ConnectionError:  # it is gone; that it is heard no more will tell
                    continue
        return any(worker.task is not None for worker in self._workers)

    def _hear(self, worker: _Worker, told: Any, queue: TaskQueue) -> None:
        assert worker.task is not None
        if told == READY:
            worker.ready = True
            return
        if isinstance(told, Attempt):
            worker.ended.append(told.key)
            queue.attempted(worker.task, told)
            return
        task, worker.task = worker.task, None
        if isinstance(told, Broken):
            queue.broken(task, told.ended, told.worlds, told.error)
        elif isinstance(told, Exception):
            raise told

    def _bury(self, worker: _Worker, queue: TaskQueue) -> None:
        """Put another in the place of a process that is gone; what ran in it is lost."""
        task, worker.task = worker.task, None
        assert task is not None
        worker.process.join()
        if not worker.ready:
            raise DrivingError(
                f"a process could not begin (status {worker.process.exitcode}); what it printed says why"
            )
        error = f"the process that drove ended with status {worker.process.exitcode}"
        queue.broken(task, worker.ended, self._cockpit.worlds(task), error)
        self._workers[self._workers.index(worker)] = self._begin()

    def _begin(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(self._config, theirs), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _work(config: EvaluateConfig, connection: Connection) -> None:
    """Drive what comes through ``connection`` until its other end is closed."""
    # Ctrl-C reaches the whole group; the process that began this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cockpit = Cockpit(config)
    connection.send(READY)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(_outcome(cockpit, task, connection))


def _outcome(cockpit: Cockpit, task: Task, connection: Connection) -> Exception | None:
    try:
        cockpit.drive(task, connection.send)
    except Broken as broken:
        return Broken(broken.worlds, broken.ended, broken.error)
    except Exception as error:
        return UserError(str(error)) if is_user_error(error) else DrivingError(traceback.format_exc())
    return None
