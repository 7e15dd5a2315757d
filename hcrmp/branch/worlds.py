"""The worlds that a recorded drive was driven in, built again from what its file and its run's folder say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from envs.driving_env import DrivingVectorEnv
from envs.embedded.simulator import EmbeddedSimulator
from envs.recording import DriveLog
from envs.recording.recorded_worlds import RecordedWorlds
from envs.scenarios.catalogue import FAMILIES, ROUTE, templates
from envs.scene import ActorRow, ActorStates, EventRow, Events, IntArray, SceneBatch
from hcrmp.branch.errors import BranchError
from hcrmp.evaluation import Course, Episode, known_hints
from hcrmp.hinted_env import HintedVecEnv, Observation
from hcrmp.mapping import to_mapping
from hcrmp.run_folder import CONFIG_FILE, RunFolder
from hcrmp.train_config import TrainConfig, load_train


@dataclass(frozen=True)
class Origin:
    """A recorded ``drive``, the file ``path`` that holds it, and where it was driven.

    ``course`` has the drive's episode alone; ``folder`` is the run that it lies in, whose planner may have driven it.
    """

    drive: DriveLog
    path: Path
    course: Course
    folder: RunFolder


def origin_of(path: Path) -> Origin:
    """Read the drive at ``path`` and find out where it was driven.

    Raises:
        DriveLogError: it is no drive.
        BranchError: it comes from a world that cannot be built here.
    """
    drive = DriveLog.read(path)
    folder = RunFolder(path.absolute().parent.parent)
    if drive.meta.scenario not in (*FAMILIES, ROUTE):
        raise BranchError(
            f"{path.name} shows {drive.meta.scenario or 'no scenario'!r}, which is none of ours: it can be shown, but "
            "not simulated again"
        )
    return Origin(drive, path, course_of(drive, folder), folder)


def course_of(drive: DriveLog, folder: RunFolder) -> Course:
    """Return the course whose one episode is the drive; what its file does not tell is taken from its run."""
    told = drive.meta.configuration
    if told:
        config, ends_at = load_train(told["config"]), told["ends_at"]
        cell, labels = drive.meta.cell, _labels(config)
    else:
        config, ends_at = _config_of_old(drive, folder), "collision" if drive.meta.scenario == ROUTE else "violation"
        cell, labels = 0, ((drive.meta.scenario, drive.meta.density),)
    episode = Episode(cell, int(drive.meta.extra.get("episode", "0")), drive.meta.seed)
    hints = replace(config.hints, cache_file="")
    return Course(config, hints, (episode,), labels, known_hints(folder, None), ends_at)


def _labels(config: TrainConfig) -> tuple[tuple[str, str], ...]:
    cells = templates(config.scenario.families, config.density, config.map)
    return tuple((scenario.name, scenario.density) for scenario in cells)


def _config_of_old(drive: DriveLog, folder: RunFolder) -> TrainConfig:
    """Return the configuration of a drive whose format did not hold it yet: its run's, in the drive's own cell."""
    trained = load_train(folder.config()) if (folder.path / CONFIG_FILE).is_file() else TrainConfig()
    provider = drive.meta.extra.get("hints", trained.hints.provider)
    cell = {"scenario": {"families": [drive.meta.scenario]}, "density": drive.meta.density}
    cell["map"] = trained.map if drive.meta.scenario == ROUTE else ""
    hints = trained.hints if provider == trained.hints.provider else replace(trained.hints, provider=provider)  # type: ignore[arg-type]
    return load_train(to_mapping(replace(trained, hints=hints)) | cell)


def worlds_of(course: Course, worlds: int) -> tuple[HintedVecEnv, Observation]:
    """Return ``worlds`` worlds that stand at the beginning of the course's one episode, and what is observed there."""
    env = course.environment(worlds)
    return env, _started(env, course)


def _started(env: HintedVecEnv, course: Course) -> Observation:
    """Begin the course's one episode in every world."""
    episode = course.episodes[0]
    env.reset()
    everyone = np.ones(env.num_envs, np.bool_)
    seeds, cells = np.full(env.num_envs, episode.seed), np.full(env.num_envs, episode.cell)
    return env.restart(everyone, seeds, cells)


def replayed_worlds_of(course: Course, drive: DriveLog, worlds: int) -> tuple[HintedVecEnv, Observation]:
    """Return what ``worlds_of`` does, with others who move as in ``drive`` to its end, whatever the egos do."""
    env = course.environment(worlds)
    simulator = env.driving.simulator
    if not isinstance(simulator, EmbeddedSimulator):
        raise BranchError("others=replayed moves them in the embedded simulator alone: use simulator=embedded")
    _started(env, course)
    scenes = in_slots(drive.scenes, env.driving.scene.actors.id[0])
    last, never = np.full(worlds, len(drive) - 1), np.full(worlds, -1)
    recorded = RecordedWorlds(worlds, simulator.maps, simulator.config, scenes, last, never)
    driving = DrivingVectorEnv(recorded, env.driving.scenarios, env.driving.stream.cells.tolist(), env.driving.config)
    replayed = HintedVecEnv(driving, env.service)
    return replayed, _started(replayed, course)


def in_slots(scenes: SceneBatch, ids: IntArray) -> SceneBatch:
    """Return a drive's scenes with its road users in the slots of ``ids`` (A,), which numbers them.

    A drive may have been recorded in worlds with more or fewer slots.
    """
    if scenes.actor_slots == len(ids):
        return scenes
    block = np.zeros((len(ActorRow), scenes.batch_size, len(ids)))
    place = np.full(scenes.actor_slots, -1)
    for slot in np.flatnonzero(scenes.actors.valid.any(axis=0)):
        number = int(scenes.actors.id[np.argmax(scenes.actors.valid[:, slot]), slot])
        place[slot] = int(np.flatnonzero(ids == number)[0])
        block[:, :, place[slot]] = scenes.actors.block[:, :, slot]
    events = scenes.events.block.copy()
    hit = events[EventRow.COLLISION_ACTOR].astype(np.int64)
    events[EventRow.COLLISION_ACTOR] = np.where(hit >= 0, place[hit], -1)
    return replace(scenes, actors=ActorStates(block), events=Events(events))
