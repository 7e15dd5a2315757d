"""One process's part of an evaluation: it takes a piece of work, drives it, and tells of each episode as it ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch as th

from envs.scene import FloatArray
from hcrmp.checkpoint import parameters_checksum
from hcrmp.comparison.contestants import Contestant, worlds_of
from hcrmp.comparison.journal import Attempt, HintTimes, Key
from hcrmp.comparison.places import InRun, Places
from hcrmp.comparison.tasks import Task
from hcrmp.course import Course, Episode, course_of
from hcrmp.drive_recorder import EvaluationRecorder
from hcrmp.drivers import Driver
from hcrmp.episode_plan import Driven
from hcrmp.errors import is_user_error
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.evaluation import evaluate_driver, make_driver
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.run_folder import RunFolder, provenance
from hcrmp.sections import Driver as DriverName

Told = Callable[[Attempt | HintTimes], None]


class Broken(Exception):
    """A piece of work that broke off: in ``worlds`` worlds, after the episodes ``ended``, with the ``error``."""

    def __init__(self, worlds: int, ended: list[Key], error: str) -> None:
        super().__init__(worlds, ended, error)  # all of them, so that it can be sent from process to process
        self.worlds, self.ended, self.error = worlds, ended, error


class Cockpit:
    """Where contestants take their seats, one after the other, in this process; ``config`` names the simulator.

    ``alive`` is called at every decision; ``courses`` are laid out already, by contestant.
    """

    def __init__(
        self,
        config: EvaluateConfig,
        places: Places,
        alive: Callable[[], None] = lambda: None,
        courses: Mapping[str, Course] | None = None,
    ) -> None:
        th.set_num_threads(1)
        self._config, self._places, self._alive = config, places, alive
        self._made_by = provenance(config.seed) if config.record else None
        self._courses = dict(courses or {})

    def worlds(self, task: Task) -> int:
        """Return in how many worlds a piece is driven."""
        return 1 if task.alone else min(self._config.worlds, len(task.episodes))

    def course(self, contestant: Contestant) -> Course:
        """Return the course of a contestant, laid out once."""
        if contestant.name not in self._courses:
            self._courses[contestant.name] = course_for(self._config, contestant)
        return self._courses[contestant.name]

    def drive(self, task: Task, told: Told) -> None:
        """Drive the episodes of ``task``; each is told of as it ends, and last how long their hints took.

        Raises:
            Broken: the environment raised an error in the middle.
        """
        course = replace(self.course(task.contestant), episodes=task.episodes)
        env = course.environment(self.worlds(task))
        ended: list[Key] = []

        def on_end(driven: Driven) -> None:
            ended.append(task.key(driven.episode, course.labels))
            told(Attempt(ended[-1], driven.record, trace_hash(driven)))

        try:
            driver = self._driver(task, course, env)
            self._drive(task, course, env, driver, on_end)
            told(HintTimes(task.contestant.name, *map(_rounded, env.service.wall_times)))
        except Exception as error:
            if is_user_error(error):
                raise
            raise Broken(env.num_envs, ended, f"{type(error).__name__}: {error}") from error
        finally:
            env.close()

    def _driver(self, task: Task, course: Course, env: HintedVecEnv) -> Driver:
        one, config = task.contestant, self._config
        folder, _ = seat(config, one)
        return make_driver(driver_name(one), course, env, folder, config.deterministic, file_of(one))

    def _drive(
        self, task: Task, course: Course, env: HintedVecEnv, driver: Driver, on_end: Callable[[Driven], None]
    ) -> None:
        # Sampled actions depend on the piece of work, not on what this process has driven before.
        th.manual_seed(_sampling_seed(self._config.seed, task))
        seed = task.contestant.planner_seed
        with self._recording(task, course, env, driver) as recorder:
            evaluate_driver(
                env, driver, course, planner_seed=seed, on_end=on_end, on_decision=self._alive, recorder=recorder
            )

    def _recording(
        self, task: Task, course: Course, env: HintedVecEnv, driver: Driver
    ) -> AbstractContextManager[EvaluationRecorder | None]:
        """Return what records the drives while they happen; which are kept is chosen when all are known."""
        record = self._config.record
        if not record:
            return nullcontext()

        def file(episode: Episode) -> Path:
            return self._places.drive_file(task.key(episode, course.labels))

        run = Path(task.contestant.path) if task.contestant.kind == "run" else None
        checkpoint = "" if run is None else parameters_checksum(RunFolder(run).latest_checkpoint)
        return EvaluationRecorder(
            env, driver, course, file(task.episodes[0]).parent, lambda episode: file(episode).stem,
            made_by=self._made_by, checkpoint=checkpoint, run=None if isinstance(self._places, InRun) else run,
            most=None if record == "all" else record,
        )  # fmt: skip


def driver_name(contestant: Contestant) -> DriverName:
    """Return what ``make_driver`` calls a contestant."""
    return cast(DriverName, contestant.name if contestant.kind == "driver" else "planner")


def _rounded(times_s: FloatArray) -> tuple[float, ...]:
    """Return times with as many digits as a clock is worth."""
    return tuple(float(f"{one:.4g}") for one in times_s)


def course_for(config: EvaluateConfig, contestant: Contestant) -> Course:
    """Return the course that ``config`` lays out for a contestant."""
    return course_of(replace(config, driver=driver_name(contestant)), *seat(config, contestant))


def seat(config: EvaluateConfig, contestant: Contestant) -> tuple[RunFolder | None, Path | None]:
    """Return the run or the file that say what a contestant sees and how it acts: its own, else those of ``run=``."""
    if contestant.kind == "run" and contestant.path:
        return RunFolder(Path(contestant.path)), None
    folder, file = worlds_of(config)
    return folder, file_of(contestant) or file


def file_of(contestant: Contestant) -> Path | None:
    """Return where a contestant lies that was shared without its run."""
    return Path(contestant.path) if contestant.kind == "file" else None


def trace_hash(driven: Driven) -> str:
    """Return what two drives of an episode have in common only if they were the same: sha256, hexadecimal.

    Of the actions and of everything that was measured of the world: a world that differs in one bit at one step gives
    another mean speed.
    """
    digest = hashlib.sha256(np.ascontiguousarray(driven.actions, dtype=np.float32).tobytes())
    digest.update(repr(driven.record).encode())
    return digest.hexdigest()


def _sampling_seed(seed: int, task: Task) -> int:
    words = [seed, task.contestant.planner_seed, task.repetition, task.number, int(task.alone), task.episodes[0].number]
    return int(np.random.SeedSequence(words).generate_state(1)[0])
