"""Processes that drive: each has worlds of its own; one that dies, or is silent, costs the episodes that ran in it."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from hcrmp.comparison.driving import Broken, Cockpit
from hcrmp.comparison.journal import Attempt, HintTimes, Key
from hcrmp.comparison.places import Places
from hcrmp.comparison.tasks import CHUNK, Task, TaskQueue
from hcrmp.course import Course
from hcrmp.errors import UserError, is_user_error
from hcrmp.evaluate_config import EvaluateConfig

END_S = 10.0
"""Time that a process has to end by itself (s)."""

BEGIN_S = 900.0
"""Time that a process has, at least, from its start or from a new piece of work to its first decision (s): kernels are
compiled, worlds built, models loaded."""

ALIVE_EVERY_S = 1.0
"""Time between two signs of life of a process that drives (s)."""


class DrivingError(Exception):
    """A fault of the program in a process that drives, with what it printed."""


def drive_all(
    config: EvaluateConfig, places: Places, queue: TaskQueue, courses: Mapping[str, Course] | None = None
) -> None:
    """Drive all that waits in ``queue``, here or in as many processes as ``config`` and the work ask for.

    ``courses`` that are laid out already, by contestant.
    """
    count = process_count(config, queue)
    if count > 1:
        with Processes(config, places, count) as processes:
            processes.drive(queue)
        return
    cockpit = Cockpit(config, places, courses=courses)
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
        cockpit.drive(task, lambda told: hear(queue, task, told))
    except Broken as broken:
        queue.broken(task, broken.ended, broken.worlds, broken.error)


def hear(queue: TaskQueue, task: Task, told: Attempt | HintTimes) -> None:
    """Keep what is told of a piece of work while it is driven."""
    if isinstance(told, Attempt):
        queue.attempted(task, told)
    else:
        queue.timed(told)


READY, ALIVE = "ready", "alive"
"""What a process says first, and while it drives."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    ready: bool = False
    driving: bool = False
    """Whether it has made a decision of its ``task``."""
    task: Task | None = None
    ended: list[Key] = field(default_factory=list)
    due_s: float = math.inf
    """When it must have been heard again, by the monotonic clock (s)."""


class Processes:
    """``count`` processes that take pieces of work from a queue."""

    def __init__(self, config: EvaluateConfig, places: Places, count: int) -> None:
        # A fork would copy locks that threads of numba and torch hold.
        self._context = multiprocessing.get_context("spawn")
        self._config, self._places, self._cockpit = config, places, Cockpit(config, places)
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
                _kill(worker.process)

    def drive(self, queue: TaskQueue) -> None:
        """Drive until nothing is left."""
        while self._hand_out(queue):
            busy = {worker.connection: worker for worker in self._workers if worker.task is not None}
            due_s = min(worker.due_s for worker in busy.values())
            patience_s = None if math.isinf(due_s) else max(due_s - time.monotonic(), 0.0)
            for connection in wait(list(busy), patience_s):
                worker = busy[connection]  # type: ignore[index]
                try:
                    self._hear(worker, worker.connection.recv(), queue)
                except (EOFError, ConnectionError):
                    self._bury(worker, queue)
            self._end_silent(queue)

    def _hand_out(self, queue: TaskQueue) -> bool:
        """Give work to whoever has none; return whether anybody has."""
        for worker in self._workers:
            if worker.task is None and (task := queue.take()) is not None:
                worker.task, worker.ended, worker.driving = task, [], False
                worker.due_s = self._due_s(BEGIN_S)
                try:
                    worker.connection.send(task)
                except ConnectionError:  # it is gone; that it is heard no more will tell
                    continue
        return any(worker.task is not None for worker in self._workers)

    def _hear(self, worker: _Worker, told: Any, queue: TaskQueue) -> None:
        assert worker.task is not None
        if told == READY:
            worker.ready, worker.due_s = True, self._due_s(BEGIN_S)
            return
        worker.driving, worker.due_s = True, self._due_s()
        if told == ALIVE:
            return
        if isinstance(told, (Attempt, HintTimes)):
            worker.ended += [told.key] if isinstance(told, Attempt) else []
            hear(queue, worker.task, told)
            return
        task, worker.task = worker.task, None
        if isinstance(told, Broken):
            queue.broken(task, told.ended, told.worlds, told.error)
        elif isinstance(told, Exception):
            raise told

    def _due_s(self, least_s: float = 0.0) -> float:
        """Return when a process that was heard now must be heard again."""
        silence_s = self._config.silence_s
        return time.monotonic() + max(silence_s, least_s) if silence_s else math.inf

    def _end_silent(self, queue: TaskQueue) -> None:
        """End the processes that were not heard in time, with all that they began."""
        for worker in [one for one in self._workers if one.task is not None and one.due_s <= time.monotonic()]:
            if worker.connection.poll():
                continue  # it has just said something: this process was busy
            _kill(worker.process)
            doing = "nothing was heard" if worker.ready else "it did not begin"
            limit_s = max(self._config.silence_s, 0.0 if worker.driving else BEGIN_S)
            self._replace(worker, queue, f"{doing} of the process that drove for {limit_s:g} s: it was ended")

    def _bury(self, worker: _Worker, queue: TaskQueue) -> None:
        """Put another in the place of a process that is gone; what ran in it is lost."""
        worker.process.join()
        if not worker.ready:
            raise DrivingError(
                f"a process could not begin (status {worker.process.exitcode}); what it printed says why"
            )
        self._replace(worker, queue, f"the process that drove ended with status {worker.process.exitcode}")

    def _replace(self, worker: _Worker, queue: TaskQueue, error: str) -> None:
        """Put another in the place of a process; what ran in it is lost, the rest is for whoever is free."""
        task, worker.task = worker.task, None
        assert task is not None
        worker.connection.close()
        queue.broken(task, worker.ended, self._cockpit.worlds(task), error)
        self._workers[self._workers.index(worker)] = self._begin()

    def _begin(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(self._config, self._places, theirs), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _work(config: EvaluateConfig, places: Places, connection: Connection) -> None:
    """Drive what comes through ``connection`` until its other end is closed."""
    # Ctrl-C is for the process that began this one, which ends it with all that it began: a group of its own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    cockpit = Cockpit(config, places, _signs_of_life(connection))
    connection.send(READY)
    while True:
        try:
            connection.send(_outcome(cockpit, connection.recv(), connection))
        except (EOFError, ConnectionError):
            return


def _signs_of_life(connection: Connection) -> Callable[[], None]:
    """Return what says now and then, where it is called, that this process goes on."""
    last_s = -math.inf

    def alive() -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= ALIVE_EVERY_S:
            last_s = now_s
            connection.send(ALIVE)

    return alive


def _kill(process: BaseProcess) -> None:
    """End a process, stopped or hanging, with the group that it leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.pid is not None and hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # there is no such group unless it has made one
    process.kill()
    process.join()


def _outcome(cockpit: Cockpit, task: Task, connection: Connection) -> Exception | None:
    try:
        cockpit.drive(task, connection.send)
    except Broken as broken:
        return Broken(broken.worlds, broken.ended, broken.error)
    except Exception as error:
        return UserError(str(error)) if is_user_error(error) else DrivingError(traceback.format_exc())
    return None
