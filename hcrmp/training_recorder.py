"""A sample of a training's episodes, recorded as drives: one world is watched, evenly over the training."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.base_class import BaseAlgorithm

from envs.driving_env import Transition
from envs.recording import DriveMeta, DriveStart
from envs.recording.packing import PackedValues
from envs.scenarios.catalogue import ScenarioSet
from envs.simulator import DECISION_PERIOD_S
from envs.termination import Outcome
from hcrmp.drive_recorder import configuration_of
from hcrmp.drivers import PlannerDriver
from hcrmp.hinted_env import HintedVecEnv, Observation
from hcrmp.train_config import TrainConfig
from hcrmp.worlds_recorder import Tell, WorldsRecorder

WATCHED = np.zeros(1, dtype=np.int64)
"""The world whose episodes are recorded: the first."""


class TrainingRecorder:
    """Records episodes of the first world into ``folder``: ``config.record`` of them, evenly over ``total_steps``.

    The k-th is the first that begins there after k / ``record`` of the steps, so that a resumed training goes on with
    those that are not there yet. A drive is named after the steps at its start: ``training-0000120000``. What the
    planner tells is that of the moment: the networks change with every update.
    """

    def __init__(self, env: HintedVecEnv, model: BaseAlgorithm, config: TrainConfig, folder: Path, commit: str) -> None:
        self._env, self._model = env, model
        self._every = config.total_steps / config.record
        self._next = self._every * math.ceil(model.num_timesteps / self._every)
        driver = PlannerDriver("planner", model)
        self._tell: Tell = driver.tell
        self._recorder = WorldsRecorder(env, folder, self._tell, WATCHED, learns=True)
        self._seen: npt.NDArray[np.float32] | None = None
        self._recording, self._begins = False, False
        self._meta = DriveMeta(
            scenario="",
            planner=config.algo.name,
            simulator=config.simulator.name,
            decision_period_s=DECISION_PERIOD_S,
            commit=commit,
            extra={"hints": config.hints.provider},
            configuration=PackedValues(configuration_of(config, env.driving.config.ends_at)),
        )
        env.watcher = self

    def decided(self) -> None:
        """Add what the planner sees; begin a drive where one is due and an episode begins."""
        if self._begins and not self._recording and self._model.num_timesteps >= self._next:
            self._next += self._every
            self._recorder.begin(WATCHED, [self._start()])
            self._recording = True
        if self._recording:
            assert self._seen is not None
            observation = self._env.observe(self._seen)
            self._recorder.tick(observation, self._tell({key: part[WATCHED] for key, part in observation.items()}))

    def advanced(self, actions: npt.NDArray[Any], made: Transition, observation: Observation) -> None:
        """Note what a step has come to, before the world is restarted."""
        # A restart writes the first observation into the same array.
        self._seen, self._begins = made.observation, bool(made.ended[0])
        if not self._recording:
            return
        self._recorder.advanced(actions, made)
        if made.ended[0]:
            self._recorder.last_tick(WATCHED, observation)
            self._recorder.end(0, Outcome(int(made.outcome[0])).word)
            self._recording = False

    def close(self, *, failed: bool = False) -> None:
        """Look on no longer, and write what is left."""
        self._env.watcher = None
        self._recorder.close(failed=failed)

    def _start(self) -> DriveStart:
        driving, steps = self._env.driving, self._model.num_timesteps
        scenarios = driving.scenarios
        assert isinstance(scenarios, ScenarioSet)
        cell = int(driving.cells[0])
        map_name = self._recorder.map_name(0)
        meta = replace(
            self._meta,
            scenario=scenarios.scenarios[cell].name,
            density=scenarios.scenarios[cell].density,
            seed=int(driving.episode_seeds[0]),
            cell=cell,
            map_name=Path(map_name).stem,
            extra={**self._meta.extra, "steps": str(steps), **self._recorder.weather(0)},
        )
        return DriveStart(f"training-{steps:010d}", meta, self._recorder.drawing(map_name))
