"""Drives recorded while they happen: what the worlds, the planner and the hints know goes to a ``BatchRecorder``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from envs.driving_env import Transition
from envs.recording import BatchRecorder, DriveMeta, DriveStart, HintTold, SlotLayout, recover_drives
from envs.roads.drawing import RoadDrawing
from envs.scenarios.catalogue import ScenarioSet
from envs.scene import FloatArray, IntArray
from envs.simulator import DECISION_PERIOD_S
from hcrmp.drivers import Driver
from hcrmp.encoders import STATE_KEY
from hcrmp.evaluation import Course, Episode
from hcrmp.hinted_env import HintedVecEnv, Observation
from hcrmp.metrics import EpisodeRecord
from hcrmp.train_config import TrainConfig, plain_config
from llm_hints.hint import HintBatch, HintSource

Numbers = Mapping[str, npt.NDArray[Any]]

SOURCES = tuple(source.name.lower() for source in HintSource)


def hint_words(state: FloatArray, weights: FloatArray) -> list[str]:
    """Return hints of numbers ``(k, 13)`` and weights ``(k, 3)`` in words."""
    nothing = np.zeros(len(state))
    return [hint.text() for hint in HintBatch(state, weights, nothing.astype(np.int64), nothing).hints()]


def save_left_drives(folder: Path) -> list[Path]:
    """Write the drives that killed processes left in ``folder`` to files there; return these."""
    return recover_drives(folder, hint_words, SOURCES)


class Telling(Protocol):
    """Who drives, as far as it is recorded: arrays ``(B, width)`` of an observation, None where it has none."""

    def values(self, observation: Observation) -> npt.NDArray[Any] | None:
        """Return what its three critics expect ``(B, 3)``."""
        ...

    def weights(self, observation: Observation) -> npt.NDArray[Any] | None:
        """Return the weights of its critics ``(B, 3)``."""
        ...


def told_by(planner: Telling, observation: Observation) -> Numbers:
    """Return what a planner tells of an observation, by names of ``PlannerTrace``."""
    distribution = getattr(planner, "distribution", None)
    told = {
        "values": planner.values(observation),
        "weights": planner.weights(observation),
        "distribution": None if distribution is None else distribution(observation),
    }
    return {name: numbers for name, numbers in told.items() if numbers is not None}


class WorldsRecorder:
    """Records drives of the worlds ``rows`` of ``env`` (all by default) into ``folder``.

    ``begin`` after an episode's start, ``step`` after ``env.advance`` and before a restart, ``end`` between the two.
    Worlds count from 0 within ``rows``.
    """

    def __init__(self, env: HintedVecEnv, planner: Telling, folder: Path, rows: IntArray | None = None) -> None:
        self.env, self.planner, self.folder = env, planner, folder
        self.paths: list[Path] = []
        self._rows = rows
        self._places = {world: place for place, world in enumerate(np.arange(env.num_envs) if rows is None else rows)}
        self._drawings: dict[str, RoadDrawing] = {}
        self._batch: BatchRecorder | None = None
        save_left_drives(folder)

    def drawing(self, map_name: str) -> RoadDrawing:
        """Return the drawing of a map, the same object for all drives on it."""
        if map_name not in self._drawings:
            scenarios = self.env.driving.scenarios
            assert isinstance(scenarios, ScenarioSet)
            self._drawings[map_name] = scenarios.maps.drawing(map_name)
        return self._drawings[map_name]

    def begin(self, places: IntArray, starts: Sequence[DriveStart], observation: Observation) -> None:
        """Begin the drives of the worlds at ``places``; ``observation`` ``(B, ...)`` is what is seen now."""
        numbers = self._numbers(observation)
        if self._batch is None:
            self._batch = self._open(numbers)
        else:
            # In realtime, a hint may have come while other worlds were restarted; this is what the planner will see.
            self._batch.amend({name: numbers[name] for name in _HINTS})
        self._batch.begin(places, starts, self._scene(), numbers)
        self._tell()

    def step(self, actions: npt.NDArray[Any], made: Transition, observation: Observation) -> None:
        """Add what came of ``actions`` ``(B, 2)``."""
        if self._batch is None or not self._batch.recording.any():
            return
        done = {"action": actions, "control": self.env.driving.last_control, "reward_terms": made.reward_terms}
        self._batch.step(self._scene(), self._numbers(observation) | self._chosen(done))
        self._tell()

    def end(self, place: int, outcome: str, extra: Mapping[str, str] | None = None) -> None:
        """End the drive of a world."""
        assert self._batch is not None
        self._batch.end(place, outcome, extra)

    def close(self, *, failed: bool = False) -> None:
        """Write what is left; drives under way are kept, as cut short, where the driving ``failed``."""
        self.env.service.talk.on = False
        if self._batch is not None:
            self._batch.close(failed=failed)

    def _open(self, numbers: Numbers) -> BatchRecorder:
        self.env.service.talk.on = True
        told = tuple(name for name in ("weights", "values", "distribution") if name in numbers)
        scene = self._scene()
        layout = SlotLayout(scene.batch_size, scene.actor_slots, numbers["observation"].shape[1], told)
        return BatchRecorder(self.folder, layout, words=hint_words, sources=SOURCES, written=self.paths.append)

    def _scene(self) -> Any:
        scene = self.env.driving.scene
        return scene if self._rows is None else scene.rows(self._rows)

    def _numbers(self, observation: Observation) -> dict[str, npt.NDArray[Any]]:
        """Return what is recorded of every scene besides the scene."""
        if self._rows is not None:
            observation = {key: part[self._rows] for key, part in observation.items()}
        hints = self.env.service.hints
        told = self._chosen(
            {
                "hint_state": hints.state,
                "hint_weights": hints.weights,
                "hint_source": hints.source,
                "hint_issued_at_s": hints.issued_at_s,
            }
        )
        return {"observation": observation[STATE_KEY], **told, **told_by(self.planner, observation)}

    def _chosen(self, numbers: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        return numbers if self._rows is None else {name: array[self._rows] for name, array in numbers.items()}

    def _tell(self) -> None:
        """Note what language models were asked and said in the last poll."""
        assert self._batch is not None
        for told in self.env.service.talk.told:
            if told.world in self._places:
                hint = HintTold(told.asked_at_s, told.prompt, told.answer, told.fate)
                self._batch.tell(self._places[told.world], hint)


_HINTS = ("hint_state", "hint_weights", "hint_source", "hint_issued_at_s", "observation")


class EvaluationRecorder:
    """Records every episode that ``evaluate_driver`` drives; use it in a ``with`` statement.

    ``name`` gives the file of an episode its name (without the suffix); ``paths`` are the files that are written.
    ``commit`` of the code and ``checkpoint``, the checksum of the planner's parameters, go into each drive.
    """

    def __init__(
        self,
        env: HintedVecEnv,
        driver: Driver,
        course: Course,
        folder: Path,
        name: Callable[[Episode], str],
        *,
        commit: str = "",
        checkpoint: str = "",
    ) -> None:
        self._course, self._name = course, name
        self._recorder = WorldsRecorder(env, driver, folder)
        self._meta = DriveMeta(
            scenario="",
            planner=driver.name,
            simulator=course.config.simulator.name,
            decision_period_s=DECISION_PERIOD_S,
            commit=commit,
            checkpoint=checkpoint,
            configuration=configuration_of(replace(course.config, hints=course.hints), course.ends_at),
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

    def begin(self, worlds: IntArray, episodes: Sequence[Episode], observation: Observation) -> None:
        """Begin the drives of ``worlds``, one for each of ``episodes``."""
        if len(worlds):
            self._recorder.begin(worlds, [self._start(episode) for episode in episodes], observation)

    def step(self, actions: npt.NDArray[Any], made: Transition, observation: Observation) -> None:
        """Add a step of all worlds."""
        self._recorder.step(actions, made, observation)

    def end(self, world: int, record: EpisodeRecord) -> None:
        """End the drive of a world as it was measured."""
        self._recorder.end(world, record.outcome)

    def _start(self, episode: Episode) -> DriveStart:
        scenario, density = self._course.labels[episode.cell]
        map_name = self._recorder.env.driving.scenarios.sample(episode.cell, episode.seed).map_name
        meta = replace(
            self._meta,
            scenario=scenario,
            density=density,
            seed=episode.seed,
            cell=episode.cell,
            map_name=Path(map_name).stem,
            extra={"hints": self._course.hints.provider, "episode": str(episode.number)},
        )
        return DriveStart(self._name(episode), meta, self._recorder.drawing(map_name))


def configuration_of(config: TrainConfig, ends_at: str) -> dict[str, Any]:
    """Return what is needed to simulate a drive again: ``load_train(configuration["config"])`` and what ended it."""
    return {"config": plain_config(config), "ends_at": ends_at}
