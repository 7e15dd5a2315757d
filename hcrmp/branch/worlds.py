"""The worlds that a recorded drive was driven in, built again from what its file and its run's folder say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from envs.driving_env import DrivingVectorEnv
from envs.embedded.simulator import EmbeddedSimulator
from envs.own_code import names_code
from envs.recording import DriveLog
from envs.recording.recorded_worlds import RecordedWorlds
from envs.scenarios.catalogue import FAMILIES, ROUTE, templates
from envs.scene import ActorRow, ActorStates, EventRow, Events, IntArray, SceneBatch
from hcrmp.branch.errors import BranchError
from hcrmp.branch.recordings import RecordingCourse, as_our_drive
from hcrmp.checkpoint import parameters_checksum
from hcrmp.course import Course, Episode, known_hints
from hcrmp.hinted_env import HintedVecEnv, Observation
from hcrmp.observation_bounds import check_observation
from hcrmp.run_folder import CONFIG_FILE, RUN, RunFolder
from hcrmp.sections import EmbeddedOptions
from hcrmp.strangers import without_code, without_reach
from hcrmp.train_config import TrainConfig, load_train, plain_config

RUN_WITHIN = 5
"""Folders above a drive among which its run is looked for: a branch of a branch lies deep."""


@dataclass(frozen=True)
class Origin:
    """A recorded ``drive``, the file ``path`` that holds it, and where it was driven.

    ``course`` has the drive's episode alone, in the embedded simulator; ``folder`` is the run that it lies in, whose
    planner may have driven it. ``repeats``: its actions lead to it again; else its bodies must be put where they were.
    """

    drive: DriveLog
    path: Path
    course: Course
    folder: RunFolder
    repeats: bool


def origin_of(path: Path, map_name: str = "") -> Origin:
    """Read the drive at ``path`` and find out where it was driven; ``map_name`` in place of that of a recording.

    Raises:
        DriveLogError: it is no drive.
        BranchError: it comes from a world that cannot be built here.
    """
    drive = DriveLog.read(path)
    folder, ours = run_of(path, drive)
    if drive.meta.scenario in (*FAMILIES, ROUTE) and not _in_own_scenario(drive):
        return Origin(drive, path, course_of(drive, folder, ours), folder, drive.meta.simulator == "embedded")
    read = as_our_drive(drive, path)
    return Origin(read, path, RecordingCourse.of(read, path, map_name), folder, False)


def run_of(path: Path, drive: DriveLog) -> tuple[RunFolder, bool]:
    """Return the run in which a drive lies, or a branch of one, or which it names; its own folder where there is none.

    And whether that is the user's word: what a drive names may lend its planner, but vouches for nothing that the drive
    says. A run that has been trained on since is not the one that it names.
    """
    near = next((parent for parent in path.absolute().parents[:RUN_WITHIN] if (parent / CONFIG_FILE).is_file()), None)
    if near is not None:
        return RunFolder(near), True
    if RUN in drive.meta.extra:
        named = RunFolder((path.absolute().parent / drive.meta.extra[RUN]).resolve())
        if drive.meta.checkpoint and parameters_checksum(named.latest_checkpoint) == drive.meta.checkpoint:
            return named, False
    return RunFolder(path.absolute().parent), False


def course_of(drive: DriveLog, folder: RunFolder, ours: bool) -> Course:
    """Return the course whose one episode is the drive; what its file does not tell is taken from its run.

    ``ours``: the run is the user's own, and what both say is to be believed.
    """
    told = drive.meta.configuration
    if told:
        config, ends_at = _believed(load_train(told["config"]), folder if ours else None), told["ends_at"]
        cell, labels = drive.meta.cell, _labels(config)
    else:
        config = _config_of_old(drive, folder, ours)
        ends_at = "collision" if drive.meta.scenario == ROUTE else "violation"
        cell, labels = 0, ((drive.meta.scenario, drive.meta.density),)
    config = replace(config, simulator=EmbeddedOptions())
    episode = Episode(cell, int(drive.meta.extra.get("episode", "0")), drive.meta.seed)
    hints = replace(config.hints, cache_file="")
    return Course(config, hints, (episode,), labels, known_hints(folder, None, config.hints), ends_at)


def _in_own_scenario(drive: DriveLog) -> bool:
    """Return whether a drive names code of its maker's as a family: it is a stranger's file, and nothing of it runs."""
    told = drive.meta.configuration
    return bool(told) and any(names_code(family) for family in load_train(told["config"]).scenario.families)


def _believed(config: TrainConfig, folder: RunFolder | None) -> TrainConfig:
    """Return a drive's ``config`` without what a stranger must not say, unless the user's run in ``folder`` says it."""
    try:
        check_observation(config.observation)
    except ValueError as error:
        raise BranchError(f"the drive's worlds are not built: {error}") from None
    own = load_train(folder.config()) if folder is not None and (folder.path / CONFIG_FILE).is_file() else None
    if own is None or (own.reward, own.observation) != (config.reward, config.observation):
        config = without_code(config)
    if own is None or own.hints != config.hints:
        config = replace(config, hints=without_reach(config.hints))
    return config


def _labels(config: TrainConfig) -> tuple[tuple[str, str], ...]:
    cells = templates(config.scenario.families, config.density, config.map)
    return tuple((scenario.name, scenario.density) for scenario in cells)


def _config_of_old(drive: DriveLog, folder: RunFolder, ours: bool) -> TrainConfig:
    """Return the configuration of a drive whose format did not hold it yet: its run's, in the drive's own cell."""
    trained = load_train(folder.config()) if (folder.path / CONFIG_FILE).is_file() else TrainConfig()
    trained = trained if ours else without_code(trained)
    provider = drive.meta.extra.get("hints", trained.hints.provider)
    cell = {"scenario": {"families": [drive.meta.scenario]}, "density": drive.meta.density}
    cell["map"] = trained.map if drive.meta.scenario == ROUTE else ""
    hints = trained.hints if provider == trained.hints.provider else replace(trained.hints, provider=provider)  # type: ignore[arg-type]
    return load_train(plain_config(replace(trained, hints=hints if ours else without_reach(hints))) | cell)


def worlds_of(course: Course, worlds: int) -> tuple[HintedVecEnv, Observation]:
    """Return ``worlds`` worlds that stand at the beginning of the course's one episode, and what is observed there."""
    env = course.environment(worlds)
    return env, start(env, course)


def start(env: HintedVecEnv, course: Course) -> Observation:
    """Begin the course's one episode in every world."""
    episode = course.episodes[0]
    env.reset()
    everyone = np.ones(env.num_envs, np.bool_)
    seeds, cells = np.full(env.num_envs, episode.seed), np.full(env.num_envs, episode.cell)
    return env.restart(everyone, seeds, cells)


def worlds_up_to(
    origin: Origin, course: Course, ticks: IntArray, *, replayed: bool = False
) -> tuple[HintedVecEnv, Observation]:
    """Return worlds that repeat the drive of ``origin``, each up to its own of ``ticks`` (n,), given its actions.

    ``course`` is the drive's as somebody else sees it. The others move as recorded to the drive's end where they are
    ``replayed``.
    """
    env, observation = worlds_of(course, len(ticks))
    if origin.repeats and not replayed:
        return env, observation
    simulator = env.driving.simulator
    assert isinstance(simulator, EmbeddedSimulator)
    scenes = in_slots(origin.drive.scenes, env.driving.scene.actors.id[0])
    others = np.full(len(ticks), len(origin.drive) - 1) if replayed else ticks
    ego = np.full(len(ticks), -1) if origin.repeats else ticks
    recorded = RecordedWorlds(len(ticks), simulator.maps, simulator.config, scenes, others, ego)
    driving = env.driving
    followed = DrivingVectorEnv(recorded, driving.scenarios, driving.stream.cells.tolist(), driving.config)
    hinted = HintedVecEnv(followed, env.service)
    return hinted, start(hinted, course)


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
