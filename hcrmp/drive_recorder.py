"""Every episode of an evaluation becomes a drive."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy.typing as npt

from envs.driving_env import Transition
from envs.recording import DriveMeta, DriveStart
from envs.recording.packing import PackedValues
from envs.scene import IntArray
from envs.simulator import DECISION_PERIOD_S
from hcrmp.course import Course, Episode
from hcrmp.drivers import Driver, tell
from hcrmp.episode_record import EpisodeRecord
from hcrmp.hinted_env import HintedVecEnv, Observation
from hcrmp.run_folder import MADE_BY, RUN, provenance, provenance_line
from hcrmp.train_config import TrainConfig, plain_config
from hcrmp.worlds_recorder import Told, WorldsRecorder


class EvaluationRecorder:
    """Records every episode that ``evaluate_driver`` drives; use it in a ``with`` statement.

    ``name`` gives the file of an episode its name (without the suffix); ``paths`` are the files that are written.
    ``made_by`` (the program's provenance; found out where it is None), ``checkpoint`` (checksum of the planner's
    parameters) and, where the drives do not lie in it, the way from ``folder`` to the planner's ``run`` go into each
    drive.
    Where so many drives of a cell at ``most`` will be kept (``choose_drives``), those that cannot be
    among them are not written.
    """

    def __init__(
        self,
        env: HintedVecEnv,
        driver: Driver,
        course: Course,
        folder: Path,
        name: Callable[[Episode], str],
        *,
        made_by: Mapping[str, Any] | None = None,
        checkpoint: str = "",
        run: Path | None = None,
        most: int | None = None,
    ) -> None:
        self._course, self._name, self._most = course, name, most
        made_by = {**(made_by or provenance(course.config.seed)), "seed": course.config.seed}
        self._made_by = provenance_line(made_by)
        self._numbers: dict[tuple[int, str], list[int]] = {}
        self._episodes: dict[int, Episode] = {}
        self._run = {} if run is None else {RUN: Path(os.path.relpath(run, folder)).as_posix()}
        self._recorder = WorldsRecorder(env, folder, lambda observation: tell(driver, observation), learns=False)
        self._meta = DriveMeta(
            scenario="",
            planner=driver.name,
            simulator=course.config.simulator.name,
            decision_period_s=DECISION_PERIOD_S,
            commit=made_by["commit"] or "",
            checkpoint=checkpoint,
            configuration=PackedValues(configuration_of(replace(course.config, hints=course.hints), course.ends_at)),
        )

    @property
    def paths(self) -> list[Path]:
        """The files written so far; all of them after the end of the ``with`` statement."""
        return self._recorder.paths

    def __enter__(self) -> EvaluationRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._recorder.close(failed=kind is not None and issubclass(kind, Exception))

    def begin(self, worlds: IntArray, episodes: Sequence[Episode]) -> None:
        """Begin the drives of ``worlds``, one for each of ``episodes``, with the next ``tick``."""
        self._episodes |= {int(world): episode for world, episode in zip(worlds, episodes, strict=True)}
        starts = [self._start(int(world), episode) for world, episode in zip(worlds, episodes, strict=True)]
        self._recorder.begin(worlds, starts)

    def tick(self, observation: Observation, told: Told) -> None:
        """Add what the driver sees now, and what it tells of it."""
        self._recorder.tick(observation, told)

    def advanced(self, actions: npt.NDArray[Any], made: Transition) -> None:
        """Note what came of the actions."""
        self._recorder.advanced(actions, made)

    def last_tick(self, worlds: IntArray, observation: Observation) -> None:
        """Add the last scenes of ``worlds``, before they are restarted."""
        self._recorder.last_tick(worlds, observation)

    def end(self, world: int, record: EpisodeRecord) -> None:
        """End the drive of a world as it was measured."""
        if self._may_be_kept(self._episodes[world], record.outcome):
            self._recorder.end(world, record.outcome)
        else:
            self._recorder.drop(world)

    def _may_be_kept(self, episode: Episode, outcome: str) -> bool:
        """Return whether fewer than ``most`` earlier episodes of the cell have ended in the same way so far."""
        if self._most is None:
            return True
        numbers = self._numbers.setdefault((episode.cell, outcome), [])
        numbers.append(episode.number)
        return sum(number < episode.number for number in numbers) < self._most

    def _start(self, world: int, episode: Episode) -> DriveStart:
        scenario, density = self._course.labels[episode.cell]
        map_name = self._recorder.map_name(world)
        meta = replace(
            self._meta,
            scenario=scenario,
            density=density,
            seed=episode.seed,
            cell=episode.cell,
            map_name=Path(map_name).stem,
            extra={
                "hints": self._course.hints.provider,
                "episode": str(episode.number),
                MADE_BY: self._made_by,
                **self._run,
                **self._recorder.weather(world),
            },
        )
        return DriveStart(self._name(episode), meta, self._recorder.drawing(map_name))


def configuration_of(config: TrainConfig, ends_at: str) -> dict[str, Any]:
    """Return what is needed to simulate a drive again: ``load_train(configuration["config"])`` and what ended it."""
    return {"config": plain_config(config), "ends_at": ends_at}
